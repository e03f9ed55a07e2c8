/** Flexible servers as ARM shows them, read by the product's own port. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { addDatabaseServer } from '../../local/azure/armDatabases.ts';
import type { DatabaseServer } from '../../local/azure/databaseServer.ts';
import { createArm } from '../../src/azure/arm.ts';
import { parseResourceId } from '../../src/core/ids.ts';
import {
  databaseIdentity,
  databaseServers,
  MYSQL_TYPE,
  POSTGRESQL_TYPE,
} from '../../src/targets/databaseServers.ts';
import { mysql } from '../../src/targets/mysql.ts';
import { postgres } from '../../src/targets/postgres.ts';
import { startTenant, type Tenant } from '../azure/tenant.fixtures.ts';

let tenant: Tenant;
const zone = 'database.keyturn.localhost';
const suffixes = { [POSTGRESQL_TYPE]: `.postgres.${zone}:25432`, [MYSQL_TYPE]: `.mysql.${zone}` };

beforeAll(async () => {
  tenant = await startTenant({ vaults: [], accounts: [] });
});
afterEach(() => tenant.azure.heal());
afterAll(async () => {
  expect(tenant.azure.routesUnused('databases')).toEqual([]);
  expect(tenant.azure.problems).toEqual([]);
  await tenant.azure.stop();
});

const factsOf = ({ id, kind }: DatabaseServer, known: Record<string, string> = suffixes) => {
  const type = kind === 'mysql' ? MYSQL_TYPE : POSTGRESQL_TYPE;
  return databaseServers({ arm: createArm(tenant), suffixes: known }).facts(
    parseResourceId(id, type, 'the test'),
  );
};
const add = (options: Parameters<typeof addDatabaseServer>[1]) =>
  addDatabaseServer(tenant.azure.world, options);

describe('flexible servers', () => {
  it('of PostgreSQL have a host, the port of their cloud, an administrator, and passwords', async () => {
    const facts = await factsOf(add({ kind: 'postgresql', name: 'PG1', administrator: 'padm' }));
    expect(facts).toEqual({
      host: `pg1.postgres.${zone}`,
      port: 25432,
      administrator: 'padm',
      passwords: true,
    });
  });

  it('of MySQL have the standard port where their cloud names none', async () => {
    const facts = await factsOf(add({ kind: 'mysql', name: 'my1' }));
    expect(facts).toMatchObject({ host: `my1.mysql.${zone}`, port: 3306, passwords: true });
  });

  it('that take tokens alone say so', async () => {
    expect(
      await factsOf(add({ kind: 'postgresql', name: 'pg2', passwordAuth: 'Disabled' })),
    ).toMatchObject({
      passwords: false,
    });
  });

  it.each([
    'evil.example',
    `pg3.postgres.${zone}.evil.example`,
    `evil.example/.postgres.${zone}`,
    `a@pg3.postgres.${zone}`,
  ])('SEC-02: whose host is %s are never dialled', async (host) => {
    await expect(factsOf(add({ kind: 'postgresql', name: 'pg3', host }))).rejects.toMatchObject({
      reason: 'failed',
    });
  });

  it('of a cloud that has none are refused before anything is asked', async () => {
    const server = add({ kind: 'mysql', name: 'my2' });
    const before = tenant.azure.calls.length;
    await expect(factsOf(server, {})).rejects.toMatchObject({ reason: 'failed' });
    expect(tenant.azure.calls).toHaveLength(before);
  });

  it('SEC-09: that are absent read like those without consent', async () => {
    const server = add({ kind: 'mysql', name: 'my3' });
    tenant.azure.world.databases.delete(server.id.toLowerCase());
    await expect(factsOf(server)).rejects.toMatchObject({ reason: 'no-consent' });
  });
});

describe('the identity in a database', () => {
  const asked: unknown[] = [];
  const credential = {
    async getToken(scopes: string | string[]) {
      asked.push(scopes);
      return { token: 'a token of Entra', expiresOnTimestamp: 0 };
    },
  };
  const audience = 'https://ossrdbms-aad.database.windows.net';

  it('logs in with a token for databases in the place of a password', async () => {
    const identity = databaseIdentity({ credential, audience, user: 'id-keyturn' });
    expect((await identity?.password())?.reveal()).toBe('a token of Entra');
    expect(asked).toEqual([`${audience}/.default`]);
  });

  it('is nobody where no user was named, or the cloud has no audience: nothing is asked of the server', async () => {
    const nobody = databaseIdentity({ credential, audience, user: undefined });
    expect([nobody, databaseIdentity({ credential, audience: undefined, user: 'x' })]).toEqual([
      undefined,
      undefined,
    ]);
    const place = { host: 'localhost', port: 1 };
    const reason = { reason: 'target-forbidden' };
    await expect(postgres({ identity: nobody }).roles(place, ['a'])).rejects.toMatchObject(reason);
    await expect(mysql({ identity: nobody }).accounts(place, [])).rejects.toMatchObject(reason);
  });
});
