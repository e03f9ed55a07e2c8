/**
 * `npm run bench -- [--json FILE] [--only SECTION] [--rotations N] [--databases]`: what Keyturn costs, as one table. What each row means
 * and one run's figures: docs/bench.md. Times are comparable within one run only. A missed target is printed as such; the
 * exit code tells whether everything was measured.
 */
import { rm, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { BENCH_FOLDER } from './child.ts';
import { type Row, table } from './table.ts';

type Measure = (options: { rotations: number; databases: boolean }) => Promise<Row[]>;
const sections: Readonly<Record<string, Measure>> = {
  import: async () => (await import('./import.ts')).measureImport(),
  calls: async ({ databases }) => (await import('./calls.ts')).measureCalls({ databases }),
  sweep: async () => (await import('./sweep.ts')).measureSweep(),
  inventory: async () => (await import('./inventory.ts')).measureInventory(),
  load: async ({ rotations }) => (await import('./load.ts')).measureLoad(rotations),
  codec: async () => (await import('./codec.ts')).measureCodec(),
  lines: async () => (await import('./lines.ts')).countLines(),
};

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    rotations: { type: 'string', default: '200' },
    databases: { type: 'boolean', default: false },
  },
});
const names = Object.keys(sections);
const rotations = Number(values.rotations);
if (values.only !== undefined && !names.includes(values.only))
  throw new Error(`--only takes ${names.join(', ')}.`);
if (!Number.isInteger(rotations) || rotations < 1)
  throw new Error('--rotations takes a number of at least 1.');

const machine = {
  ...{ node: process.version, on: new Date().toISOString() },
  ...{
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryMB: Math.round(totalmem() / 2 ** 20),
  },
};
const rows: Row[] = [];
try {
  for (const [name, measure] of Object.entries(sections)) {
    if (values.only !== undefined && values.only !== name) continue;
    console.error(`bench: ${name} ...`);
    rows.push(...(await measure({ rotations, databases: values.databases })));
  }
} finally {
  await rm(BENCH_FOLDER, { recursive: true, force: true });
}
console.log(table(rows));
if (values.json !== undefined)
  await writeFile(values.json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
