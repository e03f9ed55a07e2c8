/** Cases section 7 and two of section 11: timers, queues, logs, many vaults. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ vaults: ['kv1', 'kv2', 'kv3'] });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const DAY_MS = 86_400_000;

describe('a service that repeats the value in its refusal', () => {
  it('brings it into no log, row, message or answer (FN-05)', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('st-a'));
    tenant.azure.echo('keyvault.set');
    const answer = await tenant.rotate('st-a');
    expect(answer.status).toBe(202);
    await tenant.settle();
    expect((await tenant.request(answer.headers.get('operation-location') ?? '')).status).toBe(200);
    expect(
      tenant.azure.calls.filter(({ route, status }) => route === 'keyvault.set' && status === 400),
    ).not.toEqual([]);
    expect(tenant.versions('st-a')).toHaveLength(1);
    expect(tenant.alerts()).toHaveLength(1);
    await tenant.check();
  });

  it('is not asked by a GET: 404 or 405, and nothing is written (FN-05)', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('st-a'));
    const { status } = await tenant.request('/api/vaults/kv1/secrets/st-a/rotate');
    expect([404, 405]).toContain(status);
    await tenant.settle();
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.check();
  });
});

describe('the sweep', () => {
  it('run twice at once over five due secrets rotates each once (FN-06)', async () => {
    const names = ['st-a', 'st-b', 'st-c', 'st-d', 'st-e'];
    for (const [at, name] of names.entries()) tenant.seed(name, { account: `acct${at + 1}` });
    await tenant.goTo(tenant.dueOn('st-a'));
    await Promise.all([tenant.sweep(), tenant.sweep()]);
    await tenant.settle();
    expect(names.map((name) => tenant.versions(name).length)).toEqual([2, 2, 2, 2, 2]);
    expect(names.map((_name, at) => tenant.regenerations(`acct${at + 1}`))).toEqual([
      1, 1, 1, 1, 1,
    ]);
    await tenant.check();
  });

  it('serves two vaults and names the third, which answers 500 throughout (UA-4)', async () => {
    tenant.seed('st-a', { vault: 'kv1', account: 'acct1' });
    tenant.seed('st-b', { vault: 'kv2', account: 'acct2' });
    tenant.seed('st-c', { vault: 'kv3', account: 'acct3' });
    await tenant.goTo(tenant.dueOn('st-a'));
    for (const route of ['list', 'get', 'versions', 'set', 'update'])
      tenant.azure.outage(`keyvault.${route}`, { status: 500, host: 'kv3.vault' });
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a', 'kv1')).toHaveLength(2);
    expect(tenant.versions('st-b', 'kv2')).toHaveLength(2);
    expect(tenant.versions('st-c', 'kv3')).toHaveLength(1);
    expect(tenant.logs('swept').at(-1)).toMatchObject({ vaults: 3, unlisted: 'kv3' });
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(tenant.alerts().filter(({ vault }) => vault === 'kv3')).toHaveLength(1); // not one for each sweep
    await tenant.check();
  });

  it('writes nothing to a secret with 80 days left until it is due, not even a tag (UA-7)', async () => {
    const { id, created } = tenant.seed('st-a', {
      account: 'acct1',
      expiresOn: new Date(Date.now() + 80 * DAY_MS),
    });
    await tenant.advance({ days: 59 }, { sweepEvery: walk({ whole: 24, short: 118 }) });
    await tenant.event('st-a', { type: 'SecretNewVersionCreated' });
    await tenant.settle();
    expect(tenant.azure.writes()).toEqual([]);
    expect(tenant.current('st-a')).toMatchObject({ id, created, updated: created });
    // A quarter of 80 days before its expiry.
    await tenant.advance({ days: 2 }, { sweepEvery: 12 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });
});

describe('a pass that fails in a way nobody understands', () => {
  it('is tried five times, marked failed, alerted once, and rotated by a later sweep when the cause is mended (FN-09)', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('st-a'));
    // An answer that no schema of Azure allows: the rotator throws what is no error of ours.
    const keys = ['key1', 'key2'].map((keyName) => ({ keyName, value: 5, permissions: 'FULL' }));
    tenant.azure.outage('arm.listKeys', { status: 200, body: { keys } });
    await tenant.event('st-a');
    await tenant.settle(5 * 60);
    const tries = tenant.lines.filter(
      ({ functionName, message }) => functionName === 'work' && /\(Failed/.test(message),
    );
    expect(tries).toHaveLength(5);
    expect(tenant.alerts()).toEqual([expect.objectContaining({ name: 'st-a', reason: 'failed' })]);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'failed', reason: 'failed' });
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.check();

    tenant.azure.heal();
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.alerts()).toHaveLength(1);
    await tenant.check();
  });
});
