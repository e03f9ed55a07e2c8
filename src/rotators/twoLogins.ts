/**
 * Two logins in turn: what `sql-login`, `postgresql-login` and `mysql-login` share. A server keeps one password per login and
 * never shows it, so a credential is named by logging in with it, and revoked by a password that nobody keeps.
 */
import { type Clock, minutesBetween } from '../core/clock.ts';
import type { Part } from '../core/consent.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import type { Handle } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { RightCheck } from '../core/rights.ts';
import type { Secret } from '../core/secret.ts';
import { newPassword } from './password.ts';
import type { Credential, Stay, Target, TargetState, Verdict } from './rotator.ts';
import { afterWrite, foreignLogin, type LoginAnswer, PatientAsker, refuseOff } from './storedLogin.ts';

/** One server, as the identity of Keyturn may change it. */
export interface LoginPort {
  /** For words to people: `db1`. */
  readonly name: string;
  /**
   * Sent once. Throws `UnknownOutcomeError` when it may have been applied, `BusyError` when it was not.
   *
   * @param leaveOff a login that a person switched off stays so: the one in the vault, or one whose password nobody keeps
   */
  setPassword(login: string, password: Secret, leaveOff?: boolean): Promise<void>;
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
  /** As the consent has to name them; by their names alone where absent. */
  readonly part?: Part;
  /** The option that names them: `logins` unless said otherwise. */
  readonly option?: string;
  /** All servers that hold the logins, failover partners, too (case SQL-09). Asked in every call; may read facts first. */
  ports(): Promise<readonly LoginPort[]>;
  /** Facts of the kind; handles are `a` and `b`, those that are there. */
  inspect(): Promise<TargetState>;
  /** See `Target.rights`. */
  rights?(): Promise<readonly RightCheck[]>;
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

/** The target over its servers. It keeps what the pass has asked about and issued, and nothing beyond the pass. */
export function twoLogins(options: TwoLoginsOptions): Target {
  return new TwoLogins(options);
}

class TwoLogins implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly logins: readonly [string, string];
  readonly part: Part;
  readonly #options: TwoLoginsOptions;
  readonly #patient: PatientAsker;
  #issued: { readonly value: Secret; readonly on: Date } | undefined;
  /** What the vault holds: a pass asks about it before all else. */
  #stored: { readonly value: Secret; readonly handle: Handle | undefined } | undefined;

  constructor(options: TwoLoginsOptions) {
    this.id = options.id;
    this.owners = options.owners;
    this.logins = options.logins;
    this.part = options.part ?? { names: options.logins, always: true };
    this.#options = options;
    this.#patient = new PatientAsker(options.clock);
  }

  inspect(): Promise<TargetState> {
    return this.#options.inspect();
  }

