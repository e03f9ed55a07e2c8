import { compact } from './compact.ts';
import type { Handle } from './ids.ts';

/**
 * What a server said to a login, beside what is made of it: whether it was reached, whether it spoke TLS, what came of the password,
 * and what it refused the login for afterwards. Each driver maps its own numbers to it, one row each with its source, and decisions
 * read it (findings SRV-01 … SRV-09): a server that looks at the password first and refuses for something else has said that the
 * password is right; one that refuses before has said nothing of it.
 */
export interface ServerAnswer {
  /** Anything came back. Without it there is only silence: a closed path, or a server that is down. */
  readonly reached: boolean;
  /** TLS came about, with a certificate that this side trusts. */
  readonly tls: boolean;
  /** 'not asked': the server refused before it looked, so that nothing is said of the password. */
  readonly password: 'right' | 'wrong' | 'not asked';
  readonly refusedFor?: RefusedFor;
  /** It may say otherwise in a moment: "wrong, or not yet effective". */
  readonly mayPass?: true;
  /** The server's own number or SQLSTATE, or the code of a fault on the way. */
  readonly code?: string;
}

/** What a login was refused for, other than its password. */
export type RefusedFor =
  /** A person switched the login off. */
  | 'off'
  /** Locked: by a person, or for a while by wrong guesses. */
  | 'locked'
  | 'expired'
  /** It has as many connections as it may have. */
  | 'limited'
  /** Not from this address: a firewall, `pg_hba.conf`, the hosts of a user, a client certificate that is asked for. */
  | 'address'
  | 'database'
  /** The certificate is of nobody that this side trusts. */
  | 'certificate'
  /** The certificate is of another host. */
  | 'name'
  /** The server takes no TLS. */
  | 'no-tls'
  /** The server can't say now. */
  | 'busy'
  /** Keyturn did not ask: one more wrong password could lock the login. */
  | 'spared'
  /** A number that no row knows. */
  | 'other';

/** A password that a server called wrong, as a row keeps it: a short digest that tells it again, and when (finding SRV-02). */
export interface WrongTry {
  readonly handle: Handle;
  readonly digest: string;
  readonly on: Date;
  /** When the login's password had been changed by then, where the server tells. */
  readonly changedOn?: Date;
}

/** A row of a driver's table: what one number says, where the server was reached over TLS. */
export type AnswerRow = Pick<ServerAnswer, 'password' | 'refusedFor' | 'mayPass'>;

/** In a driver's table. */
export const row = (password: ServerAnswer['password'], refusedFor?: RefusedFor): AnswerRow =>
  compact({
    password,
    refusedFor,
  });

/** The login came about: nothing stood in its way. */
export const ACCEPTED: ServerAnswer = { reached: true, tls: true, password: 'right' };
/** The password is wrong, for certain. */
export const WRONG: ServerAnswer = { reached: true, tls: true, password: 'wrong' };
/** Nothing came back. */
export const SILENCE: ServerAnswer = { reached: false, tls: false, password: 'not asked' };

/** The answer that a row makes of a number; a number without a row says nothing of the password. */
export const answered = (
  code: string,
  found: AnswerRow = row('not asked', 'other'),
): ServerAnswer => ({
  reached: true,
  tls: true,
  code,
  ...found,
});

/** OpenSSL's words for a certificate that does not lead to a trusted authority, or is not of today (Node: tls, X509 error codes). */
const CERTIFICATE =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERROR_IN_CERT_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|CRL_)/;

/**
 * A fault of TLS on the way to a server, wherever a driver has put it; undefined for what is none (finding SRV-09). No password was
 * sent: none goes out before TLS stands.
 */
export function tlsFault(error: unknown): ServerAnswer | undefined {
  for (
    let [at, depth] = [error, 0];
    typeof at === 'object' && at !== null && depth < 5;
    depth += 1
  ) {
    const { code, message, cause, errors } = at as {
      code?: unknown;
      message?: unknown;
      cause?: unknown;
      errors?: readonly unknown[];
    };
    const fault = faultOf(
      typeof code === 'string' ? code : '',
      typeof message === 'string' ? message : '',
    );
    if (fault) return { reached: true, tls: false, password: 'not asked', ...fault };
    at = cause ?? errors?.[0];
  }
  return undefined;
}

function faultOf(
  code: string,
  message: string,
): Pick<ServerAnswer, 'refusedFor' | 'code'> | undefined {
  if (
    code === 'ERR_TLS_CERT_ALTNAME_INVALID' ||
    /does not match certificate's altnames/.test(message)
  )
    return { refusedFor: 'name', code: 'ERR_TLS_CERT_ALTNAME_INVALID' };
  if (CERTIFICATE.test(code)) return { refusedFor: 'certificate', code };
  // pg and mysql2 say so themselves; OpenSSL where something else than TLS, or an old version of it, answers.
  if (
    code === 'HANDSHAKE_NO_SSL_SUPPORT' ||
    /server does not support SSL connections/i.test(message)
  )
    return { refusedFor: 'no-tls', code: 'no TLS' };
  if (/^(ERR_SSL_|EPROTO$)/.test(code)) return { refusedFor: 'no-tls', code };
  const words =
    /\b(self-signed certificate|unable to (?:verify|get) [\w ]*certificate|certificate has expired)\b/.exec(
      message,
    )?.[1];
  return words === undefined ? undefined : { refusedFor: 'certificate', code: words };
}

/** Beside the number of the server, for people. */
const WORDS: Readonly<Record<RefusedFor, string>> = {
  off: 'the login is switched off',
  locked: 'the login is locked',
  expired: 'the password has run out',
  limited: 'the login has as many connections as it may have',
  address:
    'it does not let the login in from the address of Keyturn, or not without a client certificate',
  database: 'the login may not use the database',
  certificate: 'its certificate is not of an authority that Keyturn trusts',
  name: 'its certificate is of another host',
  'no-tls': 'it takes no TLS',
  busy: 'it cannot say now',
  spared: 'it was not asked, since one more wrong password could lock the login',
  other: 'it refused the login for a reason that says nothing of the password',
};

/** `db1 answered 4151: the login is locked`. Nothing in it is the server's own text. */
export function wordsOf(
  server: string,
  { reached, password, refusedFor, code }: ServerAnswer,
): string {
  if (refusedFor === 'spared') return `${server}: ${WORDS.spared}`;
  if (!reached) return `${server} did not answer`;
  const said =
    refusedFor === undefined
      ? password === 'wrong'
        ? 'the password is wrong'
        : undefined
      : WORDS[refusedFor];
  return `${server} answered${code === undefined ? '' : ` ${code}`}${said === undefined ? '' : `: ${said}`}`;
}
