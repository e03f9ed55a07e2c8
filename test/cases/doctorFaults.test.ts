/**
 * The doctor finds each fault that keeps a rotation from working on its day, with its own remedy and without a write; where the local
 * tenant can do what the remedy says, doing it clears the fault.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { DoctorBody } from '../../src/api/doctorBody.ts';
import { startTenant, type Tenant } from './harness.ts';

const PASSWORDS = { app_a: 'Aa0-first-of-a-4711', app_b: 'Bb0-first-of-b-4712' };
const REDIS = 'Microsoft.Cache/redis';
const ROTATORS = 'storage-account-key,redis-key,sql-login,sql-admin-password,app-registration';
let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [{ name: 'acct1' }],
    keyed: [{ type: REDIS, name: 'redis1', consent: 'keyturn redis-key: kv1/a' }],
    sqlServers: [
      {
        ...{ name: 'sql1', logins: PASSWORDS, administratorPassword: 'Zz0-first-of-chief-1' },
        consent: 'keyturn sql-login: kv1/a(app_a,app_b); keyturn sql-admin-password: kv1/a',
      },
    ],
    env: { KEYTURN_ROTATORS: ROTATORS },
  });
});
beforeEach(async () => {
  await tenant.clear();
  tenant.azure.world.identity.graphRoles = ['Application.ReadWrite.OwnedBy'];
  tenant.azure
    .sqlServer('sql1')
    .entraLogins.set(oid(), new Set(['ALTER ANY LOGIN', 'ALTER ANY USER']));
  await tenant.sweepAndSettle(); // the index
});
afterAll(() => tenant.stop());

const oid = () => tenant.azure.world.identity.oid;
const account = () => tenant.azure.account('acct1');
const group = () => account().id.split('/providers/')[0] ?? '';
const subscription = () => `/subscriptions/${tenant.azure.world.subscriptionId}`;

/** The identity loses what fits the pattern, wherever it was given. */
function lose(pattern: RegExp): void {
  for (const grant of tenant.azure.world.roles.all)
    for (const plane of ['actions', 'dataActions'] as const)
      if (grant.principalId === oid())
        grant[plane] = (grant[plane] ?? []).filter((action) => !pattern.test(action));
}
/** What a reader of the whole subscription may see: locks above targets, and system topics. */
const read = () =>
  tenant.azure.grant({ principalId: oid(), scope: subscription(), actions: ['*/read'] });

const storage = () => void tenant.seed('a', { account: 'acct1' });
const redis = () => {
  const found = tenant.azure.keyed(REDIS, 'redis1');
  const tags = { rotator: 'redis-key', 'rotator-target': found.id };
  tenant.seed('a', { value: found.key('primaryKey'), tags });
};
const logins = () => {
  const tags = {
    rotator: 'sql-login',
    'rotator-target': tenant.azure.sqlServer('sql1').id,
    'rotator-options': 'logins=app_a,app_b;field=password;login-field=username',
  };
  tenant.seed('a', {
    value: JSON.stringify({ username: 'app_a', password: PASSWORDS.app_a }),
    tags,
  });
};
const chief = () => {
  const tags = {
    rotator: 'sql-admin-password',
    'rotator-target': tenant.azure.sqlServer('sql1').id,
  };
  tenant.seed('a', { value: 'Zz0-first-of-chief-1', tags });
};
const application = () => {
  const app = tenant.azure.ownedApplication('portal', 'kv1/a');
  const { secretText } = app.addPassword({ displayName: 'by hand' });
  tenant.seed('a', {
    value: secretText,
    tags: { rotator: 'app-registration', 'rotator-target': app.appId },
  });
};

interface Fault {
  readonly seed: () => void;
  readonly harm: () => unknown;
  readonly reason: string;
  readonly check: string;
  readonly detail?: RegExp;
  readonly remedy: RegExp;
  readonly who: string;
  /** What the remedy says can be done here. */
  readonly heals?: true;
}

const RIGHTS = {
  check: 'rights',
  reason: 'target-forbidden',
  who: 'target owner',
  heals: true,
} as const;
const GIVES =
  /^az deployment group create .*rotator=[\w-]+ && infra\/scripts\/consent\.sh --target \/subscriptions/;
const VAULT = { check: 'rights', reason: 'vault-forbidden', who: 'operator', heals: true } as const;
const OFFICER =
  /^az role assignment create .* --role 'Key Vault Secrets Officer' --scope \/subscriptions/;

