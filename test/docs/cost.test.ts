/** The three sums of docs/deploy.md are what its own formulas and prices give (case OPS-08). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './processes.ts';

const page = readFileSync(join(root, 'docs/deploy.md'), 'utf8');
const cost = page.slice(page.indexOf('## Cost'));
const rows = [...cost.matchAll(/^\|(.+)\|$/gm)].map(([, line = '']) =>
  line.split('|').map((cell) => cell.trim()),
);
const row = (start: string): readonly string[] =>
  rows.find(([name = '']) => name.replaceAll('*', '').startsWith(start)) ?? [];
const price = (unit: string) => Number(row(unit)[1]);

describe('the cost of a month', () => {
  it.each([2, 3, 4])('OPS-08: in column %d follows from the figures above it', (column) => {
    const of = (name: string) => Number(row(name)[column]);
    const [v, s, n, p, r] = ['vaults', 'opted-in', 'private endpoints', 'pages', 'rotations'].map(
      of,
    ) as [...[number, number, number, number, number]];
    expect([p, r]).toEqual([v * Math.ceil(s / v / 25), s / 2]);
    const calls = 730 * p + r * (18 + 5 * 6);
    const executions = 730 + 6 * r;
    const seconds = (730 * (1 + p / 10) + 6 * r * 3) * 2;
    const storage = 730 * (50 + s / 100) + 120 * r;
    expect(['Key Vault calls', 'executions', 'GB s', 'storage calls'].map(of)).toEqual([
      calls,
      executions,
      seconds,
      storage,
    ]);
    expect(of('MB of log')).toBe(Math.round((calls + executions) / 1000));
    const sum =
      (calls / 1e4) * price('10,000 Key Vault calls') +
      (seconds / 1e6) * price('1,000,000 GB s') +
      (executions / 1e6) * price('1,000,000 executions') +
      (storage / 1e4) * price('10,000 storage calls') +
      ((calls + executions) / 1e6) * price('1 GB of log') +
      of('alert rules') * price('1 alert rule') +
      n * price('1 private endpoint');
    expect(Math.abs(of('sum') - sum)).toBeLessThan(0.005);
  });

  it('OPS-08: says which figures are assumed', () => {
    expect(cost).toMatch(/the unit prices are assumptions/);
    expect(row('Unit')[1]).toMatch(/^Assumed price/);
  });
});
