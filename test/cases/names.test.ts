/** Case VAL-09: names that Azure allows are taken wherever an id may stand, and one that cannot be read ends with itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';

const SEARCH = 'Microsoft.Search/searchServices';
const DANISH = 'rg-Instruktører';
const GREEK = 'rg.Λόγοι(1)_ß';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    vaults: [
      { name: 'kv1', resourceGroup: DANISH },
      { name: 'kv2', resourceGroup: GREEK },
    ],
    accounts: [
      { name: 'acct1', resourceGroup: DANISH },
      { name: 'acct2', resourceGroup: 'データ-экспорт' },
      { name: 'acct3', resourceGroup: DANISH, consent: '' },
    ],
    keyed: [
      {
        type: SEARCH,
        name: 'search1',
        resourceGroup: GREEK,
        consent: 'keyturn search-admin-key: kv1/*',
      },
    ],
    sqlServers: [
      {
        ...{
          name: 'sql1',
          resourceGroup: DANISH,
          logins: { app_a: 'Aa0-first-here-99', app_b: 'Aa0-other-here-99' },
        },
        consent: 'keyturn sql-login: kv1/db-a(app_a,app_b)',
      },
    ],
    env: { KEYTURN_ROTATORS: 'storage-account-key,search-admin-key,sql-login' },
  });
});
beforeEach(async () => {
  await tenant.clear();
  tenant.azure.world.resourceGroups.add('rg-keyturn');
});
afterAll(() => tenant.stop());

async function look(
  name: string,
  tags: Record<string, string>,
  value: string,
  vault = 'kv1',
): Promise<void> {
  tenant.seed(name, { vault, value, tags });
  await tenant.goTo(tenant.dueOn(name, { vault }));
  await tenant.event(name, { vault });
  await tenant.settle();
}
/** Paths as they went out to ARM, less what consists of letters, digits and marks that need no encoding. */
const pathsSent = () =>
  tenant.azure.calls.filter(({ host }) => host.startsWith('management.')).map(({ path }) => path);

describe('a resource group in letters of any script', () => {
  it.each(['acct1', 'acct2'])(
    'VAL-09: %s, by its full id: rotated, revoked, and percent-encoded on the way',
    async (name) => {
      const account = tenant.azure.account(name);
      const old = account.key('key1');
      await look('st-a', { rotator: 'storage-account-key', 'rotator-target': account.id }, old);
      expect(tenant.current('st-a').value).toBe(account.key('key2'));
      await tenant.advance({ hours: 49 }, { sweepEvery: 6 });
      expect(account.accepts(old)).toBe(false);
      expect(pathsSent().filter((path) => !/^[\w./%()$-]+$/.test(path))).toEqual([]);
      await tenant.check();
    },
  );

  it.each([
    [
      'the short form',
      (id: string) =>
        id.replace(/^\/subscriptions\/(.+?)\/resourceGroups\/(.+?)\/.*\/(.+)$/, '$1/$2/$3'),
    ],
    ['capitals', (id: string) => id.toUpperCase()],
    ['small letters', (id: string) => id.toLowerCase()],
  ])('VAL-09: by %s it is the same target', async (_, spelt) => {
    const account = tenant.azure.account('acct1');
    tenant.seed('st-b', { account: 'acct1' });
    await tenant.event('st-b');
    await tenant.settle();
    const target = spelt(account.id);
    await look(
      'st-a',
      { rotator: 'storage-account-key', 'rotator-target': target },
      account.key('key1'),
    );
    await tenant.event('st-b');
    await tenant.settle();
    expect(tenant.current('st-a').value).toBe(account.key('key2'));
    expect(tenant.current('st-b').value).toBe(account.key('key2')); // joined: the two know of each other
    expect(tenant.regenerations('acct1')).toBe(1);
    await tenant.check();
  });

  it('VAL-09: a two-key kind in a group with Greek letters, a point, parentheses and ß', async () => {
    const search = tenant.azure.keyed(SEARCH, 'search1');
    await look(
      'se-a',
      { rotator: 'search-admin-key', 'rotator-target': search.id },
      search.key('primary'),
    );
    expect(tenant.current('se-a').value).toBe(search.key('secondary'));
    await tenant.advance({ hours: 49 }, { sweepEvery: 6 });
    await tenant.check();
  });

  it('VAL-09: logins of a SQL server in such a group', async () => {
    const { id } = tenant.azure.sqlServer('sql1');
    const text = (login: string, password: string) =>
      `Server=tcp:sql1.database.keyturn.localhost,${tenant.azure.world.tdsPort};User ID=${login};Password=${password};Encrypt=True`;
    const tags = {
      rotator: 'sql-login',
      'rotator-target': id,
      'rotator-options': 'logins=app_a,app_b',
    };
    await look('db-a', tags, text('app_a', 'Aa0-first-here-99'));
    expect(tenant.current('db-a').value).toContain('User ID=app_b;');
  });

  it('VAL-09: consent at the group and in the settings names it in any spelling', async () => {
    const { id } = tenant.azure.account('acct3');
    await look(
      'st-c',
      { rotator: 'storage-account-key', 'rotator-target': id },
      tenant.azure.account('acct3').key('key1'),
    );
    expect(await tenant.row('st-c')).toMatchObject({ reason: 'no-consent' });
    tenant.configure({
      KEYTURN_CONSENT: JSON.stringify({ [id.toUpperCase()]: 'storage-account-key: kv1/st-c' }),
    });
    await tenant.rotate('st-c');
    await tenant.settle();
    expect(tenant.current('st-c').value).toBe(tenant.azure.account('acct3').key('key2'));
  });

  it('VAL-09: a dry run and readiness ask about it', async () => {
    const account = tenant.azure.account('acct1');
    tenant.seed('st-a', { account: 'acct1', value: account.key('key1') });
    await tenant.goTo(tenant.dueOn('st-a'));
    const { plan } = Object(await (await tenant.rotate('st-a', { dryRun: true })).json());
    expect(plan).toMatchObject({ accepted: true });
    expect(plan.checks.filter(({ passed }: { passed: boolean }) => !passed)).toEqual([]);
    expect(JSON.stringify(plan.checks)).toContain('"rights"');
    const { ready, vaults } = Object(await (await tenant.request('/api/readiness')).json());
    expect({ ready, vaults }).toMatchObject({
      ready: true,
      vaults: [{ vault: 'kv1' }, { vault: 'kv2' }],
    });
  });

  it.each([
    ['rg-%69nstrukt', 'an encoded letter that needs none'],
    ['rg-\u0000', 'a control character'],
    ['rg-\u202egr', 'a mark that turns the text around'],
    ['rg\u2215a', 'a slash of another alphabet'],
    ['rg-\u212a', 'the sign for kelvin, which is no k'],
    ['rg-ſ', 'a long s'],
    ['rg-\u{1d51e}', 'a letter of mathematics'],
    ['..', 'dots'],
    ['rg-ø.', 'a point at the end'],
    ['rg ø', 'a blank'],
  ])('SEC-01: %j is refused (%s), and nothing is asked of Azure', async (group) => {
    const id = tenant.azure.account('acct1').id.replace(DANISH, group);
    tenant.seed('st-a', { account: 'acct1', tags: { 'rotator-target': id } });
    tenant.azure.calls.length = 0;
    await tenant.event('st-a');
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'bad-tags' });
    expect(pathsSent().filter((path) => /storageaccounts/i.test(path))).toEqual([]);
  });
});

