import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application } from '../../local/azure/applications.ts';
import * as clock from '../../local/clock.ts';
import {
  BusyError,
  KeyturnError,
  LockLostError,
  UnknownOutcomeError,
} from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Rotator, Stay, Target } from '../../src/ports/rotator.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';
import { startTenant, type Tenant } from '../azure/tenant.fixtures.ts';
import { NEXT_ROTATION, ROTATION, rotatorContract, SECRET, UNTIL } from './rotator.contract.ts';

let tenant: Tenant;
let rotator: Rotator;
let app: Application;
let first: Secret;
let target: Target;

beforeAll(async () => {
  clock.install();
  tenant = await startTenant({ vaults: [], accounts: [] });
  const moving = {
    now: () => new Date(),
    sleep: async (ms: number) => clock.advance({ seconds: ms / 1000 }),
  };
  const found = registry(allRotators({ ...tenant, clock: moving })).get('app-registration');
  if (!found) throw new Error('not registered');
  rotator = found;
});
afterAll(() => tenant.azure.stop());
beforeEach(() => {
  app = tenant.azure.ownedApplication('payroll', 'kv1/db-pw');
  first = new Secret(app.addPassword({ displayName: 'made by a person' }).secretText);
  clock.advance({ hours: 1 });
  target = bind();
  tenant.azure.calls.length = 0;
});
afterEach(() => {
  expect(tenant.azure.unusedFaults()).toEqual({});
  expect(callsTo('graph.patch')).toEqual([]);
  tenant.azure.heal();
});

const bind = (options: Record<string, string> = {}, secret = SECRET) =>
  rotator.bind({ target: app.appId, options, secret });
const stay: Stay = async (seconds) => {
  clock.advance({ seconds });
  return true;
};
const callsTo = (route: string) => tenant.azure.calls.filter((call) => call.route === route);
const thrown = (promise: Promise<unknown>): Promise<KeyturnError> =>
  promise.then(
    () => {
      throw new Error('It went well.');
    },
    (error: KeyturnError) => error,
  );
const issue = (on = target, rotation = ROTATION) => on.issue(rotation, [], UNTIL, stay);
const keyIds = () => app.passwords.map(({ keyId }) => keyId);
const label = (rotation = ROTATION) => `keyturn:kv1/db-pw:${rotation}`;

rotatorContract('app-registration', async () => ({
  rotator,
  bind: () => bind(),
  first: { value: first },
  stranger: { value: new Secret('~~~no secret of this application') },
  personalStays: true,
  stay,
  changes: () => tenant.azure.changes().length,
  accepts: async ({ value }) => app.accepts(value.reveal()),
}));

