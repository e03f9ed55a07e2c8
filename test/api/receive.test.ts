/** One way in for all calls: token, role, headers, query, body, in this order, whatever the call is (ATK-11, HST-07). */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Caller, Role } from '../../src/api/auth.ts';
import {
  type ApiDeps,
  type Call,
  type CallInput,
  guarded,
  type OpenCall,
} from '../../src/api/call.ts';
import { calls } from '../../src/api/calls.ts';
import { answer } from '../../src/api/problem.ts';
import { type Received, receive } from '../../src/api/receive.ts';
import { routes } from '../../src/api/routes.ts';
import { KeyturnError } from '../../src/core/errors.ts';

const BODY = '{"color": "red"}';

/** A request whose body tells when it is read. */
function request(
  given: { token?: string; url?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const { token = 'Rotate', url = 'https://app/api/x', body = BODY } = given;
  const read: string[] = [];
  const headers = new Headers({
    authorization: token,
    'content-length': String(Buffer.byteLength(body)),
    ...given.headers,
  });
  const received: Received = {
    url,
    headers,
    params: { vault: 'KV1', name: 'Db' },
    body: (async function* () {
      read.push('body');
      yield Buffer.from(body);
    })(),
  };
  return { received, read };
}

/** An app whose tokens are the names of roles. */
function reception() {
  const asked: string[] = [];
  const app = () => ({
    auth: {
      async authenticate(token: string | null): Promise<Caller> {
        if (token === 'none') throw new KeyturnError('no-token');
        return { oid: 'somebody', roles: [`Keyturn.${token}`], kind: 'user' };
      },
    },
    async api() {
      asked.push('api');
      return {} as ApiDeps;
    },
  });
  return { asked, reception: { calls: [], app, health: async () => true } };
}

const seen: CallInput[] = [];
const change = guarded({
  name: 'paint',
  method: 'POST',
  path: 'x',
  summary: 'Paints',
  roles: ['Keyturn.Rotate', 'Keyturn.Revoke'],
  body: { name: 'Paint', schema: z.strictObject({ color: z.string('color must be text') }) },
  answers: { 200: { description: 'Painted.' } },
  async run(_deps, _caller, asked) {
    seen.push(asked);
    return answer(200, { painted: asked.body.color });
  },
});

const refusal = async (call: Call, given: Parameters<typeof request>[0]) => {
  const { received, read } = request(given);
  const { asked, reception: app } = reception();
  const error = await receive(call, received, app).catch((thrown: unknown) => thrown);
  if (!(error instanceof KeyturnError)) throw new Error('It was answered.');
  return { reason: error.reason, read, asked };
};

describe('a call that changes something', () => {
  it('is run with what was asked, parsed', async () => {
    const { received } = request({ headers: { 'idempotency-key': 'INC-1', accept: 'text/html' } });
    expect((await receive(change, received, reception().reception)).jsonBody).toEqual({
      painted: 'red',
    });
    expect(seen.at(-1)).toEqual({
      path: { vault: 'KV1', name: 'Db' },
      accept: 'text/html',
      query: undefined,
      body: { color: 'red' },
      idempotencyKey: 'INC-1',
    });
  });

  it('ATK-11: has its body read by nobody without a token, a role, a right key or a clean address', async () => {
    for (const [given, reason] of [
      [{ token: 'none' }, 'no-token'],
      [{ token: 'Read' }, 'no-role'],
      [{ token: 'none', url: 'https://app/api/x?a=1&a=2' }, 'no-token'],
      [{ token: 'Read', url: 'https://app/api/x?a=1&a=2' }, 'no-role'],
      [{ headers: { 'idempotency-key': 'a b' } }, 'bad-request'],
      [{ url: 'https://app/api/x?dryRun=true' }, 'bad-request'],
      [{ url: 'https://app/api/x?a=1&a=2' }, 'bad-request'],
    ] as const)
      expect(await refusal(change, given)).toEqual({ reason, read: [], asked: [] });
  });

  it('is not run, and asks nothing of vaults or storage, where its body does not fit', async () => {
    for (const body of ['{', '[]', '{"colour": "red"}', '{"color": 1}'])
      expect(await refusal(change, { body })).toEqual({
        reason: 'bad-request',
        read: ['body'],
        asked: [],
      });
  });

  it.each<[Role, boolean]>([
    ['Keyturn.Rotate', true],
    ['Keyturn.Revoke', true],
    ['Keyturn.Read', false],
  ])('is heard by one of its roles: %s', async (role, isHeard) => {
    const { received } = request({ token: role.replace('Keyturn.', '') });
    const ran = await receive(change, received, reception().reception).then(
      () => true,
      () => false,
    );
    expect(ran).toBe(isHeard);
  });
});

it('a call that anyone may make needs neither token nor settings', async () => {
  const open: OpenCall = {
    ...{
      name: 'sign',
      method: 'GET',
      path: 'sign',
      summary: 'A sign',
      roles: 'anyone',
      answers: {},
    },
    run: async ({ health }) => answer(200, { healthy: await health() }),
  };
  const app = () => {
    throw new Error('Nobody asks for the app.');
  };
  const { received } = request({ token: 'none' });
  const answered = await receive(open, received, { calls: [], app, health: async () => true });
  expect(answered.jsonBody).toEqual({ healthy: true });
});

it('every call is registered, under a name and a route of its own', () => {
  const named = calls.map(({ name, method, path }) => ({ name, method, path }));
  expect([...routes].sort((one, other) => (one.name < other.name ? -1 : 1))).toEqual(
    named.sort((one, other) => (one.name < other.name ? -1 : 1)),
  );
  expect(new Set(named.map(({ name }) => name)).size).toBe(calls.length);
  expect(new Set(named.map(({ method, path }) => `${method} ${path}`)).size).toBe(calls.length);
});
