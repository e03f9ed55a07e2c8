/** Cases section 6 and the SEC cases of app registrations, end to end: the real entry, Graph and Entra as they answer. */

import { ClientSecretCredential } from '@azure/identity';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application, Password } from '../../local/azure/applications.ts';
import type { Version } from '../../local/azure/vault.ts';
import { movingClock } from './clock.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo } from './stories.ts';

let tenant: Tenant;
let app: Application;
/** The client secret that a person made and stored. */
let first: Password;

beforeAll(async () => {
  tenant = await startTenant({ env: { KEYTURN_ROTATORS: 'app-registration,storage-account-key' } });
});
beforeEach(async () => {
  await tenant.clear();
  app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
  first = app.addPassword({ displayName: 'made by a person', endDateTime: '2038-01-01T00:00:00Z' });
});
afterAll(() => tenant.stop());

interface Given {
  options?: string;
  policy?: string;
  value?: string;
}
function seed({ options, policy, value = first.secretText }: Given = {}): Version {
  const tags = {
    rotator: 'app-registration',
    'rotator-target': app.appId,
    ...(options === undefined ? {} : { 'rotator-options': options }),
  };
  return tenant.seed('gr-a', { value, tags, ...(policy === undefined ? {} : { policy }) });
}
async function due(given: Given = {}): Promise<Version> {
  const version = seed(given);
  await tenant.goTo(tenant.dueOn('gr-a', daysOf(given)));
  return version;
}
const daysOf = ({ policy }: Given) => ({
  days: Number(/every=(\d+)d/.exec(policy ?? '')?.[1] ?? 60),
});
async function look(): Promise<void> {
  await tenant.event('gr-a');
  await tenant.settle();
}
/** Rotated once and proved. */
async function rotated(given: Given = {}): Promise<Version> {
  await due(given);
  await look();
  if (tenant.versions('gr-a').length !== 2)
    throw new Error(JSON.stringify(await tenant.row('gr-a')));
  return tenant.current('gr-a');
}
/** Rotated twice: `old` is Keyturn's own and owed. */
async function rotatedTwice(): Promise<{ old: Version; now: Version }> {
  const old = await rotated();
  await tenant.goTo(tenant.dueOn('gr-a'));
  await look();
  if (tenant.versions('gr-a').length !== 3)
    throw new Error(JSON.stringify(await tenant.row('gr-a')));
  return { old, now: tenant.current('gr-a') };
}
const adds = () => callsTo(tenant, 'graph.addPassword');
const removes = () => callsTo(tenant, 'graph.removePassword');
const keyIds = () => app.passwords.map(({ keyId }) => keyId);
const keyIdOf = ({ value }: Version) =>
  app.everAdded.find(({ secretText }) => secretText === value)?.keyId;
const logins = () => callsTo(tenant, 'entra.token');

describe('the application that guards the API of Keyturn', () => {
  it('is never given a client secret, whoever consents', async () => {
    tenant.configure({ KEYTURN_AUDIENCE: `api://${app.appId}` });
    seed({ value: 'keyturn:new' });
    await tenant.sweepAndSettle();
    expect(await tenant.row('gr-a')).toMatchObject({ step: 'refuse', reason: 'own-application' });
    expect(app.passwords).toHaveLength(1);
  });
});

