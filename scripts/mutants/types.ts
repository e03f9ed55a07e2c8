/** Whether the mutants compile: a fault that the compiler sees is none that a test has to find. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Checkout } from './checkout.ts';
import type { Mutant } from './list.ts';
import type { Place } from './places.ts';

interface Placed {
  readonly mutant: Pick<Mutant, 'id' | 'put'>;
  readonly place: Place;
}

/** What the compiler says of the mutants, with their ids. As many as do not touch each other's lines are compiled together. */
export async function typeFaults(placed: readonly Placed[]): Promise<readonly string[]> {
  const copy = await Checkout.make();
  try {
    const faults: string[] = [];
    for (let rest = placed.filter(({ place }) => place.file.endsWith('.ts')); rest.length > 0; ) {
      const together = apart(rest);
      rest = rest.filter((each) => !together.includes(each));
      faults.push(...(await compiled(together, copy)));
    }
    return faults;
  } finally {
    await copy.remove();
  }
}

function apart(placed: readonly Placed[]): readonly Placed[] {
  const chosen: Placed[] = [];
  for (const each of placed) {
    const { file, line } = each.place;
    const isNear = ({ place }: Placed) => place.file === file && Math.abs(place.line - line) < 4;
    if (!chosen.some(isNear)) chosen.push(each);
  }
  return chosen;
}

async function compiled(placed: readonly Placed[], copy: Checkout): Promise<readonly string[]> {
  const before = new Map(placed.map(({ place: { file, text } }) => [file, text]));
  for (const [file, text] of before) await writeFile(join(copy.folder, file), withAll(text, placed, file));
  // What a mutant no longer uses is no fault.
  const options = ['--noEmit', '--pretty', 'false', '--noUnusedLocals', 'false', '--noUnusedParameters', 'false'];
  const tsc = join(copy.folder, 'node_modules/.bin/tsc');
  const said = await promisify(execFile)(tsc, options, { cwd: copy.folder }).then(
    () => '',
    (error: { stdout?: string }) => String(error.stdout),
  );
  for (const [file, text] of before) await writeFile(join(copy.folder, file), text);
  return said
    .split('\n')
    .filter((line) => line.includes('error TS'))
    .map((line) => `The mutants do not compile: ${line}${nearest(line, placed)}`);
}

/** From the end on, so that the places of the others stay. */
function withAll(text: string, placed: readonly Placed[], file: string): string {
  return placed
    .filter(({ place }) => place.file === file)
    .sort((one, other) => other.place.start - one.place.start)
    .reduce((made, { mutant, place }) => made.slice(0, place.start) + mutant.put + made.slice(place.end), text);
}

function nearest(said: string, placed: readonly Placed[]): string {
  const [, file, line] = /^(.+?)\((\d+),/.exec(said) ?? [];
  const [best] = placed
    .filter(({ place }) => place.file === file)
    .sort((one, other) => Math.abs(one.place.line - Number(line)) - Math.abs(other.place.line - Number(line)));
  return best ? ` (${best.mutant.id})` : '';
}
