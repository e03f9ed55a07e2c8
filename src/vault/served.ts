/**
 * The vaults that this instance serves: those that the settings name, and those that discovery found last. What was found
 * is kept in the table, so that every worker knows it and a Resource Graph that does not answer takes no vault away.
 */
import { createHash } from 'node:crypto';
import { remedyOf } from '../core/alertWords.ts';
import { addDays, addMinutes, type Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import type { ResourceId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Reason } from '../core/reasons.ts';
import {
  type Discovered,
  FORMER_MAX,
  type LeftOut,
  VANISHED_MAX,
  type VaultList,
} from '../core/vaultList.ts';
import type { VaultListStore } from '../ports/knownVaults.ts';

export interface Served {
  readonly id: ResourceId;
  /** Served for its tag, not because the settings name it. */
  readonly discovered: boolean;
}

export interface Discovery {
  discover(): Promise<Discovered>;
  readonly kept: VaultListStore;
  /** An id as the list holds it, parsed, or undefined where it is none of the subscriptions in the settings. */
  parse(id: string): ResourceId | undefined;
}

/** A list of the table is looked at again after so long, or when a look names a vault that is not on it. */
const MINUTES_KNOWN = 1;
/** Resource Graph is asked at most so often, however many sweeps there are. */
const MINUTES_BETWEEN = 5;
const VANISHED_DAYS_SHOWN = 30;
/** Of names in one alert; readiness shows all. */
const NAMED_MAX = 20;

export class ServedVaults {
  readonly #named: readonly ResourceId[];
  readonly #discovery: Discovery | undefined;
  readonly #clock: Clock;
  #list: VaultList | undefined;
  #readOn: Date | undefined;
  #byName: ReadonlyMap<string, Served>;
  #names: readonly string[];

  constructor(named: readonly ResourceId[], discovery: Discovery | undefined, clock: Clock) {
    this.#named = named;
    this.#discovery = discovery;
    this.#clock = clock;
    this.#byName = this.#served();
    this.#names = [...this.#byName.keys()];
  }

  /** Lower-cased. */
  get names(): readonly string[] {
    return this.#names;
  }

  get ids(): readonly ResourceId[] {
    return [...this.#byName.values()].map(({ id }) => id);
  }

  find(name: string): Served | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** What the last discovery found and does not serve. */
  get leftOut(): readonly LeftOut[] {
    const { noRbac = [], vanished = [], replaced = [] } = this.#list ?? {};
    const anew = this.#unserved(replaced);
    const gone = this.#unserved(vanished.map(({ id }) => id)).filter(
      (vault) => !anew.includes(vault),
    );
    return [
      ...this.#unserved(noRbac).map((vault): LeftOut => ({ vault, reason: 'no-rbac' })),
      ...anew.map((vault): LeftOut => ({ vault, reason: 'vault-replaced' })),
      ...gone.map((vault): LeftOut => ({ vault, reason: 'vault-vanished' })),
    ];
  }

  /** Whether discovery works: its last failure, `true`, or undefined where the settings name no subscription. */
  get discovery(): true | { readonly failure: string } | undefined {
    if (!this.#discovery) return undefined;
    return this.#list?.failure === undefined || { failure: this.#list.failure };
  }

  /** Why vaults may be missing from the list altogether: no slot may be touched then, since nobody knows who keeps it. */
  get gap(): string | undefined {
    if (!this.#discovery || this.#list?.foundOn) return undefined;
    return 'Discovery has not yet told which vaults there are.';
  }

  /**
   * Reads the list that the last sweep left, if it was not read lately or lacks `vault`. Throws `BusyError` only where
   * nothing is known yet: who would be refused then may well be served.
   */
  async know(vault?: string): Promise<void> {
    if (!this.#discovery) return;
    const now = this.#clock.now();
    const fresh =
      this.#readOn && this.#readOn <= now && now < addMinutes(this.#readOn, MINUTES_KNOWN);
    if (fresh && (vault === undefined || this.find(vault))) return;
    try {
      this.#take((await this.#discovery.kept.read()) ?? this.#list);
    } catch (error) {
      if (!this.#readOn || !(error instanceof KeyturnError)) throw error;
    }
  }

  /**
   * Asks Azure what there is, unless that was done minutes ago; keeps the last list where it cannot be had. One alert per
   * cause; what an instance that only observes was told of, the one that runs after it alerts.
   */
  async refresh(
    log: Log,
    { observes = false }: { readonly observes?: boolean } = {},
  ): Promise<void> {
    if (!this.#discovery) return;
    await this.know();
    const now = this.#clock.now();
    const before = this.#list;
    if (before && before.triedOn <= now && now < addMinutes(before.triedOn, MINUTES_BETWEEN))
      return;
    const { unalerted: _, ...found } = await this.#ask(this.#discovery, now, log);
    const next = compact({ ...found, unalerted: observes ? true : undefined });
    this.#take(next);
    report(before?.unalerted && !observes ? undefined : before, next, log, (ids) =>
      this.#unserved(ids),
    );
    try {
      await this.#discovery.kept.save(next);
    } catch (error) {
      if (!(error instanceof KeyturnError)) throw error;
      log('warn', 'list of vaults not kept', { reason: error.reason });
    }
  }

  async #ask({ discover }: Discovery, now: Date, log: Log): Promise<VaultList> {
    const before = this.#list ?? { served: [], noRbac: [], vanished: [] };
    try {
      const found = await discover();
      if (found.strange > 0)
        log('warn', 'rows of Resource Graph left out', { rows: found.strange });
      const { served, replaced, former } = this.#told(found.served, before);
      const noRbac = found.noRbac.map(textOf);
      log('info', 'discovered', {
        vaults: served.length,
        noRbac: noRbac.length,
        replaced: replaced.length,
      });
      return compact({
        triedOn: now,
        foundOn: now,
        served,
        noRbac,
        vanished: this.#vanished(before, [...served, ...noRbac], now),
        replaced: replaced.length > 0 ? replaced : undefined,
        former: Object.keys(former).length > 0 ? former : undefined,
      });
    } catch (error) {
      if (!(error instanceof KeyturnError)) throw error;
      return { ...before, triedOn: now, failure: error.detail.slice(0, 2_000) };
    }
  }

  /**
   * Which of the vaults found are those that were served by their names before (ATK-16): owners gave targets to a name, and
   * whoever takes a name over must not inherit them. What the settings name is the operator's word for it.
   */
  #told(found: readonly ResourceId[], before: Omit<VaultList, 'triedOn'>) {
    const parsed = (id: string) => this.#discovery?.parse(id) ?? [];
    const known = new Map<string, string>([
      ...before.vanished.flatMap(({ id }) => parsed(id)).map(entryOf),
      ...Object.entries(before.former ?? {}),
      ...before.served.flatMap(parsed).map(entryOf),
      ...this.#named.map(entryOf),
    ]);
    const isFull = Object.keys(before.former ?? {}).length >= FORMER_MAX;
    const served = new Map<string, string>();
    const replaced: string[] = [];
    for (const id of found) {
      const digest = known.get(id.name) ?? (isFull ? undefined : digestOf(id));
      if (digest === digestOf(id)) {
        known.set(id.name, digest);
        served.set(id.name, id.text);
      } else replaced.push(id.text);
    }
    const former = [...known].filter(([name]) => !served.has(name)).slice(0, FORMER_MAX);
    return { served: [...served.values()], replaced, former: Object.fromEntries(former) };
  }

  /** What was served once and is neither found nor named any more; forgotten after a month. */
  #vanished(
    before: Omit<VaultList, 'triedOn'>,
    found: readonly string[],
    now: Date,
  ): VaultList['vanished'] {
    const missed = [...before.vanished, ...before.served.map((id) => ({ id, since: now }))];
    const named = this.#named.map(textOf);
    const shown = missed.filter(({ since }) => since > addDays(now, -VANISHED_DAYS_SHOWN));
    return shown
      .filter(({ id }) => !found.includes(id) && !named.includes(id))
      .slice(0, VANISHED_MAX);
  }

  #take(list: VaultList | undefined): void {
    this.#readOn = this.#clock.now();
    this.#list = list;
    this.#byName = this.#served();
    this.#names = [...this.#byName.keys()];
  }

  #served(): ReadonlyMap<string, Served> {
    const found = (this.#list?.served ?? []).flatMap((id) => this.#discovery?.parse(id) ?? []);
    return new Map([
      ...found.map((id): [string, Served] => [id.name, { id, discovered: true }]),
      // What the settings name needs no tag, and counts where both know it.
      ...this.#named.map((id): [string, Served] => [id.name, { id, discovered: false }]),
    ]);
  }

  /** Names of the vaults among these ids that are not served in another way. */
  #unserved(ids: readonly string[]): readonly string[] {
    const names = ids.flatMap((id) => /\/([a-z0-9-]{3,24})$/.exec(id)?.[1] ?? []);
    return [...new Set(names)].filter((name) => !this.find(name));
  }
}

const textOf = ({ text }: ResourceId): string => text;
const digestOf = ({ text }: ResourceId): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);
const entryOf = (id: ResourceId): [string, string] => [id.name, digestOf(id)];

