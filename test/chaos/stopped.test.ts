/** Finding HST-06 with a real process: a worker that gets SIGTERM while it rotates. `test/cases/stopped.test.ts` has more places. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';
import { OwnStorage } from '../cases/ownStorage.ts';
import { Workers } from './workers.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'keyturn-stopped-'));
const dist = join(folder, 'dist');
let azure: Azure;
let own: OwnStorage;
let workers: Workers;

beforeAll(async () => {
  // By plain node: the bundler does not run inside of jest.
  const script = `import { build } from '${root}/scripts/build.ts'; await build({ out: '${dist}' });`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env,
  });
  clock.install();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  azure = await startAzure({
    tenant: { vaults: [{ name: 'kv1' }], accounts: [{ name: 'acct1' }] },
  });
  own = new OwnStorage(azure.env().AzureWebJobsStorage ?? '');
  await own.create();
  const tags = { rotator: 'storage-account-key', 'rotator-target': azure.account('acct1').id };
  azure.vault('kv1').set('st-a', 'keyturn:new', { tags });
  workers = new Workers(dist, azure);
  await workers.sweepOnce();
  await own.queue().clearMessages();
  workers.advance(300); // a look that it had begun when it was killed holds its lock for so long
});
afterEach(async () => {
  await workers.kill();
  await azure.stop();
  clock.reset();
});

const state = () => azure.vault('kv1').current('st-a')?.tags?.['rotator-state'] ?? '';
const locks = async () => (await own.rows()).filter(({ partition }) => partition === 'locks');
const look = JSON.stringify({ vault: 'kv1', name: 'st-a', cause: 'event' });

it('HST-06: SIGTERM between issue and store: stored, locks given back, and the look waits for the next worker', async () => {
  const account = azure.account('acct1');
  const regenerate = account.regenerate.bind(account);
  const gone = new Promise<number>((resolve) => {
    account.regenerate = (slot) => {
      account.regenerate = regenerate;
      const on = performance.now();
      void workers.end().then(() => resolve(performance.now() - on));
      return regenerate(slot);
    };
  });
  await workers.start();
  await own.put(look);
  // The host cuts a worker after ten seconds; a busy machine is no fault of the worker's, so only a hang is caught.
  expect(await gone).toBeLessThan(60_000);
  expect(azure.vault('kv1').versions('st-a')).toHaveLength(2);
  expect(await locks()).toEqual([]);
  // The look that comes next; here the host dies with its worker and leaves the first message where it is, too.
  expect(await own.waiting('keyturn-work')).toBeGreaterThan(0);
  await workers.start();
  workers.advance(20);
  while (!state().includes('proved=')) await new Promise((next) => setTimeout(next, 50));
  expect(azure.vault('kv1').versions('st-a')).toHaveLength(2);
});

it('HST-06: SIGTERM to a worker that has nothing to do ends it', async () => {
  await workers.start();
  await workers.end();
  expect(workers.alive).toBe(false);
});
