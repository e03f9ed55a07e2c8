/** What single passes tell people, and when: nobody is called too soon, and nobody too late. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { addDays, addHours } from '../../src/core/clock.ts';
import { readState } from '../../src/tags/state.ts';
import { OnePass } from './onePass.ts';

let world: OnePass;
beforeEach(() => {
  world = new OnePass();
});

/** The owner sets tags of the current version. */
const retag = (tags: Record<string, string>, name = 'st-a'): void => {
  const current = world.current(name);
  current.tags = { ...current.tags, ...tags };
};

describe('a published value that lets nobody in', () => {
  it.each([
    ['a pause keeps it from being healed', { 'rotator-policy': 'paused=true' }],
    ['a hold does', {}],
  ])('is alerted at once where %s', async (why, tags) => {
    world.secret();
    await world.rotated();
    retag(tags);
    if (why.startsWith('a hold')) {
      const { 'rotator-state': state } = world.current().tags;
      retag({ 'rotator-state': `${state};hold=2027-02-01T00:00Z` });
      expect(readState(world.current().tags)?.hold).toBeDefined();
    }
    expect(world.alerts()).toEqual([]);
    world.regenerate(readState(world.current().tags)?.cred as string);
    await world.look();
    expect(world.alerts()).toEqual(['locked-out']);
    await world.look();
    expect(world.alerts()).toEqual(['locked-out']);
  });
});

describe('an old credential that is not revoked when its grace is over', () => {
  it.each([
    ['a paused vault', 1],
    ['a neighbour on its slot', 1],
  ])('is alerted when it is a day late, and not before: %s', async (why, days) => {
    world.secret();
    await world.rotated();
    const { after } = readState(world.current().tags) ?? {};
    if (why.startsWith('a paused')) world.vaultTags = { 'keyturn-policy': 'paused=true' };
    else {
      const [first] = world.versions();
      world.secret('st-b', { days: 2, value: first?.value.reveal() ?? '' });
      await world.look('st-b');
    }
    world.now = addHours(addDays(after as Date, days), -1);
    await world.look();
    expect(world.alerts()).toEqual([]);
    world.now = addHours(world.now, 2);
    await world.look();
    expect(world.alerts()).toEqual(['overdue']);
    expect(world.accepts(world.versions()[0])).toBe(true);
  });
});

describe('the list of who holds what', () => {
  it('is taken at its word for 26 hours: after that no slot is taken, as a neighbour may have come', async () => {
    world.secret();
    world.sweptHoursAgo = 27;
    expect(await world.look()).toMatchObject({ step: { kind: 'wait', reason: 'index' } });
    expect(world.calls).not.toContain('target.issue');
    world.sweptHoursAgo = 25;
    expect(await world.look()).toMatchObject({ step: { kind: 'rotate' } });
  });
});

describe('what carries the label of the secret at a target of many, and stands in no version', () => {
  /** Issued so many minutes ago by a pass of another rotation. */
  const issued = (handle: string, minutes: number) => ({
    ...{ handle, rotation: 'fedcba9876543210', createdOn: addHours(world.now, -minutes / 60) },
  });
  const removed = () => world.calls.filter((call) => call.startsWith('target.revoke'));

  it('is removed once it is older than the grace: a pass may still be about to store what is younger', async () => {
    world.overlap = 'many';
    world.secret();
    world.state = {
      labelled: [
        issued('a-minute-old', 1),
        issued('of-yesterday', 24 * 60),
        issued('old', 49 * 60),
      ],
    };
    await world.look();
    expect(world.versions()).toHaveLength(2);
    expect(removed()).toEqual(['target.revoke old']);
  });

  it('nor by the revocation of what is owed', async () => {
    world.overlap = 'many';
    world.secret();
    await world.rotated();
    world.now = addHours(world.now, 49);
    world.state = { labelled: [issued('a-minute-old', 1), issued('old', 49 * 60)] };
    await world.look();
    expect(removed()).toEqual(['target.revoke old', 'target.revoke key1']);
  });
});
