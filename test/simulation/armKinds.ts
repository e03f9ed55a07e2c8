/** Kinds whose changes go through Azure Resource Manager and take their time: what is under way arrives, whoever lives to see it. */
import { KeyturnError, UnknownOutcomeError } from '../../src/core/errors.ts';
import type { ResourceId } from '../../src/core/ids.ts';
import { ACCEPTED, WRONG } from '../../src/core/serverAnswer.ts';
import { sqlAdminPassword } from '../../src/rotators/sqlAdminPassword.ts';
import { twoKey } from '../../src/rotators/twoKey.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { type Kind, SUBSCRIPTION } from './sim.ts';
import type { Process, World } from './world.ts';

const row = twoKeyTable.find(
  ({ type }) => type === 'cosmos-db-key',
) as (typeof twoKeyTable)[number];
const idUnder = (type: string, name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg/providers/${type}/${name}`;
const nameOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** A regeneration of Cosmos DB takes minutes, a password of a SQL server seconds. */
const KEY_MILLISECONDS = 150_000;
const PASSWORD_MILLISECONDS = 20_000;

function targetOf(world: World, account: string): Record<string, string> {
  const target = world.accounts.get(account);
  if (!target) throw new KeyturnError('no-consent', { status: 404 });
  world.meet(account, 'read');
  return target;
}

/** Something that Azure has taken and does in a while. What a person does meanwhile nobody guards against. */
function begin(world: World, milliseconds: number, apply: () => void): string {
  const begunAt = world.calls;
  const link = world.fresh('operation');
  const on = world.now + milliseconds;
  world.running.add(link);
  const arrive = () => {
    world.running.delete(link);
    if (world.personActedAt >= begunAt - world.unfencedCalls) world.unguarded(link);
    apply();
  };
  world.late.push({ on, apply: arrive });
  return link;
}

/** `cosmos-db-key`, for all two-key kinds whose regeneration is a long operation. */
export const twoKeys: Kind = {
  type: row.type,
  overlap: 'two-slots',
  slots: ['primary', 'secondary'],
  seed: (world) => ({ primary: world.fresh('first'), secondary: world.fresh('second') }),
  stored: (_, key) => key,
  accepts: (keys, stored) => Object.values(keys).includes(stored),
  tags: (account) => ({ 'rotator-target': `${SUBSCRIPTION}/rg/${account}` }),
  owner: (account) => idUnder('microsoft.documentdb/databaseaccounts', account),
  rotator(world, process) {
    const read = <T>(name: string, apply: () => T) =>
      world.op(process, `target.${name}`, 'read', 'azure', apply);
    return twoKey(row, {
      clock: clockOf(world, process),
      keys: {
        get: (id) =>
          read('get', () => {
            targetOf(world, nameOf(id));
            return {
              properties: { documentEndpoint: `https://${nameOf(id)}.documents.azure.com:443/` },
            };
          }),
        list: (id) =>
          read('listKeys', () => {
            const { primary, secondary } = targetOf(world, nameOf(id));
            return { primaryMasterKey: primary, secondaryMasterKey: secondary };
          }),
        regenerate: (id, _action, _version, body) =>
          world.op(process, 'target.regenerate', 'write', 'azure', () => {
            world.meet(nameOf(id), 'write');
            const slot = body?.keyKind ?? '';
            const target = targetOf(world, nameOf(id));
            const key = world.fresh(`made-${slot}`);
            const link = begin(world, KEY_MILLISECONDS, () => {
              target[slot] = key;
            });
            return { over: false as const, link };
          }),
        progress: (link) =>
          read('progress', () => (world.running.has(link) ? 'running' : 'succeeded')),
      },
    });
  },
};

const clockOf = (world: World, process: Process) => ({
  now: () => new Date(world.now + process.skew),
  sleep: async (milliseconds: number) => {
    await world.op(process, 'sleep', 'read', 'own', () => {
      world.now += milliseconds;
    });
  },
});

const PARTNER = '-partner';
const SUFFIX = '.database.windows.net';

/** `sql-admin-password` over two servers of a failover group, each with a password of its own. */
export const adminPassword: Kind = {
  type: 'sql-admin-password',
  overlap: 'none',
  slots: ['first', 'partner'],
  unfenced: 3,
  seed(world) {
    const password = world.fresh('first');
    return { first: password, partner: password };
  },
  stored: (_, password) => password,
  accepts: ({ first, partner }, stored) => first === stored && partner === stored,
  tags: (account) => ({
    'rotator-target': `${SUBSCRIPTION}/rg/${account}`,
    'rotator-options': `servers=${encodeURIComponent(`${SUBSCRIPTION}/rg/${account}${PARTNER}`)}`,
  }),
  owner: (account) => idUnder('microsoft.sql/servers', account),
  partner: (account) => idUnder('microsoft.sql/servers', account + PARTNER),
  rotator(world, process) {
    const read = <T>(name: string, apply: () => T) =>
      world.op(process, `target.${name}`, 'read', 'azure', apply);
    const server = (name: string) => {
      const account = name.replace(PARTNER, '');
      return {
        account,
        target: targetOf(world, account),
        slot: name === account ? 'first' : 'partner',
      };
    };
    return sqlAdminPassword({
      clock: clockOf(world, process),
      servers: {
        server: ({ name }) =>
          read('server', () => {
            server(name);
            return {
              host: `${name}${SUFFIX}`,
              port: 1433,
              administratorLogin: 'boss',
              entraOnly: false,
            };
          }),
        failoverGroups: ({ name, text }) =>
          read('failoverGroups', () => [
            { hosts: [], partners: name.endsWith(PARTNER) ? [] : [`${text}${PARTNER}`] },
          ]),
        async setAdminPassword({ name }: ResourceId, password, stay) {
          const link = await world.op(process, 'target.patch', 'write', 'azure', () => {
            const { account, target, slot } = server(name);
            world.meet(account, 'write');
            return begin(world, PASSWORD_MILLISECONDS, () => {
              target[slot] = password.reveal();
            });
          });
          while (await read('operation', () => world.running.has(link)))
            if (!(await stay(4))) throw new UnknownOutcomeError('target-busy');
        },
      },
      tds: {
        login: ({ host }, _login, password) =>
          read('login', () => {
            const { target, slot } = server(host.replace(SUFFIX, ''));
            return target[slot] === password.reveal() ? ACCEPTED : WRONG;
          }),
        run: () => Promise.reject(new Error('not run')),
        ask: () => Promise.reject(new Error('not asked')),
      },
    });
  },
};