/** What is new since the last list: one alert per cause, with all its vaults. */
function report(
  before: VaultList | undefined,
  next: VaultList,
  log: Log,
  named: (ids: readonly string[]) => readonly string[],
): void {
  const alert = (reason: Reason, fields: object) =>
    log('error', 'alert', { reason, ...remedyOf(reason, {}), ...fields });
  if (next.failure !== undefined && before?.failure === undefined)
    alert('undiscovered', { detail: next.failure });
  const gone = (list: VaultList | undefined) => (list?.vanished ?? []).map(({ id }) => id);
  const causes: [Reason, readonly string[], readonly string[]][] = [
    ['no-rbac', before?.noRbac ?? [], next.noRbac],
    ['vault-replaced', before?.replaced ?? [], next.replaced ?? []],
    ['vault-vanished', gone(before), gone(next)],
  ];
  const anew = named(next.replaced ?? []);
  for (const [reason, known, now] of causes) {
    const fresh = named(now.filter((id) => !known.includes(id)));
    // Its name is told once, as that of the vault that took it over.
    const vaults =
      reason === 'vault-vanished' ? fresh.filter((name) => !anew.includes(name)) : fresh;
    if (vaults.length > 0)
      alert(reason, { vaults: vaults.slice(0, NAMED_MAX).join(', '), count: vaults.length });
  }
}
