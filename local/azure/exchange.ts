/** What every service of the stand-in shares: a call, a reply, a refusal, a route. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** One request, read to its end. Names in the query are decoded, since the SDK sends `api%2Dversion` (azure-facts 2.1). */
export interface Call {
  method: string;
  /** As the client named it, port included. */
  host: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** How sure we are that Azure answers so: `recorded` traffic, `documented`, or `reported` by users (design 7). */
export type Source = 'recorded' | 'documented' | 'reported';

/** Thrown by whatever says no; carries the answer. */
export class Refusal extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`refused: ${reply.status}`);
    this.reply = reply;
  }
}

/** The body as JSON, or undefined where it is none. */
export function json(call: Call): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(call.body);
    return typeof body === 'object' && body !== null && !Array.isArray(body)
      ? { ...body }
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The bearer token of a call; undefined where there is none. */
export function bearer(call: Call): string | undefined {
  return /^(?:Bearer|PoP) (.+)$/i.exec(call.headers.authorization ?? '')?.[1];
}

/** Decodes one segment of a path; what is no valid encoding stays as it came. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return segment;
    throw error;
  }
}

/**
 * A path as the service reads it: its segments decoded. What would then be another path (a slash, a dot segment) or no text stays
 * as it was sent, and leads nowhere.
 */
export function decodePath(path: string): string {
  const segments = path.split('/').map((segment) => {
    const decoded = decodeSegment(segment);
    return /^\.{1,2}$|[/\\\p{Cc}]/u.test(decoded) ? segment : decoded;
  });
  return segments.join('/');
}

export const newId = (): string => randomUUID();
