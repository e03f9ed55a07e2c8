/** Who changed what: one record for every step that changed something and every accepted request (design section 5). */
import { latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { VersionId } from '../../core/ids.ts';
import type { LogFields } from '../../core/log.ts';
import { plain } from '../../core/plain.ts';
import { useInWords } from '../../core/uses.ts';
import type { AuditRecord } from '../../ports/audit.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Operation } from '../../ports/operations.ts';
import type { Owed } from '../../tags/owed.ts';
import { parseState } from '../../tags/state.ts';
import { changes, type Revoke, type Rotate } from '../step.ts';
import type { PassEnd } from './end.ts';

/** Between the tries, all within the pass: no later one looks at this step again. */
const PAUSE_SECONDS = [1, 2] as const;

/** Appends the record, some times if need be; the error that kept it from the audit, if it is not there. */
export async function append(
  record: AuditRecord,
  { audit, clock }: Pick<Deps, 'audit' | 'clock'>,
): Promise<KeyturnError | undefined> {
  for (let tried = 1; ; tried++) {
    try {
      await audit.append(record);
      return undefined;
    } catch (error) {
      if (!(error instanceof KeyturnError)) throw error;
      const pause = PAUSE_SECONDS[tried - 1];
      if (pause === undefined) return error;
      await clock.sleep(pause * 1000);
    }
  }
}

/** The same record in the log, which keeps it unsampled. */
export const inLog = (record: AuditRecord): LogFields =>
  Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : value,
    ]),
  );

/** The record of a request, written before its row: what has no record is not accepted. */
export function recordOfRequest(
  operation: Operation,
  as: AuditRecord['as'],
  { clock, config }: Pick<Deps, 'clock' | 'config'>,
): AuditRecord {
  const { vault, name, version, override, note } = operation;
  return {
    on: clock.now(),
    vault,
    name,
    step: 'request',
    reason: 'asked',
    outcome: 'accepted',
    cause: 'http',
    instance: config.instance,
    version,
    ...compact({ as }),
    ...wantedIn(operation),
    ...askedBy(operation),
    ...(override.length === 0 ? {} : { override }),
    ...(note === undefined ? {} : { note: plain(note) }),
  };
}

function wantedIn({
  hold,
  at,
  revoke,
  rotateAgain,
  undo,
  leaked,
}: Operation): Partial<AuditRecord> {
  if (leaked) return { leaked };
  if (undo) return { undo };
  if (hold !== undefined) return { hold: holdText(hold) };
  if (at !== undefined) return { revokeAt: at === 'now' ? at : at.toISOString() };
  return compact({ revoke, rotateAgain });
}

const holdText = (until: Date | null | undefined): string => until?.toISOString() ?? 'none';

const askedBy = ({ id, caller, ticket }: Operation) =>
  compact({
    operation: id,
    caller,
    ticket: ticket === undefined ? undefined : plain(ticket),
  });

/** What a pass tried to change and how it ended; undefined when it only looked. */
export function recordOfPass(
  { step, error, attempted, seen, change, told, called, refusedOn, tried: answers }: PassEnd,
  { cause, operation }: { readonly cause: string; readonly operation: Operation | undefined },
  { clock, config }: Pick<Deps, 'clock' | 'config'>,
): AuditRecord | undefined {
  const tried = attempted ?? step;
  if (!seen || !changes(tried)) return undefined;
  // Nothing was changed where nobody was called.
  if (tried.kind === 'follow' && !called?.length) return undefined;
  const { status, code, requestId } = error?.facts ?? {};
  const rotation = tried.kind === 'rotate' ? tried.rotation : seen.state?.rot;
  return compact({
    on: clock.now(),
    ...seen.secret,
    step: tried.kind,
    reason: tried.reason,
    outcome: error?.reason ?? 'done',
    cause,
    instance: config.instance,
    ...(operation ? askedBy(operation) : {}),
    rotation,
    version: seen.observed.version,
    ...compact({ refusedOn: told?.refusedOn?.toISOString(), vouchedBy: told?.vouchedBy }),
    ...(tried.kind === 'revoke' ? ofRevocation(tried, { seen, refusedOn, answers }) : {}),
    ...(tried.kind === 'rotate' ? ofRotation(tried, change.wroteVersion, change.wroteState) : {}),
    hold: tried.kind === 'hold' ? holdText(tried.until) : undefined,
    revokeAt: tried.kind === 'move' ? tried.after.toISOString() : undefined,
    handles: tried.kind === 'revoke' ? tried.owed.map(({ handle }) => handle) : undefined,
    revokedVersions:
      tried.kind === 'revoke' && !error ? tried.owed.map(({ version }) => version) : undefined,
    consumers: called?.length ? called : undefined,
    status,
    code,
    requestId,
  });
}

/** Who used it, and what the target said of it once it was gone: the auditor's proof, a line for each credential. */
function ofRevocation(
  { owed }: Revoke,
  {
    seen,
    refusedOn,
    answers,
  }: { [Key in 'seen' | 'refusedOn']: PassEnd[Key] | undefined } & {
    readonly answers: PassEnd['tried'] | undefined;
  },
): Partial<AuditRecord> {
  const refused = owed.flatMap(({ version }) => refusedOn?.get(version) ?? []);
  return compact({
    ...(refused.length === owed.length && owed.length > 0
      ? { refusedOn: latest(...refused)?.toISOString() }
      : {}),
    evidence: linesOf(owed, (version) => evidenceOn(version, seen)),
    tried: linesOf(owed, (version) => answers?.get(version)),
  });
}

/** What was said right before of who uses the credential of a version. */
export function evidenceOn(version: VersionId, seen: PassEnd['seen']): string | undefined {
  const use = seen?.observed.uses?.get(version);
  return use && useInWords(use.verdict);
}

function linesOf(owed: readonly Owed[], wordsOn: (version: VersionId) => string | undefined) {
  const lines = owed.flatMap(({ version, handle }) => {
    const words = wordsOn(version);
    return words === undefined ? [] : [`${handle}: ${words}`.slice(0, LINE_MAX)];
  });
  return lines.length > 0 ? lines : undefined;
}
/** As an audit record takes it. */
const LINE_MAX = 500;

/** The stored version and its handle; of a rotation that failed the slot that it was about to take. */
function ofRotation({ source }: Rotate, stored: string | undefined, state: string | undefined) {
  const aimed = source.kind === 'issue' ? source.slot : source.handle;
  const handle = parseState(state ?? '')?.cred ?? aimed;
  return compact({ stored, handle });
}
