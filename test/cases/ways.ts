/** One tenant with a target of each way in which kinds hold credentials, and a secret of one name that may be at any of them. */
import type { Application } from '../../local/azure/applications.ts';
import type { Version } from '../../local/azure/vault.ts';
import { startTenant, type Tenant } from './harness.ts';

const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const KINDS = 'storage-account-key,cosmos-db-key,sql-login,sql-single-login,app-registration';
const PASSWORDS = {
  app_a: 'Aa0-first-of-a-4711',
  app_b: 'Bb0-first-of-b-4712',
  svc: 'Cc0-first-of-c-4713',
};

/** Two keys, two keys of a resource, two logins, or many credentials. */
export interface Way {
  readonly name: string;
  /** The secret, with a value that its target takes. */
  readonly seed: () => Version;
  readonly opens: (value: string) => boolean;
}

const loginIn = (value: string) => JSON.parse(value) as { username: string; password: string };

export class Ways {
  readonly #name: string;
  #tenant: Tenant | undefined;
  #app: Application | undefined;

  /** @param name of the secret in kv1 that the targets' owners have named */
  constructor(name: string) {
    this.#name = name;
  }

  /** For `beforeAll`. */
  async start(): Promise<Tenant> {
    this.#tenant = await startTenant({
      accounts: [{ name: 'acct1' }],
      keyed: [
        {
          ...{ type: COSMOS, name: 'cosmos1', consent: `keyturn cosmos-db-key: kv1/${this.#name}` },
          properties: { documentEndpoint: 'https://cosmos1.documents.azure.com:443/' },
        },
      ],
      sqlServers: [
        {
          ...{
            name: 'sql1',
            administratorPassword: 'Zz0-first-of-chief-1',
            entraAdministrator: 'dba-group',
          },
          ...{ logins: PASSWORDS, databases: {} },
          consent: `keyturn sql-login: kv1/${this.#name}(app_a,app_b); keyturn sql-single-login: kv1/single(svc)`,
        },
      ],
      env: { KEYTURN_ROTATORS: KINDS },
    });
    return this.#tenant;
  }

  /** For `beforeEach`, and in the middle of a test that tells several stories. */
  async clear(): Promise<void> {
    await this.#started.clear();
    this.#app = this.#started.azure.ownedApplication('payroll', `kv1/${this.#name}`);
  }

  readonly kinds: readonly Way[] = [
    {
      name: 'storage-account-key',
      seed: () => this.#started.seed(this.#name, { account: 'acct1' }),
      opens: (value) => this.#started.azure.account('acct1').accepts(value),
    },
    {
      name: 'cosmos-db-key',
      seed: () => {
        const cosmos = this.#started.azure.keyed(COSMOS, 'cosmos1');
        return this.#seed('cosmos-db-key', cosmos.id, cosmos.key('primary'));
      },
      opens: (value) => this.#started.azure.keyed(COSMOS, 'cosmos1').accepts(value),
    },
    {
      name: 'sql-login',
      seed: () => {
        const value = JSON.stringify({ username: 'app_a', password: PASSWORDS.app_a });
        return this.#seed(
          'sql-login',
          this.#server.id,
          value,
          'logins=app_a,app_b;field=password;login-field=username',
        );
      },
      opens: (value) => this.#server.accepts(loginIn(value).username, loginIn(value).password),
    },
    {
      name: 'app-registration',
      seed: () => this.application('revoke-adopted=true'),
      opens: (value) => this.#registration.accepts(value),
    },
  ];

  get storage(): Way {
    return this.kinds[0] as Way;
  }

  /** The secret with a client secret that a person made, which is the person's unless the options give it away. */
  application(options = ''): Version {
    const { secretText } = this.#registration.addPassword({
      ...{ displayName: 'made by a person', endDateTime: '2038-01-01T00:00:00Z' },
    });
    return this.#seed('app-registration', this.#registration.appId, secretText, options);
  }

  /** `single`, whose kind has one credential and no overlap. */
  readonly single: Way = {
    name: 'sql-single-login',
    seed: () =>
      this.#seed('sql-single-login', this.#server.id, PASSWORDS.svc, 'login=svc', 'single'),
    opens: (value) => this.#server.accepts('svc', value),
  };

  #seed(rotator: string, target: string, value: string, options = '', name = this.#name): Version {
    const tags = {
      rotator,
      'rotator-target': target,
      ...(options === '' ? {} : { 'rotator-options': options }),
    };
    return this.#started.seed(name, { value, tags });
  }

  get #started(): Tenant {
    if (!this.#tenant) throw new Error('start() comes first');
    return this.#tenant;
  }

  get #registration(): Application {
    if (!this.#app) throw new Error('clear() comes first');
    return this.#app;
  }

  get #server() {
    return this.#started.azure.sqlServer('sql1');
  }
}
