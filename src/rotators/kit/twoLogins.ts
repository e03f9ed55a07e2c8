/**
 * Two logins in turn: what `sql-login`, `postgresql-login` and `mysql-login` share. A server keeps one password per login and
 * never shows it, so a credential is named by logging in with it, and revoked by a password that nobody keeps.
 */
import { type Clock, minutesBetween } from '../../core/clock.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../../core/errors.ts';
import type { Part } from '../../core/grants.ts';
import type { Handle } from '../../core/ids.ts';
import { quote } from '../../core/quote.ts';
import type { RightCheck } from '../../core/rightChecks.ts';
import type { Secret } from '../../core/secret.ts';
import type { ServerAnswer } from '../../core/serverAnswer.ts';
import { together, type UseVerdict } from '../../core/uses.ts';
import type {
  Credential,
  Obstacle,
  Said,
  Stay,
  Target,
  TargetFacts,
  Verdict,
} from '../../ports/rotator.ts';
import { newPassword } from './password.ts';
import {
  afterWrite,
  foreignLogin,
  type LoginAnswer,
  type LoginFacts,
  loginAnswer,
  PatientAsker,
  refuseOff,
  saidOf,
} from './storedLogin.ts';
import { WrongTries } from './wrongTries.ts';

/** One server, as the identity of Keyturn may change it. */
export interface LoginPort {
  /** For words to people: `db1`. */
  readonly name: string;
  /**
   * Sent once. Throws `UnknownOutcomeError` when it may have been applied, `BusyError` when it was not.
   *
   * @param leaveOff a login that a person switched off stays so: the one in the vault, or one whose password nobody keeps
   * @param until so long the password has to live, where the server ends passwords by itself
   */
  setPassword(login: string, password: Secret, leaveOff?: boolean, until?: Date): Promise<void>;
  /** Opens a connection of its own and closes it (case SQL-10). */
  tryLogin(login: string, password: Secret): Promise<ServerAnswer>;
  /** Who is connected with this login now, Keyturn aside; reads no statement of anybody. Cannot tell without the right to see all. */
  sessions?(login: string): Promise<UseVerdict>;
  /** What an answer comes to by what else is known of the server now; what was remembered of a try goes through it, too. */
  means?(answer: ServerAnswer): ServerAnswer;
}

/** A way to a server behind which something else looks at passwords first (finding SRV-12). */
export type LoginDoor = Pick<LoginPort, 'name' | 'tryLogin'>;

/** The facts of a kind, and what its servers say of each login. */
export interface LoginTargetFacts extends TargetFacts {
  readonly logins?: ReadonlyMap<Handle, LoginFacts>;
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
  inspect(): Promise<LoginTargetFacts>;
  /** See `Target.moreHosts`. */
  moreHosts?(): Promise<readonly string[]>;
  /** See `Target.rights`. */
  rights?(): Promise<readonly RightCheck[]>;
  readonly clock: Clock;
  /** Beside the id: another value makes other logins of them, so that nothing that was tried before counts. */
  readonly variant?: string;
  /** Where the stored value leads through it, passwords are checked there, too. */
  door?(): Promise<LoginDoor>;
  /** What the owner of a secret that leads through it should know. */
  readonly doorNote?: string;
  /** Names of its servers, lower case, that a client may write behind its login and an `@` (case VAL-07); none where absent. */
  serverNames?(): Promise<readonly string[]>;
  /**
   * Before a value is looked for; what it gives back is asked where no login has it. "Cannot tell" is not "does not know": a person
   * has to open the way then, not to store another value (case SQL-11).
   */
  asking?(): () => KeyturnError | undefined;
  /** Whether the server takes both names for one login; by default only what is spelt alike is. */
  readonly same?: (left: string, right: string) => boolean;
}

