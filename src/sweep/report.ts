/**
 * A month's report: every secret of every served vault with the age of its credential and a verdict, and what was rotated in that
 * month with its evidence, by owner. It says what is known and no more: where the age of a credential cannot be told, neither can
 * its verdict.
 */
import { addDays } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { plain } from '../core/plain.ts';
import type { SecretStatus } from '../core/statuses.ts';
import type { AuditRecord } from '../ports/audit.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow, SecretView } from '../ports/rows.ts';
import type { UnmanagedRow } from '../ports/unmanaged.ts';
import { parseState } from '../tags/state.ts';
import { isPast, viewToday } from '../tags/watched.ts';

/** No credential is to be older (design section 2, "Dates"). */
export const LIMIT_DAYS = 90;
const DAY_MS = 86_400_000;
const SIDE_BY_SIDE = 8;

/** `too-old` counts from the current version where that alone is known: its credential is at least so old. */
export const VERDICTS = ['compliant', 'exempt', 'too-old', 'cannot-tell'] as const;
export type AgeVerdict = (typeof VERDICTS)[number];

/** `proved`: a pass after the store used the value of this version. `awaited`: not yet. `none`: Keyturn did not write it. */
export const PROOFS = ['proved', 'awaited', 'none'] as const;

/** Times as ISO 8601 in UTC: a report that was kept reads as it was written. */
export interface ReportedSecret {
  readonly vault: string;
  readonly secret: string;
  readonly verdict: AgeVerdict;
  readonly state: SecretStatus;
  readonly kind?: string;
  readonly target?: string;
  /** Of the credential, in whole days; absent where nobody can tell. */
  readonly ageDays?: number;
  readonly credentialSince?: string;
  /** When the current version was made: no proof of a young credential. */
  readonly versionOn?: string;
  readonly expiresOn?: string;
  readonly dueOn?: string;
  readonly proof: (typeof PROOFS)[number];
  readonly lookedOn?: string;
  readonly exempt?: { readonly reason: string; readonly until: string; readonly ticket?: string };
  readonly certificate?: true;
  readonly disabled?: true;
}

/** One rotation, by what the audit says of it in that month. */
export interface ReportedRotation {
  readonly vault: string;
  readonly secret: string;
  readonly rotation?: string;
  readonly rotatedOn?: string;
  readonly reason?: string;
  readonly outcome?: string;
  /** The version that it replaced, and the one that it stored. */
  readonly replaced?: string;
  readonly stored?: string;
  readonly handle?: string;
  readonly provedOn?: string;
  readonly revokedOn?: string;
  readonly revoked?: readonly string[];
  /** Of Azure's answers. */
  readonly requestIds: readonly string[];
  readonly caller?: string;
  readonly ticket?: string;
}

export type Verdicts = Readonly<Record<AgeVerdict, number>>;

export interface OwnersPart {
  /** Absent: no tag names one. */
  readonly owner?: string;
  readonly verdicts: Verdicts;
  readonly secrets: readonly ReportedSecret[];
  readonly rotations: readonly ReportedRotation[];
}

export interface Report {
  readonly month: string;
  /** When it was made: secrets are as they were then. */
  readonly on: string;
  readonly limitDays: number;
  readonly secrets: number;
  readonly rotations: number;
  readonly verdicts: Verdicts;
  /** The audit of the month was too long to be read to its end. */
  readonly truncated: boolean;
  readonly owners: readonly OwnersPart[];
}

type Reached = Pick<Deps, 'rows' | 'unmanaged' | 'reports' | 'vaults' | 'clock'>;

/** The report of a month (`2026-11`) as of now. Rejects with `storage-busy` where the app's own storage did not answer. */
export async function makeReport(month: string, deps: Reached): Promise<Report> {
  const now = deps.clock.now();
  const parts = new Parts();
  const names = [...deps.vaults.names].sort();
  for (let at = 0; at < names.length; at += SIDE_BY_SIDE) {
    const read = await Promise.all(
      names.slice(at, at + SIDE_BY_SIDE).map((vault) => secretsIn(vault, now, deps)),
    );
    for (const found of read) for (const [owner, secret] of found) parts.addSecret(owner, secret);
  }
  const { rotations, truncated } = await rotationsOf(month, deps);
  for (const rotation of rotations) parts.addRotation(rotation);
  const owners = parts.all();
  const secrets = owners.flatMap((part) => part.secrets);
  return {
    month,
    on: now.toISOString(),
    limitDays: LIMIT_DAYS,
    secrets: secrets.length,
    rotations: rotations.length,
    verdicts: verdictsOf(secrets),
    truncated,
    owners,
  };
}

