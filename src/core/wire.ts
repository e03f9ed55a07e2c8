/** What an SDK threw, reduced to what may be shown and decided upon. */
import { compact } from './compact.ts';
import type { WireFacts } from './errors.ts';
import { mask } from './mask.ts';
import { scrub } from './scrub.ts';

/** A service that asks for more than a day has lost its mind, or its header. */
const RETRY_AFTER_MAX_SECONDS = 86_400;

export interface WireFailure extends WireFacts {
  /** Key Vault's `innererror.code`. */
  readonly inner?: string;
  /** The service's message, for parsing a code or an id out of it; never to be logged or shown. */
  readonly text: string;
  /** No HTTP answer came back: a write may have been applied. */
  readonly unanswered: boolean;
  /** The request cannot have left this machine: no token, no address, no connection. Nothing was applied. */
  readonly unsent: boolean;
}

interface Thrown {
  name?: unknown;
  statusCode?: unknown;
  code?: unknown;
  message?: unknown;
  details?: {
    error?: Inner;
    odataError?: Inner;
    errorCode?: unknown;
    code?: unknown;
    body?: { error?: Inner };
  };
  response?: { headers?: { get?(name: string): string | undefined } };
}
interface Inner {
  code?: unknown;
  message?: unknown;
  innerError?: { code?: unknown };
}

/** Errors of `@azure/identity`: thrown before the request, or after a 401 that refused it. */
const NO_TOKEN =
  /^(Authentication(Required)?Error|AggregateAuthenticationError|CredentialUnavailableError)$/;
const NO_CONNECTION = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED)$/;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
/** Codes and ids are shown, so only what looks like one passes; a service may put anything there (case SEC-06). */
const token = (value: unknown): string | undefined => {
  const text = textOf(value);
  return text !== undefined && /^[\w.-]{1,64}$/.test(text) ? text : undefined;
};

/**
 * Reads a `RestError` of core-rest-pipeline (Key Vault, ARM: azure-facts 8.2; tables put the code into `odataError`,
 * blobs and queues into `errorCode` or `code`: measured), whatever else was thrown, too. Errors of our own pass through
 * the callers before they get here.
 */
export function wireFailure(error: unknown): WireFailure {
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as Thrown;
  const body = thrown.details?.error ?? thrown.details?.odataError ?? thrown.details?.body?.error;
  const headers = thrown.response?.headers;
  const header = (name: string) => headers?.get?.(name) ?? undefined;
  const retryAfter = Number(header('retry-after'));
  const status = typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
  const code =
    token(body?.code) ??
    token(thrown.details?.errorCode) ??
    token(thrown.details?.code) ??
    token(thrown.code);
  const inner = token(body?.innerError?.code);
  const requestId = token(header('x-ms-request-id'));
  const noToken = NO_TOKEN.test(textOf(thrown.name) ?? '');
  return compact({
    status,
    ...(code === undefined ? (noToken ? { code: 'no-token' } : {}) : { code }),
    inner,
    requestId,
    retryAfterSeconds:
      retryAfter > 0 && retryAfter <= RETRY_AFTER_MAX_SECONDS ? retryAfter : undefined,
    text: textOf(body?.message) ?? textOf(thrown.message) ?? '',
    unanswered: status === undefined,
    unsent: noToken || (status === undefined && NO_CONNECTION.test(code ?? '')),
  });
}

/** Azure's own codes are words: nobody else's value takes them out of an alert. */
const WORDS = /^(?:[A-Z][a-z]+)+$|^\d{1,6}$/;

/** What may be shown of a code or an id: no value that this process opened, and nothing that looks like one. */
export function shown(text: string | undefined): string | undefined {
  if (text === undefined || WORDS.test(text)) return text;
  return mask(scrub(text)) === text ? text : undefined;
}

/** The part of a failure that may be shown. */
export function facts(failure: WireFailure): WireFacts {
  const { status, retryAfterSeconds } = failure;
  const [code, requestId] = [shown(failure.code), shown(failure.requestId)];
  return compact({
    status,
    code,
    requestId,
    retryAfterSeconds,
  });
}

/** `403 Forbidden`, `ECONNRESET` or `no answer`: for the end of a sentence. */
export function said({
  status,
  code,
  inner,
}: Pick<WireFailure, 'status' | 'code' | 'inner'>): string {
  const parts = [status, shown(inner ?? code)].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(' ') : 'no answer';
}
