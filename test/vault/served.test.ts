import { describe, expect, it } from '@jest/globals';
import { addMinutes, type Clock } from '../../src/core/clock.ts';
import { BusyError, KeyturnError } from '../../src/core/errors.ts';
import { parseResourceId, type ResourceId } from '../../src/core/ids.ts';
import type { Log } from '../../src/core/log.ts';
import { type Discovered, FORMER_MAX, type VaultList } from '../../src/core/vaultList.ts';
import { ServedVaults } from '../../src/vault/served.ts';

const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';
const vault = (name: string, group = 'rg'): ResourceId =>
  parseResourceId(`${SUBSCRIPTION}/${group}/${name}`, 'Microsoft.KeyVault/vaults', 'id');
const busy = () => new BusyError('storage-busy');

function world(named: ResourceId[] = [vault('kv1')]) {
  const state = {
    now: new Date('2027-01-01T00:00:00Z'),
    found: [] as ResourceId[],
    noRbac: [] as ResourceId[],
    failing: false,
    tableDown: false,
    kept: undefined as VaultList | undefined,
    asked: 0,
    read: 0,
    alerts: [] as unknown[],
  };
  const clock: Clock = { now: () => state.now, sleep: () => Promise.resolve() };
  const log: Log = (_level, message, fields) => {
    if (message === 'alert') state.alerts.push(fields);
  };
  const discovery = {
    async discover(): Promise<Discovered> {
      state.asked += 1;
      if (state.failing) throw new KeyturnError('undiscovered', { detail: 'refused' });
      return { served: state.found, noRbac: state.noRbac, strange: 0 };
    },
    kept: {
      async read() {
        state.read += 1;
        if (state.tableDown) throw busy();
        return structuredClone(state.kept);
      },
      async save(list: VaultList) {
        if (state.tableDown) throw busy();
        state.kept = structuredClone(list);
      },
    },
    parse: (id: string) =>
      id.includes(SUBSCRIPTION)
        ? parseResourceId(id, 'Microsoft.KeyVault/vaults', 'id')
        : undefined,
  };
  const worker = (inSettings = named) => new ServedVaults(inSettings, discovery, clock);
  const pass = (minutes: number) => {
    state.now = addMinutes(state.now, minutes);
  };
  return { state, log, worker, pass };
}

