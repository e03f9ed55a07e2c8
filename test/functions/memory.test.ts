/** ATK-07: what a worker reads and is not to know leaves nothing behind. The built app in a process of its own. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';
import { OwnStorage } from '../cases/ownStorage.ts';
import { Workers } from '../chaos/workers.ts';
import { walk } from '../jest/form.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'keyturn-memory-'));
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
  azure = await startAzure({
    tenant: { vaults: [{ name: 'kv1' }], accounts: [{ name: 'acct1' }] },
  });
  own = new OwnStorage(azure.env().AzureWebJobsStorage ?? '');
  await own.create();
  workers = new Workers(dist, azure);
});
afterAll(async () => {
  await workers.kill();
  await azure.stop();
  clock.reset();
  rmSync(folder, { recursive: true, force: true });
});

/** Looks at secrets that never opted in, each with a value of its own of 25 kB, one hundred at a time. */
async function lookAt(from: number, count: number): Promise<void> {
  for (let first = from; first < from + count; first += 100) {
    const names = [...Array(Math.min(100, from + count - first)).keys()].map(
      (at) => `junk-${first + at}`,
    );
    for (const name of names)
      azure.vault('kv1').set(name, randomBytes(18_700).toString('base64'), {});
    await Promise.all(
      names.map((name) => own.put(JSON.stringify({ vault: 'kv1', name, cause: 'event' }))),
    );
    while ((await own.waiting('keyturn-work')) > 0) await pause(50);
    for (const name of names) azure.vault('kv1').secrets.delete(name);
  }
}

it('ATK-07: values of 25 kB that never opted in, 2,000 of them in the whole form: the worker is as small as before', async () => {
  const count = walk({ whole: 2_000, short: 500 });
  await workers.start();
  await lookAt(0, 200); // what is made once: clients, connections, compiled code
  const before = await workers.memory();
  await lookAt(200, count);
  const after = await workers.memory();
  expect(
    azure.calls.filter(({ route, status }) => route === 'keyvault.get' && status === 200).length,
  ).toBeGreaterThanOrEqual(200 + count);
  expect(after / before).toBeLessThanOrEqual(1.1);
  expect(await own.waiting('keyturn-work-poison')).toBe(0);
});
