/**
 * The built app with every switch for verbose logs thrown (case FN-05, finding ATK-10): those that are read by SDKs do nothing,
 * and while one is set that Node itself has read, Keyturn does nothing.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';
import { OwnStorage } from '../cases/ownStorage.ts';
import { Workers } from '../chaos/workers.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'keyturn-quiet-'));
const dist = join(folder, 'dist');
const VERBOSE = { DEBUG: '*', AZURE_LOG_LEVEL: 'verbose', TYPESPEC_RUNTIME_LOG_LEVEL: 'verbose' };
let azure: Azure;
let own: OwnStorage;
let workers: Workers;
const keys: string[] = [];

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
  const account = azure.account('acct1');
  const regenerate = account.regenerate.bind(account);
  keys.splice(0, keys.length, account.key('key1'), account.key('key2'));
  account.regenerate = (slot) => {
    const made = regenerate(slot);
    keys.push(account.key(slot));
    return made;
  };
  const tags = { rotator: 'storage-account-key', 'rotator-target': account.id };
  azure.vault('kv1').set('st-a', 'keyturn:new', { tags });
});
afterEach(async () => {
  await workers.kill();
  await azure.stop();
  clock.reset();
});

const look = JSON.stringify({ vault: 'kv1', name: 'st-a', cause: 'event' });
const state = () => azure.vault('kv1').current('st-a')?.tags?.['rotator-state'] ?? '';

/** Until Azure has not been asked for a while. */
async function calm(): Promise<void> {
  for (let turns = 0, asked = -1; turns < 10; turns += 1) {
    if (azure.calls.length !== asked) turns = 0;
    asked = azure.calls.length;
    await pause(100);
  }
}

/** Looks again and again, with the clock in between, until it is so. Waits on the condition alone. */
async function lookUntil(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns += 1) {
    if (turns % 20 === 0) {
      workers.advance(15 * 60);
      await own.put(look);
    }
    await pause(100);
  }
}

/** Where a key, its spellings or a token was printed. */
function leaked(): string[] {
  const texts = keys.flatMap((key) => [
    key,
    encodeURIComponent(key),
    JSON.stringify(key).slice(1, -1),
    Buffer.from(key).toString('base64'),
  ]);
  const lines = workers.printed.join('').split('\n');
  return lines
    .filter((line) => /eyJ[\w-]{8,}\./.test(line) || texts.some((text) => line.includes(text)))
    .map((line) => line.slice(0, 80));
}
/** Lines of SDKs and drivers: each begins with the name of its logger, `azure:…` or `typespec:…`. */
const ofSdks = () =>
  workers.printed
    .join('')
    .split('\n')
    .filter(
      (line) =>
        /(azure|typeSpec|typespec|tedious|mysql|express)[\w-]*:/i.test(line.slice(0, 60)) &&
        !line.startsWith('{'),
    );

describe('FN-05: the built app', () => {
  it('FN-05, ATK-10: prints no value and no line of an SDK, while services throw back what they were sent', async () => {
    workers = new Workers(dist, azure, { SWITCHES_OF_APP: JSON.stringify(VERBOSE) });
    await workers.sweepOnce();
    await own.queue().clearMessages();
    await workers.start();
    // Each until it was met: how many looks that takes is the product's affair, and the machine's.
    for (const route of ['keyvault.get', 'arm.listKeys', 'keyvault.set'] as const) {
      azure.echo(route);
      const text = `invalid: ${keys.join(' ')}`;
      if (route !== 'keyvault.set')
        azure.outage(route, { status: 400, message: text, headers: { 'x-echo': text } });
      await lookUntil(() => azure.calls.some((call) => call.route === route && call.status >= 400));
      azure.heal(route);
    }
    for (const route of ['keyvault.update', 'arm.regenerateKey', 'identity.token'])
      azure.echo(route);
    await calm();
    azure.heal();
    await lookUntil(() => state().includes('proved='));
    expect(azure.calls.some(({ route, status }) => route === 'keyvault.set' && status >= 400)).toBe(
      true,
    );
    expect(leaked()).toEqual([]);
    expect(ofSdks()).toEqual([]);
    expect(keys.length).toBeGreaterThan(2);
  });
});

describe('ATK-10: what Node has read cannot be cleared', () => {
  it.each([
    ['NODE_DEBUG', 'https,tls'],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
    ['SSLKEYLOGFILE', join(folder, 'keys')],
    ['NODE_OPTIONS', `--tls-keylog=${join(folder, 'keys')}`],
    ['NODE_OPTIONS', '--report-on-fatalerror'],
    ['NODE_OPTIONS', '--heapsnapshot-signal=SIGUSR2'],
  ])(
    'ATK-10: %s=%s: no token is asked for and no vault is read, and the log says what to remove',
    async (name, value) => {
      workers = new Workers(dist, azure, { [name]: value });
      await workers.start();
      await own.put(look);
      while (!workers.printed.join('').includes('"reason":"exposed"')) await pause(50);
      await calm();
      expect(azure.calls).toEqual([]);
      expect(state()).toBe('');
      const alert = workers.printed
        .join('')
        .split('\n')
        .find((line) => line.includes('"reason":"exposed"'));
      expect(alert).toContain(name);
      expect(leaked()).toEqual([]);
    },
  );
});
