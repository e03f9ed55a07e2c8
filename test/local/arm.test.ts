import { StorageManagementClient } from '@azure/arm-storage';
import { AzureNamedKeyCredential, TableServiceClient } from '@azure/data-tables';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { StorageSharedKeyCredential as QueueKey, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';

let azure: Azure;
let token: string;
let client: StorageManagementClient;

beforeAll(async () => {
  azure = await startAzure({
    tenant: {
      accounts: [
        { name: 'acct1', consent: 'keyturn storage-account-key: kv1/db' },
        { name: 'acct2' },
      ],
      sqlServers: [{ name: 'sql1' }],
      keyed: [
        {
          type: 'Microsoft.Cache/redis',
          name: 'redis1',
          properties: { hostName: 'redis1.example.net' },
        },
        { type: 'Microsoft.DocumentDB/databaseAccounts', name: 'cosmos1' },
        { type: 'Microsoft.Search/searchServices', name: 'search1' },
        { type: 'Microsoft.AppConfiguration/configurationStores', name: 'store1' },
        { type: 'Microsoft.ServiceBus/namespaces/queues/authorizationRules', name: 'ns1/q1/send' },
      ],
    },
  });
  token = await azure.issueToken({
    oid: azure.world.identity.oid,
    aud: 'https://management.azure.com',
  });
  const credential = {
    getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_000_000 }),
  };
  client = new StorageManagementClient(credential, azure.world.subscriptionId, {
    endpoint: azure.url('management'),
  });
});
/** SQL servers have a file of their own; here each of their routes answers once. */
async function changeSqlPassword(): Promise<unknown> {
  const { SqlManagementClient } = await import('@azure/arm-sql');
  const credential = {
    getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_000_000 }),
  };
  const sql = new SqlManagementClient(credential, azure.world.subscriptionId, {
    endpoint: azure.url('management'),
  });
  await sql.servers.get('rg-keyturn', 'sql1');
  for await (const group of sql.failoverGroups.listByServer('rg-keyturn', 'sql1'))
    throw new Error(group.name);
  const parameters = { administratorLoginPassword: 'Zz0-another-4711' };
  return await sql.servers.beginUpdateAndWait('rg-keyturn', 'sql1', parameters, {
    updateIntervalInMs: 10,
  });
}

afterEach(() => {
  azure.heal();
  clock.reset();
});
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
  const body: {
    value?: { properties: { scope: string; description: string | null } }[];
    error?: { code: string };
  } = Object(await reply.json());
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

it('a SQL server takes a password, and says so after some polls', async () => {
  expect(await changeSqlPassword()).toMatchObject({ name: 'sql1', state: 'Ready' });
  expect(azure.sqlServer('sql1').accepts('padm', 'Zz0-another-4711')).toBe(true);
});

