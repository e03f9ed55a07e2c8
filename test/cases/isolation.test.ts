/**
 * Invariant 9: what one team does to its own secrets, targets and vaults changes nothing for another team, but for slots that
 * they share, and then its name is told (findings ATK-04, ATK-05, ATK-09).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, rotated } from './stories.ts';

const ACCOUNTS = Array.from({ length: 9 }, (_, at) => `acct${at + 1}`);

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    vaults: ['kv1', 'kv2', 'kv3'],
    accounts: ACCOUNTS.map((name) => ({ name })),
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

/** Keyturn may list the keys of the account and make no new one. */
function listOnly(account: string): void {
  const { id } = tenant.azure.account(account);
  for (const grant of tenant.azure.world.roles.all.filter(({ scope }) => scope === id))
    grant.actions = (grant.actions ?? []).filter((action) => !/regenerate/i.test(action));
}
function consent(account: string, description: string): void {
  const { identity } = tenant.azure.world;
  tenant.azure.setDescription(
    { principalId: identity.oid, scope: tenant.azure.account(account).id },
    description,
  );
}
const rotations = (name: string, vault = 'kv1') => tenant.versions(name, vault).length - 1;
/** Due at once, however young. */
const NEW = { value: 'keyturn:new' };

describe('ATK-04: brakes count targets, and no team brakes another', () => {
  it('ATK-04: one secret that fails for days brakes neither a rotation nor a heal of its kind', async () => {
    listOnly('acct1');
    await rotated(tenant, 'st-heal', { account: 'acct3', vault: 'kv2' });
    tenant.seed('st-bad', { account: 'acct1', ...NEW });
    await tenant.advance({ hours: 30 }, { sweepEvery: 1 });
    expect((await tenant.row('st-bad'))?.failures).toBeGreaterThan(5);

    tenant.seed('st-good', { account: 'acct2', ...NEW });
    const { cred } = tenant.stateOf(tenant.current('st-heal', 'kv2'));
    tenant.azure.account('acct3').regenerate(cred as 'key1');
    await tenant.event('st-heal', { vault: 'kv2' });
    await tenant.sweepAndSettle();
    expect([rotations('st-good'), rotations('st-heal', 'kv2')]).toEqual([1, 2]);
    await tenant.check({ noGrace: ['st-heal'] });
  });

  it('ATK-04: one secret that names a failing target after the other counts once', async () => {
    for (const account of ACCOUNTS.slice(0, 6)) listOnly(account);
    await tenant.sweepAndSettle();
    for (const account of ACCOUNTS.slice(0, 6)) {
      tenant.seed('st-bad', { account, ...NEW });
      await tenant.sweepAndSettle();
      await tenant.advance({ hours: 25 });
      await tenant.sweepAndSettle();
    }
    expect(callsTo(tenant, 'arm.regenerateKey').length).toBeGreaterThan(5);
    tenant.seed('st-good', { account: 'acct8', ...NEW });
    await tenant.sweepAndSettle();
    expect(rotations('st-good')).toBe(1);
  });

  it('ATK-04: five targets of one vault brake that vault, not another; one probe goes every 15 minutes, and its success lifts the brake', async () => {
    for (const account of ACCOUNTS.slice(0, 5)) listOnly(account);
    await tenant.sweepAndSettle();
    // At the same time, by eight workers: no count is lost.
    for (const account of ACCOUNTS.slice(0, 5)) tenant.seed(`st-${account}`, { account, ...NEW });
    await tenant.sweepAndSettle();
    const before = tenant.regenerations('acct6');
    tenant.seed('st-good', { account: 'acct6', ...NEW });
    tenant.seed('st-next', { account: 'acct7', ...NEW });
    tenant.seed('st-other', { vault: 'kv2', account: 'acct8', ...NEW });
    tenant.seed('st-wanted', { account: 'acct9' });
    await tenant.sweepAndSettle();
    expect(await tenant.row('st-good')).toMatchObject({ step: 'wait', reason: 'brake' });
    expect(await tenant.row('st-next')).toMatchObject({ step: 'wait', reason: 'brake' });
    expect(tenant.alerts('st-good')[0] ?? tenant.alerts('st-next')[0]).toMatchObject({
      reason: 'brake',
      by: 'operator',
    });
    expect([rotations('st-other', 'kv2'), tenant.regenerations('acct6') - before]).toEqual([1, 0]);
  });

  it('ATK-04: a braked vault sends one probe every 15 minutes, a person who asks is not braked, and a success lifts the brake', async () => {
    for (const account of ACCOUNTS.slice(0, 8)) listOnly(account);
    await tenant.sweepAndSettle();
    for (const account of ACCOUNTS.slice(0, 5)) tenant.seed(`st-${account}`, { account, ...NEW });
    await tenant.sweepAndSettle();
    for (const account of ACCOUNTS.slice(5)) tenant.seed(`st-${account}`, { account, ...NEW });
    const tried = () => {
      const paths = callsTo(tenant, 'arm.regenerateKey').map(({ path }) => path.toLowerCase());
      return ACCOUNTS.slice(5).filter((account) =>
        paths.some((path) => path.includes(`/${account}/`)),
      ).length;
    };
    await tenant.sweepAndSettle();
    expect(tried()).toBe(0);
    await tenant.advance({ minutes: 11 });
    await tenant.settle();
    expect(tried()).toBe(0);
    await tenant.advance({ minutes: 6 });
    await tenant.sweepAndSettle();
    expect(tried()).toBeLessThanOrEqual(1);

    await tenant.rotate('st-acct9', { override: ['too-soon'] });
    await tenant.settle();
    expect(rotations('st-acct9')).toBe(1);
    // At once: an hour later those that fail would have braked it again.
    for (const account of ACCOUNTS.slice(5, 8)) await tenant.event(`st-${account}`);
    await tenant.settle();
    expect(tried()).toBe(4);
  });

  it('ATK-04: rotations of one vault leave the others their share of KEYTURN_RATE, and heals use up nothing', async () => {
    tenant.configure({ KEYTURN_RATE: '4/4' });
    await rotated(tenant, 'st-heal', { account: 'acct6' });
    await tenant.advance({ hours: 2 });
    await tenant.sweepAndSettle();
    for (const account of ACCOUNTS.slice(0, 5)) {
      tenant.seed(`st-${account}`, { account, ...NEW });
      await tenant.event(`st-${account}`);
      await tenant.settle();
    }
    const { cred } = tenant.stateOf(tenant.current('st-heal'));
    tenant.azure.account('acct6').regenerate(cred as 'key1');
    await tenant.event('st-heal');
    await tenant.sweepAndSettle();
    const taken = ACCOUNTS.slice(0, 5).filter((account) => rotations(`st-${account}`) === 1).length;
    expect([taken, rotations('st-heal')]).toEqual([3, 2]);
    tenant.seed('st-other', { vault: 'kv2', account: 'acct7', ...NEW });
    await tenant.sweepAndSettle();
    expect(rotations('st-other', 'kv2')).toBe(1);
  });

  it('ATK-04: a vault that cannot be listed for days stops its own targets, not those of other vaults', async () => {
    for (const account of ['acct1', 'acct2'])
      consent(account, 'keyturn storage-account-key: kv1/*');
    consent('acct3', 'keyturn storage-account-key: kv1/*, kv3/*');
    tenant.azure.outage('keyvault.list', { status: 503, host: 'kv3.vault' });
    await tenant.advance({ hours: 30 }, { sweepEvery: 5 });
    tenant.seed('st-a', { account: 'acct1', ...NEW });
    tenant.seed('st-shared', { account: 'acct3', ...NEW });
    await tenant.sweepAndSettle();
    expect(rotations('st-a')).toBe(1);
    expect(await tenant.row('st-shared')).toMatchObject({
      reason: 'index',
      detail: expect.stringContaining('kv3'),
    });
  });
});

