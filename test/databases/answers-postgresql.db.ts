/** What a real PostgreSQL answers to a login, and what Keyturn makes of it, through the whole product (findings SRV-01 … SRV-08). */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/core/secret.ts';
import { makeCertificate } from './certificate.ts';
import { EVERY_DAYS, Stories } from './stories.ts';
import { type Over, postgresPeer } from './subjects.ts';

let all: Stories;
beforeAll(async () => {
  all = await Stories.start(postgresPeer);
});
afterAll(() => all.stop());

const reload = 'SELECT pg_reload_conf()';

describe('SRV-01: a login that nobody could use is not stored', () => {
  it.each([
    ['reject', (login: string) => [`hostssl all ${login} all reject`]],
    [
      'a line for Unix sockets alone',
      (login: string) => [`local all ${login} scram-sha-256`, `hostssl all ${login} all reject`],
    ],
    [
      'a line for another database alone',
      (login: string) => [
        `hostssl shop ${login} all scram-sha-256`,
        `hostssl all ${login} all reject`,
      ],
    ],
  ])(
    'SRV-01: pg_hba.conf has %s for the other one: disposed of, with the number, and the old value stays',
    async (_, lines) => {
      const story = await all.next();
      all.peer.server.hba?.(...lines(story.b));
      await all.peer.run(reload);
      const changes = all.peer.changes();
      const failed = await story.used(async () => {
        await story.due();
        expect(await story.row()).toMatchObject({
          lastFailure: {
            reason: 'not-accepted',
            detail: expect.stringContaining('pg1 answered 28000'),
          },
        });
        expect(story.reasons()).toEqual(['not-accepted']);
        await story.days(2);
        // Growing pauses: the candidate and its disposal each time.
        expect(all.peer.changes() - changes).toBeLessThan(30);
        expect([story.versions(), story.reasons().length]).toEqual([1, 1]);
        all.peer.server.hba?.();
        await all.peer.run(reload);
        await story.days(3);
      });
      expect([failed, story.held().login]).toEqual([0, story.b]);
    },
  );

  it('SRV-01: CONNECTION LIMIT 0 of the other one: nothing is changed, told once', async () => {
    const story = await all.next();
    await all.peer.run(`ALTER ROLE ${story.b} CONNECTION LIMIT 0`);
    const changes = all.peer.changes();
    await story.due();
    await story.days(3);
    expect([all.peer.changes(), story.reasons(), story.versions()]).toEqual([
      changes,
      ['login-blocked'],
      1,
    ]);
    await all.peer.run(`ALTER ROLE ${story.b} CONNECTION LIMIT -1`);
    await story.days(2);
    expect(story.held().login).toBe(story.b);
  });
});

describe('SRV-02: tries are a budget', () => {
  it('SRV-02: a stale value costs one try, then none; another one costs another', async () => {
    const story = await all.next('of last year');
    const right = { login: story.a, password: `First-of-${story.a}` };
    const failed = await story.used(
      async () => {
        await story.look();
        expect([story.wrong(story.a), story.reasons()]).toEqual([1, ['unknown-value']]);
        await story.days(4);
      },
      () => right,
    );
    expect([failed, story.wrong(story.a)]).toEqual([0, 1]);
    story.store('another that is wrong');
    await story.days(2);
    expect(story.wrong(story.a)).toBe(2);
    story.store(right.password);
    await story.days(1);
    expect([story.wrong(story.a), await story.row()]).toEqual([
      2,
      expect.objectContaining({ reason: 'not-due' }),
    ]);
  });

  it('SRV-02: the same value as a new version is tried once more: the server may have been mended', async () => {
    const story = await all.next('agreed on later');
    await story.days(1);
    await all.peer.run(`ALTER ROLE ${story.a} PASSWORD 'agreed on later'`);
    story.store('agreed on later');
    await story.days(1);
    expect([story.wrong(story.a), await story.row()]).toEqual([
      1,
      expect.objectContaining({ reason: 'not-due' }),
    ]);
  });

  it('SRV-02: a rotation costs one wrong try, of the revocation, and a heal one more', async () => {
    const story = await all.next();
    await story.due();
    await story.days(2);
    expect([story.wrong(story.a), story.wrong(story.b)]).toEqual([1, 0]);
    const { login } = story.held();
    await all.peer.run(`ALTER ROLE ${login} PASSWORD 'of a person'`);
    await story.days(4);
    // One that found it out, one days later: whether the old password is gone must be seen when it is to be gone.
    expect([story.wrong(login), story.held().login]).toEqual([2, story.a]);
  });
});