/** The same without what stands in other vaults than these. */
export function reportWithin(report: Report, isShown: (vault: string) => boolean): Report {
  const owners = report.owners.flatMap(({ owner, ...part }): OwnersPart[] => {
    const secrets = part.secrets.filter(({ vault }) => isShown(vault));
    const rotations = part.rotations.filter(({ vault }) => isShown(vault));
    if (secrets.length + rotations.length === 0) return [];
    return [compact({ owner, verdicts: verdictsOf(secrets), secrets, rotations })];
  });
  const all = owners.flatMap(({ secrets }) => secrets);
  const rotations = owners.reduce((sum, part) => sum + part.rotations.length, 0);
  return { ...report, secrets: all.length, rotations, verdicts: verdictsOf(all), owners };
}

type Owned = readonly [owner: string | undefined, secret: ReportedSecret];

async function secretsIn(vault: string, now: Date, { rows, unmanaged }: Reached): Promise<Owned[]> {
  const [known, others] = await Promise.all([rows.secretsOf(vault), unmanaged?.of(vault) ?? []]);
  const watched = known.filter((row) => !isPast(row) && viewToday(row).state !== 'unmanaged');
  const names = new Set(watched.map(({ name }) => name));
  const all = [
    ...watched.map((row): Owned => [viewToday(row).owner, ofWatched(row, viewToday(row), now)]),
    ...others
      .filter(({ name }) => !names.has(name))
      .map((row): Owned => [row.owner, ofUnmanaged(row, now)]),
  ];
  return all.sort(([, one], [, other]) => (one.secret < other.secret ? -1 : 1));
}

function ofWatched(row: SecretRow, view: SecretView, now: Date): ReportedSecret {
  const { state, rotator, target, credentialSince, createdOn, expiresOn, dueOn, exempt } = view;
  const isExempt =
    exempt !== undefined && exempt.until > now && (state === 'exempt' || state === 'leaving');
  return compact({
    vault: row.vault,
    secret: row.name,
    verdict: isExempt ? 'exempt' : verdictOf(credentialSince, createdOn, now),
    state,
    kind: rotator === undefined ? undefined : plain(rotator),
    target: target === undefined ? undefined : plain(target, 1_000),
    ...ageOf(credentialSince, now),
    ...dated({ versionOn: createdOn, expiresOn, dueOn }),
    proof: proofOf(row, view),
    ...dated({ lookedOn: row.lookedOn }),
    exempt: exempt === undefined ? undefined : exemptionOf(exempt),
  });
}

function ofUnmanaged(row: UnmanagedRow, now: Date): ReportedSecret {
  const { vault, name, createdOn, expiresOn, certificate, enabled } = row;
  return compact({
    vault,
    secret: name,
    verdict: verdictOf(undefined, createdOn, now),
    state: 'unmanaged',
    ...dated({ versionOn: createdOn, expiresOn }),
    proof: 'none',
    certificate: certificate || undefined,
    disabled: enabled ? undefined : true,
  });
}

/** A version may hold a credential that is older than itself, never one that is younger. */
function verdictOf(since: Date | undefined, versionOn: Date | undefined, now: Date): AgeVerdict {
  const isOld = (on: Date) => on < addDays(now, -LIMIT_DAYS);
  if (versionOn !== undefined && isOld(versionOn) && (since === undefined || since >= versionOn))
    return 'too-old';
  if (since === undefined) return 'cannot-tell';
  return isOld(since) ? 'too-old' : 'compliant';
}

const ageOf = (
  since: Date | undefined,
  now: Date,
): Pick<ReportedSecret, 'ageDays' | 'credentialSince'> =>
  since === undefined
    ? {}
    : {
        ageDays: Math.max(0, Math.floor((now.getTime() - since.getTime()) / DAY_MS)),
        credentialSince: since.toISOString(),
      };

function proofOf(
  { wroteVersion, wroteState }: SecretRow,
  { version }: SecretView,
): ReportedSecret['proof'] {
  if (version === undefined || wroteVersion !== version || wroteState === undefined) return 'none';
  const proved = provedIn(wroteState);
  return proved !== undefined && version.startsWith(proved) ? 'proved' : 'awaited';
}

