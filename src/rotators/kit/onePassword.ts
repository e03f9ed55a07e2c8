/**
 * One password on one or more servers, with no second one to fall back on: what `sql-single-login` and `sql-admin-password`
 * share. Setting a password is the revocation of the one before it.
 */
import { type Clock, minutesBetween } from '../../core/clock.ts';
import { BusyError, KeyturnError, LockLostError, UnknownOutcomeError } from '../../core/errors.ts';
import type { Part } from '../../core/grants.ts';
import type { Handle, RotationId } from '../../core/ids.ts';
import type { RightCheck } from '../../core/rightChecks.ts';
import type { Secret } from '../../core/secret.ts';
import type { ServerAnswer } from '../../core/serverAnswer.ts';
import type { Credential, Said, Stay, Target, TargetFacts, Verdict } from '../../ports/rotator.ts';
import { newPassword } from './password.ts';
import {
  afterWrite,
  type LoginAnswer,
  loginAnswer,
  PatientAsker,
  refuseOff,
  saidOf,
} from './storedLogin.ts';
import { WrongTries } from './wrongTries.ts';

export interface PasswordPort {
  /** For words to people: `sql1`. */
  readonly name: string;
  /** Throws `UnknownOutcomeError` when it may have been applied, `BusyError` when it was not. What is switched off stays so. */
  setPassword(password: Secret, stay: Stay): Promise<void>;
  /** On a connection of its own. Silence that comes of a closed path is `unknown`. */
  tryPassword(password: Secret): Promise<ServerAnswer>;
}

export interface OnePasswordOptions {
  readonly id: string;
  readonly owners: readonly string[];
  /** Logins that the tags name, if they do. */
  readonly logins?: readonly string[];
  /** As the consent has to name it; where absent, the login by its name, or else what opens the whole server. */
  readonly part?: Part;
  inspect(): Promise<TargetFacts>;
  /** See `Target.moreHosts`. */
  moreHosts?(): Promise<readonly string[]>;
  /** See `Target.rights`. */
  rights?(): Promise<readonly RightCheck[]>;
  /** All servers. Throws what a person must mend. */
  ports(): Promise<readonly PasswordPort[]>;
  /** The login that the password is for; no password holds a piece of it. */
  login(): Promise<string>;
  /** Throws when the login that stands in the secret is another one. */
  checkLogin(login: string): Promise<void>;
  /** What `adopt` makes of servers that cannot be asked: the owner's word for it, or the refusal that it throws. */
  unasked(): 'trusted' | KeyturnError;
  readonly clock: Clock;
}

const HANDLE: Handle = 'password';
/** Times that a pass sends one and the same password where it cannot tell whether it arrived: a late twin changes nothing. */
const TRIES = 3;
/** How long a new password may take to be accepted (as case ST-08). */
const MINUTES_TO_SPREAD = 2;
const RESTORE_SECONDS = 45;
const LOOK_SECONDS = [1, 2, 4, 8] as const;
const LOOK_SECONDS_MAX = 15;
/** After an unknown outcome: so many looks, then the same password is sent again. */
const LOOKS_AFTER_UNKNOWN = 3;

