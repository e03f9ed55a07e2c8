/** What people do with the command line, told as they see it: each story is a transcript in `golden/`, the product behind it the real one. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { secretActions } from '../../local/azure/grants.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { Cli } from './cli.ts';

let tenant: Tenant;
let cli: Cli;
beforeAll(async () => {
  tenant = await startTenant();
  cli = new Cli(tenant);
  await cli.start();
});
beforeEach(() => tenant.clear());
afterAll(async () => {
  await cli.stop();
  await tenant.stop();
});

/** Secrets that have been there for some days, and looks at them. */
async function seeded(): Promise<void> {
  for (const [name, account] of [
    ['st-a', 'acct1'],
    ['st-b', 'acct2'],
  ] as const) {
    const version = tenant.seed(name, { account, tags: { owner: 'team-orders' } });
    version.created -= 3 * 86_400;
  }
  tenant.seed('no-consent', { vault: 'kv2', account: 'acct3' });
  tenant.azure.setDescription(
    { scope: tenant.azure.account('acct3').id },
    'keyturn storage-account-key: kv2/another',
  );
  await tenant.sweepAndSettle();
}

it('a rotation, from the list to the end of its grace', async () => {
  await seeded();
  await cli.run('list');
  await cli.run('plan kv1/st-a');
  await cli.run('rotate kv1/st-a --note "quarterly" --ticket CHG-4711 --wait');
  await cli.run('show kv1/st-a');
  const again = await cli.run('rotate kv1/st-a');
  await cli.run('revoke kv1/st-a --at now --ticket INC-4711 --wait');
  await cli.run('history kv1/st-a');
  expect(again.exit).toBe(3);
  expect(tenant.regenerations('acct1')).toBe(2);
  await cli.golden('rotation');
  await tenant.check({ noGrace: ['st-a'] });
});

it('at a narrow terminal, and without colours: no wider than it is', async () => {
  await seeded();
  const terminal = { columns: 90 };
  await cli.run('list', terminal);
  await cli.run('rotate kv1/st-a --wait', terminal);
  const shown = await cli.run('show kv1/st-a', terminal);
  await cli.run('list', { columns: 60, env: { NO_COLOR: '1' } });
  expect(shown.out).toContain('\x1b[33mgrace');
  await cli.golden('narrow');
});

it('an incident is held and resumed', async () => {
  await seeded();
  await cli.run('hold kv1/st-a --until 7d --note "release weekend" --wait');
  const refused = await cli.run('rotate kv1/st-a');
  await cli.run('resume kv1/st-a --wait');
  const done = await cli.run('rotate kv1/st-a --wait -o jsonl');
  expect([refused.exit, done.exit, JSON.parse(done.out).phase]).toEqual([3, 0, 'proved']);
  await cli.golden('hold');
});

it('a secret is opted in by its owner, the consent is printed and given, and it is rotated', async () => {
  const { id } = tenant.azure.account('acct1');
  tenant.azure.vault('kv1').set('fresh', tenant.azure.account('acct1').key('key1'), {
    tags: { Owner: 'team-a', cost: '4711' },
  });
  tenant.azure.setDescription({ scope: id }, '');
  await tenant.sweepAndSettle();
  const before = tenant.versions('fresh').length;
  await cli.run(`tag kv1/fresh --rotator storage-acount-key --target ${id}`);
  await cli.run(
    `tag kv1/fresh --rotator storage-account-key --target ${id} --policy every=90d;grce=48h`,
  );
  const owned = `tag kv1/fresh --rotator storage-account-key --target ${id} --set owner=team-b`;
  await cli.run(owned, { isPipe: true });
  const refused = await cli.run(owned, {
    columns: 120,
    answer: () => 'n',
  });
  expect([refused.exit, tenant.current('fresh').tags]).toEqual([
    3,
    { Owner: 'team-a', cost: '4711' },
  ]);
  for (const form of ['bicep', 'terraform'])
    await cli.run(
      `tag kv1/fresh --rotator storage-account-key --target ${id} --as ${form} --dry-run`,
    );
  await cli.run(`${owned} --yes`);
  expect(tenant.versions('fresh')).toHaveLength(before);
  expect(tenant.current('fresh').tags).toEqual({
    Owner: 'team-b',
    cost: '4711',
    rotator: 'storage-account-key',
    'rotator-target': id,
  });
  await cli.run('plan kv1/fresh');
  cli.say('the owner of the target consents');
  tenant.azure.setDescription({ scope: id }, 'keyturn storage-account-key: kv1/fresh');
  await tenant.advance({ hours: 49 });
  await tenant.sweepAndSettle();
  await cli.run('rotate kv1/fresh --wait');
  expect(tenant.stateOf(tenant.current('fresh')).cred).toBe('key2');
  expect(tenant.current('fresh').tags).toMatchObject({ Owner: 'team-b', cost: '4711' });
  await cli.golden('opting-in');
});

