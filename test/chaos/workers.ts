/** Processes that run the built app and are killed: one at a time, on the clock of the process that starts them. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Azure } from '../../local/azure/azure.ts';
import * as clock from '../../local/clock.ts';

const root = join(import.meta.dirname, '../..');

export class Workers {
  readonly #dist: string;
  readonly #azure: Azure;
  #child: ChildProcess | undefined;
  readonly #settings: Record<string, string>;
  readonly #entry: string;
  /** What the workers printed, on either stream. */
  readonly printed: string[] = [];
  #seconds = 0;

  /** `settings` stand beside those of the tenant; `entry` is the file in `dist` that registers the functions. */
  constructor(
    dist: string,
    azure: Azure,
    settings: Record<string, string> = {},
    entry = 'keyturn.cjs',
  ) {
    this.#dist = dist;
    this.#azure = azure;
    this.#settings = settings;
    this.#entry = entry;
  }

  async start(): Promise<void> {
    const execArgv = ['--expose-gc', '--import', join(root, 'local/preload.ts')];
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const env = {
      ...inherited,
      ...this.#azure.env(),
      ...this.#settings,
      CHAOS_SECONDS: String(this.#seconds),
    };
    this.#child = fork(join(import.meta.dirname, 'worker.ts'), [this.#dist, this.#entry], {
      execArgv,
      env,
      silent: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.printed.push(text));
    await once(this.#child, 'message');
  }

  /** Whether one runs. */
  get alive(): boolean {
    return (
      this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
    );
  }

  /** Sends the signal and does not wait: the process executes nothing of its own from then on. */
  killNow(): void {
    this.#child?.kill('SIGKILL');
  }

  async kill(): Promise<void> {
    if (!this.#child || !this.alive) return;
    const gone = once(this.#child, 'exit');
    this.killNow();
    await gone;
  }

  /** Tells it to end, as a platform does, and waits until it is gone. */
  async end(): Promise<void> {
    if (!this.#child || !this.alive) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }

  advance(seconds: number): void {
    clock.advance({ seconds });
    this.#seconds += seconds;
    if (this.#child?.connected) this.#child.send({ seconds });
  }

  async sweep(): Promise<void> {
    const swept = once(this.#child as ChildProcess, 'message');
    this.#child?.send({ sweep: true });
    await swept;
  }

  /** Waits until it is at no message: time that leaps would end what a pass waits for. */
  async drain(): Promise<void> {
    const drained = once(this.#child as ChildProcess, 'message');
    this.#child?.send({ drain: true });
    await drained;
  }

  /** Bytes of the heap and beside it that are in use after a collection of garbage. */
  async memory(): Promise<number> {
    const told = once(this.#child as ChildProcess, 'message');
    this.#child?.send({ memory: true });
    const [{ bytes }] = (await told) as [{ bytes: number }];
    return bytes;
  }

  /** Makes the index, and is killed before it takes a message. */
  async sweepOnce(): Promise<void> {
    await this.start();
    await this.sweep();
    await this.kill();
  }
}
