/**
 * The kinds of targets whose calls are counted, one entry each. `first` and `second` are two secrets with a target each:
 * the first is measured, the second keeps tokens and vault tags warm.
 */
import type { Azure } from '../local/azure/azure.ts';
import type { TenantOptions } from '../local/azure/tenant.ts';
import type { Databases } from './databases.ts';
import { atTargets, type Steps } from './least.ts';

export type Which = 'first' | 'second';

/** A target and a value that it accepts. */
export interface Given {
  readonly target: string;
  readonly value: string;
  readonly options?: string;
}

export interface Kind {
  /** The value of the tag `rotator`. */
  readonly type: string;
  /** What the tenant holds beside the vault. */
  readonly tenant: TenantOptions;
  /** The fewest calls for each step; a kind without a revocation has none of it. */
  readonly least: Steps;
  /** Words for the table. */
  readonly note?: (databases: Databases) => string;
  /** The target of this secret, made if need be. */
  given(azure: Azure, secret: Which, databases: Databases): Given | Promise<Given>;
}

const both = <T>(make: (secret: Which) => T): T[] => [make('first'), make('second')];

const storage: Kind = {
  type: 'storage-account-key',
  tenant: { accounts: both((name) => ({ name })) },
  least: atTargets.ofStorage,
  given(azure, secret) {
    const account = azure.account(secret);
    return { target: account.id, value: account.key('key1') };
  },
};

/** @param used the slot that people use */
function keys(
  type: string,
  armType: string,
  used: string,
  properties: (name: string) => object,
): Kind {
  return {
    type,
    tenant: {
      keyed: both((name) => {
        const consent = `keyturn ${type}: kv1/${name}-${type}`;
        return { type: armType, name, properties: { ...properties(name) }, consent };
      }),
    },
    least: atTargets.ofKeys,
    given(azure, secret) {
      const resource = azure.keyed(armType, secret);
      return { target: resource.id, value: resource.key(used) };
    },
  };
}

const application: Kind = {
  type: 'app-registration',
  tenant: {},
  least: atTargets.ofApplications,
  given(azure, secret) {
    const made = azure.ownedApplication(secret, 'kv1/*');
    const { secretText } = made.addPassword({
      displayName: 'by a person',
      endDateTime: '2038-01-01T00:00:00Z',
    });
    return { target: made.appId, value: secretText, options: 'revoke-adopted=true' };
  },
};

const PASSWORD = 'Aa0-first-of-all-4711';
const logins = (secret: Which) => ({ [`${secret}_a`]: PASSWORD, [`${secret}_b`]: `${PASSWORD}-b` });
const inTurn = (secret: Which) => ({
  value: JSON.stringify({ username: `${secret}_a`, password: PASSWORD }),
  options: `logins=${secret}_a,${secret}_b;field=password;login-field=username`,
});
const consentTo = (type: string, secret: Which, names: string) =>
  `keyturn ${type}: kv1/${secret}-${type}(${names})`;

/** A server for each secret: `login-first`. */
function sql(
  type: string,
  server: string,
  least: Steps,
  names: (secret: Which) => string,
  one?: string,
): Kind {
  return {
    type,
    tenant: {
      sqlServers: both((secret) => ({
        ...{
          name: `${server}-${secret}`,
          administratorPassword: PASSWORD,
          logins: { ...logins(secret) },
        },
        consent:
          names(secret) === ''
            ? `keyturn ${type}: kv1/${secret}-${type}`
            : consentTo(type, secret, names(secret)),
      })),
    },
    least,
    given(azure, secret) {
      const target = azure.sqlServer(`${server}-${secret}`).id;
      if (one === undefined) return { target, ...inTurn(secret) };
      return {
        target,
        value: PASSWORD,
        ...(one === '' ? {} : { options: `login=${secret}${one}` }),
      };
    },
  };
}

function database(engine: 'postgresql' | 'mysql', least: Steps): Kind {
  const type = `${engine}-login`;
  return {
    type,
    tenant: {},
    least,
    note: ({ where }) => where,
    async given(_, secret, databases) {
      const consent = consentTo(type, secret, `${secret}_a,${secret}_b`);
      return {
        target: await databases.add(engine, secret, consent, logins(secret)),
        ...inTurn(secret),
      };
    },
  };
}

/** The first kind is shown call by call, the others in one row for each step. */
export const kinds: readonly Kind[] = [
  storage,
  keys('cosmos-db-key', 'Microsoft.DocumentDB/databaseAccounts', 'primary', (name) => ({
    documentEndpoint: `https://${name}.documents.azure.com:443/`,
  })),
  keys('signalr-key', 'Microsoft.SignalRService/signalR', 'primary', (name) => ({
    hostName: `${name}.service.signalr.net`,
  })),
  application,
  sql('sql-login', 'login', atTargets.ofTwoSqlLogins, (secret) => `${secret}_a,${secret}_b`),
  sql('sql-single-login', 'single', atTargets.ofOneSqlLogin, (secret) => `${secret}_a`, '_a'),
  sql('sql-admin-password', 'admin', atTargets.ofSqlAdministrator, () => '', ''),
  database('postgresql', atTargets.ofPostgresql),
  database('mysql', atTargets.ofMysql),
];

/** The tenant that holds them all. */
export function tenantOfAll(): TenantOptions {
  const all = <K extends 'accounts' | 'keyed' | 'sqlServers'>(what: K) =>
    kinds.flatMap(({ tenant }) => tenant[what] ?? []) as NonNullable<TenantOptions[K]>;
  return {
    vaults: [{ name: 'kv1' }],
    accounts: all('accounts'),
    keyed: all('keyed'),
    sqlServers: all('sqlServers'),
  };
}
