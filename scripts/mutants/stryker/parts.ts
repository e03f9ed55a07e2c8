/** The parts that Stryker's own mutants are made of: code that decides by itself, with tests that take milliseconds. */

export interface Part {
  readonly name: string;
  /** Code by which its files are known, wherever they stand. */
  readonly has: readonly string[];
  /** All files of the folder in which the first of them stands. */
  readonly folder?: true;
  /** Test files, as in `Mutant`. */
  readonly tests: readonly string[];
}

export const parts: readonly Part[] = [
  {
    name: 'decide',
    has: ['export function decide('],
    tests: [
      'reconcile/decide',
      'reconcile/rules',
      'reconcile/obstacles',
      'reconcile/between',
      'reconcile/passes',
    ],
  },
  {
    name: 'tags',
    has: [
      'export function readState(',
      'export function readOptIn(',
      'export function mergePolicy(',
      'export function parseWindow(',
      'export function readExemption(',
    ],
    tests: [...['tags/state', 'tags/optIn', 'tags/policy', 'tags/window', 'tags/exempt']],
  },
  { name: 'form', has: ['export function openForm('], folder: true, tests: ['form/'] },
  {
    name: 'consent',
    has: ['export function parseGrants(', 'export function consentFrom('],
    tests: ['core/grants', 'core/consentWords', 'azure/consentAnswers'],
  },
  { name: 'locks', has: ['export function tableLocks('], tests: ['store/lockTable'] },
];
