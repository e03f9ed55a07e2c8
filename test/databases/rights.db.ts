/** OPS-03: what a dry run asks of a real server: whether Keyturn may change these logins, told without changing one. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SECRET } from '../contract/rotator.contract.ts';
import { mariaPeer, type Peer, postgresPeer } from './subjects.ts';

const clock = { now: () => new Date(), sleep: async () => undefined };

describe.each<[string, () => Promise<Peer>, string[], string[], string, string, RegExp]>([
  [
    'postgresql-login',
    postgresPeer,
    ['ALTER ROLE keyturn NOCREATEROLE'],
    ['ALTER ROLE keyturn CREATEROLE'],
    'changing the passwords of "app_a", "app_b" at pg1',
    'may not change the password of "app_a", "app_b"',
    /^psql 'host=\S+ port=\d+ dbname=postgres sslmode=verify-full' --command '(.+)'$/,
  ],
  [
    'mysql-login',
    mariaPeer,
    ["REVOKE CREATE USER ON *.* FROM keyturn@'%'"],
    ["GRANT CREATE USER ON *.* TO keyturn@'%'"],
    'changing users at my1',
    'has no CREATE USER on *.*',
    /^mysql --host=\S+ --port=\d+ --ssl-mode=VERIFY_IDENTITY '--execute=(.+)'$/,
  ],
])('OPS-03: the rights of %s', (type, start, take, give, what, detail, command) => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await start();
    for (const login of ['app_a', 'app_b']) await peer.createLogin(login, `First-of-${login}`);
  });
  afterAll(() => peer.stop());

  const rights = async (logins = 'app_a,app_b') => {
    const target = peer
      .rotator(clock)
      .bind({ target: peer.target, options: { logins }, secret: SECRET });
    return await target.rights?.();
  };

  it('OPS-03: are told to be missing where they are, and to be there once they are given', async () => {
    const before = peer.changes();
    expect(await rights()).toEqual([{ what, state: 'ok' }]);
    await peer.run(...take);
    const [missing] = (await rights()) ?? [];
    expect(missing).toEqual({
      ...{
        what,
        state: 'problem',
        reason: 'target-forbidden',
        detail: expect.stringContaining(detail),
      },
      command: expect.stringMatching(command),
    });
    // A hash of Keyturn's own password stands in SHOW GRANTS of MariaDB, and in nothing of ours.
    expect(JSON.stringify(missing)).not.toMatch(/IDENTIFIED|\*[0-9A-F]{8}/);
    await peer.run(...give);
    expect(await rights()).toEqual([{ what, state: 'ok' }]);
    // Nothing was changed but by us.
    expect(peer.changes() - before).toBe(
      [...take, ...give].filter((each) => each.startsWith('ALTER')).length,
    );
  });

  it('DOC-12: are there once the remedy was pasted', async () => {
    await peer.run(...take);
    const [missing] = (await rights()) ?? [];
    const [, pasted = ''] = command.exec(missing?.command ?? '') ?? [];
    await peer.run(pasted.replaceAll(String.raw`'\''`, "'"));
    expect(await rights()).toEqual([{ what, state: 'ok' }]);
  });

  if (type === 'postgresql-login')
    it('OPS-03: name the one login that no role of Keyturn may change', async () => {
      await peer.createLogin('app_replica', 'First-of-app_replica');
      await peer.run('ALTER ROLE app_replica REPLICATION');
      expect(await rights('app_a,app_replica')).toMatchObject([
        { state: 'problem', detail: expect.stringMatching(/of "app_replica"\.$/) },
      ]);
    });
  else
    it('OPS-03: that may come by a role cannot be told, and stand in nobody’s way', async () => {
      await peer.run(
        "REVOKE CREATE USER ON *.* FROM keyturn@'%'",
        'CREATE ROLE changers',
        'GRANT CREATE USER ON *.* TO changers',
        "GRANT changers TO keyturn@'%'",
      );
      expect(await rights()).toMatchObject([{ what, state: 'cannot tell' }]);
    });
});
