/**
 * The mutants: faults that a user would pay for, each with the tests that have to see it. A mutant is found by its code, wherever
 * that stands in `src` or among the scripts of `infra`, so that a file may move; whoever changes the code says here where the fault would stand now.
 */
import { access } from './access.ts';
import { engine } from './engine.ts';
import { kinds } from './kinds.ts';
import type { Mutant } from './mutant.ts';
import { storage } from './storage.ts';
import { texts } from './texts.ts';

export type { Mutant } from './mutant.ts';
export const mutants: readonly Mutant[] = [...engine, ...access, ...storage, ...texts, ...kinds];
