/** What whoever writes the tags of a secret may ask: which kinds there are, and which of them this instance rotates. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { KindsBody } from '../../../src/api/calls/listKinds.ts';
import { startTenant, type Tenant } from '../../cases/harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
afterAll(() => tenant.stop());

it('names every kind with its options and rights, and says which of them are on', async () => {
  const { kinds } = KindsBody.parse(await (await tenant.request('/api/kinds')).json());
  expect(kinds.length).toBeGreaterThan(30);
  expect(kinds.map(({ kind }) => kind)).toEqual(kinds.map(({ kind }) => kind).sort());
  expect(kinds.find(({ kind }) => kind === 'storage-account-key')).toMatchObject({
    enabled: true,
    overlap: 'two-slots',
    options: { properties: { 'longest-sas': expect.anything() } },
    rights: {
      actions: expect.arrayContaining(['Microsoft.Storage/storageAccounts/regenerateKey/action']),
    },
  });
  expect(kinds.some(({ enabled }) => !enabled)).toBe(true);
});

it('is for readers', async () => {
  const answer = await tenant.request('/api/kinds', { roles: ['Keyturn.Rotate'] });
  expect(answer.status).toBe(403);
});
