/** The stand-in's resources that read secrets: as strict as what is known of Azure (facts-after F1, F2). */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import type { ConsumingResource } from '../../local/azure/consumingResource.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';

let azure: Azure;
let token: string;
let site: ConsumingResource;
const REFERENCE = '@Microsoft.KeyVault(VaultName=kv1;SecretName=db)';

beforeAll(async () => {
  azure = await startAzure({ azurite: false, tenant: { vaults: [{ name: 'kv1' }] } });
  token = await azure.issueToken({
    oid: azure.world.identity.oid,
    aud: 'https://management.azure.com',
  });
  azure.vault('kv1').set('db', 'first');
  site = azure.consumer({
    type: 'Microsoft.Web/sites',
    name: 'app1',
    references: { DB: REFERENCE },
  });
});
afterAll(async () => {
  expect(azure.routesUnused('consumer')).toEqual([]);
  expect(azure.problems).toEqual([]);
  clock.reset();
  await azure.stop();
});

async function call(
  path: string,
  { method = 'GET', version = '2022-03-01', body = undefined as string | undefined } = {},
) {
  const reply = await fetch(`${azure.url('management')}${path}?api-version=${version}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body }),
  });
  return { status: reply.status, body: JSON.parse((await reply.text()) || '{}') };
}

it('a site shows its references without a value, and keeps what it has read for a day or until it is refreshed', async () => {
  expect((await call(site.id)).body).toMatchObject({ id: site.id, type: 'Microsoft.Web/sites' });
  const { body } = await call(`${site.id}/config/configreferences/appsettings`);
  expect(body.value).toMatchObject([
    { name: 'DB', properties: { reference: REFERENCE, status: 'Resolved', activeVersion: null } },
  ]);
  expect((await call(`${site.id}/config/configreferences/connectionstrings`)).status).toBe(404);
  expect(site.valueOf('DB', azure.world)).toBe('first');
  azure.vault('kv1').set('db', 'second');
  expect(site.valueOf('DB', azure.world)).toBe('first');
  expect(
    (
      await call(`${site.id}/config/configreferences/appsettings/refresh`, {
        method: 'POST',
        body: '{}',
      })
    ).status,
  ).toBe(400);
  const refreshed = await call(`${site.id}/config/configreferences/appsettings/refresh`, {
    method: 'POST',
  });
  expect([refreshed.status, site.valueOf('DB', azure.world), site.restarts]).toEqual([
    200,
    'second',
    1,
  ]);
  azure.vault('kv1').set('db', 'third');
  clock.advance({ hours: 25 });
  expect(site.valueOf('DB', azure.world)).toBe('third');
});

it('who has no role is refused, with the action in the message', async () => {
  const other = azure.consumer(
    { type: 'Microsoft.Web/sites', name: 'app2', references: { DB: REFERENCE } },
    false,
  );
  token = await azure.issueToken({
    oid: azure.world.identity.oid,
    aud: 'https://management.azure.com',
  });
  const refused = await call(`${other.id}/config/configreferences/appsettings/refresh`, {
    method: 'POST',
  });
  expect([refused.status, refused.body.error.code]).toEqual([403, 'AuthorizationFailed']);
  expect(refused.body.error.message).toContain(
    "perform action 'Microsoft.Web/sites/config/refresh/action'",
  );
  expect((await call(`${site.id}`, { version: '2001-01-01' })).status).toBe(400);
});

it('a named value is read again when it is asked to, a container app by its own cycle alone', async () => {
  const references = { nv: 'https://kv1.vault.azure.net/secrets/db' };
  const apim = azure.consumer({
    type: 'Microsoft.ApiManagement/service',
    name: 'apim1',
    references,
  });
  const app = azure.consumer({ type: 'Microsoft.App/containerApps', name: 'ca1', references });
  const version = '2024-05-01';
  expect((await call(apim.id, { version })).status).toBe(200);
  const [found] = (await call(`${apim.id}/namedValues`, { version })).body.value;
  expect(found).toMatchObject({
    name: 'nv',
    properties: { keyVault: { lastStatus: { code: 'Success' } } },
  });
  expect([apim, app].map((each) => each.valueOf('nv', azure.world))).toEqual(['third', 'third']);
  azure.vault('kv1').set('db', 'fourth');
  expect(apim.valueOf('nv', azure.world)).toBe('third');
  const refresh = { method: 'POST', version };
  expect((await call(`${apim.id}/namedValues/nv/refreshSecret`, refresh)).status).toBe(202);
  expect((await call(`${apim.id}/namedValues/none/refreshSecret`, refresh)).status).toBe(404);
  expect(apim.valueOf('nv', azure.world)).toBe('fourth');
  const shown = await call(app.id, { version: '2025-07-01' });
  expect(shown.body.properties.configuration.secrets).toEqual([
    { name: 'nv', keyVaultUrl: references.nv, identity: 'system' },
  ]);
  azure.vault('kv1').set('db', 'fifth');
  expect(app.valueOf('nv', azure.world)).toBe('third');
  clock.advance({ minutes: 31 });
  expect(app.valueOf('nv', azure.world)).toBe('fifth');
});
