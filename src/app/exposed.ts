/**
 * What the settings of a worker can make Node itself do: print what goes over TLS, write its memory to disk, open a debugger,
 * trust any server. None of it can be switched off from inside, since Node has read it before any code runs (finding ATK-10).
 * So Keyturn does nothing while it is set. What loads other code before Keyturn (`--require`, `--import`) can't be judged from
 * inside: whoever sets it is Keyturn (design section 6).
 */
import type { Environment } from '../core/ownStorage.ts';

/** Options of Node, in NODE_OPTIONS or as arguments of the worker (Node's own manual, "Command-line API"). */
const OPTIONS: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^--inspect/, 'opens a debugger that reads every value'],
  [/^--(debug-port|experimental-worker-inspection)$/, 'opens a debugger that reads every value'],
  [/^--(report-|experimental-report)/, 'writes environment and memory to disk'],
  [/^--heapsnapshot-/, 'writes every value to disk'],
  [/^--(heap-prof|cpu-prof|prof$|perf-|diagnostic-dir)/, 'writes what the process does to disk'],
  [/^--(tls-keylog|trace-tls|ssl-key-log)/, 'gives away what goes over TLS'],
  [/^--trace-(event|env)/, 'prints what the process does'],
  [/^--abort-on-uncaught-exception$/, 'writes every value to disk'],
];

/** Settings that Node reads itself. */
const VARIABLES: readonly (readonly [
  name: string,
  harms: (value: string) => boolean,
  why: string,
])[] = [
  ['NODE_DEBUG', isSet, 'prints tokens and values'],
  ['NODE_DEBUG_NATIVE', isSet, 'prints what the process does'],
  [
    'NODE_TLS_REJECT_UNAUTHORIZED',
    (value) => value === '0',
    'sends tokens and values to whoever answers',
  ],
  ['SSLKEYLOGFILE', isSet, 'gives away what goes over TLS'],
];

function isSet(value: string): boolean {
  return value.trim() !== '';
}

/**
 * What is wrong, one problem a line, each beginning with the name of its setting; nothing of a value but options' names.
 *
 * @param execArgv arguments that the worker's Node was started with
 */
export function exposures(env: Environment, execArgv: readonly string[] = []): readonly string[] {
  const ofVariables = VARIABLES.filter(([name, harms]) => harms(env[name] ?? '')).map(
    ([name, , why]) => `${name} ${why}: remove it.`,
  );
  return [
    ...ofVariables,
    ...optionsIn((env.NODE_OPTIONS ?? '').split(/[\s"']+/)).map(
      (option) => `NODE_OPTIONS has ${option}: remove it.`,
    ),
    ...optionsIn(execArgv).map(
      (option) => `languageWorkers__node__arguments has ${option}: remove it.`,
    ),
  ];
}

/** Options are the same with `_` for `-`, and with or without a value. */
function optionsIn(words: readonly string[]): readonly string[] {
  const names = words.map((word) => (word.split('=')[0] ?? '').replaceAll('_', '-').toLowerCase());
  return OPTIONS.flatMap(([pattern, why]) => {
    const found = names.find((name) => pattern.test(name));
    return found === undefined ? [] : [`\`${found.slice(0, 40)}\`, which ${why}`];
  });
}
