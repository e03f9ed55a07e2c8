/**
 * Mistakes that people make when they begin, each with the very alert or answer that they get: which reason, who acts, and a
 * remedy that, done as it says, ends it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ReadinessBody } from '../../src/api/readinessBody.ts';
import { startTenant, type Tenant } from './harness.ts';
import type { Seed } from './person.ts';

const PASSWORDS = { app_a: 'Aa0-first-of-a-4711', app_b: 'Bb0-first-of-b-4712' };
const OWNED_BY = 'Application.ReadWrite.OwnedBy';
const CONSENT = 'keyturn storage-account-key: kv1/st-a';
const ROTATORS = 'storage-account-key,sql-login,app-registration';
let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    vaults: ['kv1'],
    accounts: [{ name: 'acct1', consent: CONSENT }],
    sqlServers: [
      {
        ...{ name: 'sql1', logins: PASSWORDS, administratorPassword: 'Zz0-first-of-chief-1' },
        consent: 'keyturn sql-login: kv1/st-a(app_a,app_b)',
      },
    ],
    env: { KEYTURN_ROTATORS: ROTATORS, KEYTURN_PUBLIC_URL: 'https://keyturn.example.com' },
  });
});
beforeEach(async () => {
  await tenant.clear();
  tenant.azure.world.identity.graphRoles = [OWNED_BY];
  tenant.azure
    .sqlServer('sql1')
    .entraLogins.set(oid(), new Set(['ALTER ANY LOGIN', 'ALTER ANY USER']));
});
afterAll(() => tenant.stop());

const oid = () => tenant.azure.world.identity.oid;
const account = () => tenant.azure.account('acct1');
const consent = (text: string) =>
  tenant.azure.setDescription({ scope: account().id, principalId: oid() }, text);
const seed = (given: Seed = {}) => tenant.seed('st-a', { account: 'acct1', ...given });
function lose(pattern: RegExp): void {
  for (const grant of tenant.azure.world.roles.all)
    for (const kind of ['actions', 'dataActions'] as const)
      if (grant.principalId === oid())
        grant[kind] = (grant[kind] ?? []).filter((action) => !pattern.test(action));
}
const logins = (more: Record<string, string> = {}): Seed => ({
  value: JSON.stringify({ username: 'app_a', password: PASSWORDS.app_a }),
  tags: {
    rotator: 'sql-login',
    'rotator-target': tenant.azure.sqlServer('sql1').id,
    'rotator-options': 'logins=app_a,app_b;field=password;login-field=username',
    ...more,
  },
});

interface Mistake {
  readonly make: () => void;
  /** Undone as the remedy says: then nothing is wrong any more. */
  readonly mend?: () => void;
  readonly reason: string;
  readonly by: string;
  readonly remedy: RegExp;
  readonly detail: RegExp;
  /** Shows itself when something is to be changed: the secret is due. */
  readonly due?: true;
}

