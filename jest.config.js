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
  testTimeout: 60_000,
  // A busy machine takes longer than half a second to end a worker; what stays open beyond this is a leak.
  workerGracefulExitTimeout: 10_000,
};
