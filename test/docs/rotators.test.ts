/** docs/rotators.md: every kind that has needs of its own has its section, and whoever has no overlap reads of it there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { clouds } from '../../src/azure/cloud.ts';
import { systemClock } from '../../src/core/clock.ts';
import { allRotators } from '../../src/rotators/registry.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { root } from './processes.ts';
import { commandsOf } from './shell.ts';

const FILE = 'docs/rotators.md';
const page = readFileSync(join(root, FILE), 'utf8');
const nobody = { getToken: () => Promise.reject(new Error('Documentation asks for no token.')) };
const rotators = allRotators({
  cloud: clouds.AzureCloud,
  credential: nobody,
  clock: systemClock,
  tenantId: '',
});
const own = rotators.filter(({ type }) => twoKeyTable.every((row) => row.type !== type));
const sectionOf = (type: string) =>
  page.split(/^## /m).find((section) => section.startsWith(type)) ?? '';

describe(FILE, () => {
  it.each(own.map((each) => [each.type, each] as const))(
    'has a section on %s',
    (type, { overlap }) => {
      expect(sectionOf(type)).not.toBe('');
      // Design section 4, said at opt-in.
      expect(/^Short interruption possible/m.test(sectionOf(type))).toBe(overlap === 'none');
      expect(/works on until/.test(sectionOf(type))).toBe(overlap !== 'none');
    },
  );

  it('names what the errors of a missing grant ask for', () => {
    for (const right of ['ALTER ANY LOGIN', 'ALTER ANY USER', 'FROM EXTERNAL PROVIDER'])
      expect(sectionOf('sql-login')).toContain(right);
    for (const right of ['CREATEROLE', 'WITH ADMIN OPTION', 'KEYTURN_DATABASE_USER'])
      expect(sectionOf('postgresql-login')).toContain(right);
    for (const right of ['GRANT CREATE USER', 'GRANT SELECT ON mysql.*', 'KEYTURN_DATABASE_USER'])
      expect(sectionOf('mysql-login')).toContain(right);
    for (const right of own.find(({ type }) => type === 'app-registration')?.rights.graph ?? [''])
      expect(sectionOf('app-registration')).toContain(right);
  });

  it('names options that the kinds have, files that are there and statements that end', () => {
    const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, to = '']) =>
      join(root, dirname(FILE), to),
    );
    const scripts = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text = '']) =>
      commandsOf(text),
    );
    expect(
      [...links, ...scripts.map(([file = '']) => join(root, file))].filter(
        (file) => !existsSync(file),
      ),
    ).toEqual([]);
    for (const [, text = ''] of page.matchAll(/^```sql\n(.*?)^```$/gms))
      for (const line of text.trim().split('\n')) expect(line).toMatch(/^[A-Z].*;$/);
    const options: readonly (readonly [string, Record<string, string>])[] = [
      ['sql-login', { logins: 'app_a,app_b' }],
      ['sql-login', { users: 'app_a,app_b', database: 'shop' }],
      ['sql-single-login', { login: 'svc' }],
      ['sql-single-login', { user: 'svc', database: 'shop' }],
      ['sql-admin-password', { 'arm-only': 'true' }],
      ['postgresql-login', { logins: 'app_a,app_b' }],
      ['mysql-login', { logins: 'app_a,app_b', host: '%' }],
      ['app-registration', { 'revoke-adopted': 'true' }],
    ];
    for (const [type, given] of options) {
      const rotator = own.find((each) => each.type === type);
      expect(
        rotator?.bind({
          target: targetOf(type),
          options: given,
          secret: { vault: 'kv1', name: 'x' },
        }),
      ).toBeDefined();
      for (const name of Object.keys(given)) expect(sectionOf(type)).toContain(name);
    }
  });
});

function targetOf(type: string): string {
  if (type === 'app-registration') return '77777777-8888-4999-8aaa-bbbbbbbbbbbb';
  const provider = {
    'postgresql-login': 'DBforPostgreSQL/flexibleServers',
    'mysql-login': 'DBforMySQL/flexibleServers',
  }[type];
  return `/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-shop/providers/Microsoft.${provider ?? 'Sql/servers'}/db1`;
}
