/**
 * What people may see of the secrets: the inventory, from the rows of the last looks, and one secret with the versions
 * that its vault lists. Shows and decides nothing. Only vaults of this instance are ever shown.
 */
import { addHours } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import type { Handle, RotationId, SecretRef, VersionId } from '../core/ids.ts';
import { isOthers } from '../core/instance.ts';
import { plain } from '../core/plain.ts';
import type { SecretStatus } from '../core/statuses.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow, SecretView } from '../ports/rows.ts';
import type { UnmanagedRow } from '../ports/unmanaged.ts';
import type { VersionInfo } from '../ports/vault.ts';
import { isOptedIn, optInTags } from '../tags/optIn.ts';
import { olderOurs, stateOrNone } from '../tags/owed.ts';
import { isPast, viewToday } from '../tags/watched.ts';
import { type Caller, requireRole } from './auth.ts';

export const PAGE_MAX = 100;

/** What of them is asked for; what is absent does not filter. */
export interface InventoryFilter {
  readonly vault?: string;
  readonly states?: readonly SecretStatus[];
  readonly dueWithinHours?: number;
  readonly owner?: string;
  /** True: those that Keyturn watches alone; false: those that have not opted in alone. Absent: by the states, else those watched. */
  readonly managed?: boolean;
  /** Those that expire within so many hours or have expired, or those that never do. */
  readonly expires?: number | 'never';
  /** Those whose credential, as far as it is known, else whose current version is at least so many hours old. */
  readonly olderThanHours?: number;
  /** The last secret of the page before. */
  readonly after?: SecretRef;
}

/** A secret as the last look saw it, with the step that followed. */
export interface InventoryItem
  extends Pick<
    SecretRow,
    'step' | 'reason' | 'detail' | 'lookedOn' | 'nextLookOn' | 'lastFailure' | 'doctor'
  > {
  readonly vault: string;
  readonly name: string;
  readonly failures: number;
  readonly view: SecretView;
  /** Of one that has not opted in: what the list of its vault shows of it. */
  readonly found?: Omit<UnmanagedRow, 'vault' | 'name' | 'owner' | 'createdOn' | 'expiresOn'>;
}

export interface InventoryPage {
  readonly items: readonly InventoryItem[];
  /** The last one of this page, where more follow. */
  readonly last?: SecretRef;
}

/**
 * `replaced`: its slot has the credential of the current version by now. `foreign`: not written by Keyturn, and
 * nothing that Keyturn would revoke.
 */
export type VersionStatus = 'current' | 'owed' | 'revoked' | 'replaced' | 'foreign';

export interface TimelineEntry
  extends Pick<VersionInfo, 'id' | 'enabled' | 'createdOn' | 'expiresOn'> {
  readonly state: VersionStatus;
  readonly handle?: Handle;
  /** The rotation that wrote it. */
  readonly rotation?: RotationId;
  /** Whether a pass after the store used its value. */
  readonly proved: boolean;
}

export interface SecretDetail extends InventoryItem {
  /** Newest first. */
  readonly versions: readonly TimelineEntry[];
}

/** Vaults read side by side at most: a page may have to look into many, and mostly needs one or two. */
const SIDE_BY_SIDE_MAX = 8;

/** At most 100 secrets that fit, ordered by vault and name. */
export async function inventory(
  filter: InventoryFilter,
  caller: Caller,
  deps: Pick<Deps, 'rows' | 'unmanaged' | 'vaults' | 'clock'>,
): Promise<InventoryPage> {
  requireRole(caller, 'Keyturn.Read');
  const { vault: only, after } = filter;
  const fits = fitting(filter, deps.clock.now());
  const inOrder = [...deps.vaults.names].sort();
  const names = inOrder.filter(
    (vault) => (only === undefined || vault === only) && !(after && vault < after.vault),
  );
  const found: InventoryItem[] = [];
  for (
    let at = 0, some = 1;
    at < names.length && found.length <= PAGE_MAX;
    some = Math.min(2 * some, SIDE_BY_SIDE_MAX)
  ) {
    const next = names.slice(at, at + some);
    at += some;
    for (const items of await Promise.all(next.map((vault) => itemsOf(vault, filter, deps))))
      found.push(...items.filter((item) => fits(item) && isAfter(item, after)));
  }
  const page = found.slice(0, PAGE_MAX);
  const last = page.at(-1);
  return compact({
    items: page,
    last: last && found.length > PAGE_MAX ? { vault: last.vault, name: last.name } : undefined,
  });
}

const isAfter = ({ vault, name }: SecretRef, after: SecretRef | undefined): boolean =>
  after === undefined || vault !== after.vault || name > after.name;

/**
 * What is known of one vault, by name: those that are watched, those that have not opted in, or both. One that opted in since the
 * last sweep is watched already.
 */
export async function itemsOf(
  vault: string,
  { managed, states }: Pick<InventoryFilter, 'managed' | 'states'>,
  { rows, unmanaged }: Pick<Deps, 'rows' | 'unmanaged'>,
): Promise<readonly InventoryItem[]> {
  const asksForUnmanaged =
    managed === false || (managed === undefined && states?.includes('unmanaged') === true);
  const [known, others] = await Promise.all([
    rows.secretsOf(vault),
    asksForUnmanaged ? (unmanaged?.of(vault) ?? []) : [],
  ]);
  const watched = known
    .filter((row) => !isPast(row))
    .map(itemOf)
    .filter(({ view }) => view.state !== 'unmanaged');
  const names = new Set(watched.map(({ name }) => name));
  const strangers = others.filter(({ name }) => !names.has(name)).map(strangerOf);
  const items = managed === false ? strangers : [...watched, ...strangers];
  return items.sort((one, other) => (one.name < other.name ? -1 : 1));
}

