/** Stories that once ended badly, each told once more: what a reader, an owner or an operator would have lost. */
import { describe, expect, it } from '@jest/globals';
import { UnknownOutcomeError } from '../../src/core/errors.ts';
import type { Operation } from '../../src/ports/operations.ts';
import { readState } from '../../src/tags/state.ts';
import { type Director, nothingWrong } from './director.ts';
import { storage } from './kinds.ts';
import { app, FIRST, onePassword } from './otherKinds.ts';
import { people } from './people.ts';
import { HINT, twoSecrets } from './scenarios.ts';
import { type Kind, Sim, type Wrap } from './sim.ts';
import { DAY, HOUR, MINUTE, type Process, START, type StoredVersion, type World } from './world.ts';

const A = 'kv1/st-a';
/** A call, without its worker. */
type Rest = Parameters<World['op']> extends [Process, ...infer R] ? R : never;
const NEW = { value: 'keyturn:new', ageDays: 0 };

function begin(director: Director = nothingWrong, wrap?: Wrap): Sim {
  return new Sim(storage, director, wrap ? { wrap } : {});
}

async function days(sim: Sim, count: number): Promise<void> {
  for (let day = 0; day < count; day++) await sim.settle(sim.world.now + DAY);
}

const alerts = (sim: Sim): string[] =>
  sim.invariants.alerts.map(({ secret, reason }) => `${secret} ${reason}`);
const versions = (sim: Sim, name = 'st-a'): StoredVersion[] => sim.world.versions('kv1', name);
const current = (sim: Sim, name = 'st-a'): StoredVersion =>
  versions(sim, name).at(-1) as StoredVersion;
const keys = (sim: Sim): Record<string, string> =>
  sim.world.accounts.get('acct1') as Record<string, string>;
const alive = (sim: Sim, version: StoredVersion | undefined): boolean =>
  sim.world.accepts('acct1', version?.value ?? '');

function ask(sim: Sim, changes: Partial<Operation>): string {
  const id = sim.world.uuid();
  const on = new Date(sim.world.now);
  const operation: Operation = {
    ...{
      id,
      vault: 'kv1',
      name: 'st-a',
      version: current(sim).id,
      caller: 'somebody',
      phase: 'accepted',
      done: false,
    },
    ...{ steps: [], override: [], revoke: 'after-grace', createdOn: on, updatedOn: on, ...changes },
  };
  sim.own.operations.set(id, operation);
  sim.send({ vault: 'kv1', name: 'st-a', cause: 'http', operation: id });
  return id;
}

/** One regeneration meets this fate once it is armed. */
function armed(
  fate: 'drop-late' | 'drop-never',
  also: (sim: Sim) => void = () => {},
): { sim: Sim; arm: () => void } {
  let ready = false;
  const sim: Sim = begin({
    fate: (op) => {
      if (!ready || op.name !== 'target.regenerate') return 'ok';
      ready = false;
      also(sim);
      return fate;
    },
  });
  const arm = () => {
    ready = true;
  };
  return { sim, arm };
}

function regenerateByHand(sim: Sim, slot: string): void {
  keys(sim)[slot] = sim.world.fresh('byhand');
}

const checked =
  (check: () => 'unknown' | undefined): Wrap =>
  (deps) => ({
    ...deps,
    rotators: {
      types: deps.rotators.types,
      get: (type) => {
        const rotator = deps.rotators.get(type);
        return (
          rotator && {
            ...rotator,
            bind: (parameters) => {
              const target = rotator.bind(parameters);
              const real = target.check.bind(target);
              target.check = async (value) => check() ?? real(value);
              return target;
            },
          }
        );
      },
    },
  });

describe('a revocation whose answer is lost and which arrives two minutes later', () => {
  it('does not meet a new key of a neighbour that was issued in the meantime', async () => {
    const { sim, arm } = armed('drop-late', (world) =>
      world.send({ ...HINT, name: 'st-b' }, 30_000),
    );
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    await sim.settle(START + 47.5 * HOUR);
    sim.skipTo(START + 60 * HOUR);
    await sim.settle(START + 49 * HOUR);
    sim.secret('kv1', 'st-b', 'acct1', 'key1', NEW);
    arm();
    sim.send(HINT);
    await sim.settle(START + 49 * HOUR + 30 * MINUTE);
    expect([alive(sim, current(sim, 'st-b')), alive(sim, versions(sim)[0])]).toEqual([true, false]);
  });

  it('does not meet a new key of the same secret that was asked for in the meantime', async () => {
    const { sim, arm } = armed('drop-late');
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    await sim.settle(START + 47.5 * HOUR);
    sim.skipTo(START + 60 * HOUR);
    await sim.settle(START + 49 * HOUR);
    arm();
    sim.send(HINT);
    await sim.settle(START + 49 * HOUR + 30_000);
    const id = ask(sim, { revoke: 'now', rotateAgain: true });
    await sim.settle(START + 49 * HOUR + 30 * MINUTE);
    expect([sim.own.operations.get(id)?.phase, alive(sim, current(sim))]).toEqual([
      'settled',
      true,
    ]);
  });
});

