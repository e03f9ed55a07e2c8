/** Opting out ends rotations, not obligations; an exemption is honest as long as it lasts (OPS-05). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SecretDetailBody, SecretsBody } from '../../src/api/secretBody.ts';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, due, rotated, slotOf } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ accounts: [{ name: 'acct1' }, { name: 'acct2' }] });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

type Tags = Record<string, string>;
const kv1 = () => tenant.azure.vault('kv1');
const path = '/api/vaults/kv1/secrets/st-a';
const detail = async () => SecretDetailBody.parse(await (await tenant.request(path)).json());
const listed = async (query = '') =>
  SecretsBody.parse(await (await tenant.request(`/api/secrets${query}`)).json()).secrets;
const isLive = (value: string, account = 'acct1') => tenant.azure.account(account).accepts(value);
const key = (slot: 'key1' | 'key2') => tenant.azure.account('acct1').key(slot);
/** Its owner took tags off it, so that nothing but the account tells whether its value works. */
async function check(): Promise<void> {
  await tenant.check({ retagged: ['st-a'], broken: ['st-a'] });
}
const looked = async () => {
  await tenant.event('st-a');
  await tenant.settle();
};

/** The tags of the current version as a person sets them, in place. */
function retag(change: (tags: Tags) => Tags): void {
  const { id, tags = {} } = tenant.current('st-a');
  kv1().retag('st-a', id, change(tags));
}
const without = (tags: Tags, ...names: string[]): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => !names.includes(name)));
const none = (more: Tags = {}) => retag((tags) => ({ ...tags, rotator: 'none', ...more }));

/** What people do who want Keyturn to leave a secret alone. */
const ways: Record<string, () => void> = {
  'the tag says none': () => none(),
  'the tag says None, with blanks': () => retag((tags) => ({ ...tags, rotator: ' None ' })),
  'the tag is removed': () => retag((tags) => without(tags, 'rotator')),
  'all tags but the state are removed': () =>
    retag((tags) => ({ 'rotator-state': tags['rotator-state'] ?? '' })),
  'all tags are removed': () => retag(() => ({})),
  'the value is written again without any tags': () =>
    void kv1().set('st-a', tenant.current('st-a').value, {}),
  'the value is written again with other tags': () =>
    void kv1().set('st-a', tenant.current('st-a').value, { tags: { cost: '42' } }),
};
const lost = (title: string): boolean => !title.includes('none') && !title.includes('None');

describe.each(Object.entries(ways))(
  'a secret in its grace that is opted out: %s',
  (title, optOut) => {
    it('OPS-05: what it owes is revoked in its time; then it is left for good, and stays readable', async () => {
      const { v1, v2 } = await rotated(tenant, 'st-a', {
        account: 'acct1',
        tags: { owner: 'shop' },
      });
      await tenant.advance({ hours: 3 });
      optOut();
      await tenant.sweepAndSettle();
      expect(await listed('?state=leaving')).toMatchObject([
        { secret: 'st-a', owed: ['key1'], state: 'leaving' },
      ]);
      await tenant.advance({ hours: 40 }, { sweepEvery: 4 });
      expect(isLive(v1.value)).toBe(true);
      expect(await detail()).toMatchObject({
        state: 'leaving',
        owed: ['key1'],
        last: { reason: 'grace' },
      });

      await tenant.advance({ hours: 12 }, { sweepEvery: 1 });
      expect(isLive(v1.value)).toBe(false);
      expect(isLive(v2.value)).toBe(true);
      const gone = await detail();
      expect(gone).toMatchObject({ state: lost(title) ? 'opt-in-lost' : 'unmanaged', owed: [] });
      expect(gone.versions.find(({ version }) => version === v1.id)).toMatchObject({
        state: 'revoked',
        enabled: false,
      });
      expect(gone).not.toHaveProperty('dueOn');
      const history = (await (await tenant.request(`${path}/history`)).json()) as {
        records: object[];
      };
      expect(history.records).toEqual(
        expect.arrayContaining([expect.objectContaining({ step: 'revoke' })]),
      );

      const [versions, writes] = [tenant.versions('st-a').length, tenant.azure.writes().length];
      await tenant.advance({ days: 120 }, { sweepEvery: walk({ whole: 24, short: 240 }) });
      expect([tenant.versions('st-a').length, tenant.azure.writes().length]).toEqual([
        versions,
        writes,
      ]);
      expect((await detail()).state).toBe(gone.state);
      // A tag that is gone may be a mistake; `none` says so.
      expect(tenant.alerts('st-a').map(({ reason }) => reason)).toEqual(
        lost(title) ? ['opt-in-lost'] : [],
      );
      await check();
    });
  },
);

