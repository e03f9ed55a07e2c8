/** Facts about tedious (azure-facts 5.2, 5.3; cases SEC-02, SQL-01), seen by a server that writes down what it is sent. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, type ConnectionConfiguration, Request, TYPES } from 'tedious';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';

let azure: Azure;
beforeAll(async () => {
  const sqlServers = [{ name: 'sql1', logins: { app_a: 'Aa0-first-of-a-4711' } }];
  azure = await startAzure({ azurite: false, tenant: { accounts: [], sqlServers } });
});
beforeEach(() => azure.sqlServer('sql1').reset());
afterAll(() => azure.stop());

interface Tried {
  readonly connection: Connection;
  readonly error: (Error & { code?: unknown; number?: unknown }) | undefined;
  readonly numbers: readonly number[];
}
async function connect(
  authentication: NonNullable<ConnectionConfiguration['authentication']>,
  options: object = {},
): Promise<Tried> {
  const connection = new Connection({
    server: 'sql1.database.keyturn.localhost',
    authentication,
    options: {
      port: azure.world.tdsPort,
      encrypt: true,
      database: 'master',
      maxRetriesOnTransientErrors: 0,
      ...options,
    },
  });
  const numbers: number[] = [];
  connection.on('errorMessage', ({ number }: { number: number }) => numbers.push(number));
  connection.on('error', () => undefined);
  const error = await new Promise<Tried['error']>((resolve) => connection.connect(resolve));
  return { connection, error, numbers };
}
const login = (password: string, options?: object) =>
  connect({ type: 'default', options: { userName: 'app_a', password } }, options);

describe('tedious', () => {
  it('tells the number of a refused login in an event, and not in the error', async () => {
    const { error, numbers } = await login('wrong');
    expect([error?.code, error?.number, numbers]).toEqual(['ELOGIN', undefined, [18456]]);
    azure.sqlServer('sql1').closed = 40615;
    const walled = await login('Aa0-first-of-a-4711');
    expect([walled.error?.code, walled.error?.number, walled.numbers]).toEqual([
      'ELOGIN',
      undefined,
      [40615],
    ]);
  });

  it('SEC-02: sends a token with the first packet, before the server has proved anything but its certificate', async () => {
    const token = await azure.issueToken({
      oid: azure.world.identity.oid,
      aud: 'https://database.windows.net',
    });
    azure.fault('tds.login', [{ drop: true }]);
    azure.calls.length = 0;
    await connect({ type: 'azure-active-directory-access-token', options: { token } });
    expect(azure.calls.map(({ route, status }) => [route, status])).toEqual([['tds.login', 0]]);
  });

  it('repeats a login by itself when the number is a transient one, unless retries are off', async () => {
    azure.outage('tds.login', { code: '40613' });
    azure.calls.length = 0;
    await login('Aa0-first-of-a-4711', {
      maxRetriesOnTransientErrors: 2,
      connectionRetryInterval: 1,
    });
    expect(azure.calls).toHaveLength(3);
    azure.calls.length = 0;
    await login('Aa0-first-of-a-4711');
    expect(azure.calls).toHaveLength(1);
    azure.heal();
  });

  it('SQL-01: sends `execSqlBatch` as a plain batch, and `execSql` as a call', async () => {
    const { connection } = await login('Aa0-first-of-a-4711');
    await new Promise<void>((resolve) =>
      connection.execSqlBatch(new Request('ALTER LOGIN [nobody] ENABLE', () => resolve())),
    );
    const request = new Request('select @p', () => undefined);
    request.addParameter('p', TYPES.NVarChar, 'x');
    const ended = new Promise((resolve) => connection.once('end', resolve));
    connection.execSql(request);
    await ended; // the stand-in takes no calls
    expect(azure.sqlServer('sql1').statements.map(({ kind }) => kind)).toEqual(['batch', 'rpc']);
  });
});