const FAULTS: Record<string, Fault> = {
  'no right to regenerate': {
    ...{ ...RIGHTS, seed: storage, harm: () => lose(/storageAccounts\/regenerateKey/i) },
    ...{ detail: /regenerateKey\/action/, remedy: GIVES },
  },
  'no right to regenerate, of a two-key kind': {
    ...{ ...RIGHTS, seed: redis, harm: () => lose(/redis\/regenerateKey/i) },
    ...{ detail: /Microsoft\.Cache\/redis\/regenerateKey/, remedy: GIVES },
  },
  'no right to list keys': {
    ...{ ...RIGHTS, seed: storage, harm: () => lose(/storageAccounts\/listKeys/i) },
    ...{ detail: /listKeys\/action/, remedy: GIVES },
  },
  'no right to change a server': {
    ...{ ...RIGHTS, seed: chief, harm: () => lose(/servers\/write/) },
    ...{ detail: /Microsoft\.Sql\/servers\/write/, remedy: GIVES },
  },
  'no right to store a version': {
    ...{ ...VAULT, seed: storage, harm: () => lose(/secrets\/setSecret/) },
    ...{ detail: /setSecret\/action/, remedy: OFFICER },
  },
  'no right to write tags': {
    ...{ ...VAULT, seed: storage, harm: () => lose(/secrets\/update/) },
    ...{ detail: /update\/action/, remedy: OFFICER },
  },
  'a role that takes out what it gave': {
    ...{ ...RIGHTS, seed: storage },
    harm() {
      for (const grant of tenant.azure.world.roles.all)
        if (grant.principalId === oid() && grant.scope === account().id)
          Object.assign(grant, {
            actions: ['*'],
            notActions: ['Microsoft.Storage/*/regenerateKey/action'],
          });
    },
    ...{ detail: /regenerateKey\/action/, remedy: GIVES },
  },
  'a ReadOnly lock at the group above': {
    ...{
      seed: storage,
      harm: () => [read(), tenant.azure.world.locks.set(group())],
      check: 'locks',
    },
    ...{ reason: 'scope-locked', detail: /is ReadOnly/, who: 'target owner', heals: true },
    remedy: /^az lock delete --ids \/subscriptions\/\S+\/resourceGroups\/\S+\/locks\/lock-\w+$/,
  },
  'a ReadOnly lock at the subscription, over what is changed by a PATCH': {
    ...{
      seed: chief,
      harm: () => [read(), tenant.azure.world.locks.set(subscription())],
      check: 'locks',
    },
    ...{ reason: 'scope-locked', who: 'target owner', heals: true },
    remedy: /^az lock delete --ids \/subscriptions\/[^/]+\/providers\/\S+\/locks\/lock-\w+$/,
  },
  'no ALTER ANY LOGIN': {
    ...{ ...RIGHTS, seed: logins, harm: () => permissions().delete('ALTER ANY LOGIN') },
    ...{
      detail: /lacks ALTER ANY LOGIN/,
      remedy: /^sqlcmd .*##MS_LoginManager##\] ADD MEMBER .*az ad sp show/,
    },
  },
  'no second login': {
    ...{
      seed: logins,
      harm: () => tenant.azure.sqlServer('sql1').logins.delete('app_b'),
      check: 'logins',
    },
    ...{ reason: 'login-missing', detail: /no login "app_b"/, who: 'target owner', heals: true },
    remedy: /^sqlcmd .*CREATE LOGIN \[app_b\] WITH PASSWORD = .*openssl rand/,
  },
  'an application that Keyturn does not own': {
    ...{
      ...RIGHTS,
      seed: application,
      harm: () => tenant.azure.world.applications[0]?.owners.clear(),
    },
    ...{
      detail: /no owner of the application/,
      remedy: /^az ad app owner add --id \S+ --owner-object-id \S+$/,
    },
  },
  'a cap on validity that is shorter than the grace': {
    ...{
      seed: storage,
      harm: () => tenant.configure({ KEYTURN_VALIDITY_CAP: '2d' }),
      check: 'expiry',
    },
    ...{
      reason: 'short-validity',
      detail: /KEYTURN_VALIDITY_CAP=2/,
      who: 'operator',
      remedy: /KEYTURN_VALIDITY_CAP/,
    },
  },
  'a version that expires before its window opens': {
    seed: storage,
    harm() {
      const version = tenant.current('a');
      version.exp = Math.floor(Date.now() / 1000) + 60 * 3600;
      version.tags = { ...version.tags, 'rotator-policy': `window=${inDays(4)} 01:00-02:00 UTC` };
    },
    ...{
      check: 'expiry',
      reason: 'expires-first',
      who: 'secret owner',
      remedy: /^keyturn rotate kv1\/a$/,
    },
  },
  'a SAS that outlives the grace': {
    ...{ seed: storage, check: 'policy', reason: 'short-grace', who: 'secret owner', heals: true },
    harm: () => Object.assign(account(), { sasExpirationPeriod: '5.00:00:00' }),
    ...{ detail: /SAS policy/, remedy: /^keyturn tag kv1\/a --policy grace=120h$/ },
  },
  'shared keys that are off': {
    ...{ seed: storage, check: 'target', reason: 'keys-off', who: 'secret owner', heals: true },
    harm: () => Object.assign(account(), { allowSharedKeyAccess: false }),
    remedy: /^az storage account update --ids \S+ --allow-shared-key-access true$/,
  },
  'versions that run out': {
    ...{ seed: storage, harm: () => grow(472), check: 'versions', reason: 'versions-near' },
    ...{ detail: /473 versions: 7 more/, who: 'secret owner', remedy: /new name/ },
  },
  'versions that have run out': {
    ...{ seed: storage, harm: () => grow(480), check: 'versions', reason: 'too-many-versions' },
    ...{ who: 'secret owner', remedy: /new name/ },
  },
  'a vault without an event subscription': {
    ...{
      seed: storage,
      harm: () => [read(), tenant.azure.world.eventSubscriptions.splice(0)],
      check: 'events',
    },
    ...{ reason: 'no-events', who: 'operator', heals: true },
    remedy: /^KEYTURN_VAULTS=\/subscriptions\/\S+\/vaults\/kv1 infra\/hooks\/onboard\.sh$/,
  },
  'neighbours on both slots': {
    seed: storage,
    async harm() {
      tenant.seed('b', { account: 'acct1', slot: 'key2' });
      await tenant.sweepAndSettle();
    },
    ...{
      check: 'slot',
      reason: 'slots-held',
      detail: /kv1\/b/,
      who: 'secret owner',
      remedy: /one value in all/,
    },
  },
  'a hold beyond its day': {
    seed: storage,
    async harm() {
      await tenant.goTo(new Date(tenant.dueOn('a').getTime() - 86_400_000));
      const until = new Date(Date.now() + 7 * 86_400_000).toISOString();
      expect((await tenant.hold('a', { until })).status).toBe(202);
      await tenant.settle();
    },
    ...{ check: 'hold', reason: 'hold', detail: /is held until/, who: 'secret owner', heals: true },
    remedy: /^keyturn resume kv1\/a$/,
  },
  'a hold of all secrets of its kind': {
    seed: storage,
    async harm() {
      await tenant.goTo(new Date(tenant.dueOn('a').getTime() - 86_400_000));
      const until = new Date(Date.now() + 7 * 86_400_000).toISOString();
      const body = {
        scope: { kind: 'storage-account-key' },
        until,
        note: 'a week without changes',
        ticket: 'CHG-1',
      };
      const answer = await tenant.request('/api/holds', {
        ...{
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        },
      });
      expect(answer.status).toBe(201);
    },
    ...{
      check: 'hold',
      reason: 'hold',
      detail: /of kind "storage-account-key"/,
      who: 'secret owner',
      remedy: /lift the hold/,
    },
  },
  'a freeze to come, over its day': {
    seed: storage,
    harm: () =>
      tenant.configure({
        KEYTURN_FREEZE: freezeAround(tenant.dueOn('a')),
        KEYTURN_ROTATORS: ROTATORS,
      }),
    ...{
      check: 'hold',
      reason: 'hold',
      detail: /KEYTURN_FREEZE/,
      who: 'secret owner',
      remedy: /lift the hold/,
    },
  },
  'a pause': {
    ...{ seed: storage, check: 'paused', reason: 'paused', who: 'secret owner', heals: true },
    harm: () => tag({ 'rotator-policy': 'paused=true;grace=72h' }),
    remedy: /^keyturn tag kv1\/a --policy 'grace=72h;paused=false'$/,
  },
  'no consent': {
    ...{
      seed: storage,
      harm: () =>
        tenant.azure.setDescription({ scope: account().id }, 'keyturn storage-account-key: kv2/x'),
    },
    ...{ check: 'consent', reason: 'no-consent', who: 'target owner', heals: true },
    remedy:
      /^infra\/scripts\/consent\.sh --target \S+ --kind storage-account-key --principal-id \S+ --add kv1\/a$/,
  },
  'a value that its tags do not describe': {
    ...{
      seed: storage,
      harm: () => tag({ 'rotator-options': 'field=key' }),
      check: 'value',
      reason: 'bad-value',
    },
    ...{ who: 'secret owner', remedy: /Correct the value/ },
  },
};

