import { describe, expect, it } from '@jest/globals';
import { addDays, addHours, addMinutes } from '../../src/core/clock.ts';
import { decide } from '../../src/reconcile/decide.ts';
import type { Observed } from '../../src/reconcile/observe/observed.ts';
import type { Source } from '../../src/reconcile/step.ts';
import {
  adopted,
  asks,
  blockedWait,
  broken,
  due,
  heal,
  issue,
  ours,
  owed,
  owing,
  rows,
  stored,
  sundays,
  T,
  V1,
} from './situations.ts';

describe('what stands in the way', () => {
  it.each(
    rows([
      [
        'paused',
        { ...due, policy: { ...due.policy, paused: true } },
        undefined,
        { kind: 'wait', reason: 'paused' },
      ],
      [
        'a hold',
        { ...due, hold: addDays(T, 3) },
        undefined,
        { kind: 'wait', reason: 'hold', until: addDays(T, 3) },
      ],
      [
        'a closed window',
        { ...due, policy: { ...due.policy, window: sundays } },
        undefined,
        { kind: 'wait', reason: 'window', until: new Date('2027-01-10T01:00:00Z') },
      ],
      [
        'no complete sweep',
        { ...due, indexGap: 'kv2 was never listed.' },
        undefined,
        { kind: 'wait', reason: 'index', detail: 'kv2 was never listed.' },
      ],
      [
        'the age of the version',
        { ...due, createdOn: addHours(T, -23) },
        undefined,
        { kind: 'wait', reason: 'too-soon', until: addHours(T, 25) },
      ],
      [
        'three rotations in 24 hours',
        { ...due, recentRotations: 3 },
        undefined,
        { kind: 'wait', reason: 'too-many' },
      ],
      [
        '480 versions',
        { ...due, versionCount: 480 },
        undefined,
        { kind: 'refuse', reason: 'too-many-versions' },
      ],
      [
        'a plan that the vault refused',
        { ...due, termsRefused: true },
        undefined,
        { kind: 'refuse', reason: 'vault-policy' },
      ],
      [
        'a write on its way',
        { ...due, settlingUntil: addMinutes(T, 4) },
        undefined,
        { kind: 'wait', reason: 'settling', until: addMinutes(T, 4) },
      ],
      [
        'a failure a while ago',
        { ...due, retryOn: addMinutes(T, 20) },
        undefined,
        { kind: 'wait', reason: 'backing-off', until: addMinutes(T, 20) },
      ],
      [
        'failures at five targets of the kind',
        { ...due, braked: true },
        undefined,
        { kind: 'wait', reason: 'brake' },
      ],
      [
        'the rotations of this hour',
        { ...due, rateUsedUp: true },
        undefined,
        { kind: 'wait', reason: 'rate', until: addHours(T, 1) },
      ],
      [
        'another secret on the slot',
        { ...due, source: blockedWait },
        undefined,
        { kind: 'wait', reason: 'slot-held', detail: 'kv1/b keeps key2.' },
      ],
      [
        'both slots held',
        { ...due, source: { kind: 'blocked', step: { kind: 'refuse', reason: 'slots-held' } } },
        undefined,
        { kind: 'refuse', reason: 'slots-held' },
      ],
      ['mode drain', { ...due, mode: 'drain' }, undefined, { kind: 'wait', reason: 'mode-drain' }],
      [
        'mode observe',
        { ...due, mode: 'observe' },
        undefined,
        {
          kind: 'wait',
          reason: 'mode-observe',
          detail: 'Would rotate (due): issue key2 beside key1.',
        },
      ],
      [
        'what is owed',
        { ...owing, after: addHours(T, 9) },
        asks(),
        { kind: 'wait', reason: 'owed-first', until: addHours(T, 9) },
      ],
      [
        'what is owed under drift',
        { ...due, owed },
        asks(),
        { kind: 'wait', reason: 'owed-first' },
      ],
      [
        'others on what is owed',
        { ...owing, blocked: new Map([[V1, { detail: 'kv1/b keeps key2.' }]]) },
        undefined,
        { kind: 'wait', reason: 'slot-held', detail: 'kv1/b keeps key2.' },
      ],
    ]),
  )('is %s', (_, observed, asked, expected) => {
    expect(decide(observed, asked, T)).toMatchObject(expected);
  });

  it.each(['window', 'paused', 'hold', 'index'] as const)(
    '%s stands in the way of a revocation, too',
    (reason) => {
      const barred: Record<typeof reason, Observed> = {
        window: { ...owing, policy: { ...owing.policy, window: sundays } },
        paused: { ...owing, policy: { ...owing.policy, paused: true } },
        hold: { ...owing, hold: addDays(T, 1) },
        index: { ...owing, indexGap: 'kv2 was never listed.' },
      };
      expect(decide(barred[reason], undefined, T)).toMatchObject({ kind: 'wait', reason });
    },
  );

  it('where many credentials fit, an incomplete index stops what takes one away and nothing else', () => {
    const many = { overlap: 'many', indexGap: 'kv2 was never listed.' } as const;
    expect(decide({ ...due, ...many }, undefined, T)).toMatchObject({ kind: 'rotate' });
    expect(decide({ ...owing, ...many }, undefined, T)).toMatchObject({
      kind: 'wait',
      reason: 'index',
    });
    expect(decide({ ...due, ...many, overlap: 'none' }, undefined, T)).toMatchObject({
      reason: 'index',
    });
  });

  it('a hold, a settling write and a pause after a failure end in the minute that they name', () => {
    expect(decide({ ...due, hold: T }, undefined, T).kind).toBe('rotate');
    expect(decide({ ...due, settlingUntil: T }, undefined, T).kind).toBe('rotate');
    expect(decide({ ...due, retryOn: T }, undefined, T).kind).toBe('rotate');
    expect(decide({ ...owing, settlingUntil: addDays(T, 1) }, undefined, T)).toMatchObject({
      reason: 'settling',
    });
  });

  it('nothing but observing stands in the way of proof and of writing a state back', () => {
    const barred = {
      policy: { ...ours.policy, paused: true, window: sundays },
      hold: addDays(T, 1),
      indexGap: 'none',
    };
    expect(decide({ ...stored, ...barred }, undefined, T).kind).toBe('prove');
    expect(decide({ ...adopted, ...barred, wiped: true }, undefined, T).kind).toBe('restore');
    expect(decide({ ...stored, mode: 'observe' }, undefined, T)).toMatchObject({
      detail: 'Would prove.',
    });
    expect(decide({ ...adopted, wiped: true, mode: 'observe' }, undefined, T)).toMatchObject({
      reason: 'mode-observe',
    });
  });

  it('revokes the part of what is owed that nobody else holds', () => {
    const V0 = '0'.repeat(32);
    const two = [...owed, { version: V0, handle: 'key3' }];
    const step = decide(
      { ...owing, owed: two, blocked: new Map([[V1, { detail: 'kv1/b keeps key2.' }]]) },
      undefined,
      T,
    );
    expect(step).toMatchObject({ kind: 'revoke', owed: [{ version: V0, handle: 'key3' }] });
  });

  it('takes the grace from the creation of the version where the tag lost it', () => {
    const { after: _, ...lost } = owing;
    expect(decide({ ...lost, createdOn: addHours(T, -47) }, undefined, T)).toMatchObject({
      reason: 'grace',
      until: addHours(T, 1),
    });
    expect(decide(lost, undefined, T)).toMatchObject({ kind: 'revoke', reason: 'grace-over' });
  });

  it('EG-06: keeps a new version 24 hours even where its grace is shorter', () => {
    const young = {
      ...due,
      policy: { ...due.policy, graceHours: 1 },
      createdOn: addMinutes(T, -1),
    };
    expect(decide(young, undefined, T)).toMatchObject({
      reason: 'too-soon',
      until: addMinutes(addHours(T, 24), -1),
    });
  });
});

