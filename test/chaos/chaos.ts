/**
 * Kills the worker with SIGKILL at random moments while secrets of every kind are rotated, proved and revoked, every look
 * delivered twice, over the real app, Azurite's table and queue, the strict stand-in and real databases. Nothing is simulated
 * but the moments. What must hold is asked after every kill, and in full at rest.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as clock from '../../local/clock.ts';
import { build, bundleLater } from '../../scripts/build.ts';
import { KEYTURN_PASSWORD, mariaPeer, postgresPeer } from '../databases/subjects.ts';
import { random } from '../simulation/director.ts';
import { Judge } from './judge.ts';
import { everyKind, type Peers } from './targets.ts';
import { Workers } from './workers.ts';

export interface ChaosOptions {
  readonly secrets: number;
  readonly kills: number;
  readonly seed: number;
  /** With PostgreSQL and MariaDB of Debian, which are fetched where they are not installed. */
  readonly databases: boolean;
}

export interface Outcome extends ChaosOptions {
  readonly kinds: number;
  /** Calls that changed a target. */
  readonly changes: number;
  /** Records of the app's log. */
  readonly records: number;
  /** What is wrong, in words; empty when all is well. */
  readonly violations: readonly string[];
  readonly seconds: number;
}

const ROUNDS_MAX = 80;
/** Of the kills so many fall among revocations, the others among rotations and proofs. */
const LATE_KILLS = 0.3;
const DAY_SECONDS = 86_400;

export async function chaos(options: ChaosOptions): Promise<Outcome> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-chaos-'));
  clock.install();
  const peers = options.databases
    ? { postgresql: await postgresPeer(), mysql: await mariaPeer() }
    : undefined;
  const { azure, victims, kinds } = await everyKind(options.secrets, peers);
  const entry = await built(join(folder, 'dist'), peers !== undefined);
  const settings = {
    KEYTURN_ROTATORS: kinds.join(),
    KEYTURN_RATE: '5000/50000',
    CHAOS_LOG: 'on',
    ...settingsOf(peers),
  };
  const workers = new Workers(join(folder, 'dist'), azure, settings, entry);
  const judge = new Judge(azure, victims, workers);
  const dice = random(options.seed);
  const violations: string[] = [];
  const kill = async (): Promise<void> => {
    await workers.start();
    await sleep(50 + dice() * 600);
    await workers.kill();
    violations.push(...(await judge.underWay()));
    // Locks of 90 s run out, messages show themselves again, begun rotations settle for ten minutes.
    workers.advance(30 + Math.floor(dice() * 700));
  };
  try {
    await judge.own.create();
    // Sixty days after it was taken over every secret is due.
    workers.advance(61 * DAY_SECONDS);
    await workers.sweepOnce();
    for (const { vault, name } of [...victims, ...victims])
      await judge.own.put(JSON.stringify({ vault, name, cause: 'event' }));
    const late = Math.round(options.kills * LATE_KILLS);
    for (let count = late; count < options.kills; count++) await kill();
    await comeToRest(workers, judge, () => judge.unproved());
    violations.push(...(await judge.underWay()));
    // All are in their grace now; a complete sweep has to be younger than a day.
    for (const hours of [20, 20, 10]) {
      workers.advance(hours * 3600);
      await workers.sweep();
      await workers.drain();
      violations.push(...(await judge.underWay()));
    }
    await workers.kill();
    for (let count = 0; count < late; count++) await kill();
    await comeToRest(workers, judge, () => judge.unrevoked());
    violations.push(...(await judge.atRest(options)));
    const figures = { kinds: kinds.length, changes: judge.changes(), records: judge.records() };
    return { ...options, ...figures, violations, seconds: (performance.now() - started) / 1000 };
  } finally {
    await workers.kill();
    await azure.stop();
    await peers?.postgresql.stop();
    await peers?.mysql.stop();
    clock.reset();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The app as it is deployed; with databases beside it the same app with two kinds over them. Answers the file to load. */
async function built(dist: string, databases: boolean): Promise<string> {
  await build({ out: dist });
  if (!databases) return 'keyturn.cjs';
  await bundleLater({ entry: join(import.meta.dirname, 'entry.ts') }, join(dist, 'chaos'));
  return 'chaos/entry.mjs';
}

function settingsOf(peers: Peers | undefined): Record<string, string> {
  if (!peers) return {};
  const of = ({ server: { port, ca } }: Peers['mysql']) => ({ port, ca });
  const login = { user: 'keyturn', password: KEYTURN_PASSWORD };
  const given = { ...login, postgresql: of(peers.postgresql), mysql: of(peers.mysql) };
  return { CHAOS_DATABASES: JSON.stringify(given) };
}

/** Waits, with sweeps and a moving clock, until nothing is left to do and the queues are empty; the worker lives on. */
async function comeToRest(workers: Workers, judge: Judge, left: () => number): Promise<void> {
  await workers.start();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    workers.advance(11 * 60);
    await workers.sweep();
    await workers.drain();
    if (left() === 0 && (await judge.own.waiting()) === 0) return;
  }
}
