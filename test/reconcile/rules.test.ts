/** The rules row by row where a single fact decides: opting out, doubt, who is named, what a plan says, when the next look comes. */
import { describe, expect, it } from '@jest/globals';
import { addHours, addMinutes } from '../../src/core/clock.ts';
import {
  barriers,
  decide,
  graceHoursOf,
  inWords,
  lookAgainOn,
} from '../../src/reconcile/decide.ts';
import type { Observed } from '../../src/reconcile/observe/observed.ts';
import type { Asked, Claim, Source, Step } from '../../src/reconcile/step.ts';
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
  placeholder,
  type Situation,
  stored,
  sundays,
  T,
  V1,
  V2,
} from './situations.ts';

const aside: Extract<Source, { kind: 'issue' }> = {
  kind: 'issue',
  keep: ['key1', 'a'],
  slot: 'key2',
};

const told = (rows: readonly Situation[]) =>
  it.each(rows)('%s', (_, observed, asked, step) => {
    const { until: _until, ...rest } = decide(observed, asked, T) as Step & { until?: Date };
    expect('until' in step ? { ...rest, until: _until } : rest).toEqual(step);
  });

const keeps: Claim = { detail: 'kv1/b keeps key2.' };
const later: Claim = { detail: 'kv1/d owes key2 later.', owedUntil: addHours(T, 40) };
const mayKeep: Claim = { detail: 'kv1/c may keep key2.', unsure: { vault: 'kv1', name: 'c' } };
const now = asks({ version: V1, revoke: 'now' });

describe('a secret that was opted out', () => {
  const left: Observed = { ...owing, leaving: 'out' };
  const grace = addHours(left.createdOn, 48);
  const done: Observed = { ...left, owed: [] };
  const { after: _, ...untimed } = left;
  told([
    [
      'is left alone where nothing is owed',
      { ...untimed, owed: [] },
      undefined,
      { kind: 'skip', reason: 'opted-out' },
    ],
    [
      'is told apart where its tag is lost',
      { ...untimed, owed: [], leaving: 'lost' },
      undefined,
      { kind: 'skip', reason: 'not-opted-in' },
    ],
    [
      'has a time struck off that no longer means anything',
      done,
      undefined,
      { kind: 'revoke', reason: 'settled', owed: [] },
    ],
    [
      'keeps a time that stands on a version of a person',
      { ...done, written: false },
      undefined,
      { kind: 'skip', reason: 'opted-out' },
    ],
    [
      'keeps what a rotation left behind until it is old enough',
      { ...untimed, owed: [], strayUntil: addMinutes(T, 1) },
      undefined,
      { kind: 'wait', reason: 'grace', until: addMinutes(T, 1) },
    ],
    [
      'and has it removed from that minute on',
      { ...untimed, owed: [], written: false, strayUntil: T },
      undefined,
      { kind: 'revoke', reason: 'settled', owed: [] },
    ],
    [
      'has what is owed revoked when the grace is over',
      left,
      undefined,
      { kind: 'revoke', reason: 'grace-over', owed },
    ],
    [
      'in the very minute',
      { ...left, after: T },
      undefined,
      { kind: 'revoke', reason: 'grace-over', owed },
    ],
    [
      'and not before',
      { ...left, after: addMinutes(T, 1) },
      undefined,
      { kind: 'wait', reason: 'grace', until: addMinutes(T, 1) },
    ],
    [
      'a grace that stands nowhere is that of the policy',
      { ...untimed, createdOn: addHours(T, -47) },
      undefined,
      { kind: 'wait', reason: 'grace', until: addHours(T, 1) },
    ],
    ['which ends, too', untimed, undefined, { kind: 'revoke', reason: 'grace-over', owed }],
    [
      'at once where somebody asks for it',
      { ...left, after: addHours(T, 9) },
      asks({ at: 'now' }),
      { kind: 'revoke', reason: 'asked', owed },
    ],
    [
      'at no other time that somebody asks for',
      { ...left, after: addHours(T, 9) },
      asks({ at: addHours(T, 3) }),
      { kind: 'wait', reason: 'grace' },
    ],
    [
      'at once where the rotation was asked for like that',
      { ...left, after: addHours(T, 9) },
      now,
      { kind: 'revoke', reason: 'asked', owed },
    ],
    [
      'not where its value opens nothing',
      { ...left, known: false },
      undefined,
      {
        kind: 'refuse',
        reason: 'still-owed',
        detail: 'The target does not know the current value.',
      },
    ],
    [
      'nor where the target refuses it',
      { ...left, verdict: 'refused' },
      undefined,
      { kind: 'refuse', reason: 'still-owed', detail: 'The target refuses the current value.' },
    ],
    [
      'nor where it can not be tried',
      { ...left, verdict: 'unknown', said: 'closed' },
      undefined,
      { kind: 'wait', reason: 'unproved', detail: 'closed' },
    ],
    [
      'nor where a neighbour holds it',
      { ...left, blocked: new Map([[V1, keeps]]) },
      undefined,
      { kind: 'wait', reason: 'slot-held', ...keeps },
    ],
    [
      'is never rotated, proved or healed',
      { ...left, dueOn: addHours(T, -9), proved: false, after: addHours(T, 1) },
      undefined,
      { kind: 'wait', reason: 'grace' },
    ],
  ]);

  it('the grace of the policy counts from when its version was made', () => {
    expect(decide({ ...untimed, createdOn: addHours(T, -47) }, undefined, T)).toMatchObject({
      until: addHours(T, 1),
    });
    expect(grace).toEqual(addHours(T, -1));
  });
});