export class OnePassword implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly logins?: readonly string[];
  readonly part: Part;
  readonly wrong: WrongTries;
  readonly #options: OnePasswordOptions;
  readonly #patient: PatientAsker;
  #said: Said | undefined;
  #issued: { readonly value: Secret; readonly on: Date } | undefined;
  /** What all servers accepted in this pass: set back where a new one did not reach all of them. */
  #live: Secret | undefined;
  /** What the vault holds: a pass asks about it before all else. */
  #stored: Secret | undefined;
  /** Whether the servers were asked for a login in this pass. */
  #asked = false;

  constructor(options: OnePasswordOptions) {
    this.id = options.id;
    this.owners = options.owners;
    if (options.logins) this.logins = options.logins;
    const { logins } = options;
    this.part =
      options.part ?? (logins ? { names: logins, always: true } : { names: [], whole: true });
    this.#options = options;
    this.wrong = new WrongTries(options.id);
    this.#patient = new PatientAsker(options.clock, this.wrong);
  }

  said(): Said | undefined {
    return this.#said;
  }

  inspect(): Promise<TargetFacts> {
    return this.#options.inspect();
  }

  async moreHosts(): Promise<readonly string[]> {
    return (await this.#options.moreHosts?.()) ?? [];
  }

  async rights(): Promise<readonly RightCheck[]> {
    return (await this.#options.rights?.()) ?? [];
  }

  async adopt(value: Secret, login?: string): Promise<Handle | undefined> {
    if (login !== undefined) await this.#options.checkLogin(login);
    this.#stored ??= value;
    const answers = await this.#askOfOld(value, this.#stored.equals(value));
    if (answers.includes('refused')) return undefined;
    if (answers.includes('busy'))
      throw new BusyError('target-busy', { detail: 'A server cannot try a login now.' });
    if (answers.includes('unknown')) {
      const word = this.#options.unasked();
      if (word !== 'trusted') throw word;
      return HANDLE;
    }
    this.#live = value;
    return HANDLE;
  }

  async issue(
    _rotation: RotationId,
    _keep: readonly Handle[],
    _until: Date,
    stay: Stay,
  ): Promise<Credential> {
    const value = newPassword([await this.#options.login()]);
    if (!this.#asked) {
      await this.#needPath(value);
      await stay(0); // renews the locks: between them and the change nothing may take time
    }
    const changed: PasswordPort[] = [];
    for (const port of await this.#options.ports()) {
      try {
        // Renews the locks: each server may take most of the time that they last.
        if (changed.length > 0 && !(await stay(1))) {
          throw new BusyError('target-busy', { detail: 'The time of the pass was up.' });
        }
        await this.#setAt(port, value, stay);
      } catch (error) {
        throw changed.length > 0 ? await this.#halfWay(error, port, changed, stay) : error;
      }
      changed.push(port);
    }
    this.#issued = { value, on: this.#options.clock.now() };
    return { handle: HANDLE, value };
  }

  async check(value: Secret, login?: string): Promise<Verdict> {
    if (login !== undefined) await this.#options.checkLogin(login);
    const issued = this.#issued?.value.equals(value) ? this.#issued : undefined;
    const answers = await (issued ? this.#ask(value) : this.#askOfOld(value));
    if (answers.includes('refused') || answers.includes('expired')) {
      const fresh =
        issued && minutesBetween(issued.on, this.#options.clock.now()) < MINUTES_TO_SPREAD;
      return fresh ? 'not-yet' : 'refused';
    }
    if (answers.includes('busy')) return issued ? 'not-yet' : 'unknown';
    if (answers.includes('disabled')) return 'unknown'; // stored, so that vault and server agree when a person switches it on
    if (answers.includes('unknown'))
      return this.#options.unasked() === 'trusted' ? 'vouched' : 'unknown';
    return 'accepted';
  }

  /** Setting the next password was the revocation; there is nothing to take away from under it. */
  async revoke(_handle: Handle, old: Secret | undefined): Promise<undefined> {
    if (old !== undefined && !(await this.#ask(old)).includes('accepted')) return undefined;
    throw new KeyturnError('failed', {
      detail: 'The only password of a login is replaced, not revoked.',
    });
  }

  async restore(value: Secret): Promise<void> {
    const briefly = this.#briefly();
    for (const port of await this.#options.ports()) await this.#setAt(port, value, briefly);
  }

  /** Where there is no `stay`, or its time is up: the pass holds its locks for 90 s from the renewal before this. */
  #briefly(): Stay {
    const { clock } = this.#options;
    const end = clock.now().getTime() + RESTORE_SECONDS * 1000;
    return async (seconds) => {
      await clock.sleep(seconds * 1000);
      return clock.now().getTime() < end;
    };
  }

  /** Sets it and sees it accepted: an answer of the management plane alone proves nothing (case SQL-06). */
  async #setAt(port: PasswordPort, value: Secret, stay: Stay): Promise<void> {
    for (let tried = 1; ; tried += 1) {
      try {
        this.wrong.forget(HANDLE);
        await port.setPassword(value, stay);
        return await this.#seen(port, value, stay);
      } catch (error) {
        if (!(error instanceof UnknownOutcomeError)) throw error;
        for (let look = 0; look < LOOKS_AFTER_UNKNOWN; look += 1) {
          if (isRight(loginAnswer(await afterWrite(port.tryPassword(value))))) return;
          if (!(await stay(LOOK_SECONDS[look] ?? LOOK_SECONDS_MAX))) throw error;
        }
        if (tried === TRIES) throw error;
      }
    }
  }

  async #seen(port: PasswordPort, value: Secret, stay: Stay): Promise<void> {
    const { clock } = this.#options;
    const setOn = clock.now();
    for (let look = 0; ; look += 1) {
      const answer = loginAnswer(await afterWrite(port.tryPassword(value)));
      if (isRight(answer) || answer === 'unknown') return; // no way to ask is no reason to give a value up
      const late = minutesBetween(setOn, clock.now()) >= MINUTES_TO_SPREAD || look >= LOOKS_MAX;
      if (answer === 'refused' && late) {
        throw new KeyturnError('not-accepted', {
          detail: `${port.name} said yes to a password that it does not accept.`,
        });
      }
      if (answer === 'busy' && late) return;
      if (!(await stay(LOOK_SECONDS[look] ?? LOOK_SECONDS_MAX))) {
        throw new UnknownOutcomeError('target-busy', {
          detail: `${port.name} does not accept its new password yet.`,
        });
      }
    }
  }

  /** Some servers have the new password and one has not: nothing is stored, and the old one is set back where it is known. */
  async #halfWay(
    error: unknown,
    port: PasswordPort,
    changed: readonly PasswordPort[],
    stay: Stay,
  ): Promise<unknown> {
    // Without the locks nothing is written: whoever has them now may have set a password of its own.
    if (!(error instanceof KeyturnError) || error instanceof LockLostError) return error;
    const names = changed.map(({ name }) => name).join(', ');
    let isBack = false;
    if (this.#live !== undefined) {
      const value = this.#live;
      await stay(0); // renews the locks
      const briefly = this.#briefly();
      const torn = error instanceof UnknownOutcomeError ? [...changed, port] : changed;
      const all = await Promise.allSettled(torn.map((each) => each.setPassword(value, briefly)));
      isBack = all.every(({ status }) => status === 'fulfilled');
    }
    const back = isBack ? 'The old one was set back.' : 'The old one could not be set back.';
    const detail = `${names} took a new password and ${port.name} did not (${error.detail}). ${back}`;
    // Looked at again within minutes: what was sent may still arrive, or a server has a password that nobody knows.
    const isOver = isBack && !(error instanceof UnknownOutcomeError);
    return new (isOver ? KeyturnError : UnknownOutcomeError)('not-accepted', {
      ...error.facts,
      detail,
    });
  }

  /** With no value to try (a first credential) the new one is: refused, as it must be, by a server that can be asked (SQL-11). */
  async #needPath(value: Secret): Promise<void> {
    if (!(await this.#ask(value)).includes('unknown')) return;
    const word = this.#options.unasked();
    if (word !== 'trusted') throw word;
  }

  /** Of a value of this pass, or of one that must be asked for whatever is known of it. */
  async #ask(value: Secret): Promise<readonly LoginAnswer[]> {
    this.#asked = true;
    const ports = await this.#options.ports();
    return (await Promise.all(ports.map((port) => port.tryPassword(value)))).map(loginAnswer);
  }

  /** Of a value that is not of this pass. */
  async #askOfOld(value: Secret, isPatient = true): Promise<readonly LoginAnswer[]> {
    this.#asked = true;
    const ports = await this.#options.ports();
    const asks = ports.map((port) => ({
      at: port.name,
      handle: HANDLE,
      value,
      send: () => port.tryPassword(value),
    }));
    const answers = await this.#patient.ask(asks, isPatient);
    refuseOff('The login of the secret', ports, answers);
    this.#said = saidOf(
      ports.map(({ name }) => name),
      answers,
    );
    return answers.map(loginAnswer);
  }
}

/** Two minutes of growing pauses, also by a clock that stands still. */
const LOOKS_MAX = 12;

/** The server has it, whether or not it lets the login in. */
const isRight = (answer: LoginAnswer): boolean => answer === 'accepted' || answer === 'disabled';
