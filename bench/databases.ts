/**
 * The servers behind `postgresql-login` and `mysql-login`: in memory, or real ones beside `--databases`. In either case what
 * the rotators ask of a server is counted, a connection each time, and its facts come from Resource Manager.
 */
import { ManagedIdentityCredential } from '@azure/identity';
import { addDatabaseServer } from '../local/azure/armDatabases.ts';
import type { Azure } from '../local/azure/azure.ts';
import { openCall } from '../local/azure/calls.ts';
import { createArm } from '../src/azure/arm.ts';
import { CustomCloud } from '../src/azure/cloud.ts';
import type { Clock } from '../src/core/clock.ts';
import { Secret } from '../src/core/secret.ts';
import { ACCEPTED, WRONG } from '../src/core/serverAnswer.ts';
import type { Rotator } from '../src/ports/rotator.ts';
import { mysqlLogin } from '../src/rotators/mysqlLogin.ts';
import { postgresqlLogin } from '../src/rotators/postgresqlLogin.ts';
import { allRotators } from '../src/rotators/registry.ts';
import { databaseServers, MYSQL_TYPE, POSTGRESQL_TYPE } from '../src/targets/databaseServers.ts';
import { type MysqlApi, mysql } from '../src/targets/mysql.ts';
import { type PostgresApi, postgres } from '../src/targets/postgres.ts';

type Engine = 'postgresql' | 'mysql';

export interface Databases {
  /** All kinds, those of databases over these servers. */
  readonly rotators: readonly Rotator[];
  /** In words, for the table. */
  readonly where: string;
  /** Puts a server into the tenant, with two logins; answers its resource id. */
  add(
    engine: Engine,
    name: string,
    consent: string,
    logins: Readonly<Record<string, string>>,
  ): Promise<string>;
  stop(): Promise<void>;
}

/** Where the passwords are. */
interface Server {
  readonly postgres: PostgresApi;
  readonly mysql: MysqlApi;
  /** Host and ports as Resource Manager is to name them; in memory any. */
  readonly host: string;
  readonly ports: Readonly<Record<Engine, number>>;
  createLogin(engine: Engine, name: string, password: string): Promise<void>;
  stop(): Promise<void>;
}

/** @param real PostgreSQL and MariaDB of `scripts/databases.sh`, started for this run */
export async function startDatabases(
  azure: Azure,
  clock: Clock,
  real: boolean,
): Promise<Databases> {
  const env = azure.env();
  const cloud = CustomCloud.parse(JSON.parse(env.KEYTURN_CLOUD_ENDPOINTS ?? ''));
  const credential = new ManagedIdentityCredential({
    clientId: env.KEYTURN_IDENTITY_CLIENT_ID ?? '',
  });
  const server = real ? await realServers() : inMemory();
  const { host, ports } = server;
  const suffixes = {
    [POSTGRESQL_TYPE]: `${host}:${ports.postgresql}`,
    [MYSQL_TYPE]: `${host}:${ports.mysql}`,
  };
  const servers = databaseServers({ arm: createArm({ cloud, credential, clock }), suffixes });
  const over: Record<string, Rotator> = {
    'postgresql-login': postgresqlLogin({
      servers,
      postgres: countedPostgres(server.postgres, azure),
      clock,
    }),
    'mysql-login': mysqlLogin({ servers, mysql: countedMysql(server.mysql, azure), clock }),
  };
  const all = allRotators({ cloud, credential, clock, tenantId: azure.world.tenantId });
  return {
    rotators: all.map((rotator) => over[rotator.type] ?? rotator),
    where: real ? 'real servers' : 'servers in memory',
    async add(kind, name, consent, logins) {
      for (const [login, password] of Object.entries(logins))
        await server.createLogin(kind, login, password);
      return addDatabaseServer(azure.world, { kind, name, host, consent }).id;
    },
    stop: server.stop,
  };
}

/** Into the log of the tenant, so that every call of a step stands in one list. */
function note(azure: Azure, route: string): void {
  const nobody = { host: '', path: '', principal: undefined, action: '' };
  openCall(azure.calls, { ...nobody, route, method: 'CONNECT', write: route.endsWith('.alter') });
}

function countedPostgres(api: PostgresApi, azure: Azure): PostgresApi {
  return {
    outOfReach(...asked) {
      note(azure, 'postgresql.facts');
      return api.outOfReach(...asked);
    },
    roles(...asked) {
      note(azure, 'postgresql.facts');
      return api.roles(...asked);
    },
    setPassword(...asked) {
      note(azure, 'postgresql.alter');
      return api.setPassword(...asked);
    },
    tryLogin(...asked) {
      note(azure, 'postgresql.login');
      return api.tryLogin(...asked);
    },
  };
}

function countedMysql(api: MysqlApi, azure: Azure): MysqlApi {
  return {
    mayChange(...asked) {
      note(azure, 'mysql.facts');
      return api.mayChange(...asked);
    },
    accounts(...asked) {
      note(azure, 'mysql.facts');
      return api.accounts(...asked);
    },
    setPassword(...asked) {
      note(azure, 'mysql.alter');
      return api.setPassword(...asked);
    },
    tryLogin(...asked) {
      note(azure, 'mysql.login');
      return api.tryLogin(...asked);
    },
  };
}

function inMemory(): Server {
  const logins = new Map<string, Secret>();
  const answer = (name: string, password: Secret) =>
    logins.get(name)?.equals(password) ? ACCEPTED : WRONG;
  const change = (name: string, password: Secret) => void logins.set(name, password);
  const there = (names: readonly string[]) => names.filter((name) => logins.has(name));
  return {
    ...{ host: 'server.database.keyturn.localhost', ports: { postgresql: 5432, mysql: 3306 } },
    postgres: {
      outOfReach: async () => [],
      roles: async (_, names) =>
        there(names).map((name) => ({
          name,
          mayLogIn: true,
          strong: false,
          expired: false,
          closed: false,
        })),
      setPassword: async (_, role, password) => change(role, password),
      tryLogin: async (_, role, password) => answer(role, password),
    },
    mysql: {
      mayChange: async () => ({ may: true }),
      accounts: async (_, accounts) =>
        there(accounts.map(({ user }) => user)).map((user) => ({
          ...{
            user,
            host: '%',
            plugin: 'caching_sha2_password' as const,
            locked: false,
            certificate: false,
            strong: false,
          },
        })),
      setPassword: async (_, { user }, password) => change(user, password),
      tryLogin: async (_, user, password) => answer(user, password),
    },
    createLogin: async (_, name, password) => change(name, new Secret(password)),
    stop: async () => {},
  };
}

/** Of `npm run test:databases`: fetched where they are missing, thrown away after. */
async function realServers(): Promise<Server> {
  const { KEYTURN_PASSWORD, mariaPeer, postgresPeer } = await import(
    '../test/databases/subjects.ts'
  );
  const peers = { postgresql: await postgresPeer(), mysql: await mariaPeer() };
  const identity = { user: 'keyturn', password: async () => new Secret(KEYTURN_PASSWORD) };
  const { postgresql, mysql: maria } = peers;
  return {
    host: postgresql.server.host,
    ports: { postgresql: postgresql.server.port, mysql: maria.server.port },
    postgres: postgres({ identity, ca: postgresql.server.ca }),
    mysql: mysql({ identity, ca: maria.server.ca }),
    createLogin: (engine, name, password) => peers[engine].createLogin(name, password),
    async stop() {
      await Promise.all([postgresql.stop(), maria.stop()]);
    },
  };
}
