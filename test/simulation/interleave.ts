/** Lets one of several workers go on at a time, call by call. Everything in a world is microtasks, so a turn has an end. */
import type { Op } from './director.ts';
import type { Sim } from './sim.ts';
import type { Process } from './world.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

export class Interleaver {
  private readonly sim: Sim;
  /** Each worker's calls that wait for their turn: a pass may ask several servers at once. */
  private readonly parked = new Map<Process, { op: Op; go: () => void }[]>();
  private readonly running = new Set<Process>();

  constructor(sim: Sim) {
    this.sim = sim;
    sim.world.turn = (process, op) =>
      this.running.has(process)
        ? new Promise((go) =>
            this.parked.set(process, [...(this.parked.get(process) ?? []), { op, go }]),
          )
        : Promise.resolve();
  }

  /** Starts the delivery of the next message by a worker that stands still before its first call. */
  async start(): Promise<Process> {
    const message = this.sim.own.messages.find(({ visibleOn }) => visibleOn <= this.sim.world.now);
    const process = this.sim.world.process();
    this.running.add(process);
    if (message)
      void this.sim.deliver(message, process).then(
        () => this.end(process),
        (error) => this.fail(process, error),
      );
    else this.running.delete(process);
    await settled();
    return process;
  }

  failure: unknown;

  private fail(process: Process, error: unknown): void {
    this.failure ??= error;
    this.end(process);
  }

  private end(process: Process): void {
    this.running.delete(process);
    const waiting = this.parked.get(process) ?? [];
    this.parked.delete(process);
    // Of one that stands still another call may wait for its turn: it goes out, or the pass would wait for it for good.
    if (!process.dead) for (const { go } of waiting) go();
  }

  goesOn(process: Process): boolean {
    return this.running.has(process) && !process.dead && !process.stands;
  }

  /** The call before which this worker stands. */
  standsBefore(process: Process): Op | undefined {
    return this.parked.get(process)?.[0]?.op;
  }

  /** One call of this worker; false when it has ended. */
  async step(process: Process): Promise<boolean> {
    const [place, ...others] = this.parked.get(process) ?? [];
    if (!place) {
      await settled();
      await settled();
      return this.parked.has(process);
    }
    if (others.length > 0) this.parked.set(process, others);
    else this.parked.delete(process);
    place.go();
    await settled();
    if (this.failure) throw this.failure;
    return this.goesOn(process);
  }

  async finish(process: Process): Promise<void> {
    for (let turn = 0; turn < 2000 && (await this.step(process)); turn++);
  }
}