it('tags are not lost where a rotation stores a new version, or somebody adds one, between the look and the yes', async () => {
  await seeded();
  const nobody = await cli.run('tag kv1/st-a --set cost=4711', { isPipe: true });
  expect([nobody.exit, tenant.current('st-a').tags]).toEqual([
    2,
    expect.not.objectContaining({ cost: '4711' }),
  ]);
  const { exit, err } = await cli.run('tag kv1/st-a --set cost=4711', {
    columns: 100,
    answer: async () => {
      await tenant.rotate('st-a');
      await tenant.settle();
      const { tags = {} } = tenant.current('st-a');
      tenant.azure.vault('kv1').retag('st-a', '', { ...tags, added: 'meanwhile' });
      return 'y';
    },
  });
  expect([exit, err]).toEqual([0, expect.stringContaining('Written to version')]);
  expect(tenant.current('st-a').tags).toMatchObject({
    ...{ owner: 'team-orders', cost: '4711', added: 'meanwhile', rotator: 'storage-account-key' },
    'rotator-state': expect.stringContaining('cred=key2'),
  });
  await cli.golden('tags');
  await tenant.check();
});

it('a secret that nobody can rotate is exempt, with reason and end', async () => {
  tenant.azure.vault('kv1').set('partner', 'made by a partner', { tags: { owner: 'team-a' } });
  await tenant.sweepAndSettle();
  await cli.run('exempt kv1/partner --until 2027-02-30 --reason "the partner; sets=it" --yes');
  await cli.run(
    'exempt kv1/partner --until 2039-06-30 --reason "the partner; sets=it" --ticket CHG-1 --yes',
  );
  await tenant.advance({ hours: 2 });
  await tenant.sweepAndSettle();
  await cli.run('list --state exempt');
  await cli.run('show kv1/partner');
  expect(tenant.current('partner').tags).toEqual({
    owner: 'team-a',
    rotator: 'none',
    'rotator-exempt': 'reason=the%20partner%3B%20sets%3Dit;until=2039-06-30;ticket=CHG-1',
  });
  await cli.golden('exempt');
});

it('a rotation is undone an hour later; after a revocation it is not', async () => {
  await seeded();
  await cli.run('rotate kv1/st-a --wait');
  cli.say('an hour later');
  await tenant.advance({ hours: 1 });
  await cli.run('undo kv1/st-a --note "orders-api rejects it" --ticket INC-4711 --wait');
  expect(tenant.stateOf(tenant.current('st-a')).cred).toBe('key1');
  await cli.run('show kv1/st-a');
  await cli.run('rotate kv1/st-b --wait');
  await cli.run('revoke kv1/st-b --at now --wait');
  const refused = await cli.run('undo kv1/st-b');
  expect([refused.exit, tenant.stateOf(tenant.current('st-b')).cred]).toEqual([3, 'key2']);
  await cli.golden('undo');
  await tenant.check({ noGrace: ['st-b'] });
});

it('what nobody watches is found', async () => {
  await seeded();
  const soon = new Date(Date.now() + 12 * 86_400_000);
  tenant.azure
    .vault('kv2')
    .set('smtp-password', 'made by a person', { tags: { owner: 'team-mail' }, expiresOn: soon });
  await tenant.advance({ hours: 1 });
  await tenant.sweepAndSettle();
  await cli.run('list --summary');
  await cli.run('list --unmanaged --expires 30d');
  await cli.golden('unmanaged');
});

it("a team's caller sees one vault, and rotates there", async () => {
  await seeded();
  const oid = '22222222-aaaa-4bbb-8ccc-dddddddddddd';
  tenant.azure.vault('kv1').tags = { 'keyturn-operators': oid };
  tenant.configure();
  const team = { oid, roles: [] };
  await cli.run('list', team);
  await cli.run('rotate kv1/st-a --wait', team);
  const refused = [
    await cli.run('rotate kv1/st-b --revoke now', team),
    await cli.run('show kv2/no-consent', team),
    await cli.run('ready', team),
    await cli.run('list', { roles: [], groups: [] }),
  ];
  expect(refused.map(({ exit }) => exit)).toEqual([4, 4, 4, 4]);
  await cli.golden('team');
});

