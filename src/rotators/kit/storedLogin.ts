/** Logins with a password: how a server is asked about one, and what is said of the one in a secret. */
import type { Clock } from '../../core/clock.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { Handle } from '../../core/ids.ts';
import { remember } from '../../core/scrub.ts';
import type { Secret } from '../../core/secret.ts';
import { answered, row, type ServerAnswer, wordsOf } from '../../core/serverAnswer.ts';
import type { Said } from '../../ports/rotator.ts';
import type { WrongTries } from './wrongTries.ts';

/**
 * What an answer comes to. 'accepted': right, also where the login only has no room for another connection. 'disabled': right, and a
 * person switched the login off or locked it. 'expired': the login needs another password. 'busy': no answer, or one that passes.
 * 'unknown': an answer that says nothing of the password (a firewall).
 */
export type LoginAnswer = 'accepted' | 'refused' | 'disabled' | 'expired' | 'busy' | 'unknown';

export function loginAnswer({ reached, password, refusedFor, mayPass }: ServerAnswer): LoginAnswer {
  if (password === 'wrong') return 'refused';
  if (refusedFor === 'expired') return 'expired';
  if (password === 'right') {
    if (refusedFor === undefined || refusedFor === 'limited' || refusedFor === 'database')
      return 'accepted';
    if (refusedFor === 'busy') return 'busy';
    return refusedFor === 'off' || refusedFor === 'locked' ? 'disabled' : 'unknown';
  }
  if (refusedFor === 'address') return 'unknown';
  return !reached || mayPass || refusedFor === 'busy' || refusedFor === 'limited'
    ? 'busy'
    : 'unknown';
}

/** What the server says of one login, where it can be read without a try. */
export interface LoginFacts {
  /** When its password was changed last, by the server's own record. */
  readonly changedOn?: Date;
  /** After so many wrong passwords in a row the server locks it. */
  readonly triesMax?: number;
  /** When its password runs out; in the past where it has. */
  readonly expiresOn?: Date;
  /** So long a new password lives by itself, where the server ends it. */
  readonly livesHours?: number;
  /** What the server is bound to answer, whatever the password: then it is not asked. */
  readonly answer?: ServerAnswer;
  /** Why no new password would open it, in words that follow its name: a rotation does not take it. */
  readonly blocked?: string;
}

/** A password asked about at one server. */
export interface Ask {
  /** The server's name. */
  readonly at: string;
  readonly handle: Handle;
  readonly value: Secret;
  readonly facts?: LoginFacts | undefined;
  send(): Promise<ServerAnswer>;
}

/** Seven seconds in all: the locks of a pass last 90, and nobody renews them meanwhile. */
const PAUSES_SECONDS = [1, 2, 4] as const;

/**
 * What servers say in the end of a password that this pass did not set. Only an answer that may be another in a moment (azure-facts
 * 5.3, 18456: "wrong or not yet effective: retry shortly, then fail") is asked for again: whoever takes that for the truth replaces a
 * password that works. What a server has called wrong for certain is not asked again, in this pass or a later one: each wrong try
 * is counted, and locks the application out in the end (finding SRV-02).
 */
export class PatientAsker {
  readonly #clock: Clock;
  readonly #wrong: WrongTries;

  constructor(clock: Clock, wrong: WrongTries) {
    this.#clock = clock;
    this.#wrong = wrong;
  }

