/** Resources by their hosts: what Azure says counts as far as it was asked, and what it leaves out is not there. */
import { expect, it } from '@jest/globals';
import { resourcesFrom } from '../../src/azure/resourceHosts.ts';
import { KeyturnError } from '../../src/core/errors.ts';

const OURS = '11111111-2222-4333-8444-555555555555';
const OTHER = '99999999-0000-4000-8000-000000000000';
const idOf = (subscription: string, type = 'Microsoft.Storage/storageAccounts', name = 'acct1') =>
  `/subscriptions/${subscription}/resourceGroups/rg/providers/${type}/${name}`;
const none = {
  ...{
    blob: null,
    documentEndpoint: null,
    hostName: null,
    serviceBusEndpoint: null,
    endpoint: null,
  },
  fullyQualifiedDomainName: null,
};
const listed = (...pages: object[]) => {
  const asked: object[] = [];
  const ask = async (_query: object, body: object) => {
    asked.push(body);
    return pages[asked.length - 1];
  };
  return { asked, list: () => resourcesFrom({ arm: { ask }, subscriptions: () => [OURS] }).list() };
};

it('a suggestion leads nowhere that was not asked about: other subscriptions, types and ids count for nothing', async () => {
  const blob = 'https://acct1.blob.core.windows.net/';
  const type = 'microsoft.storage/storageaccounts';
  const rows = [
    { ...none, id: idOf(OURS), type, blob },
    { ...none, id: idOf(OTHER), type, blob },
    { ...none, id: idOf(OURS, 'Microsoft.Web/sites'), type: 'microsoft.web/sites', blob },
    { ...none, id: idOf(OURS, 'Microsoft.Web/sites'), type, blob },
    { ...none, id: `${idOf(OURS)}/../x`, type, blob },
    { ...none, id: idOf(OURS), type, blob: 7 },
    'x',
  ];
  expect(await listed({ data: rows }).list()).toEqual([
    { id: idOf(OURS).toLowerCase(), type, hosts: ['acct1.blob.core.windows.net'] },
  ]);
});

it('every page is read, and the same text is asked of everybody', async () => {
  const type = 'microsoft.search/searchservices';
  const row = (name: string) => ({
    ...none,
    id: idOf(OURS, 'Microsoft.Search/searchServices', name),
    type,
  });
  const { list, asked } = listed({ data: [row('s1')], $skipToken: 'more' }, { data: [row('s2')] });
  expect((await list()).map(({ hosts }) => hosts)).toEqual([
    ['s1.search.windows.net'],
    ['s2.search.windows.net'],
  ]);
  expect(asked).toHaveLength(2);
  expect(JSON.stringify(asked)).not.toContain('s1');
});

it('an answer that does not parse is said to be none', async () => {
  await expect(listed({ rows: [] }).list()).rejects.toThrow(KeyturnError);
});