it('the doctor finds a fault before the day, and says what helps', async () => {
  await seeded();
  tenant.azure.revokeGrant({
    principalId: tenant.azure.world.identity.oid,
    scope: tenant.azure.vault('kv1').id,
  });
  tenant.azure.grant({
    ...{ principalId: tenant.azure.world.identity.oid, scope: tenant.azure.vault('kv1').id },
    actions: ['Microsoft.KeyVault/vaults/read', 'Microsoft.Authorization/permissions/read'],
    dataActions: secretActions(['getSecret/action', 'readMetadata/action']),
  });
  tenant.configure();
  tenant.azure.calls.length = 0;
  const one = await cli.run('doctor kv1/st-a');
  const all = await cli.run('doctor -o csv');
  await cli.run('doctor --vault kv2');
  expect([one.exit, one.out.includes('problem'), all.exit]).toEqual([3, true, 3]);
  expect(tenant.azure.writes()).toEqual([]);
  await cli.golden('doctor');
});

it('a freeze over a due date: held by one line, told what comes due, released afterwards', async () => {
  await seeded();
  await tenant.goTo(new Date(tenant.dueOn('st-a').getTime() - 2 * 86_400_000));
  await cli.run('freeze --until 7d');
  const set = await cli.run('freeze --until 7d --note "year end" --ticket CHG-4711');
  expect(set.out).toMatch(/come due meanwhile +\d/);
  await cli.run('freeze');
  await tenant.advance({ days: 3 }, { sweepEvery: 12 });
  expect(tenant.targetWrites()).toBe(0);
  await cli.run('list --state due,held,waiting');
  const refused = await cli.run('rotate kv1/st-a');
  expect(refused.exit).toBe(3);
  cli.say('the week is over');
  await tenant.advance({ days: 5 }, { sweepEvery: 12 });
  expect([tenant.regenerations('acct1'), tenant.regenerations('acct2')]).toEqual([1, 1]);
  await cli.run('list --vault kv1');
  await cli.golden('freeze');
});

it('a hold of a vault is lifted by its id', async () => {
  await seeded();
  const twice = await cli.run('hold kv1/st-a --vault kv1 --until 2d --note x --ticket y');
  const without = await cli.run('hold --vault kv1 --until 2d');
  const { out } = await cli.run(
    'hold --vault kv1 --except kv1/st-b --until 2d --note "migration" --ticket CHG-1 -o json',
  );
  const { id, except } = JSON.parse(out) as { id: string; except: string[] };
  expect([twice.exit, without.exit, except]).toEqual([2, 2, ['kv1/st-b']]);
  const lifted = await cli.run(`resume ${id}`);
  const again = await cli.run(`resume ${id}`);
  expect([lifted.exit, again.exit]).toEqual([0, 4]);
  await cli.golden('hold-vault');
});

it('what is due waits for an approval, and whoever rotates it approves', async () => {
  tenant.seed('st-c', { account: 'acct1', policy: 'approve=yes', tags: { owner: 'team-orders' } });
  await tenant.sweepAndSettle();
  await tenant.goTo(tenant.dueOn('st-c'));
  await tenant.sweepAndSettle();
  expect(tenant.targetWrites()).toBe(0);
  await tenant.advance({ hours: 2 });
  await tenant.sweepAndSettle();
  const { out } = await cli.run('list --state approval');
  expect(out).toContain('kv1/st-c');
  await cli.run('show kv1/st-c');
  await cli.run('rotate kv1/st-c --note "approved by the owner" --ticket CHG-4711 --wait');
  expect(tenant.regenerations('acct1')).toBe(1);
  await cli.run('history kv1/st-c');
  await cli.golden('approval');
});

it('a key leaked that two secrets hold: both get another one, and the old one is refused', async () => {
  const account = tenant.azure.account('acct5');
  const old = account.key('key1');
  for (const vault of ['kv1', 'kv2'])
    tenant.seed('shared', { vault, account: 'acct5' }).created -= 3 * 86_400;
  await tenant.sweepAndSettle();
  const bare = await cli.run('leaked kv1/shared');
  await cli.run('leaked kv1/shared --note "in a build log" --ticket INC-4711 --dry-run');
  const { out, exit } = await cli.run(
    'leaked kv1/shared --note "in a build log" --ticket INC-4711 --wait',
  );
  expect([bare.exit, exit, /refused on +\S/.test(out)]).toEqual([2, 0, true]);
  await tenant.settle();
  await cli.run('list');
  expect([account.key('key1'), account.key('key2')]).not.toContain(old);
  for (const vault of ['kv1', 'kv2'])
    expect(tenant.current('shared', vault).value).toBe(account.key('key2'));
  await cli.golden('leak-key');
});

