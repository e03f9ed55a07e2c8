import { describe, expect, it } from '@jest/globals';
import { bugs } from './bugs.ts';
import { at, type Director, type Fate, nothingWrong } from './director.ts';
import { people } from './people.ts';
import { oneSecret, rotated, rotateOnce } from './scenarios.ts';
import type { Sim, Wrap } from './sim.ts';

/** Walks the same paths as the other suites until one breaks: the first violation, or undefined. */
async function firstViolation(wrap: Wrap): Promise<string | undefined> {
  for await (const found of violations(wrap)) if (found !== undefined) return found;
  return undefined;
}

async function* violations(wrap: Wrap): AsyncGenerator<string | undefined> {
  yield await words('nothing goes wrong', () => rotated(nothingWrong, { wrap }));
  for (let write = 1; write <= 90; write++) {
    for (const fate of ['crash-after', 'drop'] satisfies Fate[]) {
      yield await words(`${fate} of write ${write}`, () =>
        rotated(at(new Map([[write, fate]])), { wrap, extraDays: 2 }),
      );
    }
  }
  for (const [title, person] of Object.entries(people)) {
    for (let call = 1; call <= 220; call += 1)
      yield await words(`${title} before call ${call}`, () => meddle(person, call, wrap));
  }
}

async function meddle(person: (sim: Sim) => void, call: number, wrap: Wrap): Promise<void> {
  let sim: Sim | undefined;
  const act: Director['person'] = (op) => {
    if (op.at !== call || !sim) return;
    sim.world.personActedAt = op.at;
    person(sim);
  };
  sim = oneSecret({ fate: () => 'ok', person: act }, { wrap });
  await rotateOnce(sim, { extraDays: 3 });
  sim.invariants.atRest(sim.own, { settled: false });
}

async function words(replay: string, story: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await story();
    return undefined;
  } catch (error) {
    return `${replay}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

describe('planted bugs', () => {
  it.each(Object.entries(bugs))('%s: the suite fails', async (title, wrap) => {
    const found = await firstViolation(wrap);
    process.stdout.write(`simulation: planted bug, ${title}: ${found ?? 'not found'}\n`);
    expect(found).toMatch(/Invariant \d|does not come to rest/);
  });
});
