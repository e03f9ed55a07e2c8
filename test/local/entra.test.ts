import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';

let azure: Azure;

beforeAll(async () => {
  azure = await startAzure({ azurite: false });
});
afterEach(() => {
  clock.reset();
  azure.heal();
});
afterAll(async () => {
  expect(azure.routesUnused('entra', 'identity', 'graph')).toEqual([]);
  expect(azure.problems).toEqual([]);
  await azure.stop();
});

const keysUrl = () => new URL(`${azure.authority}/${azure.world.tenantId}/discovery/v2.0/keys`);
const verify = (token: string) =>
  jwtVerify(token, createRemoteJWKSet(keysUrl()), { currentDate: new Date(clock.now()) });

async function login(clientId: string, secret: string) {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: secret,
    scope: 'https://vault.keyturn.localhost/.default',
  });
  const url = `${azure.authority}/${azure.world.tenantId}/oauth2/v2.0/token`;
  const reply = await fetch(url, { method: 'POST', body });
  const answer: unknown = await reply.json();
  return { status: reply.status, ...Object(answer) };
}

describe('Entra of the local tenant', () => {
  it('issues tokens for the product that verify against the JWKS, with every claim replaceable', async () => {
    const token = await azure.issueToken({ oid: 'o1', roles: ['Keyturn.Rotate'], nbf: undefined });
    const { payload } = await verify(token);
    expect(payload).toMatchObject({
      aud: 'api://keyturn',
      iss: `${azure.authority}/${azure.world.tenantId}/v2.0`,
      tid: azure.world.tenantId,
      oid: 'o1',
      sub: 'o1',
      idtyp: 'app',
      roles: ['Keyturn.Rotate'],
    });
    expect(payload).not.toHaveProperty('nbf');
  });

  it('names its keys and issuer in the metadata', async () => {
    const reply = await fetch(
      `${azure.authority}/${azure.world.tenantId}/v2.0/.well-known/openid-configuration`,
    );
    expect(await reply.json()).toMatchObject({
      issuer: decodeJwt(await azure.issueToken()).iss,
      jwks_uri: keysUrl().href,
    });
  });

  it('keeps older keys after a rotation, and drops them when told to', async () => {
    const old = await azure.issueToken();
    await azure.rotateSigningKey();
    await expect(verify(old)).resolves.toBeDefined();
    await azure.rotateSigningKey({ dropOld: true });
    await expect(verify(old)).rejects.toThrow();
    await expect(verify(await azure.issueToken())).resolves.toBeDefined();
  });

  it('can lose its keys endpoint for a while', async () => {
    azure.outage('entra.keys', { status: 503 });
    expect((await fetch(keysUrl())).status).toBe(503);
    azure.heal('entra.keys');
    expect((await fetch(keysUrl())).status).toBe(200);
  });

  it('refuses a client secret once the clock has passed its end: AADSTS7000222', async () => {
    const app = azure.application('expiring');
    const { secretText } = app.addPassword({
      endDateTime: new Date(clock.now() + 60_000).toISOString(),
    });
    expect(await login(app.appId, secretText)).toMatchObject({ status: 200 });
    clock.advance({ minutes: 2 });
    expect(await login(app.appId, secretText)).toMatchObject({
      status: 401,
      error_codes: [7000222],
    });
  });

  it('plays the flapping secret: 401, fine, 401, 401, fine (GR-01)', async () => {
    const app = azure.application('flapping');
    const { secretText } = app.addPassword();
    azure.fault('entra.token', [{ status: 401 }, {}, { status: 401 }, { status: 401 }]);
    const seen = [];
    for (let i = 0; i < 5; i++) seen.push((await login(app.appId, secretText)).status);
    expect(seen).toEqual([401, 200, 401, 401, 200]);
    expect(azure.unusedFaults()).toEqual({});
  });
});

