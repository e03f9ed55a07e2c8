/**
 * A credential is in wrong hands (design section 3, "Leaked"): one call replaces it in every secret that keeps it, ends it, and is
 * done only when the target has refused it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Version } from '../../local/azure/vault.ts';
import { PlanBody } from '../../src/api/operationBody.ts';
import type { Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';
import { Ways } from './ways.ts';

const ways = new Ways('s');
const { kinds, storage } = ways;
let tenant: Tenant;
beforeAll(async () => {
  tenant = await ways.start();
});
beforeEach(() => ways.clear());
afterAll(() => tenant.stop());
const NOTES = { note: 'it stood in a log', ticket: 'INC-1' };

/** Three days old, in an index that is fresh. */
async function grown(...seeds: (() => Version)[]): Promise<Version[]> {
  const made = seeds.map((seed) => seed());
  for (const each of made) each.created -= 3 * 86_400;
  await tenant.sweepAndSettle();
  return made;
}
const state = (name = 's') => tenant.stateOf(tenant.current(name));
const opens = (value: string) => tenant.azure.account('acct1').accepts(value);
async function leaked(name = 's', more: object = {}): Promise<Response> {
  const asked = await tenant.leaked(name, { ...NOTES, ...more }, { roles: ['Keyturn.Revoke'] });
  expect([asked.status, asked.ok ? '' : await asked.clone().text()]).toEqual([202, '']);
  return asked;
}
/** What it is refused with; nothing was written anywhere. */
async function refused(name = 's', body: object = NOTES): Promise<object> {
  const before = tenant.azure.writes().length;
  const operations = async () =>
    (await tenant.rows()).filter(({ partition }) => partition === 'operations').length;
  const rows = await operations();
  const answer = await tenant.leaked(name, body);
  await tenant.settle(600);
  expect([tenant.azure.writes().length, await operations()]).toEqual([before, rows]);
  return { status: answer.status, ...((await answer.json()) as object) };
}
async function records(name = 's'): Promise<Record<string, unknown>[]> {
  const answer = await tenant.request(`/api/vaults/kv1/secrets/${name}/history`);
  return ((await answer.json()) as { records: Record<string, unknown>[] }).records.toReversed();
}

