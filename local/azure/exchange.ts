/** What every service of the stand-in shares: a call, a reply, a refusal, a route. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from './principals.ts';
import type { World } from './world.ts';

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

export interface RouteInfo {
  /** `plane.verb`: the name that faults, echo and the log use. */
  name: string;
  method: string;
  /** Matched against the path; its groups become `parts`. */
  path: RegExp;
  /** Whether it changes a vault or a target. `listKeys` is a POST and changes nothing. */
  write: boolean;
  /** What the caller must have been granted; empty where the service asks for nothing. */
  action: string;
  source: Source;
  reference: string;
}

export interface Request extends Call {
  principal: Principal | undefined;
  /** The groups of the route's path, decoded. */
  parts: string[];
}

export interface Route extends RouteInfo {
  /** The action where one route serves many types. */
  actionOf?(call: Call): string;
  handle(request: Request, world: World): Reply | Promise<Reply>;
}

/** One Azure service: who may come in, what it answers to, and how it says no. */
export interface Service {
  name: string;
  routes: readonly Route[];
  /** Throws a `Refusal` with the service's own challenge; undefined where the service takes anonymous calls. */
  authenticate(call: Call, world: World): Promise<Principal | undefined>;
  /** What is checked between token and route, for example `api-version`. */
  precheck?(call: Call, world: World): void;
  /** Throws a `Refusal` when the principal lacks the route's action over what the path names. */
  authorize?(request: Request, route: Route, world: World): void;
  /** The path that routes and handlers see; as it was sent where absent. */
  pathOf?(path: string): string;
  /** The service's error body; `code` and `inner` default to what it says for this status. */
  error(status: number, code?: string, message?: string, inner?: string): Reply;
  /** No route has this path and method. */
  unrouted(call: Call): Reply;
  /** Headers that every reply of the service carries. */
  headers?(call: Call): Record<string, string>;
}

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
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : undefined;
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