describe('GR-01: a fresh client secret flickers', () => {
  it('GR-01: token answers 401, 200, 401, 401, 200, 200, 200: published after the seventh, with one addPassword', async () => {
    await due();
    app.freshAnswers.push(401, 200, 401, 401, 200, 200, 200);
    await look();
    const routes = tenant.azure.calls.map(({ route }) => route);
    const waited = routes.slice(
      routes.indexOf('graph.addPassword'),
      routes.indexOf('keyvault.set'),
    );
    expect(waited.filter((route) => route === 'entra.token')).toHaveLength(7);
    expect(app.freshAnswers).toEqual([]);
    expect(adds()).toHaveLength(1);
    expect(tenant.versions('gr-a')).toHaveLength(2);
    expect(keyIdOf(tenant.current('gr-a'))).toBe(tenant.stateOf(tenant.current('gr-a')).cred);
    expect(tenant.stateOf(tenant.current('gr-a')).proved).toBe(
      tenant.current('gr-a').id.slice(0, 8),
    );
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('GR-01: 401 for ever: the new keyId goes, the vault is unchanged, one alert', async () => {
    const v1 = await due();
    app.spreading.addSeconds = 10_000;
    await look();
    expect(tenant.versions('gr-a').map(({ value }) => value)).toEqual([v1.value]);
    expect(keyIds()).toEqual([first.keyId]);
    expect([adds().length, removes().length]).toEqual([1, 1]);
    expect(tenant.alerts('gr-a').map(({ reason }) => reason)).toEqual(['not-accepted']);
    await tenant.check();
    app.spreading.addSeconds = 4;
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(tenant.versions('gr-a')).toHaveLength(2);
    await tenant.check();
  });

  it('GR-01: killed at the fourth answer: the next passes remove what it made and issue anew', async () => {
    await due();
    app.freshAnswers.push(401, 200, 401, 401);
    await dieWhile(() => app.freshAnswers.length === 0);
    expect(keyIds()).toHaveLength(2);
    const lost = keyIds()[1];
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.25 });
    expect(tenant.versions('gr-a')).toHaveLength(2);
    expect(keyIds()).not.toContain(lost);
    expect(adds()).toHaveLength(2);
    await tenant.check();
  });

  it('GR-01: a secret that flickers again after it was stored is neither healed nor revoked for it', async () => {
    await due();
    app.freshAnswers.push(200, 200, 200, 401, 401);
    await look();
    await tenant.advance({ hours: 5 }, { sweepEvery: 1 });
    expect(tenant.versions('gr-a')).toHaveLength(2);
    expect(adds()).toHaveLength(1);
    await tenant.advance({ hours: 24 }, { sweepEvery: 1 });
    expect(tenant.stateOf(tenant.current('gr-a')).proved).toBeDefined();
    await tenant.check();
  });
});

describe('GR-02: the text is given once', () => {
  it('GR-02: killed after addPassword: removed, and one new add', async () => {
    await due();
    await dieWhile(() => app.passwords.length === 2);
    const lost = keyIds()[1] ?? '';
    expect(tenant.versions('gr-a')).toHaveLength(1);
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.25 });
    expect(app.removedOverGraph.map(({ keyId }) => keyId)).toEqual([lost]);
    expect(adds()).toHaveLength(2);
    expect(tenant.versions('gr-a')).toHaveLength(2);
    await tenant.check();
  });

  it('GR-02: an addPassword that was applied and not answered: its keyId goes, one more add, in the same pass', async () => {
    await due();
    tenant.azure.fault('graph.addPassword', [{ commit: true, drop: true }]);
    await look();
    expect([adds().length, removes().length]).toEqual([2, 1]);
    expect(keyIds()).toEqual([first.keyId, tenant.stateOf(tenant.current('gr-a')).cred]);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('GR-02: an addPassword that never came to be seen is asked again after ten minutes, not before', async () => {
    await due();
    tenant.azure.fault('graph.addPassword', [{ drop: true }]);
    await look();
    expect(adds()).toHaveLength(1);
    expect(await tenant.row('gr-a')).toMatchObject({ reason: 'settling' });
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.25 });
    expect(adds()).toHaveLength(2);
    await tenant.check();
  });

  it('GR-02: what a killed pass left of a rotation that never came again goes when it is older than the grace', async () => {
    await due();
    await dieWhile(() => app.passwords.length === 2);
    const lost = keyIds()[1] ?? '';
    // A person stores another secret of theirs: the rotation that was begun is nobody's any more.
    seed({ value: app.addPassword({ displayName: 'another' }).secretText });
    await tenant.goTo(tenant.dueOn('gr-a'));
    await look();
    expect(tenant.current('gr-a').tags?.['rotator-state']).toContain('rot=');
    expect(app.removedOverGraph.map(({ keyId }) => keyId)).toEqual([lost]);
    await tenant.check();
  });
});

