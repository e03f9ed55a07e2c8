import { StorageManagementClient } from '@azure/arm-storage';
import { AzureNamedKeyCredential, TableServiceClient } from '@azure/data-tables';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { StorageSharedKeyCredential as QueueKey, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';

let azure: Azure;
let token: string;
let client: StorageManagementClient;

beforeAll(async () => {
  azure = await startAzure({
    tenant: { accounts: [{ name: 'acct1', consent: 'keyturn: kv1/db' }, { name: 'acct2' }] },
  });
  token = await azure.issueToken({ oid: azure.world.identity.oid, aud: 'https://management.azure.com' });
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_000_000 }) };
  client = new StorageManagementClient(credential, azure.world.subscriptionId, { endpoint: azure.url('management') });
});
afterEach(() => azure.heal());
afterAll(async () => {
  expect(azure.routesUnused('arm', 'storage')).toEqual([]);
  expect(azure.problems).toEqual([]);
  await azure.stop();
});

async function get(path: string, query: Record<string, string> = {}) {
  const search = new URLSearchParams({ 'api-version': '2022-04-01', ...query });
  const reply = await fetch(`${azure.url('management')}${path}?${search}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body: { value?: { properties: { scope: string; description: string | null } }[]; error?: { code: string } } =
    Object(await reply.json());
  return { status: reply.status, body };
}

async function blobStatus(value: string, account = 'acct1'): Promise<unknown> {
  const credential = new StorageSharedKeyCredential(account, value);
  const service = new BlobServiceClient(azure.url(`${account}.blob.core`), credential, {
    retryOptions: { maxTries: 1 },
  });
  try {
    await service.listContainers().byPage({ maxPageSize: 1 }).next();
    return 200;
  } catch (error) {
    const { statusCode, code }: { statusCode?: number; code?: string } = Object(error);
    if (statusCode === undefined) throw error;
    return code === 'KeyBasedAuthenticationNotPermitted' ? code : statusCode;
  }
}

describe('storage accounts of the local tenant', () => {
  it('refuse an old key at the data plane the moment it is regenerated, by ARM or by a person', async () => {
    const account = azure.account('acct1');
    const [old1, old2] = [account.key('key1'), account.key('key2')];
    expect([await blobStatus(old1), await blobStatus(old2)]).toEqual([200, 200]);
    await client.storageAccounts.regenerateKey('rg-keyturn', 'acct1', { keyName: 'key1' });
    account.regenerate('key2');
    expect([await blobStatus(old1), await blobStatus(old2)]).toEqual([403, 403]);
    expect([await blobStatus(account.key('key1')), await blobStatus(account.key('key2'))]).toEqual([200, 200]);
    expect([account.accepts(old1), account.accepts(account.key('key1'))]).toEqual([false, true]);
  });

  it('under a ReadOnly lock answer ScopeLocked even to listKeys (ST-01)', async () => {
    azure.account('acct2').lock();
    await expect(client.storageAccounts.listKeys('rg-keyturn', 'acct2')).rejects.toMatchObject({
      statusCode: 409,
      code: 'ScopeLocked',
    });
    azure.account('acct2').unlock();
    expect((await client.storageAccounts.listKeys('rg-keyturn', 'acct2')).keys).toHaveLength(2);
  });

  it('with shared keys off manage keys as before and refuse what they sign (ST-04)', async () => {
    azure.account('acct2').allowSharedKeyAccess = false;
    expect((await client.storageAccounts.getProperties('rg-keyturn', 'acct2')).allowSharedKeyAccess).toBe(false);
    expect(await blobStatus(azure.account('acct2').key('key1'), 'acct2')).toBe('KeyBasedAuthenticationNotPermitted');
    azure.account('acct2').allowSharedKeyAccess = undefined;
  });

  it('have no kerb1: 400, and no key changes (ST-05)', async () => {
    const before = azure.account('acct1').key('key1');
    const refused = client.storageAccounts.regenerateKey('rg-keyturn', 'acct1', { keyName: 'kerb1' });
    await expect(refused).rejects.toMatchObject({ statusCode: 400 });
    expect(azure.account('acct1').key('key1')).toBe(before);
  });

  it('take a new key only after a while where the data plane is scripted so (ST-08)', async () => {
    azure.fault('storage.blob', [{ status: 403 }, { status: 403 }]);
    const key = azure.account('acct1').key('key1');
    expect([await blobStatus(key), await blobStatus(key), await blobStatus(key)]).toEqual([403, 403, 200]);
  });

  it('let the app use its own storage while nobody may touch another account with its key', async () => {
    const service = BlobServiceClient.fromConnectionString(azure.env().AzureWebJobsStorage ?? '');
    await service.getContainerClient('own').create();
    expect(await blobStatus(azure.account('acct2').key('key1'))).toBe(403);
  });

  it('answer at the queue and table hosts too', async () => {
    const key = azure.account('acct1').key('key2');
    const queues = new QueueServiceClient(azure.url('acct1.queue.core'), new QueueKey('acct1', key));
    await queues.getQueueClient('q-1').create();
    const tables = new TableServiceClient(azure.url('acct1.table.core'), new AzureNamedKeyCredential('acct1', key));
    await tables.createTable('table1');
    expect([...azure.routesHit()]).toEqual(expect.arrayContaining(['storage.queue', 'storage.table']));
  });

  it.each([
    ['', 'MissingApiVersionParameter'],
    ['latest', 'InvalidApiVersionParameter'],
  ])('answer no call whose api-version is "%s"', async (version, code) => {
    expect(await get(azure.account('acct1').id, { 'api-version': version })).toMatchObject({
      status: 400,
      body: { error: { code } },
    });
  });

  it('are not found through dot segments', async () => {
    const listed = client.storageAccounts.listKeys('rg-keyturn', '..');
    await expect(listed).rejects.toMatchObject({ statusCode: expect.any(Number) });
    expect(azure.calls.at(-1)).toMatchObject({ route: 'arm.unrouted' });
  });
});

describe('role assignments of the local tenant', () => {
  const list = async (scope: string, $filter?: string) =>
    (await get(`${scope}/providers/Microsoft.Authorization/roleAssignments`, $filter ? { $filter } : {})).body.value ??
    [];

  it('carry the consent, at the scope and above with atScope(), below it too with a principal alone', async () => {
    const { id } = azure.account('acct1');
    const mine = `principalId eq '${azure.world.identity.oid}'`;
    const above = azure.grant({
      principalId: azure.world.identity.oid,
      scope: id.split('/providers/')[0] ?? '',
      actions: ['Microsoft.Authorization/roleAssignments/read'],
    });
    const below = azure.grant({
      principalId: azure.world.identity.oid,
      scope: `${id}/blobServices/default`,
      actions: [],
    });
    const scopes = async (filter: string) =>
      (await list(id, filter)).map(({ properties }) => properties.scope.split('/').length);
    expect((await scopes(mine)).sort()).toEqual([11, 5, 9]);
    expect((await scopes(`atScope() and ${mine}`)).sort()).toEqual([5, 9]);
    const consent = (await list(id, mine)).find(({ properties }) => properties.scope === id);
    expect(consent?.properties.description).toBe('keyturn: kv1/db');
    azure.revokeGrant(above);
    azure.revokeGrant(below);
  });

  it('can be described anew and withdrawn; without the right a call is AuthorizationFailed', async () => {
    const { id } = azure.account('acct2');
    const which = { principalId: azure.world.identity.oid, scope: id };
    azure.setDescription(which, undefined);
    expect((await list(id))[0]?.properties.description).toBeNull();
    azure.revokeGrant(which);
    expect((await get(id)).body.error?.code).toBe('AuthorizationFailed');
  });

  it('refuse a filter they do not know instead of ignoring it', async () => {
    const { id } = azure.account('acct1');
    const { status } = await get(`${id}/providers/Microsoft.Authorization/roleAssignments`, {
      $filter: "roleName eq 'x'",
    });
    expect(status).toBe(400);
  });
});

it('a vault shows its address, tags and access model', async () => {
  azure.vault('kv1').tags = { 'keyturn-policy': 'every=30d' };
  expect(await get(azure.vault('kv1').id.toUpperCase().replace('/SUBSCRIPTIONS/', '/subscriptions/'))).toMatchObject({
    status: 200,
    body: {
      tags: { 'keyturn-policy': 'every=30d' },
      properties: { enableRbacAuthorization: true, vaultUri: `${azure.url('kv1.vault')}/` },
    },
  });
});
