import { describe, expect, it } from '@jest/globals';
import { addDays, addHours, addMinutes } from '../../src/core/clock.ts';
import { decide, lookAgainOn } from '../../src/reconcile/decide.ts';
import type { Observed } from '../../src/reconcile/observe/observed.ts';
import type { Step } from '../../src/reconcile/step.ts';
import {
  adopted,
  asks,
  broken,
  due,
  heal,
  issue,
  ours,
  owed,
  owing,
  placeholder,
  rows,
  stored,
  sundays,
  T,
} from './situations.ts';

describe('decide writes a hold that a person asked for', () => {
  const until = addDays(T, 3);
  const hold = { kind: 'hold', reason: 'asked', until };

  it.each(
    rows([
      ['on a secret at rest', adopted, asks({ hold: until }), hold],
      ['before it rotates what is due', due, asks({ hold: until }), hold],
      ['before it heals', broken, asks({ hold: until }), hold],
      ['before it revokes', owing, asks({ hold: until }), hold],
      [
        'before it goes on with what was begun',
        { ...due, begun: true },
        asks({ hold: until }),
        hold,
      ],
      ['on a value that nobody knows', { ...adopted, known: false }, asks({ hold: until }), hold],
      [
        'on the version that is current by now',
        due,
        asks({ hold: until, version: '0'.repeat(32) }),
        hold,
      ],
      [
        'outside the window',
        { ...due, policy: { ...due.policy, window: sundays } },
        asks({ hold: until }),
        hold,
      ],
      [
        'once more, where another one is in force',
        { ...due, hold: addDays(T, 9) },
        asks({ hold: until }),
        hold,
      ],
      [
        'also to lift it',
        { ...due, hold: until },
        asks({ hold: null }),
        { kind: 'hold', reason: 'asked' },
      ],
      [
        'once the wiped tags are back',
        { ...due, wiped: true },
        asks({ hold: until }),
        { kind: 'restore' },
      ],
      [
        'not where it only observes',
        { ...due, mode: 'observe' },
        asks({ hold: until }),
        { reason: 'mode-observe' },
      ],
      ['also where no rotation is begun', { ...due, mode: 'drain' }, asks({ hold: until }), hold],
    ]),
  )('%s', (_title, observed, asked, step) => {
    expect(decide(observed, asked, T)).toMatchObject(step);
    expect(decide(observed, asked, T)).not.toHaveProperty(
      asked?.hold === null ? 'until' : 'rotation',
    );
  });
});

describe('decide takes one step', () => {
  it.each(
    rows([
      [
        'waits while nothing is due',
        adopted,
        undefined,
        { kind: 'wait', reason: 'not-due', until: adopted.dueOn },
      ],
      ['rotates what is due', due, undefined, { kind: 'rotate', reason: 'due', source: issue }],
      [
        'rotates at the very time',
        { ...adopted, dueOn: T },
        undefined,
        { kind: 'rotate', reason: 'due' },
      ],
      ['rotates what a person asks for', adopted, asks(), { kind: 'rotate', reason: 'asked' }],
      [
        'goes on with what was begun',
        { ...adopted, begun: true },
        undefined,
        { kind: 'rotate', reason: 'begun' },
      ],
      ['proves what was stored', stored, undefined, { kind: 'prove', reason: 'accepted' }],
      [
        'proves by the word of the management plane',
        { ...stored, verdict: 'vouched' },
        undefined,
        { kind: 'prove' },
      ],
      [
        'rotates a refused value of ours at once',
        broken,
        undefined,
        { kind: 'rotate', reason: 'value-refused', source: heal },
      ],
      [
        'writes a wiped state back',
        { ...adopted, wiped: true },
        undefined,
        { kind: 'restore', reason: 'state-wiped' },
      ],
      ['revokes after the grace', owing, undefined, { kind: 'revoke', reason: 'grace-over', owed }],
      [
        'strikes an obligation off that is done',
        { ...owing, owed: [] },
        undefined,
        { kind: 'revoke', reason: 'settled', owed: [] },
      ],
      [
        'issues a first credential for a placeholder of any age',
        placeholder,
        undefined,
        { kind: 'rotate', reason: 'placeholder' },
      ],
      [
        'refuses a value that nobody knows',
        { ...adopted, known: false },
        undefined,
        { kind: 'refuse', reason: 'unknown-value' },
      ],
      [
        'waits for the grace',
        { ...owing, after: addHours(T, 1) },
        undefined,
        { kind: 'wait', reason: 'grace', until: addHours(T, 1) },
      ],
      [
        'waits for drift to end',
        { ...adopted, owed },
        undefined,
        { kind: 'wait', reason: 'drift', until: adopted.dueOn },
      ],
    ]),
  )('%s', (_, observed, asked, expected) => {
    expect(decide(observed, asked, T)).toMatchObject(expected);
  });

  it('IAC-04: calls a placeholder no unknown value, and keeps the minimum age off it', () => {
    expect(decide({ ...placeholder, createdOn: T }, undefined, T)).toMatchObject({
      kind: 'rotate',
    });
  });

  it('SQL-11: neither rotates nor revokes on `unknown`, and does not call it proof', () => {
    expect(decide({ ...stored, verdict: 'unknown' }, undefined, T)).toMatchObject({
      kind: 'wait',
      reason: 'unproved',
    });
    expect(decide({ ...owing, verdict: 'unknown' }, undefined, T)).toMatchObject({
      kind: 'wait',
      reason: 'unproved',
    });
  });

  it.each(['not-yet', 'unknown', undefined] as const)(
    'revokes nothing on the verdict %s',
    (verdict) => {
      const { verdict: _, ...rest } = owing;
      expect(decide(verdict ? { ...rest, verdict } : rest, undefined, T)).toMatchObject({
        kind: 'wait',
        reason: 'unproved',
      });
    },
  );

  it('heals only what a rotation wrote: a refused value that was taken over is a stranger', () => {
    expect(decide({ ...broken, written: false, ours: false }, undefined, T)).toMatchObject({
      reason: 'unknown-value',
    });
  });
});