/** How a port of such a server asks for sessions, where the server can be asked. */
export const sessionsBy = <Place>(
  ask: ((place: Place, login: string, now: Date) => Promise<UseVerdict>) | undefined,
  place: Place,
  clock: Clock,
): Pick<LoginPort, 'sessions'> =>
  ask ? { sessions: (login) => ask(place, login, clock.now()) } : {};

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
  readonly wrong: WrongTries;
  readonly #options: TwoLoginsOptions;
  readonly #patient: PatientAsker;
  /** Of the last `inspect`. */
  #facts: ReadonlyMap<Handle, LoginFacts> = new Map();
  #said: Said | undefined;
  /** The stored value leads through the door. */
  #isThrough = false;
  #issued: { readonly value: Secret; readonly on: Date } | undefined;
  /** What the vault holds: a pass asks about it before all else. */
  #stored:
    | { readonly value: Secret; readonly handle: Handle | undefined; readonly suffix: string }
    | undefined;

  constructor(options: TwoLoginsOptions) {
    this.id = options.id;
    this.owners = options.owners;
    this.logins = options.logins;
    this.part = options.part ?? { names: options.logins, always: true };
    this.#options = options;
    this.wrong = new WrongTries(`${options.id}\n${options.variant ?? ''}`);
    this.#patient = new PatientAsker(options.clock, this.wrong);
  }

  async inspect(): Promise<TargetFacts> {
    const { logins = new Map<Handle, LoginFacts>(), ...facts } = await this.#options.inspect();
    this.#facts = logins;
    const all = [...logins];
    const endsOn = all.flatMap(([handle, { expiresOn }]) =>
      expiresOn ? [[handle, expiresOn] as const] : [],
    );
    const lives = all.flatMap(([handle, { livesHours }]) =>
      livesHours ? [[handle, livesHours] as const] : [],
    );
    const blocked = all.flatMap(([handle, { blocked: why }]): [Handle, Obstacle][] => {
      const detail = `The login ${quote(this.#loginOf(handle))} ${why}.`;
      return why === undefined ? [] : [[handle, { reason: 'login-blocked', detail }]];
    });
    return {
      ...facts,
      endsOn: new Map(endsOn),
      livesHours: new Map(lives),
      blocked: new Map(blocked),
    };
  }

  said(): Said | undefined {
    return this.#said;
  }

  through(): string {
    this.#isThrough = true;
    return this.#options.doorNote ?? '';
  }

  async moreHosts(): Promise<readonly string[]> {
    return (await this.#options.moreHosts?.()) ?? [];
  }

  async rights(): Promise<readonly RightCheck[]> {
    return (await this.#options.rights?.()) ?? [];
  }

  async adopt(value: Secret, login?: string): Promise<Handle | undefined> {
    const untold = this.#options.asking?.();
    const handle = await this.#handleWith(value, login);
    const error = handle === undefined ? untold?.() : undefined;
    if (error) throw error;
    return handle;
  }

  async #handleWith(value: Secret, login: string | undefined): Promise<Handle | undefined> {
    if (login === undefined) return undefined;
    const { handle, suffix } = await this.#read(login);
    this.#stored ??= { value, handle, suffix };
    const isStored = this.#stored.value.equals(value);
    if (handle === undefined) {
      if (isStored) throw this.#foreign(login);
      return undefined; // an older version, or a neighbour's, may be for another login
    }
    const answers = await this.#ask(handle, value, isStored);
    if (isStored) this.#said = await this.#saidOf(answers);
    if (handle === this.#stored.handle) await this.#refuseOff(handle, answers);
    const words = answers.map(loginAnswer);
    // Of the other login the password is all that matters: switched off, it would be let in once it is on again.
    if (words.every((word) => GOOD.includes(word))) return handle;
    if (words.includes('busy'))
      throw this.#busy('did not answer when asked to take the stored login');
    return undefined;
  }

  async issue(
    _rotation: string,
    keep: readonly Handle[],
    until: Date,
    stay: Stay,
  ): Promise<Credential> {
    const handle = LOGIN_HANDLES.find((each) => !keep.includes(each));
    if (handle === undefined)
      throw new KeyturnError('slots-held', { detail: 'Neither login is free to be replaced.' });
    const login = this.#loginOf(handle);
    const value = newPassword(this.logins);
    const changed: string[] = [];
    const leaveOff = handle === this.#stored?.handle;
    for (const port of await this.#options.ports()) {
      // Renews the locks: each server may take most of the time that they last.
      if (changed.length > 0 && !(await stay(1))) throw this.#timeIsUp();
      await this.#issueAt(port, { handle, login, value, leaveOff, until, changed, stay });
      changed.push(port.name);
    }
    this.#issued = { value, on: this.#options.clock.now() };
    return { handle, value, login: login + (this.#stored?.suffix ?? '') };
  }

  async check(value: Secret, login?: string): Promise<Verdict> {
    if (login === undefined) return 'refused';
    const { handle } = await this.#read(login);
    if (handle === undefined) throw this.#foreign(login);
    const minutes = this.#minutesSinceIssued(value);
    const isIssued = minutes !== Number.POSITIVE_INFINITY;
    const answers = await (isIssued
      ? this.#askIssued(handle, value)
      : this.#ask(handle, value, true));
    const door = this.#isThrough ? await this.#options.door?.() : undefined;
    const atDoor = door ? [await this.#askDoor(door, handle, value, isIssued)] : [];
    this.#said = await this.#saidOf(answers, door && { name: door.name, answers: atDoor });
    if (!isIssued) {
      await this.#refuseOff(handle, answers);
      const verdict = verdictOf(answers);
      // What the server takes is right, whatever a door in front of it says: that is told, and no reason for another password.
      return verdict === 'accepted' && atDoor.some((answer) => loginAnswer(answer) !== 'accepted')
        ? 'unknown'
        : verdict;
    }
    const isHealed = handle === this.#stored?.handle;
    return verdictOfNew([...answers, ...atDoor], {
      isHealed,
      isYoung: minutes < MINUTES_TO_SPREAD,
    });
  }

  async revoke(
    handle: Handle,
    old: Secret | undefined,
    stay: Stay,
  ): Promise<'refused' | undefined> {
    const login = this.#loginOf(handle);
    let isRefused = true;
    for (const port of await this.#options.ports()) {
      if (!(await stay(0))) throw this.#timeIsUp();
      isRefused = (await this.#revokeAt(port, { handle, login, old, stay })) && isRefused;
    }
    return isRefused ? 'refused' : undefined;
  }

  async sessions(handle: Handle): Promise<UseVerdict> {
    const login = this.#loginOf(handle);
    const found: UseVerdict[] = [];
    for (const port of await this.#options.ports())
      found.push(
        port.sessions
          ? await port.sessions(login)
          : { use: 'cannot tell', reason: `${port.name} is not asked for its sessions.` },
      );
    return together(found);
  }

  /** The login's new password on one server; a lost answer is made good by logging in. */
  async #issueAt(port: LoginPort, issuing: Issuing): Promise<void> {
    const { handle, login, value, leaveOff, until, changed, stay } = issuing;
    try {
      await port.setPassword(login, value, leaveOff, until);
      this.wrong.forget(handle);
    } catch (error) {
      if (error instanceof UnknownOutcomeError) {
        this.wrong.forget(handle);
        const answer = await this.#answerOf(port, { handle, login, value, stay });
        if (answer === 'accepted' || (leaveOff && answer === 'disabled')) return;
        throw error;
      }
      if (!(error instanceof BusyError) || changed.length === 0) throw error;
      // Busy would mean that nothing was changed.
      const detail = `${port.name} does not have the new password of ${quote(login)} that ${changed.join(', ')} took.`;
      throw new UnknownOutcomeError('target-busy', { ...error.facts, detail });
    }
  }

  /**
   * Done as soon as the server says that the old password is wrong; the new one is kept by nobody. Whatever else it refuses the old
   * one for may be lifted tomorrow, and with it the old password would work again (finding SRV-07). False where it said so of none.
   */
  async #revokeAt(port: LoginPort, { handle, login, old, stay }: Revoking): Promise<boolean> {
    const facts = this.#facts.get(handle);
    let isTold = old !== undefined && facts?.answer === undefined;
    if (old !== undefined && isTold) {
      const answer = meant(port, await this.#patient.firmly(() => port.tryLogin(login, old)));
      const word = loginAnswer(answer);
      if (word === 'refused') return true; // for a moment only, it would live on for good
      if (word === 'busy' || !answer.reached)
        throw this.#busy(`did not say whether ${quote(login)} still has its old password`);
      isTold = answer.password === 'right';
    }
    let unknown: UnknownOutcomeError | undefined;
    try {
      await port.setPassword(login, newPassword(this.logins), true);
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError)) throw error;
      unknown = error;
    }
    this.wrong.forget(handle);
    if (old === undefined || !isTold) {
      if (unknown) throw unknown;
      return false;
    }
    if ((await this.#answerOf(port, { handle, login, value: old, stay }, 'refused')) === 'refused')
      return true;
    const detail = `${port.name} does not refuse the old password of ${quote(login)} yet.`;
    throw unknown ?? new UnknownOutcomeError('target-busy', { detail });
  }

  /** After a write: asks until the answer is `wanted`, a few times and some seconds apart. */
  async #answerOf(
    port: LoginPort,
    { handle, login, value, stay }: Pick<Issuing, 'handle' | 'login' | 'value' | 'stay'>,
    wanted: LoginAnswer = 'accepted',
  ): Promise<LoginAnswer> {
    // Each look at a password that did not come costs a wrong try.
    const looks = Math.max(
      1,
      Math.min(LOOKS, (this.#facts.get(handle)?.triesMax ?? LOOKS + 1) - 1),
    );
    for (let look = 1; ; look += 1) {
      const answer = loginAnswer(meant(port, await afterWrite(port.tryLogin(login, value))));
      if (answer === wanted || look === looks || !(await stay(SECONDS_BETWEEN_LOOKS)))
        return answer;
    }
  }

  /** Of a password that this pass did not set. */
  async #ask(handle: Handle, value: Secret, isPatient: boolean): Promise<readonly ServerAnswer[]> {
    const login = this.#loginOf(handle);
    const facts = this.#facts.get(handle);
    const ports = await this.#options.ports();
    const asks = ports.map((port) => ({
      at: port.name,
      handle,
      value,
      facts,
      send: () => port.tryLogin(login, value),
    }));
    const answers = await this.#patient.ask(asks, isPatient);
    return answers.map((answer, at) => meant(ports[at], answer));
  }

  /** Of one that it set: nothing that was known of the login before says anything of it. */
  async #askIssued(handle: Handle, value: Secret): Promise<readonly ServerAnswer[]> {
    const login = this.#loginOf(handle);
    const ports = await this.#options.ports();
    return await Promise.all(
      ports.map(async (port) => meant(port, await port.tryLogin(login, value))),
    );
  }

  /** A door may need a moment to learn of a new password. */
  async #askDoor(
    door: LoginDoor,
    handle: Handle,
    value: Secret,
    isIssued: boolean,
  ): Promise<ServerAnswer> {
    const send = () => door.tryLogin(this.#loginOf(handle), value);
    if (!isIssued)
      return (
        await this.#patient.ask([{ at: door.name, handle, value, send }], false)
      )[0] as ServerAnswer;
    const answer = await send();
    return answer.password === 'wrong' ? { ...answer, mayPass: true } : answer;
  }

  async #saidOf(
    answers: readonly ServerAnswer[],
    door: { readonly name: string; readonly answers: readonly ServerAnswer[] } = {
      name: '',
      answers: [],
    },
  ): Promise<Said> {
    const names = (await this.#options.ports()).map(({ name }) => name);
    return saidOf([...names, door.name], [...answers, ...door.answers]);
  }

  async #refuseOff(handle: Handle, answers: readonly ServerAnswer[]): Promise<void> {
    refuseOff(
      `The login ${quote(this.#loginOf(handle))} of the secret`,
      await this.#options.ports(),
      answers,
    );
  }

  #foreign(login: string): KeyturnError {
    const { option = 'logins' } = this.#options;
    return foreignLogin(
      login,
      `the option \`${option}\` names (${this.logins.map(quote).join(', ')})`,
    );
  }

  /** Infinite for what this target has not issued in this pass. */
  #minutesSinceIssued(value: Secret): number {
    const issued = this.#issued;
    if (!issued?.value.equals(value)) return Number.POSITIVE_INFINITY;
    return minutesBetween(issued.on, this.#options.clock.now());
  }

  /** The login as the secret spells it: `app_a`, or `app_a@sql1` with the name of one of its own servers. */
  async #read(
    login: string,
  ): Promise<{ readonly handle: Handle | undefined; readonly suffix: string }> {
    const handle = this.#handleOf(login);
    const at = login.lastIndexOf('@');
    if (handle !== undefined || at < 1 || !this.#options.serverNames) return { handle, suffix: '' };
    const names = await this.#options.serverNames();
    const suffix = login.slice(at);
    const isOwn = names.includes(suffix.slice(1).toLowerCase());
    return {
      handle: isOwn ? this.#handleOf(login.slice(0, at)) : undefined,
      suffix: isOwn ? suffix : '',
    };
  }

  #handleOf(login: string): Handle | undefined {
    const same = this.#options.same ?? ((left, right) => left === right);
    return LOGIN_HANDLES.find((_, at) => same(this.logins[at] ?? '', login));
  }

  #loginOf(handle: Handle): string {
    const at = LOGIN_HANDLES.indexOf(handle);
    const login = this.logins[at];
    if (login === undefined)
      throw new KeyturnError('failed', { detail: `There is no login ${quote(handle)}.` });
    return login;
  }

  #timeIsUp(): UnknownOutcomeError {
    const detail = `The time of the pass was up before all servers of ${this.logins.map(quote).join(', ')} were changed.`;
    return new UnknownOutcomeError('target-busy', { detail });
  }

  #busy(what: string): BusyError {
    return new BusyError('target-busy', {
      detail: `A server of ${this.logins.map(quote).join(', ')} ${what}.`,
    });
  }
}