describe('client secrets', () => {
  it('GR-02: carry the label of secret and rotation, and end when they are told to', async () => {
    app.staleReads = 0;
    const { handle } = await issue();
    expect(app.passwords.at(-1)).toMatchObject({
      keyId: handle,
      displayName: label(),
      endDateTime: UNTIL.toISOString(),
    });
    const { labelled, personal, handles } = await target.inspect();
    expect(labelled).toMatchObject([{ handle, rotation: ROTATION }]);
    expect(personal).toEqual([app.passwords[0]?.keyId]);
    expect(handles).toEqual(keyIds());
  });

  it('GR-02: are labelled within 90 characters, each of two long names by itself', async () => {
    const names = ['a', 'b'].map((end) => ({ vault: 'kv1', name: `${'x'.repeat(120)}${end}` }));
    const [one, two] = names.map((secret) => bind({}, secret)) as [Target, Target];
    const made = await issue(one);
    await issue(two);
    const shown = app.passwords.slice(1).map(({ displayName }) => displayName);
    expect(new Set(shown).size).toBe(2);
    for (const name of shown)
      expect(name).toMatch(/^keyturn:kv1\/x+~[0-9a-f]{16}:0123456789abcdef$/);
    for (const name of shown) expect(name).toHaveLength(90);
    expect((await one.inspect()).labelled?.map(({ handle }) => handle)).toEqual([made.handle]);
  });

  it('GR-01: count as accepted after three successes in a row, each by a client of its own', async () => {
    app.freshAnswers.push(401, 200, 401, 401, 200, 200, 200);
    const { value } = await issue();
    const verdicts: string[] = [];
    for (let turn = 0; turn < 7; turn += 1) verdicts.push(await target.check(value));
    expect(verdicts).toEqual([
      'not-yet',
      'not-yet',
      'not-yet',
      'not-yet',
      'not-yet',
      'not-yet',
      'accepted',
    ]);
    expect(callsTo('entra.token')).toHaveLength(7);
  });

  it('GR-01: refused in another pass are not yet known for ten minutes from their start, and refused after that', async () => {
    const { secretText, keyId } = app.addOverGraph({ displayName: label() });
    app.spreading.addSeconds = 10_000;
    await bind().inspect();
    expect(await bind().check(new Secret(secretText))).toBe('not-yet');
    clock.advance({ minutes: 11 });
    expect(await bind().check(new Secret(secretText))).toBe('refused');
    expect(await bind().adopt(new Secret(secretText))).toBe(keyId);
  });

  it.each([7000222, 700016])(
    'GR-01: AADSTS%i is not yet while a secret is fresh',
    async (number) => {
      const { value } = await issue();
      tenant.azure.fault('entra.token', [answer(number)]);
      expect(await target.check(value)).toBe('not-yet');
    },
  );

  it.each([
    [7000215, 'refused'],
    [7000222, 'refused'],
    [700016, 'unknown'],
    [900023, 'unknown'],
    [7000112, 'unknown'],
    [53003, 'unknown'],
  ])(
    'AADSTS%i on a secret of long standing is %s: what is not about the secret says nothing of it',
    async (number, verdict) => {
      tenant.azure.fault('entra.token', [answer(number)]);
      expect(await target.check(first)).toBe(verdict);
    },
  );

  it.each([[{ drop: true }], [{ status: 503 }], [{ status: 429 }]])(
    'are not judged when Entra answers %j',
    async (step) => {
      tenant.azure.fault('entra.token', [step]);
      expect(await thrown(target.check(first))).toBeInstanceOf(BusyError);
    },
  );

  it('the secret is sent to the authority of the cloud alone, wherever its metadata leads', async () => {
    const other = `${tenant.azure.url('management')}/token`;
    const body = {
      issuer: other,
      token_endpoint: other,
      authorization_endpoint: other,
      jwks_uri: other,
    };
    tenant.azure.fault('entra.configuration', [{ status: 200, body }]);
    expect(await thrown(target.check(first))).toBeInstanceOf(BusyError);
    expect(tenant.azure.calls.map(({ host }) => host.split('.')[0])).toEqual(['login']);
  });

  it('GR-10: a hint that two have names neither, and no value is named that gets no token', async () => {
    app.nextSecrets.push('abc-one-1234567890', 'abc-two-1234567890', 'xyz-old-1234567890');
    const one = app.addPassword();
    app.addPassword();
    const old = app.addPassword();
    clock.advance({ hours: 1 });
    expect(await target.adopt(new Secret(one.secretText))).toBeUndefined();
    expect(await target.check(new Secret(one.secretText))).toBe('accepted');
    expect(await target.adopt(new Secret('xyz-other'))).toBeUndefined();
    expect(await target.adopt(new Secret(old.secretText))).toBe(old.keyId);
  });

  it('GR-10: one without a hint could be any, so nothing of a person is named beside it', async () => {
    const hintless = app.addPassword();
    hintless.hint = '';
    expect(await target.adopt(first)).toBeUndefined();
    const { value, handle } = await issue();
    await stay(3600);
    expect(await target.adopt(value)).toBe(handle);
  });

  it('GR-10: of several with one hint the labelled one is named, since only that one could ever be removed', async () => {
    const { value, handle } = await issue();
    app.nextSecrets.push(`${value.reveal().slice(0, 3)}-of-a-stranger-123`);
    app.addPassword();
    await stay(3600);
    expect(await target.adopt(value)).toBe(handle);
  });

  it('GR-10: a new one never shares the hint of another', async () => {
    app.nextSecrets.push(`${first.reveal().slice(0, 3)}-collides-1234567890`);
    const { value, handle } = await issue();
    expect(app.passwords).toHaveLength(2);
    expect(await target.adopt(value)).toBe(handle);
    expect(callsTo('graph.removePassword')).toHaveLength(1);
  });
});

