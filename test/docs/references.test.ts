/**
 * What comments, titles of tests and pages cite is in the repository: sections of the design, of the facts about Azure and of the
 * cases, the cases themselves, and pages by name. A reader who cannot look a reference up has none.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ENVIRONMENT } from '../../cli/session/where.ts';
import { cloudChoice } from '../../src/azure/cloud.ts';
import { SINK_SETTING } from '../../src/core/notify.ts';
import { settingsSchema } from '../../src/core/settingsSchema.ts';
import { root } from './processes.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
/** Made by tools, or words of others: packages and a compiler fetched by tests, recordings, compiled templates. */
const FOREIGN = /(^|\/)(node_modules|\.bicep|recorded|compiled|snapshots)(\/|$)/;
const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .filter(
      (file) =>
        /\.(ts|js|mjs|md|bicep|bicepparam|sh|kql|yaml|json)$/.test(file) && !FOREIGN.test(file),
    );
const SELF = 'test/docs/references.test.ts';
const ROOT_PAGES = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md'].filter((page) =>
  existsSync(join(root, page)),
);
const files = [
  ...['src', 'local', 'test', 'scripts', 'bench', 'infra', 'docs'].flatMap(filesIn),
  ...['.ci/run', ...ROOT_PAGES],
].filter((file) => file !== SELF);

