/** Whether the mutants compile: a fault that the compiler sees is none that a test has to find. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mutant } from './list.ts';
import { type Place, root } from './places.ts';

interface Placed {
  readonly mutant: Pick<Mutant, 'id' | 'put'>;
  readonly place: Place;
}

/**
 * What the compiler says of the mutants, with their ids. As many as do not touch each other's lines are compiled together, in a copy of
 * `src` alone: what a fault does to the types of a test is no matter.
 */
export async function typeFaults(placed: readonly Placed[]): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-types-'));
  try {
    await cp(join(root, 'src'), join(folder, 'src'), { recursive: true });
    for (const file of ['package.json', 'tsconfig.json'])
      await cp(join(root, file), join(folder, file));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(
      join(folder, 'src.json'),
      JSON.stringify({ extends: './tsconfig.json', include: ['src'] }),
    );
    const faults: string[] = [];
    const all = placed.filter(
      ({ place: { file } }) => file.startsWith('src/') && file.endsWith('.ts'),
    );
    for (let rest = all; rest.length > 0; ) {
      const together = apart(rest);
      rest = rest.filter((each) => !together.includes(each));
      faults.push(...(await compiled(together, folder)));
    }
    return faults;
  } finally {
    await rm(folder, { recursive: true, force: true });
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

async function compiled(placed: readonly Placed[], folder: string): Promise<readonly string[]> {
  const before = new Map(placed.map(({ place: { file, text } }) => [file, text]));
  for (const [file, text] of before)
    await writeFile(join(folder, file), withAll(text, placed, file));
  // What a mutant no longer uses is no fault.
  const options = [
    '-p',
    'src.json',
    '--noEmit',
    '--pretty',
    'false',
    '--noUnusedLocals',
    'false',
    '--noUnusedParameters',
    'false',
  ];
  const tsc = join(folder, 'node_modules/.bin/tsc');
  const said = await promisify(execFile)(tsc, options, { cwd: folder }).then(
    () => '',
    (error: { stdout?: string }) => String(error.stdout),
  );
  for (const [file, text] of before) await writeFile(join(folder, file), text);
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
    .reduce(
      (made, { mutant, place }) => made.slice(0, place.start) + mutant.put + made.slice(place.end),
      text,
    );
}

function nearest(said: string, placed: readonly Placed[]): string {
  const [, file, line] = /^(.+?)\((\d+),/.exec(said) ?? [];
  const [best] = placed
    .filter(({ place }) => place.file === file)
    .sort(
      (one, other) =>
        Math.abs(one.place.line - Number(line)) - Math.abs(other.place.line - Number(line)),
    );
  return best ? ` (${best.mutant.id})` : '';
}
