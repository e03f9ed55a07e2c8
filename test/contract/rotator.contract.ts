/** The promises of a rotator (design section 4), run against every one of them. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Handle } from '../../src/core/ids.ts';
import { inRole } from '../../src/core/neededRights.ts';
import type { Credential, Rotator, Stay, Target } from '../../src/ports/rotator.ts';

/** A value with the login it belongs to, for kinds whose secrets carry one. */
export type Held = Pick<Credential, 'value' | 'login'>;

/** A target with one live credential, seen from the side of the target. */
export interface Subject {
  readonly rotator: Rotator;
  /** A target bound anew, as every pass does. */
  bind(): Target;
  /** The credential that a person made, and which the secret holds at first. */
  readonly first: Held;
  /** The one question a target answers: does this value let one in, now? */
  accepts(held: Held): Promise<boolean>;
  /** How often the target was changed since the subject was set up. */
  changes(): number;
  /** Sleeps by the clock of the subject, so that what spreads slowly has spread. */
  readonly stay: Stay;
  /** A value of the right shape that the target never knew. */
  readonly stranger: Held;
  /** True where `revoke` of what a person made is refused (targets that hold many). */
  readonly personalStays?: true;
  /** True where no data plane can be asked: the management plane alone says that a value is good. */
  readonly vouched?: true;
}

export const ROTATION = '0123456789abcdef';
export const NEXT_ROTATION = 'fedcba9876543210';
export const UNTIL = new Date('2030-01-01T00:00:00Z');
/** The secret in whose name contract tests bind. */
export const SECRET = { vault: 'kv1', name: 'db-pw' };