const day = (from: Date, days: number) =>
  new Date(from.getTime() + days * 86_400_000).toISOString().slice(0, 10);
const freezeAround = (due: Date) => `${day(due, -2)}/${day(due, 2)} UTC`;
const permissions = () => tenant.azure.sqlServer('sql1').entraLogins.get(oid()) as Set<string>;
const WEEK = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const inDays = (days: number) => {
  const day = WEEK[(new Date().getUTCDay() + days) % 7];
  return `${day}-${day}`;
};
function tag(tags: Record<string, string>): void {
  const version = tenant.current('a');
  version.tags = { ...version.tags, ...tags };
}
function grow(count: number): void {
  const { secrets } = tenant.azure.vault('kv1');
  const secret = [...secrets.values()].find(({ name }) => name === 'a');
  const [first] = secret?.versions ?? [];
  if (!secret || !first) throw new Error('no secret');
  const old = Array.from({ length: count }, (_, at) => ({
    ...{
      ...first,
      tags: {},
      value: `older ${at}`,
      id: at.toString(16).padStart(32, '0'),
      created: first.created - 1000,
    },
  }));
  secret.versions.unshift(...old);
}

type Doctor = z.infer<typeof DoctorBody>;
async function doctor(): Promise<Doctor> {
  const answer = await tenant.request('/api/vaults/kv1/secrets/a/doctor', {
    roles: ['Keyturn.Read'],
  });
  expect(answer.status).toBe(200);
  return DoctorBody.parse(await answer.json());
}
const problems = ({ findings }: Doctor) => findings.filter(({ outcome }) => outcome === 'problem');

