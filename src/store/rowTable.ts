/** Rows of the app's own table. Partition keys and filters hold hashes, never names (case SEC-06). */
import { randomUUID } from 'node:crypto';
import { odata } from '@azure/data-tables';
import { addDays, addHours, addMinutes, type Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import type { SecretRef } from '../core/ids.ts';
import { UNRECORDED_MINUTES } from '../core/statuses.ts';
import type { Operation } from '../ports/operations.ts';
import type { FailedRotation, Rows, SecretRow, SharerRow, Unlisted } from '../ports/rows.ts';
import * as read from './schemas.ts';
import { hashOf, keyOf, type OwnStorage } from './storage.ts';
import { type Columns, type Entity, Table } from './table.ts';

const SETTLING_HOURS_MAX = 1;
/** A failed rotation is tried again after a day at the latest. */
const RETRY_HOURS_MAX = 25;
const LOOK_DAYS_MAX = 400;
const SKEW_MINUTES = 5;
const OPERATION_DAYS = 30;
const ROTATION_DAYS = 7;
const secretsIn = (vault: string) => `secrets-${hashOf(vault)}`;
const sharersAt = (target: string) => `holders-${hashOf(target)}`;
const failedOf = (type: string) => `failed-${hashOf(type)}`;
const probeKey = (type: string, vault: string) => `${keyOf(type)}.${keyOf(vault)}`;
const probeIn = (json: unknown, type: string, vault: string): Date | undefined => {
  const row = read.readProbe(json);
  return row?.type === type && row.vault === vault.toLowerCase() ? row.on : undefined;
};
const secretKey = ({ vault, name }: SecretRef) => `${keyOf(vault)}.${keyOf(name)}`;

/** Rows in the app's own table, which is made on first use. */
export function tableRows(own: OwnStorage, clock: Clock): Rows {
  return new TableRows(new Table(own, clock), clock);
}

class TableRows implements Rows {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async secret({ vault, name }: SecretRef): Promise<SecretRow | undefined> {
    const row = read.readSecret(await this.#table.get(secretsIn(vault), keyOf(name)));
    return row && sameName(row, { vault, name }) ? this.#plausible(row) : undefined;
  }

  async saveSecret(row: SecretRow): Promise<void> {
    const lowered = { ...row, ...lower(row) };
    await this.#table.put(secretsIn(row.vault), keyOf(row.name), cut(lowered));
  }

  async secretsOf(vault: string): Promise<readonly SecretRow[]> {
    const rows = await this.#table.list(odata`PartitionKey eq ${secretsIn(vault)}`);
    return rows.flatMap(({ rowKey, json }) => {
      const row = this.#plausible(read.readSecret(json));
      return row && row.vault === vault.toLowerCase() && keyOf(row.name) === rowKey ? [row] : [];
    });
  }

  async dropSecret({ vault, name }: SecretRef): Promise<void> {
    await this.#table.drop(secretsIn(vault), keyOf(name));
  }

  async sharers(target: string): Promise<readonly SharerRow[]> {
    return sharersFrom(await this.#table.list(odata`PartitionKey eq ${sharersAt(target)}`), target);
  }

  async saveSharer(row: SharerRow): Promise<void> {
    await this.#table.put(sharersAt(row.target), secretKey(row), ...sharerEntity(row));
  }

  async addSharers(rows: readonly SharerRow[]): Promise<void> {
    for (const [target, atTarget] of Map.groupBy(rows, (row) => row.target.toLowerCase())) {
      const entities = atTarget.map((row) => [secretKey(row), ...sharerEntity(row)] as const);
      await this.#table.add(sharersAt(target), entities);
    }
  }

  async dropSharer(row: Pick<SharerRow, 'target' | 'vault' | 'name'>): Promise<void> {
    await this.#table.drop(sharersAt(row.target), secretKey(row));
  }

  async sharersIn(vault: string): Promise<readonly SharerRow[]> {
    const filter = odata`PartitionKey ge ${'holders-'} and PartitionKey lt ${'holders.'} and vaultHash eq ${hashOf(vault)}`;
    return sharersFrom(await this.#table.list(filter)).filter(
      (row) => row.vault === vault.toLowerCase(),
    );
  }

  async sweptOn(): Promise<ReadonlyMap<string, Date>> {
    const rows = await this.#table.list(odata`PartitionKey eq ${'swept'}`);
    const swept = rows
      .flatMap(({ json }) => read.readSwept(json) ?? [])
      .filter(({ on }) => this.#isPast(on));
    return new Map(swept.map(({ vault, on }) => [vault, on]));
  }

  async markSwept(vault: string, on: Date): Promise<void> {
    await this.#table.put('swept', keyOf(vault), { vault: vault.toLowerCase(), on });
  }

  async rotationsSince(on: Date): Promise<readonly SecretRef[]> {
    const rows = await this.#table.list(
      odata`PartitionKey eq ${'rate'} and RowKey ge ${on.toISOString()}`,
    );
    const marks = rows.flatMap(({ json }) => read.readMark(json) ?? []);
    return marks
      .filter((mark) => mark.on >= on && this.#isPast(mark.on))
      .map(({ vault, name }) => ({ vault, name }));
  }

  async recordRotation(ref: SecretRef, on: Date): Promise<void> {
    await this.#table.put('rate', `${on.toISOString()}-${randomUUID()}`, { ...lower(ref), on });
    await this.#table.prune(
      odata`PartitionKey eq ${'rate'} and RowKey lt ${addDays(on, -ROTATION_DAYS).toISOString()}`,
    );
  }

  async failuresOf(name: string): Promise<number> {
    const row = read.readFailures(await this.#table.get('failures', keyOf(name)));
    return row?.type === name ? row.failures : 0;
  }

  async setFailures(name: string, failures: number): Promise<void> {
    await this.#table.put('failures', keyOf(name), { type: name, failures });
  }

  async failedRotations(type: string): Promise<readonly FailedRotation[]> {
    return (await this.#failed(type)).map(({ row }) => row);
  }

  /** A row for each secret: what fails at the same time is no read and write of one number, so none is lost. */
  async saveFailed(row: FailedRotation): Promise<void> {
    await this.#table.put(failedOf(row.type), secretKey(row), { ...row, ...lower(row) });
  }

  async forgetFailed(type: string): Promise<void> {
    for (const { rowKey } of await this.#failed(type))
      await this.#table.drop(failedOf(type), rowKey);
  }

  async #failed(
    type: string,
  ): Promise<readonly { readonly rowKey: string; readonly row: FailedRotation }[]> {
    const rows = await this.#table.list(odata`PartitionKey eq ${failedOf(type)}`);
    return rows.flatMap(({ rowKey = '', json }) => {
      const row = read.readFailed(json);
      return row?.type === type && secretKey(row) === rowKey ? [{ rowKey, row }] : [];
    });
  }

  async probedOn(type: string, vault: string): Promise<Date | undefined> {
    return probeIn(await this.#table.get('probes', probeKey(type, vault)), type, vault);
  }

  async takeProbe(type: string, vault: string, on: Date, spacingMinutes: number): Promise<boolean> {
    const key = probeKey(type, vault);
    const { json, etag } = (await this.#table.find('probes', key)) ?? {};
    const last = probeIn(json, type, vault);
    if (last && last > addMinutes(on, -spacingMinutes) && last <= addMinutes(on, SKEW_MINUTES))
      return false;
    return await this.#table.swap('probes', key, { type, vault: vault.toLowerCase(), on }, etag);
  }

  async unlisted(vault: string): Promise<Unlisted | undefined> {
    const row = read.readUnlisted(await this.#table.get('unlisted', keyOf(vault)));
    return row?.vault === vault.toLowerCase() && this.#isPast(row.since) ? row : undefined;
  }

  async saveUnlisted(row: Unlisted): Promise<void> {
    await this.#table.put('unlisted', keyOf(row.vault), { ...row, vault: row.vault.toLowerCase() });
  }

  async dropUnlisted(vault: string): Promise<void> {
    await this.#table.drop('unlisted', keyOf(vault));
  }

  async operation(id: string): Promise<Operation | undefined> {
    const row = read.readOperation(await this.#table.get('operations', keyOf(id)));
    return row?.id.toLowerCase() === id.toLowerCase() ? row : undefined;
  }

  async saveOperation(operation: Operation): Promise<void> {
    await this.#table.put('operations', keyOf(operation.id), ...operationEntity(operation));
    if (operation.phase !== 'accepted') return;
    const old = addDays(this.#clock.now(), -OPERATION_DAYS);
    await this.#table.prune(odata`PartitionKey eq ${'operations'} and createdOn lt ${old}`);
  }

  async createOperation(operation: Operation): Promise<boolean> {
    return await this.#table.create(
      'operations',
      keyOf(operation.id),
      ...operationEntity(operation),
    );
  }

  async dropOperation(id: string): Promise<void> {
    await this.#table.drop('operations', keyOf(id));
  }

  async openOperations(caller: string): Promise<readonly Operation[]> {
    const filter = odata`PartitionKey eq ${'operations'} and callerHash eq ${hashOf(caller)} and open eq ${true}`;
    const rows = await this.#table.list(filter);
    const unrecorded = addMinutes(this.#clock.now(), -UNRECORDED_MINUTES);
    return rows.flatMap(({ json }) => {
      const row = read.readOperation(json);
      return row?.caller === caller && (row.recorded || row.createdOn > unrecorded) ? [row] : [];
    });
  }

  async operations(): Promise<readonly Operation[]> {
    const since = addDays(this.#clock.now(), -OPERATION_DAYS);
    const rows = await this.#table.list(
      odata`PartitionKey eq ${'operations'} and createdOn ge ${since}`,
    );
    return rows.flatMap(({ json }) => {
      const row = read.readOperation(json);
      return row?.recorded ? [row] : [];
    });
  }

  /**
   * A row may delay a step as long as Keyturn itself would, whoever wrote it (case SEC-07): what lies further ahead counts
   * for nothing, and a row that was looked at in the future, or is to be looked at in years, is none.
   */
  #plausible(row: SecretRow | undefined): SecretRow | undefined {
    if (row === undefined || (row.lookedOn && !this.#isPast(row.lookedOn))) return undefined;
    const now = this.#clock.now();
    if (row.nextLookOn && row.nextLookOn > addDays(now, LOOK_DAYS_MAX)) return undefined;
    const { settlingUntil, retryOn, ...rest } = row;
    return compact({
      ...rest,
      settlingUntil:
        settlingUntil && settlingUntil <= addHours(now, SETTLING_HOURS_MAX)
          ? settlingUntil
          : undefined,
      retryOn: retryOn && retryOn <= addHours(now, RETRY_HOURS_MAX) ? retryOn : undefined,
    });
  }

  #isPast(on: Date): boolean {
    return on <= addMinutes(this.#clock.now(), SKEW_MINUTES);
  }
}

/**
 * Who shares a target, or any. A row whose content is lost still says that the secret keeps something there, and
 * without a handle that is every slot: it can only delay a step.
 */
function sharersFrom(rows: readonly Entity[], target?: string): readonly SharerRow[] {
  return rows.flatMap((entity) => {
    const row = read.readSharer(entity.json);
    const fits =
      row &&
      secretKey(row) === entity.rowKey &&
      (target === undefined || row.target === target.toLowerCase());
    if (fits) return [row];
    const ref = read.readRef(entity);
    return ref && target !== undefined && secretKey(ref) === entity.rowKey
      ? [{ ...ref, target: target.toLowerCase(), owes: [] }]
      : [];
  });
}

const lower = ({ vault, name }: SecretRef): SecretRef => ({
  vault: vault.toLowerCase(),
  name: name.toLowerCase(),
});

/** Content of a sharer's row and its columns for filters. */
function sharerEntity(row: SharerRow): [SharerRow, Columns] {
  const { vault, name } = lower(row);
  return [
    { ...row, vault, name, target: row.target.toLowerCase() },
    { vault, name, vaultHash: hashOf(vault) },
  ];
}

/** Content of an operation's row and its columns for filters. */
function operationEntity(operation: Operation): [Operation, Columns] {
  const { caller, done, createdOn, steps } = operation;
  const kept = { ...cut(operation), steps: steps.slice(-read.STEPS_MAX) };
  return [kept, { callerHash: hashOf(caller), open: !done, createdOn }];
}

const sameName = (row: SecretRef, ref: SecretRef): boolean => {
  const { vault, name } = lower(ref);
  return row.vault === vault && row.name === name;
};

/** Texts cut to what the schemas take, so that what is written can be read again. */
function cut<T extends object>(row: T): T {
  const short = (value: unknown) =>
    typeof value === 'string' ? value.slice(0, read.WORDS_MAX) : value;
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, short(value)])) as T;
}
