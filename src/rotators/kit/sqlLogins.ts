/** Logins and contained users by the names in the owner's tags: shared by the kinds with one and with two of them. */
import { KeyturnError, UnknownOutcomeError } from '../../core/errors.ts';
import type { Part } from '../../core/grants.ts';
import type { Handle } from '../../core/ids.ts';
import { quote } from '../../core/quote.ts';
import type { RightCheck } from '../../core/rightChecks.ts';
import type { Secret } from '../../core/secret.ts';
import type { ServerAnswer } from '../../core/serverAnswer.ts';
import type { TargetFacts } from '../../ports/rotator.ts';
import {
  alterPassword,
  enableLogin,
  type LoginKind,
  mayAlter,
  parseDatabaseName,
  parseLoginName,
} from '../../targets/sqlText.ts';
import { type FoundServer, parseServers, placeOf, type SqlOptions, SqlServerSet } from './sqlServerSet.ts';
import { afterWrite } from './storedLogin.ts';
import type { LoginPort } from './twoLogins.ts';

/** What the tags say: logins of the server, or users of one database. */
export interface SqlLogins {
  readonly servers: SqlServerSet;
  readonly logins: readonly string[];
  /** As the consent names them: a user with its database, since each database may have one of that name (case SEC-03). */
  readonly part: Part;
  readonly kind: LoginKind;
  /** Where they log in. */
  readonly database: string;
  /** The option that names them. */
  readonly option: string;
  /** The canonical id, lower case: `<server>[/databases/<db>]/logins/<a>,<b>`, each name percent-encoded. */
  idOf(logins: readonly string[]): string;
  inspect(handles: readonly Handle[]): Promise<TargetFacts>;
}

export interface RawLogins {
  readonly target: string;
  readonly logins: string | undefined;
  readonly users: string | undefined;
  readonly database: string | undefined;
  readonly servers: string | undefined;
}

/** Kinds that change logins of a server of Azure SQL. */
const KINDS = ['sql-login', 'sql-single-login'] as const;

/** @param options names of the two options in the tag: `logins` and `users`, or `login` and `user` */
export function sqlLogins(
  raw: RawLogins,
  deps: SqlOptions,
  options: readonly [string, string] = ['logins', 'users'],
): SqlLogins {
  const servers = new SqlServerSet(parseServers(raw.target, raw.servers), deps);
  const option = options[raw.users === undefined ? 0 : 1];
  const text = raw.users ?? raw.logins;
  if (text === undefined || (raw.users !== undefined) !== (raw.database !== undefined) || (raw.users && raw.logins)) {
    const detail = `The tag rotator-options needs \`${options[0]}\`, or \`${options[1]}\` together with \`database\`.`;
    throw new KeyturnError('bad-tags', { detail });
  }
  const database = raw.database === undefined ? undefined : parseDatabaseName(raw.database);
  const what = `The tag rotator-options: \`${option}\``;
  const logins = text.split(',').map((name) => parseLoginName(name, what));
  const kind = database === undefined ? 'LOGIN' : 'USER';
  const given = database === undefined ? logins : logins.map((name) => `${database}/${name}`);
  const part: Part = { names: given, always: true, kin: KINDS };
  return {
    servers,
    logins,
    part,
    kind,
    option,
    database: database ?? 'master',
    idOf(names) {
      const inside = database === undefined ? '' : `/databases/${encoded(database)}`;
      return `${servers.ids[0].text}${inside}/logins/${names.map(encoded).join(',')}`;
    },
    inspect: (handles) => servers.inspect(handles, logins, kind === 'LOGIN'),
  };
}

/** Lower case throughout, and no name that looks like another's, whatever it holds. */
const encoded = (name: string): string => encodeURIComponent(name.toLowerCase()).toLowerCase();

/**
 * One server as the shared algorithms see it.
 *
 * @param unasked hosts to which no path leads are added here
 */
export function loginPort(
  server: FoundServer,
  { kind, database }: Pick<SqlLogins, 'kind' | 'database'>,
  { tds }: Pick<SqlOptions, 'tds'>,
  unasked: Set<string> = new Set(),
): LoginPort {
  const place = placeOf(server, database);
  const tryLogin = async (login: string, password: Secret): Promise<ServerAnswer> =>
    await tds.login(place, login, password);
  return {
    name: server.id.name,
    async setPassword(login, password, leaveOff = false) {
      await tds.run(place, alterPassword(kind, login, password));
      if (leaveOff || (await afterWrite(tryLogin(login, password))).refusedFor !== 'off') return;
      try {
        await tds.run(place, enableLogin(login));
      } catch (error) {
        // The password was changed: "nothing has been done" would be wrong by now.
        throw error instanceof KeyturnError ? new UnknownOutcomeError(error.reason, error.facts) : error;
      }
    },
    async tryLogin(login, password) {
      const answer = await tryLogin(login, password);
      if (answer.refusedFor === 'address') unasked.add(server.host);
      return answer;
    },
  };
}

/** Whether each server lets Keyturn change its logins, asked without a change. */
export async function sqlRights(
  servers: readonly FoundServer[],
  { kind, database }: Pick<SqlLogins, 'kind' | 'database'>,
  { tds }: Pick<SqlOptions, 'tds'>,
): Promise<readonly RightCheck[]> {
  const right = `ALTER ANY ${kind}`;
  return await Promise.all(
    servers.map(async (server): Promise<RightCheck> => {
      const where = kind === 'LOGIN' ? server.id.name : `the database ${quote(database)} of ${server.id.name}`;
      const what = `${right} in ${where}`;
      const [may, listed] = await tds.ask(placeOf(server, database), mayAlter(kind));
      if (may === 1 || (typeof listed === 'number' && listed > 0)) return { what, state: 'ok' };
      if (may !== 0) return { what, state: 'cannot tell', detail: 'The server does not say.' };
      const detail = `Keyturn's identity lacks ${right} in ${where}.`;
      return { what, state: 'problem', reason: 'target-forbidden', detail };
    }),
  );
}