describe('secrets that share a target', () => {
  it('one whose options do not parse keeps the key that its readers use', async () => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    sim.secret('kv1', 'st-b', 'acct1', 'key1', { tags: { 'rotator-options': 'longest-sas=45' } });
    await days(sim, 4);
    expect(alive(sim, current(sim, 'st-b'))).toBe(true);
    // The neighbour is named, too, whose tags keep the other one from its slot.
    expect(alerts(sim)).toEqual([
      'kv1/st-b bad-tags',
      'kv1/st-b holder-unknown',
      'kv1/st-a overdue',
    ]);
  });

  it('two placeholders get one value between them and go on rotating together', async () => {
    const sim = begin();
    for (const name of ['st-a', 'st-b']) sim.secret('kv1', name, 'acct1', 'key1', NEW);
    await sim.settle(START + 2 * HOUR);
    expect(current(sim).value).toBe(current(sim, 'st-b').value);
    await days(sim, 130);
    expect([versions(sim).length, versions(sim, 'st-b').length, alerts(sim)]).toEqual([4, 4, []]);
  });

  it('a neighbour learns from the index what a heal still owes', async () => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    await sim.settle(START + 70 * MINUTE);
    sim.secret('kv1', 'st-b', 'acct1', 'key1', NEW);
    regenerateByHand(sim, 'key2');
    for (const name of ['st-a', 'st-b']) {
      sim.send({ ...HINT, name });
      await sim.deliver(
        sim.own.messages.find(({ look }) => look.includes(name)) as Sim['own']['messages'][number],
      );
    }
    expect([
      alive(sim, versions(sim)[0]),
      alive(sim, current(sim)),
      alive(sim, current(sim, 'st-b')),
    ]).toEqual([true, true, true]);
  });

  it('ATK-09: one whose own grace is long is told within days, and not before a usual grace is over', async () => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    sim.secret('kv2', 'st-b', 'acct1', 'key1', {
      ageDays: 59.9,
      tags: { 'rotator-policy': 'grace=20d' },
    });
    await days(sim, 12);
    const after = readState(current(sim).tags)?.after?.getTime() as number;
    expect(alive(sim, versions(sim)[0])).toBe(true);
    const told = sim.invariants.alerts.filter(
      ({ secret, reason }) => secret === A && reason === 'overdue',
    );
    expect(told).toHaveLength(1);
    const hours = ((told[0]?.on ?? 0) - after) / HOUR;
    expect([hours > 70, hours < 80]).toEqual([true, true]);
    expect(told[0]?.detail).toContain('kv2/st-b');
  });

  it('one that is disabled before it joined is reported before the other one expires', async () => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1', { ageDays: 59 });
    const neighbour = sim.secret('kv2', 'st-b', 'acct1', 'key1', { ageDays: 5 });
    await days(sim, 3);
    neighbour.enabled = false;
    await days(sim, 66);
    expect(alerts(sim)).toEqual(['kv2/st-b holder-unknown', 'kv1/st-a overdue']);
    expect(sim.world.now).toBeLessThan(current(sim).expiresOn as number);
  });
});