/** Runs the promises. `setUp` makes a fresh subject for each test. */
export function rotatorContract(type: string, setUp: () => Promise<Subject>): void {
  describe(`the contract of ${type}`, () => {
    let subject: Subject;
    beforeEach(async () => {
      subject = await setUp();
    });
    const nameOf = async ({ value, login }: Held): Promise<Handle> => {
      const handle = await subject.bind().adopt(value, login);
      if (handle === undefined) throw new Error('The target does not know the value.');
      return handle;
    };
    const issueBeside = async (held: Held, rotation = ROTATION) =>
      subject.bind().issue(rotation, [await nameOf(held)], UNTIL, subject.stay);
    const overlaps = () => subject.rotator.overlap !== 'none';
    /** As a pass does it: asks with pauses until the answer is not "not yet". */
    const settled = async (target: Target, { value, login }: Held) => {
      for (let turn = 0; turn < 60; turn += 1) {
        const verdict = await target.check(value, login);
        if (verdict !== 'not-yet') return verdict;
        await subject.stay(10);
      }
      throw new Error('Still not yet after ten minutes.');
    };

    it('has the name it is registered under, and lists its rights by who gives them', () => {
      const { rotator } = subject;
      const { graph = [], database = [] } = rotator.rights;
      expect(rotator.type).toBe(type);
      for (const action of inRole(rotator.rights))
        expect(action).toMatch(/^Microsoft\.\w+\/[\w/]+$/);
      for (const permission of graph) expect(permission).toMatch(/^\w+\.\w+(\.\w+)*$/);
      for (const grant of database) expect(grant).not.toMatch(/Microsoft\./);
      expect([...inRole(rotator.rights), ...graph, ...database]).not.toEqual([]);
    });

    it('has an id that is lower case and stays the same, and owners to ask', () => {
      const { id, owners } = subject.bind();
      expect(subject.bind().id).toBe(id);
      expect(id).toBe(id.toLowerCase());
      expect(id).toMatch(/^\/subscriptions\/|^[0-9a-f-]{36}$/);
      expect(owners.length).toBeGreaterThan(0);
      for (const owner of owners)
        expect(owner).toMatch(/^\/subscriptions\/[^A-Z]+$|^[0-9a-f-]{36}$/);
    });

    it('inspects, adopts and checks without changing anything', async () => {
      const target = subject.bind();
      const state = await target.inspect();
      expect(state.handles).toContain(await nameOf(subject.first));
      expect(state.obstacles).toEqual([]);
      expect(['accepted', 'vouched']).toContain(
        await target.check(subject.first.value, subject.first.login),
      );
      expect(subject.changes()).toBe(0);
    });

    it('does not name a value that it does not know, and calls it refused', async () => {
      const { value, login } = subject.stranger;
      expect(await subject.bind().adopt(value, login)).toBeUndefined();
      expect(await subject.bind().check(value, login)).toBe('refused');
    });

    it('issues a credential that works beside the one to keep', async () => {
      const target = subject.bind();
      const issued = await target.issue(
        ROTATION,
        [await nameOf(subject.first)],
        UNTIL,
        subject.stay,
      );
      expect(await settled(target, issued)).toBe(subject.vouched ? 'vouched' : 'accepted');
      expect(await nameOf(issued)).toBe(issued.handle);
      expect(await subject.accepts(issued)).toBe(true);
      expect(await subject.accepts(subject.first)).toBe(overlaps());
    });

    it('leaves at most one live credential when it issues twice for the same rotation', async () => {
      const lost = await issueBeside(subject.first);
      await subject.stay(600);
      const keep = overlaps() ? subject.first : lost;
      const again = await issueBeside(keep);
      await subject.stay(600);
      expect(await subject.accepts(lost)).toBe(false);
      expect(await subject.accepts(again)).toBe(true);
      expect(await subject.accepts(subject.first)).toBe(overlaps());
    });

    it('revokes what it is told to and nothing else', async () => {
      if (!overlaps()) return expect(subject.bind().restore).toBeDefined();
      const one = await issueBeside(subject.first);
      await subject.stay(600);
      const two = await issueBeside(subject.personalStays ? subject.first : one, NEXT_ROTATION);
      await subject.stay(600);
      // Of two slots the first credential has gone by now; where many fit, both are there.
      const [old, kept] = [one, two];
      await subject.bind().revoke(old.handle, old.value, subject.stay);
      await subject.stay(600);
      expect(await subject.accepts(old)).toBe(false);
      expect(await subject.bind().check(old.value, old.login)).toBe('refused');
      expect(await subject.accepts(kept)).toBe(true);
    });

    it('revokes a second time without a change', async () => {
      if (!overlaps()) return expect(subject.bind().restore).toBeDefined();
      const { handle, value } = await issueBeside(subject.first);
      await subject.stay(600);
      await subject.bind().revoke(handle, value, subject.stay);
      const before = subject.changes();
      await subject.bind().revoke(handle, value, subject.stay);
      expect(subject.changes()).toBe(before);
    });

    it('leaves alone what holds another value by now', async () => {
      if (subject.rotator.overlap !== 'two-slots')
        return expect(subject.bind().read).toBeUndefined();
      const issued = await issueBeside(subject.first);
      await subject.bind().revoke(issued.handle, subject.first.value, subject.stay);
      expect(await subject.accepts(issued)).toBe(true);
    });

    it('goes on for ten rotations', async () => {
      let live = subject.first;
      for (let turn = 0; turn < 10; turn += 1) {
        const old = { ...live, handle: await nameOf(live) };
        const next = await issueBeside(live, `${turn}`.padStart(16, '0'));
        await subject.stay(600);
        const mayGo = overlaps() && !(subject.personalStays && live === subject.first);
        if (mayGo) await subject.bind().revoke(old.handle, old.value, subject.stay);
        await subject.stay(600);
        if (mayGo) expect(await subject.accepts(live)).toBe(false);
        live = next;
      }
      expect(await subject.accepts(live)).toBe(true);
    });

    it('sets the old value back, where there is but one', async () => {
      const target = subject.bind();
      if (overlaps()) return expect(target.restore).toBeUndefined();
      const issued = await issueBeside(subject.first);
      await target.restore?.(subject.first.value, subject.first.login);
      expect(await subject.accepts(subject.first)).toBe(true);
      expect(await subject.accepts(issued)).toBe(false);
    });

    it('reads the present value of a slot, where it can', async () => {
      const target = subject.bind();
      // Of two slots only passwords of logins cannot be read again; without `read` nothing could be joined.
      const mayBeBlind =
        subject.rotator.overlap !== 'two-slots' || subject.first.login !== undefined;
      if (!target.read) return expect(mayBeBlind).toBe(true);
      const issued = await issueBeside(subject.first);
      expect((await target.read(issued.handle)).equals(issued.value)).toBe(true);
      expect((await target.read(await nameOf(subject.first))).equals(subject.first.value)).toBe(
        true,
      );
    });
  });
}
