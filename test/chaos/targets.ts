/** Targets of every kind for the chaos: what people hold there, and whether a value still lets its readers in. */
import { addDatabaseServer } from '../../local/azure/armDatabases.ts';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import { pairOf } from '../../src/core/formSpec.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { resourceFor } from '../contract/twoKey.fixtures.ts';
import type { Peer } from '../databases/subjects.ts';
import { assign, type Place, rolesInBicep } from '../infra/everyKind.ts';

/** Real servers, started by the caller. */
export interface Peers {
  readonly postgresql: Peer;
  readonly mysql: Peer;
}

/** A secret that a person opted in, and its target. */
export interface Victim extends Place {
  readonly vault: string;
  /** As the server says it, where it is a real one; of all others the stand-in knows. */
  readonly isIn?: (value: string) => Promise<boolean>;
}

export interface Chaotic {
  readonly azure: Azure;
  readonly victims: readonly Victim[];
  readonly kinds: readonly string[];
}

const ADMIN = 'Zz0-first-of-chief-1';
const PASSWORDS = {
  app_a: 'Aa0-first-of-a-4711',
  app_b: 'Bb0-first-of-b-4712',
  svc: 'Cc0-first-of-c-4713',
};
const VAULTS = 5;
/** Short, since workers sleep in real time: a new client secret is not known everywhere at once. */
const SPREADING = { addSeconds: 1, removeSeconds: 1 };

const inTurn = (a: string, b: string) => ({
  value: JSON.stringify({ username: a, password: PASSWORDS.app_a }),
  options: `logins=${a},${b};field=password;login-field=username`,
  logins: `(${a},${b})`,
});

type Make = (
  azure: Azure,
  at: number,
  name: string,
) => Promise<Omit<Victim, 'kind' | 'vault' | 'name'>>;

const sqlServer = (type: string, at: number) => `${type}-${at}`;
const keyedMakes = twoKeyTable.map((row): [string, Make] => [
  row.type,
  async (azure, at) => {
    const [armType = ''] = row.armTypes;
    const resource = azure.keyed(armType, resourceFor(row, armType, `${row.type}-${at}`).name);
    const [, slot = ''] = Object.keys(row.slots);
    const member = (row.list.array === undefined ? slot : row.slots[slot]) ?? '';
    const key = resource.key(member);
    return {
      id: resource.id,
      value: row.pair ? pairOf(row.pair, resource.idOf(member), key) : key,
    };
  },
]);
const sqlMakes: [string, Make][] = [
  [
    'sql-login',
    async (azure, at) => ({
      id: azure.sqlServer(sqlServer('sql-login', at)).id,
      ...inTurn('app_a', 'app_b'),
    }),
  ],
  [
    'sql-single-login',
    async (azure, at) => ({
      id: azure.sqlServer(sqlServer('sql-single-login', at)).id,
      ...{ value: PASSWORDS.svc, options: 'login=svc', logins: '(svc)' },
    }),
  ],
  [
    'sql-admin-password',
    async (azure, at) => ({
      id: azure.sqlServer(sqlServer('sql-admin-password', at)).id,
      value: ADMIN,
    }),
  ],
];
const otherMakes: [string, Make][] = [
  [
    'storage-account-key',
    async (azure, at) => {
      const account = azure.account(`acct${at}`);
      return { id: account.id, value: account.key('key1') };
    },
  ],
  [
    'app-registration',
    async (azure, at, name) => {
      const made = azure.ownedApplication(`payroll-${at}`, `kv${at % VAULTS}/${name}`);
      made.spreading = SPREADING;
      const { secretText } = made.addPassword({
        displayName: 'by a person',
        endDateTime: '2038-01-01T00:00:00Z',
      });
      return { id: made.appId, value: secretText, options: 'revoke-adopted=true' };
    },
  ],
];

const databaseMakes = (peers: Peers): [string, Make][] =>
  (['postgresql', 'mysql'] as const).map((kind) => [
    `${kind}-login`,
    async (azure, at) => {
      const peer = peers[kind];
      const [a, b] = [`app${at}_a`, `app${at}_b`];
      for (const [login, password] of [
        [a, PASSWORDS.app_a] as const,
        [b, PASSWORDS.app_b] as const,
      ])
        await peer.createLogin(login, password);
      return {
        id: addDatabaseServer(azure.world, { kind, name: `${kind}-${at}`, host: 'localhost' }).id,
        ...inTurn(a, b),
        isIn: async (value) => {
          const { username, password } = JSON.parse(value) as {
            username: string;
            password: string;
          };
          return (await peer.query(username, password)) === 'ok';
        },
      };
    },
  ]);

/**
 * A tenant with so many opted-in secrets, of every kind in turn, each with a target of its own; Keyturn holds the roles of
 * infra/roles.json there and no other right.
 *
 * @param peers absent: without the kinds of PostgreSQL and MySQL
 */
export async function everyKind(count: number, peers: Peers | undefined): Promise<Chaotic> {
  const makes = [...otherMakes, ...sqlMakes, ...(peers ? databaseMakes(peers) : []), ...keyedMakes];
  const planned = Array.from({ length: count }, (_, at) => ({
    at,
    make: makes[at % makes.length] as [string, Make],
  }));
  const of = (kind: string) => planned.filter(({ make }) => make[0] === kind).map(({ at }) => at);
  const keyed = twoKeyTable.flatMap((row) =>
    of(row.type).map((at) => resourceFor(row, row.armTypes[0] ?? '', `${row.type}-${at}`)),
  );
  const sqlServers = sqlMakes.flatMap(([kind]) =>
    of(kind).map((at) => ({
      ...{
        name: sqlServer(kind, at),
        administratorPassword: ADMIN,
        entraAdministrator: 'dba-group',
      },
      logins: PASSWORDS,
    })),
  );
  const azure = await startAzure({
    tenant: {
      vaults: Array.from({ length: VAULTS }, (_, at) => ({ name: `kv${at}` })),
      accounts: of('storage-account-key').map((at) => ({ name: `acct${at}` })),
      ...{ keyed, sqlServers },
    },
  });
  const victims: Victim[] = [];
  for (const {
    at,
    make: [kind, make],
  } of planned) {
    const name = `${kind}-${at}`;
    const victim = { kind, name, vault: `kv${at % VAULTS}`, ...(await make(azure, at, name)) };
    const { vault, id, value, options } = victim;
    const tags = {
      rotator: kind,
      'rotator-target': id,
      owner: 'chaos',
      ...(options && { 'rotator-options': options }),
    };
    azure.vault(vault).set(name, value, { tags, contentType: 'text/x-chaos' });
    victims.push(victim);
  }
  assign(azure, rolesInBicep(), victims);
  return { azure, victims, kinds: makes.map(([kind]) => kind) };
}
