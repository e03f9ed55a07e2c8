/** `postgresql-login`: two roles of a flexible server in turn. */
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
  POSTGRESQL_TYPE,
} from '../targets/databaseServers.ts';
import { linkedName } from '../targets/hosts.ts';
import { giveReach, type PostgresApi, type RoleFacts } from '../targets/postgres.ts';
import { isTwin, loginPair } from './kit/loginNames.ts';
import { parseOptions } from './kit/options.ts';
import { PASSWORD_LENGTH } from './kit/password.ts';
import type { LoginFacts } from './kit/storedLogin.ts';
import { LOGIN_HANDLES, type LoginTargetFacts, sessionsBy, twoLogins } from './kit/twoLogins.ts';

export interface PostgresqlLoginOptions {
  readonly servers: DatabaseServers;
  readonly postgres: PostgresApi;
  readonly clock: Clock;
  /** Of PgBouncer; 6432, but for tests. */
  readonly poolerPort?: number;
}

const Options = z.strictObject({
  logins: z
    .string()
    .describe(
      'The two roles that take turns, as `app_a,app_b`. Both have to be there, with LOGIN.',
    ),
});

const SERVER_NAME = /^[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]$/i;
/** NAMEDATALEN less one: PostgreSQL cuts longer names off, and would then mean another role. */
const NAME_BYTES_MAX = 63;

const wrongWith = (name: string): string | undefined => {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return 'a role has at most 63 bytes';
  return /^(pg_|azure)/i.test(name) ? 'roles of the server itself are never rotated' : undefined;
};

export const postgresqlLoginManifest: Manifest = {
  type: 'postgresql-login',
  title: 'Azure Database for PostgreSQL, two roles in turn',
  overlap: 'two-slots',
  longest: PASSWORD_LENGTH,
  rights: {
    actions: [`${POSTGRESQL_TYPE}/read`],
    database: ['`CREATEROLE`, and from PostgreSQL 16 on `ADMIN OPTION` for the two logins'],
  },
  remedies: {
    'target-forbidden': {
      remedy:
        "Where the detail names the server: as its Entra administrator, in the database `postgres`, make Keyturn's identity the role that KEYTURN_DATABASE_USER names, with CREATEROLE, and from PostgreSQL 16 on also `GRANT <login> TO <that role> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE` for each login of the tags. Where it names Azure: give the identity the role `Keyturn <kind>` at the server, with all its actions: <actions>.",
    },
    'keys-off': {
      remedy: 'Use identities and drop the secret, or let the server take passwords beside them.',
    },
  },
  options: Options,
  form: { kind: 'login', server: 'postgresql', required: true },
};

