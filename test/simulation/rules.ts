/** Every rule that `decide` can take, read from its source, and whether a whole walk took it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isReason } from '../../src/core/reasons.ts';

const read = (file: string): string =>
  readFileSync(join(import.meta.dirname, '../../src/reconcile', file), 'utf8').replace(
    /\/\*[\s\S]*?\*\/|\/\/.*$/gm,
    '',
  );

const quoted = (text: string): readonly string[] =>
  [...text.matchAll(/'([a-z-]+)'/g)].map(([, word]) => word as string);

/** Written in the source as `wait('grace', …)`, `rotate('due', …)`, `{ kind: 'refuse', reason: … }`; `kind reason` for each. */
export function rulesOf(source: string): readonly string[] {
  const calls = [...source.matchAll(/\b(wait|rotate|blocked)\(([^,)]*)/g)].flatMap(
    ([, call, reason = '']) =>
      quoted(reason).map((each) => `${call === 'rotate' ? 'rotate' : 'wait'} ${each}`),
  );
  const revocations = [...source.matchAll(/\brevocation\(observed, ([^,]*)/g)].flatMap(
    ([, reason = '']) => quoted(reason).map((each) => `revoke ${each}`),
  );
  const steps = [...source.matchAll(/kind: '(\w+)', reason: ([^,}]*)/g)].flatMap(
    ([, kind, reason = '']) => quoted(reason).map((each) => `${kind} ${each}`),
  );
  const all = [...calls, ...revocations, ...steps].filter((rule) =>
    isReason(rule.split(' ')[1] ?? ''),
  );
  return [...new Set(all)].sort();
}

/** What stands in the rules themselves, and where the next credential comes from. */
export const allRules = (): readonly string[] => [
  ...new Set([...rulesOf(read('decide.ts')), ...rulesOf(read('observe/source.ts'))]),
];

/** A step that ends before anything is decided is counted as the end of its pass. */
const wasTaken = (rule: string, taken: Readonly<Record<string, number>>): boolean =>
  (taken[rule] ?? 0) > 0 || (rule.startsWith('skip ') && (taken[`end: ${rule}`] ?? 0) > 0);

/** Rules that no path took, in words: each fails a whole walk. */
export const missingRules = (taken: Readonly<Record<string, number>>): readonly string[] =>
  allRules().flatMap((rule) => (wasTaken(rule, taken) ? [] : [`No path took the rule "${rule}".`]));
