/** One way in for every call: who calls, by what right, what exactly is asked; then the call itself. */
import { KeyturnError } from '../core/errors.ts';
import { SECRET_NAME, type SecretRef, VAULT_NAME } from '../core/ids.ts';
import type { Auth } from './auth.ts';
import { badRequest, type Incoming, parseBody, readBody } from './body.ts';
import { admit } from './byVault.ts';
import type { ApiDeps, Call, CallInput, OpenDeps } from './call.ts';
import type { Answer } from './problem.ts';
import { refuseQuery, refuseRepeated } from './query.ts';

/** A request as it comes in. */
export interface Received extends Incoming {
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
}

/** What the way in needs of the app; made only where the call needs it. */
export interface Reception extends OpenDeps {
  app(): { readonly auth: Auth; api(): Promise<ApiDeps> };
}

/**
 * Reads a request in the one order that is safe: token, role, then headers, query and body (finding ATK-11: nobody without a
 * right makes us read a body). Throws the reason of the first thing that does not fit, and what the call throws.
 */
export async function receive(
  call: Call,
  request: Received,
  reception: Reception,
): Promise<Answer> {
  const query = new URL(request.url).searchParams;
  const plain = { path: request.params, accept: request.headers.get('accept') ?? '' };
  if (call.roles === 'anyone') {
    refuseRepeated(query);
    return await call.run(reception, { ...plain, query: undefined, body: undefined });
  }
  const { auth, api } = reception.app();
  const caller = await auth.authenticate(request.headers.get('authorization'));
  const admitted = await admit(call, caller, request.params, api);
  refuseRepeated(query);
  const asked: CallInput = {
    ...plain,
    ...(call.method !== 'GET' ? await changing(call, request, query) : reading(call, query)),
  };
  return await call.run(admitted?.deps ?? (await api()), admitted?.caller ?? caller, asked);
}

function reading(call: Call, query: URLSearchParams) {
  if (!call.query) refuseQuery(query);
  return { query: call.query?.parse(query), body: undefined };
}

async function changing({ body }: Call, request: Received, query: URLSearchParams) {
  const key = fromIdempotencyKey(request.headers.get('idempotency-key'));
  refuseQuery(query, ': what is asked for stands in the body');
  const text = await readBody(request);
  if (!body && text.trim() !== '') throw badRequest('This call takes no body.');
  return {
    query: undefined,
    body: body && parseBody(text, body.schema),
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
}

/** The header `Idempotency-Key`, or undefined where it is absent. */
export function fromIdempotencyKey(header: string | null): string | undefined {
  if (header === null) return undefined;
  if (!/^[\w-]{1,64}$/.test(header))
    throw badRequest('Idempotency-Key has 1 to 64 characters of A-Z, a-z, 0-9, _ and -.');
  return header;
}

/** The secret that a path names. A name that no secret can have is one that is not there: the same 404. */
export function fromPath({ vault = '', name = '' }: CallInput['path']): SecretRef {
  if (!VAULT_NAME.test(vault) || !SECRET_NAME.test(name)) throw new KeyturnError('not-found');
  return { vault: vault.toLowerCase(), name: name.toLowerCase() };
}