describe('the modes', () => {
  const everything: readonly (readonly [string, Observed])[] = [
    ['due', due],
    ['begun', { ...adopted, begun: true }],
    ['broken', broken],
    ['stored', stored],
    ['owing', owing],
    ['settled', { ...owing, owed: [] }],
    ['wiped', { ...adopted, wiped: true }],
    ['placeholder', placeholder],
  ];

  it.each(everything)(
    'observe writes nothing for a secret that is %s, and says what it would do',
    (_, observed) => {
      const step = decide({ ...observed, mode: 'observe' }, undefined, T);
      expect(step).toMatchObject({
        kind: 'wait',
        reason: 'mode-observe',
        detail: expect.stringMatching(/^Would /),
      });
    },
  );

  it('drain finishes what was begun, heals, proves, restores and revokes, and begins nothing', () => {
    const kinds = Object.fromEntries(
      everything.map(([name, observed]) => {
        const step = decide({ ...observed, mode: 'drain' }, undefined, T);
        return [name, step.kind === 'wait' ? step.reason : step.kind];
      }),
    );
    expect(kinds).toEqual({
      due: 'mode-drain',
      begun: 'rotate',
      broken: 'rotate',
      stored: 'prove',
      owing: 'revoke',
      settled: 'revoke',
      wiped: 'restore',
      placeholder: 'mode-drain',
    });
  });
});

describe('precedence', () => {
  /** Each situation together with all that come after it: the first one decides. */
  const order: readonly (readonly [string, Partial<Observed>])[] = [
    ['restore', { wiped: true }],
    ['value-refused', { verdict: 'refused', known: false }],
    ['prove', { proved: false, verdict: 'accepted', known: true }],
    ['revoke', { owed, after: addHours(T, -1), verdict: 'accepted' }],
    ['begun', { begun: true }],
    ['due', { dueOn: addHours(T, -1) }],
  ];
  const named = (step: Step) => (step.kind === 'rotate' ? step.reason : step.kind);

  it.each(order.map(([name], at) => [name, at] as const))(
    '%s comes before all that follow it',
    (name, at) => {
      const facts = order.slice(at).map(([, over]) => over);
      const merged: Observed = Object.assign({}, ours, ...facts.reverse());
      expect(named(decide(merged, undefined, T))).toBe(name);
    },
  );
});

describe('the next look', () => {
  const look = (step: Step, observed?: Observed) => lookAgainOn(step, observed, T);
  const inHours = (hours: number) => addHours(T, hours);

  it('comes at once after a change, in a day after a refusal, never after a skip', () => {
    expect(look({ kind: 'prove', reason: 'accepted' }, stored)).toEqual(T);
    expect(look({ kind: 'refuse', reason: 'bad-tags' })).toEqual(inHours(24));
    expect(look({ kind: 'skip', reason: 'gone' })).toBeUndefined();
  });

  it('comes when the wait may be over, within a day where something may change meanwhile', () => {
    expect(look({ kind: 'wait', reason: 'grace', until: inHours(5) }, owing)).toEqual(inHours(5));
    expect(look({ kind: 'wait', reason: 'grace', until: inHours(40) }, owing)).toEqual(inHours(24));
    expect(look({ kind: 'wait', reason: 'not-due', until: inHours(3) }, adopted)).toEqual(
      inHours(3),
    );
    expect(look({ kind: 'wait', reason: 'not-due', until: addDays(T, 50) }, adopted)).toEqual(
      inHours(24),
    );
    expect(look({ kind: 'wait', reason: 'paused' }, due)).toEqual(inHours(24));
  });

  it('comes within a day and a half at rest, spread by the version so that a fleet does not ask all at once', () => {
    const atRest = (version: string) =>
      look({ kind: 'wait', reason: 'not-due', until: addDays(T, 50) }, { ...ours, version });
    expect(atRest('0'.repeat(32))).toEqual(inHours(24));
    expect(atRest('f'.repeat(32))).toEqual(inHours(36));
  });

  it('comes soon where the wait ends by itself at a time that nobody knows', () => {
    expect(look({ kind: 'wait', reason: 'index', detail: 'kv2 was never listed.' }, due)).toEqual(
      addMinutes(T, 10),
    );
    expect(look({ kind: 'wait', reason: 'unproved' }, owing)).toEqual(inHours(1));
  });

  it('never lies in the past', () => {
    expect(look({ kind: 'wait', reason: 'settling', until: inHours(-1) }, due)).toEqual(T);
  });
});
