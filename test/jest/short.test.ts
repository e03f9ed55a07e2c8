/** What `npm test` leaves out never is the last test of a promise (`short.ts`). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import { isWhole } from './form.ts';
import { idsIn, kept, rest } from './short.ts';

const DAY_MS = 86_400_000;
const rows = (count: number, site: string, title: (row: number) => string) =>
  Array.from({ length: count }, (_, row) => ({ site, title: title(row) }));
const titles = (tests: Iterable<{ title: string }>) => [...tests].map(({ title }) => title);

describe('the short form', () => {
  it('runs all tests of a line that makes few, and as many of one that makes more, spread over its rows', () => {
    const tests = [...rows(2, 'a', (row) => `a ${row}`), ...rows(10, 'b', (row) => `b ${row}`)];
    expect(titles(kept(tests, { line: 3 }))).toEqual(['a 0', 'a 1', 'b 0', 'b 4', 'b 7']);
    expect(kept(tests, { line: Number.POSITIVE_INFINITY }).size).toBe(12);
  });

  it('runs as many tests of the same ids as it may, and all that have none', () => {
    const made = (ids: string) =>
      Array.from({ length: 9 }, (_, line) => rows(1, `${ids} ${line}`, () => `${ids}: ${line}`));
    const tests = [made('ATK-01'), made('ATK-01, SEC-02'), made('no id')].flat(2);
    expect(titles(kept(tests, { line: 2, ids: 3 }))).toEqual([
      ...['ATK-01: 0', 'ATK-01: 3', 'ATK-01: 6'],
      ...['ATK-01, SEC-02: 0', 'ATK-01, SEC-02: 3', 'ATK-01, SEC-02: 6'],
      ...Array.from({ length: 9 }, (_, line) => `no id: ${line}`),
    ]);
  });

  it('keeps a test for every id that is in a title', () => {
    const tests = rows(
      40,
      'a',
      (row) => `ATK-${String(row % 7).padStart(2, '0')}, VAL-${row}: a row`,
    );
    const ids = (all: Iterable<{ title: string }>) =>
      [...new Set(titles(all).flatMap(idsIn))].sort();
    for (const limit of [1, 3, 8])
      expect(ids(kept(tests, { line: limit, ids: 1 }))).toEqual(ids(tests));
  });

  it('runs as many tests of a file of slow processes as it may, and still one for every id', () => {
    const made = [
      'a story',
      'another',
      'OPS-10: commands',
      'a third',
      'HST-06: a signal',
      'a fourth',
    ];
    const tests = made.flatMap((title, line) => rows(1, `line ${line}`, () => title));
    expect(titles(kept(tests, { line: 1, all: 1 }))).toEqual([
      'a story',
      'OPS-10: commands',
      'HST-06: a signal',
    ]);
    expect(rest(tests, { line: 1, all: 1 }).size).toBe(3);
  });

  it('never runs less than a test of each line', () => {
    const tests = Array.from({ length: 50 }, (_, line) =>
      rows(line + 1, `line ${line}`, (row) => `row ${row}`),
    ).flat();
    for (const limit of [1, 2, 5])
      expect(new Set([...kept(tests, { line: limit, ids: 1 })].map(({ site }) => site)).size).toBe(
        50,
      );
  });
});

it('what it leaves out is the rest, whatever the limits: no test runs in neither', () => {
  const tests = Array.from({ length: 30 }, (_, line) =>
    rows(line + 1, `line ${line}`, (row) => `COR-0${row % 9} row`),
  ).flat();
  for (const limits of [{ line: 1, ids: 2 }, { line: 1 }, { line: 4 }])
    expect(new Set([...kept(tests, limits), ...rest(tests, limits)])).toEqual(new Set(tests));
  expect(rest(tests, { line: 100 }).size).toBe(1);
  expect(rest(tests, undefined).size).toBe(1);
});

it('every id in a title of a suite that it does not run at all is in one that it runs', async () => {
  const root = join(import.meta.dirname, '..', '..');
  const { long } = (await import(join(root, 'jest.config.js'))) as { long: string[] };
  const suites = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => ({
      file: `test/${file}`,
      ids: idsIn(readFileSync(join(root, 'test', file), 'utf8')),
    }));
  const isLong = ({ file }: { file: string }) => long.includes(file);
  const run = new Set(suites.filter((suite) => !isLong(suite)).flatMap(({ ids }) => ids));
  expect(suites.filter(isLong)).toHaveLength(long.length);
  expect(suites.filter(isLong).flatMap(({ ids }) => ids.filter((id) => !run.has(id)))).toEqual([]);
});

describe('a suite', () => {
  it('that is named runs whole', () => {
    const { TESTS } = process.env;
    expect([isWhole, TESTS]).toEqual(TESTS === undefined ? [false, undefined] : [true, TESTS]);
  });

  it('shares a realm with the packages of its worker: their errors are errors, their clock is the one it moves', async () => {
    const { z } = await import('zod');
    const { UnsecuredJWT, decodeJwt } = await import('jose');
    const { RestError } = await import('@azure/core-rest-pipeline');
    expect(z.string().safeParse(1).error).toBeInstanceOf(Error);
    expect(new RestError('x')).toBeInstanceOf(Error);
    clock.install();
    clock.advance({ days: 400 });
    const { iat = 0 } = decodeJwt(new UnsecuredJWT({}).setIssuedAt().encode());
    expect(iat * 1000).toBeGreaterThan(performance.timeOrigin + performance.now() + 399 * DAY_MS);
  });
});
