/** ESM and TypeScript: swc strips the types, `tsc --noEmit` (npm run lint) checks them. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
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
