/** SQL servers of the stand-in: ARM's answers beyond the conformance suite's, and what TDS lets nobody do. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  type ConnectionConfiguration,
  type ConnectionOptions,
  Request,
  TYPES,
} from 'tedious';
import type { Azure } from '../../local/azure/azure.ts';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import { startAzure } from '../../local/azure/tenant.ts';

let azure: Azure;
let server: SqlServer;
const LOGINS = { app_a: 'Aa0-first-of-a-4711', app_b: 'Bb0-first-of-b-4712' };
const ADMIN = 'Zz0-first-of-chief-1';
const NEW = 'Nn0-another-one-4720';

beforeAll(async () => {
  azure = await startAzure({
    azurite: false,
    tenant: {
      accounts: [],
      sqlServers: [
        {
          ...{
            name: 'sql1',
            administratorPassword: ADMIN,
            entraAdministrator: 'dba-group',
            logins: LOGINS,
          },
          databases: { shop: { user_a: 'Dd0-first-of-d-4714' } },
        },
      ],
    },
  });
  server = azure.sqlServer('sql1');
});
beforeEach(() => server.reset());
afterEach(() => {
  expect(azure.unusedFaults()).toEqual({});
  azure.heal();
});
afterAll(async () => {
  expect(azure.routesUnused('tds')).toEqual([]);
  expect(azure.problems).toEqual([]);
  await azure.stop();
});

async function arm(method: string, query = '', body?: object, caller = azure.world.identity.oid) {
  const token = await azure.issueToken({ oid: caller, aud: 'https://management.azure.com' });
  const url = `${azure.url('management')}${server.id}?api-version=2022-08-01-preview${query}`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const reply = await fetch(url, {
    method,
    headers,
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await reply.text();
  return {
    status: reply.status,
    text,
    body: JSON.parse(text) as { properties?: object; error?: { code: string } },
  };
}

type Tried =
  | { readonly connection: Connection }
  | { readonly numbers: number[]; readonly code: unknown };

/** A connection, or the numbers that the server sent and the client's own code. */
async function tryTo(
  authentication: NonNullable<ConnectionConfiguration['authentication']>,
  options: ConnectionOptions = {},
  host = 'sql1.database.keyturn.localhost',
): Promise<Tried> {
  const connection = new Connection({
    server: host,
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
  const error = await new Promise<(Error & { code?: unknown }) | undefined>((resolve) =>
    connection.connect(resolve),
  );
  return error ? { numbers, code: error.code } : { connection };
}
const asLogin = (userName: string, password: string, options?: ConnectionOptions, host?: string) =>
  tryTo({ type: 'default', options: { userName, password } }, options, host);
const asToken = async (claims: { [name: string]: unknown }, options?: ConnectionOptions) => {
  const token = await azure.issueToken({
    oid: azure.world.identity.oid,
    aud: 'https://database.windows.net',
    ...claims,
  });
  return tryTo({ type: 'azure-active-directory-access-token', options: { token } }, options);
};
/** The number with which a batch was refused; undefined where it went well. */
async function run(tried: Tried, text: string): Promise<unknown> {
  if (!('connection' in tried)) throw new Error(`not logged in: ${tried.numbers}`);
  const { connection } = tried;
  return await new Promise<unknown>((resolve) =>
    connection.execSqlBatch(
      new Request(text, (error) => {
        connection.close();
        resolve(error ? ((error as { number?: number }).number ?? 'lost') : undefined);
      }),
    ),
  );
}
const admin = (options?: ConnectionOptions) => asLogin('padm', ADMIN, options);

describe('Resource Manager', () => {
  it('shows the Entra administrator to whom asks for it alone, and no password to anybody', async () => {
    expect((await arm('GET')).body.properties).not.toHaveProperty('administrators');
    const expanded = await arm('GET', '&$expand=administrators/activedirectory');
    expect(expanded.body.properties).toMatchObject({
      administrators: { login: 'dba-group', azureADOnlyAuthentication: false },
    });
    expect(expanded.text).not.toContain(ADMIN);
  });

  it('shows in a PATCH what was sent beside the password, and applies it', async () => {
    const properties = { administratorLoginPassword: NEW, administratorLogin: 'other' };
    expect((await arm('PATCH', '', { tags: { a: 'b' }, properties })).status).toBe(202);
    expect(server.patches).toEqual([
      ['tags', 'properties.administratorLoginPassword', 'properties.administratorLogin'],
    ]);
    expect([server.tags, server.accepts('padm', NEW)]).toEqual([{ a: 'b' }, true]);
  });

  it('refuses a second change while one is on its way', async () => {
    const body = { properties: { administratorLoginPassword: NEW } };
    await arm('PATCH', '', body);
    expect(await arm('PATCH', '', body)).toMatchObject({
      status: 409,
      body: { error: { code: 'UpsertLogicalServerRequestAlreadyInProgress' } },
    });
  });

  it('lets nobody in without the right', async () => {
    expect(
      (await arm('GET', '', undefined, azure.application('stranger').principal.oid)).status,
    ).toBe(403);
  });
});

describe("questions about one's own rights", () => {
  const MAY =
    "SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY LOGIN') AS may, (SELECT COUNT(*) FROM sys.fn_my_permissions(NULL, N'SERVER') WHERE permission_name = N'ALTER ANY LOGIN') AS listed";
  async function row(tried: Tried): Promise<unknown[]> {
    if (!('connection' in tried)) throw new Error(`not logged in: ${tried.numbers}`);
    const values: unknown[] = [];
    await new Promise<void>((resolve) => {
      const request = new Request(MAY, () => resolve());
      request.on('row', (columns: { value: unknown }[]) =>
        values.push(...columns.map(({ value }) => value)),
      );
      tried.connection.execSqlBatch(request);
    });
    tried.connection.close();
    return values;
  }

  it('are answered by what is held, with NULL where the server does not say, and are no write', async () => {
    const before = azure.writes().length;
    expect(await row(await asToken({}))).toEqual([1, 1]);
    expect(await row(await asLogin('app_a', LOGINS.app_a))).toEqual([0, 0]);
    server.permissionsUnknown = true;
    expect(await row(await asLogin('app_a', LOGINS.app_a))).toEqual([null, 0]);
    server.permissionsUnknown = false;
    expect(azure.writes()).toHaveLength(before);
  });

  it('are these alone: no other SELECT is understood', async () => {
    expect(await run(await admin(), 'SELECT 1')).toBe(102);
  });
});

describe('TDS', () => {
  it.each(['strict', true] as const)(
    'takes the right password with encrypt: %j, and no other',
    async (encrypt) => {
      expect(
        await run(await asLogin('app_a', LOGINS.app_a, { encrypt }), 'set ansi_nulls on'),
      ).toBeUndefined();
      expect(await asLogin('app_a', 'wrong', { encrypt })).toEqual({
        numbers: [18456],
        code: 'ELOGIN',
      });
      expect(await asLogin('app_a@sql1', LOGINS.app_a, { encrypt })).toHaveProperty('connection');
    },
  );

  it('takes nobody in without TLS, nor under a name that the certificate does not hold', async () => {
    expect(await asLogin('app_a', LOGINS.app_a, { encrypt: false })).toEqual({
      numbers: [],
      code: 'EENCRYPT',
    });
    expect(await asLogin('app_a', LOGINS.app_a, {}, 'sql1.elsewhere.localhost')).toEqual({
      numbers: [],
      code: 'ESOCKET',
    });
    expect(server.opened).toBe(0);
  });

  it.each([
    ['another audience', { aud: 'https://management.azure.com' }],
    ['another tenant', { tid: '00000000-0000-0000-0000-000000000000' }],
    ['an unknown principal', { oid: '00000000-0000-0000-0000-000000000000' }],
    ['an end that has passed', { exp: 1_000_000_000 }],
  ])('takes no token with %s', async (_, claims) => {
    expect(await asToken(claims)).toEqual({ numbers: [18456], code: 'ELOGIN' });
  });

  it('takes the token of a principal with a login here', async () => {
    expect(
      await run(await asToken({}), `ALTER LOGIN [app_a] WITH PASSWORD = N'${NEW}'`),
    ).toBeUndefined();
    expect(server.accepts('app_a', NEW)).toBe(true);
    expect(await run(await asToken({}), `ALTER LOGIN [padm] WITH PASSWORD = N'${NEW}'`)).toBe(
      15151,
    );
  });

  it('says which server, database or switched-off login it was', async () => {
    expect(
      await asLogin('app_a', LOGINS.app_a, {}, 'sql9.database.keyturn.localhost'),
    ).toMatchObject({
      numbers: [40532],
    });
    expect(await asLogin('app_a', LOGINS.app_a, { database: 'none' })).toMatchObject({
      numbers: [4060],
    });
    expect(await run(await admin(), 'ALTER LOGIN app_a DISABLE')).toBeUndefined();
    expect(await asLogin('app_a', LOGINS.app_a)).toMatchObject({ numbers: [18470] });
    server.closed = 40615;
    expect(await asLogin('app_a', LOGINS.app_a)).toMatchObject({ numbers: [40615] });
    server.closed = 'socket';
    expect(await asLogin('app_a', LOGINS.app_a)).toMatchObject({ numbers: [], code: 'ESOCKET' });
  });

  it('knows contained users in their own database only, and logins in master', async () => {
    const user = ['user_a', 'Dd0-first-of-d-4714'] as const;
    expect(await asLogin(...user)).toMatchObject({ numbers: [18456] });
    const statement = `ALTER USER [user_a] WITH PASSWORD = N'${NEW}' OLD_PASSWORD = N'${user[1]}'`;
    expect(await run(await asLogin(...user, { database: 'shop' }), statement)).toBeUndefined();
    expect(server.accepts('user_a', NEW, 'shop')).toBe(true);
    expect(await asLogin('app_a', LOGINS.app_a, { database: 'shop' })).toMatchObject({
      numbers: [18456],
    });
    expect(
      await run(await admin({ database: 'shop' }), `ALTER LOGIN [app_a] WITH PASSWORD = N'${NEW}'`),
    ).toBe(5001);
  });

  it.each([
    ["ALTER LOGIN [app_a] WITH PASSWORD = N'passwordpassword'", 15118],
    ["ALTER LOGIN [app_a] WITH PASSWORD = N'Aa0-'", 15116],
    [`ALTER LOGIN [app_a] WITH PASSWORD = N'${NEW}-App'`, 15118],
    ['ALTER LOGIN [app_a] WITH PASSWORD = @p', 102],
    ["ALTER LOGIN [app_a] WITH PASSWORD = N'open", 105],
    ["EXEC('ALTER LOGIN [app_a] ENABLE')", 102],
    ['DROP DATABASE shop', 102],
    [`CREATE LOGIN [app_b] WITH PASSWORD = N'${NEW}'`, 15025],
    ['DROP LOGIN [nobody]', 15151],
  ])('refuses %s', async (statement, number) => {
    expect(await run(await admin(), statement)).toBe(number);
  });

  it('runs every statement of a batch: an injection does here what it would do there', async () => {
    const injected = `ALTER LOGIN [app_a] WITH PASSWORD = N'${NEW}'; DROP LOGIN [app_b]`;
    expect(await run(await admin(), injected)).toBeUndefined();
    expect(server.login('app_b')).toBeUndefined();
  });

  it('notes what was no plain batch', async () => {
    const tried = await admin();
    if (!('connection' in tried)) throw new Error('not logged in');
    const request = new Request('select @p', () => undefined);
    request.addParameter('p', TYPES.NVarChar, 'Aa0-a-parameter');
    tried.connection.execSql(request);
    while (server.statements.length === 0) await pause(10);
    expect(server.statements.map(({ kind }) => kind)).toEqual(['rpc']);
    tried.connection.close();
  });

  it('leaves a connection open whose password has changed', async () => {
    const tried = await asLogin('app_a', LOGINS.app_a);
    await run(await admin(), `ALTER LOGIN [app_a] WITH PASSWORD = N'${NEW}'`);
    expect(await asLogin('app_a', LOGINS.app_a)).toMatchObject({ numbers: [18456] });
    expect(
      await run(
        tried,
        `ALTER LOGIN [app_a] WITH PASSWORD = N'${LOGINS.app_a}' OLD_PASSWORD = N'${NEW}'`,
      ),
    ).toBeUndefined();
  });

  it.each<[object, unknown, boolean]>([
    [{ drop: true }, 'lost', false],
    [{ commit: true, drop: true }, 'lost', true],
    [{ code: '40501' }, 40501, false],
    [{ commit: true, code: '40197' }, 40197, true],
    [{ delayMs: 5 }, undefined, true],
  ])('plays the step %j at a batch', async (step, answer, applied) => {
    azure.fault('tds.batch', [step]);
    expect(await run(await admin(), `ALTER LOGIN [app_a] WITH PASSWORD = N'${NEW}'`)).toBe(answer);
    expect(server.accepts('app_a', NEW)).toBe(applied);
  });

  it('applies a late one after the answer was lost', async () => {
    azure.fault('tds.batch', [{ lateMs: 50 }]);
    expect(await run(await admin(), `ALTER LOGIN [app_a] WITH PASSWORD = N'${NEW}'`)).toBe('lost');
    expect(server.accepts('app_a', NEW)).toBe(false);
    while (!server.accepts('app_a', NEW)) await pause(10);
    expect(server.accepts('app_a', NEW)).toBe(true);
  });
});
