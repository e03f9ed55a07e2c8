/** The invariants (design section 8), asked of a tenant whose workers are killed: after every kill, and in full at rest. */
import type { Azure } from '../../local/azure/azure.ts';
import * as clock from '../../local/clock.ts';
import type { LogRecord } from '../../local/host/host.ts';
import type { ProductRecord, Tenant } from '../cases/harness.ts';
import { accepted, brokenPromises, type Checked } from '../cases/invariants.ts';
import { OwnStorage } from '../cases/ownStorage.ts';
import { hasNoOverlap } from '../cases/sqlServers.ts';
import type { Victim } from './targets.ts';
import type { Workers } from './workers.ts';

type Version = Parameters<Tenant['stateOf']>[0];

const GRACE_SECONDS = 48 * 3600;
/** host.json: batchSize and newBatchThreshold. */
const PASSES_AT_ONCE = 12;
/** What changes a credential of a target, in the log of the stand-in. */
const CHANGES = /^(arm\.regenerate|graph\.(add|remove)Password|tds\.batch|arm\.sqlServerUpdate)/;

export class Judge {
  readonly own: OwnStorage;
  readonly #azure: Azure;
  readonly #victims: readonly Victim[];
  readonly #workers: Workers;
  readonly #keysSeen = new Set<string>();

  constructor(azure: Azure, victims: readonly Victim[], workers: Workers) {
    this.#azure = azure;
    this.#victims = victims;
    this.#workers = workers;
    this.own = new OwnStorage(azure.env().AzureWebJobsStorage ?? '');
    for (const { value } of victims) this.#keysSeen.add(value);
    for (const keyed of azure.world.keyed.values())
      keyed.onKey = (value) => this.#keysSeen.add(value);
  }

  /** Records of the app's log that were judged. */
  records(): number {
    return linesIn(this.#workers.printed.join('')).filter(({ category }) => category === 'user')
      .length;
  }

  /** Secrets without a proved version of Keyturn's. */
  unproved(): number {
    return this.#count((state) => state.rot === undefined || state.proved === undefined);
  }

  /** Secrets whose obligation stands. */
  unrevoked(): number {
    return this.#count((state) => state.after !== undefined || state.rot === undefined);
  }

  #count(isOpen: (state: Record<string, string>) => boolean): number {
    return this.#victims.filter((victim) => isOpen(stateOf(this.#current(victim)))).length;
  }

  /** Calls that changed a target; real databases not among them. */
  changes(): number {
    return this.#azure.changes().filter(({ route }) => CHANGES.test(route)).length;
  }

  /** Nobody is locked out and no grace is cut, in whatever a dead worker has left. Of one password there is no promise yet. */
  async underWay(): Promise<string[]> {
    const found = this.#victims.map(async (victim) => {
      const versions = this.#versions(victim);
      const current = versions.at(-1);
      if (current === undefined || hasNoOverlap(current)) return [];
      const locked = (await this.#isIn(victim, current))
        ? []
        : [`${titleOf(victim)}: the current value is refused`];
      const before = versions.at(-2);
      const isYoung = clock.now() / 1000 < (current.created ?? 0) + GRACE_SECONDS;
      const isCut = before !== undefined && isYoung && !(await this.#isIn(victim, before));
      return isCut
        ? [...locked, `${titleOf(victim)}: the old value is refused in its grace`]
        : locked;
    });
    return (await Promise.all(found)).flat();
  }