describe('a heal', () => {
  it('ignores window, minimum age, drain, the brake of its kind and the rate (finding ATK-04)', () => {
    const braked = { braked: true, probeOn: addHours(T, 1), rateUsedUp: true };
    const policy = { ...broken.policy, window: sundays };
    const barred = { ...broken, ...braked, policy, createdOn: T, mode: 'drain' as const };
    expect(decide(barred, undefined, T)).toMatchObject({ kind: 'rotate', reason: 'value-refused' });
  });

  it.each(['paused', 'too-many', 'index', 'mode-observe', 'too-many-versions'] as const)(
    'does not ignore %s',
    (reason) => {
      const barred: Record<typeof reason, Partial<Observed>> = {
        paused: { policy: { ...broken.policy, paused: true } },
        'too-many': { recentRotations: 3 },
        index: { indexGap: 'kv2 was never listed.' },
        'mode-observe': { mode: 'observe' },
        'too-many-versions': { versionCount: 480 },
      };
      expect(decide({ ...broken, ...barred[reason] }, undefined, T)).toMatchObject({ reason });
    },
  );

  it('comes before what is owed, and takes its own source', () => {
    expect(decide({ ...owing, verdict: 'refused', known: false }, undefined, T)).toMatchObject({
      kind: 'rotate',
      reason: 'value-refused',
      source: heal,
    });
  });
});

