/** What a real MariaDB answers to a login, and what Keyturn makes of it, through the whole product (findings SRV-01 … SRV-08). */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeCertificate } from './certificate.ts';
import { EVERY_DAYS, Stories } from './stories.ts';
import { mariaPeer, type Over } from './subjects.ts';

/** `Date` is the product's, which runs ahead. */
const realNow = () => performance.timeOrigin + performance.now();

let all: Stories;
beforeAll(async () => {
  all = await Stories.start(mariaPeer);
});
afterAll(() => all.stop());

describe('SRV-01: a login that nobody could use is not stored', () => {
  it.each([
    ['locked', 'ACCOUNT LOCK', 'ACCOUNT UNLOCK', '4151'],
    ['asking for a client certificate', 'REQUIRE X509', 'REQUIRE NONE', 'client certificate'],
  ])(
    'SRV-01: the other one is %s: told once, the old value stays, and all goes on when it is not',
    async (_, on, off, word) => {
      const story = await all.next();
      await all.peer.run(`ALTER USER ${story.b}@'%' ${on}`);
      const changes = all.peer.changes();
      const failed = await story.used(async () => {
        await story.due();
        expect(await story.row()).toMatchObject({
          reason: 'login-blocked',
          detail: expect.stringContaining(word),
        });
        expect(story.reasons()).toEqual(['login-blocked']);
        await story.days(3);
        expect([story.versions(), all.peer.changes(), story.reasons().length]).toEqual([
          1,
          changes,
          1,
        ]);
        await all.peer.run(`ALTER USER ${story.b}@'%' ${off}`);
        await story.days(2);
      });
      // The revocation is seen, and the application reads the secret again.
      expect([failed, story.held().login, story.wrong(story.a)]).toEqual([0, story.b, 2]);
    },
  );

  it('SRV-01: locked between the look and the change: what was issued is disposed of, with the number of the server', async () => {
    const story = await all.next();
    const { rotator } = all.peer;
    const target = rotator({ now: () => new Date(), sleep: async () => undefined }).bind({
      ...{
        target: all.peer.target,
        options: { logins: `${story.a},${story.b}` },
        secret: { vault: 'kv1', name: 'pw' },
      },
    });
    await target.inspect();
    await all.peer.run(`ALTER USER ${story.b}@'%' ACCOUNT LOCK`);
    const { value } = await target.issue('0123456789abcdef', ['a'], new Date(), async () => true);
    expect(await target.check(value, story.b)).toBe('refused');
    expect(target.said?.()?.detail).toContain('my1 answered 4151: the login is locked');
  });
});

describe('SRV-02: tries are a budget', () => {
  it('SRV-02: a stale value costs one try, then none, and the application is not locked out', async () => {
    await all.peer.run('SET GLOBAL max_password_errors = 3');
    const story = await all.next('of last year');
    // The application has the right password from elsewhere.
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
    await all.peer.run('SET GLOBAL max_password_errors = 4294967295');
  });

  it('SRV-02: once the password of the login is set anew at the server, the value is tried once more', async () => {
    const story = await all.next('agreed on later');
    await story.days(2);
    expect(story.wrong(story.a)).toBe(1);
    // The server dates a password by the second: one that is set in the second of the last looks like the same.
    await all.peer.run(
      'SELECT SLEEP(1.1)',
      `ALTER USER ${story.a}@'%' IDENTIFIED BY 'agreed on later'`,
    );
    await story.days(2);
    expect([story.wrong(story.a), await story.row()]).toEqual([
      1,
      expect.objectContaining({ reason: 'not-due' }),
    ]);
  });

  it('SRV-02: where a single wrong password locks the login, none is tried, and that is said', async () => {
    await all.peer.run('SET GLOBAL max_password_errors = 1');
    const story = await all.next('wrong');
    await story.days(1);
    expect([story.wrong(story.a), story.reasons()]).toEqual([0, ['cannot-tell']]);
    await all.peer.run('SET GLOBAL max_password_errors = 4294967295');
  });

  it('SRV-02: a login that wrong passwords have locked is told as locked, not as a server that is busy', async () => {
    await all.peer.run('SET GLOBAL max_password_errors = 2');
    const story = await all.next();
    for (const wrong of ['x', 'y']) await all.peer.query(story.a, wrong);
    await story.look();
    expect(await story.row()).toMatchObject({
      reason: 'login-off',
      detail: expect.stringContaining('4150'),
    });
    await all.peer.run('SET GLOBAL max_password_errors = 4294967295', 'FLUSH PRIVILEGES');
    await story.days(2);
    expect(await story.row()).toMatchObject({ reason: 'not-due' });
  });
});

describe('SRV-03: right but limited proves', () => {
  it('SRV-03: the application uses up its connections: it is rotated on its day', async () => {
    const story = await all.next();
    await all.peer.run(
      ...[story.a, story.b].map((login) => `ALTER USER ${login}@'%' WITH MAX_USER_CONNECTIONS 1`),
    );
    const held = await all.peer.hold(story.a, `First-of-${story.a}`);
    await story.due();
    const { login, password } = story.held();
    await held.end();
    expect([login, await all.peer.query(login, password)]).toEqual([story.b, 'ok']);
    const next = await all.peer.hold(login, password);
    await story.days(EVERY_DAYS + 3);
    await next.end();
    expect([story.versions(), story.reasons()]).toEqual([3, []]);
    expect(await all.peer.query(story.a, `First-of-${story.a}`)).not.toBe('ok');
  });
});

