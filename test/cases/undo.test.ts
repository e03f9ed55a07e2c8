/**
 * A rotation is undone while the former credential works (design section 3, "Undo"): nothing is issued, nothing is lost, and the
 * obligation changes sides. Told once for each way in which kinds hold credentials.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Version } from '../../local/azure/vault.ts';
import { PlanBody } from '../../src/api/operationBody.ts';
import { SecretDetailBody } from '../../src/api/secretBody.ts';
import type { Tenant } from './harness.ts';
import { type Way, Ways } from './ways.ts';

const ways = new Ways('s');
const { kinds, storage } = ways;
let tenant: Tenant;
beforeAll(async () => {
  tenant = await ways.start();
});
beforeEach(() => ways.clear());
afterAll(() => tenant.stop());

/** Rotated by a person an hour ago, and proved. */
async function rotatedBefore({ seed }: Pick<Way, 'seed'>): Promise<{ v1: Version; v2: Version }> {
  const v1 = seed();
  v1.created -= 3 * 86_400;
  await tenant.sweepAndSettle();
  expect((await tenant.rotate('s', {})).status).toBe(202);
  await tenant.settle(600);
  await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
  return { v1, v2: tenant.current('s') };
}
const state = (name = 's') => tenant.stateOf(tenant.current(name));
const shown = async () =>
  SecretDetailBody.parse(await (await tenant.request('/api/vaults/kv1/secrets/s')).json());
/** What an undo is refused with; nothing was written anywhere. */
async function refused(name = 's'): Promise<object> {
  const before = tenant.azure.writes().length;
  const operations = async () =>
    (await tenant.rows()).filter(({ partition }) => partition === 'operations').length;
  const rows = await operations();
  const answer = await tenant.undo(name, {}, { roles: ['Keyturn.Rotate'] });
  await tenant.settle(600);
  expect([tenant.azure.writes().length, await operations()]).toEqual([before, rows]);
  return { status: answer.status, ...((await answer.json()) as object) };
}

