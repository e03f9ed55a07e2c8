/** infra/scripts/consent.sh: one name comes or goes, what the owner gave to others stays, and the product reads it so (OPS-08). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Grant, grantFor, parseGrants } from '../../src/core/grants.ts';
import { FakeAz, type RoleAssignment } from './fakeAz.ts';

const script = join(import.meta.dirname, '../../infra/scripts/consent.sh');
const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-shop`;
const TARGET = `${GROUP}/providers/Microsoft.Storage/storageAccounts/storders`;
const SERVER = `${GROUP}/providers/Microsoft.Sql/servers/sql1`;
const IDENTITY = '66666666-7777-4888-8999-aaaaaaaaaaaa';
const ROLE = '44444444-0000-4000-8000-000000000004';
const NAME = '77777777-0000-4000-8000-000000000007';
const KIND = 'storage-account-key';
const roleOf = (id: string) =>
  `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/${id}`;

let folder = '';
let az: FakeAz;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-consent-'));
  az = new FakeAz(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  az.assignments = [];
  az.changes.length = 0;
  az.deployments.length = 0;
  az.meanwhile = () => {};
});

const assigned = (
  description: string | null,
  given: Partial<RoleAssignment> = {},
): RoleAssignment => ({
  ...{
    name: NAME,
    scope: TARGET,
    principalId: IDENTITY,
    roleDefinitionId: roleOf(ROLE),
    description,
  },
  ...given,
});
const run = (how: 'add' | 'remove', secret: string, ...more: string[]) =>
  az.run(
    script,
    '--target',
    TARGET,
    '--kind',
    KIND,
    '--principal-id',
    IDENTITY,
    `--${how}`,
    secret,
    ...more,
  );
const described = () => az.assignments.map(({ description }) => description);
const gives = (vault: string, name: string, kind = KIND): Grant | undefined =>
  grantFor(parseGrants(described().join('; ')), { secret: { vault, name }, kind });

describe('consent.sh', () => {
  it.each(['rg-Instruktører', 'データ-экспорт', 'rg.(1)_ß'])(
    'VAL-09: at a resource in the group %s',
    async (group) => {
      const target = TARGET.replace('rg-shop', group);
      az.assignments = [assigned(`keyturn ${KIND}: kv-web/*`, { scope: target })];
      const answer = await az.run(
        ...([
          script,
          '--target',
          target,
          '--kind',
          KIND,
          '--principal-id',
          IDENTITY,
          '--add',
          'kv1/st-a',
        ] as const),
      );
      expect(answer).toMatchObject({ status: 0, stderr: '' });
      expect(described()).toEqual([`keyturn ${KIND}: kv-web/*, kv1/st-a`]);
      expect(az.changes.map(({ path }) => path)).toEqual([expect.stringContaining(group)]);
    },
  );

  it.each(['rg-%C3%B8', 'rg-\u007f', 'rg?x', 'rg\nx', 'rg ø', '../ø', 'ø..', 'rg#ø', 'rg"ø'])(
    'SEC-01: refuses the group %j',
    async (group) => {
      const target = TARGET.replace('rg-shop', group);
      const given = ['--kind', KIND, '--principal-id', IDENTITY, '--add', 'kv1/st-a'];
      expect(await az.run(script, '--target', target, ...given)).toMatchObject({
        stderr: expect.stringContaining('--target must be the id'),
      });
      expect(az.changes).toEqual([]);
    },
  );

  it('OPS-08: a second team adds its secret and takes it away again, and the first keeps its own throughout', async () => {
    expect(await run('add', 'kv-shop/orders-storage')).toMatchObject({ status: 0, stderr: '' });
    expect(await run('add', 'kv-web/*')).toMatchObject({ status: 0 });
    expect(described()).toEqual([`keyturn ${KIND}: kv-shop/orders-storage, kv-web/*`]);
    expect([gives('kv-shop', 'orders-storage'), gives('kv-web', 'x')]).not.toContain(undefined);
    expect(await run('remove', 'kv-web/*')).toMatchObject({ status: 0 });
    expect(described()).toEqual([`keyturn ${KIND}: kv-shop/orders-storage`]);
    expect(await run('add', 'KV-Shop/Orders-Storage')).toMatchObject({
      stdout: expect.stringContaining('nothing to change'),
    });
    expect(await run('remove', 'kv-web/*')).toMatchObject({
      stdout: expect.stringContaining('nothing to change'),
    });
    expect(az.changes).toHaveLength(3);
  });

  it.each([
    [
      'sql-login: kv1/a(x,y) ;cosmos-db-key: kv1/c(readonly), kv1/d',
      'keyturn sql-login: kv1/a(x,y); keyturn cosmos-db-key: kv1/c(readonly), kv1/d; keyturn storage-account-key: kv9/new',
    ],
    [
      'storage-account-key: kv1/a(x;y,z:w),kv1/b; redis-key: kv1/r',
      'keyturn redis-key: kv1/r; keyturn storage-account-key: kv1/a(x;y,z:w), kv1/b, kv9/new',
    ],
    [': kv1/old, kv2/*', 'keyturn: kv1/old, kv2/*; keyturn storage-account-key: kv9/new'],
    [
      'storage-account-key: kv1/broken(, kv1/b',
      'keyturn storage-account-key: kv1/broken(, kv1/b, kv9/new',
    ],
    [
      'storage-account-key: kv1/a(o\'neil,x]y"z)',
      'keyturn storage-account-key: kv1/a(o\'neil,x]y"z), kv9/new',
    ],
  ])('keeps what stands there, to the letter: %j', async (before, after) => {
    const text = before.startsWith(':') ? `keyturn${before}` : `keyturn ${before}`;
    az.assignments = [
      assigned(text, { condition: 'a "condition" \\ of theirs', conditionVersion: '2.0' }),
    ];
    expect(await run('add', 'kv9/new', '--role-id', ROLE)).toMatchObject({ status: 0, stderr: '' });
    expect(described()).toEqual([after]);
    const kept = parseGrants(text).filter(
      (grant) => !parseGrants(after).some((each) => JSON.stringify(each) === JSON.stringify(grant)),
    );
    expect(kept).toEqual([]);
    expect(gives('kv9', 'new')).toBeDefined();
    expect(az.assignments).toMatchObject([
      { name: NAME, condition: 'a "condition" \\ of theirs', conditionVersion: '2.0' },
    ]);
    // And back.
    expect(await run('remove', 'kv9/new', '--role-id', ROLE)).toMatchObject({ status: 0 });
    expect(parseGrants(described()[0] ?? '')).toEqual(
      expect.arrayContaining([...parseGrants(text)]),
    );
    expect(gives('kv9', 'new')).toBeUndefined();
  });

  it('turns entries of the old form into those of the kind when it is told to, and else leaves them', async () => {
    az.assignments = [assigned('keyturn: kv1/a, kv2/*')];
    expect(await run('add', 'kv1/a', '--role-id', ROLE, '--upgrade')).toMatchObject({ status: 0 });
    expect(described()).toEqual([`keyturn ${KIND}: kv2/*, kv1/a`]);
    expect(await run('add', 'kv1/a', '--role-id', ROLE, '--upgrade')).toMatchObject({
      stdout: expect.stringContaining('nothing to change'),
    });
  });

  it('a dry run says what would be written, and writes, makes and assigns nothing', async () => {
    az.assignments = [assigned(`keyturn ${KIND}: kv1/a`)];
    const { status, stdout } = await run('add', 'kv1/b', '--dry-run');
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining(`Would: Write at ${TARGET}: keyturn ${KIND}: kv1/a, kv1/b (was: `),
    ]);
    az.assignments = [];
    expect(await run('add', 'kv1/b', '--dry-run')).toMatchObject({
      stdout: expect.stringContaining('Would: Deploy infra/target.bicep'),
    });
    expect([az.changes, az.deployments]).toEqual([[], []]);
  });

  it('makes the role of the group where there is none, and takes one that is named', async () => {
    await run('add', 'kv1/a');
    expect(az.deployments).toMatchObject([
      { 'resource-group': 'rg-shop', subscription: SUBSCRIPTION, parameters: `rotator=${KIND}` },
    ]);
    expect(az.assignments).toMatchObject([
      { roleDefinitionId: roleOf(az.deployedRole), scope: TARGET, principalId: IDENTITY },
    ]);
    await run('add', 'kv1/b');
    await run('add', 'kv1/c', '--role-id', ROLE);
    expect(az.deployments).toHaveLength(1);
    expect(described()).toEqual([`keyturn ${KIND}: kv1/a, kv1/b`, `keyturn ${KIND}: kv1/c`]);
  });

  it('takes no assignment at another scope, of another role or of somebody else for its own', async () => {
    const strangers = [
      assigned(`keyturn ${KIND}: kv1/x`, { name: NAME.replace('7', '8'), scope: GROUP }),
      assigned(`keyturn ${KIND}: kv1/x`, {
        name: NAME.replace('7', '9'),
        scope: `${TARGET}/blobServices/default`,
      }),
      assigned('keyturn sql-login: kv1/x(a,b)', {
        name: NAME.replace('7', '1'),
        roleDefinitionId: roleOf(IDENTITY),
      }),
      assigned(`keyturn ${KIND}: kv1/x`, { name: NAME.replace('7', '2'), principalId: ROLE }),
    ];
    az.assignments = [...strangers];
    expect(await run('add', 'kv1/a', '--role-id', ROLE)).toMatchObject({ status: 0 });
    expect(az.assignments.slice(0, -1)).toEqual(strangers);
    expect(described().at(-1)).toBe(`keyturn ${KIND}: kv1/a`);
  });

  it('leaves a description that is no consent as it is', async () => {
    az.assignments = [assigned('for the payroll app')];
    const { status, stderr } = await run('add', 'kv1/a', '--role-id', ROLE);
    expect([status, stderr, az.changes]).toEqual([1, expect.stringContaining('is no consent'), []]);
  });

  it('OPS-08: two at once lose nothing: a text that changed is read again, and an entry that was written over comes back', async () => {
    const other = `keyturn ${KIND}: kv1/theirs`;
    for (const moment of [2, 3, 4, 5, 6, 7, 9]) {
      az.assignments = [assigned(`keyturn ${KIND}: kv1/first`)];
      let calls = 0;
      az.meanwhile = () => {
        calls += 1;
        if (calls !== moment) return;
        // Another run read the description before ours was written, and writes after it.
        az.assignments = [assigned(`${`keyturn ${KIND}: kv1/first`}, kv1/theirs`)];
      };
      expect(await run('add', 'kv1/ours', '--role-id', ROLE)).toMatchObject({ status: 0 });
      expect([gives('kv1', 'first'), gives('kv1', 'ours')]).not.toContain(undefined);
      expect(calls).toBeGreaterThanOrEqual(moment);
      expect(parseGrants(described()[0] ?? '')).toEqual(
        expect.arrayContaining([...parseGrants(other)]),
      );
    }
  });

  it('the last name that goes leaves the right, and says how it is taken away', async () => {
    az.assignments = [assigned(`keyturn ${KIND}: kv1/a`)];
    const { stdout } = await run('remove', 'kv1/a');
    expect(described()).toEqual(['']);
    expect(stdout).toContain(
      `az role assignment delete --ids ${TARGET}/providers/Microsoft.Authorization/roleAssignments/${NAME}`,
    );
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'a kind that is none',
      ['--kind', 'storage-acount-key', '--add', 'kv1/a'],
      /no kind.*storage-account-key/s,
    ],
    [
      'logins that are not named',
      ['--kind', 'sql-login', '--target', SERVER, '--add', 'kv1/a'],
      /Name the logins/,
    ],
    [
      'an administrator at the group',
      ['--kind', 'sql-admin-password', '--target', GROUP, '--add', 'kv1/a'],
      /at the server itself/,
    ],
    [
      'an administrator for every secret',
      ['--kind', 'sql-admin-password', '--target', SERVER, '--add', 'kv1/*'],
      /by name/,
    ],
    ['no secret', ['--add', 'kv1'], /<vault>\/<secret>/],
    ['a hole in the text', ['--add', 'kv1/a, kv2/*'], /<vault>\/<secret>/],
    ['another clause in it', ['--add', 'kv1/a; keyturn x: kv2/*'], /<vault>\/<secret>/],
    ['a quote that ends the body', ['--add', 'kv1/a","x":"'], /<vault>\/<secret>/],
    [
      'a target that is no id',
      ['--target', `${TARGET}/../other`, '--add', 'kv1/a'],
      /--target must be/,
    ],
    [
      'a target with an address',
      ['--target', `https://evil.example${TARGET}`, '--add', 'kv1/a'],
      /--target must be/,
    ],
    [
      'an identity that is none',
      ['--principal-id', "x' or 1 eq 1", '--add', 'kv1/a'],
      /must be a GUID/,
    ],
    ['nothing to do', [], /--add or --remove is missing/],
    ['two things at once', ['--add', 'kv1/a', '--remove', 'kv1/b'], /One --add or --remove/],
  ])('refuses %s, and asks az for nothing that changes', async (_, words, said) => {
    const base = { '--target': TARGET, '--kind': KIND, '--principal-id': IDENTITY };
    const given = Object.entries(base).flatMap((pair) => (words.includes(pair[0]) ? [] : pair));
    const { status, stderr } = await az.run(script, ...given, ...words);
    expect([status, stderr]).toEqual([1, expect.stringMatching(said)]);
    expect([az.changes, az.deployments]).toEqual([[], []]);
  });
});
