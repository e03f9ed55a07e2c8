/** `mysql-login`: two users of a flexible server of MySQL, or of MariaDB, in turn. */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { commandLine } from '../core/commandLine.ts';
import { compact } from '../core/compact.ts';
import { parseResourceId } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Manifest, Obstacle, Rotator } from '../ports/rotator.ts';
import {
  type DatabaseFacts,
  type DatabaseServers,
  MYSQL_TYPE,
} from '../targets/databaseServers.ts';
import { linkedName } from '../targets/hosts.ts';
import type { MysqlApi } from '../targets/mysql.ts';
import type { MysqlAccountFacts } from '../targets/mysqlAccounts.ts';
import { isTwin, loginPair } from './kit/loginNames.ts';
import { parseOptions } from './kit/options.ts';
import { PASSWORD_LENGTH } from './kit/password.ts';
import type { LoginFacts } from './kit/storedLogin.ts';
import { LOGIN_HANDLES, type LoginTargetFacts, sessionsBy, twoLogins } from './kit/twoLogins.ts';

export interface MysqlLoginOptions {
  readonly servers: DatabaseServers;
  readonly mysql: MysqlApi;
  readonly clock: Clock;
}

const Options = z.strictObject({
  logins: z
    .string()
    .describe('The two users that take turns, as `app_a,app_b`. Both have to be there.'),
  host: z
    .string()
    .regex(/^[\w.:%/-]{1,255}$/, {
      error: 'expected the part of the users behind the `@`, as `%25` for `%`',
    })
    .default('%')
    .describe('The hosts from which the two may come, as in `CREATE USER`: `%` unless named.'),
});

const SERVER_NAME = /^[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]$/i;
/** MySQL's limit; MariaDB takes 128. */
const NAME_MAX = 32;

const wrongWith = (name: string): string | undefined => {
  if ([...name].length > NAME_MAX) return 'a user has at most 32 characters';
  if (name.includes("'@'")) return 'the tables of the server could mean another user by it';
  // `azure_superuser` and MySQL's own (MySQL manual, reserved accounts).
  return /^(azure|mysql\.|mariadb\.|root$)/i.test(name)
    ? 'users of the server itself are never rotated'
    : undefined;
};

export const mysqlLoginManifest: Manifest = {
  type: 'mysql-login',
  title: 'Azure Database for MySQL, two users in turn',
  overlap: 'two-slots',
  longest: PASSWORD_LENGTH,
  rights: {
    actions: [`${MYSQL_TYPE}/read`],
    database: ['`CREATE USER` on `*.*`', '`SELECT` on `mysql.*`'],
  },
  remedies: {
    'target-forbidden': {
      remedy:
        "Where the detail names the server: as its Entra administrator, make Keyturn's identity the user that KEYTURN_DATABASE_USER names, and `GRANT CREATE USER ON *.*` and `GRANT SELECT ON mysql.*` to it. Where it names Azure: give the identity the role `Keyturn <kind>` at the server, with all its actions: <actions>.",
    },
  },
  options: Options,
  form: { kind: 'login', server: 'mysql', required: true },
};