describe('a person', () => {
  it.each(['too-soon', 'window', 'paused', 'hold'] as const)(
    'overrides %s by naming it, and not otherwise',
    (reason) => {
      const barred: Record<typeof reason, Partial<Observed>> = {
        'too-soon': { createdOn: addHours(T, -1) },
        window: { policy: { ...due.policy, window: sundays } },
        paused: { policy: { ...due.policy, paused: true } },
        hold: { hold: addDays(T, 1) },
      };
      const observed = { ...adopted, ...barred[reason] };
      expect(decide(observed, asks(), T)).toMatchObject({ kind: 'wait', reason });
      expect(decide(observed, asks({ override: ['unknown-value'] }), T)).toMatchObject({
        kind: 'wait',
        reason,
      });
      expect(decide(observed, asks({ override: [reason] }), T)).toMatchObject({
        kind: 'rotate',
        reason: 'asked',
      });
    },
  );

  it('overrides an unknown value by naming it', () => {
    const unknown = { ...adopted, known: false };
    expect(decide(unknown, asks(), T)).toMatchObject({ kind: 'refuse', reason: 'unknown-value' });
    expect(decide(unknown, asks({ override: ['unknown-value'] }), T)).toMatchObject({
      kind: 'rotate',
      reason: 'asked',
    });
  });

  it('ATK-09: overrides slot-held where it is only not known what the neighbour holds, never where it holds the slot', () => {
    const claim = {
      detail: 'kv1/b may keep key2 (bad-value).',
      unsure: { vault: 'kv1', name: 'b', why: 'bad-value' },
    } as const;
    const sure = { detail: 'kv1/c keeps key2.' };
    const override = asks({ override: ['slot-held'] });
    const ends = asks({ override: ['slot-held'], at: 'now' });
    const unsure = { ...owing, blocked: new Map([[V1, claim]]) };
    expect(decide(unsure, asks({ at: 'now' }), T)).toMatchObject({
      kind: 'wait',
      reason: 'slot-held',
      ...claim,
    });
    expect(decide(unsure, ends, T)).toMatchObject({
      kind: 'revoke',
      reason: 'asked',
      owed,
      aside: true,
    });
    expect(decide({ ...owing, blocked: new Map([[V1, sure]]) }, ends, T)).toMatchObject({
      reason: 'slot-held',
      ...sure,
    });
    const source: Source = {
      kind: 'blocked',
      step: { kind: 'wait', reason: 'slot-held', ...claim },
      aside: issue,
    };
    const blocked = { ...adopted, source, nowSource: source };
    expect(decide(blocked, asks(), T)).toMatchObject({
      kind: 'wait',
      reason: 'slot-held',
      ...claim,
    });
    expect(decide(blocked, override, T)).toMatchObject({ kind: 'rotate', source: issue });
    expect(decide({ ...blocked, source: blockedWait }, override, T)).toMatchObject({
      reason: 'slot-held',
    });
  });

  it.each([
    ['index', { indexGap: 'kv2 was never listed.' }],
    ['too-many', { recentRotations: 3 }],
    ['too-many-versions', { versionCount: 480 }],
    ['settling', { settlingUntil: addMinutes(T, 1) }],
    ['mode-observe', { mode: 'observe' }],
    ['mode-drain', { mode: 'drain' }],
    ['slot-held', { source: blockedWait, nowSource: blockedWait }],
  ] as const)('cannot override %s', (reason, over) => {
    expect(
      decide({ ...adopted, ...over }, asks({ override: [reason], rotateAgain: true }), T),
    ).toMatchObject({
      reason,
    });
  });

  it('is not braked by failures, rate, the pause after one, or a plan that was refused once', () => {
    const braked = {
      ...adopted,
      braked: true,
      rateUsedUp: true,
      retryOn: addHours(T, 1),
      termsRefused: true,
    };
    expect(decide(braked, asks(), T)).toMatchObject({ kind: 'rotate', reason: 'asked' });
  });

  it('OPS-02: who says rotateAgain gets what is owed revoked first, then the rotation; nobody else does', () => {
    const early = { ...owing, after: addHours(T, 40), createdOn: addHours(T, -8) };
    const again = asks({ revoke: 'now', rotateAgain: true });
    expect(decide(early, asks({ revoke: 'now' }), T)).toMatchObject({
      kind: 'wait',
      reason: 'owed-first',
    });
    expect(decide(early, again, T)).toMatchObject({ kind: 'revoke', reason: 'asked', owed });
    const { after: _, ...clean } = early;
    expect(decide({ ...clean, owed: [] }, again, T)).toMatchObject({
      kind: 'rotate',
      reason: 'asked',
      graceHours: 0,
    });
  });

  it('OPS-02: under drift, too: what is owed is named first, and a rotation comes only from who says rotateAgain', () => {
    const drifted = { ...adopted, owed };
    for (const asked of [asks(), asks({ revoke: 'now' }), asks({ override: ['too-soon'] })])
      expect(decide(drifted, asked, T)).toMatchObject({ kind: 'wait', reason: 'owed-first' });
    expect(decide(drifted, asks({ rotateAgain: true }), T)).toMatchObject({
      kind: 'rotate',
      reason: 'asked',
    });
  });

  it('who said revoke: now about a version that is owed by now has it revoked, and no second rotation', () => {
    const early = { ...owing, after: addHours(T, 40) };
    expect(decide(early, asks({ version: V1, revoke: 'now' }), T)).toMatchObject({
      kind: 'revoke',
      reason: 'asked',
    });
    expect(decide({ ...ours }, asks({ version: V1, revoke: 'now' }), T)).toMatchObject({
      kind: 'wait',
      reason: 'not-due',
    });
  });

  it('who asked about a version that is no longer current has been answered', () => {
    expect(decide(adopted, asks({ version: V1 }), T)).toMatchObject({
      kind: 'wait',
      reason: 'not-due',
    });
    expect(
      decide({ ...adopted, known: false }, asks({ version: V1, override: ['unknown-value'] }), T),
    ).toMatchObject({
      kind: 'refuse',
    });
  });

  it('has nothing revoked at once while the current value is not proved', () => {
    const early = { ...owing, verdict: 'unknown' as const, after: addHours(T, 40) };
    expect(decide(early, asks({ at: 'now' }), T)).toMatchObject({ reason: 'unproved' });
    expect(decide(early, asks({ rotateAgain: true }), T)).toMatchObject({ reason: 'unproved' });
  });

  it('who says revoke: now about a young version says that it is burnt; of one that was just rotated it is not enough', () => {
    const young = { ...adopted, createdOn: addHours(T, -1) };
    expect(decide(young, asks({ revoke: 'now' }), T)).toMatchObject({
      kind: 'rotate',
      graceHours: 0,
    });
    const written = { ...young, ours: true, written: true, proved: true };
    expect(decide(written, asks({ revoke: 'now' }), T)).toMatchObject({
      kind: 'wait',
      reason: 'too-soon',
    });
    expect(decide(written, asks({ rotateAgain: true }), T)).toMatchObject({
      kind: 'rotate',
      reason: 'asked',
    });
  });

  it('who names a grace has it for what the rotation replaces', () => {
    expect(decide(adopted, asks({ revoke: '12h' }), T)).toMatchObject({
      kind: 'rotate',
      graceHours: 12,
    });
    expect(decide(adopted, asks({ revoke: '7d' }), T)).toMatchObject({
      kind: 'rotate',
      graceHours: 168,
    });
    expect(decide(adopted, asks(), T)).not.toHaveProperty('graceHours');
  });

  it('ends the grace of what is owed, or moves it, and nothing else', () => {
    const early = { ...owing, after: addHours(T, 40), createdOn: addHours(T, -8) };
    expect(decide(early, asks({ at: 'now' }), T)).toMatchObject({
      kind: 'revoke',
      reason: 'asked',
      owed,
    });
    expect(decide(early, asks({ at: addHours(T, -1) }), T)).toMatchObject({
      kind: 'revoke',
      reason: 'asked',
    });
    expect(decide(early, asks({ at: addHours(T, 9) }), T)).toMatchObject({
      kind: 'move',
      after: addHours(T, 9),
    });
    for (const at of ['now', addHours(T, 9)] as const) {
      expect(decide(ours, asks({ at }), T)).toMatchObject({ kind: 'wait', reason: 'nothing-owed' });
      expect(decide({ ...due, owed }, asks({ at }), T)).toMatchObject({
        kind: 'wait',
        reason: 'drift',
      });
      expect(decide(due, asks({ at }), T)).toMatchObject({ kind: 'wait', reason: 'nothing-owed' });
      expect(decide(early, asks({ at, version: V1 }), T)).toMatchObject({
        kind: 'wait',
        reason: 'grace',
      });
    }
  });
});
