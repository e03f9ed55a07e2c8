/** Cases section 10: ids, connection strings, states and messages of people who want something else. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { rotationId, targetHash } from '../../src/core/ids.ts';
import { type Dialled, watchDialling } from './dialled.ts';
import { startTenant, type Tenant } from './harness.ts';
import { rotated } from './stories.ts';

let tenant: Tenant;
let dialled: Dialled;
beforeAll(async () => {
  tenant = await startTenant();
  dialled = await watchDialling();
});
beforeEach(async () => {
  await tenant.clear();
  dialled.names.length = 0;
});
afterAll(async () => {
  await dialled.stop();
  await tenant.stop();
});

const accepts = (value: string) => tenant.azure.account('acct1').accepts(value);
/** What Keyturn asked of ARM beside the tags of its own vaults. */
const armCalls = () =>
  tenant.azure.calls.filter(
    ({ host, route }) => host.startsWith('management.') && route !== 'arm.vault',
  );
const strangeNames = () =>
  dialled.names.filter((name) => !/(^|\.)localhost$|^127\.0\.0\.1$/.test(name));

describe('SEC-01: an id that walks away', () => {
  const ids = (subscription: string) => [
    `${subscription}/rg1/..`,
    `${subscription}/../acct1`,
    `${subscription}/./acct1`,
    `${subscription}/rg1/acct1/../acct2`,
    `${subscription}/rg1/%2e%2e`,
    `${subscription}/%2e%2e/acct1`,
    '@evil.example/rg1/acct1',
    '//evil.example/rg1/acct1',
    'https://evil.example/rg1/acct1',
    `${subscription}@evil.example/rg1/acct1`,
    `${subscription}/rg1/acct1?x`,
    `${subscription}/rg1/acct1#`,
    `${subscription}/rg1?api-version=1/acct1`,
    'my-subscription/rg1/acct1',
    `${subscription}\\rg1\\acct1`,
    `${subscription}/rg1/acct1/`,
    `${subscription}/rg1\u0000/acct1`,
    `${subscription}/rg1/acct1\r\nHost: evil.example`,
    `/subscriptions/${subscription}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/acct1`,
    `/subscriptions/${subscription}/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/acct1/../../../../x`,
  ];

  it('watches what is dialled: a strange name does not pass unseen', async () => {
    await expect(fetch('https://evil.localhost:65000/')).rejects.toThrow();
    expect(dialled.names).toContain('evil.localhost');
  });

  it('SEC-01: 20 of them are refused, naming the tag, with 0 calls to ARM and no other host dialled', async () => {
    const hostile = ids(tenant.azure.world.subscriptionId);
    for (const [at, id] of hostile.entries())
      tenant.seed(`st-${at}`, { tags: { 'rotator-target': id } });
    await tenant.sweepAndSettle();
    for (const at of hostile.keys()) {
      expect(await tenant.row(`st-${at}`)).toMatchObject({
        step: 'refuse',
        reason: 'bad-tags',
        detail: expect.stringMatching(/^The tag rotator-target is "/),
      });
    }
    expect(armCalls()).toEqual([]);
    expect(tenant.azure.writes()).toEqual([]);
    expect(strangeNames()).toEqual([]);
    const paths = tenant.azure.calls
      .filter(({ host }) => host.startsWith('management.'))
      .map(({ path }) => path);
    expect(
      paths.filter((path) => !/^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\//i.test(path)),
    ).toEqual([]);
    await tenant.check();
  });
});

describe('SEC-02: a stored connection string that points elsewhere', () => {
  const strings = (key: string, suffix: string, trap: string) => [
    `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${key};BlobEndpoint=https://evil.example/`,
    `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${key};EndpointSuffix=evil.example`,
    `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${key};BlobEndpoint=https://${trap}/`,
    `AccountName=acct1;AccountKey=${key};EndpointSuffix=${suffix}.evil.example`,
    `AccountName=acct1;AccountKey=${key};BlobEndpoint=https://acct1.blob.${suffix}@evil.example/`,
    `AccountName=acct1;AccountKey=${key};EndpointSuffix=${suffix};QueueEndpoint=https://evil.example/`,
    `AccountName=acct1;AccountKey=${key};EndpointSuffix=${suffix};EndpointSuffix=evil.example`,
    `AccountName=acct2;AccountKey=${key};EndpointSuffix=${suffix}`,
    `DefaultEndpointsProtocol=http;AccountName=acct1;AccountKey=${key};EndpointSuffix=${suffix}`,
    `Server=sql1.evil.example;Password=${key}`,
  ];

  it('SEC-02: is refused, never dialled, and costs no write', async () => {
    const account = tenant.azure.account('acct1');
    const { host: suffix } = new URL(tenant.azure.url('core'));
    const hostile = strings(account.key('key1'), suffix, dialled.trap);
    for (const [at, value] of hostile.entries())
      tenant.seed(`st-${at}`, { account: 'acct1', value });
    await tenant.goTo(tenant.dueOn('st-0'));
    await tenant.advance({ hours: 24 }, { sweepEvery: 12 });
    for (const at of hostile.keys()) {
      const row = await tenant.row(`st-${at}`);
      expect([at, row?.step, row?.reason]).toEqual([
        at,
        'refuse',
        expect.stringMatching(/^(foreign-host|bad-value)$/),
      ]);
    }
    expect(dialled.connections()).toBe(0);
    expect(strangeNames()).toEqual([]);
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.check();
  });

  it('SEC-02: the right one is rotated in its own form', async () => {
    const { host: suffix } = new URL(tenant.azure.url('core'));
    const value = `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${tenant.azure.account('acct1').key('key1')};EndpointSuffix=${suffix}`;
    const { v2 } = await rotated(tenant, 'st-a', { account: 'acct1', value });
    expect(v2.value).toBe(
      value.replace(/AccountKey=[^;]*/, `AccountKey=${tenant.azure.account('acct1').key('key2')}`),
    );
    await tenant.check();
  });
});

describe('SEC-04: a forged state', () => {
  const secret = { vault: 'kv1', name: 'st-a' };
  const hashOf = (account: string) =>
    targetHash('storage-account-key', tenant.azure.account(account).id);

  it('SEC-04: that names the live slot as the old one revokes nothing, now and when it is rotated', async () => {
    const [A1, A2] = [
      tenant.azure.account('acct1').key('key1'),
      tenant.azure.account('acct1').key('key2'),
    ];
    const tgt = hashOf('acct1');
    const v1 = tenant.seed('st-a', {
      account: 'acct1',
      value: A1,
      tags: { 'rotator-state': `v=1;tgt=${tgt};cred=key2` },
    });
    const rot = rotationId(secret, v1.id);
    const v2 = tenant.seed('st-a', { account: 'acct1', value: A2 });
    const forged = `v=1;tgt=${tgt};cred=key1;rot=${rot};after=2020-01-01T00:00Z;proved=${v2.id.slice(0, 8)}`;
    tenant.azure.vault('kv1').retag('st-a', v2.id, { ...v2.tags, 'rotator-state': forged });
    await tenant.advance({ hours: 72 }, { sweepEvery: 6 });
    expect(tenant.azure.account('acct1').key('key2')).toBe(A2);
    expect(tenant.regenerations('acct1')).toBe(0);
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(3);
    expect(accepts(A2)).toBe(true);
    await tenant.advance({ hours: 47 }, { sweepEvery: 8 });
    expect(accepts(A2)).toBe(true);
    await tenant.advance({ hours: 5 }, { sweepEvery: 1 });
    expect(accepts(A2)).toBe(false);
    await tenant.check();
  });

  it('SEC-04: with the hash of another account is refused, and neither account changes', async () => {
    const state = `v=1;tgt=${hashOf('acct2')};cred=key1;rot=0123456789abcdef;after=2020-01-01T00:00Z`;
    tenant.seed('st-a', { account: 'acct1', tags: { 'rotator-state': state } });
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'target-changed' });
    expect(tenant.azure.writes()).toEqual([]);
    expect(tenant.alerts('st-a')).toHaveLength(1);
  });

  it('SEC-04: wiped again and again, the live key is never taken for a leftover', async () => {
    const { v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const tags = Object.fromEntries(
      Object.entries(v2.tags ?? {}).filter(([name]) => name !== 'rotator-state'),
    );
    for (let turn = 0; turn < 12; turn++) {
      tenant.azure.vault('kv1').retag('st-a', v2.id, tags);
      await tenant.advance({ hours: 5 }, { sweepEvery: 5 });
      expect(accepts(v2.value)).toBe(true);
    }
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('SEC-04: of a newer release is refused, and nothing is written', async () => {
    tenant.seed('st-a', {
      account: 'acct1',
      tags: { 'rotator-state': `v=2;tgt=${hashOf('acct1')};slot=key1` },
    });
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({
      step: 'refuse',
      reason: 'state-newer',
      detail: expect.stringContaining('rotator-state'),
    });
    expect(tenant.azure.writes()).toEqual([]);
    expect(tenant.alerts('st-a')).toHaveLength(1);
  });

  it('SEC-04: with half a character in it is no state, and the secret is served', async () => {
    await rotated(tenant, 'st-a', {
      account: 'acct1',
      tags: { 'rotator-state': 'v=1;note=\ud800' },
    });
    await tenant.check();
  });
});

describe('SEC-05: a message with more in it than a look', () => {
  it.each([
    [
      'orders',
      { vault: 'kv1', name: 'st-a', cause: 'http', override: ['too-soon'], revoke: 'now' },
    ],
    ['a value', { vault: 'kv1', name: 'st-a', cause: 'http', value: 'a value of a stranger' }],
    [
      'a prototype',
      '{"vault":"kv1","name":"st-a","cause":"http","__proto__":{"revoke":"now","override":["too-soon"]}}',
    ],
    ['a vault that is not on the list', { vault: 'kv9', name: 'st-a', cause: 'http' }],
    ['a vault that is an address', { vault: 'evil.example/', name: 'st-a', cause: 'http' }],
    ['a name that walks', { vault: 'kv1', name: '../../secrets/st-a', cause: 'http' }],
    ['no object', '[1,2,3]'],
    ['no JSON', '{"vault":'],
  ])('SEC-05: %s is recorded, and nothing is written for it', async (_, message) => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const before = tenant.logs().length;
    tenant.azure.calls.length = 0;
    await tenant.own.put(typeof message === 'string' ? message : JSON.stringify(message));
    await tenant.settle();
    expect(tenant.logs().slice(before)).not.toEqual([]);
    expect(JSON.stringify(tenant.logs())).not.toContain('a value of a stranger');
    expect(tenant.azure.writes()).toEqual([]);
    expect(strangeNames()).toEqual([]);
    expect(accepts(v1.value)).toBe(true);
    expect(tenant.alerts().length).toBeLessThanOrEqual(1);
    await tenant.check();
  });

  it.each([
    ['that nobody made', crypto.randomUUID()],
    ['of another secret', 'other'],
  ])('SEC-05: the id of an operation %s makes an ordinary look', async (_, given) => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-b', { account: 'acct2' });
    const asked = await tenant.rotate('st-b', { revoke: 'now', override: ['too-soon'] });
    const operation = given === 'other' ? ((await asked.json()) as { id: string }).id : given;
    await tenant.settle();
    const versions = tenant.versions('st-a').length;
    await tenant.own.put(JSON.stringify({ vault: 'kv1', name: 'st-a', cause: 'http', operation }));
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({ step: 'wait', reason: 'grace' });
    expect(tenant.versions('st-a')).toHaveLength(versions);
    expect(accepts(v1.value)).toBe(true);
  });
});
