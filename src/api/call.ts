/**
 * What a call over HTTP is. Each stands in a file of its own under `calls/`, which declares it once: routes, registration,
 * checks, the OpenAPI document and the pages are made from the declarations (design section 5).
 */
import type { z } from 'zod';
import type { Deps } from '../ports/deps.ts';
import type { VaultRight } from '../tags/people.ts';
import type { Caller, Role } from './auth.ts';
import type { Answer } from './problem.ts';
import type { FoundVaults, Probes } from './readiness.ts';

/** The path of one secret. */
export const SECRET = 'vaults/{vault}/secrets/{name}';

/** A schema under the name that it has in the document. */
export interface Shape<T = unknown> {
  readonly name: string;
  readonly schema: z.ZodType<T>;
}

/** The parameters of a query: their schema, and the parser that goes with it. */
export interface Query<T = unknown> {
  readonly schema: z.ZodType;
  /** Throws `bad-request` naming what is wrong. */
  parse(query: URLSearchParams): T;
}

/** One answer of a call, for the document. */
export interface Described {
  readonly description: string;
  readonly body?: Shape;
  /** What its headers hold, by their names. */
  readonly headers?: Readonly<Record<string, 'uri-reference' | 'text'>>;
  /** Problem details. */
  readonly isProblem?: true;
  /** JSON of no further shape. */
  readonly isObject?: true;
  /** Where a browser asks, the same as a page. */
  readonly asHtml?: true;
}

interface Declared<Body, Parameters> {
  /** The name of its function, and its `operationId` in the document. */
  readonly name: string;
  /** What is read with GET changes nothing; whatever changes something is POST or DELETE, and takes no query. */
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/api/`, as the host writes templates. */
  readonly path: string;
  readonly summary: string;
  /** Left out: which role it needs. */
  readonly description?: string;
  /** What stands in the path, in words, but for vault and name. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: Query<Parameters>;
  readonly body?: Shape<Body>;
  /** By status. What is not described is problem details. */
  readonly answers: Readonly<Record<number, Described>>;
  /** It never answers with problem details. */
  readonly isSure?: true;
}

/** What was asked, read and parsed. */
export interface CallInput<Body = unknown, Parameters = unknown> {
  /** Pieces of the path, as the host gives them. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Parameters;
  readonly body: Body;
  readonly idempotencyKey?: string;
  /** The header `Accept`. */
  readonly accept: string;
}

/** What calls work with. */
export interface ApiDeps extends Deps {
  readonly probes: () => Probes;
  readonly foundVaults: () => FoundVaults;
}

/** Needs a token. */
export interface GuardedCall<Body = unknown, Parameters = unknown>
  extends Declared<Body, Parameters> {
  /** One of these suffices to be heard; `run` may ask for more. */
  readonly roles: readonly [Role, ...Role[]];
  /** Also who is named by the tags of a vault: for what it tells of that vault, or asks for there. */
  readonly byVault?: VaultRight;
  /** Throws the reason why not. */
  run(deps: ApiDeps, caller: Caller, asked: CallInput<Body, Parameters>): Promise<Answer>;
}

/** What is there without a token, and without settings. */
export interface OpenDeps {
  health(): Promise<boolean>;
  readonly calls: readonly Call[];
}

/** Open to anyone, and there also where the settings do not fit (finding HST-04): it names nothing of this installation. */
export interface OpenCall extends Declared<never, never> {
  readonly roles: 'anyone';
  run(app: OpenDeps, asked: CallInput): Promise<Answer>;
}

export type Call = GuardedCall | OpenCall;

/** A declaration, with the types of its body and query inferred. */
export const guarded = <Body = undefined, Parameters = undefined>(
  call: GuardedCall<Body, Parameters>,
): GuardedCall<Body, Parameters> => call;
