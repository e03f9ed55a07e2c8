/** Stories of overlaps, and every kind once where nothing goes wrong. */
import { describe, expect, it } from '@jest/globals';
import { nothingWrong } from './director.ts';
import { everyKind } from './everyKind.ts';
import { app, FIRST, onePassword } from './otherKinds.ts';
import { people } from './people.ts';
import { oneSecret, rotated, rotateOnce } from './scenarios.ts';
import type { Kind } from './sim.ts';
import { walkPath } from './walk.ts';
import { parsePath } from './words.ts';
import { DAY, MINUTE, START } from './world.ts';

it('what a killed pass issued goes with the next rotation, though a person has stored another version since', async () => {
  let killed = false;
  const director = {
    fate: (op: { name: string }) => {
      if (killed || op.name !== 'target.addPassword') return 'ok' as const;
      killed = true;
      return 'crash-after' as const;
    },
  };
  const sim = oneSecret(director, { kind: app });
  await sim.settle(START + 5 * MINUTE);
  expect([killed, sim.world.made.size]).toEqual([true, 1]);
  people['the current version is copied']?.(sim);
  for (let day = 1; day <= 64; day++) {
    sim.skipTo(START + day * DAY);
    await sim.settle(START + day * DAY + 50 * MINUTE);
  }
  sim.invariants.atRest(sim.own, { settled: true });
  expect(Object.keys(sim.world.accounts.get('acct1') ?? {})).toHaveLength(2);
});

it('a copy of a client secret in another vault keeps what it holds from being revoked', async () => {
  const sim = oneSecret(nothingWrong, { kind: app });
  await rotateOnce(sim);
  const made = sim.world.current('kv1', 'st-a')?.value as string;
  sim.secret('kv2', 'copy', 'acct1', FIRST, { ageDays: 1, value: made });
  for (let day = 5; day <= 75; day++) {
    sim.skipTo(START + day * DAY);
    await sim.settle(START + day * DAY + 50 * MINUTE);
  }
  // The original has moved on; the copy is due by its own age, sixty days after it was made.
  expect(sim.world.current('kv1', 'st-a')?.value).not.toBe(made);
  sim.invariants.atRest(sim.own, { settled: true });
});

it('one password that two secrets hold is not changed under one of them: both say who holds it', async () => {
  const sim = oneSecret(nothingWrong, { kind: onePassword });
  sim.secret('kv2', 'copy', 'acct1', 'app');
  await rotateOnce(sim);
  expect(sim.world.azureWrites).toBe(0);
  // And once more when it has been due for days.
  expect(sim.invariants.alerts.map(({ secret, reason }) => `${secret} ${reason}`).sort()).toEqual([
    'kv1/st-a overdue',
    'kv1/st-a slots-held',
    'kv2/copy overdue',
    'kv2/copy slots-held',
  ]);
});

describe.each(Object.values(everyKind))('$type', (kind: Kind) => {
  it('rotates once, is proved, and what it replaced goes after its grace', async () => {
    const sim = await rotated(nothingWrong, { kind, extraDays: 2 });
    expect(sim.world.versions('kv1', 'st-a')).toHaveLength(2);
    expect(sim.invariants.alerts).toEqual([]);
  });
});

it('a PUT that lands nine minutes late finds what it brings alive, though it went out a minute after the mark', async () => {
  const { violation } = await walkPath(parsePath('app one crash-late@30:9 doubles:8'.split(' ')));
  expect(violation).toBeUndefined();
});

it.each([
  'storage one limit freeze@20:12',
  'storage one paused freeze@20:40',
  'logins one drain freeze@18:12',
])(
  'a pass that stood still between two reads says nothing of what it saw, once another has looked: %s',
  async (words) => {
    const { violation, sim } = await walkPath(parsePath(words.split(' ')));
    expect(violation).toBeUndefined();
    const told = sim.invariants.alerts.map(({ secret, reason }) => `${secret} ${reason}`);
    expect(told).toEqual([...new Set(told)]);
  },
);

it.each([
  'one-password new run passes:2 freeze@21:12 days:4',
  'admin-password new run passes:2 freeze@29:40 days:4',
])(
  'a pass that stood still after it had asked whether it can log in at all sets no second password: %s',
  async (words) => {
    expect((await walkPath(parsePath(words.split(' ')))).violation).toBeUndefined();
  },
);

