/** Logins with a password: how a server is asked about one, and what is said of the one in a secret. */
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { remember } from '../core/scrub.ts';
import type { Secret } from '../core/secret.ts';

/**
 * 'disabled': the password is right, and a person switched the login off. 'busy': no answer, or one that passes. 'unknown': an
 * answer that says nothing of the password (a firewall).
 */
export type LoginAnswer = 'accepted' | 'refused' | 'disabled' | 'busy' | 'unknown';

/** Seven seconds in all: the locks of a pass last 90, and nobody renews them meanwhile. */
const PAUSES_SECONDS = [1, 2, 4] as const;

/**
 * What servers say in the end of a password that this pass did not set. A right one may be refused for a moment (azure-facts 5.3,
 * 18456: "wrong or not yet effective: retry shortly, then fail"), and whoever takes that for the truth replaces a password that
 * works.
 */
export class PatientAsker {
  readonly #clock: Pick<Clock, 'sleep'>;
  /** Refused for longer than a moment: asked once from then on. */
  #refused: Secret | undefined;

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  /** Asks of all servers at once. */
  async ask(password: Secret, asks: readonly (() => Promise<LoginAnswer>)[]): Promise<readonly LoginAnswer[]> {
    const isKnown = this.#refused?.equals(password) === true;
    const answers = await Promise.all(asks.map((ask) => (isKnown ? ask() : this.firmly(ask))));
    if (answers.includes('refused')) this.#refused = password;
    return answers;
  }

  /** One server's final word, whatever was asked before. */
  async firmly(ask: () => Promise<LoginAnswer>): Promise<LoginAnswer> {
    for (const seconds of PAUSES_SECONDS) {
      const answer = await ask();
      if (answer !== 'refused') return answer;
      await this.#clock.sleep(seconds * 1000);
    }
    return await ask();
  }
}

/** After a write an answer that nobody understands says nothing of the password, and makes no unknown outcome a known one. */
export async function afterWrite(asked: Promise<LoginAnswer>): Promise<LoginAnswer> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KeyturnError) return 'unknown';
    throw error;
  }
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
 * Throws where a server takes the password and a person switched the login off: theirs to switch on again.
 *
 * @param login in words, of tags or the target, never of the value
 */
export function refuseOff(
  login: string,
  servers: readonly { readonly name: string }[],
  answers: readonly LoginAnswer[],
): void {
  const off = servers.filter((_, at) => answers[at] === 'disabled').map(({ name }) => name);
  if (off.length === 0) return;
  const detail = `${login} is switched off at ${off.join(', ')}: ALTER LOGIN … ENABLE there, or opt the secret out.`;
  throw new KeyturnError('login-off', { detail });
}