describe('the vaults that are served', () => {
  it('are those of the settings alone where no subscription is named, and nobody is asked', async () => {
    const { state, log } = world();
    const served = new ServedVaults([vault('kv1')], undefined, {
      now: () => state.now,
      sleep: async () => undefined,
    });
    await served.know('kv9');
    await served.refresh(log);
    expect({ names: served.names, gap: served.gap, discovery: served.discovery }).toEqual({
      names: ['kv1'],
    });
  });

  it('are found anew after minutes, not at every sweep', async () => {
    const { state, log, worker, pass } = world();
    const served = worker();
    await served.refresh(log);
    await served.refresh(log);
    expect(state.asked).toBe(1);
    state.found = [vault('kv2')];
    pass(6);
    await served.refresh(log);
    expect(served.names).toEqual(['kv2', 'kv1']);
    expect([served.find('KV2')?.discovered, served.find('kv1')?.discovered]).toEqual([true, false]);
  });

  it('are known to another worker as soon as a look names one, and within a minute anyway', async () => {
    const { state, log, worker, pass } = world();
    const [sweeper, other] = [worker(), worker()];
    await other.know();
    state.found = [vault('kv2')];
    await sweeper.refresh(log);
    await other.know();
    expect(other.names).toEqual(['kv1']);
    await other.know('kv2');
    expect(other.names).toContain('kv2');
    const { read } = state;
    await other.know('kv2');
    expect(state.read).toBe(read);
    state.found = [];
    pass(6);
    await sweeper.refresh(log);
    await other.know();
    expect(other.names).toEqual(['kv1']);
  });

  it('are not guessed while the table has never answered, and kept when it no longer does', async () => {
    const { state, log, worker, pass } = world();
    state.found = [vault('kv2')];
    await worker().refresh(log);
    const served = worker();
    state.tableDown = true;
    await expect(served.know()).rejects.toBeInstanceOf(BusyError);
    state.tableDown = false;
    await served.know();
    state.tableDown = true;
    pass(10);
    await served.know();
    await served.refresh(log);
    expect(served.names).toContain('kv2');
  });

  it('count by the settings where both know a vault, whatever its id, tag or mode is', async () => {
    const { state, log, worker, pass } = world();
    state.found = [vault('kv1', 'elsewhere')];
    const served = worker();
    await served.refresh(log);
    expect(served.ids.map(({ text }) => text)).toEqual([vault('kv1').text]);
    state.found = [];
    state.noRbac = [vault('kv1', 'elsewhere')];
    pass(6);
    await served.refresh(log);
    expect({ left: served.leftOut, alerts: state.alerts }).toEqual({ left: [], alerts: [] });
  });

  it('ATK-16: are not found by name alone: one with another id is left out, told once, until the settings name it', async () => {
    const { state, log, worker, pass } = world();
    const [first, anew] = [vault('kv2'), vault('kv2', 'elsewhere')];
    const ids = () =>
      worker()
        .know()
        .then(() => state.kept?.served);
    const look = async (named: ResourceId[] = [vault('kv1')]) => {
      pass(60);
      const served = worker(named); // a restart
      await served.refresh(log);
      return served;
    };
    state.found = [first];
    await look();
    state.found = [anew];
    for (let turn = 0; turn < 3; turn += 1) {
      const served = await look();
      expect(served.names).toEqual(['kv1']);
      expect(served.leftOut).toEqual([{ vault: 'kv2', reason: 'vault-replaced' }]);
    }
    expect(state.alerts).toMatchObject([
      {
        reason: 'vault-replaced',
        vaults: 'kv2',
        remedy: expect.stringContaining('KEYTURN_VAULTS'),
      },
    ]);
    // Untagged for longer than anything is shown, and found again: still not the one that was served.
    state.found = [];
    await look();
    pass(40 * 24 * 60);
    await look();
    state.found = [anew];
    expect((await look()).leftOut).toEqual([{ vault: 'kv2', reason: 'vault-replaced' }]);
    // Both, as while the index lags: the one that is known serves.
    state.found = [anew, first];
    expect((await look()).find('kv2')?.id.text).toBe(first.text);
    // The operator's word, and after it the new id is the known one.
    state.found = [anew];
    expect((await look([anew])).find('kv2')).toEqual({ id: anew, discovered: false });
    expect((await look()).find('kv2')).toEqual({ id: anew, discovered: true });
    state.found = [first];
    expect((await look()).names).toEqual(['kv1']);
    expect(await ids()).toEqual([]);
  });

  it('ATK-16: neither by the name of a vault that the settings named once', async () => {
    const { state, log, worker, pass } = world();
    await worker([vault('kv1')]).refresh(log);
    pass(60);
    state.found = [vault('kv1', 'elsewhere'), vault('kv3')];
    const served = worker([vault('kv4')]);
    await served.refresh(log);
    expect(served.names).toEqual(['kv3', 'kv4']);
    expect(served.leftOut).toEqual([{ vault: 'kv1', reason: 'vault-replaced' }]);
  });

  it('ATK-16: when no more names can be remembered, new ones wait for the settings', async () => {
    const { state, log, worker, pass } = world();
    const former = Object.fromEntries(
      Array.from({ length: FORMER_MAX }, (_, at) => [`kvx${at}`, '0123456789abcdef']),
    );
    state.kept = {
      triedOn: state.now,
      foundOn: state.now,
      served: [vault('kv2').text],
      noRbac: [],
      vanished: [],
      former,
    };
    pass(60);
    state.found = [vault('kv2'), vault('kv3'), vault('kvx7')];
    const served = worker();
    await served.refresh(log);
    expect(served.names).toEqual(['kv2', 'kv1']);
    expect(served.leftOut.map((one) => one.vault)).toEqual(['kv3', 'kvx7']);
    expect(Object.keys(state.kept?.former ?? {})).toHaveLength(FORMER_MAX);
  });

  it('ATK-16: a list of a release before knows its vaults all the same', async () => {
    const { state, log, worker, pass } = world();
    state.kept = {
      ...{ triedOn: state.now, foundOn: state.now, served: [vault('kv2').text], noRbac: [] },
      vanished: [{ id: vault('kv3').text, since: state.now }],
    };
    pass(60);
    state.found = [vault('kv2', 'x'), vault('kv3', 'x'), vault('kv4', 'x')];
    const served = worker();
    await served.refresh(log);
    expect(served.names).toEqual(['kv4', 'kv1']);
  });

  it('lose one that vanishes: shown for a month, alerted once, with all others of that time in one alert', async () => {
    const { state, log, worker, pass } = world();
    state.found = [vault('kv2'), vault('kv3'), vault('kv4')];
    const served = worker();
    await served.refresh(log);
    state.found = [vault('kv4')];
    for (let hour = 0; hour < 3; hour += 1) {
      pass(60);
      await served.refresh(log);
    }
    expect(state.alerts).toMatchObject([
      { reason: 'vault-vanished', vaults: 'kv2, kv3', count: 2 },
    ]);
    expect(served.leftOut.map((one) => one.vault)).toEqual(['kv2', 'kv3']);
    pass(31 * 24 * 60);
    await served.refresh(log);
    expect(served.leftOut).toEqual([]);
    expect(served.names).toEqual(['kv4', 'kv1']);
  });

  it('may have gaps until discovery has once told all; a failure is alerted once and again after it had worked', async () => {
    const { state, log, worker, pass } = world();
    const served = worker();
    state.failing = true;
    for (let turn = 0; turn < 3; turn += 1) {
      await served.refresh(log);
      pass(60);
    }
    expect(served.gap).toBeDefined();
    expect(state.alerts).toMatchObject([{ reason: 'undiscovered', detail: 'refused' }]);
    state.failing = false;
    await served.refresh(log);
    expect({ gap: served.gap, discovery: served.discovery }).toEqual({ discovery: true });
    state.failing = true;
    pass(60);
    await served.refresh(log);
    expect(served.gap).toBeUndefined();
    expect(state.alerts).toHaveLength(2);
  });

  it('leave out what the table names of a subscription that the settings do not', async () => {
    const { state, worker } = world();
    const foreign = vault('kv9').text.replace(SUBSCRIPTION, '99999999-2222-4333-8444-555555555555');
    state.kept = {
      triedOn: state.now,
      foundOn: state.now,
      served: [foreign],
      noRbac: [],
      vanished: [],
    };
    const served = worker();
    await served.know('kv9');
    expect(served.names).toEqual(['kv1']);
  });

  it('OPS-06: found out by an instance that only observes are alerted by the one that runs after it, once', async () => {
    const { state, log, worker, pass } = world();
    state.noRbac = [vault('kv9')];
    state.failing = true;
    await worker().refresh(log, { observes: true });
    pass(10);
    state.failing = false;
    await worker().refresh(log, { observes: true });
    state.alerts.length = 0; // what the log of such an instance makes of them is its own affair
    for (const minutes of [10, 10]) {
      pass(minutes);
      await worker().refresh(log);
    }
    expect(state.alerts).toMatchObject([{ reason: 'no-rbac', vaults: 'kv9', count: 1 }]);
  });
});
