import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

// In full by `npm run chaos`; here small, so that the suite stays short.
it('a worker killed with SIGKILL five times leaves one secret of each kind with one new value that its target accepts, and the old one revoked', async () => {
  const words = [
    '--import',
    './local/preload.ts',
    'test/chaos/main.ts',
    '--secrets',
    '33',
    '--kills',
    '5',
    '--no-databases',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: root });
  expect(stdout.trim().split('\n').at(-1)).toBe('0 violations');
  expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({
    secrets: 33,
    kills: 5,
    kinds: 33,
  });
});
