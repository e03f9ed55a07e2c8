/** What MySQL and MariaDB keep in the place of a password, made here so that the clear one is neither sent nor logged. */
import { createHash, randomInt } from 'node:crypto';
import type { Secret } from '../core/secret.ts';

type Bytes = Uint8Array;
const digest = (algorithm: 'sha1' | 'sha256', ...parts: readonly Bytes[]): Buffer => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** `mysql_native_password`: `*` and SHA1(SHA1(password)) in upper-case hex (azure-facts 5.4). */
export function nativeHash(password: Secret): string {
  return `*${digest('sha1', digest('sha1', Buffer.from(password.reveal())))
    .toString('hex')
    .toUpperCase()}`;
}

const LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SALT_BYTES = 20;

/**
 * `caching_sha2_password`: `$A$005$`, 20 bytes of salt and the 43 letters of SHA-crypt with SHA-256 and 5,000 rounds
 * (Drepper, Unix crypt using SHA-256, whose 16 bytes of salt are 20 here; checked against a published hash of MySQL).
 */
export function cachingSha2Hash(password: Secret, salt: string = newSalt()): Buffer {
  return Buffer.from(
    `$A$005$${salt}${shaCrypt(Buffer.from(password.reveal()), Buffer.from(salt, 'latin1'))}`,
    'latin1',
  );
}

const newSalt = (): string =>
  Array.from({ length: SALT_BYTES }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');

const ROUNDS = 5000;
const repeated = (bytes: Buffer, length: number): Buffer => Buffer.alloc(length, bytes);

function shaCrypt(password: Buffer, salt: Buffer): string {
  const sha = (...parts: readonly Bytes[]) => digest('sha256', ...parts);
  const alternate = sha(password, salt, password);
  const first: Bytes[] = [password, salt, repeated(alternate, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1)
    first.push(bits & 1 ? alternate : password);
  let state = sha(...first);
  const p = repeated(sha(...Array<Buffer>(password.length).fill(password)), password.length);
  const s = repeated(sha(...Array<Buffer>(16 + (state[0] ?? 0)).fill(salt)), salt.length);
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = round % 2 === 1;
    state = sha(
      odd ? p : state,
      ...(round % 3 === 0 ? [] : [s]),
      ...(round % 7 === 0 ? [] : [p]),
      odd ? state : p,
    );
  }
  return spelled(state);
}

/** Groups of three bytes as four letters, in the order that SHA-crypt shuffles them into. */
function spelled(state: Buffer): string {
  let text = '';
  const add = (indexes: readonly number[], letters: number) => {
    let word = indexes.reduce((so, index) => so * 256 + (state[index] ?? 0), 0);
    for (let left = letters; left > 0; left -= 1, word >>= 6) text += LETTERS.charAt(word & 63);
  };
  for (let group = 0; group < 10; group += 1) {
    const at = [group, group + 10, group + 20];
    const turn = group % 3;
    // 0 10 20, 21 1 11, 12 22 2, …
    add([...at.slice(3 - turn), ...at.slice(0, 3 - turn)], 4);
  }
  add([31, 30], 3);
  return text;
}
