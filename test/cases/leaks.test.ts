/**
 * Case section 12 no. 12, FN-05: each route in turn throws the request body back, in the message of a 400 and in a header,
 * with every log at its most verbose. Nothing of it may come out anywhere.
 *
 * @jest-environment-options {"packages": "own"}
 */
// The order matters: the settings first, then the product as the entry file loads it, then what else uses the SDKs.
import './verbose.ts';
import '../../src/app/app.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { leaks } from './invariants.ts';
import { catchPrinted } from './printed.ts';
import { due } from './stories.ts';

let tenant: Tenant;
let printed: string[];
let release: () => void;
beforeAll(async () => {
  ({ printed, release } = catchPrinted());
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  printed.length = 0;
});
afterAll(async () => {
  release();
  await tenant.stop();
});

const routes = [
  'keyvault.get',
  'keyvault.versions',
  'keyvault.list',
  'keyvault.set',
  'keyvault.update',
  'arm.vault',
  'arm.roleAssignments',
  'arm.storageAccount',
  'arm.listKeys',
  'arm.regenerateKey',
  'storage.blob',
  'entra.keys',
  'identity.token',
];

describe('FN-05: no value comes out', () => {
  it.each(routes)('FN-05: while %s throws back what it was sent', async (route) => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.configure(); // new clients, so that tokens and keys are asked for again
    tenant.azure.echo(route);
    await tenant.event('st-a');
    const asked = await tenant.rotate('st-a', { note: 'a leak', ticket: 'T-1' });
    await tenant.settle();
    await tenant.sweep().catch((error: unknown) => printed.push(String(error)));
    const { id } = (await asked.json()) as { id?: string };
    if (id !== undefined) await tenant.request(`/api/operations/${id}`);
    expect(tenant.azure.calls.some((call) => call.route === route)).toBe(true);
    expect(await leaks(tenant, { printed })).toEqual([]);
    tenant.azure.heal(route);
    await tenant.advance({ minutes: 30 });
    await tenant.settle(30 * 60);
    expect(await leaks(tenant, { printed })).toEqual([]);
  });

  // A GET has no body to throw back; a service may know the value all the same.
  const reads = routes.filter((route) => !/\.set|update|regenerate|blob/.test(route));
  it.each(reads)(
    'FN-05: while %s refuses with the stored value and both keys in message and header',
    async (route) => {
      const { value } = await due(tenant, 'st-a', { account: 'acct1' });
      const account = tenant.azure.account('acct1');
      const text = `invalid: ${value} ${account.key('key1')} ${account.key('key2')}`;
      tenant.configure();
      // Tokens live for a day, and every sweep asks for those that are over.
      if (route === 'identity.token') await tenant.advance({ days: 2 });
      // The SDK itself repeats a 500 of the identity endpoint, in real time.
      for (const status of route === 'identity.token' ? [400, 403] : [400, 403, 500]) {
        tenant.azure.outage(route, { status, message: text, headers: { 'x-echo': text } });
        await tenant.event('st-a');
        await tenant.rotate('st-a', {});
        await tenant.settle();
        await tenant.sweep().catch((error: unknown) => printed.push(String(error)));
        tenant.azure.heal(route);
        await tenant.advance({ minutes: 5 });
      }
      expect(tenant.azure.calls.some((call) => call.route === route && call.status >= 400)).toBe(
        true,
      );
      expect(await leaks(tenant, { printed })).toEqual([]);
    },
  );

  it('FN-05: from a connection string or a JSON document neither, nor the text around the key', async () => {
    const { host: suffix } = new URL(tenant.azure.url('core'));
    const text = `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${tenant.azure.account('acct1').key('key1')};EndpointSuffix=${suffix}`;
    const value = JSON.stringify({ note: 'a word of the owner "in quotes"', storage: text });
    await due(tenant, 'st-a', {
      account: 'acct1',
      value,
      tags: { 'rotator-options': 'field=%2Fstorage' },
    });
    tenant.azure.echo('keyvault.set');
    await tenant.event('st-a');
    await tenant.settle();
    expect(await leaks(tenant, { printed })).toEqual([]);
    expect([...printed, ...tenant.lines.map(({ message }) => message)].join('\n')).not.toContain(
      'a word of the owner',
    );
    tenant.azure.heal();
    await tenant.advance({ hours: 26 }, { sweepEvery: 2 });
    const next = JSON.parse(tenant.current('st-a').value) as { note: string; storage: string };
    expect(next.note).toBe('a word of the owner "in quotes"');
    expect(next.storage).toBe(
      text.replace(/AccountKey=[^;]*/, `AccountKey=${tenant.azure.account('acct1').key('key2')}`),
    );
    expect(await leaks(tenant, { printed })).toEqual([]);
  });

  it('FN-05: the scan would have found one', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    const key = tenant.azure.account('acct1').key('key1');
    for (const spelled of [key, encodeURIComponent(key), Buffer.from(key).toString('base64')])
      expect(await leaks(tenant, { printed: [`said: ${spelled}.`] })).toHaveLength(1);
  });
});