describe('a secret that was opted out in its grace', () => {
  it('OPS-05: is no longer rotated, neither when due nor when somebody asks; the grace may be ended', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    none();
    await looked();
    const asked = await tenant.rotate('st-a', {});
    expect([asked.status, ((await asked.json()) as { reason: string }).reason]).toEqual([
      409,
      'not-opted-in',
    ]);
    const dry = await tenant.rotate('st-a', { dryRun: true });
    expect(dry.status).toBe(409);
    expect(isLive(v1.value)).toBe(true);
    await check();
  });

  it.each([
    ['at once after the rotation, before its proof', 0],
    ['a minute before the end of its grace', 48 * 60 - 1],
  ])('OPS-05: opted out %s', async (_when, minutes) => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    await tenant.event('st-a');
    if (minutes === 0) {
      await tenant.until('the store', () => tenant.versions('st-a').length === 2);
      none();
    } else {
      await tenant.settle();
      await tenant.advance({ minutes });
      none();
    }
    await tenant.settle();
    await tenant.advance({ hours: 50 }, { sweepEvery: 2 });
    expect(isLive(v1.value)).toBe(false);
    expect(isLive(tenant.current('st-a').value)).toBe(true);
    expect(tenant.alerts('st-a')).toEqual([]);
    await check();
  });

  it('OPS-05: opted in again goes on as before', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    none();
    await tenant.sweepAndSettle();
    await tenant.advance({ hours: 5 }, { sweepEvery: 1 });
    retag((tags) => ({ ...tags, rotator: 'storage-account-key' }));
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(await detail()).toMatchObject({ state: 'grace', owed: ['key1'] });
    await tenant.advance({ hours: 45 }, { sweepEvery: 3 });
    expect(isLive(v1.value)).toBe(false);
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(3);
    await check();
  });

  it('OPS-05: opted in again after it was left has its next rotation when it is due', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    none();
    await tenant.advance({ days: 10 }, { sweepEvery: 12 });
    retag((tags) => ({ ...tags, rotator: 'storage-account-key' }));
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(await detail()).toMatchObject({ state: 'ok' });
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(3);
    await check();
  });

  it('OPS-05: without the consent of the target owner nothing is revoked, and one alert says what is owed', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    for (const grant of tenant.azure.world.roles.all)
      if (/acct1$/i.test(grant.scope)) grant.description = 'none';
    none();
    await tenant.advance({ days: 5 }, { sweepEvery: 6 });
    expect(isLive(v1.value)).toBe(true);
    expect(await detail()).toMatchObject({
      state: 'leaving',
      owed: ['key1'],
      last: { reason: 'no-consent' },
    });
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'no-consent', owed: 'key1' }]);
  });

  it('OPS-05: a kind that is off is alerted with what is owed, and revoked once it is on again', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.configure({ KEYTURN_ROTATORS: 'sql-login' });
    none();
    await tenant.advance({ days: 4 }, { sweepEvery: 6 });
    expect(isLive(v1.value)).toBe(true);
    expect(await detail()).toMatchObject({
      state: 'leaving',
      owed: ['key1'],
      last: { reason: 'kind-off' },
    });
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'kind-off', owed: 'key1' }]);
    tenant.configure();
    await tenant.advance({ hours: 25 }, { sweepEvery: 1 });
    expect(isLive(v1.value)).toBe(false);
    await check();
  });

  it('OPS-05: the table is lost: by the state on its version', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    none();
    await tenant.own.clear();
    await tenant.sweepAndSettle();
    expect(await listed()).toMatchObject([{ secret: 'st-a', state: 'leaving', owed: ['key1'] }]);
    await tenant.advance({ hours: 50 }, { sweepEvery: 4 });
    expect(isLive(v1.value)).toBe(false);
    expect(tenant.alerts('st-a')).toEqual([]);
    await check();
  });

  it('OPS-05: the table is lost and a person stored a version without any tags: by its older versions, once', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    kv1().set('st-a', v2.value, {});
    for (let at = 0; at < 5; at++) kv1().set(`stranger-${at}`, 'a value of a person', {});
    await tenant.own.clear();
    await tenant.sweepAndSettle();
    expect(await listed()).toMatchObject([{ secret: 'st-a', state: 'leaving', owed: ['key1'] }]);
    const versionLists = () =>
      callsTo(tenant, 'keyvault.versions').filter(({ path: called }) => /stranger/.test(called));
    const once = versionLists().length;
    await tenant.advance({ hours: 50 }, { sweepEvery: 4 });
    expect(isLive(v1.value)).toBe(false);
    expect(isLive(v2.value)).toBe(true);
    expect([once, versionLists().length]).toEqual([5, 5]);
    // Of strangers no value is read and nothing is kept.
    expect(
      callsTo(tenant, 'keyvault.get').filter(({ path: called }) => /stranger/.test(called)),
    ).toEqual([]);
    expect(await listed()).toHaveLength(1);
    await check();
  });

  it('OPS-05: a person stores another key of the account: the one that Keyturn made goes after its own grace', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 40 }, { sweepEvery: 4 });
    // Regenerated by hand and stored without tags: version 2 was current until now.
    tenant.azure.account('acct1').regenerate('key1');
    const v3 = kv1().set('st-a', key('key1'), {});
    await tenant.advance({ hours: 40 }, { sweepEvery: 4 });
    expect([isLive(v1.value), isLive(v2.value)]).toEqual([false, true]);
    expect(await detail()).toMatchObject({ state: 'leaving', owed: ['key2'] });
    await tenant.advance({ hours: 12 }, { sweepEvery: 2 });
    expect([isLive(v2.value), isLive(v3.value)]).toEqual([false, true]);
    expect(slotOf(tenant, 'acct1', v3.value)).toBe('key1');
  });

  it('OPS-05: a person stores something else altogether: nothing is revoked, one alert names what is owed', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    kv1().set('st-a', 'something else altogether', {});
    await tenant.advance({ days: 6 }, { sweepEvery: 6 });
    expect([isLive(v1.value), isLive(v2.value)]).toEqual([true, true]);
    expect(await detail()).toMatchObject({ state: 'leaving', last: { reason: 'still-owed' } });
    expect(
      tenant
        .alerts('st-a')
        .map(({ reason }) => reason)
        .sort(),
    ).toEqual(['opt-in-lost', 'still-owed']);
    const alert = tenant.alerts('st-a').find(({ reason }) => reason === 'still-owed');
    expect(alert).toMatchObject({ owedSince: new Date(v2.created * 1000).toISOString() });
    expect(String(alert?.owed).split(',').sort()).toEqual(['key1', 'key2']);
  });

  it('OPS-05: changed to another kind it is refused as before, and nothing is touched', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    retag((tags) => ({ ...tags, rotator: 'cosmos-db-key' }));
    tenant.configure({ KEYTURN_ROTATORS: 'storage-account-key,cosmos-db-key' });
    await tenant.advance({ days: 3 }, { sweepEvery: 12 });
    expect(isLive(v1.value)).toBe(true);
    expect((await detail()).state).toBe('refused');
    expect(tenant.alerts('st-a')).toHaveLength(1);
  });

  it('OPS-05: a pause of its owner holds what is owed, and an alert says that it is overdue', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    none({ 'rotator-policy': 'paused=true' });
    await tenant.advance({ days: 5 }, { sweepEvery: 12 });
    expect(isLive(v1.value)).toBe(true);
    expect(await detail()).toMatchObject({ state: 'leaving', last: { reason: 'paused' } });
    retag((tags) => without(tags, 'rotator-policy'));
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(isLive(v1.value)).toBe(false);
  });

  it('OPS-05: a neighbour that holds the slot keeps it', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-b', { account: 'acct1', slot: 'key1' });
    none();
    await tenant.advance({ days: 4 }, { sweepEvery: 6 });
    expect(isLive(tenant.current('st-b').value)).toBe(true);
    expect(await detail()).toMatchObject({
      state: 'leaving',
      owed: ['key1'],
      last: { reason: 'slot-held' },
    });
  });
});

