/** All walks in their whole form, over all cores, each worker a process of its own; a row of a table for each, and a file for who counts. */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Row, runWalk } from './walker.ts';
import { walks } from './walks/all.ts';
import { COMMITTED_SEEDS, newSeeds } from './walks/everything.ts';
import type { Walk } from './walks/walk.ts';

export interface WholeOptions {
  /** So many new seeds are walked instead of the walks. */
  readonly seeds?: number | undefined;
  /** The first of them. */
  readonly from?: number | undefined;
  /** Walks whose name holds this text. */
  readonly only?: string | undefined;
}

/** The same list in the process that hands out and in those that walk. */
export function chosenWalks({ seeds, from, only }: WholeOptions): readonly Walk[] {
  const all = seeds === undefined ? walks : newSeeds(from ?? COMMITTED_SEEDS, seeds);
  return only === undefined
    ? all
    : all.filter(({ kind, title }) => `${kind}: ${title}`.includes(only));
}

/** A worker: walks what it is told by number, and answers with the row. */
export function serve(options: WholeOptions): void {
  const all = chosenWalks(options);
  process.on('message', (at: number) => {
    void runWalk(all[at] as Walk, 'whole').then((row) => process.send?.(row));
  });
}

/** Walks all; each row is told when it is there. */
export function walkAll(options: WholeOptions, tell: (row: Row) => void): Promise<readonly Row[]> {
  const all = chosenWalks(options);
  const rows: (Row | undefined)[] = all.map(() => undefined);
  const words = ['--worker', JSON.stringify(options)];
  let next = 0;
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = fork(join(import.meta.dirname, 'main.ts'), words);
      let at = -1;
      const give = () => {
        at = next;
        next += 1;
        if (at < all.length) worker.send(at);
        else worker.kill();
      };
      worker.on('message', (row: Row) => {
        rows[at] = row;
        tell(row);
        give();
      });
      worker.on('exit', (code) =>
        at >= all.length ? resolve() : reject(new Error(`A worker ended (${code}).`)),
      );
      give();
    });
  const workers = Math.max(1, Math.min(availableParallelism(), all.length));
  return Promise.all(Array.from({ length: workers }, work)).then(() =>
    rows.filter((row) => row !== undefined),
  );
}

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
    .join(', ');

export function rowText({ kind, title, how, paths, failures, excuses, seconds }: Row): string {
  const excused = counts(excuses);
  return [
    `${kind.padEnd(14)} ${paths.toLocaleString('en').padStart(7)} paths ${failures.length.toString().padStart(4)} violations`,
    ` ${seconds.toFixed(0).padStart(4)} s  ${title} (${how})${excused === '' ? '' : `; excused: ${excused}`}`,
  ].join('');
}

/** Numbers of the same names, summed. */
export function summed(
  all: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> {
  const total: Record<string, number> = {};
  for (const [name, count] of all.flatMap((each) => Object.entries(each)))
    total[name] = (total[name] ?? 0) + count;
  return Object.fromEntries(Object.entries(total).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** For `docs/proof.md`. */
export function writeJson(file: string, rows: readonly Row[]): void {
  const shown = rows.map(({ rules: _, seconds: __, failures, ...row }) => ({
    ...row,
    violations: failures.length,
  }));
  const paths = rows.reduce((sum, row) => sum + row.paths, 0);
  const json = { paths, walks: shown, rules: summed(rows.map(({ rules }) => rules)) };
  writeFileSync(file, `${JSON.stringify(json, undefined, 2)}\n`);
}
