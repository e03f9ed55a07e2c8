/** The bench in its shortest form, and its page: figures that nobody can make again or read are no figures. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Row } from '../../bench/table.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const bench = (...options: string[]) =>
  run(process.execPath, ['--import', './local/preload.ts', 'bench/main.ts', ...options], {
    cwd: root,
  });

describe('npm run bench -- --only calls --json FILE', () => {
  let folder: string;
  let printed: string;
  let rows: Row[];
  const value = (what: string) => rows.find((row) => row.what === what)?.value;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-bench-'));
    const file = join(folder, 'bench.json');
    printed = (await bench('--only', 'calls', '--json', file)).stdout;
    rows = (JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] }).rows;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('prints every row of the file in one table', () => {
    const lines = printed.trim().split('\n');
    expect(lines.length).toBe(rows.length + 1);
    for (const [at, { what }] of rows.entries()) expect(lines[at + 1]).toContain(what);
  });

  it('counts the calls of every step of a rotation, and they add up', () => {
    for (const step of ['look', 'rotation', 'proof', 'revocation']) {
      const routes = rows.filter(
        ({ what, unit }) =>
          unit === 'calls' && what.startsWith(`${step}: `) && !what.endsWith('own storage'),
      );
      expect(routes.length).toBeGreaterThan(3);
      expect(value(step)).toBe(routes.reduce((sum, row) => sum + row.value, 0));
    }
  });

  it('shows one write of each kind per rotation, and none for a look that finds nothing to do', () => {
    expect(value('rotation: arm.regenerateKey')).toBe(1);
    expect(value('rotation: keyvault.set')).toBe(1);
    expect(value('revocation: arm.regenerateKey')).toBe(1);
    expect(
      rows.some(({ what }) => /^look: (arm\.regenerateKey|keyvault\.(set|update))$/.test(what)),
    ).toBe(false);
  });
});

it('an unknown section is refused with the names of those there are', async () => {
  await expect(bench('--only', 'nothing')).rejects.toThrow(
    /--only takes import, calls, sweep, inventory, load, codec, lines/,
  );
});

it('docs/bench.md explains every section', () => {
  const page = readFileSync(join(root, 'docs/bench.md'), 'utf8');
  for (const section of ['import', 'calls', 'sweep', 'inventory', 'load', 'lines'])
    expect(page).toContain(`### \`${section}\``);
});