/** One neighbour that shares acct1, in every way in which something can be wrong with it. */
const wrong: [string, (name: string) => Promise<void> | void, string][] = [
  ['a value that is no JSON', (name) => junk(name, 'junk'), 'bad-value'],
  ['a lone surrogate', (name) => junk(name, '{"key":"\\ud800abc"}'), ''],
  ['a document without the field', (name) => junk(name, '{"other":1}'), 'bad-value'],
  ['25 kB', (name) => junk(name, `{"key":"${'x'.repeat(25_000)}"}`), 'bad-value'],
  [
    'options that do not parse',
    (name) => junk(name, '{}', { 'rotator-options': ';;=%ff' }),
    'bad-tags',
  ],
  [
    'an option of the form that does not fit',
    (name) => junk(name, '{}', { 'rotator-options': 'login-field=/x' }),
    'bad-tags',
  ],
  [
    'a state of a newer release',
    (name) => junk(name, tenant.current(name, 'kv2').value, { 'rotator-state': 'v=9' }),
    'state-newer',
  ],
  [
    'a state that does not parse',
    (name) => junk(name, '{}', { 'rotator-state': 'v=1;%zz=%' }),
    'bad-value',
  ],
  [
    'a vault that does not answer',
    () => tenant.azure.outage('keyvault.get', { status: 503, host: 'kv2.vault' }),
    'vault-busy',
  ],
  [
    'a vault that lets nobody in',
    () =>
      tenant.azure.outage('keyvault.get', {
        status: 403,
        inner: 'ForbiddenByRbac',
        host: 'kv2.vault',
      }),
    'vault-forbidden',
  ],
  [
    'a secret that is disabled',
    (name) => void Object.assign(tenant.current(name, 'kv2'), { enabled: false }),
    'disabled',
  ],
];
function junk(name: string, value: string, tags: Record<string, string> = {}): void {
  const { tags: own = {} } = tenant.current(name, 'kv2');
  tenant.azure.vault('kv2').set(name, value, { tags: { ...own, ...tags } });
}
const revoke = (name: string, body: object, roles?: string[]) =>
  tenant.request(`/api/vaults/kv1/secrets/${name}/revoke`, {
    ...{
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    },
    ...(roles ? { roles } : {}),
  });
