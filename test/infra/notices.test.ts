/** Terms of what is bundled (case ATK-14). */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Metafile } from 'esbuild';
import { notices } from '../../scripts/release/notices.ts';
import { endAll, root, start } from '../docs/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-notices-'));
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

const GRANT = 'Permission is hereby granted, free of charge, to any person';

/** A package with these files beside its package.json, and a bundle that took `index.js` of it. */
function bundled(
  name: string,
  files: Readonly<Record<string, string>>,
  at = `node_modules/${name}`,
): Metafile {
  const all = {
    'package.json': JSON.stringify({ name, version: '1.2.3', license: 'MIT' }),
    ...files,
  };
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, at, file)), { recursive: true });
    writeFileSync(join(folder, at, file), text);
  }
  const inputs = { [`${at}/lib/index.js`]: { bytesInOutput: 1 } };
  return { inputs: {}, outputs: { 'app/a.mjs': { bytes: 1, inputs, imports: [], exports: [] } } };
}
const of = (...bundles: Metafile[]) => notices(bundles, folder, join(folder, 'kept'));

describe('THIRD-PARTY-NOTICES', () => {
  it('ATK-14: holds each package in either bundle once, with its terms and its notice, also one inside another', async () => {
    const one = bundled('one', { LICENSE: `one: ${GRANT}`, 'NOTICE.txt': 'one was made by One' });
    const scoped = bundled('@two/two', { 'licence.md': `two: ${GRANT}\r\n` });
    const inner = bundled(
      'one',
      { COPYING: `inner: ${GRANT}` },
      'node_modules/@two/two/node_modules/one',
    );
    const text = await of(one, scoped, inner, one);
    for (const [what, times] of [
      ['one: ', 1],
      ['two: ', 1],
      ['inner: ', 1],
      ['one was made by One', 1],
      ['@two/two 1.2.3 (MIT)', 1],
    ] as const)
      expect([what, text.split(what).length - 1]).toEqual([what, times]);
    expect(text).not.toContain('\r');
    expect(await of(inner, scoped, one)).toBe(text);
  });

  it.each([
    ['no file at all', {}],
    ['a file without terms', { LICENSE: 'Copyright (c) 2020 Somebody' }],
    ['a pointer', { 'LICENSE.md': 'See https://example.org/licence' }],
    ['a README that names the licence alone', { 'README.md': '# bare\n\n## License\n\nMIT\n' }],
    [
      'terms under another heading',
      { 'README.md': `# bare\n\n## License\n\nMIT\n\n## Story\n\n${GRANT}\n` },
    ],
    ['a folder of that name', { 'LICENSE/readme.txt': GRANT }],
  ])('ATK-14: is not made, and the build ends, for a package with %s', async (_what, files) => {
    rmSync(join(folder, 'node_modules/bare'), { recursive: true, force: true });
    const good = bundled('good', { LICENSE: GRANT });
    await expect(of(good, bundled('bare', files))).rejects.toThrow(
      'No licence text is in bare 1.2.3:',
    );
  });

  it('ATK-14: takes terms from a README, or those that are kept for this very version', async () => {
    const told = bundled('told', {
      'readme.md': `# told\n\n### License\n\n${GRANT}\n\n## More\n\nmore\n`,
    });
    const kept = bundled('@some/kept', {});
    mkdirSync(join(folder, 'kept'));
    writeFileSync(join(folder, 'kept/@some+kept@1.2.3.txt'), `kept: ${GRANT}`);
    const text = await of(told, kept);
    expect(text).toContain(`kept: ${GRANT}`);
    expect(text).not.toContain('more');
    writeFileSync(
      join(folder, 'node_modules/@some/kept/package.json'),
      '{"name":"@some/kept","version":"1.2.4"}',
    );
    await expect(of(kept)).rejects.toThrow('@some/kept 1.2.4');
  });
});

describe('the one of the build', () => {
  let [text, other]: readonly string[] = [];
  beforeAll(async () => {
    const script = `import { build } from '${root}/scripts/build.ts'; await build({ out: '${folder}/dist' });`;
    const built = start(['node', '--input-type=module', '-e', script], {});
    expect(await built.ended).toBe(0);
    [text, other] = ['THIRD-PARTY-NOTICES', 'LICENSE'].map((file) =>
      readFileSync(join(folder, 'dist', file), 'utf8'),
    );
  });

  it('ATK-14: names every package that Keyturn calls for by itself, and comes with the licence of Keyturn', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const missing = Object.entries<string>(dependencies).filter(
      ([name, version]) => !text?.includes(`\n${name} ${version} (`),
    );
    expect(missing).toEqual([]);
    expect(other).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
  });

  it('ATK-14: names none that is used for building and testing alone', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(devDependencies).filter((name) => text?.includes(`\n${name} `))).toEqual([]);
  });
});
