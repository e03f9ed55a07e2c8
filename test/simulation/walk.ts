/** Walks a path: one function for every kind, scenario and configuration, whatever goes wrong in it and whoever acts. */
import { configurations } from './configurations.ts';
import type { Director, Fate, Op } from './director.ts';
import { nothingWrong, random } from './director.ts';
import { everyKind } from './everyKind.ts';
import { Interleaver } from './interleave.ts';
import { naive } from './naive.ts';
import type { Act, Clocks, Fault, Path } from './path.ts';
import { people, type Whose } from './people.ts';
import { HINT, indexed, scenarios } from './scenarios.ts';
import { type Kind, Sim, type SimOptions, type Wrap } from './sim.ts';
import { teams } from './teams.ts';
import { HOUR, MINUTE, type Process } from './world.ts';

/** What came of a path. */
export interface Walked {
  /** What broke, in words; undefined where nothing did. */
  readonly violation: string | undefined;
  /** Calls and writes since the preparation. */
  readonly calls: number;
  readonly writes: number;
  /** The numbers of the writes to vault and target. */
  readonly azure: readonly number[];
  /** The last call after which two more days and a revocation follow. */
  readonly lastCall: number;
  /** Calls that one pass made, where passes ran side by side: the longest. */
  readonly steps: number;
  readonly sim: Sim;
}

export interface WalkOptions {
  readonly wrap?: Wrap;
  /** Instead of the one that the path names. */
  readonly kind?: Kind;
  /** Called before the path begins, for who listens to its world. */
  listen?(sim: Sim): void;
}

/** A packet later than this is healed at the next look, not prevented (design section 8). */
const LATE_MINUTES_MAX = 10;
/** So long after the beginning people may act: then there is time for another rotation, its grace and its revocation. */
const ACTS_HOURS = 98;
const TURNS_MAX = 20_000;
/** Trouble every hour ends here. */
const HOURLY_HOURS = 60;

export async function walkPath(path: Path, options: WalkOptions = {}): Promise<Walked> {
  const walk = new Walk(path, options);
  const violation = await walk.toTheEnd().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return walk.walked(violation);
}

class Walk {
  readonly #path: Path;
  #sim: Sim;
  readonly #options: WalkOptions;
  readonly #dice: () => number;
  readonly #azure: number[] = [];
  #lastCall = 0;
  #steps = 0;
  #from = 0;
  /** Something happened that is healed, not prevented: how many versions that takes is not promised. */
  #unfenced = false;

  constructor(path: Path, options: WalkOptions) {
    this.#path = path;
    this.#options = options;
    this.#dice = random(path.seed * 7919);
    const { wrap } = options;
    const sim: SimOptions = { ...(path.naive ? { run: naive } : {}), ...(wrap ? { wrap } : {}) };
    this.#sim = new Sim(options.kind ?? everyKind[path.kind], nothingWrong, sim);
  }

  walked(violation: string | undefined): Walked {
    const { calls, writes } = this.#sim.world;
    return {
      ...{
        violation,
        calls,
        writes,
        azure: this.#azure,
        lastCall: this.#lastCall,
        steps: this.#steps,
      },
      sim: this.#sim,
    };
  }

  async toTheEnd(): Promise<void> {
    const { scenario, configuration, passes, hourly } = this.#path;
    const sim = this.#sim;
    if (scenario === 'teams') return this.#teams();
    this.#options.listen?.(sim);
    const { make, prepare } = scenarios[scenario];
    const secrets = make(sim);
    await prepare?.(sim);
    configurations[configuration].lay(sim, secrets);
    const looks = await this.#looks(secrets);
    this.#from = sim.world.now;
    sim.world.countAnew();
    sim.world.director = this.#director(secrets);
    sim.unfenced = () => this.#excuse();
    sim.world.lands = ({ place }, minutes) => {
      if (minutes > LATE_MINUTES_MAX && place === 'azure') this.#excuse();
    };
    this.#sendDoubles(secrets);
    if (passes > 0) await this.#sideBySide(looks);
    else for (const look of looks.slice(0, 1)) sim.send(JSON.parse(look), 30 * MINUTE);
    await this.#daysAfter(hourly);
    this.#atRest(secrets);
  }

