/**
 * Every row of the token rules (design section 6) through the door: the entry file in the mini host, its keys from a JWKS
 * over HTTP. What is refused writes nothing, not even a row.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createApp, provideApp } from '../../src/app/app.ts';
import { movingClock } from '../cases/clock.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { type Claims, type Entra, tenant as entraTenant, oid, startEntra } from './entra.ts';

let tenant: Tenant;
let entra: Entra;
beforeAll(async () => {
  [tenant, entra] = await Promise.all([startTenant(), startEntra()]);
});
beforeEach(async () => {
  await tenant.clear();
  entra.outage(false);
  freshApp();
  const version = tenant.seed('st-a', { account: 'acct1' });
  version.created -= 3 * 86_400; // or it would be too young to be rotated
  await tenant.sweepAndSettle();
});
afterAll(async () => {
  await tenant.stop();
  await entra.stop();
});

/** An app that has no keys yet and asks the test's own token service for them. */
function freshApp(): void {
  const keys = (url: string | URL | Request, init?: RequestInit) => {
    const { pathname } = new URL(String(url));
    return fetch(
      entra.authority + pathname.replace(tenant.azure.world.tenantId, entraTenant),
      init,
    );
  };
  provideApp(createApp(tenant.azure.env(), { clock: movingClock(), fetch: keys as typeof fetch }));
}