  /** Everything that must hold once nothing is left to do. */
  async atRest({
    secrets,
    kills,
  }: {
    readonly secrets: number;
    readonly kills: number;
  }): Promise<string[]> {
    const each = await Promise.all(this.#victims.map((victim) => this.#ended(victim)));
    const real = this.#victims.filter(({ isIn }) => isIn !== undefined).map(({ name }) => name);
    const adopted = this.#azure.world.applications.flatMap(({ everAdded }) =>
      everAdded.map(({ keyId }) => keyId),
    );
    const broken = await brokenPromises(this.#checked(), { broken: real, noGrace: real, adopted });
    const alerts = this.#checked().alerts();
    const poison = await this.own.waiting(
      'keyturn-work-poison',
      'keyturn-events-poison',
      'keyturn-notices-poison',
    );
    // Every kill may cost what existed nowhere but in the killed worker: one more, and its disposal, for each pass under way.
    const most = 2 * (secrets + kills * PASSES_AT_ONCE) + kills;
    const changes = this.changes();
    return [
      ...each.flat(),
      ...Object.entries(broken).flatMap(([what, list]) => list.map((words) => `${what}: ${words}`)),
      ...alerts.map(
        (alert) => `an alert: ${alert.vault}/${alert.name ?? alert.names}: ${alert.reason}`,
      ),
      ...(poison > 0 ? [`${poison} poison messages`] : []),
      ...(changes > most
        ? [`${changes} changes of targets for ${secrets} secrets and ${kills} kills`]
        : []),
    ];
  }

  /** One new value, current, proved; the old one dead and marked; nothing owed and nobody alerted. */
  async #ended(victim: Victim): Promise<string[]> {
    const versions = this.#versions(victim);
    const [first, ...made] = versions;
    const current = versions.at(-1);
    if (first === undefined || current === undefined) return [`${titleOf(victim)} is gone`];
    const state = stateOf(current);
    const wrong: [boolean, string][] = [
      [
        new Set(made.map(({ value }) => value)).size !== 1,
        `${made.length} versions of Keyturn's instead of 1`,
      ],
      [!(await this.#isIn(victim, current)), 'the current value is refused'],
      [state.proved !== current.id.slice(0, 8), 'not proved'],
      [state.after !== undefined, 'something is owed still'],
      [await this.#isIn(victim, first), 'the old value lives on'],
      [!hasNoOverlap(current) && stateOf(first).revoked !== '1', 'the old version has no mark'],
    ];
    return wrong.flatMap(([is, words]) => (is ? [`${titleOf(victim)}: ${words}`] : []));
  }

  async #isIn({ isIn }: Victim, version: Version): Promise<boolean> {
    if (isIn) return await isIn(version.value);
    // What the old version's mark switched off is judged by the target alone.
    return accepted({ azure: this.#azure }, { ...version, enabled: true });
  }

  #versions({ vault, name }: Victim): readonly Version[] {
    return this.#azure.vault(vault).versions(name);
  }

  #current(victim: Victim): Version | undefined {
    return this.#versions(victim).at(-1);
  }

  #checked(): Checked {
    const lines = linesIn(this.#workers.printed.join(''));
    return {
      ...{ azure: this.#azure, keysSeen: this.#keysSeen, lines, answers: [] },
      ...{ own: this.own, rows: () => this.own.rows(), stateOf },
      alerts: () => alertsIn(lines),
    };
  }
}

const titleOf = ({ vault, name }: Victim): string => `${vault}/${name}`;

function stateOf(version: Version | undefined): Record<string, string> {
  const parts = (version?.tags?.['rotator-state'] ?? '').split(';').filter((part) => part !== '');
  return Object.fromEntries(parts.map((part) => part.split('=').map(decodeURIComponent)));
}

/** Whole lines of the workers' log; a killed one may have left half a line, and what the app prints by itself is none. */
function linesIn(printed: string): LogRecord[] {
  return printed.split('\n').flatMap((line): LogRecord[] => {
    try {
      return line.startsWith('{')
        ? [JSON.parse(line) as LogRecord]
        : [{ ...STRANGE, message: line }];
    } catch (error) {
      if (error instanceof SyntaxError) return [{ ...STRANGE, message: line }];
      throw error;
    }
  });
}
const STRANGE = { time: '', level: 'info', category: 'host' } as unknown as LogRecord;

const alertsIn = (lines: readonly LogRecord[]): ProductRecord[] =>
  lines
    .filter(({ category }) => category === 'user')
    .map(({ message }) => JSON.parse(message) as ProductRecord)
    .filter(({ message }) => message === 'alert');
