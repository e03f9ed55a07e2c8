/**
 * `npm run simulate -- SEED` replays one path of the soup and prints it, `npm run simulate -- FROM TO` walks a range of
 * seeds, `npm run simulate -- teams SEED` and `teams FROM TO` do the same for two teams of which one is hostile,
 * `npm run simulate -- FATE@WRITE … [two]` replays the story of one secret (or two on one target) with those faults.
 */
import { at, type Fate } from './director.ts';
import { report, tally, walk } from './report.ts';
import { oneSecret, rotateOnce, twoSecrets } from './scenarios.ts';
import type { Sim } from './sim.ts';
import { soup } from './soup.ts';
import { teams } from './teams.ts';

const words = process.argv.slice(2);
const faults = words.filter((word) => word.includes('@')).map((word) => word.split('@') as [Fate, string]);
const isTeams = words.includes('teams');
const [path, title] = isTeams ? ([teams, 'two teams'] as const) : ([soup, 'soup'] as const);
const [from = 1, to] = words.filter((word) => word !== 'teams').map(Number);

if (faults.length > 0) {
  const plan = at(new Map(faults.map(([fate, write]) => [Number(write), fate])));
  const sim = (words.includes('two') ? twoSecrets : oneSecret)(plan);
  await show(sim, async () => {
    await rotateOnce(sim, { extraDays: 5 });
    sim.invariants.atRest(sim.own, { settled: true, alone: true });
  });
} else if (to === undefined) {
  const told: { sim?: Sim } = {};
  await show(told, () => path(from, told));
} else {
  const all = tally();
  for (let seed = from; seed <= to; seed++) {
    const words = isTeams ? `teams ${seed}` : `${seed}`;
    await walk(all, `npm run simulate -- ${words}`, () => path(seed));
    if (isTeams && seed % 100 === 0) report(`${title}, seeds ${from} to ${seed}`, all);
  }
  report(`${title} of seeds ${from} to ${to}`, all);
  for (const failure of all.failures) console.log(failure);
  process.exitCode = all.failures.length > 0 ? 1 : 0;
}

/** Walks a path and prints what went wrong in it, what the passes said, and what is in the vaults at its end. */
async function show(told: Sim | { sim?: Sim }, story: () => Promise<unknown>): Promise<void> {
  const failed = await story().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  const sim = 'sim' in told ? told.sim : (told as Sim);
  const lines = [...(sim?.world.trace ?? []), ...(sim?.invariants.texts ?? []), ...versionsOf(sim)];
  for (const line of lines) console.log(line);
  console.log(failed ?? 'No violation.');
  process.exitCode = failed ? 1 : 0;
}

/** What the vaults hold at the end of a path: handles and states, no values. */
function versionsOf(sim: Sim | undefined): string[] {
  return [...(sim?.world.vaults ?? [])].flatMap(([vault, secrets]) =>
    [...secrets].flatMap(([name, versions]) =>
      versions.map(
        ({ by, createdOn, tags, enabled }) =>
          `${vault}/${name} by ${by} ${new Date(createdOn).toISOString()} ${enabled} ${tags['rotator-state'] ?? '-'}`,
      ),
    ),
  );
}
