import { expect, it } from '@jest/globals';
import { Secret } from '../../src/core/secret.ts';
import { alterUser } from '../../src/targets/mysql.ts';
import { cachingSha2Hash, nativeHash } from '../../src/targets/mysqlHashes.ts';
import { scramVerifier } from '../../src/targets/postgres.ts';

/** Published with hashcat for its mode 7401, "MySQL $A$ (sha256crypt)"; the password is hashcat. */
const SALT = 'F9CC98CE08892924F50A213B6BC571A2C11778C5';
const HASH =
  '625479393559393965414D45316477456B484F41316E64484742577A2E3162785353526B7554584647562F';

it('makes the hash that MySQL 8 keeps for caching_sha2_password', () => {
  const made = cachingSha2Hash(new Secret('hashcat'), Buffer.from(SALT, 'hex').toString('latin1'));
  expect(made.toString('hex')).toBe(
    `${Buffer.from('$A$005$').toString('hex')}${SALT.toLowerCase()}${HASH.toLowerCase()}`,
  );
});

it('makes another one each time, always of 70 bytes that need no escape', () => {
  const made = Array.from({ length: 20 }, () =>
    cachingSha2Hash(new Secret('x'.repeat(40))).toString('latin1'),
  );
  expect(new Set(made).size).toBe(20);
  for (const each of made) expect(each).toMatch(/^\$A\$005\$[./0-9A-Za-z]{63}$/);
});

it('makes the hash that MariaDB keeps, as `SELECT PASSWORD(…)` shows it', () => {
  expect(nativeHash(new Secret('password'))).toBe('*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19');
});

it('makes the verifier of RFC 7677: its example gives the keys from which the exchange there is made', () => {
  const verifier = scramVerifier(
    new Secret('pencil'),
    Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  );
  expect(verifier).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});

it('SQL-01: a user with a backtick in its name, or in its host, is one name in the statement', () => {
  const statement = alterUser(
    { user: 'a`b``c', host: '`%`' },
    'mariadb',
    new Secret('a password of nobody'),
    {
      host: 'db1',
    },
  );
  expect(statement).toMatch(
    /^ALTER USER `a``b````c`@```%``` IDENTIFIED BY PASSWORD '\*[0-9A-F]{40}'$/,
  );
});
