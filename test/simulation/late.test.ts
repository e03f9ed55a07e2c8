/**
 * PRF-01: a PUT that arrives after another pass has rotated. Neither vault nor target has fencing, so it can't be prevented
 * (design section 8): the dead value that it brings is healed at the next look, and nobody's grace is cut for it.
 */
import { describe, expect, it } from '@jest/globals';
import type { Director, Op } from './director.ts';
import { nothingWrong } from './director.ts';
import { Interleaver } from './interleave.ts';
import { storage } from './kinds.ts';
import { others } from './otherKinds.ts';
import { HINT, oneSecret } from './scenarios.ts';
import type { Kind, Sim } from './sim.ts';
import { DAY, HOUR, MINUTE, START } from './world.ts';

const kinds: readonly Kind[] = [storage, ...others];

const versionsOf = (sim: Sim) => sim.world.versions('kv1', 'st-a');
const isIn = (sim: Sim): boolean =>
  sim.world.accepts('acct1', sim.world.current('kv1', 'st-a')?.value ?? '');
const storedIn = (sim: Sim): string[] =>
  Object.entries(sim.world.accounts.get('acct1') ?? {}).map(([slot, value]) =>
    sim.kind.stored(slot, value),
  );

/** What has just been issued and stands in no version: when it arrives, nothing is promised of it. All else keeps its grace. */
function excuseIssued(sim: Sim, seeded: readonly string[], minutes: number): void {
  const known = new Set([...seeded, ...versionsOf(sim).map(({ value }) => value)]);
  const until = sim.world.now + minutes * MINUTE + 2 * HOUR;
  const id = 'a PUT arrives behind another rotation';
  for (const value of storedIn(sim).filter((each) => !known.has(each)))
    for (const invariant of [1, 2, 6] as const)
      sim.invariants.excuses.grant({ id, invariant, secret: 'kv1/st-a', value, until });
}

/** The first PUT is on its way for so long, and its worker does not live to see it; everything else arrives at once. */
function lateStore(minutes: number): Director & { sent(sim: Sim): void } {
  let seeded: readonly string[] = [];
  let sim: Sim | undefined;
  let at: number | undefined;
  return {
    sent(of) {
      sim = of;
      seeded = storedIn(of);
    },
    fate(op: Op) {
      if (op.name !== 'vault.store' || (at !== undefined && at !== op.at)) return 'ok';
      at = op.at;
      if (sim) excuseIssued(sim, seeded, minutes);
      return 'crash-late';
    },
    lateMinutes: () => minutes,
  };
}

/** A sweep's look is the next one at the latest. */
async function healed(sim: Sim): Promise<void> {
  const before = storedIn(sim);
  await sim.settle(sim.world.now + 70 * MINUTE);
  expect(isIn(sim)).toBe(true);
  // Where a new credential would take one from somebody, the target is left as it is.
  if (sim.kind.overlap !== 'many') expect(storedIn(sim)).toEqual(before);
}

/** Beyond another turn: what was owed is gone, nothing else is left alive, and the secret goes on rotating. */
async function goesOn(sim: Sim): Promise<void> {
  const before = versionsOf(sim).length;
  await days(sim, 66);
  expect(versionsOf(sim).length).toBeGreaterThan(before);
  expect(sim.invariants.alerts.map(({ reason }) => reason)).not.toContain('overdue');
  sim.invariants.atRest(sim.own, { settled: true });
}

async function days(sim: Sim, count: number): Promise<void> {
  const from = sim.world.now;
  for (let day = 1; day <= count; day += 1) {
    sim.skipTo(from + day * DAY);
    await sim.settle(from + day * DAY + 50 * MINUTE);
  }
  await sim.settle(sim.world.now + 30 * MINUTE, { sweeps: false });
}

describe.each(kinds)('PRF-01: $type', (kind: Kind) => {
  it.each([12, 40])(
    'a pass frozen for %i minutes right before its PUT, while another one rotates',
    async (minutes) => {
      const sim = oneSecret(nothingWrong, { kind });
      const seeded = storedIn(sim);
      await sim.sweepNow();
      sim.own.messages.length = 0;
      sim.skipTo(START + HOUR);
      for (const look of [HINT, HINT]) sim.send(look);
      const turns = new Interleaver(sim);
      const frozen = await turns.start();
      while (turns.standsBefore(frozen)?.name !== 'vault.store') await turns.step(frozen);
      excuseIssued(sim, seeded, minutes);
      sim.world.now += minutes * MINUTE;
      // Rotated by the other one, and proved.
      await sim.settle(sim.world.now + 20 * MINUTE);
      expect([isIn(sim), versionsOf(sim).length]).toEqual([true, 2]);
      await turns.finish(frozen);
      expect([isIn(sim), versionsOf(sim).length]).toEqual([false, 3]);
      await healed(sim);
      await goesOn(sim);
    },
  );

  it.each([
    ['15 minutes', 15, 1],
    ['a day', 24 * 60, 1],
    ['62 days, after two rotations', 62 * 24 * 60, 2],
  ])('a worker killed at the PUT, whose packet lands after %s', async (_, minutes, rotations) => {
    const director = lateStore(minutes);
    const sim = oneSecret(director, { kind });
    director.sent(sim);
    sim.send(HINT);
    if (kind.overlap !== 'none') sim.afterTurn = () => expect(isIn(sim)).toBe(true);
    while (sim.world.late.length === 0) await sim.settle(sim.world.now + MINUTE);
    const landsOn = sim.world.late[0]?.on ?? 0;
    while (sim.world.now + DAY + 2 * HOUR < landsOn) await days(sim, 1);
    await sim.settle(landsOn - 1);
    expect([isIn(sim), versionsOf(sim).length]).toEqual([true, rotations + 1]);
    sim.afterTurn = () => {};
    sim.world.now = landsOn;
    sim.world.applyLate();
    expect([isIn(sim), versionsOf(sim).length]).toEqual([false, rotations + 2]);
    await healed(sim);
    await goesOn(sim);
  });
});
