/** The promises of a rotator (design section 4), run against every one of them. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Handle } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Rotator, Target } from '../../src/rotators/rotator.ts';

/** A target with one live credential, seen from the side of the target. */
export interface Subject {
  readonly rotator: Rotator;
  readonly target: Target;
  /** The credential that a person made, and which the secret holds at first. */
  readonly first: Secret;
  /** The one question a target answers: does this value let one in, now? */
  accepts(value: Secret): Promise<boolean>;
  /** How often the target was changed since the subject was set up. */
  changes(): number;
}

const ROTATION = '0123456789abcdef';
const UNTIL = new Date('2030-01-01T00:00:00Z');

/** Runs the promises. `setUp` makes a fresh subject for each test. */
export function rotatorContract(type: string, setUp: () => Promise<Subject>): void {
  describe(`the contract of ${type}`, () => {
    let subject: Subject;
    let target: Target;
    beforeEach(async () => {
      subject = await setUp();
      target = subject.target;
    });
    const nameOf = async (value: Secret): Promise<Handle> => {
      const handle = await target.adopt(value);
      if (handle === undefined) throw new Error('The target does not know the value.');
      return handle;
    };
    const issueBeside = async (value: Secret) => target.issue(ROTATION, [await nameOf(value)], UNTIL);

    it('has the name it is registered under, and lists its actions', () => {
      expect(subject.rotator.type).toBe(type);
      for (const action of subject.rotator.actions) expect(action).toMatch(/^Microsoft\.\w+\/[\w/]+$|^\w+\.\w+/);
    });

    it('has an id that is lower case and stays the same', () => {
      expect(target.id).toBe(target.id.toLowerCase());
      expect(target.id).toMatch(/^\/subscriptions\/|^[0-9a-f-]{36}$/);
    });

    it('inspects, adopts and checks without changing anything', async () => {
      const state = await target.inspect();
      expect(state.handles).toContain(await nameOf(subject.first));
      expect(state.obstacles).toEqual([]);
      expect(['accepted', 'vouched']).toContain(await target.check(subject.first));
      expect(subject.changes()).toBe(0);
    });

    it('does not name a value that it does not know, and calls it refused', async () => {
      const stranger = new Secret('bm90IGEga2V5IG9mIHRoaXMgYWNjb3VudA==');
      expect(await target.adopt(stranger)).toBeUndefined();
      expect(await target.check(stranger)).toBe('refused');
    });

    it('issues a credential that works beside the one to keep', async () => {
      const { handle, value } = await issueBeside(subject.first);
      expect(await target.check(value)).toBe('accepted');
      expect(await nameOf(value)).toBe(handle);
      expect(await subject.accepts(value)).toBe(true);
      if (subject.rotator.overlap !== 'none') expect(await subject.accepts(subject.first)).toBe(true);
    });

    it('leaves at most one live credential when it issues twice for the same rotation', async () => {
      const lost = await issueBeside(subject.first);
      const again = await issueBeside(subject.first);
      expect(await subject.accepts(lost.value)).toBe(false);
      expect(await subject.accepts(again.value)).toBe(true);
      if (subject.rotator.overlap !== 'none') expect(await subject.accepts(subject.first)).toBe(true);
    });

    it('revokes what it is told to and nothing else', async () => {
      const old = await nameOf(subject.first);
      const { value } = await issueBeside(subject.first);
      await target.revoke(old, subject.first);
      expect(await subject.accepts(subject.first)).toBe(false);
      expect(await target.check(subject.first)).toBe('refused');
      expect(await subject.accepts(value)).toBe(true);
    });

    it('revokes a second time without a change', async () => {
      const old = await nameOf(subject.first);
      await issueBeside(subject.first);
      await target.revoke(old, subject.first);
      const before = subject.changes();
      await target.revoke(old, subject.first);
      expect(subject.changes()).toBe(before);
    });

    it('leaves alone what holds another value by now', async () => {
      const { handle, value } = await issueBeside(subject.first);
      await target.revoke(handle, subject.first);
      expect(await subject.accepts(value)).toBe(true);
    });

    it('goes on for ten rotations', async () => {
      let live = subject.first;
      for (let turn = 0; turn < 10; turn += 1) {
        const old = await nameOf(live);
        const { value } = await issueBeside(live);
        await target.revoke(old, live);
        expect(await subject.accepts(live)).toBe(false);
        live = value;
      }
      expect(await subject.accepts(live)).toBe(true);
    });

    it('reads the present value of a slot, where it can', async () => {
      if (!target.read) return;
      const { handle, value } = await issueBeside(subject.first);
      expect((await target.read(handle)).equals(value)).toBe(true);
      expect((await target.read(await nameOf(subject.first))).equals(subject.first)).toBe(true);
    });
  });
}
