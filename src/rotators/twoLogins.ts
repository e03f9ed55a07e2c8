/**
 * Two logins in turn: what `sql-login`, `postgresql-login` and `mysql-login` share. A server keeps one password per login and
 * never shows it, so a credential is named by logging in with it, and revoked by a password that nobody keeps.
 */
import { type Clock, minutesBetween } from '../core/clock.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import type { Handle } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Secret } from '../core/secret.ts';
import { newPassword } from './password.ts';
import type { Credential, Stay, Target, TargetState, Verdict } from './rotator.ts';

/**
 * 'disabled': the password is right, and a person switched the login off. 'busy': no answer, or one that passes. 'unknown': an
 * answer that says nothing of the password (a firewall).
 */
export type LoginAnswer = 'accepted' | 'refused' | 'disabled' | 'busy' | 'unknown';

/** One server, as the identity of Keyturn may change it. */
export interface LoginPort {
  /** For words to people: `db1`. */
  readonly name: string;
  /**
   * Sent once. Throws `UnknownOutcomeError` when it may have been applied, `BusyError` when it was not.
   *
   * @param forNobody the password is kept by nobody: a login that was switched off stays so
   */
  setPassword(login: string, password: Secret, forNobody?: boolean): Promise<void>;
  /** Opens a connection of its own and closes it (case SQL-10). */
  tryLogin(login: string, password: Secret): Promise<LoginAnswer>;
}

export interface TwoLoginsOptions {
  /** Ends in `/logins/<a>,<b>`. */
  readonly id: string;
  /** Ids of all servers. */
  readonly owners: readonly string[];
  /** In the order of `sortedLogins`. */
  readonly logins: readonly [string, string];
  /** All servers that hold the logins, failover partners, too (case SQL-09). Asked in every call; may read facts first. */
  ports(): Promise<readonly LoginPort[]>;
  /** Facts of the kind; handles are `a` and `b`, those that are there. */
  inspect(): Promise<TargetState>;
  readonly clock: Clock;
  /** Whether the server takes both names for one login; by default only what is spelt alike is. */
  readonly same?: (left: string, right: string) => boolean;
}

/** The handle of each login by its place: names alone could not be told from a slot of another kind. */
export const LOGIN_HANDLES: readonly Handle[] = ['a', 'b'];

/** The two logins in the one order that everyone computes, whatever their order and capitals in the tags. */
export const sortedLogins = ([one, two]: readonly [string, string]): readonly [string, string] =>
  one.toLowerCase() < two.toLowerCase() ? [one, two] : [two, one];

/** How long a new password may take to be accepted everywhere, to the pass that issued it (as case ST-08). */
const MINUTES_TO_SPREAD = 2;
/** Looks at the server after a revocation, some seconds apart. */
const LOOKS = 5;
const SECONDS_BETWEEN_LOOKS = 5;

/** The target over its servers. It keeps nothing but when it issued a password, to be patient with it. */
export function twoLogins(options: TwoLoginsOptions): Target {
  return new TwoLogins(options);
}

