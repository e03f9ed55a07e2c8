/** What people ask for over HTTP (design section 5): rotate, revoke, hold; what a dry run says of it, and what comes of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import type { HistoryBody } from '../../src/api/historyBody.ts';
import { PlanBody } from '../../src/api/operationBody.ts';
import { ProblemBody } from '../../src/api/problem.ts';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';
import { rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const accepts = (value: string, account = 'acct1') => tenant.azure.account(account).accepts(value);
const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();

/** A secret of a person, three days old, in an index that is fresh. */
async function grown(name = 'st-a', account = 'acct1', policy?: string) {
  const version = tenant.seed(name, { account, ...(policy === undefined ? {} : { policy }) });
  version.created -= 3 * 86_400;
  await tenant.sweepAndSettle();
  return version;
}

type Call = 'rotate' | 'revoke' | 'hold';
async function planOf(call: Call, body: object): Promise<z.infer<typeof PlanBody>['plan']> {
  const before = tenant.azure.writes().length;
  const answer = await tenant[call]('st-a', { ...body, dryRun: true });
  expect(answer.status).toBe(200);
  await tenant.settle();
  expect(tenant.azure.writes()).toHaveLength(before);
  return PlanBody.parse(await answer.json()).plan;
}
type Records = z.infer<typeof HistoryBody>['records'];
/** Oldest first. The audit outlives a test: only what came since. */
async function recordsSince(start: number): Promise<Records> {
  const answer = await tenant.request('/api/vaults/kv1/secrets/st-a/history');
  const { records } = (await answer.json()) as { records: Records };
  return records.filter(({ on }) => Date.parse(on) >= start).toReversed();
}
async function refused(
  asked: Promise<Response>,
  status = 409,
): Promise<z.infer<typeof ProblemBody>> {
  const answer = await asked;
  expect(answer.status).toBe(status);
  return ProblemBody.parse(await answer.json());
}

