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
    const digest = (value: string) => createHash('sha256').update(value).digest();
    return timingSafeEqual(digest(this.#value), digest(other.#value));
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