/** Comments break lines anywhere: what begins a line of a comment is taken away, so that "design\n * section 3" is seen. */
const flat = (text: string): string =>
  text.replaceAll(/\n[ \t]*(?:\*(?!\/)|\/\/|#(?!#)|>)?[ \t]*/g, ' ');
const texts = new Map(files.map((file) => [file, flat(read(file))]));

interface Cited {
  readonly file: string;
  readonly what: string;
}
/** Every match of the pattern with the file that it stands in, as `what` makes it of the groups. */
const cited = (pattern: RegExp, what: (found: readonly string[]) => readonly string[]): Cited[] =>
  [...texts].flatMap(([file, text]) =>
    [...text.matchAll(pattern)].flatMap((match) =>
      what([...match].map((part) => part ?? '')).map((each) => ({ file, what: each })),
    ),
  );

const BOOKS = {
  design: 'docs/design.md',
  facts: 'docs/azure-facts.md',
  cases: 'docs/cases.md',
} as const;
/** Numbers of the headings: `## 3. The pass`, `### 2.4 Behaviours`. */
const sectionsOf = (page: string): Set<string> =>
  new Set(
    [...read(page).matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(([, number = '']) => number),
  );
const NUMBER = String.raw`\d{1,2}(?:\.\d+)?(?![\w.%]*\d)`;
const NUMBERS = `(${NUMBER}(?:(?:, (?:and )?| and | to | or )${NUMBER})*)`;
const numbersIn = (text: string): readonly string[] => text.match(/\d+(?:\.\d+)?/g) ?? [];

describe.each([
  [
    BOOKS.design,
    new RegExp(String.raw`\bdesign(?:\.md)?\`?,? (?:sections? )?${NUMBERS}`, 'gi'),
    100,
  ],
  [
    BOOKS.facts,
    new RegExp(String.raw`\bazure-facts(?:\.md)?\`?,? (?:sections? )?${NUMBERS}`, 'gi'),
    150,
  ],
  [
    BOOKS.cases,
    new RegExp(String.raw`\b(?:cases(?:\.md)?\`?,? (?:sections? )?|case section )${NUMBERS}`, 'gi'),
    15,
  ],
] as const)('sections of %s', (page, pattern, least) => {
  const found = cited(pattern, ([, numbers = '']) => numbersIn(numbers));

  it('are seen by this test', () => {
    expect(found.length).toBeGreaterThan(least);
    expect(sectionsOf(page).size).toBeGreaterThan(8);
  });

  it('that are cited are there', () => {
    const sections = sectionsOf(page);
    expect(found.filter(({ what }) => !sections.has(what))).toEqual([]);
  });
});

it('sections that a book names of itself are there', () => {
  const wrong = Object.values(BOOKS).flatMap((page) => {
    const own = [
      ...flat(read(page)).matchAll(
        new RegExp(String.raw`(?<!design )(?<!facts )\bsections? ${NUMBERS}`, 'gi'),
      ),
    ];
    const sections = sectionsOf(page);
    return own
      .flatMap(([, numbers = '']) => numbersIn(numbers))
      .filter((number) => !sections.has(number))
      .map((number) => `${page}: section ${number}`);
  });
  expect(wrong).toEqual([]);
});

describe('cases', () => {
  const page = read(BOOKS.cases);
  // `- **KV-05** (S1) …` tells a case in full, `| ATK-04 | …` in a line.
  const entries = [...page.matchAll(/^(?:- \*\*|\| )([A-Z]{2,4}-\d+)\b(.*)$/gm)].map(
    ([, id = '', rest = '']) => ({
      id,
      rest,
    }),
  );
  const ids = entries.map(({ id }) => id);
  const families = [...new Set(ids.map((id) => id.split('-')[0]))].join('|');
  // A ticket (`OPS-7#1`) and what a template makes (`COR-0${row}`) are no cases.
  const found = cited(
    new RegExp(String.raw`\b((?:${families})-\d+)\b(?![#$])`, 'g'),
    ([, id = '']) => [id],
  );

  it('have one entry each', () => {
    expect(ids.length).toBeGreaterThan(130);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });

  it('that are cited have an entry', () => {
    expect(found.length).toBeGreaterThan(1000);
    expect(found.filter(({ what }) => !ids.includes(what))).toEqual([]);
  });

  it('have a test each, or are planned', () => {
    const tested = new Set(
      found.filter(({ file }) => file.startsWith('test/')).map(({ what }) => what),
    );
    const untested = entries.filter(({ id, rest }) => !tested.has(id) && !/_planned:?_/.test(rest));
    expect(untested.map(({ id }) => id)).toEqual([]);
    // Built meanwhile: the word has to go.
    expect(
      entries
        .filter(({ id, rest }) => tested.has(id) && /_planned:?_/.test(rest))
        .map(({ id }) => id),
    ).toEqual([]);
  });
});

it('pages that are named are there', () => {
  const found = cited(
    /(?<![\w/.-])(?:docs\/|\.\.\/)*((?:decisions\/)?[a-z0-9-]+\.md)\b/g,
    ([whole = '']) => [whole],
  );
  const ours = found.filter(({ what }) =>
    /^docs\/|^(design|azure-facts|cases|findings|style|facts-)/.test(what),
  );
  expect(ours.length).toBeGreaterThan(100);
  expect(
    ours.filter(
      ({ what }) => !existsSync(join(root, what)) && !existsSync(join(root, 'docs', what)),
    ),
  ).toEqual([]);
});

describe('what pages name of the product', () => {
  const pages = [...texts].filter(([file]) => file.endsWith('.md'));
  const named = (pattern: RegExp): Cited[] =>
    pages.flatMap(([file, text]) =>
      [...text.matchAll(pattern)].map(([, what = '']) => ({ file, what })),
    );

  it('settings are those of the schema, or what the command line reads', () => {
    const found = named(/\b(KEYTURN_[A-Z_]*[A-Z])\b(?!_)/g);
    const known = [...Object.keys(settingsSchema(cloudChoice).shape), ...ENVIRONMENT];
    expect(found.length).toBeGreaterThan(100);
    // Sinks name settings of their own.
    expect(found.filter(({ what }) => !known.includes(what) && !SINK_SETTING.test(what))).toEqual(
      [],
    );
  });

  it('npm scripts are those of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const run = named(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g);
    expect(run.length).toBeGreaterThan(20);
    expect(run.filter(({ what }) => !(what in scripts))).toEqual([]);
  });

  it('files of src, test, infra, local, scripts and bench are there', () => {
    const found = named(/`((?:src|test|infra|local|scripts|bench)\/[\w./-]*\w)`/g);
    expect(found.length).toBeGreaterThan(60);
    expect(found.filter(({ what }) => !existsSync(join(root, what)))).toEqual([]);
  });
});