describe('what people ask for', () => {
  it.each([
    ['paused', 'paused=true'],
    ['window', 'window=Sat 01:00-05:00 UTC'],
  ])('revoke: now with override %s is carried out to its end', async (override, policy) => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1', { ageDays: 10, tags: { 'rotator-policy': policy } });
    await sim.settle(START + 70 * MINUTE);
    const id = ask(sim, { override: [override], revoke: 'now' });
    await days(sim, 1);
    expect([sim.own.operations.get(id)?.phase, alive(sim, versions(sim)[0])]).toEqual([
      'settled',
      false,
    ]);
  });

  it('a request that comes while a write settles is not forgotten', async () => {
    const { sim, arm } = armed('drop-never');
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    arm();
    await sim.settle(START + 2 * MINUTE);
    const id = ask(sim, { revoke: 'now' });
    await sim.settle(START + 2 * HOUR);
    expect([sim.own.operations.get(id)?.phase, alive(sim, versions(sim)[0])]).toEqual([
      'settled',
      false,
    ]);
  });

  it('a request that can not be met ends within a day or so, and says why', async () => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1', { ageDays: 5 });
    const neighbour = sim.secret('kv2', 'st-b', 'acct1', 'key1', { ageDays: 5 });
    await sim.settle(START + 70 * MINUTE);
    neighbour.enabled = false;
    const id = ask(sim, {});
    await days(sim, 2);
    expect(sim.own.operations.get(id)).toMatchObject({ phase: 'failed', reason: 'slot-held' });
  });

  it('revoke: now on a version that somebody else wrote is carried out as well', async () => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    await sim.settle(START + 70 * MINUTE);
    const [old] = versions(sim) as [StoredVersion];
    const { 'rotator-state': _, ...tags } = old.tags;
    const on = { createdOn: sim.world.now, updatedOn: sim.world.now };
    versions(sim).push({ ...old, ...on, id: sim.world.versionId(), tags });
    const id = ask(sim, { revoke: 'now', rotateAgain: true });
    await days(sim, 1);
    expect([sim.own.operations.get(id)?.phase, alive(sim, old), alive(sim, current(sim))]).toEqual([
      'settled',
      false,
      true,
    ]);
  });

  it('a request is no success when somebody else stored another version before it was carried out', async () => {
    const sim = begin();
    const old = sim.secret('kv1', 'st-a', 'acct1', 'key1', { ageDays: 5 });
    await sim.settle(START + 70 * MINUTE);
    const id = ask(sim, {});
    const on = { createdOn: sim.world.now, updatedOn: sim.world.now };
    versions(sim).push({ ...old, ...on, id: sim.world.versionId() });
    await sim.settle(START + 2 * HOUR);
    expect(sim.own.operations.get(id)).toMatchObject({ phase: 'failed', reason: 'superseded' });
  });

  it('revoke: now is no success when another version came between and the credential lives', async () => {
    const sim = begin();
    const old = sim.secret('kv1', 'st-a', 'acct1', 'key1', { ageDays: 5 });
    await sim.settle(START + 70 * MINUTE);
    const id = ask(sim, { revoke: 'now' });
    const on = { createdOn: sim.world.now, updatedOn: sim.world.now };
    versions(sim).push({
      ...old,
      ...on,
      id: sim.world.versionId(),
      value: keys(sim).key2 as string,
    });
    await days(sim, 2);
    expect([sim.own.operations.get(id)?.phase, alive(sim, old)]).toEqual(['failed', true]);
  });
});