  /** Asks of all servers at once. */
  ask(asks: readonly Ask[], isPatient: boolean): Promise<readonly ServerAnswer[]> {
    return Promise.all(asks.map((each) => this.#one(each, isPatient)));
  }

  async #one({ at, handle, value, facts, send }: Ask, isPatient: boolean): Promise<ServerAnswer> {
    if (facts?.answer) return facts.answer;
    if (this.#wrong.has(at, handle, value, facts?.changedOn)) return WRONG_BEFORE;
    if (!this.#wrong.spares(handle, facts?.triesMax, this.#clock.now())) return SPARED;
    const answer = await (isPatient ? this.firmly(send) : send());
    if (answer.password === 'wrong')
      this.#wrong.add(at, handle, value, this.#clock.now(), facts?.changedOn);
    return answer;
  }

  /** One server's final word, whatever was asked before. */
  async firmly(send: () => Promise<ServerAnswer>): Promise<ServerAnswer> {
    for (const seconds of PAUSES_SECONDS) {
      const answer = await send();
      if (answer.password !== 'wrong' || answer.mayPass !== true) return answer;
      await this.#clock.sleep(seconds * 1000);
    }
    return await send();
  }
}

/** Known from an earlier try. */
const WRONG_BEFORE: ServerAnswer = {
  reached: true,
  tls: true,
  password: 'wrong',
  code: 'wrong when it was tried',
};
const SPARED: ServerAnswer = {
  reached: true,
  tls: true,
  password: 'not asked',
  refusedFor: 'spared',
};

/** After a write an answer that nobody understands says nothing of the password, and makes no unknown outcome a known one. */
export async function afterWrite(asked: Promise<ServerAnswer>): Promise<ServerAnswer> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KeyturnError)
      return answered(error.facts.code ?? error.reason, row('not asked', 'other'));
    throw error;
  }
}

/**
 * What is said of a value beside the verdict: that it cannot be told, and why, or that it has run out. *Cannot tell* is no *does not
 * know*: whoever replaced the value for it would replace one that may be good (finding SRV-08).
 */
export function saidOf(servers: readonly string[], answers: readonly ServerAnswer[]): Said {
  const words = answers.map(loginAnswer);
  const odd = answers.flatMap((answer, at) =>
    words[at] === 'accepted' ? [] : [wordsOf(servers[at] ?? 'A server', answer)],
  );
  const isUntold = !words.includes('refused') && words.includes('unknown');
  const isUntrusted = answers.some(({ refusedFor = '' }) =>
    ['certificate', 'name', 'no-tls'].includes(refusedFor),
  );
  return {
    ...(isUntold ? { doubt: isUntrusted ? 'untrusted-server' : 'cannot-tell' } : {}),
    expired: !words.includes('refused') && words.includes('expired'),
    detail: odd.length === 0 ? undefined : `${odd.join('; ')}.`,
  };
}

/**
 * The value is for a login that the tags do not name. Which one is never said: the tags choose where it is read, and whoever may
 * write no more than those would read any part of the value that way.
 *
 * @param expected in words, of tags or the target: `the option \`login\` names`
 */
export function foreignLogin(login: string, expected: string): KeyturnError {
  remember(login);
  const detail = `The value is for another login than ${expected}; correct it, or the option \`login-field\`.`;
  return new KeyturnError('bad-value', { detail });
}

/**
 * Throws where a server takes the password and a person switched the login off or locked it: theirs to switch on again. So it does
 * where the server says that the login is locked before it looks at the password: nobody gets in with any.
 *
 * @param login in words, of tags or the target, never of the value
 */
export function refuseOff(
  login: string,
  servers: readonly { readonly name: string }[],
  answers: readonly ServerAnswer[],
): void {
  const named = (isIn: (answer: ServerAnswer) => boolean) =>
    servers
      .filter((_, at) => answers[at] !== undefined && isIn(answers[at]))
      .map(({ name }) => name);
  const codes = answers.flatMap(({ refusedFor, code }) =>
    code !== undefined && (refusedFor === 'off' || refusedFor === 'locked') ? [code] : [],
  );
  const off = named(({ refusedFor }) => refusedFor === 'off');
  const locked = named(({ refusedFor, mayPass }) => refusedFor === 'locked' && mayPass !== true);
  if (off.length + locked.length === 0) return;
  const what =
    off.length > 0
      ? `switched off at ${off.join(', ')}: ALTER LOGIN … ENABLE (of PostgreSQL ALTER ROLE … LOGIN)`
      : `locked at ${locked.join(', ')}: ALTER USER … ACCOUNT UNLOCK, or FLUSH PRIVILEGES where wrong passwords locked it,`;
  const said = codes.length === 0 ? '' : ` (${[...new Set(codes)].join(', ')})`;
  throw new KeyturnError('login-off', {
    detail: `${login} is ${what} there, or opt the secret out${said}.`,
  });
}