it.each([
  'storage burnt run passes:3 the-opt-in-is-removed-for-good@50 days:1',
  'app burnt run the-secret-is-exempt@57 days:6',
])(
  'a request whose secret is opted out before its end is over after a day, and nobody looks again: %s',
  async (words) => {
    const { violation, sim } = await walkPath(parsePath(words.split(' ')));
    expect(violation).toBeUndefined();
    expect([...sim.own.operations.values()].map(({ done, phase }) => [done, phase])).toEqual([
      [true, 'failed'],
    ]);
  },
);

it.each([
  'admin-password two run the-secret-is-disabled-for-a-while@90/2 days:1',
  'admin-password two run crash-before@call:61 drop-never@call:165 days:1',
])(
  'a want of a slot is told once, also where its neighbour cannot be read in between: %s',
  async (words) => {
    const { violation, sim } = await walkPath(parsePath(words.split(' ')));
    expect(violation).toBeUndefined();
    const told = sim.invariants.alerts.filter(
      ({ secret, reason }) => secret === 'kv1/st-a' && reason === 'slots-held',
    );
    expect(told).toHaveLength(1);
  },
);

it('what a heal has issued goes after the grace, when its owner writes the dead value again without tags', async () => {
  const words =
    'app heal run unavailable@call:63 the-value-is-written-again-without-tags-for-good@113 hourly days:1';
  const { violation, sim } = await walkPath(parsePath(words.split(' ')));
  expect(violation).toBeUndefined();
  const held = Object.keys(sim.world.accounts.get('acct1') ?? {});
  expect(sim.world.made.size).toBeGreaterThan(1);
  expect(held.filter((handle) => sim.world.made.has(handle))).toEqual([]);
});

it.each([
  // The worker that stood still wrote a row from before: with it went what had been told since.
  'one-password burnt limit freeze@34:300 days:1',
  // A delivery whose worker stands still is one that went wrong.
  'two-key hold run freeze@42:12 crash-before@call:66 unavailable@call:22 crash-late@call:1:12 refuse@call:2 days:1',
  // Opted out with all tags, what is owed waits for the window of before.
  'logins restore closed the-old-value-is-written-back-without-tags-for-good@259 hourly days:2',
  // One person asks for an end at once, another for one in twelve hours.
  'logins burnt run passes:2 a-rotation-is-requested-revoke-in-12-hours@1 days:1',
  // Opted out with a value that opens nothing: nothing goes, what a killed pass made does not, either, and one alert says so.
  'app new run crash-late@call:43 the-old-value-is-written-back-without-tags-for-good@125 the-old-value-is-written-back@44 days:1',
  // A worker that stood still among others goes on when they have ended.
  'admin-password heal run passes:3 order:dice seed:101267 freeze@23:40 days:1',
  // Nobody knows any more what a wiped version is, once the table is lost, too.
  'two-key restore run an-old-version-is-written-back-with-its-own-tags@3 the-table-is-lost@67',
  'app two run seed:65 clocks:apart crash-after@call:52 unavailable@call:257 crash-after@call:112 refuse@call:24 drop@call:210 unavailable@call:230 the-tag-rotator-says-none@250/2 all-tags-of-keyturn-are-removed-for-good@105 days:6',
  'storage two run consent-is-withdrawn-and-given-back@100/2 the-value-is-written-again-without-tags-for-good@38/2 consent-is-withdrawn-and-given-back@203/2 days:1',
  'logins new run all-secrets-are-held-for-sixty-hours@8 days:6',
])('a path that a random seed found keeps every promise: %s', async (words) => {
  expect((await walkPath(parsePath(words.split(' ')))).violation).toBeUndefined();
});

it('tags that are all taken away while a rotation is under way: whoever did it is told what may be left at the target', async () => {
  const words =
    'app two run crash-after@call:52 all-tags-of-keyturn-are-removed-for-good@105 days:1';
  const { violation, sim } = await walkPath(parsePath(words.split(' ')));
  expect(violation).toBeUndefined();
  const [told, ...more] = sim.invariants.alerts.filter(({ reason }) => reason === 'opt-in-lost');
  expect(told).toMatchObject({
    secret: 'kv1/st-a',
    detail: expect.stringMatching(/^A rotation had begun\. /),
  });
  expect(more).toEqual([]);
});
