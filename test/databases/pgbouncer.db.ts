/**
 * SRV-12: PgBouncer that asks a real PostgreSQL for passwords, through the whole product: asked through the stored port, too, and told
 * at opt-in.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Secret } from '../../src/core/secret.ts';
import { startPooled } from './pooled.ts';
import { EVERY_DAYS, type Stories } from './stories.ts';
import type { Peer } from './subjects.ts';

let all: Stories;
let peer: Peer;
beforeAll(async () => {
  ({ all, peer } = await startPooled());
});
afterAll(() => all.stop());

it('SRV-12: a string that names its port rotates, with no failed login, and its owner is told of the pooler', async () => {
  const story = await all.next();
  const failed = await story.used(async () => {
    await story.look();
    expect((await story.row())?.view).toMatchObject({
      notes: [expect.stringContaining('PgBouncer')],
    });
    await story.due();
    await story.days(EVERY_DAYS + 3);
  });
  expect([failed, story.versions(), story.reasons()]).toEqual([0, 3, []]);
  const { login, password } = story.held();
  expect([login, await all.peer.query(login, password), await peer.query(login, password)]).toEqual(
    [story.a, 'ok', 'ok'],
  );
});

it('SRV-12: 08P01 is a wrong password, tried once', async () => {
  const story = await all.next();
  expect(await all.peer.query(story.a, 'wrong')).toBe('08P01');
  const target = all.peer.rotator({ now: () => new Date(), sleep: async () => undefined }).bind({
    ...{
      target: all.peer.target,
      options: { logins: `${story.a},${story.b}` },
      secret: { vault: 'kv1', name: 'pw' },
    },
  });
  await target.inspect();
  target.through?.();
  expect(await target.check(new Secret(`First-of-${story.a}`), story.a)).toBe('accepted');
  expect(await target.check(new Secret('wrong'), story.a)).toBe('refused');
});
