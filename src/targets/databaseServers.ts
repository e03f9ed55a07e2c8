/** Flexible servers of PostgreSQL and MySQL: facts from Azure Resource Manager, and as whom Keyturn logs in there. */
import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import type { Arm } from '../azure/arm.ts';
import type { DataPlane } from '../azure/dataPlane.ts';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError } from '../core/errors.ts';
import type { ResourceId } from '../core/ids.ts';
import { Secret } from '../core/secret.ts';
import { tlsFault, wordsOf } from '../core/serverAnswer.ts';

export interface DatabaseFacts {
  /** Lower case; the one host that is dialled, and with `port` what a connection string may name. */
  readonly host: string;
  readonly port: number;
  /** Never rotated. */
  readonly administrator?: string;
  /** False where the server takes Entra's tokens alone. */
  readonly passwords: boolean;
}

/** What the rotators need of Azure; tests point it at a server of their own. */
export interface DatabaseServers {
  facts(id: ResourceId): Promise<DatabaseFacts>;
}

/** As whom Keyturn changes passwords: a user of the database that stands for its identity. */
export interface DatabaseIdentity {
  readonly user: string;
  /** A token, or a password in tests. */
  password(): Promise<Secret>;
}

export const POSTGRESQL_TYPE = 'Microsoft.DBforPostgreSQL/flexibleServers';
export const MYSQL_TYPE = 'Microsoft.DBforMySQL/flexibleServers';

const plane = (name: string, label: string): DataPlane => ({
  name,
  clouds: {
    AzureCloud: {
      suffix: `.${label}.database.azure.com`,
      audience: 'https://ossrdbms-aad.database.windows.net',
    },
    AzureUSGovernment: {
      suffix: `.${label}.database.usgovcloudapi.net`,
      audience: 'https://ossrdbms-aad.database.usgovcloudapi.net',
    },
    AzureChinaCloud: {
      suffix: `.${label}.database.chinacloudapi.cn`,
      audience: 'https://ossrdbms-aad.database.chinacloudapi.cn',
    },
  },
});
/** Audiences outside of the public cloud are unverified (azure-facts 5.3). */
export const postgresqlPlane = plane('postgresql', 'postgres');
export const mysqlPlane = plane('mysql', 'mysql');

/** Stable versions (azure-rest-api-specs, postgresql and mysql); nothing newer is read. */
const API: Readonly<Record<string, { readonly version: string; readonly port: number }>> = {
  [POSTGRESQL_TYPE]: { version: '2024-08-01', port: 5432 },
  [MYSQL_TYPE]: { version: '2023-12-30', port: 3306 },
};

const Server = z.object({
  properties: z.object({
    fullyQualifiedDomainName: z.string(),
    administratorLogin: z.string().optional(),
    // Absent at MySQL, whose servers always take passwords (unverified for `aad_auth_only`, a server parameter).
    authConfig: z.object({ passwordAuth: z.string().optional() }).optional(),
  }),
});

/** @param suffixes of the cloud, by type: `.postgres.database.azure.com`. Without one the kind is refused. */
export function databaseServers(options: {
  readonly arm: Pick<Arm, 'get'>;
  readonly suffixes: Readonly<Record<string, string | undefined>>;
}): DatabaseServers {
  return {
    async facts(id) {
      const suffix = options.suffixes[id.type];
      const api = API[id.type];
      if (suffix === undefined || api === undefined) {
        throw new KeyturnError('failed', {
          detail: `This cloud has no hosts of ${id.type} in its settings.`,
        });
      }
      const doing = `show the properties of ${id.name}`;
      const body = await options.arm.get(id.text, { 'api-version': api.version }, doing);
      return factsOf(id, body, suffix, api.port);
    },
  };
}

function factsOf(id: ResourceId, body: unknown, suffix: string, standard: number): DatabaseFacts {
  const parsed = Server.safeParse(body);
  const name = parsed.data?.properties.fullyQualifiedDomainName.toLowerCase() ?? '';
  // A cloud of tests has a port in its suffix.
  const [domain = '', port] = suffix.split(':');
  if (!parsed.success || !/^[a-z0-9.-]+$/.test(name) || !name.endsWith(domain)) {
    throw new KeyturnError('failed', {
      detail: `Azure names no host of ${id.name} under *${domain}.`,
    });
  }
  const { administratorLogin, authConfig } = parsed.data.properties;
  return compact({
    host: name,
    port: port === undefined ? standard : Number(port),
    administrator: administratorLogin,
    passwords: authConfig?.passwordAuth?.toLowerCase() !== 'disabled',
  });
}

/**
 * The identity with a token of Entra in the place of a password. Without a name it is refused: which user of a database
 * stands for an identity cannot be asked before one is logged in.
 *
 * @param audience `https://ossrdbms-aad.database.windows.net` in the public cloud; unverified elsewhere
 */
export function databaseIdentity(options: {
  readonly credential: TokenCredential;
  readonly audience: string | undefined;
  readonly user: string | undefined;
}): DatabaseIdentity | undefined {
  const { credential, audience, user } = options;
  if (user === undefined || audience === undefined) return undefined;
  return {
    user,
    async password() {
      const token = await credential.getToken(`${audience}/.default`).catch(() => null);
      if (token === null)
        throw new BusyError('target-busy', { detail: 'No token for the database could be had.' });
      return new Secret(token.token);
    },
  };
}

/** Fails closed where nobody said as whom to log in. */
export function knownIdentity(identity: DatabaseIdentity | undefined): DatabaseIdentity {
  if (identity) return identity;
  const detail =
    'Set KEYTURN_DATABASE_USER to the name of the database user that stands for the identity of Keyturn.';
  throw new KeyturnError('target-forbidden', { detail });
}

/**
 * Keyturn's own connection failed over TLS: named as what it is, a certificate, a name or no TLS at all (finding SRV-09). Undefined
 * for any other fault.
 */
export function untrusted(host: string, error: unknown): KeyturnError | undefined {
  const fault = tlsFault(error);
  if (fault === undefined) return undefined;
  const code = fault.code === undefined ? {} : { code: fault.code };
  return new KeyturnError('untrusted-server', { ...code, detail: `${wordsOf(host, fault)}.` });
}