/** Of an application with the role; `undefined` takes a claim out. */
function claims(over: Claims = {}): Claims {
  const { tenantId } = tenant.azure.world;
  const iss = `${tenant.azure.url('login')}/${tenantId}/v2.0`;
  const all = { ...entra.claims(new Date()), iss, tid: tenantId, ...over };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
const seconds = (from: number): number => Math.floor(Date.now() / 1000) + from;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const signed = (over: Claims = {}, header = {}) => entra.sign(claims(over), header);

const CALLS = ['rotate', 'revoke', 'hold', 'undo', 'leaked'] as const;

async function call(
  token: string | undefined,
  headers: Record<string, string> = {},
  name: (typeof CALLS)[number] = 'rotate',
  body: object = { dryRun: true },
): Promise<Response> {
  return await fetch(`${tenant.host.url}/api/vaults/kv1/secrets/st-a/${name}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify(body),
  });
}
async function expectRefused(response: Response, status: number): Promise<void> {
  const reason = { 401: 'no-token', 403: 'no-role', 503: 'no-keys' }[status];
  expect(await response.json()).toMatchObject({ status, reason });
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([
    status,
    status === 401 ? 'Bearer' : null,
  ]);
  await tenant.settle();
  expect(tenant.azure.writes()).toEqual([]);
  expect((await tenant.rows()).filter(({ partition }) => partition === 'operations')).toEqual([]);
}

/** A person, through an application that was given our scope. */
const person = { sub: 'pairwise', idtyp: undefined, scp: 'Keyturn.Access' };
/** What App Service would say of a caller that it let in (`Easy Auth`); here anyone can write it. */
const principal = {
  'x-ms-client-principal': Buffer.from(
    JSON.stringify({
      auth_typ: 'aad',
      role_typ: 'roles',
      claims: [{ typ: 'roles', val: 'Keyturn.Rotate' }],
    }),
  ).toString('base64'),
  'x-ms-client-principal-id': oid,
  'x-ms-client-principal-idp': 'aad',
  'x-ms-token-aad-access-token': 'x',
};

type Made = () => Promise<string | undefined> | string | undefined;
const refused: [row: string, status: number, token: Made, headers?: Record<string, string>][] = [
  ['no token', 401, () => undefined],
  ['no token, but a forged x-ms-client-principal', 401, () => undefined, principal],
  [
    'a token without the role and a forged x-ms-client-principal',
    403,
    () => signed({ roles: [] }),
    principal,
  ],
  ['the issuer of nobody', 401, () => signed({ iss: 'https://login.evil.example/v2.0' })],
  ['no issuer', 401, () => signed({ iss: undefined })],
  ["another tenant's issuer", 401, () => signed({ iss: `https://sts.windows.net/${oid}/` })],
  ['another tenant', 401, () => signed({ tid: oid })],
  ['another audience', 401, () => signed({ aud: 'https://vault.azure.net' })],
  ['the audience as a list', 401, () => signed({ aud: ['api://keyturn'] })],
  ['expired 61 s ago', 401, () => signed({ exp: seconds(-61) })],
  ['no exp', 401, () => signed({ exp: undefined })],
  ['nbf 70 s ahead', 401, () => signed({ nbf: seconds(70) })],
  ['no nbf', 401, () => signed({ nbf: undefined })],
  ['no kid', 401, () => signed({}, { kid: undefined })],
  ['a kid that no key has', 401, () => signed({}, { kid: 'k0' })],
  ['PS256', 401, () => signed({}, { alg: 'PS256' })],
  ['HS256 with the public key as the secret', 401, () => entra.signHs256(claims())],
  ['alg none', 401, () => `${part({ alg: 'none', typ: 'JWT', kid: 'k1' })}.${part(claims())}.`],
  [
    'alg none, with something for a signature',
    401,
    () => `${part({ alg: 'none', kid: 'k1' })}.${part(claims())}.x`,
  ],
  ["a stranger's signature under our kid", 401, () => entra.forge(claims())],
  [
    'an ID token, with the role',
    401,
    () => signed({ ...person, scp: undefined, nonce: 'n', name: 'A Person' }),
  ],
  ['a person without our scope', 401, () => signed({ ...person, scp: 'User.Read' })],
  [
    'a person whose scope begins like ours',
    401,
    () => signed({ ...person, scp: 'Keyturn.AccessAll' }),
  ],
  ['a person with our scope and no role', 403, () => signed({ ...person, roles: undefined })],
  ['an application without a role', 403, () => signed({ roles: undefined })],
  ['an application with another role', 403, () => signed({ roles: ['Keyturn.Read'] })],
  ['the role as text', 401, () => signed({ roles: 'Keyturn.Rotate' })],
  ['the role inside a longer text', 401, () => signed({ roles: 'xKeyturn.Rotatex' })],
  ['the role as the beginning of another', 403, () => signed({ roles: ['Keyturn.RotateAll'] })],
  ['the role in other capitals', 403, () => signed({ roles: ['keyturn.rotate'] })],
  [
    'the scope instead of the role',
    403,
    () => signed({ ...person, scp: 'Keyturn.Access Keyturn.Rotate', roles: [] }),
  ],
];

describe('a token that does not fit', () => {
  it.each(refused)(
    'SEC-08: %s → %i, and nothing is written',
    async (_row, status, made, headers = {}) => {
      for (const name of CALLS)
        await expectRefused(await call(await made(), headers, name, {}), status);
    },
  );
});

describe('a token that fits', () => {
  it.each<[string, Claims]>([
    ['an application with the role', {}],
    ['an application without idtyp, whose oid is its sub', { idtyp: undefined }],
    ['a person with scope and role', person],
    ['half a minute of skew either way', { nbf: seconds(30), exp: seconds(30) }],
  ])('SEC-08: %s → 200', async (_row, over) => {
    const { nbf, exp } = over;
    // The clock of the cases has moved since the table was made.
    const fresh = {
      ...over,
      ...(nbf ? { nbf: seconds(30) } : {}),
      ...(exp ? { exp: seconds(-30) } : {}),
    };
    expect((await call(await signed(fresh), principal)).status).toBe(200);
  });

  it("SEC-08: the tenant's issuer of version 1 → 200", async () => {
    const iss = `https://sts.windows.net/${tenant.azure.world.tenantId}/`;
    expect((await call(await signed({ iss }))).status).toBe(200);
  });
});

/** Each in a dry run: 200 is what would be 202. */
const roles: [role: string, call: (typeof CALLS)[number], body: object, status: number][] = [
  ...CALLS.map((name): [string, (typeof CALLS)[number], object, number] => [
    'Keyturn.Read',
    name,
    {},
    403,
  ]),
  ['Keyturn.Rotate', 'rotate', {}, 200],
  ['Keyturn.Rotate', 'rotate', { revoke: '4d' }, 200],
  ['Keyturn.Rotate', 'rotate', { revoke: '12h' }, 403],
  ['Keyturn.Rotate', 'rotate', { revoke: 'now' }, 403],
  ['Keyturn.Rotate', 'rotate', { rotateAgain: true }, 403],
  ['Keyturn.Rotate', 'rotate', { override: ['too-soon'] }, 403],
  ['Keyturn.Rotate', 'revoke', {}, 403],
  ['Keyturn.Rotate', 'revoke', { at: '2036-01-01T00:00:00Z' }, 403],
  ['Keyturn.Rotate', 'hold', { until: null }, 200],
  ['Keyturn.Rotate', 'undo', {}, 200],
  ['Keyturn.Revoke', 'undo', {}, 403],
  ['Keyturn.Rotate', 'leaked', { note: 'n', ticket: 't' }, 403],
  ['Keyturn.Revoke', 'leaked', { note: 'n', ticket: 't' }, 200],
  ['Keyturn.Revoke', 'rotate', {}, 403],
  ['Keyturn.Revoke', 'rotate', { revoke: '4d' }, 403],
  ['Keyturn.Revoke', 'rotate', { revoke: '12h' }, 200],
  ['Keyturn.Revoke', 'rotate', { revoke: 'now' }, 200],
  ['Keyturn.Revoke', 'rotate', { rotateAgain: true }, 200],
  ['Keyturn.Revoke', 'rotate', { override: ['too-soon'] }, 200],
  ['Keyturn.Revoke', 'revoke', {}, 200],
  ['Keyturn.Revoke', 'hold', { until: null }, 403],
];

describe('a role', () => {
  it.each(roles)('UA-8: %s asks for %s with %j → %i', async (role, name, body, status) => {
    const answer = await call(await signed({ roles: [role] }), {}, name, { ...body, dryRun: true });
    expect(answer.status).toBe(status);
    if (status === 403) expect(await answer.json()).toMatchObject({ reason: 'no-role' });
    await tenant.settle();
    expect(tenant.azure.writes()).toEqual([]);
  });
});

/** What shows the secrets of every team: for readers alone. */
const READS = [
  'secrets?managed=false',
  'summary',
  'report',
  'report?format=csv',
  'suggestions',
] as const;

describe('what shows everybody’s secrets', () => {
  const read = async (
    path: string,
    token: string | undefined,
    headers: Record<string, string> = {},
  ) =>
    await fetch(`${tenant.host.url}/api/${path}`, {
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });

  it.each(READS)('SEC-08: a stranger is not shown %s', async (path) => {
    for (const [row, status, made, headers = {}] of refused.filter(
      ([, status]) => status === 401,
    )) {
      const answer = await read(path, await made(), headers);
      expect([row, answer.status]).toEqual([row, status]);
    }
  });

  it.each(READS)(
    'UA-8: who may only rotate or revoke is not shown %s, a reader is',
    async (path) => {
      for (const roles of [
        [],
        ['Keyturn.Rotate'],
        ['Keyturn.Revoke'],
        ['keyturn.read'],
        ['Keyturn.ReadAll'],
      ]) {
        const answer = await read(path, await signed({ roles }), principal);
        expect([answer.status, await answer.json()]).toEqual([
          403,
          expect.objectContaining({ reason: 'no-role' }),
        ]);
      }
      expect((await read(path, await signed({ roles: ['Keyturn.Read'] }))).status).toBe(200);
      expect(tenant.azure.writes()).toEqual([]);
    },
  );
});

/** Calls about many secrets at once. */
const holds: [role: string, method: string, status: number][] = [
  ['Keyturn.Read', 'GET', 200],
  ['Keyturn.Rotate', 'GET', 200],
  ['Keyturn.Revoke', 'GET', 200],
  ['Keyturn.Read', 'POST', 403],
  ['Keyturn.Rotate', 'POST', 403],
  ['Keyturn.Revoke', 'POST', 400],
  ['Keyturn.Read', 'DELETE', 403],
  ['Keyturn.Rotate', 'DELETE', 403],
  ['Keyturn.Revoke', 'DELETE', 404],
];

describe('holds by scope', () => {
  const ask = async (token: string | undefined, method: string) =>
    await fetch(
      `${tenant.host.url}/api/holds${method === 'DELETE' ? '/0b5c5a70-6a3c-4f0e-9d7e-0c8b8f6f3c11' : ''}`,
      {
        method,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        ...(method === 'POST' ? { body: '{"scope": {"all": true}}' } : {}),
      },
    );
  const written = async () =>
    (await tenant.rows()).filter(({ partition }) => partition === 'holds');

  it.each(holds)(
    'UA-8: %s asks with %s → %i, and nothing is written',
    async (role, method, status) => {
      expect((await ask(await signed({ roles: [role] }), method)).status).toBe(status);
      expect(await written()).toEqual([]);
    },
  );

  it.each(refused.filter(([, status]) => status === 401))(
    'SEC-08: %s → %i',
    async (_row, status, made) => {
      for (const method of ['GET', 'POST', 'DELETE'])
        expect((await ask(await made(), method)).status).toBe(status);
      expect(await written()).toEqual([]);
    },
  );
});

describe('what the doctor found', () => {
  it.each([
    ['Keyturn.Read', 200],
    ['Keyturn.Rotate', 403],
    ['Keyturn.Revoke', 403],
    [undefined, 401],
  ] as const)('DOC-11: is read with %s → %i, and nothing is written', async (role, status) => {
    const token = role && (await signed({ roles: [role] }));
    for (const path of ['doctor', 'vaults/kv1/secrets/st-a/doctor']) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const answer = await fetch(`${tenant.host.url}/api/${path}`, { headers });
      expect(answer.status).toBe(status);
    }
    await tenant.settle();
    expect(tenant.azure.writes()).toEqual([]);
  });
});

describe('the signing keys', () => {
  it('SEC-08: are down → 503 for a token that may be good, 401 for one that cannot be', async () => {
    entra.outage(true);
    await expectRefused(await call(await signed()), 503);
    await expectRefused(await call(await signed({}, { alg: 'PS256' })), 401);
    entra.outage(false);
    expect((await call(await signed())).status).toBe(200);
  });

  it('SEC-08: were rolled → one refresh lets the new one in and the old one out', async () => {
    const before = await signed();
    expect((await call(before)).status).toBe(200);
    const asked = entra.asked();
    await entra.roll();
    await tenant.advance({ seconds: 31 }); // the library asks at most every 30 s
    for (let turn = 0; turn < 3; turn++) expect((await call(await signed())).status).toBe(200);
    expect(entra.asked()).toBe(asked + 1);
    expect((await call(before)).status).toBe(401);
  });

  it('SEC-08: are not asked for again and again by tokens that name keys of nobody', async () => {
    expect((await call(await signed())).status).toBe(200);
    const asked = entra.asked();
    await tenant.advance({ seconds: 31 });
    for (let turn = 0; turn < 5; turn++)
      expect((await call(await signed({}, { kid: `x${turn}` }))).status).toBe(401);
    expect(entra.asked()).toBe(asked + 1);
  });
});
