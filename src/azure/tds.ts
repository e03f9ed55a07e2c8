/**
 * SQL servers over TDS: a login tried, a statement run as Keyturn's identity. The token travels in the very first packet of
 * a login, so only hosts under the suffix of the cloud are dialled, over verified TLS (case SEC-02).
 */
import type { TokenCredential } from '@azure/identity';
import type { Connection, ConnectionConfiguration } from 'tedious';
import type { Clock } from '../core/clock.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { Cloud } from './cloud.ts';

/** Where a login is tried or a statement runs. */
export interface SqlPlace {
  /** As Resource Manager named it. */
  readonly host: string;
  readonly port: number;
  /** `master` for logins, the user's own for contained users. */
  readonly database: string;
}

/**
 * 'refused': the login or its password is wrong. 'disabled': the password is right. 'no-path': a firewall or the network,
 * which says nothing of the password (case SQL-11). 'busy': the server answers, and cannot say now.
 */
export type SqlLoginAnswer = 'accepted' | 'refused' | 'disabled' | 'no-path' | 'busy';

export interface TdsApi {
  /** On a connection of its own, which is closed at once (case SQL-10). */
  login(place: SqlPlace, login: string, password: Secret): Promise<SqlLoginAnswer>;
  /**
   * One plain batch as Keyturn's identity, sent once. Throws `BusyError` when it was not run, `UnknownOutcomeError` when it
   * may have been, a refusal when the server said no.
   */
  run(place: SqlPlace, statement: Secret): Promise<void>;
  /** The first row of a query of our own as Keyturn's identity; changes nothing. Throws `BusyError` or a refusal. */
  ask(place: SqlPlace, query: string): Promise<readonly unknown[]>;
}

export interface TdsOptions {
  readonly cloud: Pick<Cloud, 'sqlSuffix' | 'sqlAudience' | 'sqlStrict'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}

/** What an error number says of a login (azure-facts 5.3; 18470 and 18486: learn, MSSQLSERVER_18456). */
const ANSWERS: Readonly<Record<number, SqlLoginAnswer>> = {
  18456: 'refused',
  18470: 'disabled',
  ...of('no-path', [40615, 40914, 47073, 42101]),
  // Transient, or the login is locked for a while by somebody's wrong guesses.
  ...of('busy', [40613, 40197, 40501, 4060, 10928, 10929, 18486, 15113]),
};
/** After one of these a statement was not run; 40197 may come behind one that was. */
const NOT_RUN: readonly number[] = [40501, 10928, 10929];
/** 15116, 15118 (unverified on Azure SQL); 40632 (unverified). */
const POLICY: readonly number[] = [15116, 15117, 15118, 40632];

function of(answer: SqlLoginAnswer, numbers: readonly number[]): Record<number, SqlLoginAnswer> {
  return Object.fromEntries(numbers.map((number) => [number, answer]));
}

const CONNECT_MILLISECONDS = 15_000;
const REQUEST_MILLISECONDS = 30_000;
/** A connection that breaks once is no closed path. */
const TRIES = 3;

export function tds({ cloud, credential, clock }: TdsOptions): TdsApi {
  const dial = async (place: SqlPlace, authentication: ConnectionConfiguration['authentication']) => {
    if (!place.host.endsWith(cloud.sqlSuffix.split(':')[0] ?? '')) {
      throw new KeyturnError('failed', { detail: 'Not a host of a SQL server of this cloud.' });
    }
    return await open(place, authentication, cloud.sqlStrict === true);
  };
  const asKeyturn = async <T>(place: SqlPlace, work: (connection: Connection) => Promise<T>): Promise<T> => {
    const token = await credential.getToken(`${cloud.sqlAudience}/.default`).catch(() => null);
    if (token === null)
      throw new BusyError('target-busy', { code: 'no-token', detail: 'No token for SQL could be had.' });
    const type = 'azure-active-directory-access-token';
    const opened = await dial(place, { type, options: { token: token.token } });
    if (!('connection' in opened)) throw notIn(opened, place);
    try {
      return await work(opened.connection);
    } finally {
      await opened.close();
    }
  };
  return {
    async login(place, userName, password) {
      const options = { userName: withServer(userName, place), password: password.reveal() };
      const authentication = { type: 'default', options } as const;
      for (let tried = 1; ; tried += 1) {
        const opened = await dial(place, authentication);
        if ('connection' in opened) {
          await opened.close();
          return 'accepted';
        }
        const answer = answerOf(opened, place);
        if ((answer !== 'no-path' && answer !== 'busy') || opened.numbers.some(isFirewall) || tried === TRIES)
          return answer;
        await clock.sleep(tried * 1000);
      }
    },
    run: (place, statement) =>
      asKeyturn(place, async (connection) => {
        await batch(connection, statement.reveal(), place);
      }),
    ask: (place, query) =>
      asKeyturn(place, async (connection) => {
        try {
          return await batch(connection, query, place);
        } catch (error) {
          // Nothing was to be changed, so nothing can have been.
          if (!(error instanceof UnknownOutcomeError)) throw error;
          throw new BusyError('target-busy', { ...error.facts, detail: error.detail });
        }
      }),
  };
}