describe('a value of which the target says nothing', () => {
  const doubt = { reason: 'cannot-tell', detail: 'sql1 answered 40615' } as const;
  const stranger: Observed = { ...adopted, known: false };
  told([
    [
      'is refused with the reason of the doubt',
      { ...stranger, doubt },
      undefined,
      { kind: 'refuse', ...doubt },
    ],
    [
      'which may have no words',
      { ...stranger, doubt: { reason: 'cannot-tell', detail: undefined } },
      undefined,
      { kind: 'refuse', reason: 'cannot-tell' },
    ],
    [
      'is not where the target knows it',
      { ...adopted, doubt },
      undefined,
      { kind: 'wait', reason: 'not-due' },
    ],
    [
      'nor where a rotation has begun',
      { ...stranger, doubt, begun: true },
      undefined,
      { kind: 'rotate', reason: 'begun', rotation: due.rotation, source: issue },
    ],
    [
      'nor where it is the placeholder',
      { ...placeholder, doubt },
      undefined,
      { kind: 'rotate', reason: 'placeholder', rotation: due.rotation, source: issue },
    ],
    [
      'nor where it is ours',
      { ...ours, known: false, doubt },
      undefined,
      { kind: 'wait', reason: 'not-due' },
    ],
    [
      'unknown and ours is healed, not refused',
      { ...broken },
      undefined,
      { kind: 'rotate', reason: 'value-refused', rotation: due.rotation, source: heal },
    ],
    [
      'unknown and nothing of that is refused',
      stranger,
      undefined,
      { kind: 'refuse', reason: 'unknown-value' },
    ],
    [
      'unknown and begun goes on',
      { ...stranger, begun: true },
      undefined,
      { kind: 'rotate', reason: 'begun', rotation: due.rotation, source: issue },
    ],
  ]);
});

