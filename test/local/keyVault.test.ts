import { ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { fullGrant } from '../../local/azure/grants.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import { Vault } from '../../local/azure/vault.ts';
import * as clock from '../../local/clock.ts';

let azure: Azure;
let client: SecretClient;

beforeAll(async () => {
  azure = await startAzure({
    azurite: false,
    tenant: { vaults: [{ name: 'kv1', deleteSeconds: 10 }] },
  });
  azure.grant(fullGrant(azure.world, azure.world.identity));
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = azure.env();
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
  const credential = new ManagedIdentityCredential({ clientId: azure.world.identity.clientId });
  client = new SecretClient(azure.url('kv1.vault'), credential);
});
afterEach(() => clock.reset());
afterAll(async () => {
  expect(azure.routesUnused('keyvault')).toEqual([]);
  expect(azure.problems).toEqual([]);
  await azure.stop();
});

describe('vaults of the local tenant', () => {
  it('give the SDK with a managed identity what a person stored, and the other way round', async () => {
    azure
      .vault('kv1')
      .set('by-person', 'v1', { tags: { owner: 'x' }, expiresOn: new Date('2030-01-01') });
    const read = await client.getSecret('by-person');
    expect([read.value, read.properties.tags, read.properties.expiresOn]).toEqual([
      'v1',
      { owner: 'x' },
      new Date('2030-01-01'),
    ]);
    const stored = await client.setSecret('by-product', 'v2');
    expect(azure.vault('kv1').current('BY-PRODUCT')).toMatchObject({
      id: stored.properties.version,
      value: 'v2',
    });
  });

  it('bring a purged secret back from a backup with its versions, tags and order (IAC-05)', async () => {
    const vault = azure.vault('kv1');
    const first = vault.set('kept', 'one', { tags: { n: '1' } });
    const second = vault.set('kept', 'two', { tags: { n: '2' } });
    const backup = await client.backupSecret('kept');
    const deletion = await client.beginDeleteSecret('kept', { intervalInMs: 20 });
    await expect(client.setSecret('kept', 'three')).rejects.toMatchObject({
      statusCode: 409,
      details: { error: { innerError: { code: 'ObjectIsBeingDeleted' } } },
    });
    clock.advance({ seconds: 10 });
    await deletion.pollUntilDone();
    await client.purgeDeletedSecret('kept');
    await client.restoreSecretBackup(backup ?? new Uint8Array());
    expect((await client.getSecret('kept')).properties).toMatchObject({
      version: second.id,
      tags: { n: '2' },
    });
    expect((await client.getSecret('kept', { version: first.id })).value).toBe('one');
  });

  it('answer 404 once after a recovery that was answered 200', async () => {
    azure.vault('kv1').set('back', 'v');
    azure.vault('kv1').delete('back');
    clock.advance({ seconds: 10 });
    const shown = [];
    for await (const { name } of client.listDeletedSecrets()) shown.push(name);
    expect(shown).toContain('back');
    await (await client.beginRecoverDeletedSecret('back', { intervalInMs: 20 })).pollUntilDone();
    azure.vault('kv1').delete('back');
    clock.advance({ seconds: 10 });
    azure.vault('kv1').recover('back');
    await expect(client.getSecret('back')).rejects.toMatchObject({ statusCode: 404 });
    expect((await client.getSecret('back')).value).toBe('v');
  });

  it('list every name and version once over pages of 25 with an empty one between', async () => {
    const vault = azure.vault('kv1');
    for (let i = 0; i < 30; i++) vault.set(`many-${i}`, 'v');
    for (let i = 0; i < 30; i++) vault.set('often', 'v');
    const pages = [];
    for await (const page of client.listPropertiesOfSecrets().byPage())
      pages.push(page.map(({ name }) => name));
    expect(pages.map(({ length }) => length).slice(0, 2)).toEqual([25, 0]);
    expect(pages.flat().sort()).toEqual([...vault.secrets.values()].map(({ name }) => name).sort());
    const ids = [];
    for await (const { version } of client.listPropertiesOfSecretVersions('often'))
      ids.push(version);
    expect(ids).toEqual(
      vault
        .versions('often')
        .map(({ id }) => id)
        .sort(),
    );
  });

  it('disable a version by a PATCH that leaves its tags, and then refuse to read it', async () => {
    const { id } = azure.vault('kv1').set('paused', 'v', { tags: { a: '1' } });
    await client.updateSecretProperties('paused', id, { enabled: false });
    expect(azure.vault('kv1').current('paused')).toMatchObject({
      enabled: false,
      tags: { a: '1' },
    });
    await expect(client.getSecret('paused')).rejects.toMatchObject({
      statusCode: 403,
      details: { error: { innerError: { code: 'SecretDisabled' } } },
    });
  });

  it('refuse to overwrite the secret behind a certificate', async () => {
    azure.vault('kv1').set('cert', 'pem', { kid: `${azure.url('kv1.vault')}/keys/cert/1` });
    expect((await client.getSecret('cert')).properties.managed).toBe(true);
    await expect(client.setSecret('cert', 'mine')).rejects.toMatchObject({
      statusCode: 403,
      code: 'Forbidden',
    });
  });

  it('refuse the expiry that the SDK corrupts after 2038', async () => {
    const expiresOn = new Date('2039-01-01');
    await expect(client.setSecret('late', 'v', { expiresOn })).rejects.toMatchObject({
      code: 'BadParameter',
    });
  });

  it('name the action that a caller lacks, for a role scoped to one secret too', async () => {
    const app = azure.application('one-secret');
    const { id } = azure.vault('kv1');
    azure.vault('kv1').set('mine', 'v');
    azure.grant({
      principalId: app.principal.oid,
      scope: `${id}/secrets/mine`,
      dataActions: ['Microsoft.KeyVault/vaults/secrets/getSecret/action'],
    });
    const limited = new SecretClient(azure.url('kv1.vault'), tokenOf(app.principal.oid));
    expect((await limited.getSecret('Mine')).value).toBe('v');
    await expect(limited.getSecret('by-person')).rejects.toMatchObject({
      statusCode: 403,
      message: expect.stringContaining(
        "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'",
      ),
      details: { error: { innerError: { code: 'ForbiddenByRbac' } } },
    });
  });

  it('raise near expiry and expiry once per current version, when the clock gets there', () => {
    const seen: string[] = [];
    const vault = new Vault({ name: 'kv9' }, '/subscriptions/s/resourceGroups/g', ({ type }) =>
      seen.push(type),
    );
    const inDays = (days: number) => new Date(clock.now() + days * 86_400_000);
    vault.set('x', 'v', { expiresOn: inDays(40) });
    vault.tick();
    expect(seen).toEqual(['SecretNewVersionCreated']);
    clock.advance({ days: 11 });
    vault.tick();
    vault.tick();
    expect(seen).toEqual(['SecretNewVersionCreated', 'SecretNearExpiry']);
    clock.advance({ days: 30 });
    vault.tick();
    expect(seen).toEqual(['SecretNewVersionCreated', 'SecretNearExpiry', 'SecretExpired']);
    vault.set('y', 'v', { expiresOn: inDays(29) });
    expect(seen.slice(3)).toEqual(['SecretNewVersionCreated', 'SecretNearExpiry']);
  });
});

/** A credential that asks nobody: the tenant signs for the principal. */
function tokenOf(oid: string) {
  return {
    getToken: async () => ({
      token: await azure.issueToken({ oid, aud: 'https://vault.keyturn.localhost' }),
      expiresOnTimestamp: clock.now() + 3_000_000,
    }),
  };
}