describe('a dry run', () => {
  const stories: [string, () => Promise<unknown>, Call, () => object, string[]][] = [
    ['a rotation', () => grown(), 'rotate', () => ({}), ['rotate', 'prove', 'revoke']],
    [
      'revoke: now',
      () => grown(),
      'rotate',
      () => ({ revoke: 'now' }),
      ['rotate', 'prove', 'revoke'],
    ],
    [
      'a grace of 12 h',
      () => grown(),
      'rotate',
      () => ({ revoke: '12h' }),
      ['rotate', 'prove', 'revoke'],
    ],
    [
      'a grace of 7 d',
      () => grown(),
      'rotate',
      () => ({ revoke: '7d' }),
      ['rotate', 'prove', 'revoke'],
    ],
    [
      'rotateAgain',
      () => rotated(tenant, 'st-a', { account: 'acct1' }),
      'rotate',
      () => ({ rotateAgain: true }),
      ['revoke', 'rotate', 'prove', 'revoke'],
    ],
    [
      'rotateAgain and revoke: now',
      () => rotated(tenant, 'st-a', { account: 'acct1' }),
      'rotate',
      () => ({ rotateAgain: true, revoke: 'now' }),
      ['revoke', 'rotate', 'prove', 'revoke'],
    ],
    [
      'the end of a grace',
      () => rotated(tenant, 'st-a', { account: 'acct1' }),
      'revoke',
      () => ({}),
      ['revoke'],
    ],
    [
      'another end of a grace',
      () => rotated(tenant, 'st-a', { account: 'acct1' }),
      'revoke',
      () => ({ at: inHours(12) }),
      ['move', 'revoke'],
    ],
    [
      'a later end of a grace',
      () => rotated(tenant, 'st-a', { account: 'acct1' }),
      'revoke',
      () => ({ at: inHours(90) }),
      ['move', 'revoke'],
    ],
    [
      'a hold on what is owed',
      () => rotated(tenant, 'st-a', { account: 'acct1' }),
      'hold',
      () => ({ until: inHours(70) }),
      ['hold', 'revoke'],
    ],
    [
      'a rotation beside a hold',
      async () => {
        await grown();
        await tenant.hold('st-a', { until: inHours(60) });
        await tenant.settle();
      },
      'rotate',
      () => ({ override: ['hold'] }),
      ['rotate', 'prove', 'revoke'],
    ],
  ];
  it.each(stories)(
    'OPS-02: of %s lists exactly the audit records that follow',
    async (_, begin, call, asks, kinds) => {
      await begin();
      const body = asks();
      const plan = await planOf(call, body);
      expect(plan.steps.map(({ step }) => step)).toEqual(kinds);
      expect(plan.accepted).toBe(true);
      const start = Date.now();
      const asked = await tenant[call]('st-a', body);
      expect(asked.status).toBe(202);
      await tenant.settle(600);
      const sweepEvery = walk({ whole: 2, short: 4 });
      await tenant.advance({ hours: 200 }, { sweepEvery });
      const [request, ...followed] = await recordsSince(start);
      expect(request).toMatchObject({ step: 'request', outcome: 'accepted' });
      const told = followed.map(({ step, reason, handle, handles = [], outcome }) => {
        return { step, reason, handles: step === 'rotate' ? [handle] : handles, outcome };
      });
      expect(told).toEqual(
        plan.steps.map(({ step, reason, handles }) => ({ step, reason, handles, outcome: 'done' })),
      );
      const times = plan.steps.map(({ on }, at) =>
        Math.abs(Date.parse(String(followed[at]?.on)) - Date.parse(on)),
      );
      expect(Math.max(...times)).toBeLessThan((sweepEvery + 0.2) * 3_600_000);
      await tenant.check({ noGrace: ['st-a'] });
    },
  );

  it('OPS-02: names every check, and what the request sets aside', async () => {
    tenant.seed('st-a', { account: 'acct1', policy: 'paused=true' });
    await tenant.sweepAndSettle();
    const plan = await planOf('rotate', { override: ['too-soon'] });
    expect(plan).toMatchObject({
      accepted: false,
      steps: [],
      refusal: { reason: 'paused', overridable: ['paused'] },
    });
    const check = (name: string) => plan.checks.find((each) => each.check === name);
    expect(check('consent')).toEqual({ check: 'consent', passed: true });
    expect(check('age')).toEqual({
      check: 'age',
      passed: false,
      reason: 'too-soon',
      overridden: true,
    });
    expect(check('paused')).toEqual({ check: 'paused', passed: false, reason: 'paused' });
    expect(check('rotations')).toEqual({ check: 'rotations', passed: true });
  });
});

