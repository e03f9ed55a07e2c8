import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Auth, createAuth, requireRole } from '../../src/api/auth.ts';
import { KeyturnError } from '../../src/core/errors.ts';
import type { Reason } from '../../src/core/reasons.ts';
import { audience, type Claims, type Entra, oid, startEntra, tenant } from './entra.ts';

const now = new Date('2027-01-01T00:00:00Z');
const second = Math.floor(now.getTime() / 1000);
const clock = { now: () => now, sleep: async () => {} };
let entra: Entra;
let auth: Auth;
const authTo = (authority: string) => createAuth({ tenant, authority, audience, clock });

beforeAll(async () => {
  entra = await startEntra();
  auth = authTo(entra.authority);
});
afterAll(() => entra.stop());

async function refusal(authorization: string | null, by = auth): Promise<Reason> {
  const error = await by.authenticate(authorization).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KeyturnError) return error.reason;
  throw error ?? new Error('was let in');
}
const right = (over: Claims = {}): Claims =>
  Object.fromEntries(
    Object.entries({ ...entra.claims(now), ...over }).filter(([, value]) => value !== undefined),
  );
const bearer = async (over: Claims, header = {}) =>
  `Bearer ${await entra.sign(right(over), header)}`;
const delegated = { sub: 'pairwise', idtyp: undefined };

describe('tokens that are let in', () => {
  it.each<[string, Claims, string]>([
    ['an application with idtyp', {}, 'app'],
    ['an application without idtyp whose oid is its sub', { idtyp: undefined }, 'app'],
    [
      'a person through an application that was given our scope',
      { ...delegated, scp: 'x Keyturn.Access' },
      'user',
    ],
    ["the tenant's version 1 issuer", { iss: `https://sts.windows.net/${tenant}/` }, 'app'],
    ['nbf 59 s ahead', { nbf: second + 59 }, 'app'],
    ['exp 59 s ago', { exp: second - 59 }, 'app'],
  ])('%s', async (_title, over, kind) => {
    expect(await auth.authenticate(await bearer(over))).toEqual({
      oid,
      roles: ['Keyturn.Rotate'],
      kind,
    });
  });

  it('a token without roles, which then has none', async () => {
    const caller = await auth.authenticate(await bearer({ roles: undefined }));
    expect(caller.roles).toEqual([]);
    expect(() => requireRole(caller, 'Keyturn.Read')).toThrow(
      expect.objectContaining({ reason: 'no-role' }),
    );
  });

  it('a role counts only word for word (UA-8)', () => {
    const caller = { oid, roles: ['xKeyturn.Rotatex', 'keyturn.rotate'], kind: 'app' } as const;
    expect(() => requireRole(caller, 'Keyturn.Rotate')).toThrow(
      expect.objectContaining({ reason: 'no-role' }),
    );
    expect(() =>
      requireRole({ ...caller, roles: ['Keyturn.Rotate'] }, 'Keyturn.Read', 'Keyturn.Rotate'),
    ).not.toThrow();
  });
});

describe('tokens that almost fit are refused with 401 (SEC-08)', () => {
  it.each<[string, Claims, object?]>([
    ['an ID token of the same client', { ...delegated, nonce: 'n', name: 'A Person' }],
    ['a delegated token without our scope', { ...delegated, scp: 'User.Read' }],
    ['a scope that only contains ours', { ...delegated, scp: 'Keyturn.AccessAll' }],
    ['scopes as a list', { ...delegated, scp: ['Keyturn.Access'] }],
    ['a person who says to be an application', { ...delegated, idtyp: 'user' }],
    ['an application with a scope', { scp: 'Keyturn.Access' }],
    ['no exp', { exp: undefined }],
    ['exp 61 s ago', { exp: second - 61 }],
    ['exp as text', { exp: String(second + 3600) }],
    ['no nbf', { nbf: undefined }],
    ['nbf 61 s ahead', { nbf: second + 61 }],
    ['another audience', { aud: 'api://other' }],
    ['audiences as a list', { aud: [audience] }],
    ['no audience', { aud: undefined }],
    ["another tenant's issuer", { iss: `https://sts.windows.net/${oid}/` }],
    ['an issuer that only starts right', { iss: `https://sts.windows.net/${tenant}/x` }],
    ['no issuer', { iss: undefined }],
    ['another tid', { tid: oid }],
    ['no tid', { tid: undefined }],
    ['roles as text', { roles: 'Keyturn.Rotate' }],
    ['roles with something else in it', { roles: ['Keyturn.Rotate', 1] }],
    ['no oid', { oid: undefined }],
    ['no sub', { sub: undefined }],
    ['no kid', {}, { kid: undefined }],
    ['an unknown kid', {}, { kid: 'k2' }],
    ['PS256', {}, { alg: 'PS256' }],
    ['another typ', {}, { typ: 'id_token+jwt' }],
    ['a critical header', {}, { crit: ['b64'], b64: true }],
  ])('%s', async (_title, over, header = {}) => {
    expect(await refusal(await bearer(over, header))).toBe('no-token');
  });

  it('HS256 with the public key', async () => {
    expect(await refusal(`Bearer ${await entra.signHs256(right())}`)).toBe('no-token');
  });

  it('a foreign signature under the right kid', async () => {
    expect(await refusal(`Bearer ${await entra.forge(right())}`)).toBe('no-token');
  });

  it('no signature', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    expect(await refusal(`Bearer ${part({ alg: 'none', kid: 'k1' })}.${part(right())}.`)).toBe(
      'no-token',
    );
    expect(await refusal(`Bearer ${part({ alg: 'none', kid: 'k1' })}.${part(right())}.x`)).toBe(
      'no-token',
    );
  });

  it('a header that carries no bearer token', async () => {
    const token = await entra.sign(right());
    for (const header of [
      null,
      '',
      token,
      `Basic ${token}`,
      `Bearer  ${token}`,
      `Bearer ${token} x`,
      'Bearer a.b.c',
    ]) {
      expect(await refusal(header)).toBe('no-token');
    }
  });
});

describe('signing keys', () => {
  it('without keys to be had, the answer is 503 and not "your token is bad" (SEC-08)', async () => {
    const closed = await startEntra();
    await closed.stop();
    expect(await refusal(await bearer({}), authTo(closed.authority))).toBe('no-keys');
    expect(await refusal(await bearer({}), authTo(`${entra.authority}/nowhere`))).toBe('no-keys');
  });

  it('are not asked for because of a token that cannot be ours', async () => {
    const fresh = await startEntra();
    const untouched = authTo(fresh.authority);
    expect(await refusal(await bearer({}, { kid: undefined }), untouched)).toBe('no-token');
    expect(await refusal('Bearer a.b.c', untouched)).toBe('no-token');
    expect(fresh.asked()).toBe(0);
    await fresh.stop();
  });
});

it('a role is one by its whole name: what begins with it, or is written otherwise, is none', () => {
  const judged =
    (...roles: string[]) =>
    () =>
      requireRole({ oid: 'x', kind: 'user', roles }, 'Keyturn.Rotate');
  expect(judged('Keyturn.Read', 'Keyturn.Rotate')).not.toThrow();
  for (const role of [
    'Keyturn.Rotate.Nothing',
    'keyturn.rotate',
    'xKeyturn.Rotate',
    ' Keyturn.Rotate',
    'Keyturn',
  ])
    expect(judged(role)).toThrow(/none of the roles Keyturn\.Rotate/);
});