describe('a leak', () => {
  it.each(kinds)(
    '$name: replaced, proved, ended, tried, and its version switched off',
    async (kind) => {
      const [old] = await grown(kind.seed);
      const dry = await tenant.leaked('s', { ...NOTES, dryRun: true });
      expect(PlanBody.parse(await dry.json()).plan).toMatchObject({
        accepted: true,
        steps: [{ step: 'rotate' }, { step: 'prove' }, { step: 'revoke' }],
      });
      expect(tenant.versions('s')).toHaveLength(1);
      const asked = await leaked();
      await tenant.settle(900);
      const now = tenant.current('s');
      const operation = await tenant.operation(asked);
      expect(operation).toMatchObject({
        kind: 'leaked',
        both: false,
        phase: 'settled',
        done: true,
        result: { version: now.id, revoked: [expect.any(String)] },
      });
      const { refusedOn, vouchedBy } = operation.result ?? {};
      expect(refusedOn ?? vouchedBy).toEqual(expect.any(String));
      expect([kind.opens(old?.value ?? ''), kind.opens(now.value), old?.enabled]).toEqual([
        false,
        true,
        false,
      ]);
      const told = (await records()).filter(({ ticket }) => ticket === 'INC-1').slice(-4);
      expect(told.map(({ step }) => step)).toEqual(['request', 'rotate', 'prove', 'revoke']);
      expect(told[0]).toMatchObject({ leaked: 'one', note: NOTES.note });
      expect(told[3]?.refusedOn ?? told[3]?.vouchedBy).toEqual(expect.any(String));
      await tenant.advance({ days: 2 }, { sweepEvery: 12 });
      expect([tenant.versions('s').length, kind.opens(now.value), tenant.alerts('s')]).toEqual([
        2,
        true,
        [],
      ]);
    },
  );

  it('one password: the old one is tried once, and its version is switched off', async () => {
    const server = tenant.azure.sqlServer('sql1');
    const [old] = await grown(ways.single.seed);
    const asked = await leaked('single');
    await tenant.settle(900);
    expect(await tenant.operation(asked)).toMatchObject({
      phase: 'settled',
      result: { refusedOn: expect.any(String) },
    });
    expect([
      server.accepts('svc', old?.value ?? ''),
      server.accepts('svc', tenant.current('single').value),
      old?.enabled,
    ]).toEqual([false, true, false]);
  });

  it('a key that two secrets keep: both are rotated by one call, and the key is ended once neither keeps it', async () => {
    const [one, two] = await grown(
      ...['s', 't'].map((name) => () => tenant.seed(name, { account: 'acct1' })),
    );
    const asked = await leaked();
    await tenant.settle(900);
    expect(await tenant.operation(asked)).toMatchObject({
      phase: 'settled',
      result: { refusedOn: expect.any(String), besides: ['kv1/t'] },
    });
    expect([opens(one?.value ?? ''), one?.enabled, two?.enabled]).toEqual([false, false, false]);
    expect(tenant.current('s').value).toBe(tenant.current('t').value);
    expect([
      opens(tenant.current('s').value),
      tenant.versions('s').length,
      tenant.versions('t').length,
    ]).toEqual([true, 2, 2]);
    const { operations } = (await (await tenant.request('/api/operations')).json()) as {
      operations: Record<string, unknown>[];
    };
    expect(operations).toContainEqual(
      expect.objectContaining({
        secret: 't',
        kind: 'leaked',
        phase: 'settled',
        parent: (await tenant.operation(asked)).id,
      }),
    );
    expect((await records('t'))[0]).toMatchObject({
      step: 'request',
      leaked: 'one',
      ticket: 'INC-1',
    });
    await tenant.check({ noGrace: ['s', 't'] });
  });

  it('in its grace, with a neighbour that owes the same: both slots are replaced, and nobody waits for the other', async () => {
    const [one] = await grown(
      ...['s', 't'].map((name) => () => tenant.seed(name, { account: 'acct1' })),
    );
    for (const name of ['s', 't']) {
      await tenant.rotate(name, {});
      await tenant.settle(600);
    }
    const two = tenant.current('s');
    const asked = await leaked('s', { both: true });
    await tenant.settle(1500);
    expect(await tenant.operation(asked)).toMatchObject({ phase: 'settled', both: true });
    const now = tenant.current('s');
    expect([one?.value, two.value, now.value].map((value) => opens(value ?? ''))).toEqual([
      false,
      false,
      true,
    ]);
    expect(tenant.current('t').value).toBe(now.value);
  });

  it('is not done while the target still takes what leaked', async () => {
    const [old] = await grown(storage.seed);
    const account = tenant.azure.account('acct1');
    const accepts = account.accepts.bind(account);
    const asked = await leaked();
    tenant.azure.fault('arm.regenerateKey', [{}, { drop: true }]); // the one that would end the old key is lost
    await tenant.settle(600);
    expect(accepts(old?.value ?? '')).toBe(true);
    expect((await tenant.operation(asked)).phase).not.toBe('settled');
    expect(old?.enabled).toBe(true);
    tenant.azure.heal();
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(await tenant.operation(asked)).toMatchObject({
      phase: 'settled',
      result: { refusedOn: expect.any(String) },
    });
    expect(accepts(old?.value ?? '')).toBe(false);
  });

  it('is not stopped by a window, a hold, a freeze, drain, approval or the age of the version', async () => {
    const day = new Intl.DateTimeFormat('en', { weekday: 'short', timeZone: 'UTC' }).format(
      Date.now() + 3 * 86_400_000,
    );
    const old = await due(tenant, 's', {
      account: 'acct1',
      policy: `window=${day} 01:00-02:00 UTC;approve=yes`,
    });
    await tenant.hold('s', { until: new Date(Date.now() + 5 * 86_400_000).toISOString() });
    await tenant.settle();
    tenant.configure({
      KEYTURN_MODE: 'drain',
      KEYTURN_RATE: '0/0',
      KEYTURN_FREEZE: `${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}/${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)} UTC`,
    });
    const asked = await leaked();
    await tenant.settle(900);
    expect([(await tenant.operation(asked)).phase, opens(old.value)]).toEqual(['settled', false]);
    // And again, in the same hour.
    const two = tenant.current('s');
    const again = await leaked();
    await tenant.settle(900);
    expect([
      (await tenant.operation(again)).phase,
      opens(two.value),
      opens(tenant.current('s').value),
    ]).toEqual(['settled', false, true]);
  });

  it('is stopped at once by paused, a missing consent or a lock, of the secret or of one that keeps the same key, by name', async () => {
    await grown(
      () => tenant.seed('s', { account: 'acct1' }),
      () => tenant.seed('t', { account: 'acct1', policy: 'paused=true' }),
    );
    expect(await refused('s')).toMatchObject({
      status: 409,
      reason: 'paused',
      overridable: [],
      detail: expect.stringContaining('kv1/t'),
    });
    expect(await refused('t')).toMatchObject({ status: 409, reason: 'paused', overridable: [] });
    const dry = await tenant.leaked('s', { ...NOTES, dryRun: true });
    expect(PlanBody.parse(await dry.json()).plan).toMatchObject({
      accepted: false,
      refusal: { reason: 'paused' },
    });
    await tenant.clear();
    await grown(storage.seed);
    tenant.azure.account('acct1').locked = 'ReadOnly';
    expect(await refused('s')).toMatchObject({
      status: 409,
      reason: expect.stringContaining('lock'),
    });
  });

  it('what a person made at a target that takes many is refused: Keyturn removes none of those', async () => {
    await grown(() => ways.application());
    expect(await refused()).toMatchObject({ status: 409, reason: 'not-ours' });
  });

  it.each<[string, object]>([
    ['no note', { ticket: 'INC-1' }],
    ['no ticket', { note: 'x' }],
    ['an empty note', { note: ' ', ticket: 'INC-1' }],
    ['a misspelt field', { ...NOTES, bothe: true }],
    ['both as text', { ...NOTES, both: 'true' }],
    ['an override', { ...NOTES, override: ['paused'] }],
  ])('%s is refused', async (_what, body) => {
    await grown(storage.seed);
    expect(await refused('s', body)).toMatchObject({ status: 400 });
  });

  it.each(['keyvault.set', 'keyvault.update', 'arm.regenerateKey', 'arm.listKeys'])(
    'killed at any call of %s, the look goes on with it to its end',
    async (route) => {
      const { v2 } = await rotated(tenant, 's', { account: 'acct1' });
      tenant.azure.fault(route, [
        { commit: true, drop: true },
        {},
        { drop: true },
        { status: 503 },
      ]);
      const asked = await leaked();
      await tenant.settle(900);
      tenant.azure.heal();
      await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
      expect([
        (await tenant.operation(asked)).phase,
        opens(v2.value),
        opens(tenant.current('s').value),
      ]).toEqual(['settled', false, true]);
      expect(state().after).toBeUndefined();
    },
  );
});
