/** SRV-12: PgBouncer with passwords of its own in front of a real PostgreSQL: nothing is stored that the application could not use. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Secret } from '../../src/core/secret.ts';
import { startPooled } from './pooled.ts';
import type { Stories } from './stories.ts';
import type { Peer } from './subjects.ts';

let all: Stories;
let peer: Peer;
let end: () => Promise<void>;
beforeAll(async () => {
  ({ all, peer, end } = await startPooled(
    Object.fromEntries(
      ['app1_a', 'app1_b', 'app2_a', 'app2_b'].map((login) => [login, `First-of-${login}`]),
    ),
  ));
});
afterAll(() => all.stop());

it('SRV-12: the new password is refused there: nothing is stored, told once with its number, and the application goes on', async () => {
  const story = await all.next();
  const failed = await story.used(async () => {
    await story.due();
    expect(await story.row()).toMatchObject({
      lastFailure: {
        reason: 'not-accepted',
        detail: expect.stringMatching(/pg1:\d+ answered 08P01: the password is wrong/),
      },
    });
    await story.days(2);
  });
  expect([failed, story.versions(), story.held().login, story.reasons()]).toEqual([
    0,
    1,
    story.a,
    ['not-accepted'],
  ]);
});

it('SRV-12: a login that it does not list, and a pooler that is gone, are told as what they are', async () => {
  const story = await all.next();
  const target = all.peer.rotator({ now: () => new Date(), sleep: async () => undefined }).bind({
    ...{
      target: all.peer.target,
      options: { logins: `${story.a},${story.b}` },
      secret: { vault: 'kv1', name: 'pw' },
    },
  });
  await target.inspect();
  target.through?.();
  await peer.run(`ALTER ROLE ${story.a} PASSWORD 'Second-of-a'`);
  // The server takes it: no reason for another password.
  expect(await target.check(new Secret('Second-of-a'), story.a)).toBe('unknown');
  expect(target.said?.()?.detail).toMatch(/pg1:\d+ answered 08P01/);
  await end();
  expect(await target.check(new Secret('Second-of-a'), story.a)).toBe('unknown');
});