describe('a value that has run out', () => {
  const expired: Observed = { ...adopted, expired: true, verdict: 'refused' };
  const heals = { kind: 'rotate', reason: 'value-refused', rotation: due.rotation, source: heal };
  told([
    ['is replaced, whoever stored it', expired, undefined, heals],
    [
      'is not where it is another that the target refuses',
      { ...expired, known: false },
      undefined,
      { kind: 'refuse', reason: 'unknown-value' },
    ],
    [
      'nor where the target still takes it',
      { ...expired, verdict: 'accepted' },
      undefined,
      { kind: 'wait', reason: 'not-due' },
    ],
    [
      'nor is a refused one that was taken over and has not',
      { ...adopted, verdict: 'refused' },
      undefined,
      { kind: 'wait', reason: 'not-due' },
    ],
  ]);
});

describe('what was asked for about an older version', () => {
  told([
    [
      'holds on until what it replaced is revoked',
      { ...owing, after: addHours(T, 9) },
      now,
      { kind: 'revoke', reason: 'asked', owed },
    ],
    [
      'not where it named the usual grace',
      { ...owing, after: addHours(T, 9) },
      asks({ version: V1 }),
      { kind: 'wait', reason: 'grace' },
    ],
    [
      'not where it named hours, which stand on the version',
      { ...owing, after: addHours(T, 9) },
      asks({ version: V1, revoke: '12h' }),
      { kind: 'wait', reason: 'grace' },
    ],
    [
      'not where something else is owed',
      { ...owing, after: addHours(T, 9), owed: [{ version: '3'.repeat(32), handle: 'key2' }] },
      now,
      { kind: 'wait', reason: 'grace' },
    ],
    [
      'of two that are owed one is enough',
      {
        ...owing,
        after: addHours(T, 9),
        owed: [...owed, { version: '3'.repeat(32), handle: 'key1' }],
      },
      now,
      {
        kind: 'revoke',
        reason: 'asked',
        owed: [...owed, { version: '3'.repeat(32), handle: 'key1' }],
      },
    ],
    [
      'a revocation of then is over',
      { ...owing, after: addHours(T, 9) },
      asks({ version: V1, at: 'now', revoke: 'now' }),
      { kind: 'wait', reason: 'grace' },
    ],
    [
      'a rotation that has answered it ends nothing by itself',
      due,
      now,
      { kind: 'rotate', reason: 'due', rotation: due.rotation, source: issue },
    ],
  ]);

  it.each<[string, Asked | undefined, boolean]>([
    ['asked for like that', { ...now, override: ['slot-held'] }, true],
    ['with the usual grace', asks({ version: V1, override: ['slot-held'] }), false],
    ['with a hold', { ...now, hold: addHours(T, 1), override: ['slot-held'] }, false],
    ['by nobody', undefined, false],
  ])('what it set aside stays aside until then: %s', (_, asked, aside) => {
    const observed = { ...owing, blocked: new Map([[V1, mayKeep]]) };
    const step = decide(observed, asked, T);
    if (asked?.hold) expect(step).toMatchObject({ kind: 'hold' });
    else
      expect(step).toMatchObject(
        aside ? { kind: 'revoke', aside: true } : { kind: 'wait', reason: 'slot-held' },
      );
  });

  it('a hold is written, whatever version it was about, and lifted as well', () => {
    expect(decide(adopted, asks({ version: V1, hold: addHours(T, 5) }), T)).toEqual({
      kind: 'hold',
      reason: 'asked',
      until: addHours(T, 5),
    });
    expect(decide(adopted, asks({ version: V1, hold: null }), T)).toEqual({
      kind: 'hold',
      reason: 'asked',
    });
  });
});