describe('GR-04: the tenant caps lifetimes', () => {
  it('GR-04: refused for 365 days, naming the policy and not asked again that day; for 90 it is rotated, and the dates agree', async () => {
    app.policy = { maxDays: 90 };
    tenant.configure({ KEYTURN_EVERY_MAX: '333d' });
    await due({ policy: 'every=333d' });
    await look();
    await tenant.advance({ hours: 20 }, { sweepEvery: 5 });
    expect(adds()).toHaveLength(1);
    expect(await tenant.row('gr-a')).toMatchObject({
      step: 'refuse',
      reason: 'target-policy',
    });
    expect(tenant.alerts('gr-a')).toMatchObject([
      {
        reason: 'target-policy',
        detail: expect.stringContaining('CredentialInvalidLifetimeAsPerAppPolicy'),
      },
    ]);
    const { tags = {}, id } = tenant.current('gr-a');
    tenant.azure.vault('kv1').retag('gr-a', id, { ...tags, 'rotator-policy': 'every=58d' });
    // The tags were touched just now: what was begun waits ten minutes.
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.25 });
    const current = tenant.current('gr-a');
    expect(tenant.versions('gr-a')).toHaveLength(2);
    const ends = Date.parse(app.passwords.at(-1)?.endDateTime ?? '') / 1000;
    const apart = ends - (current.exp ?? 0) - 48 * 3600;
    // Issued first, stored some moments later: the credential never outlives its version by more than the grace.
    expect(apart).toBeLessThanOrEqual(0);
    expect(apart).toBeGreaterThan(-900);
    await tenant.check();
  });

  it('GR-04: where no client secrets may be made it is refused once a day, with one alert', async () => {
    app.policy = { forbidden: true };
    await due();
    await look();
    await tenant.advance({ hours: 20 }, { sweepEvery: 5 });
    expect(adds()).toHaveLength(1);
    expect(tenant.alerts('gr-a').map(({ reason }) => reason)).toEqual(['target-policy']);
    expect(keyIds()).toEqual([first.keyId]);
    await tenant.check();
  });

  it('GR-04: an app for personal accounts that is full is refused, and no foreign secret goes to make room', async () => {
    app.signInAudience = 'AzureADandPersonalMicrosoftAccount';
    app.addPassword();
    await due();
    const before = keyIds();
    await look();
    expect(await tenant.row('gr-a')).toMatchObject({ step: 'refuse', reason: 'target-full' });
    expect(keyIds()).toEqual(before);
    await tenant.check();
  });
});

describe('GR-07: OwnedBy without being owner', () => {
  it('GR-07: the read goes well, addPassword is 403: one call, and within two hours the advice to make Keyturn an owner', async () => {
    app.owners.clear();
    await due();
    await look();
    expect(adds()).toHaveLength(1);
    // A right that is spreading looks the same for a while (COR-02).
    expect(tenant.alerts('gr-a')).toEqual([]);
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(adds().length).toBeLessThan(8);
    expect(callsTo(tenant, 'graph.application').every(({ status }) => status === 200)).toBe(true);
    expect(await tenant.row('gr-a')).toMatchObject({ lastFailure: { reason: 'target-forbidden' } });
    expect(tenant.alerts('gr-a')).toMatchObject([
      { reason: 'target-forbidden', detail: expect.stringMatching(/owner of the application/) },
    ]);
    await tenant.check();
  });
});

