import { describe, expect, it } from '@jest/globals';
import { addHours } from '../../src/core/clock.ts';
import { typeOfAlert } from '../../src/core/noticeTypes.ts';
import type { UseVerdict } from '../../src/core/uses.ts';
import type { UseQuestion } from '../../src/ports/evidence.ts';
import type { Operation } from '../../src/ports/operations.ts';
import { stragglersIn, withUses } from '../../src/reconcile/observe/inUse.ts';
import type { Observation } from '../../src/reconcile/observe/observation.ts';
import type { Owed } from '../../src/tags/owed.ts';
import { OnePass } from './onePass.ts';

const USED: UseVerdict = {
  use: 'used',
  on: new Date('2027-01-07T10:00:00Z'),
  by: [{ who: 'batch-7.corp', program: 'nightly' }],
};
const CANNOT: UseVerdict = { use: 'cannot tell', reason: 'No log.' };
const unused = (world: OnePass): UseVerdict => ({ use: 'unused', since: world.now });

/** A world whose secret was rotated; its old key is owed, and its grace of 48 h is over in an hour from now. */
async function owing(
  policy: string,
  evidence: (world: OnePass) => UseVerdict | Promise<UseVerdict>,
) {
  const world = new OnePass();
  const asked: UseQuestion[] = [];
  world.evidence = async (question) => {
    asked.push(question);
    return await evidence(world);
  };
  const old = world.secret('st-a', { tags: policy === '' ? {} : { 'rotator-policy': policy } });
  await world.rotated();
  expect(asked).toEqual([]);
  world.now = addHours(world.now, 47);
  expect((await world.look()).step).toMatchObject({ kind: 'wait', reason: 'grace' });
  // Nothing is asked before something would be revoked.
  expect(asked).toEqual([]);
  world.now = addHours(world.now, 2);
  const revoked = () => world.calls.filter((call) => call.startsWith('target.revoke')).length;
  const lives = () => world.accepts(old);
  return { world, asked, old, revoked, lives };
}

