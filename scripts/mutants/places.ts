/** Where a mutant stands today: found by its code, so that a file may move and a line may shift. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './list.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A file by its path from the root. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

export interface Place {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  /** Of the code that is replaced. */
  readonly start: number;
  readonly end: number;
  /** The file as it is. */
  readonly text: string;
  /** The file with the fault in it. */
  readonly mutated: string;
}

/** The product: its code, and the scripts with which its owner sets it up. */
export async function sources(): Promise<readonly Source[]> {
  const files = [...(await under('src', '.ts')), ...(await under('infra/scripts', '.sh'))];
  return await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(join(root, file), 'utf8') })),
  );
}

export const testFiles = (): Promise<readonly string[]> => under('test', '.test.ts');

async function under(folder: string, end: string): Promise<string[]> {
  const found = await readdir(join(root, folder), { recursive: true });
  return found
    .filter((file) => file.endsWith(end))
    .map((file) => `${folder}/${file}`)
    .sort();
}

/**
 * The one place of a mutant. Throws when its code stands nowhere, or more than once: then somebody changed the code, and has to say
 * where the fault would stand now.
 */
export function placeOf({ id, find, inside, put }: Mutant, all: readonly Source[]): Place {
  const pattern = patternOf(find);
  const found = all.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)]
      .filter(({ index }) => inside === undefined || declarationAt(text, index) === inside)
      .map(({ 0: code, index }) => ({ file, text, start: index, end: index + code.length })),
  );
  const [place] = found;
  if (!place || found.length > 1) {
    const where =
      found.map(({ file, text, start }) => `${file}:${lineAt(text, start)}`).join(', ') ||
      'nowhere';
    const within = inside === undefined ? '' : ` inside ${inside}`;
    throw new Error(
      `The mutant ${id} has to stand once, and stands ${where}: ${JSON.stringify(find)}${within}.`,
    );
  }
  const { file, text, start, end } = place;
  const mutated = text.slice(0, start) + put + text.slice(end);
  return { id, file, line: lineAt(text, start), start, end, text, mutated };
}

/** The code however the formatter breaks its lines, which puts a comma behind the last of a list that it breaks. */
function patternOf(find: string): RegExp {
  const tokens = find.match(/\w+|[^\s\w]/g) ?? [];
  const parts = tokens.map((token, at) => {
    const areWords = /^\w/.test(token) && /\w$/.test(tokens[at - 1] ?? '');
    const comma = /^[)\]}]$/.test(token) ? '(?:,\\s*)?' : '';
    return `${at === 0 ? '' : areWords ? '\\s+' : '\\s*'}${comma}${escaped(token)}`;
  });
  return new RegExp(parts.join(''), 'g');
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

const DECLARATION =
  /^(?: {2}(?:async |static |readonly )*(?=[#\w]+\((?:.*\{)?$)|(?:export |async )*(?:function\*?|const|class) )([#\w]+)/gm;

/** The name of the last function, method, class or constant that begins before a place. */
function declarationAt(text: string, index: number): string | undefined {
  let name: string | undefined;
  for (const match of text.slice(0, index + 1).matchAll(DECLARATION)) name = match[1];
  return name;
}

/** The test files that may see a mutant: all of a name, with so much of the folder as is said, or those of a whole folder. */
export function tests(
  { id, tests: names }: Pick<Mutant, 'id' | 'tests'>,
  files: readonly string[],
): readonly string[] {
  return [
    ...new Set(
      names.flatMap((name) => {
        const found = files.filter((file) =>
          name.endsWith('/')
            ? `/${file}`.includes(`/${name}`)
            : `/${file}`.endsWith(`/${name}.test.ts`),
        );
        if (found.length === 0)
          throw new Error(`The mutant ${id} names the tests ${name}, which are not there.`);
        return found;
      }),
    ),
  ];
}