/** Alerted. */
const ALERTED: Record<string, Mistake> = {
  'the kind is not switched on': {
    make: () => {
      tenant.configure({ KEYTURN_ROTATORS: 'sql-login' });
      seed();
    },
    mend: () => tenant.configure({ KEYTURN_ROTATORS: ROTATORS }),
    ...{ reason: 'kind-off', by: 'operator', remedy: /^Add it to KEYTURN_ROTATORS\.$/ },
    detail: /^The rotator storage-account-key is not named in KEYTURN_ROTATORS\.$/,
  },
  'no consent': {
    make: () => {
      consent('');
      seed();
    },
    mend: () => consent(CONSENT),
    ...{
      reason: 'no-consent',
      by: 'target owner',
      remedy: /: `keyturn storage-account-key: kv1\/st-a` \(/,
    },
    detail: /^There is no such target, or it does not name this secret for this kind\.$/,
  },
  'a consent for another kind': {
    make: () => {
      consent('keyturn redis-key: kv1/st-a');
      seed();
    },
    mend: () => consent(`keyturn redis-key: kv1/st-a; ${CONSENT}`),
    ...{
      reason: 'no-consent',
      by: 'target owner',
      remedy: /`keyturn storage-account-key: kv1\/st-a`/,
    },
    detail:
      /^The consent is for the kind "redis-key" alone, .* Write `keyturn storage-account-key: kv1\/st-a`\.$/,
  },
  'a consent of the old form': {
    make: () => {
      consent('keyturn: kv1/st-a');
      seed();
    },
    mend: () => consent(CONSENT),
    ...{
      reason: 'no-consent',
      by: 'target owner',
      remedy: /`keyturn storage-account-key: kv1\/st-a`/,
    },
    detail: /^The consent is of the old form, .* Write `keyturn storage-account-key: kv1\/st-a`\.$/,
  },
  'a consent that names another secret': {
    make: () => {
      consent('keyturn storage-account-key: kv1/st-b');
      seed();
    },
    mend: () => consent(CONSENT),
    ...{
      reason: 'no-consent',
      by: 'target owner',
      remedy: /`keyturn storage-account-key: kv1\/st-a`/,
    },
    detail: /^There is no such target, or it does not name this secret for this kind\.$/,
  },
  'a consent that names other logins': {
    make: () => {
      const { id } = tenant.azure.sqlServer('sql1');
      tenant.azure.setDescription(
        { scope: id, principalId: oid() },
        'keyturn sql-login: kv1/st-a(app_a)',
      );
      tenant.seed('st-a', logins());
    },
    mend: () =>
      tenant.azure.setDescription(
        { scope: tenant.azure.sqlServer('sql1').id, principalId: oid() },
        'keyturn sql-login: kv1/st-a(app_a,app_b)',
      ),
    ...{
      reason: 'no-consent',
      by: 'target owner',
      remedy: /`keyturn sql-login: kv1\/st-a\(app_a,app_b\)`/,
    },
    detail: /Write `keyturn sql-login: kv1\/st-a\(app_a,app_b\)`\.$/,
  },
  'a misspelt rotator': {
    make: () => seed({ tags: { rotator: 'storage-acount-key' } }),
    mend: () => seed(),
    ...{
      reason: 'unknown-rotator',
      by: 'secret owner',
      remedy: /^Use one of the names that the detail lists\.$/,
    },
    detail: /^The tag rotator is "storage-acount-key"\. Known: .*storage-account-key/,
  },
  'a target in another subscription': {
    make: () =>
      seed({
        tags: { 'rotator-target': account().id.replace(/[0-9a-f-]{36}/, crypto.randomUUID()) },
      }),
    mend: () => seed(),
    ...{
      reason: 'no-consent',
      by: 'target owner',
      remedy: /`keyturn storage-account-key: kv1\/st-a`/,
    },
    detail: /^There is no such target, or it does not name this secret for this kind\.$/,
  },
  'a target of another type': {
    make: () => seed({ tags: { 'rotator-target': tenant.azure.vault('kv1').id } }),
    mend: () => seed(),
    ...{
      reason: 'bad-tags',
      by: 'secret owner',
      remedy: /^Correct the tag that the detail names\.$/,
    },
    detail: /^The tag rotator-target .*Microsoft\.Storage\/storageAccounts/,
  },
  'a role without regenerateKey': {
    make: () => {
      lose(/regenerateKey/i);
      seed();
    },
    ...{ reason: 'target-forbidden', by: 'target owner', due: true },
    remedy:
      /role `Keyturn storage-account-key` at the target, with all its actions: .*regenerateKey\/action/,
    detail: /^Azure refused to regenerate key2 of acct1/,
  },
  'a vault role that may not set': {
    make: () => {
      lose(/secrets\/(setSecret|update)/);
      seed();
    },
    ...{
      reason: 'vault-forbidden',
      by: 'operator',
      remedy: /Secrets Officer .* at the vault kv1/,
      due: true,
    },
    detail: /./,
  },
  'a policy with an unknown key': {
    make: () => seed({ policy: 'evry=60d' }),
    mend: () => seed({ policy: 'every=60d' }),
    ...{
      reason: 'bad-tags',
      by: 'secret owner',
      remedy: /^Correct the tag that the detail names\.$/,
    },
    detail:
      /^The tag rotator-policy: "evry=60d" is not understood; expected every, grace, window, paused, approve, revoke, unused-limit, at-limit or consumers\.$/,
  },
  'a grace as long as every': {
    make: () => seed({ policy: 'every=2d;grace=2d' }),
    mend: () => seed({ policy: 'every=20d;grace=2d' }),
    ...{
      reason: 'bad-tags',
      by: 'secret owner',
      remedy: /^Correct the tag that the detail names\.$/,
    },
    detail: /grace/,
  },
  'a connection string of another account': {
    make: () =>
      seed({
        value: `DefaultEndpointsProtocol=https;AccountName=other;AccountKey=${account().key('key1')};EndpointSuffix=core.windows.net`,
      }),
    mend: () => seed(),
    ...{
      reason: 'foreign-host',
      by: 'secret owner',
      remedy: /^Correct the connection string; Keyturn never dials it\.$/,
    },
    detail: /./,
  },
  'a JSON value without the option field': {
    make: () => seed({ value: JSON.stringify({ key: account().key('key1') }) }),
    mend: () =>
      seed({
        value: JSON.stringify({ key: account().key('key1') }),
        tags: { 'rotator-options': 'field=key' },
      }),
    ...{
      reason: 'bad-value',
      by: 'secret owner',
      remedy: /^Correct the value or the option `field`\.$/,
    },
    detail: /./,
  },
  'shared keys that are off': {
    make: () => {
      account().allowSharedKeyAccess = false;
      seed();
    },
    mend: () => {
      account().allowSharedKeyAccess = true;
    },
    ...{ reason: 'keys-off', by: 'secret owner', remedy: /^Use identities and drop the secret\.$/ },
    detail: /^Shared keys are switched off at acct1/,
  },
  'a login that is not at the server': {
    make: () => {
      const { logins: there } = tenant.azure.sqlServer('sql1');
      there.delete('app_b');
      tenant.seed('st-a', logins());
    },
    ...{ reason: 'target-forbidden', by: 'target owner', due: true },
    remedy: /see that the logins of the tags exist/,
    detail: /the login is not there, or Keyturn may not alter it/,
  },
  'an application that Keyturn does not own': {
    make: () => {
      const app = tenant.azure.ownedApplication('portal', 'kv1/st-a');
      app.owners.clear();
      const { secretText } = app.addPassword({ displayName: 'by hand' });
      tenant.seed('st-a', {
        value: secretText,
        tags: { rotator: 'app-registration', 'rotator-target': app.appId },
      });
    },
    mend: () => tenant.azure.world.applications[0]?.owners.add(oid()),
    ...{ reason: 'target-forbidden', by: 'target owner', due: true },
    remedy: /^Make Keyturn's identity an owner of the application/,
    detail: /add a password to the application/,
  },
  'a consent of an application that names another secret': {
    make: () => {
      const app = tenant.azure.ownedApplication('portal', 'kv1/st-b');
      const { secretText } = app.addPassword({ displayName: 'by hand' });
      tenant.seed('st-a', {
        value: secretText,
        tags: { rotator: 'app-registration', 'rotator-target': app.appId },
      });
    },
    mend: () => {
      const [app] = tenant.azure.world.applications;
      if (app) app.tags = ['keyturn app-registration: kv1/st-a'];
    },
    ...{ reason: 'no-consent', by: 'target owner' },
    remedy: /^Add `keyturn app-registration: kv1\/st-a` to the tags of the application\.$/,
    detail: /./,
  },
  'a lock on the resource': {
    make: () => {
      account().locked = 'ReadOnly';
      seed();
    },
    mend: () => {
      account().locked = undefined;
    },
    ...{
      reason: 'scope-locked',
      by: 'target owner',
      remedy: /^Remove the lock, or opt the secret out\.$/,
    },
    detail: /lock/i,
  },
};

describe('onboarding: a mistake is one alert that names who acts and what helps', () => {
  it.each(Object.entries(ALERTED))(
    '%s',
    async (_title, { make, mend, reason, by, remedy, detail, due }) => {
      make();
      await tenant.sweepAndSettle();
      if (due) {
        await tenant.goTo(tenant.dueOn('st-a'));
        await tenant.advance({ hours: 3 }, { sweepEvery: 1 }); // a role may be spreading for half an hour
      }
      // So would a refusal that a spreading role gives as well.
      if (tenant.alerts('st-a').length === 0) await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
      const alerts = tenant.alerts('st-a').map((alert) => ({ ...alert }));
      expect(alerts.map((alert) => [alert.reason, alert.by])).toEqual([[reason, by]]);
      const [alert = {}] = alerts;
      expect(String(Reflect.get(alert, 'remedy'))).toMatch(remedy);
      expect(String(Reflect.get(alert, 'detail'))).toMatch(detail);
      expect(alert).toMatchObject({ link: `https://keyturn.example.com/api/reasons/${reason}` });
      expect(JSON.stringify(alert)).not.toMatch(/<(vault|secret|kind|consent|actions)>/);
      // The same in the inventory.
      const { reason: last, lastFailure } = (await tenant.row('st-a')) ?? {};
      expect([last, Object(lastFailure).reason]).toContain(reason);

      if (!mend) return;
      mend();
      await tenant.advance({ hours: 25 }, { sweepEvery: 12 });
      expect(await tenant.row('st-a')).not.toMatchObject({ step: 'refuse' });
      expect(tenant.alerts('st-a')).toHaveLength(1);
    },
  );
});

describe('onboarding: a mistake that is no alert has its answer', () => {
  const answer = async (path: string) => {
    const response = await tenant.request(path);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const secret = '/api/vaults/kv1/secrets/st-a';

  it('a vault that is not listed: not in readiness, and its secrets answer 404 with what to check', async () => {
    const { status, body } = await answer('/api/vaults/kv9/secrets/st-a');
    expect([status, body.reason, body.remedy]).toEqual([
      404,
      'not-found',
      'Check the names; the secret must be opted in.',
    ]);
    const ready = ReadinessBody.parse((await answer('/api/readiness')).body);
    expect(ready.vaults.map(({ vault }) => vault)).toEqual(['kv1']);
  });

  it('a vault whose tag names another instance: readiness says whose it is, nothing is written', async () => {
    tenant.azure.vault('kv1').tags = { keyturn: 'other' };
    tenant.configure({ KEYTURN_ROTATORS: ROTATORS });
    seed();
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(1);
    const ready = ReadinessBody.parse((await answer('/api/readiness')).body);
    expect(ready.vaults).toMatchObject([
      { vault: 'kv1', ready: true, reason: 'other-instance', remedy: expect.any(String) },
    ]);
  });

  it('a secret that is disabled: shown as held by its owner, with what lets it go on', async () => {
    seed();
    await tenant.sweepAndSettle();
    tenant.current('st-a').enabled = false;
    await tenant.event('st-a');
    await tenant.settle();
    const { body } = await answer(secret);
    expect(body).toMatchObject({
      state: 'held',
      last: { reason: 'disabled', remedy: 'Enable it to let Keyturn go on.', by: 'nobody' },
    });
    expect(tenant.alerts()).toEqual([]);
  });

  it('a secret of a certificate: not shown, and the pass says why', async () => {
    seed();
    Object.assign(tenant.current('st-a'), { kid: 'https://kv1.vault.example/keys/st-a/1' });
    await tenant.event('st-a');
    await tenant.settle();
    expect((await answer(secret)).status).toBe(404);
    expect(tenant.logs('decided').at(-1)).toMatchObject({
      name: 'st-a',
      step: 'skip',
      reason: 'managed',
    });
    expect(tenant.alerts()).toEqual([]);
  });

  it('observe left on: the secret is due and says so, a request is refused for it at once', async () => {
    tenant.configure({ KEYTURN_MODE: 'observe', KEYTURN_ROTATORS: ROTATORS });
    seed();
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    const { body } = await answer(secret);
    expect(body).toMatchObject({
      state: 'due',
      last: {
        reason: 'mode-observe',
        remedy: 'Set KEYTURN_MODE to run.',
        by: 'operator',
        detail: expect.stringMatching(/^Would rotate \(due\)/),
      },
    });
    const asked = await tenant.rotate('st-a', {});
    expect([asked.status, (await asked.json()) as object]).toEqual([
      409,
      expect.objectContaining({
        reason: 'mode-observe',
        remedy: 'Set KEYTURN_MODE to run.',
        by: 'operator',
      }),
    ]);
  });

  it('a permission of Graph that was never granted: readiness names it and who grants it', async () => {
    tenant.azure.world.identity.graphRoles = [];
    await tenant.advance({ days: 2 }); // no token of an earlier test is any good
    const ready = ReadinessBody.parse((await answer('/api/readiness')).body);
    expect(ready.rotators.find(({ rotator }) => rotator === 'app-registration')).toMatchObject({
      ...{ ready: false, reason: 'graph-permission', by: 'operator' },
      remedy: expect.stringMatching(/infra\/scripts\/graph\.sh/),
    });
  });

  it('a role that lacks regenerateKey: the dry run says so before anything is tried', async () => {
    seed();
    await tenant.advance({ days: 2 }, { sweepEvery: 24 });
    lose(/regenerateKey/i);
    const response = await tenant.rotate('st-a', { dryRun: true });
    const { plan } = (await response.json()) as { plan: { accepted: boolean; refusal: object } };
    expect(plan).toMatchObject({
      accepted: false,
      refusal: {
        ...{ reason: 'target-forbidden', by: 'target owner' },
        detail: expect.stringMatching(
          /lacks Microsoft\.Storage\/storageAccounts\/regenerateKey\/action/,
        ),
        remedy: expect.stringMatching(/role `Keyturn storage-account-key`/),
      },
    });
  });
});
