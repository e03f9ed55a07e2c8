/**
 * The app as it is deployed, but for two kinds that go to real servers on localhost: there Keyturn has a login with a password,
 * since no server on localhost takes Entra's tokens.
 */
import { ManagedIdentityCredential } from '@azure/identity';
import { createApp, provideApp } from '../../src/app/app.ts';
import { createArm } from '../../src/azure/arm.ts';
import { CustomCloud } from '../../src/azure/cloud.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { mysqlLogin } from '../../src/rotators/mysqlLogin.ts';
import { postgresqlLogin } from '../../src/rotators/postgresqlLogin.ts';
import { allRotators } from '../../src/rotators/registry.ts';
import { databaseServers, MYSQL_TYPE, POSTGRESQL_TYPE } from '../../src/targets/databaseServers.ts';
import { mysql } from '../../src/targets/mysql.ts';
import { postgres } from '../../src/targets/postgres.ts';

/** Where the servers are, as the process that starts this one says it. */
export interface Given {
  readonly user: string;
  readonly password: string;
  readonly postgresql: { readonly port: number; readonly ca: string };
  readonly mysql: { readonly port: number; readonly ca: string };
}

const { CHAOS_DATABASES = '', ...env } = process.env;
const given = JSON.parse(CHAOS_DATABASES) as Given;
const cloud = CustomCloud.parse(JSON.parse(env.KEYTURN_CLOUD_ENDPOINTS ?? ''));
const credential = new ManagedIdentityCredential({
  clientId: env.KEYTURN_IDENTITY_CLIENT_ID ?? '',
});
const suffixes = {
  [POSTGRESQL_TYPE]: `localhost:${given.postgresql.port}`,
  [MYSQL_TYPE]: `localhost:${given.mysql.port}`,
};
const servers = databaseServers({ arm: createArm({ cloud, credential, clock }), suffixes });
const identity = { user: given.user, password: async () => new Secret(given.password) };
const over: Readonly<Record<string, Rotator>> = {
  'postgresql-login': postgresqlLogin({
    servers,
    postgres: postgres({ identity, ca: given.postgresql.ca }),
    clock,
  }),
  'mysql-login': mysqlLogin({ servers, mysql: mysql({ identity, ca: given.mysql.ca }), clock }),
};
const all = allRotators({ cloud, credential, clock, tenantId: env.KEYTURN_TENANT_ID ?? '' });
provideApp(createApp(env, { rotators: all.map((rotator) => over[rotator.type] ?? rotator) }));
await import('../../src/functions/index.ts');
