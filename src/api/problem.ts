/** Errors over HTTP: problem details (RFC 9457) made from the table of reasons, never from an error's own text. */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError, RefusedError } from '../core/errors.ts';
import { mask } from '../core/mask.ts';
import { isReason, type Reason, reasonRow, reasons } from '../core/reasons.ts';
import { SettingsError } from '../core/settings.ts';
import type { Role } from './auth.ts';

/** A code of the table of reasons. */
export const ReasonCode = z.enum(Object.keys(reasons).filter(isReason));
export const By = z.string().describe('Who must act.');

/** Of a request that can't be met. */
export const Refusal = z.strictObject({
  by: By,
  overridable: z
    .array(ReasonCode)
    .describe('Reasons that stand in the way and that `override` may name.'),
  overridableBy: z.string().optional().describe('The role that `override` needs.'),
  until: z.iso.datetime().optional().describe('When the reason may be over by itself.'),
});

/** RFC 9457. */
export const ProblemBody = z.strictObject({
  type: z.string().describe('The page of the reason, relative to the app: `/api/reasons/{code}`.'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  reason: ReasonCode,
  remedy: z.string(),
  requestId: z.string().optional(),
  ...Refusal.partial().shape,
});

/** The part of an HTTP response that we use; the Functions library takes it as it is. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly jsonBody?: unknown;
  /** Instead of JSON: a page. */
  readonly body?: string;
}

const statuses: Partial<Record<Reason, number>> = {
  'bad-request': 400,
  'no-token': 401,
  'no-role': 403,
  'too-many-groups': 403,
  'not-found': 404,
  'length-required': 411,
  'owed-first': 409,
  'too-many-operations': 429,
  failed: 500,
  'vault-forbidden': 502,
  'vault-firewall': 502,
  'no-keys': 503,
  settings: 503,
  exposed: 503,
  'storage-busy': 503,
  'vault-busy': 503,
  'target-busy': 503,
};
const RETRY_SECONDS = 10;
/** Who may set a reason aside. */
export const OVERRIDES: Role = 'Keyturn.Revoke';

/** An answer that no cache keeps and no browser guesses at. */
export const answer = (
  status: number,
  jsonBody: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({
  status,
  headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
  jsonBody,
});

/** The same with text that is no JSON. */
export const page = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): Answer => ({
  status,
  headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
  body,
});

/**
 * The answer for an error. What is not ours is `failed` and says nothing more. Absent, not opted in and not visible give
 * one and the same 404 (design section 5), so `not-found` never carries a detail of its own.
 */
export function problem(error: unknown): Answer {
  const ofSettings = settingsProblem(error);
  if (ofSettings) return ofSettings;
  const reason: Reason = error instanceof KeyturnError ? error.reason : 'failed';
  const status = statuses[reason] ?? (error instanceof BusyError ? 503 : 409);
  const { cause, remedy, by } = reasonRow(reason);
  const detail =
    error instanceof KeyturnError && reason !== 'not-found'
      ? mask(error.detail, { versions: true })
      : cause;
  const requestId = error instanceof KeyturnError ? error.facts.requestId : undefined;
  const said = { type: `/api/reasons/${reason}`, title: cause, status, detail, reason };
  const body = {
    ...said,
    ...(error instanceof RefusedError ? refusalBody(error) : { remedy, by }),
    requestId,
  };
  return answer(
    status,
    body,
    compact({
      'content-type': 'application/problem+json',
      'www-authenticate': status === 401 ? 'Bearer' : undefined,
      'retry-after': status === 503 || status === 429 ? String(RETRY_SECONDS) : undefined,
    }),
  );
}

/** Why a request can't be met, who can help, and what the caller could set aside: also inside the answer of a dry run. */
export function refusalBody({
  reason,
  until,
  overridable,
  ...more
}: {
  readonly reason: Reason;
  readonly until?: Date | undefined;
  readonly overridable: readonly Reason[];
  readonly by?: string | undefined;
  readonly remedy?: string | undefined;
}) {
  const { remedy = reasonRow(reason).remedy, by = reasonRow(reason).by } = more;
  const named = overridable.map((each) => `"${each}"`).join(', ');
  const way = overridable.includes(reason)
    ? ` Or ask again with "override": [${named}], which needs ${OVERRIDES}.`
    : '';
  return compact({
    remedy: `${remedy}${way}`,
    by,
    overridable,
    until,
    overridableBy: overridable.length > 0 ? OVERRIDES : undefined,
  });
}

/**
 * The answer where the settings do not fit: 503 with their names. No values: anyone may ask, and what stands in a wrong setting
 * may be a secret in the wrong place (finding HST-04).
 */
export function settingsProblem(error: unknown): Answer | undefined {
  if (!(error instanceof SettingsError)) return undefined;
  const what = error.reason === 'exposed' ? 'To be removed' : 'Wrong or missing';
  return problem(new KeyturnError(error.reason, { detail: `${what}: ${error.names.join(', ')}.` }));
}
