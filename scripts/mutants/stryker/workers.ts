/** The processes in which tests run, each ended from outside when a mutant keeps it longer than its tests can take. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../places.ts';
import type { Coverage, Done, Job } from './worker.ts';

/** A loop that fills the memory ends with it. */
const MEGABYTES = 1_024;

/** Tests without a mutant. */
const HEALTHY_MILLISECONDS = 600_000;

/** What the tests come by, and how long they take, by their names. */
export interface Healthy {
  readonly coverage: Coverage;
  readonly milliseconds: Readonly<Record<string, number>>;
}
export type Ended =
  | { readonly kind: 'done'; readonly done: Done }
  | { readonly kind: 'timed out' | 'crashed' };

export class Worker {
  readonly #bundle: string;
  #child: ChildProcess | undefined;

  /** @param bundle the file of code and tests */
  constructor(bundle: string) {
    this.#bundle = bundle;
  }

  /** All tests without a mutant. Throws where one fails. */
  async healthy(): Promise<Healthy> {
    const ended = await this.run({}, HEALTHY_MILLISECONDS);
    if (ended.kind !== 'done')
      throw new Error(`Without a mutant, the process of the tests ${ended.kind}.`);
    const { failure, coverage, milliseconds } = ended.done;
    if (failure) throw new Error(`Without a mutant, "${failure.name}" fails: ${failure.why}`);
    return { coverage: coverage ?? { static: {}, perTest: {} }, milliseconds };
  }

  /** Runs the tests in a process that is there or is begun; one that does not answer in time is killed. */
  async run(job: Job, milliseconds: number): Promise<Ended> {
    const child = this.#child ?? (await this.#begun());
    return await new Promise((resolve) => {
      const end = (ended: Ended): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (ended.kind !== 'done' || ended.done.isFull) this.stop();
        resolve(ended);
      };
      const timer = setTimeout(() => end({ kind: 'timed out' }), milliseconds);
      child.once('message', (done: Done) => end({ kind: 'done', done }));
      child.once('exit', () => end({ kind: 'crashed' }));
      child.once('error', () => end({ kind: 'crashed' }));
      child.send(job);
    });
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #begun(): Promise<ChildProcess> {
    const child = fork(join(root, 'scripts/mutants/stryker/worker.ts'), [this.#bundle], {
      execArgv: [`--max-old-space-size=${MEGABYTES}`, '--no-warnings'],
      // What code under test prints is nobody's.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) =>
        reject(new Error(`The process of the tests ended with ${code} before it began.`)),
      );
    });
    child.removeAllListeners();
    return child;
  }
}