describe('who still uses an old credential', () => {
  it('is asked right before the revocation, and holds nothing under after-grace: told, kept and revoked', async () => {
    const { world, asked, lives } = await owing('', () => USED);
    const end = await world.look();
    expect(end.step).toMatchObject({ kind: 'revoke', reason: 'grace-over' });
    expect(lives()).toBe(false);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      vault: 'kv1',
      name: 'st-a',
      kind: 'fake-key',
      handle: 'key1',
      target: 'here',
    });
    const record = world.audit.find(({ step }) => step === 'revoke');
    expect(record?.evidence).toEqual([
      'key1: used at 2027-01-07T10:00:00.000Z by "batch-7.corp" ("nightly")',
    ]);
    expect(record).toMatchObject({
      outcome: 'done',
      refusedOn: expect.any(String),
      tried: ['key1: refused'],
    });
    expect(world.alerts()).toEqual([]);
  });

  it('holds the revocation under when-unused, names who, alerts once, and goes on when they have left', async () => {
    let verdict: UseVerdict = USED;
    const { world, lives, asked } = await owing('revoke=when-unused', () => verdict);
    const end = await world.look();
    expect(end.step).toMatchObject({
      kind: 'wait',
      reason: 'in-use',
      detail: expect.stringContaining('"batch-7.corp"'),
    });
    expect(end.lookAgainOn).toEqual(addHours(world.now, 6));
    for (let turn = 0; turn < 4; turn++) {
      world.now = addHours(world.now, 6);
      await world.look();
    }
    expect([lives(), asked.length, world.alerts()]).toEqual([true, 5, ['in-use']]);
    verdict = unused(world);
    world.now = addHours(world.now, 6);
    expect((await world.look()).step.kind).toBe('revoke');
    expect(lives()).toBe(false);
    expect(world.audit.find(({ step }) => step === 'revoke')?.evidence).toEqual([
      expect.stringMatching(/^key1: unused since /),
    ]);
    await world.look();
    expect(world.rows.get('kv1/st-a')?.alert).toBeUndefined();
  });

  it('is told once, also where every other look cannot tell', async () => {
    let turn = 0;
    const { world } = await owing('revoke=when-unused', () => (turn++ % 2 === 0 ? USED : CANNOT));
    for (let look = 0; look < 6; look++) {
      await world.look();
      world.now = addHours(world.now, 6);
    }
    expect(world.alerts().sort()).toEqual(['in-use', 'use-unknown']);
  });

  it.each<[string, string, UseVerdict, boolean]>([
    ['used, at-limit=revoke', 'revoke=when-unused;unused-limit=3d', USED, false],
    ['used, at-limit=alert', 'revoke=when-unused;unused-limit=3d;at-limit=alert', USED, true],
    ['not to be told, at-limit=revoke', 'revoke=when-unused;unused-limit=3d', CANNOT, false],
    [
      'not to be told, at-limit=alert',
      'revoke=when-unused;unused-limit=3d;at-limit=alert',
      CANNOT,
      false,
    ],
  ])('at the limit, %s', async (_, policy, verdict, keeps) => {
    const { world, lives } = await owing(policy, () => verdict);
    for (let hours = 0; hours < 70; hours += 5) {
      await world.look();
      // A table that was lost takes nothing from it, and adds nothing to it.
      world.rows.clear();
      expect([hours, lives()]).toEqual([hours, true]);
      world.now = addHours(world.now, 5);
    }
    world.now = addHours(world.now, 3);
    await world.look();
    expect(lives()).toBe(keeps);
    if (!keeps) return;
    world.now = addHours(world.now, 80);
    await world.look();
    expect(world.alerts()).toContain('overdue');
  });

  it.each<[string, () => UseVerdict | Promise<UseVerdict>]>([
    ['fails', () => Promise.reject(new Error('a value of a stranger'))],
    [
      'throws at once',
      () => {
        throw new TypeError('x');
      },
    ],
  ])(
    'is not known where asking %s: never unused, and under after-grace nothing is lost',
    async (_, evidence) => {
      const waits = await owing('revoke=when-unused', evidence);
      expect((await waits.world.look()).step).toMatchObject({
        kind: 'wait',
        reason: 'use-unknown',
      });
      expect([waits.lives(), waits.world.alerts()]).toEqual([true, ['use-unknown']]);
      const goes = await owing('', evidence);
      expect((await goes.world.look()).step.kind).toBe('revoke');
      expect(goes.lives()).toBe(false);
      expect(goes.world.audit.find(({ step }) => step === 'revoke')?.evidence).toEqual([
        'key1: cannot tell: Asking failed.',
      ]);
      expect(JSON.stringify([goes.world.logged, goes.world.audit])).not.toContain(
        'a value of a stranger',
      );
    },
  );

  it('is not known where nobody answers in time, and the pass goes on', async () => {
    const { world } = await owing('', () => new Promise(() => {}));
    const observed = { owed: [{ version: 'v', handle: 'key1' }], policy: {} };
    const current = { id: 'c', createdOn: world.now };
    const optIn = { target: { id: 'here' }, rotator: { type: 'fake-key' } };
    const seen = {
      observed,
      optIn,
      current,
      secret: { vault: 'kv1', name: 'st-a' },
    } as unknown as Observation;
    const step = { kind: 'revoke', reason: 'grace-over', owed: observed.owed as Owed[] } as const;
    const late = await withUses(seen, step, undefined, world.deps(), 20);
    expect(late.observed.uses?.get('v')).toEqual({
      verdict: { use: 'cannot tell', reason: 'No answer came in time.' },
    });
  });

  it.each<[string, Partial<Operation>, number]>([
    ['what a person ends now, which is looked at', { at: 'now' }, 1],
  ])('does not hold %s', async (_, more, questions) => {
    const { world, asked, lives } = await owing('revoke=when-unused', () => USED);
    const id = '0b5c5a70-6a3c-4f0e-9d7e-0c8b8f6f3c11';
    const on = world.now;
    world.operations.set(id, {
      ...{
        id,
        vault: 'kv1',
        name: 'st-a',
        version: world.current().id,
        caller: 'somebody',
        phase: 'accepted',
      },
      ...{
        done: false,
        override: [],
        revoke: 'after-grace',
        createdOn: on,
        updatedOn: on,
        steps: [],
        ...more,
      },
    });
    await world.look('st-a', { cause: 'http', operation: id });
    expect([lives(), asked.length]).toEqual([false, questions]);
    expect(world.operations.get(id)?.result).toMatchObject({
      evidence: [expect.stringContaining('"batch-7.corp"')],
      refusedOn: expect.any(Date),
    });
  });

  it('asks nothing of a leak, of which every second counts', async () => {
    const world = new OnePass();
    let asked = 0;
    world.evidence = async () => {
      asked += 1;
      return USED;
    };
    const old = world.secret('st-a', { tags: { 'rotator-policy': 'revoke=when-unused' } });
    const id = '0b5c5a70-6a3c-4f0e-9d7e-0c8b8f6f3c12';
    world.operations.set(id, {
      ...{
        id,
        vault: 'kv1',
        name: 'st-a',
        version: old.id,
        caller: 'somebody',
        phase: 'accepted',
        done: false,
      },
      ...{ override: [], revoke: 'now', rotateAgain: true, leaked: 'one', note: 'n', ticket: 't' },
      ...{ createdOn: world.now, updatedOn: world.now, steps: [] },
    });
    for (let turn = 0; turn < 4; turn++) {
      await world.look('st-a', { cause: 'http', operation: id });
      world.now = addHours(world.now, 0.02);
    }
    expect([world.accepts(old), asked]).toEqual([false, 0]);
  });

  it('keeps no new credential from a target that takes many, on its day', async () => {
    const { world, lives } = await owing('revoke=when-unused;every=10d;at-limit=alert', () => USED);
    world.overlap = 'many';
    world.calls.length = 0;
    world.now = addHours(world.now, 24 * 9);
    await world.look();
    // This world's target has two slots alone, and has none to give.
    expect([world.calls.includes('target.issue'), lives()]).toEqual([true, true]);
  });

  it('is asked for nobody by an instance that only observes', async () => {
    const { world, asked } = await owing('revoke=when-unused', () => USED);
    world.config = { mode: 'observe' };
    await world.look();
    expect(asked).toEqual([]);
  });
});

describe('the notice about a straggler', () => {
  const owed = [{ version: 'a'.repeat(32), handle: 'key1' }];
  const seen = {
    observed: {
      version: 'c'.repeat(32),
      createdOn: new Date(0),
      uses: new Map([['a'.repeat(32), { verdict: USED }]]),
    },
  } as unknown as Observation;

  it('is sent where the credential goes under somebody', () => {
    expect(stragglersIn(seen, { kind: 'revoke', reason: 'grace-over', owed })).toMatchObject([
      {
        type: 'straggler',
        consumer: 'batch-7.corp',
        handle: 'key1',
        detail: expect.stringMatching(/^Used at .*batch-7\.corp.*revoked all the same\.$/),
      },
    ]);
  });

  it('is left to the alert where it waits, so that one cause is told once', () => {
    expect(stragglersIn(seen, { kind: 'wait', reason: 'in-use' })).toEqual([]);
    expect(stragglersIn(seen, { kind: 'wait', reason: 'window' })).toEqual([]);
    expect(typeOfAlert('in-use')).toBe('straggler');
  });
});
