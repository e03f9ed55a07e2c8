/** The real rotators of the other overlaps over targets of a world: passwords that cannot be read again, and many secrets. */
import { z } from 'zod';
import type { AppFacts } from '../../src/azure/graph.ts';
import { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { ACCEPTED, WRONG } from '../../src/core/serverAnswer.ts';
import { appRegistration } from '../../src/rotators/appRegistration.ts';
import { OnePassword } from '../../src/rotators/kit/onePassword.ts';
import { type LoginPort, twoLogins } from '../../src/rotators/kit/twoLogins.ts';
import { type Kind, SUBSCRIPTION } from './sim.ts';
import type { Process, World } from './world.ts';

/** A fresh client secret is not known everywhere at once (azure-facts 6). */
const SPREAD = 12_000;

/** A text whose first three characters no other one has, as hints go. */
function text(world: World): string {
  const serial = world.fresh('secret');
  const number = Number(serial.split('-')[1]);
  return `${((number * 7919) % 46_656).toString(36).padStart(3, '0')}~${serial}`;
}

const targetOf = (world: World, account: string): Record<string, string> => {
  const target = world.accounts.get(account);
  if (!target) throw new KeyturnError('no-consent', { status: 404 });
  world.meet(account, 'read');
  return target;
};

const appIdOf = (account: string): string =>
  `00000000-0000-4000-8000-0000000000${account.replace('acct', '').padStart(2, '0')}`;
export const FIRST = '00000000-0000-4000-8000-00000000000f';
const clockOf = (world: World, process: Process) => ({
  now: () => new Date(world.now + process.skew),
  sleep: async () => {},
});

export const app: Kind = {
  type: 'app-registration',
  overlap: 'many',
  slots: [FIRST],
  seed: (world) => ({ [FIRST]: text(world) }),
  stored: (_, secret) => secret,
  accepts: (target, stored, world) =>
    Object.entries(target).some(
      ([keyId, secret]) =>
        secret === stored && world.now >= (world.made.get(keyId)?.on ?? 0) + SPREAD,
    ),
  tags: (account) => ({ 'rotator-target': appIdOf(account) }),
  owner: appIdOf,
  rotator(world, process) {
    const accountOf = (id: string) => `acct${Number(id.slice(-2))}`;
    const read = <T>(name: string, apply: () => T) =>
      world.op(process, `target.${name}`, 'read', 'azure', apply);
    const write = <T>(name: string, apply: () => T) =>
      world.op(process, `target.${name}`, 'write', 'azure', apply);
    const facts = (id: string): AppFacts => ({
      objectId: id,
      credentials: Object.entries(targetOf(world, accountOf(id))).map(([keyId, secret]) => ({
        keyId,
        displayName: world.made.get(keyId)?.label ?? 'by a person',
        hint: secret.slice(0, 3),
        startsOn: new Date(world.made.get(keyId)?.on ?? 0),
        endsOn: new Date(world.now + 1e10),
      })),
    });
    return appRegistration({
      clock: clockOf(world, process),
      graph: {
        application: (id) => read('application', () => facts(id)),
        tags: async () => [],
        standing: async () => ({
          permissions: [],
          issuedOn: new Date(world.now),
          owners: [],
          more: false,
        }),
        addPassword: (id, { displayName }) =>
          write('addPassword', () => {
            world.meet(accountOf(id), 'write');
            const keyId = world.uuid();
            const secret = text(world);
            targetOf(world, accountOf(id))[keyId] = secret;
            world.made.set(keyId, { label: displayName, on: world.now });
            return { keyId, value: new Secret(secret) };
          }),
        removePassword: (id, keyId) =>
          write('removePassword', () => {
            delete targetOf(world, accountOf(id))[keyId];
          }),
      },
      probe: {
        tryLogin: (id, secret) =>
          read('token', () =>
            world.accepts(accountOf(id), secret.reveal()) ? 'accepted' : { refused: 7000215 },
          ),
      },
    });
  },
};

const SERVER = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.sql/servers/`;

/** One server of a world, as the login kinds see it. */
const serverOf = (world: World, process: Process, account: string): LoginPort => ({
  name: account,
  setPassword: (login, password) =>
    world.op(process, 'target.alter', 'write', 'azure', () => {
      world.meet(account, 'write');
      targetOf(world, account)[login] = password.reveal();
    }),
  tryLogin: (login, password) =>
    world.op(process, 'target.login', 'read', 'azure', () =>
      targetOf(world, account)[login] === password.reveal() ? ACCEPTED : WRONG,
    ),
});

const Held = z.object({ username: z.string(), password: z.string() });
const json = 'field=password;login-field=username';

/** The algorithm that `sql-login`, `postgresql-login` and `mysql-login` share. */
export const logins: Kind = {
  type: 'sql-login',
  overlap: 'two-slots',
  slots: ['app_a', 'app_b'],
  // A login with the old password, then both locks are renewed.
  unfenced: 3,
  first: 'a',
  joins: false,
  seed: (world) => ({ app_a: world.fresh('first'), app_b: world.fresh('second') }),
  stored: (username, password) => JSON.stringify({ username, password }),
  accepts(target, stored) {
    if (!stored.startsWith('{')) return false;
    const { username, password } = Held.parse(JSON.parse(stored));
    return target[username] === password;
  },
  tags: (account) => ({ 'rotator-target': account, 'rotator-options': json }),
  owner: (account) => `${SERVER}${account}`,
  logins: '(app_a,app_b)',
  rotator: (world, process) => ({
    type: 'sql-login',
    overlap: 'two-slots',
    title: 'a kind of tests',
    rights: { actions: [] },
    options: z.strictObject({}),
    form: { kind: 'login', server: 'sqlserver', required: true },
    bind: ({ target: account }) =>
      twoLogins({
        id: `${SERVER}${account}/logins/app_a,app_b`,
        owners: [`${SERVER}${account}`],
        logins: ['app_a', 'app_b'],
        ports: async () => [serverOf(world, process, account)],
        inspect: async () => ({ handles: ['a', 'b'], obstacles: [], hosts: [] }),
        clock: clockOf(world, process),
      }),
  }),
};

/** The algorithm that `sql-single-login` and `sql-admin-password` share. */
export const onePassword: Kind = {
  type: 'sql-single-login',
  overlap: 'none',
  slots: ['app'],
  seed: (world) => ({ app: world.fresh('first') }),
  stored: (_, password) => password,
  accepts: (target, stored) => target.app === stored,
  tags: (account) => ({ 'rotator-target': account }),
  owner: (account) => `${SERVER}${account}`,
  logins: '(app)',
  rotator: (world, process) => ({
    type: 'sql-single-login',
    overlap: 'none',
    title: 'a kind of tests',
    rights: { actions: [] },
    options: z.strictObject({}),
    form: { kind: 'bare' },
    bind({ target: account }) {
      const server = serverOf(world, process, account);
      return new OnePassword({
        id: `${SERVER}${account}/logins/app`,
        owners: [`${SERVER}${account}`],
        logins: ['app'],
        inspect: async () => ({ handles: ['password'], obstacles: [], hosts: [] }),
        ports: async () => [
          {
            name: account,
            setPassword: (password) => server.setPassword('app', password),
            tryPassword: (password) => server.tryLogin('app', password),
          },
        ],
        login: async () => 'app',
        checkLogin: async () => {},
        unasked: () => 'trusted',
        clock: clockOf(world, process),
      });
    },
  }),
};

export const others: readonly Kind[] = [app, logins, onePassword];
