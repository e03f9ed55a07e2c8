/** A value that cannot print: what goes wrong most easily with a credential is that somebody logs it. */
import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
import { remember } from './scrub.ts';

const HIDDEN = '[secret]';
const FINGERPRINT_ROUNDS = 4096;
const FINGERPRINT_BYTES = 4;

/**
 * Holds a credential's value. Turning it into text, JSON or an inspection gives `[secret]`; only `reveal()` opens it,
 * and that is called in the vault adapter, the form codec and the rotators' wire calls alone (design section 4).
 */
export class Secret {
  readonly #value: string;

  /**
   * Takes any string and never throws: whoever may write a secret must not stop its neighbours (finding ATK-05). What is
   * opened is scrubbed out of texts of services from now on.
   */
  constructor(value: string, isOpened = true) {
    this.#value = value;
    if (isOpened) remember(value);
  }

  /**
   * A value as a vault gave it, before its tags were read: of most secrets Keyturn is to know nothing, so it is not
   * remembered until the form codec opens it (finding ATK-07).
   */
  static unopened(value: string): Secret {
    return new Secret(value, false);
  }

  /** The value, for the form codec; texts of services are scrubbed of it from now on. */
  open(): string {
    remember(this.#value);
    return this.#value;
  }

  /** The value itself, on its way to the vault or the target. */
  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value, compared in constant time. */
  equals(other: Secret): boolean {
    return timingSafeEqual(Buffer.from(this.digest()), Buffer.from(other.digest()));
  }

  /**
   * SHA-256 in hex: tells one value from another where it must not be kept itself. UTF-8 has one spelling for all lone
   * surrogates, so values that hold some are told apart by their UTF-16.
   */
  digest(): string {
    const hash = createHash('sha256');
    return (
      this.#value.isWellFormed() ? hash.update(this.#value) : hash.update(this.#value, 'utf16le')
    ).digest('hex');
  }

  /**
   * Eight hex digits that tell the value again beside others of its kind, where a row keeps them: as slow as the verifier that a
   * server keeps of a password (azure-facts 5.4), salted, and too short to lead back to one.
   */
  fingerprint(salt: string): string {
    return pbkdf2Sync(
      this.digest(),
      salt,
      FINGERPRINT_ROUNDS,
      FINGERPRINT_BYTES,
      'sha256',
    ).toString('hex');
  }

  /** Size in UTF-8, for the limits of a vault. */
  get bytes(): number {
    return Buffer.byteLength(this.#value);
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