describe('Graph of the local tenant', () => {
  async function call(roles: string[], method: string, path: string, body?: unknown) {
    const caller = azure.application('caller', roles);
    const token = await azure.issueToken({
      oid: caller.principal.oid,
      aud: 'https://graph.microsoft.com',
    });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const reply = await fetch(`${azure.url('graph')}/v1.0/${path}`, { method, headers, ...text });
    const answer = await reply.text();
    return { status: reply.status, ...(answer ? Object(JSON.parse(answer)) : {}) };
  }
  const all = ['Application.ReadWrite.All'];

  const add = (path: string, passwordCredential: object = {}) =>
    call(all, 'POST', `${path}/addPassword`, { passwordCredential });
  const listed = async ({ objectId }: { objectId: string }): Promise<string[]> => {
    const { passwordCredentials } = await call(
      ['Application.Read.All'],
      'GET',
      `applications/${objectId}`,
    );
    return passwordCredentials.map(({ keyId }: { keyId: string }) => keyId);
  };

  it('shows owners by their ids alone, to whoever may change what it owns', async () => {
    const app = azure.application('owned');
    app.owners.add(azure.world.identity.oid);
    const path = `applications(appId='${app.appId}')/owners?$select=id`;
    expect(await call(['Application.ReadWrite.OwnedBy'], 'GET', path)).toMatchObject({
      status: 200,
      value: [{ id: azure.world.identity.oid }],
    });
    expect(await call([], 'GET', path)).toMatchObject({ status: 403 });
  });

  it('shows a service principal by either id, its secrets without their texts, to whoever may read applications', async () => {
    const app = azure.application('principal');
    const { keyId } = app.addPrincipalPassword();
    for (const path of [
      `servicePrincipals/${app.principal.oid}`,
      `servicePrincipals(appId='${app.appId}')`,
    ]) {
      expect(await call(['Application.Read.All'], 'GET', path)).toMatchObject({
        ...{ status: 200, id: app.principal.oid, appId: app.appId },
        passwordCredentials: [{ keyId, secretText: null }],
      });
      expect(await call([], 'GET', path)).toMatchObject({ status: 403 });
    }
    // An application's own object id names no service principal, nor the other way round.
    expect(await call(all, 'GET', `servicePrincipals/${app.objectId}`)).toMatchObject({
      status: 404,
    });
    expect(await call(all, 'GET', `applications/${app.principal.oid}`)).toMatchObject({
      status: 404,
    });
  });

  it('adds a secret that logs in after a while and removes it again, after which Entra refuses it: AADSTS7000215', async () => {
    const app = azure.application('rotated');
    const added = await add(`applications(appId='${app.appId}')`, { displayName: 'k' });
    expect(await login(app.appId, added.secretText)).toMatchObject({
      status: 401,
      error_codes: [7000215],
    });
    clock.advance({ seconds: 5 });
    expect(await login(app.appId, added.secretText)).toMatchObject({ status: 200 });
    await listed(app);
    const filter = encodeURIComponent(`appId eq '${app.appId}'`);
    const { value } = await call(
      ['Application.Read.All'],
      'GET',
      `applications?$filter=${filter}&$select=passwordCredentials`,
    );
    expect(value).toMatchObject([
      { passwordCredentials: [{ keyId: added.keyId, secretText: null }] },
    ]);
    expect(
      await call(all, 'POST', `applications/${app.objectId}/removePassword`, {
        keyId: added.keyId,
      }),
    ).toEqual({
      status: 204,
    });
    expect(await login(app.appId, added.secretText)).toMatchObject({ status: 200 });
    clock.advance({ seconds: 3 });
    expect(await login(app.appId, added.secretText)).toMatchObject({
      status: 401,
      error_codes: [7000215],
    });
  });

  it('flickers by the movable clock while a secret is fresh, or by script (GR-01)', async () => {
    const app = azure.application('fresh');
    // Minutes, which a busy machine does not take for four requests.
    app.spreading.addSeconds = 600;
    const { secretText } = await add(`applications/${app.objectId}`);
    const seen: number[] = [];
    const ask = async () => seen.push((await login(app.appId, secretText)).status);
    clock.advance({ seconds: 320 });
    for (let i = 0; i < 4; i++) await ask();
    expect(seen.sort()).toEqual([200, 200, 401, 401]);
    app.freshAnswers.push(401, 200, 401);
    expect(azure.unusedFaults()).toEqual({ 'entra.token for fresh': 3 });
    seen.length = 0;
    clock.advance({ seconds: 300 });
    for (let i = 0; i < 4; i++) await ask();
    expect(seen).toEqual([401, 200, 401, 200]);
    expect(azure.unusedFaults()).toEqual({});
  });

  it('shows the list as it was before a change, for a few reads', async () => {
    const app = azure.application('stale');
    app.staleReads = 2;
    const { keyId } = await add(`applications/${app.objectId}`);
    expect([await listed(app), await listed(app), await listed(app)]).toEqual([[], [], [keyId]]);
    await call(all, 'POST', `applications/${app.objectId}/removePassword`, { keyId });
    expect([await listed(app), await listed(app), await listed(app)]).toEqual([
      [keyId],
      [keyId],
      [],
    ]);
  });

  it('knows limits: lifetimes, passwords forbidden, two for apps with personal accounts, names of 90 characters', async () => {
    const app = azure.application('limited');
    const path = `applications/${app.objectId}`;
    const inDays = (days: number) => ({
      endDateTime: new Date(clock.now() + days * 86_400_000).toISOString(),
    });
    const code = async (asked: object) => (await add(path, asked)).error?.code;
    app.policy = { maxDays: 90 };
    expect(await code(inDays(91))).toBe('CredentialInvalidLifetimeAsPerAppPolicy');
    expect(await code({})).toBe('CredentialInvalidLifetimeAsPerAppPolicy');
    expect((await add(path, { ...inDays(89), displayName: 'x'.repeat(100) })).displayName).toBe(
      'x'.repeat(90),
    );
    app.policy = { forbidden: true };
    expect(await code(inDays(1))).toBe('CredentialTypeNotAllowedAsPerAppPolicy');
    app.policy = {};
    app.signInAudience = 'AzureADandPersonalMicrosoftAccount';
    expect(await code(inDays(1))).toBeUndefined();
    expect(await code(inDays(1))).toBe('Directory_ResourceSizeExceeded');
    expect(await code(inDays(-1))).toBe('Request_BadRequest');
  });

  it('refuses changes that come too near to each other, in the form that Azure has for it, where told to', async () => {
    const app = azure.application('busy');
    app.concurrencySeconds = 5;
    const path = `applications/${app.objectId}`;
    const { keyId } = await add(path);
    const refused = {
      status: 400,
      error: { code: 'Request_BadRequest', message: expect.stringContaining('concurrent') },
    };
    expect(await add(path)).toMatchObject(refused);
    expect(await call(all, 'POST', `${path}/removePassword`, { keyId })).toMatchObject(refused);
    clock.advance({ seconds: 6 });
    expect(await call(all, 'POST', `${path}/removePassword`, { keyId })).toMatchObject({
      status: 204,
    });
    azure.fault('graph.addPassword', [{ status: 409 }]);
    expect(await add(path)).toMatchObject({
      status: 409,
      error: { code: 'Directory_ConcurrencyViolation' },
    });
  });

  it('gives an identity that owns an application the right to change it', async () => {
    const app = azure.ownedApplication('owned', 'kv1/gr-a');
    expect(app.tags).toEqual(['keyturn app-registration: kv1/gr-a']);
    const token = await azure.issueToken({
      oid: azure.world.identity.oid,
      aud: 'https://graph.microsoft.com',
    });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const url = `${azure.url('graph')}/v1.0/applications/${app.objectId}/addPassword`;
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(200);
    expect(app.passwords).toHaveLength(1);
  });

  it('refuses any PATCH, and addPassword to who does not own the application', async () => {
    const app = azure.application('guarded');
    const path = `applications/${app.objectId}`;
    expect(await call(all, 'PATCH', path, { passwordCredentials: [] })).toMatchObject({
      status: 403,
    });
    expect(await call(all, 'PATCH', `servicePrincipals/${app.principal.oid}`, {})).toMatchObject({
      status: 403,
    });
    expect(
      await call(['Application.ReadWrite.OwnedBy'], 'POST', `${path}/addPassword`, {}),
    ).toMatchObject({
      status: 403,
    });
    expect(await call(all, 'GET', path)).toMatchObject({ status: 200, passwordCredentials: [] });
  });

  it('shows applications to nobody who was not given a permission to read them', async () => {
    const app = azure.application('private');
    const paths = [`applications/${app.objectId}`, 'applications'];
    const answers = await Promise.all(paths.map((path) => call([], 'GET', path)));
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    expect(await call(['Application.ReadWrite.OwnedBy'], 'GET', paths[0] ?? '')).toMatchObject({
      status: 200,
    });
  });
});