class TwoLogins implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly logins: readonly [string, string];
  readonly #options: TwoLoginsOptions;
  #issued: { readonly value: Secret; readonly on: Date } | undefined;

  constructor(options: TwoLoginsOptions) {
    this.id = options.id;
    this.owners = options.owners;
    this.logins = options.logins;
    this.#options = options;
  }

  inspect(): Promise<TargetState> {
    return this.#options.inspect();
  }

  async adopt(value: Secret, login?: string): Promise<Handle | undefined> {
    const handle = this.#handleOf(login);
    if (handle === undefined) return undefined;
    const answers = await this.#ask(handle, value);
    if (answers.every((answer) => answer === 'accepted')) return handle;
    if (answers.includes('busy')) throw this.#busy('did not answer when asked to take the stored login');
    return undefined;
  }

  async issue(_rotation: string, keep: readonly Handle[], _until: Date, stay: Stay): Promise<Credential> {
    const handle = LOGIN_HANDLES.find((each) => !keep.includes(each));
    if (handle === undefined) throw new KeyturnError('slots-held', { detail: 'Neither login is free to be replaced.' });
    const login = this.#loginOf(handle);
    const value = newPassword(this.logins);
    const changed: string[] = [];
    for (const port of await this.#options.ports()) {
      // Renews the locks: each server may take most of the time that they last.
      if (changed.length > 0 && !(await stay(1))) throw this.#timeIsUp();
      await this.#issueAt(port, { login, value, changed, stay });
      changed.push(port.name);
    }
    this.#issued = { value, on: this.#options.clock.now() };
    return { handle, value, login };
  }

  async check(value: Secret, login?: string): Promise<Verdict> {
    const handle = this.#handleOf(login);
    if (handle === undefined) return 'refused';
    const answers = await this.#ask(handle, value);
    const minutes = this.#minutesSinceIssued(value);
    if (answers.includes('refused')) return minutes < MINUTES_TO_SPREAD ? 'not-yet' : 'refused';
    // Nobody but this pass waits for an answer; to any other, silence is no way to ask.
    if (answers.includes('busy')) return minutes === Number.POSITIVE_INFINITY ? 'unknown' : 'not-yet';
    return answers.includes('unknown') ? 'unknown' : 'accepted';
  }

  async revoke(handle: Handle, old: Secret | undefined, stay: Stay): Promise<void> {
    const login = this.#loginOf(handle);
    for (const port of await this.#options.ports()) {
      if (!(await stay(0))) throw this.#timeIsUp();
      await this.#revokeAt(port, login, old, stay);
    }
  }

  /** The login's new password on one server; a lost answer is made good by logging in. */
  async #issueAt(
    port: LoginPort,
    { login, value, changed, stay }: { login: string; value: Secret; changed: readonly string[]; stay: Stay },
  ): Promise<void> {
    try {
      await port.setPassword(login, value);
    } catch (error) {
      if (error instanceof UnknownOutcomeError) {
        if ((await this.#answerOf(port, login, value, stay)) === 'accepted') return;
        throw error;
      }
      if (!(error instanceof BusyError) || changed.length === 0) throw error;
      // Busy would mean that nothing was changed.
      const detail = `${port.name} does not have the new password of ${quote(login)} that ${changed.join(', ')} took.`;
      throw new UnknownOutcomeError('target-busy', { ...error.facts, detail });
    }
  }

  /** Done as soon as the server refuses the old password; the new one is kept by nobody. */
  async #revokeAt(port: LoginPort, login: string, old: Secret | undefined, stay: Stay): Promise<void> {
    if (old !== undefined) {
      const answer = await port.tryLogin(login, old);
      if (answer === 'refused') return;
      // Switched off, it would be let in again as soon as somebody switches it on.
      if (answer !== 'accepted' && answer !== 'disabled')
        throw this.#busy(`did not say whether ${quote(login)} still has its old password`);
    }
    let unknown: UnknownOutcomeError | undefined;
    try {
      await port.setPassword(login, newPassword(this.logins), true);
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError)) throw error;
      unknown = error;
    }
    if (old === undefined) {
      if (unknown) throw unknown;
      return;
    }
    if ((await this.#answerOf(port, login, old, stay, 'refused')) === 'refused') return;
    const detail = `${port.name} still takes the old password of ${quote(login)}.`;
    throw unknown ?? new UnknownOutcomeError('target-busy', { detail });
  }

  /** Asks until the answer is `wanted`, a few times and some seconds apart. */
  async #answerOf(
    port: LoginPort,
    login: string,
    value: Secret,
    stay: Stay,
    wanted: LoginAnswer = 'accepted',
  ): Promise<LoginAnswer> {
    for (let look = 1; ; look += 1) {
      const answer = await port.tryLogin(login, value);
      if (answer === wanted || look === LOOKS || !(await stay(SECONDS_BETWEEN_LOOKS))) return answer;
    }
  }

  async #ask(handle: Handle, value: Secret): Promise<readonly LoginAnswer[]> {
    const login = this.#loginOf(handle);
    const ports = await this.#options.ports();
    const answers = await Promise.all(ports.map((port) => port.tryLogin(login, value)));
    return answers.map((answer) => (answer === 'disabled' ? 'refused' : answer)); // nobody gets in with it
  }

  /** Infinite for what this target has not issued in this pass. */
  #minutesSinceIssued(value: Secret): number {
    const issued = this.#issued;
    if (!issued?.value.equals(value)) return Number.POSITIVE_INFINITY;
    return minutesBetween(issued.on, this.#options.clock.now());
  }

  #handleOf(login: string | undefined): Handle | undefined {
    if (login === undefined) return undefined;
    const same = this.#options.same ?? ((left, right) => left === right);
    return LOGIN_HANDLES.find((_, at) => same(this.logins[at] ?? '', login));
  }

  #loginOf(handle: Handle): string {
    const at = LOGIN_HANDLES.indexOf(handle);
    const login = this.logins[at];
    if (login === undefined) throw new KeyturnError('failed', { detail: `There is no login ${quote(handle)}.` });
    return login;
  }

  #timeIsUp(): UnknownOutcomeError {
    const detail = `The time of the pass was up before all servers of ${this.logins.map(quote).join(', ')} were changed.`;
    return new UnknownOutcomeError('target-busy', { detail });
  }

  #busy(what: string): BusyError {
    return new BusyError('target-busy', { detail: `A server of ${this.logins.map(quote).join(', ')} ${what}.` });
  }
}
