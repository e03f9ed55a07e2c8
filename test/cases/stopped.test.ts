/** The worker dies behind the store (finding HST-05), or is told to stop while a pass is under way (finding HST-06). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application } from '../../local/azure/applications.ts';
import { stopping } from '../../src/app/app.ts';
import { orphans, takenFromPeople } from './applications.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ env: { KEYTURN_ROTATORS: 'app-registration,storage-account-key' } });
});
beforeEach(() => tenant.clear());
afterEach(() => stopping.begin());
afterAll(() => tenant.stop());

const isProved = (name = 'st-a') => {
  const { id, tags = {} } = tenant.current(name);
  return tenant.stateOf({ ...tenant.current(name), tags }).proved === id.slice(0, 8);
};
const put = (message: object) => tenant.own.put(JSON.stringify(message));
const decided = () => tenant.logs('decided').map(({ step, reason }) => `${step} ${reason}`);
/** Locks that somebody holds. */
const locks = async () =>
  (await tenant.rows()).filter(({ partition }) => partition === 'locks').map(({ key }) => key);

describe('a message that names the version before', () => {
  /** Stored, and then nothing: what the pass would have queued and written is not there. */
  async function killedBehindTheStore(): Promise<{ old: string }> {
    const { id } = await due(tenant, 'st-a', { account: 'acct1' });
    const vault = tenant.azure.vault('kv1');
    const set = vault.set.bind(vault);
    vault.set = (...given) => {
      vault.set = set;
      void stopping.stop(); // the look that follows is put back, and taken away below
      return set(...given);
    };
    await tenant.event('st-a');
    await tenant.host.drain();
    vault.set = set;
    stopping.begin();
    await tenant.own.clear();
    await tenant.sweep(); // the index alone: its looks are taken away, too
    await tenant.own.queue().clearMessages();
    expect([tenant.versions('st-a').length, isProved()]).toEqual([2, false]);
    tenant.lines.length = 0;
    return { old: id };
  }

  it.each(['event', 'sweep', 'again', 'http'] as const)(
    'HST-05: proves what stands in the vault when a worker died behind the store (cause %s)',
    async (cause) => {
      const { old } = await killedBehindTheStore();
      await put({ vault: 'kv1', name: 'st-a', version: old, cause });
      await tenant.settle();
      expect(isProved()).toBe(true);
      expect(tenant.regenerations('acct1')).toBe(1);
      await tenant.check();
    },
  );

  it('HST-05: does so for twenty that come at once, with one proof', async () => {
    const { old } = await killedBehindTheStore();
    for (let count = 0; count < 20; count++)
      await put({ vault: 'kv1', name: 'st-a', version: old, cause: 'event' });
    await tenant.settle(600);
    expect([isProved(), decided().filter((step) => step === 'prove accepted').length]).toEqual([
      true,
      1,
    ]);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('HST-05: looks at what is owed, too', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 46 }, { sweepEvery: 2 });
    await tenant.sweepAndSettle();
    await tenant.own.queue().clearMessages();
    await tenant.advance({ hours: 3 });
    await tenant.host.drain();
    const state = () =>
      tenant.stateOf(tenant.versions('st-a').find(({ id }) => id === v1.id) ?? v1);
    expect(state().revoked).toBeUndefined();
    await put({ vault: 'kv1', name: 'st-a', version: v1.id, cause: 'event' });
    await tenant.settle();
    expect(state().revoked).toBe('1');
    await tenant.check();
  });

  it('HST-05: looks at a rotation that was begun, too', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.outage('arm.regenerateKey', { status: 503 });
    await tenant.event('st-a');
    await tenant.host.drain();
    expect(tenant.stateOf(tenant.current('st-a')).started).toBeDefined();
    tenant.azure.heal();
    await tenant.own.clear();
    await tenant.sweep(); // the index; the look itself still waits for what may be under way
    await tenant.host.drain();
    await tenant.own.queue().clearMessages();
    await tenant.advance({ minutes: 12 });
    await put({ vault: 'kv1', name: 'st-a', version: 'a'.repeat(32), cause: 'event' });
    expect(tenant.versions('st-a')).toHaveLength(1);
    await tenant.settle();
    expect([tenant.versions('st-a').length, isProved()]).toEqual([2, true]);
  });

  it('HST-05: of a version that a person stored it stays what it was: superseded, and no look', async () => {
    const { id } = await due(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-a', { account: 'acct1' });
    tenant.lines.length = 0;
    await put({ vault: 'kv1', name: 'st-a', version: id, cause: 'event' });
    expect(await tenant.settle()).toBe(0);
    expect(decided()).toEqual(['skip superseded']);
  });

  it('HST-05: at rest, too', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 50 }, { sweepEvery: 1 });
    tenant.lines.length = 0;
    await put({ vault: 'kv1', name: 'st-a', version: v1.id, cause: 'event' });
    await tenant.settle();
    expect(decided()).toEqual(['skip superseded']);
  });
});

