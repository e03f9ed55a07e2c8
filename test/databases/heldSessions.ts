/** Who still uses an old login, on real servers: an application that keeps its connection holds the revocation, and is named. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Tenant } from '../cases/harness.ts';
import { SECRET } from '../contract/rotator.contract.ts';
import { Stories } from './stories.ts';
import type { Peer } from './subjects.ts';

const revocations = ({ lines }: Tenant): unknown[] =>
  lines
    .filter(({ category }) => category === 'user')
    .map((line) => JSON.parse(line.message))
    .filter(({ message, step }) => message === 'audit' && step === 'revoke');
const clock = { now: () => new Date(), sleep: async () => undefined };

/** One tenant and one clock serve a file, so each kind has its own. */
export function heldSessions(
  type: Peer['type'],
  start: () => Promise<Peer>,
  { needed, more }: { readonly needed: readonly string[]; readonly more: readonly string[] },
): void {
  describe(`sessions of ${type}`, () => {
    let stories: Stories;
    beforeAll(async () => {
      stories = await Stories.start(start);
    });
    afterAll(() => stories.stop());

    const sessionsOf = async (logins: readonly [string, string], handle: string) => {
      const { peer } = stories;
      const bound = peer
        .rotator(clock)
        .bind({ target: peer.target, options: { logins: logins.join(',') }, secret: SECRET });
      return await bound.sessions?.(handle);
    };

    it('cannot be told without the right to see them, but for a row that is shown all the same', async () => {
      const { a, b } = await stories.next();
      const alone = await sessionsOf([a, b], 'a');
      // PostgreSQL shows each row to everybody, and hides the address alone (measured on 15); MariaDB shows nothing.
      expect(alone?.use).toBe(type === 'mysql-login' ? 'cannot tell' : 'unused');
      const held = await stories.peer.hold(a, `First-of-${a}`);
      const seen = await sessionsOf([a, b], 'a');
      await held.end();
      if (type === 'mysql-login')
        expect(seen).toMatchObject({
          use: 'cannot tell',
          reason: expect.stringMatching(/GRANT PROCESS/),
        });
      else
        expect(seen).toMatchObject({
          use: 'used',
          by: [{ who: expect.stringMatching(/hidden.*pg_read_all_stats/) }],
        });
    });

    it('name the host, and are none of Keyturn’s own or of another login’s', async () => {
      const { a, b } = await stories.next();
      await stories.peer.run(...needed, ...more);
      expect((await sessionsOf([a, b], 'a'))?.use).toBe('unused');
      const held = await stories.peer.hold(b, `First-of-${b}`);
      expect((await sessionsOf([a, b], 'a'))?.use).toBe('unused');
      expect(await sessionsOf([a, b], 'b')).toMatchObject({
        use: 'used',
        by: [{ who: expect.stringMatching(/127\.0\.0\.1|localhost/) }],
      });
      await held.end();
    });

    it('hold the revocation under when-unused, name the host, and let it go on once the application has left', async () => {
      await stories.peer.run(...needed, ...more);
      const story = await stories.next(undefined, { policy: 'revoke=when-unused' });
      const { tenant, peer } = story;
      const held = await peer.hold(story.a, `First-of-${story.a}`);
      await story.due();
      expect(story.held().login).toBe(story.b);
      await story.days(4);
      // The server takes the old password all the while.
      expect(await peer.query(story.a, `First-of-${story.a}`)).toBe('ok');
      const row = await story.row();
      expect([row?.reason, row?.detail]).toEqual([
        'in-use',
        expect.stringMatching(/127\.0\.0\.1|localhost/),
      ]);
      expect(story.reasons()).toEqual(['in-use']);
      await held.end();
      await story.days(1);
      expect(await peer.query(story.a, `First-of-${story.a}`)).not.toBe('ok');
      expect(revocations(tenant)).toEqual([
        expect.objectContaining({
          evidence: expect.stringMatching(/^a: unused since /),
          refusedOn: expect.any(String),
          tried: 'a: refused',
        }),
      ]);
      // What it held was one of the two, and no password stands in any line.
      expect(JSON.stringify(tenant.lines)).not.toContain(`First-of-${story.a}`);
    });

    it('hold nothing under after-grace: the session is told, and the login goes', async () => {
      await stories.peer.run(...needed, ...more);
      const story = await stories.next();
      const { tenant, peer } = story;
      const held = await peer.hold(story.a, `First-of-${story.a}`);
      await story.due();
      await story.days(2);
      expect(await peer.query(story.a, `First-of-${story.a}`)).not.toBe('ok');
      expect(revocations(tenant)).toEqual([
        expect.objectContaining({
          evidence: expect.stringMatching(/^a: used at \S+ by "(127\.0\.0\.1|localhost)"/),
          tried: 'a: refused',
        }),
      ]);
      await held.end();
    });
  });
}