describe('SRV-03: right but limited proves', () => {
  it('SRV-03: the application uses up the connections of its role: it is rotated, proved and revoked in time', async () => {
    const story = await all.next();
    await all.peer.run(
      ...[story.a, story.b].map((login) => `ALTER ROLE ${login} CONNECTION LIMIT 1`),
    );
    const held = await all.peer.hold(story.a, `First-of-${story.a}`);
    await story.due();
    const { login, password } = story.held();
    const next = await all.peer.hold(login, password);
    await story.days(EVERY_DAYS + 3);
    await Promise.all([held.end(), next.end()]);
    expect([login, story.versions(), story.reasons()]).toEqual([story.b, 3, []]);
    expect(await all.peer.query(story.a, `First-of-${story.a}`)).toBe('28P01');
  });

  it.each([
    [
      '42501',
      'REVOKE CONNECT ON DATABASE postgres FROM public',
      'GRANT CONNECT ON DATABASE postgres TO public',
    ],
    [
      '53300',
      'ALTER DATABASE postgres CONNECTION LIMIT 0',
      'ALTER DATABASE postgres CONNECTION LIMIT -1',
    ],
  ])('SRV-03: %s comes behind a right password alone', async (code, on, off) => {
    const story = await all.next();
    await all.peer.run('ALTER ROLE keyturn SUPERUSER', on);
    const target = all.peer.rotator({ now: () => new Date(), sleep: async () => undefined }).bind({
      ...{
        target: all.peer.target,
        options: { logins: `${story.a},${story.b}` },
        secret: { vault: 'kv1', name: 'pw' },
      },
    });
    try {
      expect(await all.peer.query(story.a, `First-of-${story.a}`)).toBe(code);
      expect(await target.check(new Secret(`First-of-${story.a}`), story.a)).toBe('accepted');
      expect(await target.check(new Secret('wrong'), story.a)).toBe('refused');
    } finally {
      await all.peer.run(off, 'ALTER ROLE keyturn NOSUPERUSER');
    }
  });

  it('a line `trust` lets in whoever comes: no password was asked for, so nothing is proved', async () => {
    const story = await all.next('anything');
    all.peer.server.hba?.(`hostssl all ${story.a} all trust`);
    await all.peer.run(reload);
    await story.look();
    expect([await story.row(), story.reasons()]).toEqual([
      expect.objectContaining({ reason: 'cannot-tell' }),
      ['cannot-tell'],
    ]);
    all.peer.server.hba?.();
    await all.peer.run(reload);
  });
});

describe('SRV-05: the end that the server sets', () => {
  it('SRV-05: the other login ends in a moment: the rotation gives it a new end, and it goes on after the old one', async () => {
    const story = await all.next();
    await all.peer.run(
      `ALTER ROLE ${story.b} VALID UNTIL '${new Date(performance.timeOrigin + performance.now() + 2_000).toISOString()}'`,
    );
    await story.due();
    await pause(2_500);
    const { login, password } = story.held();
    expect([login, await all.peer.query(login, password), story.reasons()]).toEqual([
      story.b,
      'ok',
      [],
    ]);
  });

  it('SRV-05: the login of the vault ends in days: it is due before', async () => {
    const story = await all.next();
    await all.peer.run(`ALTER ROLE ${story.a} VALID UNTIL '${story.inDays(4).toISOString()}'`);
    await story.days(3.5);
    expect([story.held().login, story.reasons()]).toEqual([story.b, []]);
  });

  it.each(['2020-01-01', '-infinity'])(
    'SRV-05: ended %s, the login of the vault is replaced at the next look, without a try',
    async (end) => {
      const story = await all.next();
      await all.peer.run(`ALTER ROLE ${story.a} VALID UNTIL '${end}'`);
      await story.look();
      const { login, password } = story.held();
      expect([login, await all.peer.query(login, password), story.wrong(story.a)]).toEqual([
        story.b,
        'ok',
        0,
      ]);
    },
  );

  it('SRV-05: one of ours that a person ended is healed, and its application is back within a day', async () => {
    const story = await all.next();
    await story.due();
    await story.days(3);
    await all.peer.run(`ALTER ROLE ${story.held().login} VALID UNTIL '2020-01-01'`);
    await story.days(2);
    const { login, password } = story.held();
    expect([await all.peer.query(login, password), story.reasons()]).toEqual(['ok', []]);
  });
});