describe('what operators hear of', () => {
  it.each([false, true])(
    'an opt-in that a new version lost, with an event of its own: %s',
    async (event) => {
      const sim = begin();
      sim.secret('kv1', 'st-a', 'acct1', 'key1');
      await sim.settle(START + 3 * HOUR);
      const on = { createdOn: sim.world.now, updatedOn: sim.world.now };
      versions(sim).push({
        ...current(sim),
        ...on,
        id: sim.world.versionId(),
        tags: {},
        by: 'person',
      });
      if (event) sim.send({ ...HINT, version: current(sim).id } as typeof HINT);
      await days(sim, 5);
      expect(alerts(sim)).toEqual(['kv1/st-a opt-in-lost']);
    },
  );

  it('a version that could not be proved in a day, whatever its grace', async () => {
    const sim = begin(
      nothingWrong,
      checked(() => 'unknown'),
    );
    sim.invariants.progress.on = false; // the world does not show that nobody can ask
    sim.secret('kv1', 'st-a', 'acct1', 'key1', { tags: { 'rotator-policy': 'grace=40d' } });
    await days(sim, 3);
    expect(alerts(sim)).toEqual(['kv1/st-a unproved']);
  });

  // Its owner knows (OPS-06); whoever may tag the vault is somebody else (ATK-06).
  it.each([
    ['the secret', []],
    ['the vault', ['kv1/st-a overdue']],
  ])('a secret that is due for days, paused by the tag of %s', async (whose, told) => {
    const sim = begin();
    const tags: Record<string, string> =
      whose === 'the secret' ? { 'rotator-policy': 'paused=true' } : {};
    if (whose === 'the vault') sim.vaultTags.set('kv1', { 'keyturn-policy': 'paused=true' });
    sim.secret('kv1', 'st-a', 'acct1', 'key1', { tags });
    await days(sim, 6);
    expect(alerts(sim)).toEqual(told);
  });

  it('a target that is busy for an hour, asked at growing pauses', async () => {
    const sim = begin({ fate: (op) => (op.name === 'target.account' ? 'unavailable' : 'ok') });
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    await days(sim, 1);
    expect([alerts(sim), sim.deliveries < 40]).toEqual([['kv1/st-a target-busy'], true]);
  });

  it.each<[string, Kind, string, Partial<Operation>, string]>([
    ['drift, a rotation is asked for', storage, 'the old value is written back', {}, 'drift'],
    [
      'drift, what is owed is to go at once',
      storage,
      'the old value is written back',
      { at: 'now' },
      'drift',
    ],
    ['drift, a hold is put on', storage, 'the old value is written back', { hold: null }, 'drift'],
    [
      'what is owed and cannot be closed, a hold is put on',
      onePassword,
      'the old value is written back without tags, for good',
      { hold: new Date(START + 30 * HOUR) },
      'still-owed',
    ],
  ])(
    'a cause that stands is told once, whatever is asked for in between: %s',
    async (_, kind, act, asked, reason) => {
      const sim = new Sim(kind, nothingWrong);
      sim.secret('kv1', 'st-a', 'acct1', kind.slots[0] as string);
      await sim.settle(START + 3 * HOUR);
      people[act]?.(sim);
      await days(sim, 1);
      ask(sim, asked);
      await days(sim, 2);
      expect(alerts(sim).filter((each) => each === `${A} ${reason}`)).toEqual([`${A} ${reason}`]);
    },
  );

  it('tags that do not parse are looked at once a day, not at every sweep', async () => {
    const sim = begin();
    sim.secret('kv1', 'st-a', 'acct1', 'key1', { tags: { 'rotator-policy': 'evry=60d' } });
    await sim.settle(START + 23 * HOUR);
    expect([sim.deliveries, alerts(sim)]).toEqual([1, ['kv1/st-a bad-tags']]);
  });

  it('a heal that fails is one alert of each kind, however long it lasts', async () => {
    let refused = false;
    const sim = begin({
      fate: (op) => (refused && op.name === 'vault.store' ? 'unavailable' : 'ok'),
    });
    sim.secret('kv1', 'st-a', 'acct1', 'key1');
    await days(sim, 4);
    regenerateByHand(sim, 'key2');
    refused = true;
    await days(sim, 6);
    expect([...alerts(sim)].sort()).toEqual([...new Set(alerts(sim))].sort());
    expect(alerts(sim)).toContain('kv1/st-a locked-out');
  });
});

it('what a heal has issued goes, though its owner opted out before the heal could store it', async () => {
  let dies = false;
  const sim = new Sim(app, {
    fate: ({ name }) => {
      if (!dies || name !== 'target.addPassword') return 'ok';
      dies = false;
      return 'crash-after';
    },
  });
  sim.secret('kv1', 'st-a', 'acct1', FIRST);
  await days(sim, 4);
  const made = Object.keys(keys(sim)).find((each) => each !== FIRST) as string;
  delete keys(sim)[made];
  dies = true;
  sim.send(HINT);
  await sim.settle(sim.world.now + 5 * MINUTE);
  expect(Object.keys(keys(sim))).toHaveLength(2);
  people['the tag rotator says none']?.(sim);
  await days(sim, 5);
  expect(Object.keys(keys(sim))).toEqual([FIRST]);
});

it.each([storage, app, onePassword])(
  'what an owner writes while a PUT is repeated stands on the new version: $type',
  async (kind) => {
    let dropped = false;
    const sim: Sim = new Sim(kind, {
      fate: ({ name }) => {
        if (dropped || name !== 'vault.store') return 'ok';
        dropped = true;
        return 'drop-never';
      },
      person: ({ name }) => {
        if (dropped && name === 'sleep')
          Object.assign(current(sim), { tags: { ...current(sim).tags, cost: '42' } });
      },
    });
    sim.secret('kv1', 'st-a', 'acct1', kind.slots[0] as string);
    await days(sim, 1);
    expect([current(sim).by, current(sim).tags.cost]).toEqual(['keyturn', '42']);
  },
);