/** Azure takes what stands behind an @ for the name of a server (error 40532 otherwise; unverified), so it is given one. */
const withServer = (login: string, { host }: SqlPlace): string =>
  login.includes('@') ? `${login}@${host.split('.')[0]}` : login;

const isFirewall = (number: number): boolean => ANSWERS[number] === 'no-path';

interface Opened {
  readonly connection: Connection;
  /** Over when nothing is left open. */
  close(): Promise<void>;
}

/** Why no connection came about: numbers that the server sent; none where it sent nothing. */
interface NotOpened {
  readonly numbers: readonly number[];
}

/** A new connection. tedious tells the number of an error in an event alone, not in the error (azure-facts 5.3). */
async function open(
  { host, port, database }: SqlPlace,
  authentication: ConnectionConfiguration['authentication'],
  strict: boolean,
): Promise<Opened | NotOpened> {
  const { Connection: TediousConnection } = await import('tedious');
  const connection = new TediousConnection({
    server: host,
    ...(authentication ? { authentication } : {}),
    options: {
      ...{ port, database, encrypt: strict ? 'strict' : true, trustServerCertificate: false },
      ...{ connectTimeout: CONNECT_MILLISECONDS, requestTimeout: REQUEST_MILLISECONDS },
      // It would send a login, token and all, again and again by itself.
      maxRetriesOnTransientErrors: 0,
      appName: 'keyturn',
    },
  });
  const ended = new Promise<void>((resolve) => connection.once('end', resolve)); // also where the server ends it
  const close = async () => {
    connection.close();
    await ended;
  };
  const numbers: number[] = [];
  connection.on('errorMessage', ({ number }: { number: number }) => numbers.push(number));
  connection.on('error', () => undefined); // comes beside the one that `connect` or the request is told
  const failed = await new Promise<boolean>((resolve) => connection.connect((error) => resolve(error !== undefined)));
  if (!failed) return { connection, close };
  connection.close();
  return { numbers };
}

/** The strongest that was said: a firewall's number comes alone, a database that is not there comes before 18456. */
function answerOf({ numbers }: NotOpened, { host }: SqlPlace): SqlLoginAnswer {
  const [number] = numbers;
  if (number === undefined) return 'no-path';
  const answer = ANSWERS[number];
  if (answer !== undefined) return answer;
  throw new KeyturnError('failed', { code: String(number), detail: `${host} answered a login with error ${number}.` });
}

/** Keyturn's own login came to nothing: no statement was sent. */
function notIn(opened: NotOpened, place: SqlPlace): KeyturnError {
  const answer = answerOf(opened, place);
  const code = opened.numbers[0] === undefined ? {} : { code: String(opened.numbers[0]) };
  if (answer === 'busy') return new BusyError('target-busy', { ...code, detail: `${place.host} cannot answer now.` });
  if (answer === 'no-path') return noPath([place.host], code);
  const detail = `${place.host} does not let the identity of Keyturn in (18456): it needs a login there.`;
  return new KeyturnError('target-forbidden', { ...code, detail });
}

/** No path leads to these servers, which says nothing of any password. */
export function noPath(hosts: readonly string[], facts: { readonly code?: string } = {}): KeyturnError {
  return new KeyturnError('no-path', { ...facts, detail: `No path leads from Keyturn to ${hosts.join(', ')}.` });
}

/** The first row, empty where there is none. */
async function batch(connection: Connection, text: string, place: SqlPlace): Promise<readonly unknown[]> {
  const { Request } = await import('tedious');
  const rows: (readonly unknown[])[] = [];
  const error = await new Promise<unknown>((resolve) => {
    const request = new Request(text, resolve);
    request.on('row', (columns: readonly { readonly value: unknown }[]) =>
      rows.push(columns.map(({ value }) => value)),
    );
    // `execSql` would be `sp_executesql`, whose text no audit masks (case SQL-01).
    connection.execSqlBatch(request);
  });
  if (error !== null && error !== undefined) throw fromBatch(error, place);
  return rows[0] ?? [];
}

function fromBatch(error: unknown, { host }: SqlPlace): KeyturnError {
  const number = numberOf(error);
  if (number === undefined) {
    const detail = `The connection to ${host} was lost before the answer to a statement.`;
    return new UnknownOutcomeError('target-busy', { detail });
  }
  const facts = { code: String(number), detail: `${host} refused a statement (error ${number}).` };
  if (NOT_RUN.includes(number)) return new BusyError('target-busy', facts);
  if (ANSWERS[number] === 'busy') return new UnknownOutcomeError('target-busy', facts);
  if (POLICY.includes(number)) {
    const detail = `The target rejected the password (error ${number} of ${host}).`;
    return new KeyturnError('not-accepted', { ...facts, detail });
  }
  if (number !== 15151 && number !== 15247) return new KeyturnError('failed', facts);
  const detail = `${host} refused a statement (error ${number}): the login is not there, or Keyturn may not alter it.`;
  return new KeyturnError('target-forbidden', { ...facts, detail });
}

function numberOf(error: unknown): number | undefined {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const { number } = (typeof first === 'object' && first !== null ? first : {}) as { number?: unknown };
  return typeof number === 'number' ? number : undefined;
}