describe('SRV-05: the end that the server sets', () => {
  it('SRV-05: PASSWORD EXPIRE at the login of the vault: replaced at the next look', async () => {
    const story = await all.next();
    await all.peer.run(`ALTER USER ${story.a}@'%' PASSWORD EXPIRE`);
    await story.look();
    const { login, password } = story.held();
    expect([login, await all.peer.query(login, password), story.reasons()]).toEqual([
      story.b,
      'ok',
      [],
    ]);
  });

  it('SRV-05: at one of ours: healed within a day', async () => {
    const story = await all.next();
    await story.due();
    await story.days(3);
    await all.peer.run(`ALTER USER ${story.held().login}@'%' PASSWORD EXPIRE`);
    await story.days(2);
    const { login, password } = story.held();
    expect([await all.peer.query(login, password), story.reasons()]).toEqual(['ok', []]);
  });

  it('SRV-05: PASSWORD EXPIRE INTERVAL: due before the end of it', async () => {
    const story = await all.next();
    // The server's clock is the real one, the product's is ahead of it.
    const days = Math.ceil((story.inDays(4).getTime() - realNow()) / 86_400_000);
    await all.peer.run(`ALTER USER ${story.a}@'%' PASSWORD EXPIRE INTERVAL ${days} DAY`);
    await story.days(4);
    expect([story.held().login, story.reasons()]).toEqual([story.b, []]);
  });

  it('SRV-05: default_password_lifetime counts for a user that has none of its own', async () => {
    const story = await all.next();
    const days = Math.ceil((story.inDays(4).getTime() - realNow()) / 86_400_000);
    await all.peer.run(`SET GLOBAL default_password_lifetime = ${days}`);
    await story.days(4);
    await all.peer.run('SET GLOBAL default_password_lifetime = 0');
    expect([story.held().login, story.reasons()]).toEqual([story.b, []]);
  });
});

it('SRV-05: a lifetime that is shorter than a grace: no rotation onto it, told once', async () => {
  const story = await all.next();
  await all.peer.run(`ALTER USER ${story.b}@'%' PASSWORD EXPIRE INTERVAL 1 DAY`);
  const changes = all.peer.changes();
  await story.due();
  await story.days(1);
  expect([story.reasons(), story.versions(), all.peer.changes()]).toEqual([
    ['login-blocked'],
    1,
    changes,
  ]);
  expect((await story.row())?.detail).toContain('PASSWORD EXPIRE INTERVAL');
});

describe('SRV-07: a revocation changes the password whatever else is refused', () => {
  it.each([
    ['REQUIRE X509', 'REQUIRE NONE'],
    ["REQUIRE SUBJECT '/CN=app'", 'REQUIRE NONE'],
    ['ACCOUNT LOCK', 'ACCOUNT UNLOCK'],
    ['PASSWORD EXPIRE', 'PASSWORD EXPIRE NEVER'],
  ])('SRV-07: %s after a rotation, lifted later: the old password is gone', async (on, off) => {
    const story = await all.next();
    await story.due();
    await all.peer.run(`ALTER USER ${story.a}@'%' ${on}`);
    await story.days(3);
    await all.peer.run(`ALTER USER ${story.a}@'%' ${off}`);
    expect([await all.peer.query(story.a, `First-of-${story.a}`), story.reasons()]).toEqual([
      'ER_ACCESS_DENIED_ERROR',
      [],
    ]);
    expect((await story.row())?.reason).toBe('not-due');
  });
});

describe('SRV-08: cannot tell is no "does not know"', () => {
  it('SRV-08: users from hosts where Keyturn is not: told as that, and no other value is asked for', async () => {
    const make = async (...logins: readonly string[]) => {
      for (const login of logins)
        await all.peer.run(`CREATE USER ${login}@'10.9.%' IDENTIFIED BY 'First-of-${login}'`);
    };
    const story = await all.next(undefined, { make, more: ';host=10.9.%25' });
    const changes = all.peer.changes();
    await story.days(2);
    expect([await story.row(), story.reasons(), all.peer.changes(), story.wrong(story.a)]).toEqual([
      expect.objectContaining({
        reason: 'cannot-tell',
        detail: expect.stringContaining('my1 answered 1045'),
      }),
      ['cannot-tell'],
      changes,
      1,
    ]);
  });

  it.each(['REQUIRE X509', "REQUIRE ISSUER '/CN=authority'"])(
    'SRV-08: %s at the login of the vault',
    async (on) => {
      const story = await all.next();
      await all.peer.run(`ALTER USER ${story.a}@'%' ${on}`);
      await story.days(2);
      expect([story.reasons(), story.wrong(story.a), story.versions()]).toEqual([
        ['cannot-tell'],
        0,
        1,
      ]);
      await all.peer.run(`ALTER USER ${story.a}@'%' REQUIRE NONE`);
      await story.days(1.5);
      expect((await story.row())?.reason).toBe('not-due');
    },
  );
});

it('SRV-09: an authority that is not trusted is named as that', async () => {
  const bound = (over: Over) =>
    all.peer.rotator({ now: () => new Date(), sleep: async () => undefined }, over).bind({
      ...{
        target: all.peer.target,
        options: { logins: 'x,y' },
        secret: { vault: 'kv1', name: 'pw' },
      },
    });
  const { ca } = makeCertificate(mkdtempSync(join(tmpdir(), 'keyturn-ca-')));
  await expect(bound({ ca }).inspect()).rejects.toMatchObject({
    reason: 'untrusted-server',
    detail: expect.stringContaining('authority'),
  });
});
