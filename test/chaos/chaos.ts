/**
 * Kills the worker with SIGKILL at random moments while many secrets get their first credential, every look delivered
 * twice, over the real app, Azurite's table and queue, and the strict stand-in. Nothing is simulated but the moments.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';
import { build } from '../../scripts/build.ts';
import { OwnStorage } from '../cases/ownStorage.ts';
import { random } from '../simulation/director.ts';
import { Workers } from './workers.ts';

export interface Outcome {
  readonly secrets: number;
  readonly kills: number;
  readonly regenerations: number;
  /** What is wrong at the end, in words; empty when all is well. */
  readonly violations: readonly string[];
  readonly seconds: number;
}

const VAULTS = 5;
const ROUNDS_MAX = 60;

export async function chaos(options: { secrets: number; kills: number; seed: number }): Promise<Outcome> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-chaos-'));
  const tenant = await seeded(options.secrets);
  const workers = new Workers(join(folder, 'dist'), tenant.azure);
  try {
    await build({ out: join(folder, 'dist') });
    const dice = random(options.seed);
    await tenant.own.create();
    await workers.sweepOnce();
    await tenant.deliverTwice();
    for (let kill = 0; kill < options.kills; kill++) {
      await workers.start();
      await sleep(50 + dice() * 600);
      await workers.kill();
      // Locks of 90 s run out, messages show themselves again, begun rotations settle for ten minutes.
      workers.advance(30 + Math.floor(dice() * 700));
    }
    await comeToRest(tenant, workers);
    const regenerations = tenant.azure.changes().filter(({ route }) => route === 'arm.regenerateKey').length;
    const violations = [...(await tenant.violations()), ...tooMany(regenerations, options)];
    return { ...options, regenerations, violations, seconds: (performance.now() - started) / 1000 };
  } finally {
    await workers.kill();
    await tenant.azure.stop();
    clock.reset();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every kill may cost the credential that existed nowhere but in the killed worker: one more for each pass under way. */
function tooMany(regenerations: number, { secrets, kills }: { secrets: number; kills: number }): string[] {
  const most = secrets + kills * PASSES_AT_ONCE;
  return regenerations > most ? [`${regenerations} regenerations for ${secrets} secrets and ${kills} kills`] : [];
}
/** host.json: batchSize and newBatchThreshold. */
const PASSES_AT_ONCE = 12;

/** Waits, with sweeps and a moving clock, until every secret has a proved version and the queues are empty. */
async function comeToRest(tenant: Tenant, workers: Workers): Promise<void> {
  await workers.start();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    workers.advance(11 * 60);
    await workers.sweep();
    for (let wait = 0; wait < 100 && (await tenant.own.visible()) > 0; wait++) await sleep(100);
    if (tenant.unproved() === 0 && (await tenant.own.waiting()) === 0) return;
  }
}

class ChaosStorage extends OwnStorage {
  /** Messages that a worker could take now. */
  async visible(): Promise<number> {
    return (await this.queue().peekMessages({ numberOfMessages: 32 })).peekedMessageItems.length;
  }
}

interface Tenant {
  readonly azure: Azure;
  readonly own: ChaosStorage;
  deliverTwice(): Promise<void>;
  /** Secrets without a proved version. */
  unproved(): number;
  violations(): Promise<string[]>;
}

async function seeded(count: number): Promise<Tenant> {
  clock.install();
  const accounts = Array.from({ length: count }, (_, at) => ({ name: `acct${at}` }));
  const vaults = Array.from({ length: VAULTS }, (_, at) => ({ name: `kv${at}` }));
  const azure = await startAzure({ tenant: { vaults, accounts } });
  const secrets = accounts.map(({ name: account }, at) => ({ vault: `kv${at % VAULTS}`, name: `st-${at}`, account }));
  for (const { vault, name, account } of secrets) {
    const tags = { rotator: 'storage-account-key', 'rotator-target': azure.account(account).id, owner: 'chaos' };
    azure.vault(vault).set(name, 'keyturn:new', { tags });
  }
  const own = new ChaosStorage(azure.env().AzureWebJobsStorage ?? '');
  const stateOf = ({ vault, name }: (typeof secrets)[number]) =>
    azure.vault(vault).current(name)?.tags?.['rotator-state'] ?? '';
  return {
    azure,
    own,
    async deliverTwice() {
      for (const { vault, name } of [...secrets, ...secrets])
        await own.put(JSON.stringify({ vault, name, cause: 'event' }));
    },
    unproved: () => secrets.filter((secret) => !stateOf(secret).includes('proved=')).length,
    async violations() {
      const wrong = secrets.flatMap(({ vault, name, account }) => {
        const versions = azure.vault(vault).versions(name).length;
        const value = azure.vault(vault).current(name)?.value ?? '';
        return [
          ...(versions === 2 ? [] : [`${vault}/${name} has ${versions} versions instead of 2`]),
          ...(azure.account(account).accepts(value)
            ? []
            : [`${account} refuses the current value of ${vault}/${name}`]),
        ];
      });
      const locks = (await own.rows()).filter(({ partition }) => partition === 'locks').length;
      const waiting = await own.waiting();
      return [
        ...wrong,
        ...(locks > 0 ? [`${locks} locks at rest`] : []),
        ...(waiting > 0 ? [`${waiting} messages at rest`] : []),
        ...azure.problems.map((problem) => `the stand-in: ${problem}`),
      ];
    },
  };
}