describe('a neighbour of a secret that was opted out', () => {
  it('OPS-05: keeps off the key that it holds, and says that this has no end', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    none();
    await rotated(tenant, 'st-b', { account: 'acct1' });
    await tenant.advance({ days: 5 }, { sweepEvery: 12 });
    expect(isLive(tenant.current('st-a').value)).toBe(true);
    expect(tenant.alerts('st-b')).toMatchObject([
      { reason: 'overdue', owed: 'key1', detail: expect.stringContaining('kv1/st-a keeps key1') },
    ]);
  });

  it('OPS-05: is healed although the other one holds a value that the target no longer knows', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-b', { account: 'acct1', slot: 'key2' });
    none();
    await tenant.advance({ days: 4 }, { sweepEvery: 12 });
    expect(isLive(v1.value)).toBe(false);
    await tenant.goTo(tenant.dueOn('st-b'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-b').length).toBeGreaterThan(1);
    // Regenerated by hand: what st-a holds is no key any more, and st-b goes on by itself.
    await tenant.advance({ days: 10 }, { sweepEvery: 24 });
    for (const each of ['key1', 'key2'] as const) tenant.azure.account('acct1').regenerate(each);
    await tenant.advance({ hours: 30 }, { sweepEvery: 1 });
    expect(isLive(tenant.current('st-b').value)).toBe(true);
  });
});

