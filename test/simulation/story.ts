/** A path told call by call: when, which worker, what it did, what went wrong, who acted, and how it ended. */
import type { Fate, Op } from './director.ts';
import type { Path } from './path.ts';
import type { Sim } from './sim.ts';
import { type Walked, walkPath } from './walk.ts';
import { replayOf } from './words.ts';

/** Walks the path and tells each line as it happens. */
export async function story(path: Path, tell: (line: string) => void): Promise<Walked> {
  tell(replayOf(path));
  tell('call/write  day time      worker  secret    call');
  const walked = await walkPath(path, { listen: (sim) => listen(sim, tell) });
  for (const line of versionsOf(walked.sim)) tell(line);
  tell(walked.violation ?? 'No violation.');
  return walked;
}

function listen(sim: Sim, tell: (line: string) => void): void {
  const { world, invariants } = sim;
  const from = world.now;
  let traced = 0;
  const acts = () => {
    for (const line of world.trace.slice(traced))
      if (!/: (crash|drop|un|refuse)/.test(line)) tell(`  -- ${line}`);
    traced = world.trace.length;
  };
  world.tell = (op: Op, fate: Fate) => {
    acts();
    if (op.name === 'sleep') return;
    const place = world.looksAt.get(op.process) ?? 'a sweep';
    const count = `${op.at}${op.write ? `/${op.write}` : ''}`;
    const end = fate === 'ok' ? '' : `  <- ${fate}`;
    tell(
      `${count.padEnd(10)}  ${timeOf(world.now - from)}  ${`${op.process}`.padEnd(6)}  ${place}  ${op.name}${end}`,
    );
  };
  const push = invariants.texts.push.bind(invariants.texts);
  // What passes say, in the order in which they say it.
  Object.assign(invariants.texts, {
    push(...texts: string[]) {
      for (const text of texts)
        if (/"(decided|step|alert)"/.test(text)) tell(`            ${text}`);
      return push(...texts);
    },
  });
}

/** `+2 13:05:10`: days since the beginning, and the time. */
function timeOf(milliseconds: number): string {
  const days = Math.floor(milliseconds / 86_400_000);
  return `+${days} ${new Date(milliseconds).toISOString().slice(11, 23)}`;
}

/** What the vaults hold at the end of a path: handles and states, no values. */
function versionsOf(sim: Sim): string[] {
  return [...sim.world.vaults].flatMap(([vault, secrets]) =>
    [...secrets].flatMap(([name, versions]) =>
      versions.slice(-8).map(({ by, createdOn, tags, enabled }) => {
        const what = `${vault}/${name}: a version by ${by} of ${new Date(createdOn).toISOString()}`;
        return `${what}${enabled ? '' : ', disabled'}, ${tags['rotator-state'] ?? 'no state'}`;
      }),
    ),
  );
}
