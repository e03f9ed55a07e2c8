/** A person postpones (design section 2: `hold`): rotation and revocation stand still, everything else goes on. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SecretDetailBody } from '../../src/api/secretBody.ts';
import { startTenant, type Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const path = '/api/vaults/kv1/secrets/st-a';
const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
const toTheMinute = (time: string): string =>
  `${new Date(Math.ceil(Date.parse(time) / 60_000) * 60_000).toISOString().slice(0, 16)}Z`;

const post = (body: object, more: object = {}): Promise<Response> =>
  tenant.request(`${path}/hold`, { method: 'POST', body: JSON.stringify(body), ...more });
/** Asks, lets the pass work, and answers what became of it. */
async function hold(until: string | null, more: object = {}) {
  const asked = await post({ until, ...more }, { roles: ['Keyturn.Rotate'] });
  expect(asked.status).toBe(202);
  expect(asked.headers.get('retry-after')).toMatch(/^\d+$/);
  await tenant.settle();
  return await outcome(asked);
}
const outcome = (asked: Response) => tenant.operation(asked);
const shown = async () => SecretDetailBody.parse(await (await tenant.request(path)).json());
const holdOf = (name = 'st-a'): string | undefined => tenant.stateOf(tenant.current(name)).hold;

describe('a secret that is held', () => {
  it('is not rotated though it is due, is shown as held, and is rotated when the hold is over', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    const until = inHours(30);
    expect(await hold(until)).toMatchObject({
      phase: 'settled',
      hold: until,
      steps: [{ step: 'hold' }],
    });
    await tenant.event('st-a');
    await tenant.advance({ hours: 28 }, { sweepEvery: 7 });
    expect(tenant.versions('st-a')).toHaveLength(1);
    expect(tenant.regenerations('acct1')).toBe(0);
    expect(await shown()).toMatchObject({
      state: 'held',
      heldUntil: expect.stringContaining(':'),
      last: { reason: 'hold' },
    });
    const { secrets } = (await (await tenant.request('/api/secrets?state=held')).json()) as {
      secrets: object[];
    };
    expect(secrets).toMatchObject([{ secret: 'st-a' }]);
    // Its tags are its owner's: nothing but the hold was written, and the row does not take the version for Keyturn's.
    expect(tenant.current('st-a').tags).toEqual({
      ...v1.tags,
      'rotator-state': `v=1;hold=${toTheMinute(until)}`,
    });
    expect((await tenant.row('st-a'))?.wroteVersion).toBeUndefined();

    await tenant.advance({ hours: 4 }, { sweepEvery: 1 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(holdOf()).toBeUndefined();
    expect((await shown()).state).not.toBe('held');
    await tenant.check();
  });

  it('OPS-06: keeps what is owed alive past its grace, which calls nobody, and revokes it afterwards', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await hold(inHours(96));
    expect(await shown()).toMatchObject({ state: 'held', owed: ['key1'] });
    await tenant.advance({ hours: 90 }, { sweepEvery: 6 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    expect(tenant.alerts('st-a')).toEqual([]);
    await tenant.advance({ hours: 8 }, { sweepEvery: 1 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
    await tenant.check();
  });

  it('goes on at once when the hold is lifted; an opted-in secret of a person carries no tag of it', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    const mode = (KEYTURN_MODE: string) => tenant.configure({ KEYTURN_MODE });
    mode('drain'); // or it would be rotated in the same breath
    await hold(inHours(100));
    expect(await hold(null)).toMatchObject({ phase: 'settled', hold: null });
    expect(tenant.current('st-a').tags).toEqual(v1.tags);
    mode('run');
    await hold(inHours(100));
    await hold(null);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('gets its hold back when an apply wipes the tags of a version that Keyturn wrote', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    const until = inHours(100);
    await hold(until);
    const version = tenant.current('st-a');
    const { 'rotator-state': _, ...owners } = version.tags ?? {};
    tenant.azure.vault('kv1').retag('st-a', version.id, owners);
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(holdOf()).toBe(toTheMinute(until));
  });

  it('is still proved', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await tenant.event('st-a');
    await post({ until: inHours(100) });
    await tenant.settle();
    expect(tenant.stateOf(tenant.current('st-a'))).toMatchObject({
      proved: tenant.current('st-a').id.slice(0, 8),
      hold: expect.any(String),
    });
  });
});

describe('a person who rotates a secret that is held', () => {
  it('is told of the hold, may set it aside by name, and the next version is held as before (UA-8)', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    const until = inHours(100);
    await hold(until);
    const plain = await tenant.rotate('st-a');
    expect([plain.status, await plain.json()]).toMatchObject([
      409,
      { reason: 'hold', overridable: ['hold'] },
    ]);
    expect(
      (await tenant.rotate('st-a', { override: ['hold'] }, { roles: ['Keyturn.Rotate'] })).status,
    ).toBe(403);

    const asked = await tenant.rotate('st-a', { override: ['hold'] });
    await tenant.settle();
    expect((await outcome(asked)).phase).toBe('proved');
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(holdOf()).toBe(toTheMinute(until));
    await tenant.advance({ hours: 60 }, { sweepEvery: 12 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
  });

  it('revokes what is owed at once, where the call sets the hold aside, too', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await hold(inHours(100));
    expect((await tenant.revoke('st-a')).status).toBe(409);
    const asked = await tenant.revoke('st-a', { override: ['hold'] });
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect((await outcome(asked)).phase).toBe('settled');
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
  });
});

describe('asking for a hold', () => {
  const oid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

  it.each<[string, object, object, number, string]>([
    ['without a token', {}, { headers: { authorization: 'Bearer x' } }, 401, 'no-token'],
    ['with Keyturn.Read alone', {}, { roles: ['Keyturn.Read'] }, 403, 'no-role'],
    ['with Keyturn.Revoke alone', {}, { roles: ['Keyturn.Revoke'] }, 403, 'no-role'],
    ['for a time that is over', { until: '2020-01-01T00:00:00Z' }, {}, 400, 'bad-request'],
    ['for longer than 90 days', { until: '2037-01-01T00:00:00Z' }, {}, 400, 'bad-request'],
    ['with a misspelt field', { untill: null }, {}, 400, 'bad-request'],
  ])('%s is refused and changes nothing', async (_title, body, more, status, reason) => {
    tenant.seed('st-a', { account: 'acct1' });
    const answer = await post(body, more);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ reason });
    await tenant.settle();
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('for a secret that is not there, not opted in, or of another vault gives the one 404', async () => {
    tenant.seed('st-a', { account: 'acct1', tags: { rotator: '' } });
    tenant.azure.vault('kv1').set('plain', 'x', {});
    const asked = ['kv1/secrets/plain', 'kv1/secrets/nosuch', 'kv9/secrets/st-a'].map((where) =>
      tenant.request(`/api/vaults/${where}/hold`, { method: 'POST', body: '{"until":null}' }),
    );
    const answers = await Promise.all(
      (await Promise.all(asked)).map(async (each) => (await each.json()) as { status: number }),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
  });

  it('twice with one key is one operation, also when its time is over by then', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    const more = { oid, headers: { 'idempotency-key': 'freeze' } };
    const body = { until: inHours(1), ticket: 'CHG-1' };
    const first = (await (await post(body, more)).json()) as { id: string };
    await tenant.settle();
    await tenant.advance({ hours: 2 });
    expect(await (await post(body, more)).json()).toMatchObject({ id: first.id, phase: 'settled' });
    expect((await post({ ...body, until: inHours(1) }, more)).status).toBe(400);
    // The key of a rotation is another one.
    expect((await (await tenant.rotate('st-a', {}, more)).json()) as object).not.toMatchObject({
      id: first.id,
    });
  });

  it('is in the audit: who, why, until when, and that it was done', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    const until = inHours(10);
    await post({ until, ticket: 'CHG-1', note: 'freeze' }, { oid });
    await tenant.settle();
    const { records } = (await (await tenant.request(`${path}/history`)).json()) as {
      records: object[];
    };
    expect(records.slice(0, 2)).toMatchObject([
      { step: 'hold', outcome: 'done', caller: oid, hold: until, ticket: 'CHG-1' },
      { step: 'request', outcome: 'accepted', caller: oid, hold: until, note: 'freeze' },
    ]);
    expect(records[1]).not.toHaveProperty('revoke');
    await tenant.check();
  });

  it('OPS-06: is refused at once by an instance that only observes', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    tenant.configure({ KEYTURN_MODE: 'observe' });
    const asked = await post({ until: inHours(10) });
    expect([asked.status, await asked.json()]).toMatchObject([
      409,
      { reason: 'mode-observe', overridable: [] },
    ]);
    await tenant.settle();
    expect(tenant.azure.writes()).toEqual([]);
  });
});