/** A state of a later release says nothing to this one. */
function provedIn(text: string): string | undefined {
  try {
    return parseState(text)?.proved;
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

const exemptionOf = ({ reason, until, ticket }: NonNullable<SecretView['exempt']>) =>
  compact({
    reason: plain(reason),
    until: until.toISOString(),
    ticket: ticket === undefined ? undefined : plain(ticket),
  });

const dated = <Key extends string>(
  dates: Readonly<Record<Key, Date | undefined>>,
): { readonly [key in Key]?: string } =>
  Object.fromEntries(
    Object.entries<Date | undefined>(dates).flatMap(([key, on]) =>
      on === undefined ? [] : [[key, on.toISOString()]],
    ),
  ) as { readonly [key in Key]?: string };

async function rotationsOf(
  month: string,
  { reports, vaults }: Reached,
): Promise<{ readonly rotations: readonly ReportedRotation[]; readonly truncated: boolean }> {
  const found = new Map<string, AuditRecord[]>();
  const records = reports?.records(month);
  let truncated = false;
  for (let next = await records?.next(); next !== undefined; next = await records?.next()) {
    if (next.done) {
      truncated = next.value;
      break;
    }
    const record = next.value;
    if (
      !['rotate', 'prove', 'revoke'].includes(record.step) ||
      !vaults.names.includes(record.vault)
    )
      continue;
    const key = `${record.vault}/${record.name}/${record.rotation ?? record.on.toISOString()}`;
    found.set(key, [...(found.get(key) ?? []), record]);
  }
  const rotations = [...found.values()].map(evidenceOf);
  const order = ({ vault, secret, rotatedOn = '' }: ReportedRotation) =>
    `${vault}/${secret} ${rotatedOn}`;
  return {
    rotations: rotations.sort((one, other) => (order(one) < order(other) ? -1 : 1)),
    truncated,
  };
}

/** What the records of one rotation prove. Of several tries the last one counts. */
function evidenceOf(records: readonly AuditRecord[]): ReportedRotation {
  const inOrder = [...records].sort((one, other) => one.on.getTime() - other.on.getTime());
  const last = (step: AuditRecord['step']) =>
    inOrder.findLast((each) => each.step === step && isDone(each)) ??
    inOrder.findLast((each) => each.step === step);
  const [rotate, prove, revoke] = [last('rotate'), last('prove'), last('revoke')];
  const [{ vault, name, rotation }] = inOrder as [AuditRecord, ...AuditRecord[]];
  const said = (pick: (record: AuditRecord) => string | undefined) =>
    inOrder.map(pick).find((text) => text !== undefined);
  const [caller, ticket] = [said((each) => each.caller), said((each) => each.ticket)];
  return compact({
    vault,
    secret: name,
    rotation,
    ...(rotate ? ofRotate(rotate) : {}),
    provedOn: prove && isDone(prove) ? prove.on.toISOString() : undefined,
    revokedOn: revoke && isDone(revoke) ? revoke.on.toISOString() : undefined,
    revoked:
      revoke && isDone(revoke) ? (revoke.handles ?? []).map((each) => plain(each)) : undefined,
    requestIds: [...new Set(inOrder.flatMap(({ requestId }) => requestId ?? []))].map((each) =>
      plain(each),
    ),
    caller: caller === undefined ? undefined : plain(caller),
    ticket: ticket === undefined ? undefined : plain(ticket),
  });
}

const isDone = ({ outcome }: AuditRecord): boolean => outcome === 'done' || outcome === 'recovered';

function ofRotate({ on, reason, outcome, version, stored, handle }: AuditRecord) {
  return compact({
    rotatedOn: on.toISOString(),
    reason: plain(reason),
    outcome: plain(outcome),
    replaced: version,
    stored,
    handle: handle === undefined ? undefined : plain(handle),
  });
}

function verdictsOf(secrets: readonly ReportedSecret[]): Verdicts {
  const counts: Record<AgeVerdict, number> = {
    compliant: 0,
    exempt: 0,
    'too-old': 0,
    'cannot-tell': 0,
  };
  for (const { verdict } of secrets) counts[verdict] += 1;
  return counts;
}

const refOf = ({ vault, secret }: { readonly vault: string; readonly secret: string }): string =>
  `${vault}/${secret}`;

/** By owner; a rotation stands with the owner of its secret. */
class Parts {
  readonly #owners = new Map<string, string>();
  readonly #parts = new Map<string, { secrets: ReportedSecret[]; rotations: ReportedRotation[] }>();

  addSecret(owner: string | undefined, secret: ReportedSecret): void {
    const named = owner === undefined ? '' : plain(owner);
    this.#owners.set(refOf(secret), named);
    this.#part(named).secrets.push(secret);
  }

  addRotation(rotation: ReportedRotation): void {
    this.#part(this.#owners.get(refOf(rotation)) ?? '').rotations.push(rotation);
  }

  /** By name; what has no owner comes last. */
  all(): readonly OwnersPart[] {
    const sorted = [...this.#parts].sort(([one], [other]) =>
      one === '' ? 1 : other === '' ? -1 : one < other ? -1 : 1,
    );
    return sorted.map(([owner, part]) =>
      compact({
        owner: owner === '' ? undefined : owner,
        verdicts: verdictsOf(part.secrets),
        ...part,
      }),
    );
  }

  #part(owner: string) {
    const part = this.#parts.get(owner) ?? { secrets: [], rotations: [] };
    this.#parts.set(owner, part);
    return part;
  }
}