describe('what a version of ours owes', () => {
  told([
    [
      'a version that was taken over owes nothing before its rotation',
      { ...owing, written: false },
      undefined,
      { kind: 'wait', reason: 'drift' },
    ],
    [
      'is moved to a time that lies ahead',
      owing,
      asks({ at: addMinutes(T, 1) }),
      { kind: 'move', reason: 'asked', after: addMinutes(T, 1) },
    ],
    [
      'and revoked at a time that has come',
      owing,
      asks({ at: T }),
      { kind: 'revoke', reason: 'asked', owed },
    ],
    [
      'is never revoked by a value that can not be tried',
      { ...owing, verdict: 'unknown', said: 'closed' },
      undefined,
      { kind: 'wait', reason: 'unproved', detail: 'closed' },
    ],
    [
      'being due changes nothing about that where two slots are all there is',
      { ...owing, verdict: 'unknown', dueOn: addHours(T, -1) },
      undefined,
      { kind: 'wait', reason: 'unproved' },
    ],
    [
      'where many fit, what is due is rotated beside it',
      { ...owing, overlap: 'many', verdict: 'unknown', dueOn: T },
      undefined,
      { kind: 'rotate', reason: 'due', rotation: due.rotation, source: issue },
    ],
    [
      'not before it is due',
      { ...owing, overlap: 'many', verdict: 'unknown', dueOn: addMinutes(T, 1) },
      undefined,
      { kind: 'wait', reason: 'unproved' },
    ],
    [
      'nor for a person, who is told why',
      { ...owing, overlap: 'many', verdict: 'unknown', dueOn: T },
      asks({ at: 'now' }),
      { kind: 'wait', reason: 'unproved' },
    ],
    [
      'of two neighbours the one is named of which it is only not known',
      {
        ...owing,
        owed: [...owed, { version: V2, handle: 'key1' }],
        blocked: new Map([
          [V1, keeps],
          [V2, mayKeep],
        ]),
      },
      undefined,
      { kind: 'wait', reason: 'slot-held', ...mayKeep },
    ],
    [
      'else the first',
      {
        ...owing,
        owed: [...owed, { version: V2, handle: 'key1' }],
        blocked: new Map([
          [V1, later],
          [V2, keeps],
        ]),
      },
      undefined,
      { kind: 'wait', reason: 'slot-held', ...later },
    ],
    [
      'a neighbour that surely holds it is never set aside',
      { ...owing, blocked: new Map([[V1, keeps]]) },
      asks({ at: 'now', override: ['slot-held'] }),
      { kind: 'wait', reason: 'slot-held', ...keeps },
    ],
  ]);
});

describe('a rotation takes its slot', () => {
  const blocked = { ...blockedWait, aside } as Source;
  const wanted = asks({ override: ['slot-held'] });
  const rotates = (source: object) => ({
    kind: 'rotate',
    reason: 'asked',
    rotation: due.rotation,
    source,
  });
  told([
    [
      'where it is only not known, for a person who says so',
      { ...adopted, source: blocked },
      wanted,
      rotates(aside),
    ],
    [
      'not for one who does not',
      { ...adopted, source: blocked },
      asks(),
      blockedWait.kind === 'blocked' ? { ...blockedWait.step } : {},
    ],
    [
      'nor where nothing could be set aside',
      { ...adopted, source: blockedWait },
      wanted,
      blockedWait.kind === 'blocked' ? { ...blockedWait.step } : {},
    ],
    ['a free one is taken as it is', adopted, wanted, rotates(issue)],
    [
      'with what is owed revoked first, only the newest is kept',
      { ...ours, nowSource: aside },
      asks({ rotateAgain: true }),
      rotates(aside),
    ],
    [
      'a heal keeps all that is owed',
      { ...broken, nowSource: aside },
      asks({ rotateAgain: true }),
      { kind: 'rotate', reason: 'value-refused', rotation: due.rotation, source: heal },
    ],
  ]);
});