/** The rotator over its two ports. A server that other hosts fail over to keeps its name, and its roles with it. */
export function postgresqlLogin({
  servers,
  postgres,
  clock,
  poolerPort = POOLER_PORT,
}: PostgresqlLoginOptions): Rotator {
  return {
    ...postgresqlLoginManifest,
    bind({ target, options }) {
      const server = parseResourceId(
        target,
        POSTGRESQL_TYPE,
        'The tag rotator-target',
        SERVER_NAME,
      );
      const logins = loginPair(parseOptions(Options, options).logins, wrongWith);
      let known: DatabaseFacts | undefined;
      const facts = async () => (known ??= await servers.facts(server));
      let seen: readonly RoleFacts[] = [];
      const roleOf = (login: string) => seen.find(({ name }) => name === login);
      return twoLogins({
        id: `${server.text}/logins/${logins.join(',').toLowerCase()}`,
        owners: [server.text],
        logins,
        clock,
        async ports() {
          const place = await facts();
          return [
            {
              name: server.name,
              setPassword: (login, password, leaveOff = false, until) =>
                postgres.setPassword(
                  place,
                  login,
                  password,
                  compact({
                    login: roleOf(login)?.mayLogIn === false && !leaveOff ? true : undefined,
                    // The role has an end, and it is about the password: the new one gets a new end.
                    validUntil: until && roleOf(login)?.validUntil ? until : undefined,
                  }),
                ),
              tryLogin: (login, password) => postgres.tryLogin(place, login, password),
              ...sessionsBy(postgres.sessions, place, clock),
            },
          ];
        },
        async moreHosts() {
          const place = await facts();
          return withPorts(linkedName(place.host), place, poolerPort);
        },
        async door() {
          const place = { ...(await facts()), port: poolerPort };
          return {
            name: `${server.name}:${poolerPort}`,
            tryLogin: (login, password) => postgres.tryLogin(place, login, password),
          };
        },
        doorNote: `The value leads through PgBouncer (port ${poolerPort}). New passwords are checked there, too; a pooler with a list of passwords of its own (userlist) refuses them and goes on taking old ones, so let it ask the server (auth_query).`,
        async rights() {
          const what = `changing the passwords of ${logins.map(quote).join(', ')} at ${server.name}`;
          const place = await facts();
          const missing = await postgres.outOfReach(place, logins);
          if (missing.length === 0) return [{ what, state: 'ok' }];
          const names = missing.map(({ name }) => quote(name)).join(', ');
          const detail = `Keyturn's role at ${server.name} may not change the password of ${names}.`;
          const statements = missing.map(giveReach);
          const at = `host=${place.host} port=${place.port} dbname=postgres sslmode=verify-full`;
          const command = statements.every((each) => each !== undefined)
            ? { command: commandLine('psql', at, '--command', [...new Set(statements)].join('; ')) }
            : {};
          return [{ what, state: 'problem', reason: 'target-forbidden', detail, ...command }];
        },
        async inspect(): Promise<LoginTargetFacts> {
          const place = await facts();
          const hosts = withPorts(place.host, place, poolerPort);
          const names = place.port === poolerPort ? [] : [place.host, linkedName(place.host)];
          const doors = names.map((host) => `${host}:${poolerPort}`);
          const off = passwordsOff(place, server.name) ?? administrators(place, logins);
          if (off) return { handles: [], obstacles: [off], hosts };
          seen = await postgres.roles(place, logins);
          const obstacles = logins.flatMap((login) => obstacleOf(login, seen) ?? []);
          const found = LOGIN_HANDLES.flatMap((handle, at) => {
            const role = roleOf(logins[at] ?? '');
            return role ? [[handle, factsOf(role)] as const] : [];
          });
          return {
            handles: found.map(([handle]) => handle),
            obstacles,
            hosts,
            doors,
            logins: new Map(found),
          };
        },
      });
    },
  };
}

/** PgBouncer of the same server, with its logins and passwords (facts V5; case VAL-07). Whether it runs, ARM's GET does not say. */
const POOLER_PORT = 6432;

const withPorts = (host: string, { port }: DatabaseFacts, poolerPort: number): readonly string[] =>
  [...new Set([port, poolerPort])].map((each) => `${host}:${each}`);

function passwordsOff({ passwords }: DatabaseFacts, server: string): Obstacle | undefined {
  if (passwords) return undefined;
  return {
    reason: 'keys-off',
    detail: `Passwords are switched off at ${server}: use identities and drop the secret.`,
  };
}

/** Before anything is asked of the server (case SEC-03). */
function administrators(
  { administrator }: DatabaseFacts,
  logins: readonly string[],
): Obstacle | undefined {
  const found = logins.find((login) => login.toLowerCase() === administrator?.toLowerCase());
  return found === undefined
    ? undefined
    : bad(found, 'is the administrator of the server, who is never rotated');
}

function obstacleOf(login: string, roles: readonly RoleFacts[]): Obstacle | undefined {
  const role = roles.find(({ name }) => name === login);
  if (!role)
    return bad(
      login,
      'is no role of the server; make it, with LOGIN and what the application needs',
    );
  if (roles.some(({ name }) => isTwin(name, login)))
    return bad(login, 'has a twin in other capitals; name another role');
  return role.strong
    ? bad(login, 'is an administrator, or may become one, and is never rotated')
    : undefined;
}

/**
 * `NOLOGIN` is no obstacle: the login of the vault is told as switched off, an old one is revoked as it is, and the rotation that takes
 * the other one switches it on, as `sql-login` does (finding SRV-06). `VALID UNTIL` in the past refuses every password, and says
 * of it what it says of a wrong one (SRV-05).
 */
const factsOf = ({ validUntil, expired, closed }: RoleFacts): LoginFacts =>
  compact({
    expiresOn: validUntil,
    answer: expired ? { ...OVER, code: 'VALID UNTIL' } : undefined,
    blocked: closed
      ? 'lets nobody in: ALTER ROLE … CONNECTION LIMIT -1, or another number than 0'
      : undefined,
  });
const OVER = { reached: true, tls: true, password: 'not asked', refusedFor: 'expired' } as const;

const bad = (login: string, what: string): Obstacle => ({
  reason: 'bad-tags',
  detail: `The tag rotator-options: \`logins\` names ${quote(login)}, which ${what}.`,
});