describe('what is refused for certain', () => {
  const key = () => tenant.azure.account('acct1').key('key1');
  const cases: [string, () => Promise<unknown>, object, Partial<z.infer<typeof ProblemBody>>][] = [
    [
      'a young secret',
      async () => {
        tenant.seed('st-a', { account: 'acct1' });
        await tenant.sweepAndSettle();
      },
      {},
      over('too-soon'),
    ],
    ['a paused one', () => grown('st-a', 'acct1', 'paused=true'), {}, over('paused')],
    [
      'a closed window',
      () => grown('st-a', 'acct1', `window=${otherDay()} 01:00-02:00 UTC`),
      {},
      over('window'),
    ],
    [
      'an unknown value',
      async () => Object.assign(await grown(), { value: 'a-stranger' }),
      {},
      over('unknown-value'),
    ],
    [
      'observe',
      () => grown().then(() => tenant.configure({ KEYTURN_MODE: 'observe' })),
      {},
      never('mode-observe'),
    ],
    [
      'drain',
      () => grown().then(() => tenant.configure({ KEYTURN_MODE: 'drain' })),
      {},
      never('mode-drain'),
    ],
    [
      'a kind that is off',
      () => grown().then(() => tenant.configure({ KEYTURN_ROTATORS: 'sql-login' })),
      {},
      { reason: 'kind-off' },
    ],
    [
      'no sweep yet',
      async () =>
        Object.assign(tenant.seed('st-a', { account: 'acct1' }), { created: 1_700_000_000 }),
      {},
      never('index'),
    ],
    [
      'a lock at the target',
      () =>
        grown().then(() => Object.assign(tenant.azure.account('acct1'), { locked: 'ReadOnly' })),
      {},
      { reason: 'scope-locked' },
    ],
    [
      'a neighbour on the slot',
      async () => {
        await grown();
        await grown('st-b', 'acct1').then((v) =>
          Object.assign(v, { value: tenant.azure.account('acct1').key('key2') }),
        );
        await tenant.event('st-b');
        await tenant.settle();
      },
      {},
      { reason: 'slots-held' },
    ],
  ];
  function over(reason: string) {
    return { reason, overridable: [reason], overridableBy: 'Keyturn.Revoke' } as Partial<
      z.infer<typeof ProblemBody>
    >;
  }
  function never(reason: string) {
    return { reason, overridable: [] } as Partial<z.infer<typeof ProblemBody>>;
  }
  function otherDay(): string {
    return (
      ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][(new Date().getUTCDay() + 3) % 7] ?? ''
    );
  }
  it.each(cases)(
    'OPS-06: %s → 409 at once, and nothing is written',
    async (_, begin, body, expected) => {
      await begin();
      const before = key();
      const problem = await refused(tenant.rotate('st-a', body));
      expect(problem).toMatchObject(expected);
      expect(problem.remedy).not.toBe('Nothing to do.');
      for (const reason of problem.overridable ?? [])
        expect(problem.remedy).toContain(`"${reason}"`);
      await tenant.settle();
      expect(tenant.azure.writes()).toEqual([]);
      expect((await tenant.rows()).filter(({ partition }) => partition === 'operations')).toEqual(
        [],
      );
      expect(key()).toBe(before);
    },
  );

  const unbound: [string, Record<string, string>, Record<string, string>, string, string][] = [
    [
      'a tag that does not parse',
      { 'rotator-policy': 'every=soon' },
      {},
      'bad-tags',
      'secret owner',
    ],
    ['a target that is none', { 'rotator-target': 'nowhere' }, {}, 'bad-tags', 'secret owner'],
    [
      'options that the kind has not',
      { 'rotator-options': 'nothing=1' },
      {},
      'bad-tags',
      'secret owner',
    ],
    ['a kind that is none', { rotator: 'no-such-kind' }, {}, 'unknown-rotator', 'secret owner'],
    ['a kind that is off', {}, { KEYTURN_ROTATORS: 'sql-login' }, 'kind-off', 'operator'],
    ['a state of a newer release', { 'rotator-state': 'v=9' }, {}, 'state-newer', 'operator'],
  ];
  describe.each<[Call, object]>([
    ['rotate', {}],
    ['revoke', {}],
    ['hold', { until: null }],
  ])('OPS-02: %s of tags that do not bind', (call, body) => {
    it.each(unbound)(
      'OPS-02: %s: a dry run says so as its one check, the request is 409',
      async (_, tags, env, reason, by) => {
        const version = await grown();
        version.tags = { ...version.tags, ...tags };
        tenant.configure(env);
        const { accepted, steps, checks, refusal } = await planOf(call, body);
        expect([accepted, steps]).toEqual([false, []]);
        expect(checks).toEqual([
          {
            check: expect.stringMatching(/^(tags|kind)$/),
            passed: false,
            reason,
            detail: refusal?.detail,
          },
        ]);
        expect(refusal).toMatchObject({ reason, by, overridable: [] });
        expect(refusal?.remedy).toMatch(/^[A-Z].*\.$/);
        expect(await refused(tenant[call]('st-a', body))).toMatchObject({
          reason,
          detail: refusal?.detail,
        });
      },
    );
  });

  it('OPS-02: of a secret that is not there, or a stranger, a dry run is the one 404', async () => {
    tenant.seed('st-a', { account: 'acct1', tags: { rotator: 'none' } });
    const answers = await Promise.all(
      ['st-a', 'st-nowhere'].map((name) => tenant.rotate(name, { dryRun: true })),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
  });

  it('OPS-02: says all at once what could be set aside, and is accepted when all of it is', async () => {
    tenant.seed('st-a', { account: 'acct1', policy: 'paused=true' });
    await tenant.sweepAndSettle();
    await tenant.hold('st-a', { until: inHours(50) });
    await tenant.settle();
    const { overridable = [] } = await refused(tenant.rotate('st-a'));
    expect([...overridable].sort()).toEqual(['hold', 'paused', 'too-soon']);
    expect((await tenant.rotate('st-a', { override: overridable })).status).toBe(202);
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
  });

  it.each<[string, Call, object]>([
    ['a rotation', 'rotate', { override: ['too-soon'] }],
    ['a revocation', 'revoke', {}],
    ['another end of a grace', 'revoke', { at: new Date(Date.now() + 86_400_000).toISOString() }],
  ])('OPS-06: %s in observe is 409 at once', async (_, call, body) => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.configure({ KEYTURN_MODE: 'observe' });
    const before = tenant.azure.writes().length;
    const { reason } = await refused(tenant[call]('st-a', body));
    expect(reason).toBe(call === 'rotate' ? 'owed-first' : 'mode-observe');
    await tenant.settle();
    expect(tenant.azure.writes()).toHaveLength(before);
  });
});