describe('changes of an application', () => {
  it('are ten seconds apart', async () => {
    app.concurrencySeconds = 10;
    const one = await issue();
    const two = await issue(bind(), NEXT_ROTATION);
    await bind().revoke(one.handle, one.value, stay);
    expect(keyIds().slice(1)).toEqual([two.handle]);
    expect(tenant.azure.writes().map(({ status }) => status)).toEqual([200, 200, 204]);
  });

  it.each([['429', { status: 429, headers: { 'retry-after': '20' } }]])(
    'refused as concurrent (%s) are made again after a pause and another list',
    async (_, step) => {
      tenant.azure.fault('graph.addPassword', [step]);
      const { handle, value } = await issue();
      const routes = tenant.azure.calls.map(({ route }) => route);
      expect(routes).toEqual([
        'graph.application',
        'graph.addPassword',
        'graph.application',
        'graph.addPassword',
      ]);
      tenant.azure.calls.length = 0;
      tenant.azure.fault('graph.removePassword', [step, step]);
      await target.revoke(handle, value, stay);
      expect(app.passwords).toHaveLength(1);
      expect(callsTo('graph.removePassword')).toHaveLength(3);
    },
  );

  const CONCURRENT = [
    ['400 by its message', { status: 400 }],
    [
      '400 by its code',
      { status: 400, code: 'Directory_ConcurrencyViolation', message: 'Conflict.' },
    ],
    ['409 by its code', { status: 409 }],
  ] as const;

  it.each(CONCURRENT)(
    'COR-01: refused as concurrent (%s) are made again once no list shows them',
    async (_, step) => {
      tenant.azure.fault('graph.addPassword', [step]);
      const { handle, value } = await issue();
      expect(callsTo('graph.addPassword')).toHaveLength(2);
      expect(keyIds().slice(1)).toEqual([handle]);
      tenant.azure.fault('graph.removePassword', [step, step]);
      await target.revoke(handle, value, stay);
      expect(app.passwords).toHaveLength(1);
      expect(callsTo('graph.removePassword')).toHaveLength(3);
    },
  );

  it.each(CONCURRENT)(
    'COR-01: refused as concurrent (%s) and applied: one is left of the rotation',
    async (_, step) => {
      for (const stale of [0, 1, 4]) {
        app.staleReads = stale;
        tenant.azure.fault('graph.addPassword', [{ ...step, commit: true }]);
        const { handle } = await issue(bind(), stale === 0 ? ROTATION : `${stale}`.repeat(16));
        expect(tenant.azure.unusedFaults()).toEqual({});
        expect(keyIds().at(-1)).toBe(handle);
        expect(keyIds()).toHaveLength(2 + [0, 1, 4].indexOf(stale));
      }
    },
  );

  it.each(CONCURRENT)(
    'COR-01: with room for two, (%s) and applied does not fill the application',
    async (_, step) => {
      app.signInAudience = 'AzureADandPersonalMicrosoftAccount';
      app.staleReads = 2;
      tenant.azure.fault('graph.addPassword', [{ ...step, commit: true }]);
      const { handle } = await issue();
      expect(keyIds().slice(1)).toEqual([handle]);
    },
  );

  it.each(CONCURRENT)(
    'COR-01: a removal refused as concurrent (%s) and applied is confirmed by the list',
    async (_, step) => {
      const { handle, value } = await issue();
      await stay(120);
      app.staleReads = 0;
      tenant.azure.fault('graph.removePassword', [{ ...step, commit: true }]);
      await target.revoke(handle, value, stay);
      expect(app.passwords).toHaveLength(1);
      expect(callsTo('graph.removePassword')).toHaveLength(1);
    },
  );

  it.each([
    ['404 of the credential', { status: 404 }],
    ['404, applied', { status: 404, commit: true }],
    [
      '400 without one',
      { status: 400, commit: true, message: 'No password credential found with keyId.' },
    ],
  ])('COR-04: a removal answered %s is done once the list no longer shows it', async (_, step) => {
    const { handle, value } = await issue();
    await stay(120);
    app.passwords.splice(1); // somebody else was quicker
    app.staleReads = 2;
    tenant.azure.fault('graph.removePassword', [step]);
    await expect(target.revoke(handle, value, stay)).resolves.toBeUndefined();
  });

  it('COR-04: a removal answered 404 while the list goes on to show it is no removal', async () => {
    const { handle, value } = await issue();
    tenant.azure.outage('graph.removePassword', { status: 404 });
    expect((await thrown(target.revoke(handle, value, stay))).reason).toBe('no-consent');
    expect(keyIds()).toContain(handle);
  });

  it('COR-04: an addition answered 404 by an application that is there is asked again; where it is gone, it is gone', async () => {
    tenant.azure.fault('graph.addPassword', [{ status: 404 }]);
    const { handle } = await issue();
    expect(keyIds().slice(1)).toEqual([handle]);
    tenant.azure.fault('graph.addPassword', [{ status: 404 }]);
    tenant.azure.fault('graph.application', [{}, { status: 404 }]);
    expect((await thrown(issue(bind(), NEXT_ROTATION))).reason).toBe('no-consent');
  });

  it('COR-01: refused as concurrent for ever end as unknown: what no list shows may still arrive', async () => {
    tenant.azure.outage('graph.addPassword', { status: 409 });
    const error = await thrown(issue());
    expect(error).toBeInstanceOf(UnknownOutcomeError);
    expect(error.facts.code).toBe('Directory_ConcurrencyViolation');
    expect(app.passwords).toHaveLength(1);
  });

  it('GR-02: an addPassword that was applied and not answered is removed and made anew in the same pass', async () => {
    app.staleReads = 2;
    tenant.azure.fault('graph.addPassword', [{ commit: true, drop: true }]);
    const { handle } = await issue();
    expect(keyIds().slice(1)).toEqual([handle]);
    expect(callsTo('graph.addPassword')).toHaveLength(2);
    expect(callsTo('graph.removePassword')).toHaveLength(1);
  });

  it('GR-02: an addPassword that no list shows stays unknown, and is sent once', async () => {
    tenant.azure.fault('graph.addPassword', [{ drop: true }]);
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
    expect(callsTo('graph.addPassword')).toHaveLength(1);
  });

  it('GR-02: an answer without a text was an addition all the same', async () => {
    tenant.azure.fault('graph.addPassword', [
      { commit: true, status: 200, body: { keyId: crypto.randomUUID() } },
    ]);
    const { handle } = await issue();
    expect(keyIds().slice(1)).toEqual([handle]);
  });

  it('a removePassword that was applied and not answered is confirmed by the list', async () => {
    const { handle, value } = await issue();
    await stay(120);
    app.staleReads = 0;
    tenant.azure.fault('graph.removePassword', [{ commit: true, drop: true }]);
    await target.revoke(handle, value, stay);
    expect(app.passwords).toHaveLength(1);
    expect(callsTo('graph.removePassword')).toHaveLength(1);
  });

  it('a removal is done when lists no longer show it, however often they still do', async () => {
    const { handle, value } = await issue();
    await target.inspect();
    app.staleReads = 4;
    await bind().revoke(handle, value, stay);
    expect((await target.inspect()).handles).toEqual([keyIds()[0]]);
    expect(callsTo('graph.removePassword')).toHaveLength(1);
  });

  it('what was added a moment ago is removed though no list shows it yet', async () => {
    app.staleReads = 3;
    const { handle, value } = await issue();
    await target.revoke(handle, value, stay);
    expect(app.passwords).toHaveLength(1);
  });

  it('ends as unknown when the time of the pass is up', async () => {
    tenant.azure.fault('graph.addPassword', [{ status: 409 }]);
    const noTime: Stay = async (seconds) => seconds === 0;
    expect(await thrown(target.issue(ROTATION, [], UNTIL, noTime))).toBeInstanceOf(
      UnknownOutcomeError,
    );
    expect(await thrown(target.issue(ROTATION, [], UNTIL, async () => false))).toBeInstanceOf(
      UnknownOutcomeError,
    );
    expect(callsTo('graph.addPassword')).toHaveLength(1);
  });

  it('come right after the locks were renewed, and not at all where they are lost: a list may take longer than they last', async () => {
    const lost = async () => {
      throw new LockLostError();
    };
    expect(await thrown(target.issue(ROTATION, [], UNTIL, lost))).toBeInstanceOf(LockLostError);
    const { handle, value } = await issue();
    await stay(120);
    expect(await thrown(target.revoke(handle, value, lost))).toBeInstanceOf(LockLostError);
    expect(tenant.azure.writes()).toHaveLength(1);
  });
});