/** A system topic of the vault with its subscription, as infra/vault.bicep makes them. */
function subscribe(): void {
  const { id } = tenant.azure.vault('kv1');
  const topic = `${id.split('/providers/')[0]}/providers/Microsoft.EventGrid/systemTopics/egst-keyturn-kv1`;
  tenant.azure.world.systemTopics.push({ id: topic, source: id });
  const events = ['SecretNearExpiry', 'SecretExpired', 'SecretNewVersionCreated'];
  tenant.azure.world.eventSubscriptions.push({
    ...{ source: topic, name: 'keyturn' },
    properties: {
      provisioningState: 'Succeeded',
      destination: {
        endpointType: 'AzureFunction',
        properties: { resourceId: `${subscription()}/x/sites/func/functions/secretEvents` },
      },
      filter: { includedEventTypes: events.map((each) => `Microsoft.KeyVault.${each}`) },
    },
  });
}

/** Words of a shell as it would read them; what `$(…)` prints stays as it is written. */
function words(line: string): string[] {
  const found = line.matchAll(/(?:'[^']*'|\\'|"\$\([^)]*\)"|[^\s'"\\])+/g);
  return [...found].map(([word]) =>
    word.replace(/'([^']*)'|\\(')|"(\$\([^)]*\))"/g, (_, one, two, three) => one ?? two ?? three),
  );
}
const after = (all: string[], option: string): string => all[all.indexOf(option) + 1] ?? '';

/** Does at the local tenant what a person who pastes the command would do at theirs. */
async function paste(command: string): Promise<void> {
  for (const line of command.split(' && ')) {
    const all = words(line);
    const start = all.slice(0, 4).join(' ');
    const act = Object.entries(ACTS).find(
      ([begin]) => start.startsWith(begin) || all.slice(-1)[0] === begin,
    )?.[1];
    if (!act) throw new Error(`no way to do ${line}`);
    await act(all);
  }
}
const ACTS: Record<string, (all: string[]) => unknown> = {
  'az deployment group create': (all) => {
    const kind = after(all, '--parameters').replace('rotator=', '');
    const roles = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../infra/roles.json'), 'utf8'),
    );
    made = { kind, actions: roles.targets[kind].actions };
  },
  'infra/scripts/consent.sh': (all) => {
    const scope = after(all, '--target');
    const added = `keyturn ${after(all, '--kind')}: ${after(all, '--add')}`;
    const isThere = tenant.azure.world.roles.all.some(
      (each) => each.scope.toLowerCase() === scope && each.description === added,
    );
    if (made.actions || !isThere)
      tenant.azure.grant({
        principalId: after(all, '--principal-id'),
        scope,
        description: added,
        actions: made.actions ?? [],
      });
  },
  'az role assignment create': (all) => {
    expect(after(all, '--role')).toBe('Key Vault Secrets Officer');
    const scope = after(all, '--scope');
    const dataActions = ['Microsoft.KeyVault/vaults/secrets/*'];
    tenant.azure.grant({ principalId: after(all, '--assignee-object-id'), scope, dataActions });
  },
  'az lock delete': (all) => tenant.azure.world.locks.remove(after(all, '--ids')),
  'az storage account update': (all) => {
    expect(after(all, '--ids').toLowerCase()).toBe(account().id.toLowerCase());
    account().allowSharedKeyAccess = after(all, '--allow-shared-key-access') === 'true';
  },
  'az ad app owner': (all) => {
    const app = tenant.azure.world.applications.find(({ appId }) => appId === after(all, '--id'));
    app?.owners.add(after(all, '--owner-object-id'));
  },
  sqlcmd: (all) => {
    const statement = after(all, '-Q');
    const server = tenant.azure.sqlServer('sql1');
    const [, login] =
      /^CREATE LOGIN \[(\w+)\] WITH PASSWORD = '\$\(openssl rand -base64 30\)'$/.exec(statement) ??
      [];
    if (login) server.createLogin(login, 'Xx0-out-of-openssl-4711');
    else
      expect(statement).toBe(
        `ALTER SERVER ROLE [##MS_LoginManager##] ADD MEMBER [$(az ad sp show --id ${oid()} --query displayName --output tsv)]`,
      );
    permissions().add('ALTER ANY LOGIN');
  },
  'keyturn tag kv1/a': (all) => tag({ 'rotator-policy': after(all, '--policy') }),
  'keyturn resume kv1/a': async () => {
    expect((await tenant.hold('a', { until: null })).status).toBe(202);
    await tenant.settle();
  },
  'infra/hooks/onboard.sh': () => subscribe(),
};
let made: { kind?: string; actions?: string[] } = {};

