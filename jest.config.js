import './scripts/node.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// What `npm test` runs of the suites that cost seconds (`test/jest/short.ts`); the others run whole.
const short = {
  'test/cases/isolation.test.ts': { line: 1, all: 1 },
  'test/cases/sqlOff.test.ts': { line: 1, all: 2 },
  // Stories of seconds each: their siblings run in the rest.
  'test/cases/appRegistration.test.ts': { line: 1, ids: 1, all: 9 },
  'test/cases/consumers.test.ts': { line: 1, ids: 1, all: 8 },
  'test/cases/holds.test.ts': { line: 1, ids: 1, all: 10 },
  'test/cases/undo.test.ts': { line: 1, ids: 1, all: 5 },
  'test/cases/owed.test.ts': { line: 1, ids: 1, all: 5 },
  'test/cases/sql.test.ts': { line: 1, ids: 1, all: 14 },
  'test/cases/': { line: 1, ids: 1 },
  'test/chaos/': { line: 1, ids: 1 },
  'test/contract/': { line: 2 },
  'test/form/': { line: 12 },
  'test/simulation/teams.test.ts': { line: 1, all: 1 },
  'test/infra/consentScript.test.ts': { line: 2 },
  'test/infra/scripts.test.ts': { line: 2 },
  'test/functions/built.test.ts': { line: 1, all: 1 },
  'test/functions/openapi.test.ts': { line: 1, all: 2 },
  'test/functions/': { line: 4 },
  'test/api/auth.test.ts': { line: 8 },
  'test/api/authMatrix.test.ts': { line: 4 },
  'test/api/problem.test.ts': { line: 8 },
  'test/api/requests.test.ts': { line: 4 },
  'test/api/secretBody.test.ts': { line: 8 },
  'test/fuzz/': { line: 24 },
};

// Not in `npm test` unless named: the slow proof, in many processes or at full size, of what others prove in small.
export const long = [
  ...[
    'chaos/chaos',
    'chaos/orphan',
    'docs/bench',
    'docs/newRotator',
    'functions/memory',
    'infra/azd',
    'infra/release',
  ],
  ...[
    'infra/roles',
    'cases/flood',
    'cases/handedOver',

    'cases/late',
    'cases/leaks',
    'functions/quiet',
  ],
  'local/start',
].map((name) => `test/${name}.test.ts`);
const isNamed = process.argv.slice(2).some((word) => !word.startsWith('-'));

/** Suites of which `npm test` leaves something out: those named above, and those that walk less far by themselves. */
function suitesWithRest() {
  const named = Object.keys(short).map((start) =>
    start.endsWith('/') ? `${start}**/*.test.ts` : start,
  );
  const walking = readdirSync(join(import.meta.dirname, 'test'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => join('test', file))
    .filter((file) =>
      readFileSync(join(import.meta.dirname, file), 'utf8').includes("/jest/form.ts'"),
    );
  return [...named, ...walking, ...long].map((file) => `<rootDir>/${file}`);
}

/** ESM and TypeScript: swc strips the types, `tsc --noEmit` (npm run lint) checks them. */
export default {
  testEnvironment: '<rootDir>/test/jest/environment.ts',
  testEnvironmentOptions: { short },
  runtime: '<rootDir>/test/jest/runtime.ts',
  injectGlobals: false,
  testMatch: process.env.TESTS === 'rest' ? suitesWithRest() : ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns:
    process.env.TESTS === 'rest' || isNamed ? [] : long.map((file) => `<rootDir>/${file}$`),
  extensionsToTreatAsEsm: ['.ts'],
  // A built app is no module of the tests; its package.json has the name of this one.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.keyturn/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  maxWorkers: 2,
  // Catches what hangs, nothing else: a machine eight times busier is not a fault (case COR-11).
  testTimeout: 600_000,
  // A busy machine takes longer than half a second to end a worker; what stays open beyond this is a leak.
  workerGracefulExitTimeout: 10_000,
};
