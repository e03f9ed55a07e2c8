/** Walks a walk, in its whole form or its short one, and says what came of it. */
import type { Step } from '../../src/reconcile/step.ts';
import type { Path } from './path.ts';
import type { Sim } from './sim.ts';
import { type Walked, walkPath } from './walk.ts';
import { nameOf } from './walks/all.ts';
import type { Thin, Walk } from './walks/walk.ts';
import { replayOf } from './words.ts';

export interface Row {
  readonly kind: string;
  readonly title: string;
  readonly how: Walk['how'];
  readonly paths: number;
  /** What broke, each with the words that walk it again. */
  readonly failures: readonly string[];
  /** In how many of its paths each excuse held something off. */
  readonly excuses: Readonly<Record<string, number>>;
  /** How often each rule was taken, and each reason was the end of a pass. */
  readonly rules: Readonly<Record<string, number>>;
  /** Of the processor. */
  readonly seconds: number;
}

const whole: Thin = (list) => list;

/** Half of what the walk calls few, evenly spread, from a place that is another one for each walk. */
function shortOf(name: string): Thin {
  const offset = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 997, 7);
  return (list, few) => {
    const most = Math.ceil(few / 2);
    if (list.length <= most) return list;
    const step = list.length / most;
    return Array.from(
      { length: most },
      (_, at) => list[Math.floor((at + offset / 997) * step)] as (typeof list)[number],
    );
  };
}

export async function runWalk(walk: Walk, form: 'whole' | 'short'): Promise<Row> {
  const before = process.cpuUsage();
  const failures: string[] = [];
  const excuses: Record<string, number> = {};
  const rules: Record<string, number> = {};
  let paths = 0;
  const generator = walk.paths(form === 'whole' ? whole : shortOf(nameOf(walk)));
  for (let next = generator.next(); !next.done; ) {
    const path: Path = next.value;
    const walked = await walkPath(path, { listen: (sim) => countRules(sim, rules) });
    paths += 1;
    for (const id of touchedIn(walked.sim)) excuses[id] = (excuses[id] ?? 0) + 1;
    const broken = walked.violation ?? walk.check?.(walked);
    if (broken !== undefined) failures.push(`${replayOf(path)}: ${broken}`);
    next = generator.next(walked);
  }
  const { kind, title, how } = walk;
  const { user, system } = process.cpuUsage(before);
  return { kind, title, how, paths, failures, excuses, rules, seconds: (user + system) / 1e6 };
}

/** Excuses that held off a violation in a path. */
function touchedIn({ invariants }: Walked['sim']): readonly string[] {
  const { excuses } = invariants as { excuses?: { touched?: ReadonlySet<string> } };
  return [...(excuses?.touched ?? [])];
}

/** A rule as `decide` took it, said in the log before anything is done; the end of a pass, as what it answered. */
export function countRules(sim: Sim, rules: Record<string, number>): void {
  const count = (name: string) => {
    rules[name] = (rules[name] ?? 0) + 1;
  };
  sim.decided = (step, reason) => count(`${step} ${reason}`);
  sim.ended = (outcome) => {
    const { step } = outcome as { step?: Step };
    if (step) count(`end: ${step.kind} ${step.reason}`);
  };
}
