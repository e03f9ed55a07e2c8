/** A value that cannot print: what goes wrong most easily with a credential is that somebody logs it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
import { remember } from './scrub.ts';

const HIDDEN = '[secret]';

/**
 * Holds a credential's value. Turning it into text, JSON or an inspection gives `[secret]`; only `reveal()` opens it,
 * and that is called in the vault adapter, the form codec and the rotators' wire calls alone (design section 4).
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    remember(value);
  }

  /** The value itself, on its way to the vault or the target. */
  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value, compared in constant time. */
  equals(other: Secret): boolean {
    return timingSafeEqual(Buffer.from(this.digest()), Buffer.from(other.digest()));
  }

  /** SHA-256 in hex: tells one value from another where it must not be kept itself. */
  digest(): string {
    return createHash('sha256').update(this.#value).digest('hex');
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
