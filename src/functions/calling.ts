/** The one door for calls that ask for a change: who calls, by what right, what exactly is asked, and about which secret. */
import type { HttpRequest } from '@azure/functions';
import { type Caller, type Role, requireRole } from '../api/auth.ts';
import { readBody } from '../api/body.ts';
import { refuseQuery } from '../api/query.ts';
import { fromIdempotencyKey, fromPath } from '../api/rotateRequest.ts';
import type { App } from '../app/app.ts';

/** What a call of this kind is made of. */
export interface Kind<Asking> {
  /** One of these suffices to be heard; the call itself may ask for more. */
  readonly roles: readonly Role[];
  /** Parses the body. Throws `bad-request` naming what is wrong. */
  readonly parse: (body: string) => Asking;
}

export interface AskedCall<Asking> {
  readonly caller: Caller;
  readonly ref: ReturnType<typeof fromPath>;
  readonly asked: Asking;
  readonly idempotencyKey?: string;
}

/**
 * Reads a changing call in the one order that is safe: token, role, then headers, query, body and path (finding ATK-11:
 * nobody without a right makes us read a body). Throws the reason of the first thing that does not fit.
 */
export async function askedIn<Asking>(
  request: HttpRequest,
  keyturn: App,
  { roles, parse }: Kind<Asking>,
): Promise<AskedCall<Asking>> {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  requireRole(caller, ...roles);
  const idempotencyKey = fromIdempotencyKey(request.headers.get('idempotency-key'));
  refuseQuery(new URL(request.url).searchParams);
  const asked = parse(await readBody(request));
  const ref = fromPath(request.params.vault ?? '', request.params.name ?? '');
  return { caller, ref, asked, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
}