describe('undo', () => {
  it.each(kinds)(
    'an hour later: $name: the former value is current again, and both live on',
    async (kind) => {
      const { v1, v2 } = await rotatedBefore(kind);
      const changed = tenant.targetWrites();
      const now = Date.now();
      const dry = await tenant.undo('s', { dryRun: true });
      expect(PlanBody.parse(await dry.json()).plan).toMatchObject({
        accepted: true,
        steps: [{ reason: 'undo' }, { step: 'prove' }, { step: 'revoke' }],
      });
      expect(tenant.versions('s')).toHaveLength(2);

      const asked = await tenant.undo(
        's',
        { note: 'it broke the nightly run', ticket: 'CHG-7' },
        { roles: ['Keyturn.Rotate'] },
      );
      expect(asked.status).toBe(202);
      await tenant.settle(600);
      const v3 = tenant.current('s');
      expect(await tenant.operation(asked)).toMatchObject({
        kind: 'undo',
        phase: 'proved',
        done: true,
        result: { version: v3.id },
      });
      expect([v3.value, tenant.versions('s').length, tenant.targetWrites()]).toEqual([
        v1.value,
        3,
        changed,
      ]);
      expect([kind.opens(v1.value), kind.opens(v2.value)]).toEqual([true, true]);
      const { hold = '', after = '', since = '' } = state();
      expect((Date.parse(hold) - now) / 86_400_000).toBeCloseTo(7, 1);
      expect((Date.parse(after) - now) / 3_600_000).toBeGreaterThan(47.9);
      // It is as old as it was: no young version makes an old credential young.
      expect(Math.abs(Date.parse(since) / 1000 - v1.created)).toBeLessThan(61);
      expect(await shown()).toMatchObject({
        state: 'held',
        credentialSince: expect.stringContaining(since.slice(0, 15)),
      });

      // For a week nothing happens to either; then what was undone is revoked, and the former one goes on.
      await tenant.advance({ days: 6, hours: 20 }, { sweepEvery: 12 });
      expect([kind.opens(v1.value), kind.opens(v2.value), tenant.versions('s').length]).toEqual([
        true,
        true,
        3,
      ]);
      await tenant.advance({ hours: 8 }, { sweepEvery: 1 });
      expect([kind.opens(v1.value), kind.opens(v2.value), tenant.versions('s').length]).toEqual([
        true,
        false,
        3,
      ]);
      expect((await tenant.operation(asked)).phase).toBe('settled');
      expect(tenant.alerts('s')).toEqual([]);
      const { records } = (await (
        await tenant.request('/api/vaults/kv1/secrets/s/history')
      ).json()) as {
        records: object[];
      };
      expect(records).toContainEqual(
        expect.objectContaining({ step: 'request', undo: true, ticket: 'CHG-7' }),
      );
      expect(records).toContainEqual(
        expect.objectContaining({ step: 'rotate', reason: 'undo', ticket: 'CHG-7', stored: v3.id }),
      );
    },
  );

  it.each(kinds)('twice: $name: it swaps back, and nothing is lost', async (kind) => {
    const { v1, v2 } = await rotatedBefore(kind);
    for (const expected of [v1, v2]) {
      expect((await tenant.undo('s')).status).toBe(202);
      await tenant.settle(600);
      expect(tenant.current('s').value).toBe(expected.value);
      expect([kind.opens(v1.value), kind.opens(v2.value)]).toEqual([true, true]);
      await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    }
    await tenant.advance({ days: 8 }, { sweepEvery: 6 });
    expect([kind.opens(v1.value), kind.opens(v2.value), tenant.versions('s').length]).toEqual([
      false,
      true,
      4,
    ]);
    expect(state().after).toBeUndefined();
  });

  it('is refused after the revocation, and writes nothing', async () => {
    await rotatedBefore(storage);
    await tenant.advance({ days: 3 }, { sweepEvery: 6 });
    expect(await refused()).toMatchObject({ status: 409, reason: 'undo-revoked', overridable: [] });
    expect((await shown()).state).toBe('ok');
  });

  it('is refused where the target holds one credential', async () => {
    ways.single.seed().created -= 3 * 86_400;
    await tenant.sweepAndSettle();
    await tenant.rotate('single', {});
    await tenant.settle(600);
    expect(await refused('single')).toMatchObject({ status: 409, reason: 'undo-overwritten' });
  });

  it('is refused where a person wrote the current version, or what came before is theirs', async () => {
    const v1 = storage.seed();
    await tenant.sweepAndSettle();
    expect(await refused()).toMatchObject({ status: 409, reason: 'undo-not-ours' });
    await tenant.clear();
    const { v2 } = await rotatedBefore(storage);
    tenant.seed('s', { account: 'acct1', value: v2.value }); // the same value, and no state of ours
    expect(await refused()).toMatchObject({ status: 409 });
    expect(storage.opens(v1.value)).toBe(true);

    await ways.clear();
    await rotatedBefore({ seed: () => ways.application() });
    expect(await refused()).toMatchObject({ status: 409, reason: 'undo-not-ours' });
  });

  it('is refused where the target no longer takes the former value, or nobody can read it', async () => {
    const { v1 } = await rotatedBefore(storage);
    tenant.azure.account('acct1').regenerate('key1');
    expect(storage.opens(v1.value)).toBe(false);
    const answer = await refused();
    expect(answer).toMatchObject({ status: 409, reason: expect.stringMatching(/^undo-re/) });
    await tenant.clear();
    const { v1: other } = await rotatedBefore(storage);
    other.enabled = false;
    expect(await refused()).toMatchObject({
      status: 409,
      reason: 'undo-refused',
      detail: expect.stringContaining('disabled'),
    });
  });

  it('is stopped by paused alone: not by a window, a hold, drain, or the age of the version', async () => {
    const v1 = tenant.seed('s', { account: 'acct1', policy: 'every=60d' });
    v1.created -= 3 * 86_400;
    await tenant.sweepAndSettle();
    await tenant.rotate('s', {});
    await tenant.settle(600);
    const { id, tags = {} } = tenant.current('s');
    const retag = (policy: string) =>
      tenant.azure.vault('kv1').retag('s', id, { ...tags, 'rotator-policy': policy });
    retag('paused=true');
    expect(await refused()).toMatchObject({ status: 409, reason: 'paused', overridable: [] });
    const day = new Intl.DateTimeFormat('en', { weekday: 'short', timeZone: 'UTC' }).format(
      Date.now() + 3 * 86_400_000,
    );
    retag(`window=${day} 01:00-02:00 UTC`);
    await tenant.hold('s', { until: new Date(Date.now() + 86_400_000).toISOString() });
    await tenant.settle(600);
    tenant.configure({ KEYTURN_MODE: 'drain' });
    expect((await tenant.undo('s')).status).toBe(202);
    await tenant.settle(600);
    expect(tenant.current('s').value).toBe(v1.value);
  });

  it('goes back from a value that opens nothing, before it is healed', async () => {
    const { v1 } = await rotatedBefore(storage);
    tenant.azure.account('acct1').regenerate('key2'); // by hand, under its readers
    const asked = await tenant.undo('s');
    expect(asked.status).toBe(202);
    await tenant.settle(600);
    expect([tenant.current('s').value, (await tenant.operation(asked)).phase]).toEqual([
      v1.value,
      'proved',
    ]);
  });

  it('what the vault refuses leaves no mark: no rotation comes of it later', async () => {
    const { v1, v2 } = await rotatedBefore(storage);
    tenant.azure.fault(
      'keyvault.set',
      Array.from({ length: 8 }, () => ({ status: 403, code: 'Forbidden' })),
    );
    const asked = await tenant.undo('s');
    await tenant.settle(600);
    tenant.azure.heal();
    expect(await tenant.operation(asked)).toMatchObject({ phase: 'failed', done: true });
    expect([tenant.current('s').id, state().started]).toEqual([v2.id, undefined]);
    expect([storage.opens(v1.value), storage.opens(v2.value)]).toEqual([true, true]);
    await tenant.advance({ days: 4 }, { sweepEvery: 6 });
    expect([tenant.versions('s').length, storage.opens(v1.value)]).toEqual([2, false]);
  });

  it('an answer that was lost is read back: one version, whatever was delivered how often', async () => {
    const { v1 } = await rotatedBefore(storage);
    tenant.azure.fault('keyvault.set', [{ commit: true, drop: true }]);
    const asked = await tenant.undo('s');
    await tenant.settle(900);
    expect([tenant.current('s').value, tenant.versions('s').length]).toEqual([v1.value, 3]);
    expect((await tenant.operation(asked)).phase).toBe('proved');
  });

  it('two secrets on one key: one is undone and goes on to where its neighbour is; no slot of either is touched under it', async () => {
    const made = ['s', 't'].map((name) => tenant.seed(name, { account: 'acct1' }));
    for (const each of made) each.created -= 3 * 86_400;
    await tenant.sweepAndSettle();
    for (const name of ['s', 't']) {
      await tenant.rotate(name, {});
      await tenant.settle(600);
    }
    const moved = tenant.current('t').value;
    expect([tenant.current('s').value, tenant.regenerations('acct1')]).toEqual([moved, 1]);
    expect((await tenant.undo('s')).status).toBe(202);
    await tenant.settle(600);
    for (let week = 0; week < 10; week++) {
      await tenant.advance({ days: 7 }, { sweepEvery: 24 });
      const opens = ['s', 't'].map((name) => storage.opens(tenant.current(name).value));
      expect([week, ...opens]).toEqual([week, true, true]);
    }
    // On its day it took what its neighbour held, so that the old key is gone for both.
    expect(tenant.versions('s').map(({ value }) => value)).toContain(moved);
    expect(storage.opens(made[0]?.value ?? '')).toBe(false);
    expect(tenant.versions('t').length).toBeGreaterThan(2);
  });
});
