/** Logins and contained users by the names in the owner's tags: shared by the kinds with one and with two of them. */
import { commandLine, displayNameOf, printedBetween } from '../../core/commandLine.ts';
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
  createPrincipal,
  enableLogin,
  giveAlter,
  type LoginKind,
  mayAlter,
  parseDatabaseName,
  parseLoginName,
} from '../../targets/sqlText.ts';
import {
  type FoundServer,
  parseServers,
  placeOf,
  type SqlOptions,
  SqlServerSet,
} from './sqlServerSet.ts';
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
  if (
    text === undefined ||
    (raw.users !== undefined) !== (raw.database !== undefined) ||
    (raw.users && raw.logins)
  ) {
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
        throw error instanceof KeyturnError
          ? new UnknownOutcomeError(error.reason, error.facts)
          : error;
      }
    },
    async tryLogin(login, password) {
      const answer = await tryLogin(login, password);
      if (answer.refusedFor === 'address') unasked.add(server.host);
      return answer;
    },
  };
}

/** Whether each server lets Keyturn change its logins, and has them all, asked without a change and in one query. */
export async function sqlRights(
  servers: readonly FoundServer[],
  { kind, database, logins }: Pick<SqlLogins, 'kind' | 'database' | 'logins'>,
  { tds, identity = [] }: Pick<SqlOptions, 'tds' | 'identity'>,
): Promise<readonly RightCheck[]> {
  const right = `ALTER ANY ${kind}`;
  const found = await Promise.all(
    servers.map(async (server): Promise<readonly RightCheck[]> => {
      const where =
        kind === 'LOGIN' ? server.id.name : `the database ${quote(database)} of ${server.id.name}`;
      const what = `${right} in ${where}`;
      const [may, listed, ...counts] = await tds.ask(
        placeOf(server, database),
        mayAlter(kind, logins),
      );
      if (may === 1 || (typeof listed === 'number' && listed > 0))
        return [
          { what, state: 'ok' },
          ...missingLogins(server, { kind, database, logins, where }, counts),
        ];
      if (may !== 0) return [{ what, state: 'cannot tell', detail: 'The server does not say.' }];
      const detail = `Keyturn's identity lacks ${right} in ${where}.`;
      const [principal = ''] = identity;
      const command = sqlcmd(
        server,
        database,
        printedBetween(giveAlter(kind), displayNameOf(principal)),
      );
      return [{ what, state: 'problem', reason: 'target-forbidden', detail, command }];
    }),
  );
  return found.flat();
}

/** As a person runs a statement at a server, by their own sign-in. */
const sqlcmd = ({ host, port }: FoundServer, database: string, statement: string): string =>
  `${commandLine('sqlcmd', '-S', `tcp:${host},${port}`, '-d', database, '-G', '-Q')} ${statement}`;

/**
 * A login that is not shown is missing where another one is shown; where none is, they may only be hidden from Keyturn (facts D6).
 */
function missingLogins(
  server: FoundServer,
  {
    kind,
    database,
    logins,
    where,
  }: Pick<SqlLogins, 'kind' | 'database' | 'logins'> & { readonly where: string },
  counts: readonly unknown[],
): readonly RightCheck[] {
  const isShown = (at: number) => typeof counts[at] === 'number' && counts[at] > 0;
  const what = `the logins ${logins.map(quote).join(', ')} in ${where}`;
  if (!logins.some((_, at) => isShown(at)))
    return [{ what, state: 'cannot tell', detail: 'The server shows none of them to Keyturn.' }];
  return logins.flatMap((login, at): RightCheck[] => {
    if (isShown(at)) return [];
    const detail = `There is no login ${quote(login)} in ${where}; what the application needs has to be given to it, too.`;
    const statement = printedBetween(createPrincipal(kind, login), 'openssl rand -base64 30');
    return [
      {
        what,
        state: 'problem',
        reason: 'login-missing',
        detail,
        command: sqlcmd(server, database, statement),
      },
    ];
  });
}
