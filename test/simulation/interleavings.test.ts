import { describe, expect, it } from '@jest/globals';
import { type Director, nothingWrong } from './director.ts';
import { Interleaver } from './interleave.ts';
import { storage } from './kinds.ts';
import { others } from './otherKinds.ts';
import { report, tally, walk } from './report.ts';
import { HINT, oneSecret, twoSecrets } from './scenarios.ts';
import type { Sim } from './sim.ts';
import { HOUR, MINUTE, START } from './world.ts';

const skews: [string, Director['skewMinutes']][] = [
  ['clocks agree', () => 0],
  ['first clock ahead', (process) => (process % 2 === 0 ? 5 : -5)],
  ['first clock behind', (process) => (process % 2 === 0 ? -5 : 5)],
];

/** Everything after the interleaved passes: redeliveries, proof, grace, revocation. */
async function comeToRest(
  sim: Sim,
  newVersions: number | undefined = undefined,
  moreDays: readonly number[] = [],
): Promise<void> {
  for (const hours of [1, 26, 50, 74, 98, ...moreDays.map((day) => 24 * day)]) {
    sim.skipTo(START + hours * HOUR);
    await sim.settle(START + hours * HOUR + 90 * MINUTE);
  }
  await sim.settle(sim.world.now + 30 * MINUTE, { sweeps: false });
  const counts = (newVersions === undefined ? [] : sim.invariants.watched).map(({ vault, name }): [string, number] => [
    `${vault}/${name}`,
    newVersions ?? 0,
  ]);
  sim.invariants.atRest(sim.own, { settled: true, newVersions: new Map(counts) });
}

/** The index is there and `looks` doubled messages are visible. */
async function ready(
  skewMinutes: Director['skewMinutes'],
  looks: readonly object[],
  make: (director: Director) => Sim = oneSecret,
): Promise<Sim> {
  const sim = make({ ...nothingWrong, ...(skewMinutes ? { skewMinutes } : {}) });
  await sim.sweepNow();
  sim.own.messages.length = 0;
  sim.skipTo(START + 1 * HOUR);
  for (const look of looks) sim.send(look as typeof HINT);
  return sim;
}

describe('passes side by side', () => {
  it.each(skews)(
    'two passes over one secret, switched at every pair of calls, make one new version: %s',
    async (title, skew) => {
      const all = tally();
      for (let first = 0; first < 60; first++) {
        for (let second = 0; second < 12; second++) {
          await walk(all, `switch after ${first}, back after ${second}`, async () => {
            const sim = await ready(skew, [HINT, HINT]);
            const turns = new Interleaver(sim);
            const [one, two] = [await turns.start(), await turns.start()];
            for (let step = 0; step < first; step++) await turns.step(one);
            for (let step = 0; step < second; step++) await turns.step(two);
            await turns.finish(one);
            await turns.finish(two);
            await comeToRest(sim, 1);
          });
        }
      }
      report(`two passes, ${title}`, all);
      expect(all.failures.slice(0, 5)).toEqual([]);
    },
  );

  it('two and three passes over two secrets on one target, in seeded order, lock nobody out', async () => {
    const all = tally();
    for (let seed = 1; seed <= 400; seed++) await walk(all, `seed ${seed}`, () => seededOrder(seed));
    report('two and three passes on one target, seeded', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});

async function seededOrder(seed: number): Promise<void> {
  const { random } = await import('./director.ts');
  const dice = random(seed);
  const looks = [HINT, { vault: 'kv2', name: 'st-b', cause: 'event' }, ...(dice() < 0.5 ? [HINT] : [])];
  const sim = await ready((process) => (((process * 7) % 3) - 1) * 5, looks, twoSecrets);
  const turns = new Interleaver(sim);
  const passes = [];
  for (const _ of looks) passes.push(await turns.start());
  while (passes.some((each) => turns.goesOn(each))) {
    const waiting = passes.filter((each) => turns.goesOn(each));
    await turns.step(waiting[Math.floor(dice() * waiting.length)] as (typeof passes)[number]);
  }
  await comeToRest(sim, 1);
}

describe.each([storage, ...others])('a pass that stands still: $type', (kind) => {
  it.each([2, 12, 40])('%i minutes before any of its calls, while another goes on', async (minutes) => {
    const all = tally();
    for (let call = 0; call < 60; call++) {
      await walk(all, `before call ${call + 1}`, async () => {
        const sim = await ready(undefined, [HINT, HINT], (director) => oneSecret(director, { kind }));
        const turns = new Interleaver(sim);
        const frozen = await turns.start();
        for (let step = 0; step < call; step++) await turns.step(frozen);
        const before = turns.standsBefore(frozen);
        sim.world.now += minutes * MINUTE;
        // Between lock renewal and one write there is no fencing: healed at the next look, not prevented.
        const unfenced = before?.write && before.place === 'azure';
        const other = await turns.start();
        await turns.finish(other);
        sim.world.now += 2 * MINUTE;
        await turnsOfOthers(sim);
        if (unfenced) sim.excuseAll();
        await turns.finish(frozen);
        // A frozen write may cost one heal, which makes one version more.
        // What it leaves where many fit goes with the next rotation.
        const more = unfenced && kind.overlap === 'many' ? [63, 64, 65, 66, 67] : [];
        await comeToRest(sim, unfenced ? undefined : 1, more);
      });
    }
    report(`${kind.type}: one pass frozen for ${minutes} minutes`, all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});

/** What is visible by now is delivered while the frozen pass still stands. */
async function turnsOfOthers(sim: Sim): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    const message = sim.nextMessage();
    if (!message || message.visibleOn > sim.world.now) return;
    await sim.deliver(message);
  }
}

describe('messages', () => {
  it('twenty duplicates and stale ones make one new version', async () => {
    const all = tally();
    for (let seed = 1; seed <= 50; seed++) {
      await walk(all, `seed ${seed}`, async () => {
        const stale = { ...HINT, version: '0123456789abcdef0123456789abcdef' };
        const sim = await ready(undefined, [...Array.from({ length: 20 }, () => HINT), stale, stale]);
        await comeToRest(sim, 1);
      });
    }
    report('duplicates and stale messages', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});