describe('what is refused for good', () => {
  it.each([
    [{ maxDays: 90 }, 'CredentialInvalidLifetimeAsPerAppPolicy', /grace/],
    [{ forbidden: true }, 'CredentialTypeNotAllowedAsPerAppPolicy', /no client secrets/],
  ])(
    'GR-04: a policy of the tenant %j ends the rotation after one call, naming the policy',
    async (policy, code, words) => {
      app.policy = policy;
      const error = await thrown(issue());
      expect([error.reason, error.facts.code]).toEqual(['target-policy', code]);
      expect(error.detail).toMatch(words);
      expect(callsTo('graph.addPassword')).toHaveLength(1);
    },
  );

  it('an application that may hold two secrets loses none of a person to make room', async () => {
    app.signInAudience = 'AzureADandPersonalMicrosoftAccount';
    app.addPassword();
    const before = keyIds();
    expect((await thrown(issue())).reason).toBe('target-full');
    expect(keyIds()).toEqual(before);
  });

  it('GR-07: who does not own the application learns what would help, after one call', async () => {
    app.owners.clear();
    const error = await thrown(issue());
    expect(error.reason).toBe('target-forbidden');
    expect(error.detail).toContain('owner of the application');
    expect(callsTo('graph.addPassword')).toHaveLength(1);
  });

  it('SEC-09: an application that is absent reads like one without consent', async () => {
    const absent = rotator.bind({ target: crypto.randomUUID(), options: {}, secret: SECRET });
    expect((await thrown(absent.inspect())).reason).toBe('no-consent');
  });

  it.each([
    '',
    'payroll',
    'https://evil.example/',
    `${crypto.randomUUID()}')/owners`,
    `../${crypto.randomUUID()}`,
  ])('SEC-01: %j is no appId, and nothing is sent', async (text) => {
    const error = await thrown(
      (async () => rotator.bind({ target: text, options: {}, secret: SECRET }))(),
    );
    expect(error.reason).toBe('bad-tags');
    expect(error.detail).toContain('rotator-target');
    expect(tenant.azure.calls).toEqual([]);
  });

  it('an option that is not known is refused, naming tag and key', async () => {
    for (const options of [{ 'revoke-adopted': 'yes' }, { other: 'x' }]) {
      const error = await thrown((async () => bind(options as never))());
      expect([error.reason, error.detail]).toEqual([
        'bad-tags',
        expect.stringContaining('rotator-options'),
      ]);
    }
  });
});