/** The worker is told to stop as the account makes the next key; resolves when that has waited for the pass. */
function toldAtRegeneration(): Promise<void> {
  const account = tenant.azure.account('acct1');
  const { regenerate } = account;
  return new Promise((resolve) => {
    account.regenerate = (slot) => {
      account.regenerate = regenerate;
      resolve(stopping.stop());
      return regenerate(slot);
    };
  });
}

describe('a pass that is told to stop', () => {
  it('HST-06: before its step takes none, gives its locks back, and its look comes again soon', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const account = tenant.azure.account('acct1');
    const { key } = account;
    // As it reads the keys: everything is seen by then, and nothing done. The vault is read by more than the pass.
    const told = new Promise<void>((resolve) => {
      account.key = (slot) => {
        account.key = key;
        resolve(stopping.stop());
        return account.key(slot);
      };
    });
    await tenant.event('st-a');
    await told;
    await tenant.host.drain();
    expect([tenant.regenerations('acct1'), tenant.versions('st-a').length]).toEqual([0, 1]);
    expect(tenant.current('st-a').tags?.['rotator-state']).toBeUndefined();
    expect([await locks(), await tenant.own.waiting('keyturn-work')]).toEqual([[], 1]);
    expect(tenant.logs('audit')).toEqual([]);
    stopping.begin();
    await tenant.settle(20);
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('HST-06: between issue and store it finishes: stored once, recorded, proved by the next one', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const told = toldAtRegeneration();
    await tenant.event('st-a');
    await told;
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.host.drain();
    expect([await locks(), await tenant.own.waiting('keyturn-work')]).toEqual([[], 1]);
    expect(tenant.logs('audit')).toMatchObject([{ step: 'rotate', outcome: 'done' }]);
    expect(isProved()).toBe(false);
    stopping.begin();
    await tenant.settle();
    expect([isProved(), tenant.regenerations('acct1')]).toEqual([true, 1]);
    await tenant.check();
  });

  it('HST-06: in the middle of a revocation it marks what it has revoked', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const told = toldAtRegeneration();
    await tenant.advance({ hours: 49 }, { sweepEvery: 6 });
    await told;
    await tenant.host.drain();
    expect(
      tenant.stateOf(tenant.versions('st-a').find(({ id }) => id === v1.id) ?? v1).revoked,
    ).toBe('1');
    expect(await locks()).toEqual([]);
    stopping.begin();
    await tenant.settle();
    expect(tenant.regenerations('acct1')).toBe(2);
    await tenant.check();
  });

  it("HST-06: while the target gives no answer to what it issued is nobody's fault, and the next worker goes on", async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.outage('storage.blob', { status: 503 });
    const told = toldAtRegeneration();
    await tenant.event('st-a');
    await told;
    await tenant.host.drain();
    expect([tenant.regenerations('acct1'), tenant.versions('st-a').length]).toEqual([2, 1]); // issued, and taken away again
    const row = await tenant.row('st-a');
    expect([row?.failures ?? 0, row?.lastFailure, tenant.alerts()]).toEqual([0, undefined, []]);
    expect([await locks(), await tenant.own.waiting('keyturn-work')]).toEqual([[], 1]);
    tenant.azure.heal('storage.blob');
    stopping.begin();
    await tenant.advance({ minutes: 11 });
    await tenant.sweepAndSettle();
    expect([tenant.versions('st-a').length, isProved()]).toEqual([2, true]);
    await tenant.check();
  });

  it('HST-06: a message that comes when the end has begun is put back, however many there are, and none is given up', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await stopping.stop();
    tenant.lines.length = 0;
    await tenant.event('st-a');
    await tenant.settle(120);
    expect([tenant.logs('decided'), await tenant.own.waiting('keyturn-work')]).toEqual([[], 1]);
    expect(await tenant.own.waiting('keyturn-work-poison')).toBe(0);
    stopping.begin();
    await tenant.settle();
    expect(isProved()).toBe(true);
  });

  it("HST-06: a person's request outlives it", async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await stopping.stop();
    const asked = await tenant.rotate('st-a', { revoke: 'now' });
    await tenant.host.drain();
    stopping.begin();
    await tenant.settle(600);
    const { pathname } = new URL(asked.headers.get('operation-location') ?? '', tenant.host.url);
    expect(await (await tenant.request(pathname)).json()).toMatchObject({
      phase: 'settled',
      done: true,
    });
  });
});

