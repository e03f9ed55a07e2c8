/** Whatever Azure Resource Manager made an SDK throw becomes a reason here; nobody else reads its codes. */
import { AbsentError, BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import { facts, said, shown, type WireFailure, wireFailure } from '../core/wire.ts';

/**
 * The error that a call to ARM amounts to: `BusyError` when nothing was changed and asking again may help,
 * `UnknownOutcomeError` for a write that may have been applied, else a refusal. Our own errors are given back as they are.
 *
 * @param doing the call in words, for "Azure refused to …"; no text of strangers
 */
export function fromArm(
  error: unknown,
  doing: string,
  { write }: { readonly write: boolean },
): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const failure = wireFailure(error);
  const { status = 0 } = failure;
  const options = { ...facts(failure), detail: `Azure refused to ${doing} (${said(failure)}).` };
  if (failure.unsent || status === 429) return new BusyError('target-busy', options);
  if (failure.unanswered || status === 408 || status >= 500) {
    const detail = `Azure gave no clear answer when asked to ${doing} (${said(failure)}).`;
    return new (write ? UnknownOutcomeError : BusyError)('target-busy', { ...options, detail });
  }
  if (status === 409 || status === 412 || status === 423) return conflict(failure, doing);
  if (status === 404) return new AbsentError(facts(failure));
  if (status === 401 || status === 403) return new KeyturnError('target-forbidden', options);
  return new KeyturnError('failed', options);
}

/**
 * 409 is decided by its code (case ST-01); listKeys meets a lock, too, because it is a POST. 412 to a request without any
 * condition is Cosmos' word for an account at work (case VAL-11, gh:hashicorp/terraform-provider-azurerm#15842); that 423 is
 * one is unverified, but for the lock that a person set, which stays.
 */
function conflict(failure: WireFailure, doing: string): KeyturnError {
  const options = { ...facts(failure), detail: `Azure refused to ${doing} (${said(failure)}).` };
  if (failure.code === 'ScopeLocked') {
    const scope = lockedScope(failure.text);
    const where = scope === undefined ? '' : ` The lock is on ${scope}.`;
    return new KeyturnError('scope-locked', { ...options, detail: `${options.detail}${where}` });
  }
  const passes = failure.status !== 409 || saysBusy(failure.code) || BUSY_TEXT.test(failure.text);
  return passes ? new BusyError('target-busy', options) : new KeyturnError('failed', options);
}

const BUSY_CODE =
  /InProgress|Conflict|Concurren|Busy|Retryable|NotReady|Updating|Pending|PreconditionFailed|TooManyRequests|Throttl/i;
/** Of codes that say less than their message. Never "try again" alone: so ends the text about a lock. */
const BUSY_TEXT =
  /operation[^.]{0,120} in progress|retry (?:the operation|later|after)|try again (?:later|in |after)|requires exclusive (?:access|lock)/i;

/** Codes of services for "at work, ask again"; most of them are seen nowhere but in their names (unverified). */
export const saysBusy = (code: string | undefined): boolean => BUSY_CODE.test(code ?? '');

const SEGMENT = '[\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}().-]{1,128}';
const SCOPE = new RegExp(
  `^/subscriptions/[0-9a-f-]{36}(/resourceGroups/${SEGMENT}(/providers/[\\w.]{1,64}(/${SEGMENT}){2,6})?)?$`,
  'iu',
);

/** The id of the locked scope out of ARM's sentence (azure-facts 10), only if every segment of it looks like one. */
function lockedScope(message: string): string | undefined {
  const id = /scope\(s\) are locked: '([^']{1,400})'/.exec(message)?.[1];
  return id !== undefined && SCOPE.test(id) && !id.includes('..')
    ? shown(id)?.toLowerCase()
    : undefined;
}