it('a client secret leaked: it is removed, and Entra ID refuses it', async () => {
  tenant.configure({ KEYTURN_ROTATORS: 'storage-account-key,app-registration' });
  const application = tenant.azure.ownedApplication('portal', 'kv1/portal');
  const endDateTime = new Date(Date.now() + 200 * 86_400_000).toISOString();
  const { secretText = '' } = application.addPassword({
    displayName: 'made by a person',
    endDateTime,
  });
  application.spreading = { addSeconds: 0, removeSeconds: 0 };
  const tags = {
    rotator: 'app-registration',
    'rotator-target': application.appId,
    'rotator-options': 'revoke-adopted=true',
    owner: 'team-web',
  };
  tenant.azure.vault('kv1').set('portal', secretText, { tags }).created -= 3 * 86_400;
  await tenant.sweepAndSettle();
  const { out, exit } = await cli.run(
    'leaked kv1/portal --note "posted in a chat" --ticket INC-4712 --wait',
  );
  expect([exit, /refused on +\S/.test(out), application.judge(secretText)]).toEqual([
    0,
    true,
    'wrong',
  ]);
  await cli.run('history kv1/portal');
  await cli.golden('leak-client-secret');
});

it('from a suggestion through tags and consent to a rotation', async () => {
  const { id } = tenant.azure.account('acct4');
  const key = tenant.azure.account('acct4').key('key1');
  const zone = tenant.azure.url('core').replace('https://', '');
  const text = `DefaultEndpointsProtocol=https;AccountName=acct4;AccountKey=${key};EndpointSuffix=${zone}`;
  const { identity, subscriptionId } = tenant.azure.world;
  tenant.azure.grant({
    ...{ principalId: identity.oid, scope: `/subscriptions/${subscriptionId}` },
    actions: ['Microsoft.ResourceGraph/resources/read', 'Microsoft.Storage/storageAccounts/read'],
  });
  tenant.azure.vault('kv1').set('jobs-storage', text, { tags: { owner: 'team-jobs' } });
  tenant.azure.setDescription({ scope: id }, '');
  await cli.run('suggest --vault kv1');
  tenant.configure({ KEYTURN_SUGGEST: 'values' });
  await tenant.sweepAndSettle();
  await tenant.advance({ hours: 49 }, { sweepEvery: 24 });
  const { out } = await cli.run('suggest --vault kv1');
  const [proposed = ''] = out.match(/^keyturn tag .*$/m) ?? [];
  await cli.run(`${proposed.replace('keyturn ', '')} --yes`);
  cli.say('the owner of acct4 runs that line');
  tenant.azure.setDescription({ scope: id }, 'keyturn storage-account-key: kv1/jobs-storage');
  await tenant.sweepAndSettle();
  const done = await cli.run('rotate kv1/jobs-storage --wait');
  expect([done.exit, tenant.stateOf(tenant.current('jobs-storage')).cred]).toEqual([0, 'key2']);
  expect(tenant.current('jobs-storage').tags).toMatchObject({ owner: 'team-jobs' });
  for (const value of [key, tenant.azure.account('acct4').key('key2')])
    expect(out).not.toContain(value);
  await cli.golden('suggestion');
});

it("the month's report does not take a secret for young because its value was written again", async () => {
  const [year, month] = [new Date().getUTCFullYear(), new Date().getUTCMonth()];
  await tenant.goTo(new Date(Date.UTC(year, month + 1, 5, 12)));
  await seeded();
  await tenant.advance({ days: 12 }, { sweepEvery: 24 });
  await cli.run('rotate kv1/st-b --ticket CHG-1 --wait');
  cli.say('somebody writes the value of st-a again, as a new version');
  tenant.seed('st-a', { account: 'acct1', tags: { owner: 'team-orders' } });
  await tenant.advance({ hours: 2 });
  await tenant.sweepAndSettle();
  const report = await cli.run('report');
  expect(report.out).toMatch(/kv1\/st-a +compliant +15 d/);
  await cli.run('report --failing -o jsonl');
  await cli.run('report -o csv');
  await cli.golden('report');
});