describe('what stands in the way is told', () => {
  it('all of it, and what the request sets aside of it', () => {
    const observed: Observed = {
      ...due,
      policy: { ...due.policy, paused: true },
      hold: addHours(T, 5),
      createdOn: addHours(T, -1),
    };
    const { step, barriers: found } = barriers(
      observed,
      asks({ override: ['paused', 'too-soon'] }),
      T,
    );
    expect(step).toMatchObject({ kind: 'rotate', reason: 'asked' });
    expect(found).toEqual([
      { by: { kind: 'wait', reason: 'paused' }, overridden: true },
      { by: { kind: 'wait', reason: 'hold', until: addHours(T, 5) }, overridden: false },
      { by: { kind: 'wait', reason: 'too-soon', until: addHours(T, 47) }, overridden: true },
    ]);
    expect(barriers(due, undefined, T)).toMatchObject({ step: { kind: 'rotate' }, barriers: [] });
    expect(barriers(adopted, undefined, T)).toEqual({
      step: decide(adopted, undefined, T),
      barriers: [],
    });
  });

  const waits = (observed: Observed, asked?: Asked) =>
    barriers(observed, asked, T).barriers.map(({ by }) => by.reason);
  const settling = { settlingUntil: addMinutes(T, 1) };
  it('what only strikes off a time touches no slot', () => {
    const done: Observed = {
      ...ours,
      verdict: 'accepted',
      after: addHours(T, -1),
      indexGap: 'kv2',
      ...settling,
    };
    expect(decide(done, undefined, T)).toEqual({ kind: 'revoke', reason: 'settled', owed: [] });
    expect(waits(owing)).toEqual([]);
    expect(waits({ ...owing, indexGap: 'kv2', ...settling })).toEqual(['index', 'settling']);
    expect(waits({ ...due, indexGap: 'kv2', ...settling })).toEqual(['index', 'settling']);
    expect(waits({ ...due, settlingUntil: T })).toEqual([]);
  });

  it.each([
    ['prove', stored, undefined],
    ['restore', { ...adopted, wiped: true }, undefined],
    ['hold', adopted, asks({ hold: addHours(T, 1) })],
    ['move', owing, asks({ at: addHours(T, 1) })],
  ] as const)('nothing in the way of %s', (kind, observed, asked) => {
    const shut = {
      hold: addHours(T, 9),
      policy: { ...adopted.policy, paused: true, window: sundays },
    };
    expect(decide({ ...observed, ...shut, indexGap: 'kv2', ...settling }, asked, T)).toMatchObject({
      kind,
    });
  });

  it('a version is old enough in the minute in which it is', () => {
    const of = (createdOn: Date) => decide({ ...due, createdOn }, undefined, T).reason;
    expect([of(addHours(T, -48)), of(addMinutes(T, -48 * 60 + 1))]).toEqual(['due', 'too-soon']);
  });

  it('where many fit, a gap in the index stops what takes a credential away alone', () => {
    const many = { overlap: 'many', indexGap: 'kv2' } as const;
    expect(waits({ ...due, ...many })).toEqual([]);
    expect(waits({ ...owing, ...many })).toEqual(['index']);
  });
});

describe('a plan in words', () => {
  it.each<[Step, string]>([
    [
      { kind: 'rotate', reason: 'due', rotation: 'r', source: aside },
      'Would rotate (due): issue key2 beside key1, a.',
    ],
    [
      { kind: 'rotate', reason: 'asked', rotation: 'r', source: { kind: 'issue', keep: [] } },
      'Would rotate (asked): issue a credential beside nothing.',
    ],
    [
      { kind: 'rotate', reason: 'due', rotation: 'r', source: { kind: 'join', handle: 'key1' } },
      'Would rotate (due): join key1.',
    ],
    [
      {
        kind: 'rotate',
        reason: 'value-refused',
        rotation: 'r',
        source: { kind: 'again', handle: 'a', version: V1 },
      },
      `Would rotate (value-refused): store a of version ${V1} again.`,
    ],
    [
      { kind: 'revoke', reason: 'grace-over', owed: [...owed, { version: V2, handle: 'key1' }] },
      'Would revoke key2, key1.',
    ],
    [{ kind: 'revoke', reason: 'settled', owed: [] }, 'Would revoke nothing more.'],
    [
      { kind: 'move', reason: 'asked', after: T },
      'Would revoke what is owed after 2027-01-05T10:00:00.000Z.',
    ],
    [{ kind: 'hold', reason: 'asked', until: T }, 'Would hold until 2027-01-05T10:00:00.000Z.'],
    [{ kind: 'hold', reason: 'asked' }, 'Would lift the hold.'],
    [{ kind: 'prove', reason: 'accepted' }, 'Would prove.'],
    [{ kind: 'restore', reason: 'state-wiped' }, 'Would restore.'],
  ])('%j', (step: Step, words: string) => {
    expect(inWords(step)).toBe(words);
  });
});

