/** All that the kinds say on the wire, over one cloud and one identity: what the registry hands to them. */
import type { TokenCredential } from '@azure/identity';
import { createArm } from '../azure/arm.ts';
import type { Cloud } from '../azure/cloud.ts';
import { placeOf } from '../azure/dataPlane.ts';
import { createGraph } from '../azure/graph.ts';
import type { Clock } from '../core/clock.ts';
import { armKeys } from './armKeys.ts';
import { clientSecretProbe } from './clientSecrets.ts';
import {
  databaseIdentity,
  databaseServers,
  MYSQL_TYPE,
  mysqlPlane,
  POSTGRESQL_TYPE,
  postgresqlPlane,
} from './databaseServers.ts';
import { mysql } from './mysql.ts';
import { postgres } from './postgres.ts';
import { sqlServers } from './sqlServers.ts';
import { storageKeyProbe, storageKeys } from './storageKeys.ts';
import { tds } from './tds.ts';

export interface WireOptions {
  readonly cloud: Cloud;
  readonly credential: TokenCredential;
  readonly clock: Clock;
  /** The tenant in which application registrations live. */
  readonly tenantId: string;
  /** The user of PostgreSQL and MySQL that stands for Keyturn's identity; without it neither is changed. */
  readonly databaseUser?: string;
}

/** Nothing is loaded or dialled before one is used. */
export function wires({ cloud, credential, clock, tenantId, databaseUser }: WireOptions) {
  const ground = { cloud, credential, clock };
  const [postgresql, ofMysql] = [placeOf(postgresqlPlane, cloud), placeOf(mysqlPlane, cloud)];
  const identity = (audience: string | undefined) =>
    databaseIdentity({ credential, audience, user: databaseUser });
  const suffixes = { [POSTGRESQL_TYPE]: postgresql?.suffix, [MYSQL_TYPE]: ofMysql?.suffix };
  return {
    armKeys: armKeys(ground),
    storage: {
      keys: storageKeys(ground),
      probe: storageKeyProbe(),
      storageSuffix: cloud.storageSuffix,
    },
    application: { graph: createGraph(ground), probe: clientSecretProbe({ cloud, tenantId }) },
    sql: { servers: sqlServers(ground), tds: tds(ground) },
    databases: databaseServers({ arm: createArm(ground), suffixes }),
    postgres: postgres({ identity: identity(postgresql?.audience) }),
    mysql: mysql({ identity: identity(ofMysql?.audience) }),
  };
}