describe('vaults in such groups', () => {
  it('VAL-09: those that discovery finds are served, by event, too', async () => {
    const { world } = tenant.azure;
    const scope = `/subscriptions/${world.subscriptionId}`;
    const actions = ['Microsoft.ResourceGraph/resources/read', 'Microsoft.KeyVault/vaults/read'];
    tenant.azure.grant({ principalId: world.identity.oid, scope, actions });
    for (const vault of world.vaults.values()) vault.tags = { keyturn: 'keyturn' };
    tenant.configure({ KEYTURN_VAULTS: '', KEYTURN_SUBSCRIPTIONS: world.subscriptionId });
    await tenant.sweepAndSettle();
    const account = tenant.azure.account('acct2');
    await look(
      'st-a',
      { rotator: 'storage-account-key', 'rotator-target': account.id },
      account.key('key1'),
      'kv2',
    );
    expect(tenant.current('st-a', 'kv2').value).toBe(account.key('key2'));
    expect(tenant.logs('event skipped')).toEqual([]);
  });

  it('VAL-09: one entry that is no id is told and left out; the others are served', async () => {
    const [kv1, kv2] = [tenant.azure.vault('kv1').id, tenant.azure.vault('kv2').id];
    const broken = kv2.replace(GREEK, 'rg-?');
    tenant.configure({ KEYTURN_VAULTS: `${broken},${kv1}`, KEYTURN_SAMPLE_TAGS: 'kv2' });
    const account = tenant.azure.account('acct1');
    await look(
      'st-a',
      { rotator: 'storage-account-key', 'rotator-target': account.id },
      account.key('key1'),
    );
    expect(tenant.current('st-a').value).toBe(account.key('key2'));
    const { ready, vaults } = Object(await (await tenant.request('/api/readiness')).json());
    expect(ready).toBe(false);
    expect(vaults).toMatchObject([
      { vault: 'kv1', ready: true },
      {
        vault: expect.stringContaining('/subscriptions/'),
        ready: false,
        reason: 'settings',
        detail: expect.stringContaining('KEYTURN_VAULTS'),
      },
    ]);
    expect(tenant.alerts()).toMatchObject([
      { reason: 'settings', count: 1, cause: expect.stringContaining('all others are') },
    ]);
    tenant.seed('st-b', { vault: 'kv2', account: 'acct2' });
    expect((await tenant.rotate('st-b', {}, { vault: 'kv2' })).status).toBe(404);
  });
});