function fitting(filter: InventoryFilter, now: Date): (item: InventoryItem) => boolean {
  const { states, owner: named, expires, dueWithinHours: due, olderThanHours: older } = filter;
  const within = (on: Date | undefined, hours: number) =>
    on !== undefined && on <= addHours(now, hours);
  return ({ view }) => {
    const { state, owner, dueOn, expiresOn } = view;
    if (states && !states.includes(state)) return false;
    if (named !== undefined && plain(named) !== plain(owner ?? '')) return false;
    if (due !== undefined && !within(dueOn, due)) return false;
    if (
      expires === 'never'
        ? expiresOn !== undefined
        : expires !== undefined && !within(expiresOn, expires)
    )
      return false;
    return older === undefined || within(sinceOf(view), -older);
  };
}

/** Since when its credential has been in use, as far as that is known: a version may hold an older one. */
export const sinceOf = ({ credentialSince, createdOn }: SecretView): Date | undefined =>
  credentialSince ?? createdOn;

function strangerOf({
  vault,
  name,
  owner,
  createdOn,
  expiresOn,
  ...found
}: UnmanagedRow): InventoryItem {
  const view: SecretView = compact({
    state: 'unmanaged',
    owed: [],
    createdOn,
    owner,
    expiresOn,
  });
  return { vault, name, failures: 0, view, found };
}

function itemOf(row: SecretRow): InventoryItem {
  const { vault, name, failures, step, reason, detail, lookedOn, nextLookOn, lastFailure, doctor } =
    row;
  return compact({
    vault,
    name,
    failures,
    view: viewToday(row),
    step,
    reason,
    detail,
    lookedOn,
    nextLookOn,
    lastFailure,
    doctor,
  });
}

/**
 * One secret and its versions. Absent, never opted in, a certificate's and another instance's are one and the same
 * `not-found`; what a person must mend is shown, not thrown, so that wrong tags can be looked at.
 */
export async function secretDetail(
  ref: SecretRef,
  caller: Caller,
  deps: Pick<Deps, 'vaults' | 'vaultTags' | 'rows' | 'config'>,
): Promise<SecretDetail> {
  requireRole(caller, 'Keyturn.Read');
  const known = await deps.rows.secret(ref);
  const { versions, current } = await visible(ref, known, deps);
  const consumers = known?.consumers;
  return {
    ...itemOf(known ?? { ...ref, failures: 0 }),
    ...(consumers === undefined ? {} : { consumers }),
    versions: timeline(ref, versions, current),
  };
}

async function visible(
  ref: SecretRef,
  row: SecretRow | undefined,
  deps: Pick<Deps, 'vaults' | 'vaultTags' | 'config'>,
) {
  const vault = deps.vaults.open(ref.vault);
  const found = vault ? await vault.current(ref.name) : 'gone';
  const versions = vault && found !== 'gone' ? await vault.versions(ref.name) : [];
  // The vault gives no version to a disabled secret; of the list it is the newest.
  const current = found === 'disabled' || found === 'gone' ? newest(versions) : found;
  const served =
    current && (isOptedIn(optInTags(current.tags, ref, deps.config)) || wasServed(row, versions));
  if (!served || current.managed) throw new KeyturnError('not-found');
  if (isOthers(await deps.vaultTags(ref.vault), deps.config.instance))
    throw new KeyturnError('not-found');
  return { versions, current: current.id };
}

/** Opted out since: what became of it stays to be seen, by the last look or, where the table was lost, by its versions. */
const wasServed = (row: SecretRow | undefined, versions: readonly VersionInfo[]): boolean =>
  row?.view !== undefined || versions.some(({ tags }) => stateOrNone(tags)?.tgt !== undefined);

const newestFirst = (one: VersionInfo, other: VersionInfo): number =>
  other.createdOn.getTime() - one.createdOn.getTime() || (one.id < other.id ? -1 : 1);
const newest = (versions: readonly VersionInfo[]): VersionInfo | undefined =>
  [...versions].sort(newestFirst)[0];

/** What became of each version, by the tags alone: the pass judges by what values and target say. */
export function timeline(
  secret: SecretRef,
  versions: readonly VersionInfo[],
  current: VersionId,
): readonly TimelineEntry[] {
  const states = new Map(versions.map(({ id, tags }) => [id, stateOrNone(tags)]));
  const live = states.get(current);
  // Of every target that a version ever named: what a former one still owes is owed, too.
  const targets = new Set([...states.values()].flatMap((state) => state?.tgt ?? []));
  const owed = new Set(
    [...targets].flatMap((tgt) =>
      olderOurs(versions, current, { secret, tgt, currentRot: live?.rot }).map(
        ({ version }) => version,
      ),
    ),
  );
  const stateOf = (id: VersionId): VersionStatus => {
    const state = states.get(id);
    if (id === current) return 'current';
    if (state?.revoked) return 'revoked';
    if (!owed.has(id)) return 'foreign';
    const same = state?.cred !== undefined && state.cred === live?.cred && state.tgt === live.tgt;
    return same ? 'replaced' : 'owed';
  };
  // Two versions of one second: the current one is the newer.
  const order = (one: VersionInfo, other: VersionInfo) =>
    Number(other.id === current) - Number(one.id === current) || newestFirst(one, other);
  return [...versions].sort(order).map(({ id, enabled, createdOn, expiresOn }) => {
    const { cred, rot, proved } = states.get(id) ?? {};
    return compact({
      id,
      enabled,
      createdOn,
      state: stateOf(id),
      expiresOn,
      handle: cred,
      rotation: rot,
      proved: proved !== undefined && id.startsWith(proved),
    });
  });
}