describe('the grace that a request names', () => {
  it.each([
    ['after-grace', undefined],
    ['now', 0],
    ['12h', 12],
    ['2d', 48],
  ] as const)('%s', (revoke, hours) => expect(graceHoursOf(revoke)).toBe(hours));
});

describe('the next look', () => {
  const minutes = (step: Step, tries: number, observed?: Observed) =>
    ((lookAgainOn(step, observed, T, tries)?.getTime() ?? Number.NaN) - T.getTime()) / 60_000;
  const all = (step: Step, tries: readonly number[]) => tries.map((count) => minutes(step, count));
  it('after a change that repeats comes rarer each time, and within the hour', () => {
    expect(all({ kind: 'prove', reason: 'accepted' }, [0, 1, 2, 3, 6, 7, 20])).toEqual([
      0, 1, 2, 4, 32, 60, 60,
    ]);
  });

  it.each([
    ['index', [10, 20, 40, 1280, 1440, 1440]],
    ['slot-held', [10, 20, 40, 360, 360, 360]],
    ['brake', [15, 30, 60, 60, 60, 60]],
  ] as const)('for %s the pause doubles up to its bound', (reason, pauses) => {
    expect(all({ kind: 'wait', reason }, [0, 1, 2, 7, 8, 30])).toEqual(pauses);
  });

  it('for what is unproved comes in an hour, whatever else is known', () => {
    expect(minutes({ kind: 'wait', reason: 'unproved', until: addHours(T, 9) }, 5)).toBe(60);
  });

  it('after a refusal comes when it says, or in a day; after a skip when that says, or never', () => {
    expect(minutes({ kind: 'refuse', reason: 'no-consent', until: addHours(T, 2) }, 0)).toBe(120);
    expect(minutes({ kind: 'refuse', reason: 'no-consent' }, 0)).toBe(24 * 60);
    expect(minutes({ kind: 'skip', reason: 'exempt', until: addHours(T, 50) }, 0)).toBe(50 * 60);
    expect(lookAgainOn({ kind: 'skip', reason: 'opted-out' }, undefined, T)).toBeUndefined();
  });

  it('a wait with a time of its own and none that doubles comes then', () => {
    expect(minutes({ kind: 'wait', reason: 'grace', until: addHours(T, 3) }, 9)).toBe(180);
    expect(minutes({ kind: 'wait', reason: 'slot-held', until: addHours(T, 3) }, 0)).toBe(180);
    expect(minutes({ kind: 'wait', reason: 'paused' }, 9)).toBe(24 * 60);
  });

  it('at rest comes within a day and a half, spread by the version; where something is owed or unproved, within a day', () => {
    const late = { kind: 'wait', reason: 'not-due', until: addHours(T, 500) } as const;
    const of = (observed: Observed) => minutes(late, 0, observed) / 60;
    expect(of({ ...ours, version: `ffff${'0'.repeat(28)}` })).toBe(36);
    expect(of({ ...ours, version: '0'.repeat(32) })).toBe(24);
    expect(of({ ...ours, version: `8000${'0'.repeat(28)}` })).toBeCloseTo(30, 1);
    expect(of({ ...ours, proved: false, version: 'f'.repeat(32) })).toBe(24);
    expect(of({ ...owing, version: 'f'.repeat(32) })).toBe(24);
  });
});
