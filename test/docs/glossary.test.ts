/** docs/glossary.md: every word that it says is met in API, log, audit or tags is met there, and one meaning has one word. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cloudChoice } from '../../src/azure/cloud.ts';
import { parseGrants } from '../../src/core/grants.ts';
import { reasons } from '../../src/core/reasons.ts';
import { settingsSchema } from '../../src/core/settingsSchema.ts';
import { PHASES, SECRET_STATUSES } from '../../src/core/statuses.ts';
import { root } from './processes.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const page = read('docs/glossary.md');
const rows = [...page.matchAll(/^\| \*\*(.+?)\*\* +\| (.*?) +\| (.*?) +\|$/gm)].map(
  ([, word = '', means = '', where = '']) => ({
    word,
    means,
    where,
  }),
);
const codes = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

const TAGS = ['rotator', 'rotator-target', 'rotator-options', 'rotator-policy', 'rotator-state'];
/** Where answers, rows, operations, audit records, alerts and the tag `rotator-state` get their fields, and calls their routes. */
const source = ['api', 'functions', 'ports', 'tags', 'reconcile/record'].flatMap((folder) =>
  readdirSync(join(root, 'src', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`src/${folder}/${file}`)),
);
const text = source.join('\n');
const isField = (word: string): boolean => new RegExp(`\\b${word}\\b\\??:`).test(text);
/** Of the audit's records: `step: 'request' | 'rotate' | …`. */
const [, steps = ''] = /\bstep: ((?:'\w+' \| )*'rotate'.*?);/.exec(text) ?? [];
const STEPS = [...steps.matchAll(/'(\w+)'/g)].map(([, step = '']) => step);

describe('the glossary', () => {
  it('has a dozen words or so, each once, explained in a sentence or three', () => {
    const words = rows.map(({ word }) => word);
    expect(words.length).toBeGreaterThanOrEqual(10);
    expect(words.length).toBeLessThanOrEqual(16);
    expect(new Set(words).size).toBe(words.length);
    for (const { means } of rows) expect(means).toMatch(/^[A-Z].*\.$/);
  });

  it('names states, phases, reasons, fields, tags, settings and calls that there are', () => {
    const known = [
      ...STEPS,
      ...SECRET_STATUSES,
      ...PHASES,
      ...Object.keys(reasons),
      ...TAGS,
      ...Object.keys(settingsSchema(cloudChoice).shape),
    ];
    const met = rows.flatMap(({ word, where, means }) =>
      [...codes(where), ...codes(means)].map((code) => ({ word, code })),
    );
    expect(met.length).toBeGreaterThan(30);
    const wrong = met.filter(({ code }) => {
      if (known.includes(code) || isField(code)) return false;
      if (code.startsWith('keyturn ')) return parseGrants(code).length === 0;
      if (code.startsWith('GET /api/')) return !text.includes(code.slice('GET /api/'.length));
      return !/^key\d$|^a$/.test(code); // handles, as an example
    });
    expect(wrong).toEqual([]);
  });

  it('says of every state of the inventory that is named elsewhere than its reason what it is', () => {
    const told = rows.flatMap(({ where, means }) => [...codes(where), ...codes(means)]);
    expect(
      ['unproved', 'grace', 'held', 'waiting', 'refused', 'drift', 'leaving', 'exempt'].filter(
        (state) => !told.includes(state),
      ),
    ).toEqual([]);
  });
});
