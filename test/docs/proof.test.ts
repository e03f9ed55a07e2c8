/** docs/proof.md: its numbers are those of the run that is kept beside it, and its commands are there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { outdated } from '../../scripts/docs.ts';
import { mutants } from '../../scripts/mutants/list.ts';
import { overclaimed, PROOF_RUN, readRun } from '../../scripts/proof.ts';
import { root } from './processes.ts';

const page = readFileSync(join(root, 'docs/proof.md'), 'utf8');
const run = readRun(PROOF_RUN);

describe('docs/proof.md', () => {
  it('has the numbers of the run', () => {
    expect(outdated('docs/proof.md')).toBeUndefined();
  });

  it('comes from a run without violations, in which every rule was taken', () => {
    expect(overclaimed(run, run)).toEqual([]);
    expect(run.walks.length).toBeGreaterThan(100);
    expect(mutants.length).toBeGreaterThanOrEqual(80);
  });

  it('is found out where it claims more than is walked, hides an excuse, or a rule is taken no more', () => {
    const [first, ...rest] = run.walks;
    if (!first) throw new Error('No walk.');
    const excuses = { ...first.excuses, 'a new one': 1 };
    const less = {
      ...run,
      walks: [{ ...first, paths: 0, excuses, violations: 1 }, ...rest],
      rules: {},
    };
    const wrong = overclaimed(run, less);
    for (const part of [
      'paths walked, at least',
      '"a new one" is not told',
      'was not taken',
      '1 violations',
    ])
      expect(wrong.some((line) => line.includes(part))).toBe(true);
  });

  it('names scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: object;
    };
    const named = [...page.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
