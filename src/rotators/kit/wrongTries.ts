/**
 * Passwords that a server called wrong: asked about once, and not again before something has changed (finding SRV-02). A wrong try
 * is counted by servers, and a few of them lock the application out. What is kept is a digest as slow as the verifier that the
 * server itself keeps, and shorter than one: it tells a password that was tried, and no password from it.
 */
import { addHours, latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import type { Handle } from '../../core/ids.ts';
import type { Secret } from '../../core/secret.ts';
import type { WrongTry } from '../../core/serverAnswer.ts';

/** Of one target: the values of its sharers and of older versions, and no more. */
const KEPT_MAX = 40;
const BUDGET_HOURS = 24;

export class WrongTries {
  /** What tells this target's digests from others'. */
  readonly #salt: string;
  #entries: readonly WrongTry[] = [];
  #since = new Date(0);

  constructor(salt: string) {
    this.#salt = salt;
  }

  /** What passes before this one have tried. A version that a person stored `since` then is asked about once more. */
  recall(entries: readonly WrongTry[], since: Date): void {
    const known = this.#entries.map(({ digest }) => digest);
    const fresh = entries.filter(({ on, digest }) => on >= since && !known.includes(digest));
    this.#since = latest(this.#since, since) as Date;
    this.#entries = [...this.#entries, ...fresh].slice(-KEPT_MAX);
  }

  list(): readonly WrongTry[] {
    return this.#entries;
  }

  /** Whether it was wrong, and the login's password at the server is the one that it was then, as far as the server tells. */
  has(place: string, handle: Handle, value: Secret, changedOn: Date | undefined): boolean {
    const same = this.#entries.filter(
      (each) => each.handle === handle && each.changedOn?.getTime() === changedOn?.getTime(),
    );
    if (same.length === 0) return false;
    const digest = this.#digest(place, handle, value);
    return same.some((each) => each.digest === digest);
  }

  add(place: string, handle: Handle, value: Secret, now: Date, changedOn: Date | undefined): void {
    const digest = this.#digest(place, handle, value);
    const others = this.#entries.filter((each) => each.digest !== digest);
    const on = latest(now, this.#since) as Date; // the vault's clock may be ahead of ours
    const entry: WrongTry = compact({ handle, digest, on, changedOn });
    this.#entries = [...others, entry].slice(-KEPT_MAX);
  }

  /** The login has another password now, or was let in: what was wrong before says nothing more, and the server counts anew. */
  forget(handle: Handle): void {
    this.#entries = this.#entries.filter((each) => each.handle !== handle);
  }

  /**
   * Whether one more wrong try would still leave the application one of its own.
   *
   * @param max wrong passwords in a row after which the server locks the login
   */
  spares(handle: Handle, max: number | undefined, now: Date): boolean {
    if (max === undefined) return true;
    const recent = this.#entries.filter(
      (each) => each.handle === handle && each.on > addHours(now, -BUDGET_HOURS),
    );
    return recent.length + 1 < max;
  }

  #digest(place: string, handle: Handle, value: Secret): string {
    return value.fingerprint(`${this.#salt}\n${place}\n${handle}`);
  }
}
