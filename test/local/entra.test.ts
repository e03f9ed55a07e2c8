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
    const reply = await fetch(`${azure.authority}/${azure.world.tenantId}/v2.0/.well-known/openid-configuration`);
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
    const { secretText } = app.addPassword({ endDateTime: new Date(clock.now() + 60_000).toISOString() });
    expect(await login(app.appId, secretText)).toMatchObject({ status: 200 });
    clock.advance({ minutes: 2 });
    expect(await login(app.appId, secretText)).toMatchObject({ status: 401, error_codes: [7000222] });
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
    const token = await azure.issueToken({ oid: caller.principal.oid, aud: 'https://graph.microsoft.com' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const reply = await fetch(`${azure.url('graph')}/v1.0/${path}`, { method, headers, ...text });
    const answer = await reply.text();
    return { status: reply.status, ...(answer ? Object(JSON.parse(answer)) : {}) };
  }
  const all = ['Application.ReadWrite.All'];

  it('adds a secret that logs in and removes it again, after which Entra refuses it: AADSTS7000215', async () => {
    const app = azure.application('rotated');
    const added = await call(all, 'POST', `applications(appId='${app.appId}')/addPassword`, {
      passwordCredential: { displayName: 'k' },
    });
    expect(await login(app.appId, added.secretText)).toMatchObject({ status: 200 });
    const filter = encodeURIComponent(`appId eq '${app.appId}'`);
    const { value } = await call(
      ['Application.Read.All'],
      'GET',
      `applications?$filter=${filter}&$select=passwordCredentials`,
    );
    expect(value).toMatchObject([{ passwordCredentials: [{ keyId: added.keyId, secretText: null }] }]);
    expect(await call(all, 'POST', `applications/${app.objectId}/removePassword`, { keyId: added.keyId })).toEqual({
      status: 204,
    });
    expect(await login(app.appId, added.secretText)).toMatchObject({ status: 401, error_codes: [7000215] });
  });

  it('refuses any PATCH, and addPassword to who does not own the application', async () => {
    const app = azure.application('guarded');
    const path = `applications/${app.objectId}`;
    expect(await call(all, 'PATCH', path, { passwordCredentials: [] })).toMatchObject({ status: 403 });
    expect(await call(['Application.ReadWrite.OwnedBy'], 'POST', `${path}/addPassword`, {})).toMatchObject({
      status: 403,
    });
    expect(await call(all, 'GET', path)).toMatchObject({ status: 200, passwordCredentials: [] });
  });

  it('shows applications to nobody who was not given a permission to read them', async () => {
    const app = azure.application('private');
    const paths = [`applications/${app.objectId}`, 'applications'];
    const answers = await Promise.all(paths.map((path) => call([], 'GET', path)));
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    expect(await call(['Application.ReadWrite.OwnedBy'], 'GET', paths[0] ?? '')).toMatchObject({ status: 200 });
  });
});

describe('the managed-identity endpoint', () => {
  const ask = (query: Record<string, string>, header = azure.world.identityHeader) => {
    const { IDENTITY_ENDPOINT = '' } = azure.env();
    return fetch(`${IDENTITY_ENDPOINT}?${new URLSearchParams(query)}`, { headers: { 'X-IDENTITY-HEADER': header } });
  };
  const good = () => ({
    'api-version': '2019-08-01',
    resource: 'https://management.azure.com',
    client_id: azure.world.identity.clientId,
  });

  it('gives tokens of the user-assigned identity, ending by the movable clock', async () => {
    clock.advance({ days: 3 });
    const answer: { access_token: string; expires_on: string } = Object(await (await ask(good())).json());
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