describe('a pass that waits for a fresh client secret and is told to stop', () => {
  let app: Application;
  beforeEach(async () => {
    app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
    app.spreading = { addSeconds: 600, removeSeconds: 0 };
    const { secretText } = app.addPassword({
      displayName: 'a person',
      endDateTime: '2038-01-01T00:00:00Z',
    });
    tenant.seed('gr-a', {
      value: secretText,
      tags: { rotator: 'app-registration', 'rotator-target': app.appId },
    });
    await tenant.goTo(tenant.dueOn('gr-a'));
  });

  it("HST-06: takes it away again, as nobody's fault, and another one issues the one that is stored", async () => {
    const judge = app.judge.bind(app);
    const adds = () => callsTo(tenant, 'graph.addPassword').length;
    app.judge = (secret) => {
      if (adds() > 0) {
        app.judge = judge;
        void stopping.stop();
      }
      return judge(secret);
    };
    await tenant.event('gr-a');
    await tenant.host.drain();
    expect([adds(), tenant.versions('gr-a').length, orphans(tenant.azure)]).toEqual([1, 1, []]);
    expect(await locks()).toEqual([]);
    expect(await tenant.row('gr-a')).not.toMatchObject({ failures: 1 });
    expect(tenant.alerts()).toEqual([]);
    app.spreading = { addSeconds: 0, removeSeconds: 0 };
    stopping.begin();
    await tenant.advance({ minutes: 11 });
    await tenant.sweepAndSettle();
    expect([tenant.versions('gr-a').length, isProved('gr-a'), orphans(tenant.azure)]).toEqual([
      2,
      true,
      [],
    ]);
    expect(takenFromPeople(tenant.azure)).toEqual([]);
  });

  it('HST-06: of two that are owed it takes one away, and no other before the next worker', async () => {
    app.spreading = { addSeconds: 0, removeSeconds: 0 };
    tenant.seed('gr-a', {
      value: tenant.current('gr-a').value,
      tags: { ...tenant.current('gr-a').tags, 'rotator-options': 'revoke-adopted=true' },
    });
    await tenant.goTo(tenant.dueOn('gr-a'));
    await tenant.event('gr-a');
    await tenant.sweepAndSettle();
    // The new one stops to work: what is issued in its place leaves two to be revoked.
    const broken = tenant.current('gr-a').value;
    const judge = app.judge.bind(app);
    app.judge = (secret) => (secret === broken ? 'wrong' : judge(secret));
    await tenant.event('gr-a');
    await tenant.sweepAndSettle();
    const { owed } = (await (await tenant.request('/api/vaults/kv1/secrets/gr-a')).json()) as {
      owed: string[];
    };
    expect(owed).toHaveLength(2);
    const removals = () => callsTo(tenant, 'graph.removePassword').length;
    const before = removals();
    const remove = app.removeOverGraph.bind(app);
    app.removeOverGraph = (keyId) => {
      void stopping.stop();
      return remove(keyId);
    };
    await tenant.advance({ hours: 60 }, { sweepEvery: 6 });
    app.removeOverGraph = remove;
    expect(removals() - before).toBe(1);
    expect(await locks()).toEqual([]);
    stopping.begin();
    await tenant.sweepAndSettle();
    expect(removals() - before).toBe(2);
    expect([isProved('gr-a'), orphans(tenant.azure)]).toEqual([true, []]);
  });
});
