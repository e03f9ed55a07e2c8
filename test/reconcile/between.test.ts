/** What somebody else does between two calls of one pass: the world that the pass has seen is not the one it writes to. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { addHours } from '../../src/core/clock.ts';
import { BusyError } from '../../src/core/errors.ts';
import { readState } from '../../src/tags/state.ts';
import { OnePass } from './onePass.ts';

let world: OnePass;
beforeEach(() => {
  world = new OnePass();
});

/** The owner sets or strikes off tags of the current version. */
const retag = (tags: Record<string, string>) => () => {
  const current = world.current();
  current.tags = { ...current.tags, ...tags };
};
const atTheEnd = (): Date => addHours(world.now, 49);

describe('a secret is named for something else while its new credential is made', () => {
  it.each([
    ['the target', { 'rotator-target': 'there' }],
    ['the options', { 'rotator-options': 'other=1' }],
    ['opted out', { rotator: 'none' }],
    ['the kind', { rotator: 'another-kind' }],
  ])(
    '%s: the credential of the old one is not stored under the new tags, and goes',
    async (_, tags) => {
      const first = world.secret();
      world.on('target.issue', retag(tags));
      expect(await world.look()).toMatchObject({ step: { reason: 'conflict' } });
      expect(world.versions().map(({ id }) => id)).toEqual([first.id]);
      expect(world.calls).toContain('target.revoke key2');
      expect(world.accepts(first)).toBe(true);
    },
  );
});

describe("the owner's edit of a tag within a pass", () => {
  it('while the target makes the credential, it stands on the new version', async () => {
    world.secret();
    world.on('target.issue', retag({ cost: '42' }));
    await world.look();
    expect(world.versions()).toHaveLength(2);
    expect(world.current().tags).toMatchObject({ cost: '42' });
  });

  it('while the target is read, the mark of the beginning leaves it', async () => {
    const first = world.secret();
    world.on('target.inspect', retag({ cost: '42' }));
    await world.look();
    expect(world.versions()).toHaveLength(2);
    for (const { tags } of world.versions()) expect(tags).toMatchObject({ cost: '42' });
    expect(readState(first.tags)?.started).toBeDefined();
  });

  it('while the value is tried, the proof leaves it', async () => {
    world.secret();
    await world.look();
    world.on('target.check', retag({ cost: '42' }));
    await world.look();
    expect(readState(world.current().tags)?.proved).toBe(world.current().id.slice(0, 8));
    expect(world.current().tags).toMatchObject({ cost: '42' });
  });

  it('while the old one is revoked, the end of the obligation leaves it', async () => {
    world.secret();
    await world.rotated();
    world.now = atTheEnd();
    world.on('target.revoke key1', retag({ cost: '42' }));
    await world.look();
    expect(readState(world.current().tags)).not.toHaveProperty('after');
    expect(world.current().tags).toMatchObject({ cost: '42' });
  });
});

describe('right before the old credential is revoked', () => {
  const revoked = () => world.calls.filter((call) => call.startsWith('target.revoke'));
  beforeEach(async () => {
    world.secret();
    await world.rotated();
    world.now = atTheEnd();
    expect(revoked()).toEqual([]);
  });

  it('the current value is tried once more: where it was broken since, the last one that works stays', async () => {
    // Consent is read at the start of the pass and again before the revocation.
    world.on('consent', () => world.regenerate('key2'), 2);
    world.verdict = (slot) => (slot === '' ? 'refused' : undefined);
    await world.look();
    expect(revoked()).toEqual([]);
    expect(world.accepts(world.versions()[0])).toBe(true);
  });

  it.each(['refused', 'unknown', 'not-yet'] as const)(
    'a target that says %s by then keeps the old credential',
    async (verdict) => {
      world.on(
        'consent',
        () => {
          world.verdict = () => verdict;
        },
        2,
      );
      expect(await world.look()).toMatchObject({ step: { reason: 'slot-held' } });
      expect(revoked()).toEqual([]);
    },
  );

  it('consent is asked for once more: a target whose owner has withdrawn it is left alone', async () => {
    world.on('consent', () => world.consents.set('here', ''), 2);
    expect(await world.look()).toMatchObject({ step: { reason: 'no-consent' } });
    expect(revoked()).toEqual([]);
  });

  it('the tags are read once more: a state that names the other slot by then keeps both', async () => {
    world.on(
      'consent',
      () => retag({ 'rotator-state': 'v=1;tgt=00000000;cred=key2;rot=0123456789abcdef' })(),
      2,
    );
    await world.look();
    expect(revoked()).toEqual([]);
  });

  it('a version that somebody stored in between ends the pass', async () => {
    world.on('consent', () => world.secret('st-a', { value: 'a value of a person' }), 2);
    expect(await world.look()).toMatchObject({ step: { reason: 'superseded' } });
    expect(revoked()).toEqual([]);
  });
});

describe('a pass that is cut short', () => {
  it('by a busy vault or table knows nothing of what is alerted already, and alerts it once only', async () => {
    world.secret('st-a', { value: 'a value that nobody knows' });
    await world.look();
    expect(world.alerts()).toEqual(['unknown-value']);
    for (let turn = 0; turn < 3; turn++) {
      world.now = addHours(world.now, 1);
      world.always((call) => {
        if (call === 'target.inspect') throw new BusyError('target-busy');
      });
      await world.look();
      world.always(() => {});
      await world.look();
    }
    expect(world.alerts().filter((reason) => reason === 'unknown-value')).toEqual([
      'unknown-value',
    ]);
  });
});

describe('who shares a target', () => {
  it('with failover partners takes one and the same lock, whichever of them its tags name', async () => {
    world.owners = (target) => (target === '/east' ? ['/east', '/west'] : ['/west', '/east']);
    for (const [name, target] of [
      ['st-a', '/east'],
      ['st-b', '/west'],
    ] as const) {
      world.secret(name, { target });
      await world.look(name);
    }
    const targets = world.locked.filter((lock) => lock.startsWith('target/'));
    expect(targets.length).toBeGreaterThan(1);
    expect(new Set(targets).size).toBe(1);
  });

  it('after a rotation that failed the row names no slot: a neighbour takes it for one that may hold any', async () => {
    world.secret();
    world.verdict = (slot) => (slot === 'key2' ? 'refused' : undefined);
    expect(await world.look()).toMatchObject({ step: { reason: 'not-accepted' } });
    expect([...world.holders.values()]).toMatchObject([{ name: 'st-a' }]);
    expect([...world.holders.values()][0]).not.toHaveProperty('handle');
  });
});

describe('a version that came with tags of another one', () => {
  it('is tried and proved itself, whatever proof it brought', async () => {
    world.secret();
    await world.rotated();
    const { value, tags } = world.current();
    const copy = world.secret('st-a', { days: 0, tags });
    copy.value = value;
    copy.tags = { ...tags };
    await world.look();
    expect(readState(world.current().tags)?.proved).toBe(copy.id.slice(0, 8));
  });

  it('of a former target is not given the state of that one back', async () => {
    world.secret();
    await world.rotated();
    // Settled: nothing is owed to the former one.
    world.now = atTheEnd();
    await world.look();
    await world.look();
    const current = world.current();
    world.keys.set(
      'there',
      new Map([
        ['key1', 'key1-of-there-0123456789'],
        ['key2', 'key2-of-there-0123456789'],
      ]),
    );
    current.tags = { rotator: 'fake-key', 'rotator-target': 'there' };
    await world.look();
    expect(current.tags).not.toHaveProperty('rotator-state');
    expect(world.alerts()).toEqual(['unknown-value']);
  });
});