describe('what a person made', () => {
  const adopted = () => app.passwords[0]?.keyId ?? '';

  it('GR-10: is never removed', async () => {
    const error = await thrown(target.revoke(adopted(), first, stay));
    expect(error).toBeInstanceOf(KeyturnError);
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('GR-10: with revoke-adopted only what the value names for certain and gets a token with', async () => {
    const willing = bind({ 'revoke-adopted': 'true' });
    expect((await willing.inspect()).personal).toEqual([]);
    expect((await thrown(willing.revoke(adopted(), undefined, stay))).reason).toBe('failed');
    expect((await thrown(willing.revoke(adopted(), new Secret('~~~another'), stay))).reason).toBe(
      'failed',
    );
    app.nextSecrets.push(`${first.reveal().slice(0, 3)}-of-a-stranger`);
    const stranger = app.addPassword();
    expect((await thrown(willing.revoke(adopted(), first, stay))).reason).toBe('failed');
    app.removePassword(stranger.keyId);
    await willing.revoke(adopted(), first, stay);
    expect(app.accepts(first.reveal())).toBe(false);
  });

  it('what Keyturn made for another secret is not for this one to remove, whatever the options', async () => {
    const other = bind({}, { vault: 'kv2', name: 'other' });
    const { handle, value } = await issue(other);
    await stay(120);
    const willing = bind({ 'revoke-adopted': 'true' });
    expect((await willing.inspect()).personal).toEqual([handle]);
    expect((await thrown(willing.revoke(handle, value, stay))).reason).toBe('failed');
    expect(app.accepts(value.reveal())).toBe(true);
  });

  it('SEC-04: a credential of ours that does not hold the old value stays', async () => {
    const { handle } = await issue();
    await stay(120);
    await target.revoke(handle, new Secret('~~~forged'), stay);
    expect(keyIds()).toContain(handle);
  });
});

/** A refusal of Entra with this number. */
const answer = (number: number) => ({
  status: 401,
  body: {
    error: 'invalid_client',
    error_description: `AADSTS${number}: no.`,
    error_codes: [number],
    timestamp: '2026-01-01 00:00:00Z',
    trace_id: crypto.randomUUID(),
    correlation_id: crypto.randomUUID(),
  },
});
