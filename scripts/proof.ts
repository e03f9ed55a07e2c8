/**
 * Makes the numbers in docs/proof.md, which come from a run: `npm run simulate -- --walk --json docs/proof.json`, then
 * `npm run docs`. `node scripts/proof.ts FILE` compares the numbers of another run with what the page claims; exit code 1
 * where it claims more than was walked, or is silent about an excuse.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { mutants } from './mutants/list.ts';

const counts = z.record(z.string(), z.number().int());
const Walk = z.object({
  kind: z.string(),
  title: z.string(),
  how: z.enum(['complete', 'pairwise', 'seeded']),
  paths: z.number().int(),
  violations: z.number().int(),
  excuses: counts,
});
const Run = z.object({ paths: z.number().int(), walks: z.array(Walk), rules: counts });
type Run = z.infer<typeof Run>;

export const readRun = (path: string | URL): Run =>
  Run.parse(JSON.parse(readFileSync(path, 'utf8')));

/** Claimed are round numbers, so that a call more or less in a pass makes no page wrong. */
function atLeast(count: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(count, 1))) - 1);
  return Math.floor(count / unit) * unit;
}
const figure = (count: number): string => count.toLocaleString('en');

interface Title {
  readonly title: string;
  readonly how: string;
  readonly kinds: readonly string[];
  readonly paths: number;
}

/** Walks of the same title, whatever the kind. */
function titles({ walks }: Run): readonly Title[] {
  const groups = Map.groupBy(walks, ({ title, how }) => `${title} ${how}`);
  return [...groups.values()].map((group) => ({
    title: group[0]?.title ?? '',
    how: group[0]?.how ?? '',
    kinds: group.map(({ kind }) => kind),
    paths: group.reduce((sum, { paths }) => sum + paths, 0),
  }));
}

/** One row for all that people do before the same calls: each act is a walk of its own. */
function shownTitles(run: Run): readonly Title[] {
  const tail = (title: string) => /, (before (?:any call|one call in \d+).*)$/.exec(title)?.[1];
  const groups = Map.groupBy(titles(run), ({ title, how }) => `${tail(title) ?? title} ${how}`);
  return [...groups.values()].map((group) => {
    const [first] = group as [Title, ...Title[]];
    const before = tail(first.title);
    if (before === undefined) return first;
    const kinds = [...new Set(group.flatMap((each) => each.kinds))];
    const paths = group.reduce((sum, each) => sum + each.paths, 0);
    return { ...first, title: `each of ${group.length} acts of people, ${before}`, kinds, paths };
  });
}

function walksTable(run: Run): string {
  const rows = shownTitles(run).map(
    ({ title, how, kinds, paths }) =>
      `| ${title} | ${how} | ${kinds.join(', ')} | ${figure(atLeast(paths))} |`,
  );
  return [
    `At least ${figure(atLeast(run.paths))} paths, no violation.`,
    '',
    '| what is walked | how | kinds | paths, at least |',
    '| --- | --- | --- | ---: |',
    ...rows,
  ].join('\n');
}

/** Of all paths of the run: how many each excuse has touched. */
function excused({ walks }: Run): ReadonlyMap<string, number> {
  const total = new Map<string, number>();
  for (const [id, count] of walks.flatMap(({ excuses }) => Object.entries(excuses)))
    total.set(id, (total.get(id) ?? 0) + count);
  return new Map([...total].sort(([, one], [, other]) => other - one));
}

/** The most that an excuse touched of the paths of one kind, in percent. */
function shareOf(id: string, { walks }: Run): number {
  const kinds = Map.groupBy(walks, ({ kind }) => kind);
  const shares = [...kinds.values()].map((group) => {
    const touched = group.reduce((sum, { excuses }) => sum + (excuses[id] ?? 0), 0);
    return touched / group.reduce((sum, { paths }) => sum + paths, 0);
  });
  return Math.ceil(Math.max(...shares) * 1000) / 10;
}

function excusesTable(run: Run): string {
  const rows = [...excused(run)].map(([id]) => `| ${id} | under ${shareOf(id, run)} % |`);
  if (rows.length === 0) return 'None was used in this run.';
  return ['| excuse | paths of a kind that it touched |', '| --- | ---: |', ...rows].join('\n');
}

function rulesText({ rules }: Run): string {
  const taken = Object.entries(rules).filter(([name]) => !name.startsWith('end: '));
  const ends = Object.entries(rules).filter(([name]) => name.startsWith('end: '));
  return `${taken.length} rules of \`decide\` and ${ends.length} ends of a pass were taken, each at least once.`;
}

const mutantsText = (): string =>
  `${mutants.length} faults on purpose are kept (\`npm run mutants -- --list\`), each with what a user would lose by it.`;

/** The page with its numbers put between the markers. */
export function proofWith(text: string, run: Run): string {
  const parts = {
    walks: walksTable(run),
    excuses: excusesTable(run),
    rules: rulesText(run),
    mutants: mutantsText(),
  };
  return Object.entries(parts).reduce(
    (page, [name, part]) =>
      page.replace(
        new RegExp(`(<!-- ${name}:[^>]*-->\\n).*?(\\n<!-- /${name} -->)`, 's'),
        (_, open, close) => `${open}\n${part}\n${close}`,
      ),
    text,
  );
}

/** What the page says and this run does not show. */
export function overclaimed(claimed: Run, run: Run): string[] {
  const walked = new Map(titles(run).map((each) => [`${each.title} ${each.how}`, each]));
  const less = titles(claimed).flatMap(({ title, how, paths }) => {
    const now = walked.get(`${title} ${how}`)?.paths ?? 0;
    return now < atLeast(paths)
      ? [`${title}: ${now} paths walked, at least ${atLeast(paths)} claimed`]
      : [];
  });
  const known = excused(claimed);
  const silent = [...excused(run).keys()]
    .filter((id) => !known.has(id))
    .map((id) => `the excuse "${id}" is not told`);
  const idle = Object.keys(claimed.rules).filter((name) => !run.rules[name]);
  return [
    ...less,
    ...silent,
    ...idle.map((name) => `the rule "${name}" was not taken`),
    ...run.walks.flatMap(({ title, violations }) =>
      violations > 0 ? [`${title}: ${violations} violations`] : [],
    ),
  ];
}

export const PROOF_RUN = new URL('../docs/proof.json', import.meta.url);

if (process.argv[1] === import.meta.filename) {
  const [file = ''] = process.argv.slice(2);
  const wrong = overclaimed(readRun(PROOF_RUN), readRun(file));
  for (const line of wrong) console.log(line);
  console.log(
    wrong.length === 0
      ? 'docs/proof.md claims no more than was walked.'
      : 'Walk again: see docs/proof.md.',
  );
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
