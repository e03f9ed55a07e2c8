/** The terminal pictures: what is typed in them is a command that there is, and nothing in them is markup or comes from elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { commands } from '../../cli/commands.ts';
import { svgOf } from '../../scripts/pictures.ts';
import { root } from '../docs/processes.ts';

const folder = join(root, 'docs/pictures');

it.each(readdirSync(folder))('%s shows commands that there are, and is in a page', (file) => {
  const svg = readFileSync(join(folder, file), 'utf8');
  const typed = [...svg.matchAll(/\$ keyturn (\w+)/g)].map(([, name]) => name);
  expect(typed.length).toBeGreaterThan(0);
  expect(typed.filter((name) => !commands.some((each) => each.name === name))).toEqual([]);
  expect(svg).not.toMatch(/<script|href|url\(|@import|error:/);
  expect(readFileSync(join(root, 'docs/cli.md'), 'utf8')).toContain(`(pictures/${file})`);
});

it('is made of text with colours, and escapes it', () => {
  const svg = svgOf('\x1b[1m$ keyturn x\x1b[0m\n\x1b[32m<b> & "c"\x1b[0m', 'a <b>');
  expect(svg).toContain('<tspan fill="#85e89d">&lt;b&gt; &amp; "c"</tspan>');
  expect(svg).toContain('aria-label="a &lt;b&gt;"');
});
