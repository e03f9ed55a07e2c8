/** `npm run simulate -- SEED` replays one path and prints it; `npm run simulate -- FROM TO` walks a range of seeds. */
import { report, tally, walk } from './report.ts';
import type { Sim } from './sim.ts';
import { soup } from './soup.ts';

const [from = 1, to] = process.argv.slice(2).map(Number);

if (to === undefined) {
  const told: { sim?: Sim } = {};
  const failed = await soup(from, told).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  for (const line of [...(told.sim?.world.trace ?? []), ...(told.sim?.invariants.texts ?? []), ...versionsOf(told.sim)])
    console.log(line);
  console.log(failed ?? 'No violation.');
  process.exitCode = failed ? 1 : 0;
} else {
  const all = tally();
  for (let seed = from; seed <= to; seed++) await walk(all, `npm run simulate -- ${seed}`, () => soup(seed));
  report(`soup of seeds ${from} to ${to}`, all);
  for (const failure of all.failures) console.log(failure);
  process.exit(all.failures.length > 0 ? 1 : 0);
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
