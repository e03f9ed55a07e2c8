/** Lines of the parts of the repository: how much stand-in and test there is for each line of the product. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Row, rowsOf } from './table.ts';

const root = join(import.meta.dirname, '..');
const row = rowsOf('lines');

/** Lines of TypeScript in each folder, comments included, blank lines not. */
export async function countLines(): Promise<Row[]> {
  const src = await linesOf('src');
  const local = await linesOf('local');
  const test = await linesOf('test');
  return [
    row('src', src, 'lines'),
    row('local (stand-in and host)', local, 'lines'),
    row('test', test, 'lines'),
    row('local to src', local / src, 'x'),
    row('test to src', test / src, 'x'),
  ];
}

async function linesOf(folder: string): Promise<number> {
  const names = await readdir(join(root, folder), { recursive: true });
  const texts = names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFile(join(root, folder, name), 'utf8'));
  const lines = (await Promise.all(texts)).flatMap((text) => text.split('\n'));
  return lines.filter((line) => line.trim() !== '').length;
}