/** The rotator over its two ports. */
export function mysqlLogin({ servers, mysql, clock }: MysqlLoginOptions): Rotator {
  return {
    ...mysqlLoginManifest,
    bind({ target, options }) {
      const server = parseResourceId(target, MYSQL_TYPE, 'The tag rotator-target', SERVER_NAME);
      const { logins: names, host } = parseOptions(Options, options);
      const logins = loginPair(names, wrongWith);
      let known: DatabaseFacts | undefined;
      const facts = async () => (known ??= await servers.facts(server));
      const account = (user: string) => ({ user, host });
      let isFromThere = host === '%';
      return twoLogins({
        id: `${server.text}/logins/${logins.join(',').toLowerCase()}`,
        owners: [server.text],
        logins,
        clock,
        variant: host,
        async ports() {
          const place = await facts();
          return [
            {
              name: server.name,
              setPassword: (login, password) => mysql.setPassword(place, account(login), password),
              async tryLogin(login, password) {
                const answer = await mysql.tryLogin(place, login, password);
                isFromThere ||= answer.password === 'right';
                return answer;
              },
              ...sessionsBy(mysql.sessions, place, clock),
              // 1045 is also what a client at another address is told (measured on MariaDB 10.11): it says nothing of the
              // password before one of the two, which come from the same hosts, was let in from here.
              means: (answer) =>
                answer.password === 'wrong' && !isFromThere
                  ? { ...answer, code: '1045', password: 'not asked', refusedFor: 'address' }
                  : answer,
            },
          ];
        },
        async moreHosts() {
          const { host, port } = await facts();
          return [`${linkedName(host)}:${port}`];
        },
        async rights() {
          const what = `changing users at ${server.name}`;
          const place = await facts();
          const { may, me } = await mysql.mayChange(place);
          if (may) return [{ what, state: 'ok' }];
          if (may === undefined)
            return [{ what, state: 'cannot tell', detail: 'It may come by a role.' }];
          const detail = `Keyturn's user at ${server.name} has no CREATE USER on *.*.`;
          const at = [`--host=${place.host}`, `--port=${place.port}`, '--ssl-mode=VERIFY_IDENTITY'];
          const execute = `--execute=GRANT CREATE USER ON *.* TO ${me}`;
          const command = me === undefined ? {} : { command: commandLine('mysql', ...at, execute) };
          return [{ what, state: 'problem', reason: 'target-forbidden', detail, ...command }];
        },
        async inspect(): Promise<LoginTargetFacts> {
          const place = await facts();
          const hosts = [`${place.host}:${place.port}`];
          const administrator = logins.find(
            (login) => login.toLowerCase() === place.administrator?.toLowerCase(),
          );
          if (administrator !== undefined)
            return { handles: [], obstacles: [strong(administrator)], hosts };
          const users = await mysql.accounts(place, logins.map(account));
          const obstacles = logins.flatMap((login) => obstacleOf(login, host, users) ?? []);
          const found = LOGIN_HANDLES.flatMap((handle, at) => {
            const user = users.find((each) => each.user === logins[at] && each.host === host);
            return user ? [[handle, factsOf(user)] as const] : [];
          });
          return {
            handles: found.map(([handle]) => handle),
            obstacles,
            hosts,
            logins: new Map(found),
          };
        },
      });
    },
  };
}

function obstacleOf(
  login: string,
  host: string,
  users: readonly MysqlAccountFacts[],
): Obstacle | undefined {
  const named = users.filter(({ user }) => user === login);
  const found = named.find((each) => each.host === host);
  if (!found)
    return bad(
      login,
      `is no user of the server for the hosts ${quote(host)}; CREATE USER, or option \`host\``,
    );
  if (users.some(({ user }) => isTwin(user, login)))
    return bad(login, 'has a twin in other capitals; name another user');
  // Each has a password of its own, and readers elsewhere would keep the old one; nor could consent tell them apart.
  if (named.length > 1)
    return bad(login, 'is there for other hosts, too; name a user that is there once');
  if (found.strong) return strong(login);
  return found.plugin === undefined
    ? bad(login, 'logs in by another way than a password of Keyturn')
    : undefined;
}

/** A login that is locked, or that asks for a client certificate, is revoked as it is; no rotation takes it (SRV-01, SRV-07). */
function factsOf({
  locked,
  certificate,
  changedOn,
  expiresOn,
  lifetimeDays,
  triesMax,
}: MysqlAccountFacts): LoginFacts {
  const blocked = locked
    ? 'is locked, and whoever uses it is refused (4151, of MySQL 3118): ALTER USER … ACCOUNT UNLOCK'
    : certificate
      ? 'asks for a client certificate: ALTER USER … REQUIRE NONE or SSL'
      : undefined;
  return compact({
    changedOn,
    expiresOn,
    livesHours: lifetimeDays ? lifetimeDays * 24 : undefined,
    triesMax,
    answer: certificate ? { ...CERTIFICATE, code: '1045' } : undefined,
    blocked,
  });
}
const CERTIFICATE = {
  reached: true,
  tls: true,
  password: 'not asked',
  refusedFor: 'address',
} as const;

const strong = (login: string): Obstacle =>
  bad(login, 'is an administrator, or may become one, and is never rotated');

const bad = (login: string, what: string): Obstacle => ({
  reason: 'bad-tags',
  detail: `The tag rotator-options: \`logins\` names ${quote(login)}, which ${what}.`,
});