const FIELD = { 'rotator-options': 'field=key' };
const stored = (value: string) => JSON.stringify({ key: value });

describe('ATK-05, ATK-09: whatever is wrong with a neighbour ends with the neighbour', () => {
  it.each(wrong)(
    'ATK-05, ATK-09: %s: nobody but its owner is alerted, and a person can revoke all the same',
    async (_, spoil, why) => {
      const key = tenant.azure.account('acct1').key('key1');
      tenant.seed('st-odd', {
        vault: 'kv2',
        account: 'acct1',
        value: stored(key),
        tags: FIELD,
        policy: 'every=80d',
      });
      const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
      await tenant.sweepAndSettle();
      await spoil('st-odd');
      await tenant.advance({ hours: 60 }, { sweepEvery: 6 });
      const row = await tenant.row('st-a');
      // No value that the target knows: it holds nothing, and what was owed is revoked.
      if (why === '') return expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
      expect(row).toMatchObject({ step: 'wait', reason: 'slot-held' });
      expect(row?.detail).toBe(`kv2/st-odd may keep key1 (${why}).`);
      const told = tenant.alerts('st-odd').filter(({ reason }) => reason === 'holder-unknown');
      expect(told).toMatchObject([
        {
          vault: 'kv2',
          by: 'secret owner',
          detail: expect.stringContaining('kv1/st-a waits for it'),
        },
      ]);
      expect(tenant.lines.filter(({ message }) => /exception|unexpected/i.test(message))).toEqual(
        [],
      );

      // An ordinary request is told why at once, and by what it could be set aside.
      const plain = await revoke('st-a', {});
      expect([plain.status, await plain.json()]).toMatchObject([
        409,
        { reason: 'slot-held', overridable: ['slot-held'] },
      ]);
      const byOther = await revoke('st-a', { override: ['slot-held'] }, ['Keyturn.Rotate']);
      expect([byOther.status, tenant.azure.account('acct1').accepts(v1.value)]).toEqual([
        403,
        true,
      ]);
      expect((await revoke('st-a', { override: ['slot-held'] })).status).toBe(202);
      await tenant.settle();
      expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
    },
  );

  it('ATK-09: a neighbour that really holds the slot is never set aside', async () => {
    const key = tenant.azure.account('acct1').key('key1');
    tenant.seed('st-odd', {
      vault: 'kv2',
      account: 'acct1',
      value: stored(key),
      tags: FIELD,
      policy: 'every=80d',
    });
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 50 }, { sweepEvery: 6 });
    const answer = await revoke('st-a', { override: ['slot-held'] });
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { reason: 'slot-held', overridable: [] },
    ]);
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    expect(await tenant.row('st-a')).toMatchObject({
      reason: 'slot-held',
      detail: 'kv2/st-odd keeps key1.',
    });
    await tenant.check();
  });
});

it('ATK-08: of a hundred older versions a look reads the values of twenty at most, whoever made them', async () => {
  await rotated(tenant, 'st-a', { account: 'acct1' });
  const { tags = {}, value } = tenant.current('st-a');
  const vault = tenant.azure.vault('kv1');
  for (let at = 0; at < 100; at += 1) {
    const state = `${tags['rotator-state']}`.replace(
      /rot=[0-9a-f]{16}/,
      `rot=${at.toString(16).padStart(16, '0')}`,
    );
    vault.set('st-a', value, { tags: { ...tags, 'rotator-state': state } });
  }
  // What names no credential has all of them named from their values.
  vault.set('st-a', 'nothing-that-the-account-knows', { tags });
  tenant.lines.length = 0;
  const before = tenant.azure.calls.length;
  await tenant.event('st-a');
  await tenant.settle();
  const read = tenant.azure.calls
    .slice(before)
    .filter(({ route, path }) => route === 'keyvault.get' && /\/[0-9a-f]{32}$/.test(path));
  const looks = tenant.logs('decided').filter(({ name }) => name === 'st-a').length;
  expect(read.length).toBeGreaterThan(0);
  expect(read.length / Math.max(1, looks)).toBeLessThanOrEqual(20);
});
