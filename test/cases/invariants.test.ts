/** The check after every case can fail: each broken promise is noticed, or the cases prove nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { brokenPromises } from './invariants.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  tenant.seed('st-a', { account: 'acct1', tags: { owner: 'x' } });
  await tenant.goTo(tenant.dueOn('st-a'));
  await tenant.event('st-a');
  await tenant.settle();
});
afterAll(() => tenant.stop());

const current = () => tenant.current('st-a');

describe('the check after a case', () => {
  it('passes after one clean rotation', async () => {
    await tenant.check();
  });

  it.each<[string, string, () => unknown]>([
    [
      'a current value that the target refuses',
      '1 values that the target refuses',
      () => tenant.azure.account('acct1').regenerate('key2'),
    ],
    [
      'an old value that is cut off in its grace',
      '2 values cut off in their grace',
      () => tenant.azure.account('acct1').regenerate('key1'),
    ],
    [
      "a lost tag of the owner's",
      '4 lost tags, content types and secrets',
      () => Reflect.deleteProperty(current().tags ?? {}, 'owner'),
    ],
    [
      'a value in the log, in base64',
      '5 leaks',
      () => log(`it is ${Buffer.from(current().value).toString('base64')}!`),
    ],
    ['a value in a row, URL-encoded', '5 leaks', () => row(encodeURIComponent(current().value))],
    ['two values of one rotation', '6 two values of one rotation', twin],
    ['a target without consent', '7 targets without consent, strange hosts', withdraw],
    ['a lock that was never given back', '8 left over', () => lock()],
  ])('notices %s', async (_title, invariant, breakIt) => {
    await breakIt();
    expect(Object.keys(await brokenPromises(tenant))).toEqual([invariant]);
  });
});

function log(message: string): void {
  tenant.lines.push({ time: '', level: 'information', category: 'host', message });
}

const lock = () => tenant.own.table.createEntity({ partitionKey: 'locks', rowKey: 'y' });
const row = (text: string) =>
  tenant.own.table.createEntity({ partitionKey: 'x', rowKey: 'y', text });

function twin(): void {
  const { tags = {} } = current();
  tenant.azure.vault('kv1').set('st-a', tenant.azure.account('acct1').key('key1'), { tags });
}

function withdraw(): void {
  tenant.azure.setDescription({ scope: tenant.azure.account('acct1').id }, 'nothing of interest');
}
