/** Bugs planted on purpose: each is found on ordinary paths, walked until the first breaks, which is printed as short as it goes. */
import { describe, expect, it } from '@jest/globals';
import { bugs, type Planted } from './bugs.ts';
import { at, type Path, pathOf } from './path.ts';
import { people } from './people.ts';
import { shrink } from './shrink.ts';
import { walkPath } from './walk.ts';
import { wordsOf } from './words.ts';

interface Found {
  readonly path: Path;
  readonly violation: string;
  /** So many were walked. */
  readonly paths: number;
}

async function firstFound({ wrap, kind, likely = [] }: Planted): Promise<Found | undefined> {
  let paths = 0;
  for (const changes of usual(likely)) {
    const path = pathOf(kind ? { ...changes, kind: kind.name } : changes);
    const walk = (each: Path) => walkPath(each, { wrap, ...(kind ? { kind: kind.kind } : {}) });
    const { violation } = await walk(path);
    paths += 1;
    if (violation !== undefined)
      return { path: await shrink(path, undefined, walk), violation, paths };
  }
  return undefined;
}

/** The shortest ones first: nothing goes wrong; what is likely for the bug; one crash or one lost answer; one act of a person. */
function* usual(likely: readonly Partial<Path>[]): Generator<Partial<Path>> {
  yield {};
  yield* likely;
  for (const scenario of ['revoke', 'heal', 'prove', 'restore', 'two'] as const) yield { scenario };
  for (let write = 1; write <= 75; write += 1)
    for (const fate of ['crash-after', 'drop'] as const) yield { faults: [at(fate, write)] };
  for (const kind of ['logins', 'app', 'one-password'] as const) yield { kind };
  for (const person of Object.keys(people))
    for (let call = 1; call <= 220; call += 4) yield { acts: [{ person, call }] };
}

describe('planted bugs', () => {
  it.each(Object.entries(bugs))('%s: is found', async (title, planted) => {
    const found = await firstFound(planted);
    const words = found
      ? `npm run simulate -- ${wordsOf(found.path)}: ${found.violation}`
      : 'not found';
    process.stdout.write(
      `simulation: planted bug, ${title} (${found?.paths ?? 'all'} paths): ${words}\n`,
    );
    expect(found?.violation).toMatch(planted.breaks);
  });
});
