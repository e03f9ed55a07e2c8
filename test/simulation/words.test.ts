/** A path and its words are the same thing, said twice: whatever fails can be walked again by what was printed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { pathOf } from './path.ts';
import { people } from './people.ts';
import { randomPath } from './random.ts';
import { story } from './story.ts';
import { walkPath } from './walk.ts';
import { parsePath, replayOf, slugOf, wordsOf } from './words.ts';

const parse = (words: string) => parsePath(words.split(' ').filter(Boolean));
const cli = (...words: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...words], {
    encoding: 'utf8',
  });

describe('words of a path', () => {
  it('say the same path again, whatever it is', () => {
    for (let seed = 1; seed <= 3_000; seed += 1) {
      const path = randomPath(seed);
      expect(parse(wordsOf(path))).toEqual(path);
    }
    const ordered = pathOf({ passes: 2, order: { first: 12, second: 0 }, naive: true, seed: 9 });
    expect(parse(wordsOf(ordered))).toEqual(ordered);
  });

  it('leave out what is as usual, and come in any order', () => {
    expect(parse('')).toEqual(pathOf({}));
    expect(wordsOf(parse('days:9 crash-after@12 two storage crash-late@call:7:40'))).toBe(
      'storage two run crash-after@12 crash-late@call:7:40 days:9',
    );
  });

  it('name each person by one slug', () => {
    const slugs = Object.keys(people).map(slugOf);
    expect(new Set(slugs).size).toBe(slugs.length);
    for (const slug of slugs) expect(wordsOf(parse(`two ${slug}@3/2`))).toContain(`${slug}@3/2`);
  });

  it.each([
    ['storrage', '`storrage` is no word of a path'],
    ['crash-afterwards@12', '`crash-afterwards@12` is no word of a path'],
    [
      'crash-after@twelve',
      '`crash-after@twelve`: expected a whole number from 1 to 100000 instead of `twelve`.',
    ],
    ['drop@12:40', '`drop@12:40`: only what arrives late has minutes'],
    ['clocks:wrong', 'expected one of agree, ahead, behind, near, apart'],
    ['passes:4', 'expected a whole number from 2 to 3'],
    ['order:dice', 'An order needs `passes:2` or `passes:3`.'],
    ['storage app', '`app` comes after `storage`, and a path has one kind.'],
    ['logins join', 'The scenario `join` is none of the kind `logins`.'],
    ['the-table-is-lost@5/2', 'the scenario `one` has 1 of them.'],
  ])('%s: says what is wrong', (words, expected) => {
    expect(() => parse(words)).toThrow(expected);
  });

  it('that mean nothing are answered with all that there are', () => {
    const { status, stderr } = cli('storrage');
    expect(status).toBe(2);
    for (const word of ['storrage', 'app', 'leaving', 'drain', 'crash-late', 'the-table-is-lost'])
      expect(stderr).toContain(word);
  });
});

describe('npm run simulate', () => {
  it('tells a path call by call, with who acted and what went wrong', () => {
    const { status, stdout } = cli(
      ...'storage two crash-after@12 the-table-is-lost@30/2'.split(' '),
    );
    expect(status).toBe(0);
    for (const part of [
      'vault.store',
      '<- crash-after',
      'the table is lost',
      'kv2/st-b',
      'No violation.',
    ])
      expect(stdout).toContain(part);
  });

  it('ends with 1 and the violation where there is one, and makes the path short', () => {
    const words = 'naive days:9 crash-after@200 clocks:apart unavailable@call:190';
    const { status, stdout } = cli('--shrink', ...words.split(' '));
    expect(status).toBe(1);
    expect(stdout).toContain('npm run simulate -- storage one run naive days:1\n');
    expect(stdout).toMatch(/Invariant \d/);
  });

  it('walks the same path every time', async () => {
    const path = randomPath(4);
    const lines: string[] = [];
    const first = await story(path, (line) => lines.push(line));
    const again = await walkPath(path);
    expect(lines[0]).toBe(replayOf(path));
    expect([again.calls, again.writes, again.violation]).toEqual([
      first.calls,
      first.writes,
      first.violation,
    ]);
  });
});
