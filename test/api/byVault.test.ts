/**
 * Callers by vault (design section 6): a token without a role, of somebody whom a vault's ARM tags name. Every call, for that vault and for
 * another one; what is refused writes nothing.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calls } from '../../src/api/calls.ts';
import { rightIn, wrongPeople } from '../../src/tags/people.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';

const OID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const GROUP = 'cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const OTHER = 'dddddddd-bbbb-4ccc-8ddd-eeeeeeeeeeee';
/** A person through an application that was given our scope. */
const person = { sub: 'pairwise', idtyp: undefined, scp: 'Keyturn.Access' };

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  for (const [vault, account] of [
    ['kv1', 'acct1'],
    ['kv2', 'acct2'],
  ] as const) {
    const version = tenant.seed('st-a', { vault, account, tags: { owner: `team-${vault}` } });
    version.created -= 3 * 86_400;
  }
  await tenant.sweepAndSettle();
  tenant.azure.calls.length = 0;
});
afterAll(() => tenant.stop());

/** The vault's tags, read anew: they are kept for five minutes. */
function named(tags: Record<string, string>, vault = 'kv1'): void {
  tenant.azure.vault(vault).tags = tags;
  tenant.configure();
}

const token = (claims: object = {}): Promise<string> =>
  tenant.azure.issueToken({ oid: OID, ...claims });

async function ask(
  name: string,
  vault: string,
  claims: object = {},
  body: object = { dryRun: true },
): Promise<Response> {
  const call = calls.find((each) => each.name === name);
  if (!call) throw new Error(`no call ${name}`);
  const path = call.path
    .replace('{vault}', vault)
    .replace('{name}', 'st-a')
    .replace('{id}', crypto.randomUUID());
  const given = bodies[name] ?? {};
  return await tenant.request(`/api/${path}`, {
    token: await token(claims),
    method: call.method,
    ...(call.method === 'POST'
      ? {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...given, ...body }),
        }
      : {}),
  });
}
const bodies: Readonly<Record<string, object>> = {
  hold: { until: null },
  leaked: { note: 'n', ticket: 't' },
};

async function expectUnchanged(): Promise<void> {
  await tenant.settle();
  expect(tenant.azure.writes()).toEqual([]);
  expect((await tenant.rows()).filter(({ partition }) => partition === 'operations')).toEqual([]);
}

const guarded = calls.flatMap((call) => (call.roles === 'anyone' ? [] : [call]));
const READER = { 'keyturn-readers': OID };
const OPERATOR = { 'keyturn-operators': OID };

/** What a caller by vault gets of each call: in the own vault as reader, as operator, and in another vault as operator. */
const wanted: Readonly<Record<string, readonly [reader: number, operator: number, other: number]>> =
  {
    secret: [200, 200, 404],
    history: [200, 200, 404],
    consumers: [200, 200, 404],
    rotate: [403, 200, 404],
    hold: [403, 200, 404],
    undo: [403, 409, 404],
    revoke: [403, 403, 403],
    secrets: [200, 200, 200],
    summary: [200, 200, 200],
    report: [200, 200, 200],
    suggestions: [200, 200, 200],
    doctor: [200, 200, 404],
    doctors: [200, 200, 200],
    kinds: [200, 200, 200],
    operations: [200, 200, 200],
    operation: [404, 404, 404],
    readiness: [403, 403, 403],
  };

describe('a caller whom a vault names', () => {
  it('UA-8: has its row for every call; a call that says nothing of vaults is for roles alone', () => {
    const rows = Object.keys(wanted);
    const unlisted = guarded.filter(
      ({ name, byVault }) => byVault !== undefined && !rows.includes(name),
    );
    expect(unlisted.map(({ name }) => name)).toEqual([]);
  });

  it.each(
    guarded.map((call) => [call.name, wanted[call.name] ?? ([403, 403, 403] as const)] as const),
  )(
    'UA-8: %s → %j as reader, as operator, and for another vault',
    async (name, [reader, operator, other]) => {
      named(READER);
      const asReader = await ask(name, 'kv1');
      named(OPERATOR);
      const asOperator = await ask(name, 'kv1', {}, name === 'undo' ? {} : { dryRun: true });
      const elsewhere = await ask(name, 'kv2');
      expect([asReader.status, asOperator.status, elsewhere.status]).toEqual([
        reader,
        operator,
        other,
      ]);
      if (reader === 403)
        expect((await asReader.json()) as object).toMatchObject({ reason: 'no-role' });
      if (other === 404 && name !== 'operation') {
        // The very answer of a secret that was never there.
        const absent = (await (await ask(name, 'kv9')).json()) as object;
        expect(await elsewhere.json()).toEqual(absent);
      }
      await expectUnchanged();
    },
  );

  it('UA-8: sees that vault alone in lists and sums, also by name and by page', async () => {
    named(READER);
    const secrets = async (query: string) =>
      (
        (await (await tenant.request(`/api/secrets${query}`, { token: await token() })).json()) as {
          secrets: { vault: string }[];
        }
      ).secrets;
    expect((await secrets('')).map(({ vault }) => vault)).toEqual(['kv1']);
    expect(await secrets('?vault=kv2')).toEqual([]);
    expect(await secrets('?managed=false&vault=kv2')).toEqual([]);
    const sum = await (await ask('summary', 'kv1')).text();
    expect(JSON.parse(sum)).toMatchObject({ vaults: 1, secrets: 1, byVault: [{ vault: 'kv1' }] });
    const month = await (await ask('report', 'kv1')).text();
    const doctors = await (await ask('doctors', 'kv1')).text();
    for (const text of [sum, month, doctors])
      expect([text.includes('kv1'), text.includes('kv2')]).toEqual([true, false]);
    for (const format of ['csv', 'markdown']) {
      const shown = await (
        await tenant.request(`/api/report?format=${format}`, { token: await token() })
      ).text();
      expect([shown.includes('kv1'), shown.includes('kv2')]).toEqual([true, false]);
    }
    await expectUnchanged();
  });

  it.each([
    ['override', { override: ['too-soon'] }],
    ['revoke now', { revoke: 'now' }],
    ['a grace that is shorter', { revoke: '12h' }],
    ['rotateAgain', { rotateAgain: true }],
  ])('UA-8: never %s', async (_what, body) => {
    named(OPERATOR);
    const answer = await ask('rotate', 'kv1', {}, body);
    expect([answer.status, await answer.json()]).toEqual([
      403,
      expect.objectContaining({ reason: 'no-role' }),
    ]);
    await expectUnchanged();
  });

  it('UA-8: rotates a secret of that vault, and follows the operation; others see nothing of it', async () => {
    named(OPERATOR);
    const accepted = await ask('rotate', 'kv1', {}, {});
    expect(accepted.status).toBe(202);
    await tenant.settle();
    const location = accepted.headers.get('operation-location') ?? '';
    const shown = await tenant.request(location, { token: await token() });
    expect(await shown.json()).toMatchObject({ phase: 'proved', caller: OID });
    expect(tenant.regenerations('acct1')).toBe(1);
    named({}, 'kv1');
    named({ 'keyturn-readers': OTHER }, 'kv2');
    expect((await tenant.request(location, { token: await token({ oid: OTHER }) })).status).toBe(
      404,
    );
    const theirs = await tenant.request('/api/operations', { token: await token({ oid: OTHER }) });
    expect(await theirs.json()).toMatchObject({ operations: [] });
  });
});

