/** Who is let in over TDS, in the order in which Azure asks: server, firewall, then the login. */
import { key, type SqlServer } from './sqlServer.ts';
import type { LoginRecord, SqlError } from './tdsWire.ts';
import type { Session } from './tsql.ts';
import { audiences, type World } from './world.ts';

const error = (number: number, severity: number, message: string, state = 1): SqlError => ({
  number,
  state,
  class: severity,
  message,
});

/** 40615 and its like as Azure words them [learn: azure-sql/database/firewall-configure, troubleshoot-common-errors-issues]. */
function firewall(number: number, server: string): SqlError {
  const why: Record<number, string> = {
    40615: "Client with IP address '127.0.0.1' is not allowed to access the server.",
    40914: 'Client is not allowed to access the server.',
    47073: 'Deny Public Network Access is set to Yes.',
    42101: 'Deny Public Network Access is set to Yes.',
  };
  return error(
    number,
    14,
    `Cannot open server '${server}' requested by the login. ${why[number] ?? 'Scripted.'}`,
  );
}

const failed = (name: string) => error(18456, 14, `Login failed for user '${name}'.`);

/** A session, the refusal, or `closed` where no path leads to the server. */
export async function letIn(
  record: LoginRecord,
  world: World,
): Promise<Session | SqlError | 'closed'> {
  // `login@server`: what stands behind the last @ is taken for the name of a server, whatever it is.
  const behind = record.token === undefined ? /@([^@]*)$/.exec(record.user)?.[1] : undefined;
  const label = (behind ?? record.server).split('.')[0] ?? '';
  const server = world.sqlServers.get(label.toLowerCase());
  if (!server)
    return error(
      40532,
      20,
      `Cannot open server "${label}" requested by the login. The login failed.`,
    );
  if (server.closed === 'socket') return 'closed';
  if (server.closed !== undefined) return firewall(server.closed, server.name);
  const database = record.database === '' ? 'master' : record.database;
  if (key(database) !== 'master' && !server.databases.has(key(database)))
    return error(
      4060,
      11,
      `Cannot open database "${database}" requested by the login. The login failed.`,
    );
  return record.token === undefined
    ? byPassword(record, database, server)
    : await byToken(record.token, database, server, world);
}

function byPassword(
  { user, password }: LoginRecord,
  database: string,
  server: SqlServer,
): Session | SqlError {
  // `login@server` is the older spelling of the same login.
  const name = user.replace(/@[^@]*$/, '');
  const contained = server.user(database, name);
  const found = contained ?? server.login(name);
  if (!found || found.password !== password || server.entraOnly) return failed(name);
  if (!found.enabled)
    return error(18470, 14, `Login failed for user '${name}'. Reason: The account is disabled.`);
  const administrator = found === server.administrator;
  // A login needs a user in every database but master, and these have none.
  if (key(database) !== 'master' && !contained && !administrator) return failed(name);
  return { server, database, name: found.name, permissions: new Set(), administrator };
}

async function byToken(
  token: string,
  database: string,
  server: SqlServer,
  world: World,
): Promise<Session | SqlError> {
  const claims = await world.signer.read(token);
  const refused = failed('<token-identified principal>');
  if (typeof claims === 'string') return refused;
  const audience = String(claims.aud).replace(/\/$/, '');
  if (audience !== audiences.sql || claims.tid !== world.tenantId) return refused;
  const principal = world.principals.find(({ oid }) => oid === claims.oid);
  const permissions = principal && server.entraLogins.get(principal.oid);
  if (!principal || !permissions) return refused;
  return { server, database, name: principal.displayName, permissions, administrator: false };
}
