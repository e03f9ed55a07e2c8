/** Who changed what: one record for every step that changed something and every accepted request (design section 5). */
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { LogFields } from '../../core/log.ts';
import { plain } from '../../core/plain.ts';
import type { AuditRecord } from '../../ports/audit.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Operation } from '../../ports/operations.ts';
import { parseState } from '../../tags/state.ts';
import { changes, type Rotate } from '../step.ts';
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
    Object.entries(record).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
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

function wantedIn({ hold, at, revoke, rotateAgain, undo, leaked }: Operation): Partial<AuditRecord> {
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
  { step, error, attempted, seen, change, told }: PassEnd,
  { cause, operation }: { readonly cause: string; readonly operation: Operation | undefined },
  { clock, config }: Pick<Deps, 'clock' | 'config'>,
): AuditRecord | undefined {
  const tried = attempted ?? step;
  if (!seen || !changes(tried)) return undefined;
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
    ...(tried.kind === 'rotate' ? ofRotation(tried, change.wroteVersion, change.wroteState) : {}),
    hold: tried.kind === 'hold' ? holdText(tried.until) : undefined,
    revokeAt: tried.kind === 'move' ? tried.after.toISOString() : undefined,
    handles: tried.kind === 'revoke' ? tried.owed.map(({ handle }) => handle) : undefined,
    revokedVersions: tried.kind === 'revoke' && !error ? tried.owed.map(({ version }) => version) : undefined,
    status,
    code,
    requestId,
  });
}

/** The stored version and its handle; of a rotation that failed the slot that it was about to take. */
function ofRotation({ source }: Rotate, stored: string | undefined, state: string | undefined) {
  const aimed = source.kind === 'issue' ? source.slot : source.handle;
  const handle = parseState(state ?? '')?.cred ?? aimed;
  return compact({ stored, handle });
}
