/**
 * Issue 5 and case GR-02 with real processes: a worker is killed by SIGKILL around `addPassword`, and what only it knew is gone.
 * `appRegistration.test.ts` has the same with a process that dies in this one's memory, at more places.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application, Password } from '../../local/azure/applications.ts';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';
import { orphans, takenFromPeople } from '../cases/applications.ts';
import { OwnStorage } from '../cases/ownStorage.ts';
import { Workers } from './workers.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'keyturn-orphan-'));
const dist = join(folder, 'dist');

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

let azure: Azure;
let workers: Workers;
let app: Application;
/** What a person stored; its readers must not notice anything. */
let first: Password;

beforeEach(async () => {
  azure = await startAzure({ tenant: { vaults: [{ name: 'kv1' }], accounts: [] } });
  await new OwnStorage(azure.env().AzureWebJobsStorage ?? '').create();
  app = azure.ownedApplication('payroll', 'kv1/gr-a');
  app.spreading = { addSeconds: 0, removeSeconds: 0 }; // workers sleep real time
  first = app.addPassword({ displayName: 'made by a person', endDateTime: '2038-01-01T00:00:00Z' });
  const tags = {
    rotator: 'app-registration',
    'rotator-target': app.appId,
    'rotator-policy': 'every=60d',
  };
  azure.vault('kv1').set('gr-a', first.secretText, { tags });
  workers = new Workers(dist, azure, { KEYTURN_ROTATORS: 'app-registration' });
});
afterEach(async () => {
  await workers.kill();
  await azure.stop();
  clock.reset(); // new workers begin at the real time
});

const versions = () => azure.vault('kv1').versions('gr-a');
const current = () => azure.vault('kv1').current('gr-a')?.value ?? '';
const adds = () => azure.changes().filter(({ route }) => route === 'graph.addPassword');

/** Works off a sweep: real time for what the worker sleeps, until Azure is asked nothing more, or the worker is dead. */
async function sweepAndSettle(): Promise<void> {
  await workers.sweep();
  for (let calm = 0, asked = -1; calm < CALM_TURNS && workers.alive; calm += 1) {
    if (azure.calls.length !== asked) calm = 0;
    asked = azure.calls.length;
    await pause(TURN_MS);
  }
}
const TURN_MS = 100;
/** More than the pause between two tries of a fresh secret, of which there are three. */
const CALM_TURNS = 25;

/** A worker looks at the secret before it is due, so that the index is fresh, and again when it is: something kills it then. */
async function untilKilled(): Promise<void> {
  workers.advance(60 * 86_400 - 1800);
  await workers.start();
  await sweepAndSettle();
  expect(adds()).toEqual([]);
  workers.advance(3600);
  await sweepAndSettle();
  expect(workers.alive).toBe(false);
}

/** A new worker, and sweeps while the clock goes on, until the stored value is proved. */
async function comeToRest(): Promise<void> {
  await workers.start();
  for (let round = 0; round < 8; round += 1) {
    workers.advance(11 * 60);
    await sweepAndSettle();
    if (azure.vault('kv1').current('gr-a')?.tags?.['rotator-state']?.includes('proved=')) return;
  }
  throw new Error('It does not come to rest.');
}

describe('GR-02: SIGKILL to the worker', () => {
  it('GR-02: as Graph makes the secret, before the answer has left: no orphan after the next passes', async () => {
    const add = app.addOverGraph.bind(app);
    app.addOverGraph = (asked) => {
      app.addOverGraph = add;
      workers.killNow();
      return add(asked);
    };
    await untilKilled();
    await expectNoOrphan();
  });

  it('GR-02: while it tries the new secret, which nobody else has: no orphan after the next passes', async () => {
    const judge = app.judge.bind(app);
    app.judge = (secret) => {
      if (adds().length > 0) {
        app.judge = judge;
        workers.killNow();
      }
      return judge(secret);
    };
    await untilKilled();
    await expectNoOrphan();
  });
});

async function expectNoOrphan(): Promise<void> {
  const lost = app.passwords.find(({ keyId }) => keyId !== first.keyId);
  expect(lost?.displayName).toMatch(/^keyturn:kv1\/gr-a:[0-9a-f]{16}$/);
  expect(orphans(azure)).toEqual([`orphan ${lost?.displayName}`]);
  // Readers of the vault did not notice.
  expect([versions().length, app.accepts(current())]).toEqual([1, true]);
  await comeToRest();
  expect(orphans(azure)).toEqual([]);
  expect(app.removedOverGraph.map(({ keyId }) => keyId)).toEqual([lost?.keyId]);
  expect(adds()).toHaveLength(2);
  expect([versions().length, app.accepts(current()), app.accepts(first.secretText)]).toEqual([
    2,
    true,
    true,
  ]);
  expect(takenFromPeople(azure)).toEqual([]);
  expect(azure.problems).toEqual([]);
}