describe('storage accounts of the local tenant', () => {
  it('refuse an old key at the data plane the moment it is regenerated, by ARM or by a person', async () => {
    const account = azure.account('acct1');
    const [old1, old2] = [account.key('key1'), account.key('key2')];
    expect([await blobStatus(old1), await blobStatus(old2)]).toEqual([200, 200]);
    await client.storageAccounts.regenerateKey('rg-keyturn', 'acct1', { keyName: 'key1' });
    account.regenerate('key2');
    expect([await blobStatus(old1), await blobStatus(old2)]).toEqual([403, 403]);
    expect([await blobStatus(account.key('key1')), await blobStatus(account.key('key2'))]).toEqual([
      200, 200,
    ]);
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
    expect(
      (await client.storageAccounts.getProperties('rg-keyturn', 'acct2')).allowSharedKeyAccess,
    ).toBe(false);
    expect(await blobStatus(azure.account('acct2').key('key1'), 'acct2')).toBe(
      'KeyBasedAuthenticationNotPermitted',
    );
    azure.account('acct2').allowSharedKeyAccess = undefined;
  });

  it('have no kerb1: 400, and no key changes (ST-05)', async () => {
    const before = azure.account('acct1').key('key1');
    const refused = client.storageAccounts.regenerateKey('rg-keyturn', 'acct1', {
      keyName: 'kerb1',
    });
    await expect(refused).rejects.toMatchObject({ statusCode: 400 });
    expect(azure.account('acct1').key('key1')).toBe(before);
  });

  it('take a new key only after a while where the data plane is scripted so (ST-08)', async () => {
    azure.fault('storage.blob', [{ status: 403 }, { status: 403 }]);
    const key = azure.account('acct1').key('key1');
    expect([await blobStatus(key), await blobStatus(key), await blobStatus(key)]).toEqual([
      403, 403, 200,
    ]);
  });

  it('let the app use its own storage while nobody may touch another account with its key', async () => {
    const service = BlobServiceClient.fromConnectionString(azure.env().AzureWebJobsStorage ?? '');
    await service.getContainerClient('own').create();
    expect(await blobStatus(azure.account('acct2').key('key1'))).toBe(403);
  });

  it('answer at the queue and table hosts too', async () => {
    const key = azure.account('acct1').key('key2');
    const queues = new QueueServiceClient(
      azure.url('acct1.queue.core'),
      new QueueKey('acct1', key),
    );
    await queues.getQueueClient('q-1').create();
    const tables = new TableServiceClient(
      azure.url('acct1.table.core'),
      new AzureNamedKeyCredential('acct1', key),
    );
    await tables.createTable('table1');
    expect([...azure.routesHit()]).toEqual(
      expect.arrayContaining(['storage.queue', 'storage.table']),
    );
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
    (
      await get(
        `${scope}/providers/Microsoft.Authorization/roleAssignments`,
        $filter ? { $filter } : {},
      )
    ).body.value ?? [];

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
    expect((await scopes(mine)).sort()).toEqual([11, 3, 5, 9]);
    expect((await scopes(`atScope() and ${mine}`)).sort()).toEqual([3, 5, 9]);
    const consent = (await list(id, mine)).find(({ properties }) => properties.scope === id);
    expect(consent?.properties.description).toBe('keyturn storage-account-key: kv1/db');
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

describe("the caller's own permissions in the local tenant", () => {
  const blocks = async (scope: string) =>
    (await get(`${scope}/providers/Microsoft.Authorization/permissions`)) as unknown as {
      status: number;
      body: {
        value?: { actions: string[]; notActions: string[]; dataActions: string[] }[];
        error?: { code: string };
      };
    };

  it('are one block for each role at or above the scope, and need a right of their own', async () => {
    const { id } = azure.account('acct1');
    const above = azure.grant({
      principalId: azure.world.identity.oid,
      scope: id.split('/providers/')[0] ?? '',
      actions: ['Microsoft.Storage/*'],
    });
    const { body } = await blocks(id);
    expect(body.value).toHaveLength(3); // that of the subscription, too
    expect(body.value?.flatMap(({ actions }) => actions)).toEqual(
      expect.arrayContaining([
        'Microsoft.Storage/*',
        'Microsoft.Storage/storageAccounts/regeneratekey/action',
      ]),
    );
    expect(body.value?.every(({ notActions }) => notActions.length === 0)).toBe(true);
    expect((await blocks(azure.vault('kv1').id)).body.value?.[0]?.dataActions.join()).toMatch(
      /setSecret/,
    );
    azure.revokeGrant(above);
    const which = azure.world.roles.all.find(({ scope, principalId }) => {
      return scope === id && principalId === azure.world.identity.oid;
    });
    const held = which?.actions ?? [];
    if (which) which.actions = held.filter((action) => !/permissions\/read/.test(action));
    expect((await blocks(id)).body.error?.code).toBe('AuthorizationFailed');
    if (which) which.actions = held;
  });
});

describe('resources with access keys of the local tenant', () => {
  const redis = () => azure.keyed('Microsoft.Cache/redis', 'redis1');
  const cosmos = () => azure.keyed('Microsoft.DocumentDB/databaseAccounts', 'cosmos1');
  async function post(path: string, body?: unknown, version = '2024-11-01') {
    const reply = await fetch(`${azure.url('management')}${path}?api-version=${version}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    const parsed: { error?: { code: string }; [name: string]: unknown } =
      text === '' ? {} : JSON.parse(text);
    return { status: reply.status, body: parsed, code: parsed.error?.code, headers: reply.headers };
  }

  it('list and regenerate as their type definitions say', async () => {
    const { id } = redis();
    const before = (await post(`${id}/listKeys`)).body;
    expect(before).toEqual({
      primaryKey: redis().key('Primary'),
      secondaryKey: redis().key('Secondary'),
    });
    const { body } = await post(`${id}/regenerateKey`, { keyType: 'Secondary' });
    expect(body.primaryKey).toBe(before.primaryKey);
    expect(body.secondaryKey).not.toBe(before.secondaryKey);
    expect(redis().accepts(String(before.secondaryKey))).toBe(false);
    expect(await get(id, { 'api-version': '2024-11-01' })).toMatchObject({
      body: { properties: { hostName: 'redis1.example.net' } },
    });
  });

  it.each([
    ['a slot in another case', 'regenerateKey', { keyType: 'secondary' }, undefined, 400],
    ['an unknown slot', 'regenerateKey', { keyType: 'Third' }, undefined, 400],
    ['no slot', 'regenerateKey', {}, undefined, 400],
    ['no body', 'regenerateKey', undefined, undefined, 400],
    ['another member', 'regenerateKey', { keyType: 'Primary', force: true }, undefined, 400],
    ['an action that another type has', 'regenerateKeys', { keyType: 'Primary' }, undefined, 404],
    ['a list that another type has', 'listAdminKeys', undefined, undefined, 404],
    ['a slot in the path', 'regenerateKey/Primary', undefined, undefined, 404],
    ['a version that nobody has', 'regenerateKey', { keyType: 'Primary' }, '2031-01-01', 400],
    ['a preview version', 'listKeys', undefined, '2024-04-01-preview', 400],
  ])('refuse %s', async (_, action, body, version, status) => {
    const everything = { principalId: azure.world.identity.oid, scope: redis().id, actions: ['*'] };
    const grant = azure.grant(everything);
    const before = redis().key('Primary');
    expect(await post(`${redis().id}/${action}`, body, version)).toMatchObject({
      status,
      code: expect.any(String),
    });
    expect(redis().key('Primary')).toBe(before);
    azure.revokeGrant(grant);
  });

  it('name the versions that they have to whoever asks for another', async () => {
    const { code, body } = await post(`${redis().id}/listKeys`, undefined, '2031-01-01');
    expect(code).toBe('NoRegisteredProviderFound');
    expect(JSON.stringify(body)).toContain('2024-11-01');
  });

  it('answer 202 where the SDK models it, and change when the operation ends', async () => {
    const before = cosmos().key('secondary');
    const { status, headers } = await post(
      `${cosmos().id}/regenerateKey`,
      { keyKind: 'secondary' },
      '2026-03-15',
    );
    expect([status, cosmos().key('secondary')]).toEqual([202, before]);
    expect(
      await post(`${cosmos().id}/regenerateKey`, { keyKind: 'secondary' }, '2026-03-15'),
    ).toMatchObject({
      status: 409,
    });
    const link = new URL(headers.get('azure-asyncoperation') ?? '');
    const poll = async () =>
      (await get(link.pathname, { 'api-version': '2026-03-15' })) as {
        status: number;
        body: object;
      };
    // Operations live in the subscription: a right at the account is none there.
    expect(await poll()).toMatchObject({ status: 403 });
    const scope = `/subscriptions/${azure.world.subscriptionId}`;
    const actions = ['Microsoft.DocumentDB/locations/operationsStatus/read'];
    const grant = azure.grant({ principalId: azure.world.identity.oid, scope, actions });
    expect((await poll()).body).toMatchObject({ status: 'InProgress' });
    expect((await poll()).body).toMatchObject({ status: 'Succeeded' });
    expect(cosmos().key('secondary')).not.toBe(before);
    azure.revokeGrant(grant);
  });

  it('end a regeneration that nobody asks for any more, and take the next one', async () => {
    const before = cosmos().key('secondary');
    const regenerate = async () =>
      (await post(`${cosmos().id}/regenerateKey`, { keyKind: 'secondary' }, '2026-03-15')).status;
    expect(await regenerate()).toBe(202);
    clock.advance({ seconds: 59 });
    expect([await regenerate(), cosmos().key('secondary')]).toEqual([409, before]);
    clock.advance({ seconds: 2 });
    const made = cosmos().key('secondary');
    expect([made === before, await regenerate()]).toEqual([false, 202]);
  });

  it('take the slot where their type has it: in the path, or as the id of the present key', async () => {
    const search = azure.keyed('Microsoft.Search/searchServices', 'search1');
    const old = search.key('primary');
    expect(
      await post(`${search.id}/regenerateAdminKey/Primary`, undefined, '2026-11-01'),
    ).toMatchObject({
      status: 400,
    });
    expect(await post(`${search.id}/regenerateAdminKey`, undefined, '2026-11-01')).toMatchObject({
      status: 404,
    });
    expect(
      await post(`${search.id}/regenerateAdminKey/primary`, undefined, '2026-11-01'),
    ).toMatchObject({
      status: 200,
    });
    expect(search.accepts(old)).toBe(false);
    const store = azure.keyed('Microsoft.AppConfiguration/configurationStores', 'store1');
    const id = store.idOf('Primary');
    expect(await post(`${store.id}/regenerateKey`, { id }, '2024-06-01')).toMatchObject({
      body: { name: 'Primary' },
    });
    expect(store.idOf('Primary')).not.toBe(id);
    expect(await post(`${store.id}/regenerateKey`, { id }, '2024-06-01')).toMatchObject({
      status: 404,
    });
  });

  it('ask for the action at the resource, also below another', async () => {
    const rule = azure.keyed(
      'Microsoft.ServiceBus/namespaces/queues/authorizationRules',
      'ns1/q1/send',
    );
    expect(await post(`${rule.id}/listKeys`, undefined, '2026-01-01')).toMatchObject({
      status: 200,
    });
    azure.revokeGrant({ principalId: azure.world.identity.oid, scope: rule.id });
    expect(await post(`${rule.id}/listKeys`, undefined, '2026-01-01')).toMatchObject({
      status: 403,
      code: 'AuthorizationFailed',
    });
    expect(azure.calls.at(-1)?.action).toBe(
      'Microsoft.ServiceBus/namespaces/queues/authorizationRules/listKeys/action',
    );
  });

  it('are ScopeLocked to every POST under a ReadOnly lock (ST-01)', async () => {
    redis().locked = 'ReadOnly';
    expect(await post(`${redis().id}/listKeys`)).toMatchObject({
      status: 409,
      code: 'ScopeLocked',
    });
    redis().locked = undefined;
  });

  it('can have no property that their definitions do not', async () => {
    const keyed = [
      { type: 'Microsoft.Cache/redis', name: 'r2', properties: { disableLocalAuth: true } },
    ];
    await expect(startAzure({ azurite: false, tenant: { keyed } })).rejects.toThrow(
      'disableLocalAuth',
    );
  });
});

it('a vault shows its address, tags and access model', async () => {
  azure.vault('kv1').tags = { 'keyturn-policy': 'every=30d' };
  expect(
    await get(azure.vault('kv1').id.toUpperCase().replace('/SUBSCRIPTIONS/', '/subscriptions/')),
  ).toMatchObject({
    status: 200,
    body: {
      tags: { 'keyturn-policy': 'every=30d' },
      properties: { enableRbacAuthorization: true, vaultUri: `${azure.url('kv1.vault')}/` },
    },
  });
});

describe('locks of the local tenant', () => {
  const group = () => `/subscriptions/${azure.world.subscriptionId}/resourceGroups/rg-keyturn`;
  const listed = async (scope: string) => {
    const { status, body } = await get(`${scope}/providers/Microsoft.Authorization/locks`, {
      'api-version': '2020-05-01',
    });
    return {
      status,
      ids: (body.value ?? []).map((each) => (each as unknown as { id: string }).id),
    };
  };

  it('stop every POST below them while they are ReadOnly, and are listed downwards alone (facts D9)', async () => {
    for (const name of ['acct1', 'acct2'])
      azure.grant({
        principalId: azure.world.identity.oid,
        scope: azure.account(name).id,
        actions: ['Microsoft.Storage/storageAccounts/*', 'Microsoft.Authorization/locks/read'],
      });
    const id = azure.world.locks.set(group());
    await expect(client.storageAccounts.listKeys('rg-keyturn', 'acct2')).rejects.toMatchObject({
      statusCode: 409,
      code: 'ScopeLocked',
    });
    await client.storageAccounts.getProperties('rg-keyturn', 'acct2');
    // At the resource nothing of it is seen, and at the group it may not be asked for.
    expect(await listed(azure.account('acct2').id)).toEqual({ status: 200, ids: [] });
    expect(await listed(group())).toMatchObject({ status: 403 });
    const name = azure.grant({
      principalId: azure.world.identity.oid,
      scope: group(),
      actions: ['Microsoft.Authorization/locks/read'],
    });
    const below = azure.world.locks.set(azure.account('acct1').id, 'CanNotDelete');
    expect(await listed(group())).toEqual({ status: 200, ids: [id, below] });
    azure.world.locks.remove(id);
    expect((await client.storageAccounts.listKeys('rg-keyturn', 'acct1')).keys).toHaveLength(2);
    azure.world.locks.remove();
    azure.revokeGrant(name);
  });
});

describe('event subscriptions of the local tenant', () => {
  it('are listed at the vault or at its system topic, each where it was made (facts D9)', async () => {
    const vault = azure.vault('kv1').id;
    const groupOfVault = vault.split('/providers/')[0] ?? '';
    const topic = `${groupOfVault}/providers/Microsoft.EventGrid/systemTopics/egst`;
    azure.world.systemTopics.push({ id: topic, source: vault });
    for (const source of [vault, topic])
      azure.world.eventSubscriptions.push({
        source,
        name: 'keyturn',
        properties: { provisioningState: 'Succeeded' },
      });
    const list = (path: string) => get(path, { 'api-version': '2025-02-15' });
    expect(await list(`${vault}/providers/Microsoft.EventGrid/eventSubscriptions`)).toMatchObject({
      status: 200,
      body: { value: [{ name: 'keyturn', type: 'Microsoft.EventGrid/eventSubscriptions' }] },
    });
    const topics = `${groupOfVault}/providers/Microsoft.EventGrid/systemTopics`;
    expect(await list(topics)).toMatchObject({
      status: 403,
      body: { error: { code: 'AuthorizationFailed' } },
    });
    const name = azure.grant({
      principalId: azure.world.identity.oid,
      scope: groupOfVault,
      actions: ['Microsoft.EventGrid/*/read'],
    });
    expect(await list(topics)).toMatchObject({
      status: 200,
      body: { value: [{ properties: { source: vault } }] },
    });
    expect(await list(`${topic}/eventSubscriptions`)).toMatchObject({
      status: 200,
      body: { value: [{ type: 'Microsoft.EventGrid/systemTopics/eventSubscriptions' }] },
    });
    azure.revokeGrant(name);
  });
});

it('a role takes out what it says it takes out, and another role may give it all the same', async () => {
  const scope = azure.account('acct2').id;
  const principal = azure.world.identity;
  azure.revokeGrant({ principalId: principal.oid, scope });
  const broad = azure.grant({
    ...{ principalId: principal.oid, scope, actions: ['*'] },
    notActions: ['Microsoft.Storage/storageAccounts/regenerateKey/action'],
  });
  const action = 'Microsoft.Storage/storageAccounts/regenerateKey/action';
  expect(azure.world.roles.allows(principal, 'actions', action, scope)).toBe(false);
  const { body } = await get(`${scope}/providers/Microsoft.Authorization/permissions`);
  expect(body.value).toContainEqual({
    actions: ['*'],
    notActions: [action],
    dataActions: [],
    notDataActions: [],
  });
  azure.grant({ principalId: principal.oid, scope, actions: [action] });
  expect(azure.world.roles.allows(principal, 'actions', action, scope)).toBe(true);
  azure.revokeGrant(broad);
});