describe('SRV-06: a role that a person switched off', () => {
  it('SRV-06: in its grace: it is revoked, LOGIN is left off, and nothing waits for it', async () => {
    const story = await all.next();
    await story.due();
    await all.peer.run(`ALTER ROLE ${story.a} NOLOGIN`);
    await story.days(3);
    expect([await all.peer.query(story.a, `First-of-${story.a}`), story.reasons()]).toEqual([
      '28P01',
      [],
    ]);
    await all.peer.run(`ALTER ROLE ${story.a} LOGIN`);
    expect(await all.peer.query(story.a, `First-of-${story.a}`)).toBe('28P01');
    await all.peer.run(`ALTER ROLE ${story.a} NOLOGIN`);
    await story.days(EVERY_DAYS);
    // The rotation that takes it switches it on, as with logins of SQL Server.
    const { login, password } = story.held();
    expect([login, await all.peer.query(login, password), story.reasons()]).toEqual([
      story.a,
      'ok',
      [],
    ]);
  });

  it('SRV-06: the one of the vault is told once, and nothing is changed until it is on again', async () => {
    const story = await all.next();
    await all.peer.run(`ALTER ROLE ${story.a} NOLOGIN`);
    const changes = all.peer.changes();
    await story.due();
    await story.days(1);
    expect([await story.row(), story.reasons(), all.peer.changes()]).toEqual([
      expect.objectContaining({ reason: 'login-off', detail: expect.stringContaining('28000') }),
      ['login-off'],
      changes,
    ]);
    await all.peer.run(`ALTER ROLE ${story.a} LOGIN`);
    await story.days(2);
    expect(story.held().login).toBe(story.b);
  });
});

describe('SRV-07, SRV-08: an answer that says nothing of the password', () => {
  it('SRV-07: no line for the old login while it is revoked: its password is changed all the same', async () => {
    const story = await all.next();
    await story.due();
    all.peer.server.hba?.(`hostssl all ${story.a} all reject`);
    await all.peer.run(reload);
    await story.days(3);
    all.peer.server.hba?.();
    await all.peer.run(reload);
    expect([await all.peer.query(story.a, `First-of-${story.a}`), story.reasons()]).toEqual([
      '28P01',
      [],
    ]);
  });

  it('SRV-08: no line for the login of the vault: that cannot be told, and nobody is asked for another value', async () => {
    const story = await all.next();
    all.peer.server.hba?.(`hostssl all ${story.a} all reject`);
    await all.peer.run(reload);
    const changes = all.peer.changes();
    await story.days(2);
    expect([await story.row(), story.reasons(), all.peer.changes()]).toEqual([
      expect.objectContaining({
        reason: 'cannot-tell',
        detail: expect.stringContaining('pg1 answered 28000'),
      }),
      ['cannot-tell'],
      changes,
    ]);
    all.peer.server.hba?.();
    await all.peer.run(reload);
    await story.due();
    await story.days(2);
    expect([story.held().login, story.wrong(story.a)]).toEqual([story.b, 1]);
  });
});

describe('SRV-09: faults of TLS', () => {
  const bound = (over: Over) =>
    all.peer.rotator({ now: () => new Date(), sleep: async () => undefined }, over).bind({
      ...{
        target: all.peer.target,
        options: { logins: 'x,y' },
        secret: { vault: 'kv1', name: 'pw' },
      },
    });

  it('SRV-09: an authority that is not trusted, and a name of another host, are named as that', async () => {
    const { ca } = makeCertificate(mkdtempSync(join(tmpdir(), 'keyturn-ca-')));
    await expect(bound({ ca }).inspect()).rejects.toMatchObject({
      reason: 'untrusted-server',
      detail: expect.stringContaining('authority'),
    });
    await expect(bound({ host: '0.0.0.0' }).inspect()).rejects.toMatchObject({
      reason: 'untrusted-server',
      detail: expect.stringContaining('another host'),
    });
    expect(await bound({ ca }).check(new Secret('x'), 'x')).toBe('unknown');
  });
});

it('SRV-11: without the right to change a role it is said what each version of the server wants', async () => {
  const story = await all.next();
  await all.peer.run('ALTER ROLE keyturn NOCREATEROLE');
  await story.due();
  const row = await story.row();
  await all.peer.run('ALTER ROLE keyturn CREATEROLE');
  expect(row?.lastFailure).toMatchObject({
    reason: 'target-forbidden',
    detail: expect.stringMatching(
      /CREATEROLE, and from PostgreSQL 16 on also GRANT .* ADMIN TRUE, INHERIT FALSE, SET FALSE/,
    ),
  });
});