const meant = (port: LoginPort | undefined, answer: ServerAnswer): ServerAnswer =>
  port?.means?.(answer) ?? answer;

/** The password of the stored login, or of the other one, is the right one. */
const GOOD: readonly LoginAnswer[] = ['accepted', 'disabled', 'expired'];

/** Of a password that was set before this pass. One that has run out is of no more use than a wrong one. */
function verdictOf(answers: readonly ServerAnswer[]): Verdict {
  const words = answers.map(loginAnswer);
  if (words.includes('refused') || words.includes('expired') || words.includes('disabled'))
    return 'refused';
  // Nobody but the pass that set it waits for an answer; to any other, silence is no way to ask.
  return words.every((word) => word === 'accepted') ? 'accepted' : 'unknown';
}

/**
 * Of one that this pass has just set. Keyturn has logged in to this server itself: a refusal of the new login, for whatever it is, is
 * no closed path, and nobody else would be let in either (finding SRV-01).
 */
function verdictOfNew(
  answers: readonly ServerAnswer[],
  { isHealed, isYoung }: { readonly isHealed: boolean; readonly isYoung: boolean },
): Verdict {
  const words = answers.map(loginAnswer);
  const isOff = answers.some(({ refusedFor }) => refusedFor === 'off') && !isHealed;
  const mayPass = answers.some((answer) => answer.mayPass === true);
  if (isYoung && ((words.includes('refused') && mayPass) || isOff)) return 'not-yet';
  if (words.includes('refused') || words.includes('expired') || isOff) return 'refused';
  // Its server took the new password, and a person has it off: stored, so that both agree when it is on again.
  if (words.includes('disabled')) return isHealed ? 'unknown' : 'refused';
  if (words.includes('busy')) return 'not-yet';
  if (answers.some((answer, at) => words[at] === 'unknown' && answer.reached)) return 'refused';
  return words.includes('unknown') ? 'unknown' : 'accepted';
}

interface Issuing {
  readonly handle: Handle;
  readonly login: string;
  readonly value: Secret;
  readonly leaveOff: boolean;
  readonly until: Date;
  /** Names of the servers that have it already. */
  readonly changed: readonly string[];
  readonly stay: Stay;
}

interface Revoking extends Pick<Issuing, 'handle' | 'login' | 'stay'> {
  readonly old: Secret | undefined;
}