  async rights(): Promise<readonly RightCheck[]> {
    return (await this.#options.rights?.()) ?? [];
  }

  async adopt(value: Secret, login?: string): Promise<Handle | undefined> {
    if (login === undefined) return undefined;
    const handle = this.#handleOf(login);
    this.#stored ??= { value, handle };
    const isStored = this.#stored.value.equals(value);
    if (handle === undefined) {
      if (isStored) throw this.#foreign(login);
      return undefined; // an older version, or a neighbour's, may be for another login
    }
    const answers = await this.#ask(handle, value, isStored);
    if (handle === this.#stored.handle) await this.#refuseOff(handle, answers);
    // Of the other login the password is all that matters: switched off, it would be let in once it is on again.
    if (answers.every((answer) => answer === 'accepted' || answer === 'disabled')) return handle;
    if (answers.includes('busy')) throw this.#busy('did not answer when asked to take the stored login');
    return undefined;
  }

  async issue(_rotation: string, keep: readonly Handle[], _until: Date, stay: Stay): Promise<Credential> {
    const handle = LOGIN_HANDLES.find((each) => !keep.includes(each));
    if (handle === undefined) throw new KeyturnError('slots-held', { detail: 'Neither login is free to be replaced.' });
    const login = this.#loginOf(handle);
    const value = newPassword(this.logins);
    const changed: string[] = [];
    const leaveOff = handle === this.#stored?.handle;
    for (const port of await this.#options.ports()) {
      // Renews the locks: each server may take most of the time that they last.
      if (changed.length > 0 && !(await stay(1))) throw this.#timeIsUp();
      await this.#issueAt(port, { login, value, leaveOff, changed, stay });
      changed.push(port.name);
    }
    this.#issued = { value, on: this.#options.clock.now() };
    return { handle, value, login };
  }

  async check(value: Secret, login?: string): Promise<Verdict> {
    if (login === undefined) return 'refused';
    const handle = this.#handleOf(login);
    if (handle === undefined) throw this.#foreign(login);
    const minutes = this.#minutesSinceIssued(value);
    const isIssued = minutes !== Number.POSITIVE_INFINITY;
    const answers = await this.#ask(handle, value, !isIssued);
    if (!isIssued) await this.#refuseOff(handle, answers);
    const isHealed = handle === this.#stored?.handle;
    if (answers.includes('refused') || (answers.includes('disabled') && !isHealed)) {
      return minutes < MINUTES_TO_SPREAD ? 'not-yet' : 'refused';
    }
    // Its server took the new password, and a person has it off: stored, so that both agree when it is on again.
    if (answers.includes('disabled')) return 'unknown';
    // Nobody but this pass waits for an answer; to any other, silence is no way to ask.
    if (answers.includes('busy')) return isIssued ? 'not-yet' : 'unknown';
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
  async #issueAt(port: LoginPort, { login, value, leaveOff, changed, stay }: Issuing): Promise<void> {
    try {
      await port.setPassword(login, value, leaveOff);
    } catch (error) {
      if (error instanceof UnknownOutcomeError) {
        const answer = await this.#answerOf(port, login, value, stay);
        if (answer === 'accepted' || (leaveOff && answer === 'disabled')) return;
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
      const answer = await this.#patient.firmly(() => port.tryLogin(login, old));
      if (answer === 'refused') return; // for a moment only, it would live on for good
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
    const detail = `${port.name} does not refuse the old password of ${quote(login)} yet.`;
    throw unknown ?? new UnknownOutcomeError('target-busy', { detail });
  }

  /** After a write: asks until the answer is `wanted`, a few times and some seconds apart. */
  async #answerOf(
    port: LoginPort,
    login: string,
    value: Secret,
    stay: Stay,
    wanted: LoginAnswer = 'accepted',
  ): Promise<LoginAnswer> {
    for (let look = 1; ; look += 1) {
      const answer = await afterWrite(port.tryLogin(login, value));
      if (answer === wanted || look === LOOKS || !(await stay(SECONDS_BETWEEN_LOOKS))) return answer;
    }
  }

  /** @param isPatient where the pass did not set the password itself */
  async #ask(handle: Handle, value: Secret, isPatient: boolean): Promise<readonly LoginAnswer[]> {
    const login = this.#loginOf(handle);
    const asks = (await this.#options.ports()).map((port) => () => port.tryLogin(login, value));
    return await (isPatient ? this.#patient.ask(value, asks) : Promise.all(asks.map((ask) => ask())));
  }

  async #refuseOff(handle: Handle, answers: readonly LoginAnswer[]): Promise<void> {
    refuseOff(`The login ${quote(this.#loginOf(handle))} of the secret`, await this.#options.ports(), answers);
  }

  #foreign(login: string): KeyturnError {
    const { option = 'logins' } = this.#options;
    return foreignLogin(login, `the option \`${option}\` names (${this.logins.map(quote).join(', ')})`);
  }

  /** Infinite for what this target has not issued in this pass. */
  #minutesSinceIssued(value: Secret): number {
    const issued = this.#issued;
    if (!issued?.value.equals(value)) return Number.POSITIVE_INFINITY;
    return minutesBetween(issued.on, this.#options.clock.now());
  }

  #handleOf(login: string): Handle | undefined {
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

interface Issuing {
  readonly login: string;
  readonly value: Secret;
  readonly leaveOff: boolean;
  /** Names of the servers that have it already. */
  readonly changed: readonly string[];
  readonly stay: Stay;
}