it('a PUT of our own that comes in while the pass waits to repeat it is no conflict', async () => {
  let first = true;
  const late: Wrap = (deps, world) => ({
    ...deps,
    vaults: {
      names: deps.vaults.names,
      open: (name) => {
        const vault = deps.vaults.open(name);
        return (
          vault && {
            ...vault,
            store: async (secret, version) => {
              if (!first) return vault.store(secret, version);
              first = false;
              world.late.push({
                on: world.now + 1500,
                apply: () => void vault.store(secret, version),
              });
              throw new UnknownOutcomeError('vault-busy');
            },
          }
        );
      },
    },
  });
  const sim = begin(nothingWrong, late);
  sim.secret('kv1', 'st-a', 'acct1', 'key1');
  await days(sim, 1);
  expect([alerts(sim), sim.own.secrets.get(A)?.wroteVersion]).toEqual([[], current(sim).id]);
});

it('a key that stands in its slot is not replaced because the data plane refuses it for a while', async () => {
  let off = false;
  let rotator: ReturnType<typeof storage.rotator> | undefined;
  let worker: Process | undefined;
  const oneWorker: typeof storage = {
    ...storage,
    rotator: (world, process) => {
      worker = process;
      const seen = new Proxy(world, {
        get(target, key) {
          if (key === 'accepts' && off) return () => false;
          if (key !== 'op') return Reflect.get(target, key, target);
          return (of: Process, ...call: Rest) => target.op(worker ?? of, ...call);
        },
      });
      rotator ??= storage.rotator(seen, process);
      return rotator;
    },
  };
  const sim = new Sim(oneWorker, nothingWrong);
  sim.invariants.progress.on = false; // the world does not show what the data plane says
  sim.secret('kv1', 'st-a', 'acct1', 'key1');
  await sim.settle(START + 5 * HOUR);
  off = true;
  await days(sim, 4);
  expect([versions(sim).length, alive(sim, current(sim)), alive(sim, versions(sim)[0])]).toEqual([
    2,
    true,
    true,
  ]);
  expect(alerts(sim)).toEqual(['kv1/st-a overdue']);
});

it('no slot is touched when the last complete sweep is older than 26 hours, and it is with the next one', async () => {
  const sim = begin();
  sim.secret('kv1', 'st-a', 'acct1', 'key1', { ageDays: 59 });
  await sim.settle(START + 50 * MINUTE);
  sim.skipTo(START + 30 * HOUR);
  sim.send(HINT, 27 * HOUR);
  await sim.settle(START + 29 * HOUR);
  expect([sim.own.secrets.get(A)?.reason, versions(sim).length]).toEqual(['index', 1]);
  await sim.settle(START + 33 * HOUR);
  expect(versions(sim).length).toBe(2);
});

it('a slot is held by the value, not by the tags: also when the table is lost while the tags name another target', async () => {
  const sim = begin();
  sim.secret('kv1', 'st-a', 'acct1', 'key1');
  sim.secret('kv2', 'st-b', 'acct1', 'key1', { ageDays: 59.5 });
  await sim.settle(START + 90 * MINUTE);
  expect(versions(sim)).toHaveLength(2);
  const { tags } = current(sim);
  current(sim).tags = { ...tags, ...storage.tags('acct2') };
  sim.loseTable();
  // The other one is due in between: the slot that it would take is the one that readers of st-a use.
  await days(sim, 3);
  expect(alive(sim, current(sim))).toBe(true);
  current(sim).tags = tags;
  await days(sim, 4);
  expect([...sim.own.holders.keys()].filter((key) => key.startsWith('tgt:'))).toEqual([]);
  expect(alive(sim, current(sim))).toBe(true);
});

it('what a version held whose state was wiped before the old value came back is owed: a neighbour keeps its hands off', async () => {
  const broken: string[] = [];
  for (let hours = 5; hours < 40; hours += 2.5) {
    const acts: [number, keyof typeof people][] = [
      [hours, 'an apply replaces all tags'],
      [hours + 0.01, 'the old value is written back'],
    ];
    const sim = twoSecrets({
      // The neighbour has no chance to join before.
      fate: ({ name }) =>
        name === 'consent.of' &&
        sim.world.now > START + 2 * HOUR &&
        sim.world.now < START + 5 * HOUR
          ? 'refuse'
          : 'ok',
      person: () => {
        for (const act of acts.filter(([on]) => START + on * HOUR <= sim.world.now)) {
          acts.splice(acts.indexOf(act), 1);
          people[act[1]]?.(sim);
          sim.invariants.afterCall(); // what is current from now on, also where no write follows for hours
        }
      },
    });
    await sim
      .settle(START + 60 * HOUR)
      .catch((error: Error) => broken.push(`${hours}: ${error.message}`));
  }
  expect(broken).toEqual([]);
});
