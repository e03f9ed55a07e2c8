/** docs/permissions.md: its table is made from the registry, and no right of a role is left untold. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { outdated } from '../../scripts/docs.ts';
import { unverified } from '../../scripts/permissions.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('docs/permissions.md', () => {
  const page = read('docs/permissions.md');
  it('is what npm run docs would write: every action of every kind', () => {
    expect(outdated('docs/permissions.md')).toBeUndefined();
    expect(page).toMatch(/Application\.ReadWrite\.OwnedBy/);
  });

  it('marks every action whose spelling no source confirms', () => {
    const rows = page.split('\n').filter((row) => row.startsWith('|'));
    expect(unverified().length).toBeGreaterThan(0);
    for (const action of unverified()) {
      const about = rows.filter((row) => row.includes(`\`${action}\``));
      expect(about.length).toBeGreaterThan(0);
      for (const row of about) expect(row).toMatch(/\| unverified *\|$/);
    }
  });

  it('cites nothing that a reader of this repository does not have, nor does any other page', () => {
    const pages = [
      'README.md',
      ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.md'))
        .map((file) => `docs/${file}`),
    ];
    expect(pages.length).toBeGreaterThan(10);
    // `azure-facts 2.6` is the project's own collection and cited as that; pages beside it are here, or nowhere.
    const cited = pages.flatMap((file) =>
      [...read(file).matchAll(/\bfacts-[a-z]+\b/g)].map(([name]) => `${file}: ${name}`),
    );
    expect(
      cited.filter((each) => !existsSync(join(root, 'docs', `${each.split(' ')[1]}.md`))),
    ).toEqual([]);
  });

  it('tells of every right of the roles in the templates', () => {
    const { vault, discovery } = JSON.parse(read('infra/roles.json')) as Record<
      string,
      { actions: string[]; dataActions?: string[] }
    >;
    for (const action of [vault, discovery].flatMap((role) => [
      ...(role?.actions ?? []),
      ...(role?.dataActions ?? []),
    ]))
      expect(page).toContain(
        `${action.replace(/^Microsoft\.KeyVault\/vaults\/secrets/, '…/secrets')}\``,
      );
  });
});