describe('DOC-03: the doctor', () => {
  it.each(Object.entries(FAULTS))(
    'DOC-03: finds %s, says what helps, and writes nothing',
    async (_title, fault) => {
      made = {};
      subscribe();
      fault.seed();
      await tenant.advance({ days: 2 }, { sweepEvery: 24 });
      expect(problems(await doctor())).toEqual([]);

      await fault.harm();
      const before = tenant.azure.writes().length;
      const found = await doctor();
      expect(tenant.azure.writes()).toHaveLength(before);
      const { reason, check, who, remedy, detail = /./ } = fault;
      expect(problems(found).map((each) => each.reason)).toEqual(expect.arrayContaining([reason]));
      const one = problems(found).find(
        (each) => each.reason === reason && each.check === check && detail.test(each.detail ?? ''),
      );
      expect(one).toMatchObject({ check, reason, who, remedy: expect.stringMatching(remedy) });
      // Its own, and nothing that is said of all of them.
      for (const each of problems(found)) expect(each.remedy).not.toMatch(/<\w+>/);

      if (!fault.heals) return;
      await paste(one?.remedy ?? '');
      tenant.configure({ KEYTURN_ROTATORS: ROTATORS });
      expect(problems(await doctor())).toEqual([]);
    },
  );

  it('DOC-04: a CanNotDelete lock stops nothing, and is told as that', async () => {
    subscribe();
    storage();
    await tenant.sweepAndSettle();
    read();
    tenant.azure.world.locks.set(account().id, 'CanNotDelete');
    const found = await doctor();
    expect(problems(found)).toEqual([]);
    expect(
      found.findings.find(
        ({ check, detail }) => check === 'locks' && /CanNotDelete/.test(detail ?? ''),
      ),
    ).toMatchObject({
      outcome: 'ok',
    });
  });

  it('DOC-05: tells all that is wrong at once, whatever stands in front of it', async () => {
    storage();
    await tenant.sweepAndSettle();
    lose(/secrets\/setSecret|storageAccounts\/regenerateKey/i);
    Object.assign(account(), { allowSharedKeyAccess: false, sasExpirationPeriod: '5.00:00:00' });
    tag({ 'rotator-policy': 'paused=true', 'rotator-options': 'field=key' });
    const reasons = problems(await doctor()).map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(
      new Set([
        'keys-off',
        'short-grace',
        'bad-value',
        'paused',
        'target-forbidden',
        'vault-forbidden',
      ]),
    );
  });

  it('DOC-06: asks and tells nothing of a target whose owner has not consented', async () => {
    storage();
    await tenant.sweepAndSettle();
    tenant.azure.setDescription({ scope: account().id }, undefined);
    lose(/regenerateKey/);
    tenant.azure.calls.length = 0;
    const found = await doctor();
    expect(problems(found).map(({ reason }) => reason)).toEqual(['no-consent']);
    const asked = tenant.azure.calls
      .filter(({ path }) => /storageaccounts\/acct1/i.test(path))
      .map(({ route }) => route);
    expect(new Set(asked)).toEqual(new Set(['arm.roleAssignments']));
  });
});