  /** Two teams have a clock, acts and an end of their own (`teams.ts`). */
  async #teams(): Promise<void> {
    const { seed, kind } = this.#path;
    const { wrap } = this.#options;
    const listen = (sim: Sim) => {
      this.#sim = sim;
      this.#options.listen?.(sim);
    };
    await teams(seed, {}, { kind: everyKind[kind], listen, ...(wrap ? { wrap } : {}) });
  }

  /** The messages that the passes are about, in words. Where they begin side by side, nothing else is on its way. */
  async #looks(secrets: readonly Whose[]): Promise<readonly string[]> {
    const { scenario, passes } = this.#path;
    const { own } = this.#sim;
    const asked = own.messages
      .map(({ look }) => look)
      .filter((look) => look.includes('"operation"'));
    if (passes > 0) await indexed(this.#sim);
    const first = scenarios[scenario].looks === 2 ? [...secrets].reverse() : secrets;
    const hints = first.map(({ vault, name }) => JSON.stringify({ ...HINT, vault, name }));
    return [...asked, ...hints];
  }

  #director(secrets: readonly Whose[]): Director {
    const { faults, acts, clocks, freeze } = this.#path;
    const atWrite = new Map(
      faults.filter(({ on }) => on === 'write').map((fault) => [fault.number, fault]),
    );
    const atCall = new Map(
      faults.filter(({ on }) => on === 'call').map((fault) => [fault.number, fault]),
    );
    const faultAt = (op: Op): Fault | undefined =>
      atCall.get(op.at) ?? (op.write ? atWrite.get(op.write) : undefined);
    return {
      fate: (op) => fateAt(op, faultAt(op)),
      skewMinutes: (process) => skewOf(clocks, process),
      pauseMinutes: (op) => (op.at === freeze?.call ? freeze.minutes : 0),
      lateMinutes: (op) => faultAt(op)?.minutes ?? 2,
      person: (op) => {
        if (op.write && op.place === 'azure') this.#azure.push(op.write);
        if (this.#sim.world.now < this.#from + ACTS_HOURS * HOUR) this.#lastCall = op.at;
        for (const act of acts) if (act.call === op.at) this.#act(act, secrets, op);
      },
    };
  }

  #act({ person, secret = 1 }: Act, secrets: readonly Whose[], op: Op): void {
    const { world } = this.#sim;
    world.personActedAt = op.at;
    world.trace.push(`${op.at} before ${op.name}: ${person}`);
    people[person]?.(this.#sim, secrets[secret - 1] as Whose);
  }

  /** Spread over forty minutes, or over the fifty hours in which there are sweeps every hour; one in five is stale. */
  #sendDoubles(secrets: readonly Whose[]): void {
    const { doubles, hourly } = this.#path;
    const span = hourly ? 50 * HOUR : 40 * MINUTE;
    for (let count = 0; count < doubles; count += 1) {
      const { vault, name } = secrets[Math.floor(this.#dice() * secrets.length)] as Whose;
      const stale = this.#dice() < 0.2 ? { version: '0123456789abcdef0123456789abcdef' } : {};
      this.#sim.send({ ...HINT, vault, name, ...stale }, Math.floor(this.#dice() * span));
    }
  }

  /** So many passes begin at once, and take their turns in an order; without one each goes as far as it comes. */
  async #sideBySide(looks: readonly string[]): Promise<void> {
    const { passes, order } = this.#path;
    const sim = this.#sim;
    sim.skipTo(this.#from + HOUR);
    for (let at = 0; at < passes; at += 1) sim.send(JSON.parse(looks[at % looks.length] as string));
    if (order === undefined) return;
    const turns = new Interleaver(sim);
    const running: Process[] = [];
    for (let at = 0; at < passes; at += 1) running.push(await turns.start());
    const [one, two] = running;
    if (order !== 'dice' && one && two) {
      for (let step = 0; step < order.first && (await turns.step(one)); step += 1)
        this.#steps = step + 1;
      for (let step = 0; step < order.second && (await turns.step(two)); step += 1);
      for (const each of running) await turns.finish(each);
      return;
    }
    const goOn = () => running.filter((each) => turns.goesOn(each));
    for (let waiting = goOn(), turn = 0; waiting.length > 0; waiting = goOn(), turn += 1) {
      if (turn > TURNS_MAX) throw new Error('The passes side by side do not end.');
      await turns.step(waiting[Math.floor(this.#dice() * waiting.length)] as Process);
    }
  }

  /** An hour and a half, then the sweeps of the hours in which something is to happen; or every hour first. */
  async #daysAfter(hourly: boolean): Promise<void> {
    const sim = this.#sim;
    const from = this.#from;
    const all = Array.from(
      { length: this.#path.days },
      (_, day) => (hourly ? HOURLY_HOURS + 24 : 73) + 24 * day,
    );
    // Of weeks at rest, until the next rotation is due, every fifth day is enough.
    const hours = all.filter(
      (_, day) => all.length < 30 || day < 6 || day >= all.length - 14 || day % 5 === 0,
    );
    if (hourly) sim.skipTo(from);
    await sim.settle(from + (hourly ? HOURLY_HOURS * HOUR : 90 * MINUTE));
    for (const on of [...(hourly ? [] : [25, 49]), ...hours]) {
      sim.skipTo(from + on * HOUR);
      await sim.settle(from + on * HOUR + (hourly ? 90 : 50) * MINUTE);
    }
    await sim.settle(sim.world.now + 30 * MINUTE, { sweeps: false });
  }

  #excuse(): void {
    this.#unfenced = true;
    this.#sim.excuseAll();
  }

  #atRest(secrets: readonly Whose[]): void {
    const { scenario, configuration, acts, days } = this.#path;
    const { meddled, makes } = scenarios[scenario];
    const { ends } = configurations[configuration];
    const { invariants, own, world, kind } = this.#sim;
    const undisturbed = acts.length === 0 && !this.#unfenced;
    if (ends === 'untouched' && world.azureWrites > 0)
      invariants.fail(7, 'an instance that only observes has written');
    const made = makes(kind);
    const isCounted = undisturbed && ends === 'all' && made !== undefined && days < 55;
    const counts = secrets.map(({ vault, name }): [string, number] => [
      `${vault}/${name}`,
      made ?? 0,
    ]);
    invariants.atRest(own, {
      settled: ends === 'all' || ends === 'no more',
      ...(undisturbed && !meddled ? { alone: true } : {}),
      ...(isCounted ? { newVersions: new Map(counts) } : {}),
    });
    invariants.throwFirst();
  }
}

/** What needs a write is a busy answer at a read. */
function fateAt(op: Op, fault: Fault | undefined): Fate {
  if (fault === undefined) return 'ok';
  return op.write === 0 && /^drop|-late$/.test(fault.fate) ? 'unavailable' : fault.fate;
}

function skewOf(clocks: Clocks, process: number): number {
  if (clocks === 'agree') return 0;
  if (clocks === 'ahead') return process % 2 === 0 ? 5 : -5;
  if (clocks === 'behind') return process % 2 === 0 ? -5 : 5;
  return ((process % 3) - 1) * (clocks === 'near' ? 2 : 5);
}