describe('the end of a grace', () => {
  it('OPS-02: is revoked by its own call, once, and never rotates', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const asked = await tenant.revoke('st-a', { note: 'leaked', ticket: 'INC-1' });
    expect(asked.status).toBe(202);
    await tenant.settle(600);
    expect([accepts(v1.value), accepts(v2.value)]).toEqual([false, true]);
    expect(await tenant.operation(asked)).toMatchObject({
      ...{ kind: 'revoke', at: 'now', phase: 'settled', done: true, note: 'leaked' },
      result: {
        version: v2.id,
        handle: 'key2',
        revoked: ['key1'],
        refusedOn: expect.stringContaining('T'),
      },
    });
    expect(await refused(tenant.revoke('st-a'))).toMatchObject({ reason: 'nothing-owed' });
    await tenant.advance({ days: 2 }, { sweepEvery: 6 });
    expect([tenant.versions('st-a').length, accepts(v2.value)]).toEqual([2, true]);
    await tenant.check({ noGrace: ['st-a'] });
  });

  it('OPS-02: moves to another time, sooner or later, and is done once that stands on the version', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const later = inHours(100);
    const asked = await tenant.revoke('st-a', { at: later });
    await tenant.settle();
    expect(await tenant.operation(asked)).toMatchObject({
      phase: 'stored',
      done: true,
      result: { revokeAfter: later },
    });
    await tenant.advance({ hours: 96 }, { sweepEvery: 4 });
    expect(accepts(v1.value)).toBe(true);
    const sooner = inHours(1);
    await tenant.revoke('st-a', { at: sooner });
    await tenant.settle();
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(accepts(v1.value)).toBe(false);
    expect(await tenant.operation(asked)).toMatchObject({
      phase: 'settled',
      result: { revoked: ['key1'] },
    });
    await tenant.check();
  });

  it('OPS-02: carries the version that it is about: once there is a newer one, it does nothing', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.outage('arm.listKeys', { status: 503 });
    const asked = await tenant.revoke('st-a');
    await tenant.settle();
    expect(await tenant.operation(asked)).toMatchObject({ phase: 'accepted', done: false });
    tenant.seed('st-a', { account: 'acct1', value: tenant.current('st-a').value });
    tenant.azure.heal();
    const keys = tenant.regenerations('acct1');
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(await tenant.operation(asked)).toMatchObject({
      phase: 'failed',
      error: { reason: 'superseded' },
    });
    expect(tenant.regenerations('acct1')).toBe(keys);
  });

  it.each<[string, object, object, number, string]>([
    ['without the role', {}, { roles: ['Keyturn.Rotate', 'Keyturn.Read'] }, 403, 'no-role'],
    ['without a token', {}, { token: 'x' }, 401, 'no-token'],
    ['with a misspelt field', { att: 'now' }, {}, 400, 'bad-request'],
    ['with a reason', { reason: 'leaked' }, {}, 400, 'bad-request'],
    ['at no time', { at: 'soon' }, {}, 400, 'bad-request'],
    ['for half a year', { at: '2037-01-01T00:00:00Z' }, {}, 400, 'bad-request'],
    ['after the next rotation', { at: () => inHours(80 * 24) }, {}, 400, 'bad-request'],
  ])(
    'OPS-02: asked for %s is refused and changes nothing',
    async (_, body, more, status, reason) => {
      const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
      const given = Object.fromEntries(
        Object.entries(body).map(([name, value]) => [
          name,
          typeof value === 'function' ? value() : value,
        ]),
      );
      const problem = await refused(tenant.revoke('st-a', given, more), status);
      expect(problem.reason).toBe(reason);
      if ('reason' in body) expect(problem.detail).toContain('"note"');
      await tenant.settle();
      expect(accepts(v1.value)).toBe(true);
    },
  );

  it('OPS-02: under drift is not taken away by its own call; rotateAgain ends it', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-a', { account: 'acct1', value: v2.value });
    await tenant.event('st-a');
    await tenant.settle();
    expect((await refused(tenant.revoke('st-a'))).reason).toBe('drift');
    expect((await tenant.rotate('st-a', { rotateAgain: true, revoke: 'now' })).status).toBe(202);
    await tenant.settle(600);
    expect([accepts(v1.value), accepts(v2.value), accepts(tenant.current('st-a').value)]).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe('a rotation', () => {
  it('OPS-02: asked for twice with revoke: now is one rotation, whatever the second call meets', async () => {
    const v1 = await grown();
    const body = { revoke: 'now', note: 'leaked' };
    const first = await tenant.rotate('st-a', body);
    expect(first.status).toBe(202);
    await tenant.settle();
    const second = await refused(tenant.rotate('st-a', body));
    expect(['owed-first', 'too-soon']).toContain(second.reason);
    await tenant.settle(600);
    const v2 = tenant.current('st-a');
    expect((await refused(tenant.rotate('st-a', body))).reason).toBe('too-soon');
    await tenant.advance({ days: 1 }, { sweepEvery: 6 });
    expect([tenant.versions('st-a').length, accepts(v1.value), accepts(v2.value)]).toEqual([
      2,
      false,
      true,
    ]);
    await tenant.check({ noGrace: ['st-a'] });
  });

  it('OPS-02: of a value that a person has only just stored goes through with revoke: now', async () => {
    const v1 = tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    expect((await refused(tenant.rotate('st-a'))).reason).toBe('too-soon');
    const asked = await tenant.rotate('st-a', { revoke: 'now' });
    await tenant.settle(600);
    expect(await tenant.operation(asked)).toMatchObject({ phase: 'settled' });
    expect(accepts(v1.value)).toBe(false);
  });

  it('OPS-07: is done when the new version is proved, names it, and is settled when the old value is refused', async () => {
    const v1 = await grown();
    const asked = await tenant.rotate('st-a', { note: 'audit' });
    const accepted = await asked.json();
    expect(accepted).toMatchObject({
      kind: 'rotate',
      phase: 'accepted',
      done: false,
      version: v1.id,
      note: 'audit',
    });
    await tenant.settle();
    const v2 = tenant.current('st-a');
    const proved = await tenant.operation(asked);
    expect(proved).toMatchObject({
      phase: 'proved',
      done: true,
      result: { version: v2.id, handle: 'key2' },
    });
    expect(proved.steps.map(({ step }) => step)).toEqual(['rotate', 'prove']);
    expect(proved.result?.refusedOn).toBeUndefined();
    expect(Date.parse(proved.result?.revokeAfter ?? '') - Date.now()).toBeGreaterThan(
      47 * 3_600_000,
    );
    await tenant.advance({ hours: 50 }, { sweepEvery: 1 });
    expect(await tenant.operation(asked)).toMatchObject({
      phase: 'settled',
      result: { revoked: ['key1'] },
    });
    expect((await tenant.operation(asked)).result?.refusedOn).toBeDefined();
    expect(JSON.stringify(tenant.answers)).not.toContain(v2.value);
  });

  it('OPS-07: is stored and not done while the target can not be asked', async () => {
    await grown();
    const vault = tenant.azure.vault('kv1');
    const put = vault.put.bind(vault);
    vault.put = (...given) => {
      tenant.azure.outage('arm.listKeys', { status: 503 });
      return put(...given);
    };
    const asked = await tenant.rotate('st-a');
    await tenant.settle();
    vault.put = put;
    const stored = await tenant.operation(asked);
    expect([stored.phase, stored.done, stored.result?.version]).toEqual([
      'stored',
      false,
      tenant.current('st-a').id,
    ]);
    tenant.azure.heal();
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(await tenant.operation(asked)).toMatchObject({ phase: 'proved', done: true });
  });

  it('OPS-02: takes the grace that it names, shorter with Keyturn.Revoke, longer with Keyturn.Rotate', async () => {
    const v1 = await grown();
    const by = (role: string) => ({ roles: [role] });
    expect(
      (await refused(tenant.rotate('st-a', { revoke: '12h' }, by('Keyturn.Rotate')), 403)).reason,
    ).toBe('no-role');
    expect(
      (await refused(tenant.rotate('st-a', { revoke: '4d' }, by('Keyturn.Revoke')), 403)).reason,
    ).toBe('no-role');
    expect((await refused(tenant.rotate('st-a', { revoke: '70d' }), 400)).detail).toContain(
      'shorter than every',
    );
    expect((await tenant.rotate('st-a', { revoke: '4d' }, by('Keyturn.Rotate'))).status).toBe(202);
    await tenant.settle();
    await tenant.advance({ hours: 90 }, { sweepEvery: 6 });
    expect(accepts(v1.value)).toBe(true);
    await tenant.advance({ hours: 8 }, { sweepEvery: 1 });
    expect(accepts(v1.value)).toBe(false);
  });
});

describe('an address in an answer', () => {
  it.each(['evil.example', 'evil.example:443', 'localhost'])(
    'ATK-12: owes nothing to Host: %s',
    async (host) => {
      await grown();
      const { default: http } = await import('node:http');
      const token = await tenant.azure.issueToken({ roles: ['Keyturn.Rotate'] });
      const { port } = new URL(tenant.host.url);
      const headers = {
        host,
        'x-forwarded-host': host,
        authorization: `Bearer ${token}`,
        'content-length': '2',
      };
      const path = '/api/vaults/kv1/secrets/st-a/rotate';
      const location = await new Promise<unknown>((resolve, reject) => {
        const request = http.request({ port, path, method: 'POST', headers }, (response) => {
          response.resume();
          resolve(response.headers['operation-location']);
        });
        request.on('error', reject);
        request.end('{}');
      });
      expect(location).toMatch(/^\/api\/operations\/[0-9a-f-]{36}$/);
    },
  );
});

describe('equal requests at once', () => {
  const oid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
  const times = <T>(count: number, make: (at: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, at) => make(at)));

  it.each<[Call, object]>([
    ['rotate', {}],
    ['hold', { until: '2036-12-01T00:00:00Z' }],
    ['revoke', {}],
  ])(
    'ATK-13: six times %s with one Idempotency-Key is one operation and one record',
    async (call, given) => {
      if (call === 'revoke') await rotated(tenant, 'st-a', { account: 'acct1' });
      else await grown();
      const body = 'until' in given ? { until: inHours(30) } : given;
      const start = Date.now();
      const answers = await times(6, () =>
        tenant[call]('st-a', body, { oid, headers: { 'idempotency-key': 'once' } }),
      );
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 202]);
      const ids = await Promise.all(
        answers.map(async (each) => ((await each.json()) as { id: string }).id),
      );
      expect(new Set(ids).size).toBe(1);
      await tenant.settle(600);
      const made = (await recordsSince(start)).filter(({ step }) => step === 'request');
      expect(made).toHaveLength(1);
      expect(
        (await tenant.rows()).filter(({ partition }) => partition === 'operations'),
      ).toHaveLength(call === 'revoke' ? 1 : 1);
    },
  );

  it('ATK-13: of sixty at once by one caller fifty are accepted, each with one record', async () => {
    await grown();
    const start = Date.now();
    const answers = await times(60, () => tenant.rotate('st-a', {}, { oid }));
    const accepted = answers.filter(({ status }) => status === 202).length;
    expect(
      answers.filter(({ status }) => status !== 202 && status !== 429 && status !== 409),
    ).toEqual([]);
    expect(accepted).toBeLessThanOrEqual(50);
    expect(accepted).toBeGreaterThan(0);
    await tenant.settle(1200);
    expect((await recordsSince(start)).filter(({ step }) => step === 'request')).toHaveLength(
      accepted,
    );
  });
});