describe('who is meant', () => {
  it.each<[string, Record<string, string>, object, number]>([
    [
      'by object id, in capitals and among others',
      { 'keyturn-readers': `${OTHER}, ${OID.toUpperCase()}` },
      {},
      200,
    ],
    ['the tag in other capitals', { 'Keyturn-Readers': OID }, {}, 200],
    ['by a group', { 'keyturn-readers': GROUP }, { ...person, groups: [OTHER, GROUP] }, 200],
    [
      'a group that is called like an id',
      { 'keyturn-readers': GROUP },
      { ...person, groups: [`x${GROUP}`] },
      403,
    ],
    [
      'by the name of a group',
      { 'keyturn-readers': 'team-a' },
      { ...person, groups: ['team-a'] },
      403,
    ],
    ['groups that are no list', { 'keyturn-readers': GROUP }, { ...person, groups: GROUP }, 403],
    ['an id inside of a longer text', { 'keyturn-readers': `x${OID}` }, {}, 403],
    ['a star', { 'keyturn-readers': '*' }, {}, 403],
    ['somebody else', { 'keyturn-readers': OTHER }, {}, 403],
    ['the role by the name of a group', {}, { ...person, groups: ['Keyturn.Read'] }, 403],
    ['a vault of another instance', { keyturn: 'other', 'keyturn-readers': OID }, {}, 403],
  ])('UA-8: %s → %j %j %i', async (_row, tags, claims, status) => {
    named(tags);
    expect((await ask('secret', 'kv1', claims)).status).toBe(status);
    await expectUnchanged();
  });

  it.each([
    [
      '_claim_names',
      {
        _claim_names: { groups: 'src1' },
        _claim_sources: { src1: { endpoint: 'https://graph.windows.net/x' } },
      },
    ],
    ['hasgroups', { hasgroups: true }],
  ])(
    'UA-8: too many groups (%s) → 403 that says so, and the link is not followed',
    async (_how, claims) => {
      named({ 'keyturn-readers': GROUP });
      const answer = await ask('secret', 'kv1', { ...person, ...claims });
      expect([answer.status, await answer.json()]).toEqual([
        403,
        expect.objectContaining({
          reason: 'too-many-groups',
          remedy: expect.stringContaining('ApplicationGroup'),
        }),
      ]);
      named(READER);
      expect((await ask('secret', 'kv1', { ...person, ...claims })).status).toBe(200);
      expect(
        (await ask('secret', 'kv2', { ...person, ...claims, roles: ['Keyturn.Read'] })).status,
      ).toBe(200);
      await expectUnchanged();
    },
  );

  it('UA-8: whose tags may not be read, the vault names nobody', async () => {
    named(READER);
    tenant.azure.outage('arm.vault', { status: 403 });
    expect((await ask('secret', 'kv1')).status).toBe(403);
    tenant.azure.heal();
    await expectUnchanged();
  });

  it('UA-8: what is no object id is told by the readiness', async () => {
    named({ 'keyturn-operators': `${OID} team-a` });
    const answer = await tenant.request('/api/readiness');
    expect(await answer.json()).toMatchObject({
      ready: false,
      vaults: expect.arrayContaining([
        expect.objectContaining({
          vault: 'kv1',
          reason: 'bad-tags',
          detail: expect.stringContaining('keyturn-operators'),
        }),
      ]),
    });
    expect(rightIn({ 'keyturn-operators': `${OID} team-a` }, [OID])).toBe('operators');
    expect(wrongPeople({ 'keyturn-readers': `${OID};${GROUP}` })).toBeUndefined();
  });
});
