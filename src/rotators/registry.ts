/** Every rotator there is, one line each. */
import type { TokenCredential } from '@azure/identity';
import { createArm } from '../azure/arm.ts';
import type { Cloud } from '../azure/cloud.ts';
import { createGraph } from '../azure/graph.ts';
import type { Clock } from '../core/clock.ts';
import type { Rotator } from '../ports/rotator.ts';
import { armKeys } from '../targets/armKeys.ts';
import { clientSecretProbe } from '../targets/clientSecrets.ts';
import { databaseIdentity, databaseServers, MYSQL_TYPE, POSTGRESQL_TYPE } from '../targets/databaseServers.ts';
import { mysql } from '../targets/mysql.ts';
import { postgres } from '../targets/postgres.ts';
import { sqlServers } from '../targets/sqlServers.ts';
import { storageKeyProbe, storageKeys } from '../targets/storageKeys.ts';
import { tds } from '../targets/tds.ts';
import { appRegistration } from './appRegistration.ts';
import { mysqlLogin } from './mysqlLogin.ts';
import { postgresqlLogin } from './postgresqlLogin.ts';
import { sqlAdminPassword } from './sqlAdminPassword.ts';
import { sqlLogin } from './sqlLogin.ts';
import { sqlSingleLogin } from './sqlSingleLogin.ts';
import { storageAccountKey } from './storageAccountKey.ts';
import { twoKey } from './twoKey.ts';
import { twoKeyTable } from './twoKeyTable.ts';

export interface RotatorsOptions {
  readonly cloud: Cloud;
  readonly credential: TokenCredential;
  readonly clock: Clock;
  /** The tenant in which application registrations live. */
  readonly tenantId: string;
  /** The user of PostgreSQL and MySQL that stands for Keyturn's identity; without it neither is changed. */
  readonly databaseUser?: string;
  /** Object id and client id of Keyturn's identity: as an administrator of a server it sends no statement there. */
  readonly identityIds?: readonly string[];
}

/** All rotators over Azure. Nothing is loaded or dialled before one is used. */
export function allRotators(options: RotatorsOptions): readonly Rotator[] {
  const { cloud, credential, clock, tenantId, identityIds: ids = [] } = options;
  const { storageSuffix } = cloud;
  const { servers, identity } = databases(options);
  const keys = armKeys({ cloud, credential, clock });
  const sql = {
    servers: sqlServers({ cloud, credential, clock }),
    tds: tds({ cloud, credential, clock }),
    clock,
    identity: ids,
  };
  return [
    sqlAdminPassword(sql),
    sqlLogin(sql),
    sqlSingleLogin(sql),
    postgresqlLogin({ servers, postgres: postgres({ identity }), clock }),
    mysqlLogin({ servers, mysql: mysql({ identity }), clock }),
    ...twoKeyTable.map((row) => twoKey(row, { keys, clock })),
    appRegistration({
      graph: createGraph({ cloud, credential, clock }),
      probe: clientSecretProbe({ cloud, tenantId }),
      clock,
    }),
    storageAccountKey({
      keys: storageKeys({ cloud, credential, clock }),
      probe: storageKeyProbe(),
      clock,
      storageSuffix,
    }),
  ];
}

function databases({ cloud, credential, clock, databaseUser }: RotatorsOptions) {
  const suffixes = { [POSTGRESQL_TYPE]: cloud.postgresqlSuffix, [MYSQL_TYPE]: cloud.mysqlSuffix };
  return {
    servers: databaseServers({ arm: createArm({ cloud, credential, clock }), suffixes }),
    identity: databaseIdentity({ credential, audience: cloud.databaseAudience, user: databaseUser }),
  };
}

/** Rotators by the tag value that names them. */
export function registry(rotators: readonly Rotator[]) {
  const byType = new Map(rotators.map((rotator) => [rotator.type, rotator]));
  return {
    types: [...byType.keys()].sort(),
    get: (type: string): Rotator | undefined => byType.get(type),
  };
}