describe('a secret that owes nothing', () => {
  it.each([
    ['was never rotated', () => {}],
    ['never was opted in', () => retag((tags) => without(tags, 'rotator', 'rotator-target'))],
  ])(
    'OPS-05: rotator=none on one that %s raises nothing and is looked at no more',
    async (_what, before) => {
      tenant.seed('st-a', { account: 'acct1' });
      before();
      await tenant.sweepAndSettle();
      none();
      await tenant.sweepAndSettle();
      const calls = callsTo(tenant, 'keyvault.get').length;
      await tenant.advance({ days: 70 }, { sweepEvery: walk({ whole: 12, short: 140 }) });
      expect(callsTo(tenant, 'keyvault.get').length).toBe(calls);
      expect(tenant.versions('st-a')).toHaveLength(1);
      expect(tenant.alerts()).toEqual([]);
      await check();
    },
  );

  it("OPS-05: a stranger's secret is not to be seen", async () => {
    kv1().set('st-a', 'a value of a person', { tags: { rotator: 'none' } });
    await tenant.sweepAndSettle();
    await looked();
    expect((await tenant.request(path)).status).toBe(404);
    expect((await tenant.request(`${path}/history`)).status).toBe(404);
    expect((await tenant.rotate('st-a', {})).status).toBe(404);
    expect(await listed()).toEqual([]);
  });
});