describe('the managed-identity endpoint', () => {
  const ask = (query: Record<string, string>, header = azure.world.identityHeader) => {
    const { IDENTITY_ENDPOINT = '' } = azure.env();
    return fetch(`${IDENTITY_ENDPOINT}?${new URLSearchParams(query)}`, {
      headers: { 'X-IDENTITY-HEADER': header },
    });
  };
  const good = () => ({
    'api-version': '2019-08-01',
    resource: 'https://management.azure.com',
    client_id: azure.world.identity.clientId,
  });

  it('gives tokens of the user-assigned identity, ending by the movable clock', async () => {
    clock.advance({ days: 3 });
    const answer: { access_token: string; expires_on: string } = Object(
      await (await ask(good())).json(),
    );
    expect(decodeJwt(answer.access_token)).toMatchObject({
      oid: azure.world.identity.oid,
      aud: 'https://management.azure.com',
    });
    expect(Number(answer.expires_on)).toBeGreaterThan(clock.now() / 1000);
  });

  it.each([
    ['a wrong header', 401, {}, 'wrong'],
    ['another identity', 400, { client_id: 'f3a4e0c6-0000-4000-8000-000000000000' }, undefined],
    ['an unknown resource', 400, { resource: 'https://evil.example' }, undefined],
    ['another api-version', 400, { 'api-version': '2017-09-01' }, undefined],
  ])('refuses %s', async (_what, status, change, header) => {
    expect((await ask({ ...good(), ...change }, header)).status).toBe(status);
  });
});
