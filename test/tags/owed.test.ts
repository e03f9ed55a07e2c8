import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addHours, addMinutes } from '../../src/core/clock.ts';
import { rotationId } from '../../src/core/ids.ts';
import type { VersionInfo } from '../../src/ports/vault.ts';
import {
  keptBesideDrift,
  type NamedOlder,
  newestOf,
  olderOurs,
  owedElsewhere,
  rotationsSince,
} from '../../src/tags/owed.ts';
import { formatState, type RotatorState } from '../../src/tags/state.ts';

const T = new Date('2027-01-05T10:00:00Z');
const secret = { vault: 'kv1', name: 'st-a' };
const tgt = '0a1b2c3d';
const other = 'ffffffff';
const id = (digit: number) => String(digit).repeat(32);
const rot = (digit: number) => rotationId(secret, id(digit));

function version(
  digit: number,
  state: RotatorState | string | undefined,
  createdOn = T,
): VersionInfo {
  const tag = typeof state === 'object' ? formatState(state) : state;
  const tags = {
    rotator: 'storage-account-key',
    ...(tag === undefined ? {} : { 'rotator-state': tag }),
  };
  return { id: id(digit), enabled: true, createdOn, updatedOn: createdOn, tags, managed: false };
}
const older = (versions: readonly VersionInfo[], current: number, currentRot?: string) =>
  olderOurs(versions, id(current), { secret, tgt, currentRot });
const ids = (found: readonly { version: string }[]) =>
  found.map(({ version: each }) => each[0]).sort();

/** A chain as Keyturn writes it: 1 was taken over, 2 replaced it, 3 replaced 2. */
const chain = [
  version(1, { tgt, cred: 'key1', started: rot(1), revoked: true }),
  version(2, { tgt, cred: 'key2', rot: rot(1), started: rot(2) }),
  version(3, { tgt, cred: 'key1', rot: rot(2), after: addHours(T, 48) }),
];

describe('older versions of ours', () => {
  it('are those with a state of this target that are neither current nor marked revoked', () => {
    expect(older(chain, 3, rot(2))).toEqual([
      {
        version: id(2),
        handle: 'key2',
        createdOn: T,
        state: { tgt, cred: 'key2', rot: rot(1), started: rot(2) },
      },
    ]);
  });

  it('KV-04: do not depend on the order of the list', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...chain], { minLength: 3 }), (list) => {
        expect(ids(older(list, 3, rot(2)))).toEqual(['2']);
      }),
    );
  });

  it('IAC-01: include one whose tags were replaced, since its successor says what it replaced; its value names it', () => {
    const wiped = [version(1, undefined), chain[2] as VersionInfo, version(2, undefined)];
    const found = older(wiped, 3, rot(2));
    expect(found).toEqual([{ version: id(2), createdOn: T, state: { tgt, started: rot(2) } }]);
    expect(found[0]).not.toHaveProperty('handle');
  });

  it('IAC-02: include one under an older state of its own, without a handle: the value names it', () => {
    const saved = [version(2, { tgt, cred: 'key1', rot: rot(1) }), chain[2] as VersionInfo];
    expect(older(saved, 3, rot(2))).toEqual([
      { version: id(2), createdOn: T, state: { tgt, started: rot(2), rot: rot(1) } },
    ]);
  });

  it('are found under drift, when the current version has no state', () => {
    expect(ids(older([...chain, version(4, undefined)], 4))).toEqual(['2', '3']);
  });

  it.each([
    ['another target', { tgt: other, cred: 'key2' }],
    ['no handle', { tgt }],
    ['no target', { cred: 'key2' }],
    ['a newer release', 'v=2;tgt=0a1b2c3d;cred=key2'],
    ['a text that does not parse', 'v=1;tgt=0a1b2c3d;cred=%zz'],
  ])('leave out one with the state of %s', (_, state) => {
    expect(older([version(2, state), version(3, undefined)], 3)).toEqual([]);
  });
});

describe('older versions at another target', () => {
  it('are named while they are not revoked', () => {
    const list = [
      version(1, { tgt: other, cred: 'key1', revoked: true }),
      version(2, { tgt: other, cred: 'key2' }),
      version(3, { tgt, cred: 'key1' }),
      version(4, { tgt: other, cred: 'key1' }),
      version(5, { tgt: other }),
    ];
    expect(owedElsewhere(list, id(4), tgt)).toEqual([id(2)]);
  });
});

const named = (
  digit: number,
  handle: string,
  createdOn: Date,
  state: RotatorState = {},
): NamedOlder => ({
  version: id(digit),
  handle,
  createdOn,
  state: { tgt, cred: handle, ...state },
});

describe('the newest of what is owed', () => {
  it('is the one created last, wherever it stands', () => {
    const list = [
      named(2, 'key2', addMinutes(T, 5)),
      named(1, 'key1', T),
      named(3, 'a', addMinutes(T, 1)),
    ];
    expect(newestOf(list, secret)?.version).toBe(id(2));
    expect(newestOf([...list].reverse(), secret)?.version).toBe(id(2));
    expect(newestOf([], secret)).toBeUndefined();
  });

  it('KV-04: is the end of the chain when two were created in the same second', () => {
    const list = [named(2, 'key2', T, { rot: rot(7) }), named(7, 'key1', T)];
    expect(newestOf(list, secret)?.version).toBe(id(2));
    expect(newestOf([...list].reverse(), secret)?.version).toBe(id(2));
  });
});

describe('what drift must keep', () => {
  const current = { createdOn: T, graceHours: 48 };
  const newest = named(2, 'key2', addHours(T, -100), { after: addHours(T, 10) });
  const before = named(1, 'key1', addHours(T, -200));

  it('is the credential that was current last, for a grace from the stranger that replaced it', () => {
    expect(keptBesideDrift([newest], newest, current, addHours(T, 47))).toEqual({
      keep: ['key2'],
      until: addHours(T, 48),
    });
    expect(keptBesideDrift([newest], newest, current, addHours(T, 48))).toEqual({ keep: [] });
  });

  it('is what was owed already, until the latest time that any of ours carries', () => {
    expect(keptBesideDrift([newest, before], newest, current, addHours(T, 9))).toEqual({
      keep: ['key2', 'key1'],
      until: addHours(T, 48),
    });
    expect(keptBesideDrift([newest, before], newest, current, addHours(T, 11)).keep).toEqual([
      'key2',
    ]);
  });

  it('is nothing where nothing is owed', () => {
    expect(keptBesideDrift([], undefined, current, T)).toEqual({ keep: [] });
  });
});

describe('rotations of late', () => {
  it('are counted by rotation, so that late twins of one count once', () => {
    const list = [
      version(1, { tgt, rot: rot(9) }, addHours(T, -25)),
      version(2, { tgt, rot: rot(1) }, addHours(T, -3)),
      version(3, { tgt, rot: rot(2) }, addHours(T, -2)),
      version(4, { tgt, rot: rot(2) }, addHours(T, -2)),
      version(5, undefined, addHours(T, -1)),
      version(6, 'v=2;rot=0123456789abcdef', addHours(T, -1)),
    ];
    expect(rotationsSince(list, addHours(T, -24))).toBe(2);
    // The state of one was taken away: the row knows it, and counts no other twice.
    const wrote = list.filter((_, at) => at === 3 || at === 4).map(({ id }) => id);
    expect(rotationsSince(list, addHours(T, -24), wrote)).toBe(3);
    expect(rotationsSince(list, T, wrote)).toBe(0);
  });
});