describe('an exemption', () => {
  const day = (days: number): string =>
    new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const exempt = (text: string): Tags => ({ rotator: 'none', 'rotator-exempt': text });

  it('OPS-05: is listed also where it lasts for years', async () => {
    tenant.seed('st-a', { account: 'acct1', tags: exempt(`reason=vendor;until=${day(3 * 365)}`) });
    await tenant.sweepAndSettle();
    expect(await listed('?state=exempt')).toMatchObject([
      { secret: 'st-a', exempt: { reason: 'vendor' } },
    ]);
    expect((await detail()).state).toBe('exempt');
  });

  it('OPS-05: is listed with its reason and its end, raises nothing before that, and one alert after it', async () => {
    const until = day(30);
    tenant.seed('st-a', {
      account: 'acct1',
      tags: { ...exempt(`reason=vendor%20key;until=${until};ticket=CHG-7`), owner: 'shop' },
    });
    await tenant.sweepAndSettle();
    const end = new Date(Date.parse(until) + 86_400_000).toISOString();
    const [shown] = await listed('?state=exempt');
    expect(shown).toMatchObject({
      secret: 'st-a',
      exempt: { reason: 'vendor key', until: end, ticket: 'CHG-7' },
    });
    expect(shown?.owner).toContain('shop');
    expect(await detail()).toMatchObject({ state: 'exempt', last: { reason: 'exempt' } });
    await tenant.advance({ days: 29 }, { sweepEvery: walk({ whole: 12, short: 87 }) });
    expect(tenant.alerts()).toEqual([]);
    await tenant.advance({ days: 5 }, { sweepEvery: 6 });
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'exempt-ended', by: 'secret owner' }]);
    expect(await detail()).toMatchObject({ state: 'refused', exempt: { until: end } });

    none({ 'rotator-exempt': `reason=vendor%20key;until=${day(60)};ticket=CHG-8` });
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(await detail()).toMatchObject({ state: 'exempt', exempt: { ticket: 'CHG-8' } });
    expect(tenant.versions('st-a')).toHaveLength(1);
    await check();
  });

  it('OPS-05: does not keep what is owed alive', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    retag((tags) => ({ ...tags, ...exempt(`reason=moved;until=${day(90)};ticket=CHG-9`) }));
    await tenant.advance({ hours: 4 }, { sweepEvery: 1 });
    expect(await detail()).toMatchObject({
      state: 'leaving',
      owed: ['key1'],
      exempt: { ticket: 'CHG-9' },
    });
    await tenant.advance({ hours: 48 }, { sweepEvery: 3 });
    expect(isLive(v1.value)).toBe(false);
    expect(await detail()).toMatchObject({ state: 'exempt', owed: [] });
    expect(tenant.alerts()).toEqual([]);
    await check();
  });

  it.each([
    ['until=2027-13-01;reason=x', /"until=2027-13-01"/],
    ['until=2027-02-30;reason=x', /"until=2027-02-30"/],
    ['until=soon;reason=x', /"until=soon"/],
    ['reason=x', /lacks until=/],
    ['until=2030-01-01', /lacks reason=/],
    ['reason=;until=2030-01-01', /"reason="/],
    ['reason=%zz;until=2030-01-01', /"reason=%zz"/],
    ['reason=x;until=2030-01-01;until=2031-01-01', /"until=2031-01-01"/],
    ['reason=x;until=2030-01-01;by=me', /"by=me"/],
    ['reason=x;until=2030-01-01;ticket=a b', /"ticket=a b"/],
    ['forever', /"forever"/],
  ])('OPS-05: that does not parse is bad-tags and names the part: %s', async (text, part) => {
    tenant.seed('st-a', { account: 'acct1', tags: exempt(text) });
    await tenant.sweepAndSettle();
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'bad-tags', detail: expect.stringMatching(part) },
    ]);
    expect((await detail()).state).toBe('refused');
    await tenant.advance({ days: 3 }, { sweepEvery: 12 });
    expect(tenant.alerts('st-a')).toHaveLength(1);
    await check();
  });

  it('OPS-05: that does not parse is said while the rest is still worked off', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    retag((tags) => ({ ...tags, ...exempt('until=soon') }));
    await tenant.advance({ hours: 52 }, { sweepEvery: 4 });
    expect(isLive(v1.value)).toBe(false);
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'bad-tags', detail: expect.stringMatching(/"until=soon"/) },
    ]);
    expect((await detail()).state).toBe('refused');
  });

  it('OPS-05: counts for nothing on a secret that is opted in', async () => {
    const v1 = await due(tenant, 'st-a', {
      account: 'acct1',
      tags: { 'rotator-exempt': 'reason=x;until=2099-01-01;ticket=y' },
    });
    await tenant.sweepAndSettle();
    expect(tenant.current('st-a').id).not.toBe(v1.id);
    expect((await detail()).state).toBe('grace');
    await check();
  });
});
