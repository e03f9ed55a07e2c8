import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';

let azure: Azure;
let token: string;
let scope: string;

beforeAll(async () => {
  const names = ['kv1', 'kv2', 'kv3', 'other'];
  azure = await startAzure({
    azurite: false,
    tenant: {
      accounts: [{ name: 'acct1' }],
      vaults: names.map((name) => ({
        name,
        rbac: name !== 'kv2',
        tags: name === 'other' ? {} : { Keyturn: 'blue' },
      })),
    },
  });
  scope = `/subscriptions/${azure.world.subscriptionId}`;
  token = await azure.issueToken({
    oid: azure.world.identity.oid,
    aud: 'https://management.azure.com',
  });
  azure.grant({
    principalId: azure.world.identity.oid,
    scope,
    actions: ['Microsoft.ResourceGraph/resources/read'],
  });
});
afterEach(() => azure.heal());
afterAll(async () => {
  expect(azure.routesUnused('resourceGraph')).toEqual([]);
  expect(azure.problems).toEqual([]);
  await azure.stop();
});

const QUERY =
  "resources | where type =~ 'microsoft.keyvault/vaults' | where tostring(tags) contains 'keyturn' | project id, tags, rbac = properties.enableRbacAuthorization | order by id asc";
interface Body {
  data?: { id: string; rbac: boolean }[];
  $skipToken?: string;
  totalRecords?: number;
  error?: { code: string };
}

async function ask(over: object = {}, options: object = {}, version = '2022-10-01') {
  const body = {
    subscriptions: [azure.world.subscriptionId],
    query: QUERY,
    options: { resultFormat: 'objectArray', $top: 100, ...options },
    ...over,
  };
  const url = `${azure.url('management')}/providers/Microsoft.ResourceGraph/resources?api-version=${version}`;
  const reply = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer: Body = Object(await reply.json());
  return {
    status: reply.status,
    answer,
    names: answer.data?.map(({ id }) => id.split('/').at(-1)),
  };
}

describe('Resource Graph of the local tenant', () => {
  it('lists the vaults with such a tag in pages, with the mode of each', async () => {
    const first = await ask({}, { $top: 2 });
    expect(first).toMatchObject({
      status: 200,
      names: ['kv1', 'kv2'],
      answer: { totalRecords: 3 },
    });
    expect(first.answer.data?.map(({ rbac }) => rbac)).toEqual([true, false]);
    const last = await ask({}, { $top: 2, $skipToken: first.answer.$skipToken });
    expect(last.names).toEqual(['kv3']);
    expect(last.answer).not.toHaveProperty('$skipToken');
  });

  it('shows only what the caller may read', async () => {
    const { roles, identity } = azure.world;
    const kept = [...roles.all];
    azure.revokeGrant({ principalId: identity.oid, scope: azure.vault('kv1').id });
    expect((await ask()).names).toEqual(['kv2', 'kv3']);
    azure.revokeGrant({ principalId: identity.oid, scope });
    expect(await ask()).toMatchObject({
      status: 403,
      answer: { error: { code: 'AuthorizationFailed' } },
    });
    roles.all.splice(0, Number.POSITIVE_INFINITY, ...kept);
  });

  it.each<[string, object, object, string]>([
    ['a body with more in it', { skip: 1 }, {}, '2022-10-01'],
    ['no subscription', { subscriptions: [] }, {}, '2022-10-01'],
    ['a subscription that is no GUID', { subscriptions: ['*'] }, {}, '2022-10-01'],
    ['another query', { query: 'resources' }, {}, '2022-10-01'],
    ['another format', {}, { resultFormat: 'table' }, '2022-10-01'],
    ['too long a page', {}, { $top: 1001 }, '2022-10-01'],
    ['a token that it never gave', {}, { $skipToken: 'x' }, '2022-10-01'],
    ['an unknown version', {}, {}, '2019-01-01'],
  ])('refuses %s', async (_title, over, options, version) => {
    const { status } = await ask(over, options, version);
    expect([400, 403]).toContain(status);
  });

  it('says where resources answer, of those that the caller may read', async () => {
    const query =
      "resources | where type in~ ('microsoft.storage/storageaccounts', 'microsoft.sql/servers') | project id, type, blob = properties.primaryEndpoints.blob, documentEndpoint = properties.documentEndpoint, hostName = properties.hostName, serviceBusEndpoint = properties.serviceBusEndpoint, endpoint = properties.endpoint, fullyQualifiedDomainName = properties.fullyQualifiedDomainName | order by id asc";
    const { answer } = await ask({ query });
    expect(answer.data).toEqual([
      {
        id: azure.account('acct1').id,
        type: 'microsoft.storage/storageaccounts',
        blob: `${azure.url('acct1.blob.core')}/`,
        ...{ documentEndpoint: null, hostName: null, serviceBusEndpoint: null, endpoint: null },
        fullyQualifiedDomainName: null,
      },
    ]);
    azure.revokeGrant({ principalId: azure.world.identity.oid, scope: azure.account('acct1').id });
    expect((await ask({ query })).answer.data).toEqual([]);
    expect((await ask({ query: query.replace('hostName, ', 'hostName ') })).status).toBe(400);
  });

  it('answers as scripted', async () => {
    azure.fault('resourceGraph.resources', [{ status: 429, headers: { 'retry-after': '5' } }]);
    expect((await ask()).status).toBe(429);
    expect((await ask()).status).toBe(200);
  });
});
