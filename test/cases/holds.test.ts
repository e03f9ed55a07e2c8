/** Many secrets are put off by one call, or by the settings (design section 3, "Holds by scope"); and what waits for an approval. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { settingsProblem } from '../../src/api/problem.ts';
import { NewHoldBody, ScopeHoldsBody } from '../../src/api/scopeHolds.ts';
import { SecretDetailBody } from '../../src/api/secretBody.ts';
import { startTenant, type Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const DAY = 86_400_000;
const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
const NOTES = { note: 'the migration', ticket: 'CHG-12' };

const post = (body: object, more: object = {}): Promise<Response> =>
  tenant.request('/api/holds', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    roles: ['Keyturn.Revoke'],
    ...more,
  });
async function hold(scope: object, until = inHours(30), more: object = {}) {
  const answer = await post({ scope, until, ...NOTES, ...more });
  expect([answer.status, answer.ok ? '' : await answer.clone().text()]).toEqual([201, '']);
  return NewHoldBody.parse(await answer.json());
}
const lift = (id: string, roles = ['Keyturn.Revoke']) =>
  tenant.request(`/api/holds/${id}`, { method: 'DELETE', roles });
const listed = async () => ScopeHoldsBody.parse(await (await tenant.request('/api/holds')).json());
const shown = async (name = 'st-a', vault = 'kv1') =>
  SecretDetailBody.parse(
    await (await tenant.request(`/api/vaults/${vault}/secrets/${name}`)).json(),
  );
const made = (name = 'st-a', vault = 'kv1') => tenant.versions(name, vault).length;
async function look(name = 'st-a', vault = 'kv1'): Promise<void> {
  await tenant.event(name, { vault });
  await tenant.settle();
}

describe('a hold by scope', () => {
  it('of all: what is due waits, is told when it is set, calls nobody, and is rotated when it is over', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const until = inHours(9 * 24);
    const set = await hold({ all: true }, until);
    expect(set).toMatchObject({
      scope: { all: true },
      until,
      held: 1,
      due: { count: 1, secrets: [{ vault: 'kv1', secret: 'st-a' }] },
    });
    expect(set).toMatchObject({ heals: true, except: [], ...NOTES, releaseHours: 1 });
    expect(await listed()).toMatchObject({ holds: [{ id: set.id }], freeze: [] });
    await look();
    await tenant.advance({ days: 8, hours: 20 }, { sweepEvery: 6 });
    expect([made(), tenant.regenerations('acct1')]).toEqual([1, 0]);
    expect(await shown()).toMatchObject({
      state: 'held',
      heldUntil: until,
      last: { reason: 'hold', detail: expect.stringContaining('CHG-12') },
    });
    await tenant.advance({ hours: 8 }, { sweepEvery: 1 });
    expect([made(), tenant.alerts('st-a')]).toEqual([2, []]);
    expect((await shown()).state).not.toBe('held');
    expect((await listed()).holds).toEqual([]);
    const record = tenant.logs('audit').find(({ scope }) => scope !== undefined);
    expect(record).toMatchObject({
      step: 'request',
      scope: 'all secrets',
      hold: until,
      ticket: 'CHG-12',
      operation: set.id,
    });
    await tenant.check();
  });

  it.each<[string, object, boolean]>([
    ['its vault', { vault: 'KV1' }, true],
    ['its kind', { kind: 'storage-account-key' }, true],
    ['its owner', { owner: 'team-a' }, true],
    ['another vault', { vault: 'kv2' }, false],
    ['another kind', { kind: 'redis-key' }, false],
    ['another owner', { owner: 'team' }, false],
  ])('of %s is about it or not', async (_what, scope, isHeld) => {
    await due(tenant, 'st-a', { account: 'acct1', tags: { owner: 'team-a' } });
    expect((await hold(scope)).held).toBe(isHeld ? 1 : 0);
    await look();
    expect(made()).toBe(isHeld ? 1 : 2);
  });

  it('of a target holds what keeps it, by its canonical id in any case; an owner may stand on the vault', async () => {
    tenant.seed('st-b', { account: 'acct2' });
    await due(tenant, 'st-a', { account: 'acct1' });
    await hold({ target: tenant.azure.account('acct1').id.toUpperCase() });
    await look();
    await look('st-b');
    expect([made(), made('st-b')]).toEqual([1, 2]);
    await tenant.clear();
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.vault('kv1').tags = { owner: 'team-b' };
    tenant.configure(); // tags of vaults are kept for minutes
    expect((await hold({ owner: 'team-b' })).held).toBe(1);
    await look();
    expect(made()).toBe(1);
  });

  it.each([['kv1'], ['KV1/St-A']])('except %s: that goes on', async (except) => {
    await due(tenant, 'st-a', { account: 'acct1' });
    expect((await hold({ all: true }, inHours(30), { except: [except] })).held).toBe(0);
    await look();
    expect(made()).toBe(2);
  });

  it('heals go on, unless it says otherwise', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    const { id } = await hold({ all: true }, inHours(300), { heals: false });
    tenant.azure.account('acct1').regenerate('key2');
    await look();
    expect(made()).toBe(2);
    expect((await lift(id)).status).toBe(200);
    await hold({ all: true }, inHours(300));
    await look();
    expect(made()).toBe(3);
    expect(tenant.azure.account('acct1').accepts(tenant.current('st-a').value)).toBe(true);
  });

  it('what has begun goes on to its end', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault(
      'keyvault.set',
      Array.from({ length: 6 }, () => ({ drop: true })),
    );
    await tenant.event('st-a');
    await tenant.settle(30);
    tenant.azure.heal();
    expect([made(), tenant.stateOf(tenant.current('st-a')).started]).toEqual([
      1,
      expect.any(String),
    ]);
    await hold({ all: true });
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(made()).toBe(2);
  });

  it('keeps what is owed alive, and revokes it afterwards', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await hold({ vault: 'kv1' }, inHours(96));
    await tenant.advance({ hours: 90 }, { sweepEvery: 6 });
    expect([tenant.azure.account('acct1').accepts(v1.value), tenant.alerts('st-a')]).toEqual([
      true,
      [],
    ]);
    await tenant.advance({ hours: 8 }, { sweepEvery: 1 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
  });

  it("a person's own rotation is refused with its reason, and may set it aside by name", async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const { id } = await hold({ all: true });
    const plain = await tenant.rotate('st-a');
    expect([plain.status, await plain.json()]).toMatchObject([
      409,
      { reason: 'hold', overridable: ['hold'], detail: expect.stringContaining(id) },
    ]);
    expect(
      (await tenant.rotate('st-a', { override: ['hold'] }, { roles: ['Keyturn.Rotate'] })).status,
    ).toBe(403);
    expect((await tenant.rotate('st-a', { override: ['hold'] })).status).toBe(202);
    await tenant.settle();
    expect(made()).toBe(2);
  });

  it('lifted: the next sweep looks at what it held, and that is released at the rate', async () => {
    tenant.configure({ KEYTURN_RATE: '2/4' });
    const names = ['a', 'b', 'c', 'd', 'e'].map((each) => `st-${each}`);
    for (const name of names) tenant.seed(name, { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('st-e'));
    const { id } = await hold({ all: true }, inHours(300));
    await tenant.sweepAndSettle();
    expect(await listed()).toMatchObject({ holds: [{ id }] });
    expect(names.map((name) => made(name))).toEqual([1, 1, 1, 1, 1]);
    await lift(id);
    expect((await listed()).holds).toEqual([]);
    expect((await lift(id)).status).toBe(404);
    const counts: number[] = [];
    for (let hour = 0; hour < 3; hour++) {
      await tenant.advance({ hours: 1, minutes: 20 }, { sweepEvery: 2 });
      await tenant.settle(600); // the five keep one account: whoever found it locked comes again later
      counts.push(names.filter((name) => made(name) === 2).length);
    }
    expect(counts).toEqual([2, 4, 5]);
  });

  it('an equal call with the same key is the same hold; another one is refused', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'CHG-12' };
    const oid = crypto.randomUUID();
    const until = inHours(5);
    const ask = (given: string) =>
      post({ scope: { all: true }, until: given, ...NOTES }, { headers, oid });
    const [first, second] = [await ask(until), await ask(until)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(((await second.json()) as { id: string }).id).toBe(
      ((await first.json()) as { id: string }).id,
    );
    expect((await ask(inHours(6))).status).toBe(400);
    expect((await listed()).holds).toHaveLength(1);
  });

  it.each<[string, object, number]>([
    ['no scope', { scope: undefined }, 400],
    ['an empty scope', { scope: {} }, 400],
    ['two scopes', { scope: { vault: 'kv1', kind: 'storage-account-key' } }, 400],
    ['all: false', { scope: { all: false } }, 400],
    ['a vault that is not served', { scope: { vault: 'kv9' } }, 404],
    ['a kind that there is not', { scope: { kind: 'storage-acount-key' } }, 400],
    ['31 days', { until: inHours(31 * 24) }, 400],
    ['a time that is over', { until: inHours(-1) }, 400],
    ['no time', { until: undefined }, 400],
    ['no note', { note: undefined }, 400],
    ['an empty ticket', { ticket: ' ' }, 400],
    ['a misspelt field', { exept: ['kv1'] }, 400],
    ['an exception that is none', { except: ['kv1/a/b'] }, 400],
  ])('%s is refused, and nothing is written', async (_what, given, status) => {
    const answer = await post({ scope: { all: true }, until: inHours(5), ...NOTES, ...given });
    expect(answer.status).toBe(status);
    expect((await tenant.rows()).filter(({ partition }) => partition === 'holds')).toEqual([]);
    expect(tenant.logs('audit')).toEqual([]);
  });

  it('a row that does not parse stops every pass: what was put off does not go on for that', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await hold({ all: true });
    await tenant.own.table.upsertEntity(
      { partitionKey: 'holds', rowKey: 'all', json: '{"holds": "none"}' },
      'Replace',
    );
    await look();
    expect([made(), (await tenant.row('st-a'))?.reason]).toEqual([1, 'storage-busy']);
  });
});

describe('KEYTURN_FREEZE', () => {
  const day = (days: number): string =>
    new Date(Date.now() + days * DAY).toISOString().slice(0, 10);

  it('over a due date: nothing is rotated or revoked, what is broken is healed, and afterwards it goes on', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await due(tenant, 'st-b', { account: 'acct2' });
    tenant.configure({
      KEYTURN_FREEZE: `2020-01-01/2020-01-03 UTC; ${day(-1)}/${day(5)} Europe/Berlin`,
    });
    const { freeze } = await listed();
    expect(freeze).toMatchObject([{ text: expect.stringContaining('Europe/Berlin') }]);
    await tenant.advance({ days: 4 }, { sweepEvery: 6 });
    const isAlive = () => tenant.azure.account('acct1').accepts(v1.value);
    expect([made('st-b'), tenant.alerts()]).toEqual([1, []]);
    expect(isAlive() || tenant.stateOf(tenant.current('st-a')).after === undefined).toBe(true);
    const answer = await tenant.rotate('st-b');
    expect(await answer.json()).toMatchObject({
      reason: 'hold',
      overridable: ['hold'],
      detail: expect.stringContaining('KEYTURN_FREEZE'),
    });
    await tenant.advance({ days: 3 }, { sweepEvery: 3 });
    expect([made('st-b'), isAlive()]).toEqual([2, false]);
  });

  it.each([
    ['2027-12-18', 'is no range'],
    ['2027-12-18/2028-01-03 Europe/Atlantis', 'time zone'],
    ['2027-02-30/2027-03-03 UTC', 'names a day'],
    ['2028-01-03/2027-12-18 UTC', 'ends before it begins'],
    ['2027-12-18/2028-03-03 UTC', 'longer than 45 days'],
  ])('%s does not start the app: %s', (KEYTURN_FREEZE, said) => {
    let problem = '';
    try {
      tenant.configure({ KEYTURN_FREEZE });
    } catch (error) {
      problem = String(settingsProblem(error) ? (error as Error).message : error);
    }
    expect(problem).toContain('KEYTURN_FREEZE');
    expect(problem).toContain(said);
    tenant.configure();
  });
});

describe('approve=yes', () => {
  const POLICY = 'approve=yes';
  it("what is due waits, and a person's rotation is the approval", async () => {
    await due(tenant, 'st-a', { account: 'acct1', policy: POLICY });
    await look();
    await tenant.advance({ days: 5 }, { sweepEvery: 12 });
    expect([made(), tenant.alerts()]).toEqual([1, []]);
    expect(await shown()).toMatchObject({ state: 'approval', last: { reason: 'approval' } });
    expect((await tenant.rotate('st-a', {}, { roles: ['Keyturn.Rotate'] })).status).toBe(202);
    await tenant.settle();
    expect(made()).toBe(2);
    expect((await shown()).state).toBe('grace');
    // The next turn asks anew.
    await tenant.goTo(tenant.dueOn('st-a'));
    await look();
    expect([made(), (await shown()).state]).toEqual([2, 'approval']);
  });

  it('unapproved seven days before its expiry there is one alert; broken values are healed without anybody', async () => {
    await due(tenant, 'st-a', { account: 'acct1', policy: POLICY });
    await tenant.rotate('st-a', {});
    await tenant.settle();
    const { exp: expires = 0 } = tenant.current('st-a');
    await tenant.goTo(new Date(expires * 1000 - 8 * DAY));
    await look();
    expect([made(), tenant.alerts()]).toEqual([2, []]);
    await tenant.advance({ days: 5 }, { sweepEvery: 12 });
    expect(tenant.alerts()).toMatchObject([
      { reason: 'approval', remedy: expect.stringContaining('rotate') },
    ]);
    tenant.azure.account('acct1').regenerate('key2');
    await look();
    expect(made()).toBe(3);
  });

  it('a vault may ask for it, and lifts nothing that the operator asks for', async () => {
    tenant.azure.vault('kv1').tags = { 'keyturn-policy': 'approve=no' };
    tenant.configure({ KEYTURN_POLICY: 'approve=yes' });
    await due(tenant, 'st-a', { account: 'acct1' });
    await look();
    expect(made()).toBe(1);
    await tenant.clear();
    tenant.azure.vault('kv1').tags = { 'keyturn-policy': 'approve=yes' };
    tenant.configure();
    await due(tenant, 'st-a', { account: 'acct1' });
    await look();
    expect(made()).toBe(1);
    await due(tenant, 'st-c', { account: 'acct2', policy: 'approve=no' });
    await look('st-c');
    expect(made('st-c')).toBe(2);
  });
});