describe('the old secret', () => {
  it('GR-08: works through its grace and is refused after; whatever others made stays, and nothing is ever PATCHed', async () => {
    const others = [app.addPassword({ displayName: 'ci' }), app.addPassword()];
    const { old, now } = await rotatedTwice();
    await tenant.advance({ hours: 47 }, { sweepEvery: 6 });
    expect([await logIn(old.value), await logIn(now.value)]).toEqual(['a token', 'a token']);
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    await tenant.advance({ minutes: 1 });
    expect([await logIn(old.value), await logIn(now.value)]).toEqual([7000215, 'a token']);
    expect(tenant.stateOf(tenant.versions('gr-a')[1] as Version)).toMatchObject({ revoked: '1' });
    expect(tenant.versions('gr-a').map(({ enabled }) => enabled)).toEqual([true, false, true]);
    expect(tenant.stateOf(tenant.current('gr-a')).after).toBeUndefined();
    expect(keyIds()).toEqual([first.keyId, ...others.map(({ keyId }) => keyId), keyIdOf(now)]);
    await tenant.check();
  });

  it('KV-08: is kept past its time while Entra cannot say that the stored one works, and goes once it can', async () => {
    const { old, now } = await rotatedTwice();
    await tenant.advance({ hours: 1 });
    tenant.azure.outage('entra.token', { status: 503 });
    await tenant.advance({ hours: 60 }, { sweepEvery: 6 });
    expect([app.accepts(old.value), app.accepts(now.value)]).toEqual([true, true]);
    expect(removes()).toEqual([]);
    tenant.azure.heal('entra.token');
    await tenant.advance({ hours: 12 }, { sweepEvery: 2 });
    expect([app.accepts(old.value), app.accepts(now.value)]).toEqual([false, true]);
    await tenant.check();
  });

  it('is revoked by what the vault holds, whatever became of rows and queue', async () => {
    const { old } = await rotatedTwice();
    await tenant.own.dropRows();
    await tenant.advance({ hours: 47 }, { sweepEvery: 23 });
    expect(app.accepts(old.value)).toBe(true);
    await tenant.advance({ hours: 4 }, { sweepEvery: 1 });
    expect(app.accepts(old.value)).toBe(false);
    await tenant.check();
  });

  it('is removed once and confirmed, when the answer to removePassword was lost and lists are slow', async () => {
    app.staleReads = 4;
    const { old } = await rotatedTwice();
    tenant.azure.fault('graph.removePassword', [{ commit: true, drop: true }]);
    await tenant.advance({ hours: 50 }, { sweepEvery: 5 });
    expect(app.accepts(old.value)).toBe(false);
    expect(tenant.stateOf(tenant.versions('gr-a')[1] as Version)).toMatchObject({ revoked: '1' });
    await tenant.check();
  });

  it('goes also where Graph refuses changes that come too near to each other', async () => {
    app.concurrencySeconds = 9;
    const { old } = await rotatedTwice();
    tenant.azure.fault('graph.removePassword', [{ status: 400 }, { status: 409 }]);
    await tenant.advance({ hours: 50 }, { sweepEvery: 5 });
    expect(app.accepts(old.value)).toBe(false);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it.each([
    ['503 twenty times', { status: 503 }, 20],
    ['403 by a policy', { status: 403, inner: 'ForbiddenByPolicy' }, 1],
  ])(
    'stays, and the new one goes, when the vault refuses the version: %s',
    async (_, step, times) => {
      const old = await due();
      tenant.azure.fault(
        'keyvault.set',
        Array.from({ length: times }, () => step),
      );
      await look();
      tenant.azure.heal('keyvault.set');
      expect(tenant.versions('gr-a').map(({ value }) => value)).toEqual([old.value]);
      expect(keyIds()).toEqual([first.keyId]);
      expect(tenant.alerts('gr-a').length).toBeLessThan(2);
      await tenant.check();
    },
  );
});

describe('GR-10: whose credential is the old one', () => {
  const HINT = 'abc';

  it('GR-10: three credentials, two share the hint: rotated, 0 removals then and after the grace, both keyIds there', async () => {
    app.nextSecrets.push(`${HINT}-one-1234567890`, `${HINT}-two-1234567890`);
    const [one, two] = [app.addPassword(), app.addPassword()];
    await due({ value: one.secretText });
    await look();
    expect(tenant.versions('gr-a')).toHaveLength(2);
    await tenant.advance({ hours: 72 }, { sweepEvery: 12 });
    expect(removes()).toEqual([]);
    expect(keyIds()).toEqual([first.keyId, one.keyId, two.keyId, keyIdOf(tenant.current('gr-a'))]);
    expect(tenant.alerts()).toEqual([]);
    const { notes } = Object(await (await tenant.request('/api/vaults/kv1/secrets/gr-a')).json());
    for (const { keyId, endDateTime } of [first, one, two])
      expect(notes).toContainEqual(
        expect.stringMatching(new RegExp(`${keyId}.*${endDateTime.slice(0, 10)}`)),
      );
    await tenant.check();
  });

  it('GR-10: a value that gets no token is refused, though one hint fits', async () => {
    await due({ value: `${first.secretText.slice(0, 3)}-of-long-ago-1234567890` });
    await look();
    expect(await tenant.row('gr-a')).toMatchObject({ step: 'refuse', reason: 'unknown-value' });
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('GR-10: with revoke-adopted=true the adopted one goes after the grace, and no other of a person', async () => {
    const other = app.addPassword({ displayName: 'ci' });
    const now = await rotated({ options: 'revoke-adopted=true' });
    await tenant.advance({ hours: 47 }, { sweepEvery: 6 });
    expect(app.accepts(first.secretText)).toBe(true);
    await tenant.advance({ hours: 4 }, { sweepEvery: 1 });
    expect(keyIds()).toEqual([other.keyId, keyIdOf(now)]);
    await tenant.check({ adopted: [first.keyId] });
  });

  it('GR-10: strangers that come to share our hint later cost nobody anything: the old one goes, theirs stays', async () => {
    const { old, now } = await rotatedTwice();
    app.nextSecrets.push(
      `${now.value.slice(0, 3)}-of-a-stranger-123`,
      `${old.value.slice(0, 3)}-of-a-stranger-123`,
    );
    const strangers = [
      app.addPassword({ displayName: 'ci' }),
      app.addPassword({ displayName: 'ci' }),
    ];
    await tenant.advance({ hours: 60 }, { sweepEvery: 12 });
    expect(keyIds()).toEqual([first.keyId, keyIdOf(now), ...strangers.map(({ keyId }) => keyId)]);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });
});

describe('SEC: what whoever writes tags can do', () => {
  it('SEC-04: the state wiped and the rows lost: the live keyId is never removed', async () => {
    const current = await rotated();
    const wipe = () => {
      const { 'rotator-state': _, ...tags } = tenant.current('gr-a').tags ?? {};
      tenant.azure.vault('kv1').retag('gr-a', tenant.current('gr-a').id, tags);
    };
    wipe();
    await tenant.own.dropRows();
    await tenant.advance({ hours: 72 }, { sweepEvery: 12 });
    expect(app.accepts(current.value)).toBe(true);
    await tenant.goTo(tenant.dueOn('gr-a', { days: 68 }));
    await look();
    expect(tenant.versions('gr-a')).toHaveLength(3);
    expect(app.accepts(current.value)).toBe(true);
    expect(removes()).toEqual([]);
    await tenant.check();
  });

  it('SEC-04: wiped, with a stranger that shares the hint: still never removed, also as no leftover', async () => {
    const current = await rotated();
    app.nextSecrets.push(`${current.value.slice(0, 3)}-of-a-stranger-123`);
    app.addPassword({ displayName: 'ci' });
    const { 'rotator-state': _, ...tags } = current.tags ?? {};
    tenant.azure.vault('kv1').retag('gr-a', current.id, tags);
    await tenant.own.dropRows();
    await tenant.goTo(tenant.dueOn('gr-a', { days: 68 }));
    await look();
    expect(tenant.versions('gr-a')).toHaveLength(3);
    expect(removes()).toEqual([]);
    expect(app.accepts(current.value)).toBe(true);
    await tenant.check();
  });

  it('SEC-04: wiped, and two of ours share the hint: it cannot be told which is live, so none is a leftover', async () => {
    const current = await rotated();
    app.nextSecrets.push(`${current.value.slice(0, 3)}-of-a-killed-pass-1`);
    const lost = app.addPassword({
      displayName: 'keyturn:kv1/gr-a:00112233aabbccdd',
      endDateTime: '2038-01-01T00:00:00Z',
    });
    const { 'rotator-state': _, ...tags } = current.tags ?? {};
    tenant.azure.vault('kv1').retag('gr-a', current.id, tags);
    await tenant.own.dropRows();
    await tenant.goTo(tenant.dueOn('gr-a', { days: 68 }));
    await look();
    expect(tenant.versions('gr-a')).toHaveLength(3);
    expect(removes()).toEqual([]);
    expect(keyIds()).toContain(lost.keyId);
    expect(app.accepts(current.value)).toBe(true);
  });

  it('SEC-04: an older version that claims the live keyId, or one of a person, revokes neither', async () => {
    const current = await rotated();
    const [v1] = tenant.versions('gr-a') as [Version];
    const { tgt, cred = '' } = tenant.stateOf(current);
    const person = app.addPassword({ displayName: 'ci' });
    for (const claimed of [cred, person.keyId]) {
      const state = `v=1;tgt=${tgt};cred=${claimed};after=2020-01-01T00:00Z`;
      tenant.azure.vault('kv1').retag('gr-a', v1.id, { ...v1.tags, 'rotator-state': state });
      await tenant.advance({ hours: 72 }, { sweepEvery: 12 });
      expect(removes()).toEqual([]);
    }
    await tenant.check();
  });

  it('SEC-09: no entry in the application reads like an application that does not exist, with no lock and no write', async () => {
    app.tags = ['keyturn app-registration: kv1/other', 'HideApp'];
    await due();
    await look();
    const absent = await tenant.row('gr-a');
    expect(absent).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    const { tags = {}, id } = tenant.current('gr-a');
    tenant.azure.vault('kv1').retag('gr-a', id, { ...tags, 'rotator-target': crypto.randomUUID() });
    await tenant.advance({ hours: 1 });
    await look();
    expect((await tenant.row('gr-a'))?.detail).toBe(absent?.detail);
    expect(tenant.azure.writes()).toEqual([]);
    expect(logins()).toEqual([]);
  });

  it('SEC-09: withdrawn between store and revocation: nothing is revoked, one alert; given back, it is', async () => {
    const { old } = await rotatedTwice();
    const { tags } = app;
    app.tags = [];
    await tenant.advance({ hours: 75 }, { sweepEvery: 5 });
    expect(app.accepts(old.value)).toBe(true);
    expect(tenant.alerts('gr-a').map(({ reason }) => reason)).toEqual(['no-consent']);
    app.tags = tags;
    await tenant.advance({ hours: 26 }, { sweepEvery: 5 });
    expect(app.accepts(old.value)).toBe(false);
    await tenant.check();
  });

  it("SEC-09: the operator's map consents as well", async () => {
    app.tags = [];
    tenant.configure({
      KEYTURN_CONSENT: JSON.stringify({ [app.appId]: 'app-registration: kv1/gr-a' }),
    });
    await due();
    await look();
    expect(tenant.versions('gr-a')).toHaveLength(2);
  });

  it.each(['payroll', 'https://evil.example/x', "x')/owners", '../me', '0'.repeat(36)])(
    'SEC-01: rotator-target %j is refused, naming the tag, with no call to Graph',
    async (target) => {
      tenant.seed('gr-a', {
        value: first.secretText,
        tags: { rotator: 'app-registration', 'rotator-target': target },
      });
      await tenant.advance({ days: 61 });
      await tenant.sweepAndSettle();
      expect(await tenant.row('gr-a')).toMatchObject({
        reason: 'bad-tags',
        detail: expect.stringContaining('rotator-target'),
      });
      expect(tenant.azure.calls.filter(({ route }) => route.startsWith('graph.'))).toEqual([]);
    },
  );
});

/** As a reader of the secret does it: a token, or the number of the refusal. */
async function logIn(secret: string): Promise<unknown> {
  const { tenantId } = tenant.azure.world;
  const options = { authorityHost: tenant.azure.authority, disableInstanceDiscovery: true };
  const credential = new ClientSecretCredential(tenantId, app.appId, secret, options);
  return await credential.getToken('https://graph.microsoft.com/.default').then(
    () => 'a token',
    (error: { cause?: { errorNo?: unknown } }) => error.cause?.errorNo,
  );
}

/** Looks at the due secret with a process that dies at the first rest it takes once `dead` says so. */
async function dieWhile(dead: () => boolean): Promise<void> {
  const clock = movingClock();
  let died = 0;
  tenant.configure(
    {},
    {
      now: clock.now,
      async sleep(milliseconds) {
        if (dead()) {
          died += 1;
          throw new Error('killed');
        }
        await clock.sleep(milliseconds);
      },
    },
  );
  await tenant.event('gr-a');
  await tenant.until('the end of the process', () => died > 0);
  tenant.configure();
  await tenant.settle();
}

describe('PRF-03: an old value written with the newest tags', () => {
  it('PRF-03: the version is named by its value: what a person made in it lives, and stays readable', async () => {
    const v2 = await rotated();
    const ours = app.passwords.find(({ secretText }) => secretText === v2.value);
    const v3 = tenant.azure.vault('kv1').set('gr-a', first.secretText, { tags: { ...v2.tags } });
    await tenant.advance({ hours: 1 });
    // And back again: the version in between is never the one that a rotation replaces.
    tenant.azure.vault('kv1').set('gr-a', v2.value, { tags: { ...v2.tags } });
    await tenant.advance({ days: 61 }, { sweepEvery: 24 });
    await tenant.advance({ days: 4 }, { sweepEvery: 12 });
    const alive = app.passwords.map(({ keyId }) => keyId);
    expect(alive).toContain(first.keyId);
    expect(alive).not.toContain(ours?.keyId);
    const third = tenant.versions('gr-a').find(({ id }) => id === v3.id);
    expect(third?.enabled).toBe(true);
    expect(third?.tags?.['rotator-state']).not.toContain('revoked=1');
    expect(tenant.current('gr-a').value).not.toBe(first.secretText);
  });
});
