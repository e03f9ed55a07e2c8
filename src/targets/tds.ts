/**
 * SQL servers over TDS: a login tried, a statement run as Keyturn's identity. The token travels in the very first packet of
 * a login, so only hosts under the suffix of the cloud are dialled, over verified TLS (case SEC-02).
 */
import type { TokenCredential } from '@azure/identity';
import type { Connection, ConnectionConfiguration } from 'tedious';
import type { Cloud } from '../azure/cloud.ts';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import {
  ACCEPTED,
  type AnswerRow,
  answered,
  row,
  type ServerAnswer,
  tlsFault,
  wordsOf,
} from '../core/serverAnswer.ts';

/** Where a login is tried or a statement runs. */
export interface SqlPlace {
  /** As Resource Manager named it. */
  readonly host: string;
  readonly port: number;
  /** `master` for logins, the user's own for contained users. */
  readonly database: string;
}

export interface TdsApi {
  /** On a connection of its own, which is closed at once (case SQL-10). */
  login(place: SqlPlace, login: string, password: Secret): Promise<ServerAnswer>;
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

/** What an error number says of a login (azure-facts 5.3; 18470, 18486: learn, MSSQLSERVER_18456; 18487, 18488: sys.messages). */
const ANSWERS: Readonly<Record<number, AnswerRow>> = {
  18456: { password: 'wrong', mayPass: true },
  18470: row('right', 'off'),
  // "has expired", "must be changed": unverified on Azure SQL, which has no policy of that kind (azure-facts 5.2).
  ...of(row('right', 'expired'), [18487, 18488]),
  // A firewall, a rule of a virtual network, public access that is off.
  ...of(row('not asked', 'address'), [40615, 40914, 47073, 42101]),
  // Transient.
  ...of(row('not asked', 'busy'), [40613, 40197, 40501, 4060, 10928, 10929]),
  // Locked for a while by somebody's wrong guesses.
  ...of({ password: 'not asked', refusedFor: 'locked', mayPass: true }, [18486, 15113]),
  // The server asks for a later version of TLS.
  47072: row('not asked', 'no-tls'),
};
/** After one of these a statement was not run; 40197 may come behind one that was. */
const NOT_RUN: readonly number[] = [40501, 10928, 10929];
/** 15116, 15118 (unverified on Azure SQL); 40632 (unverified). */
const POLICY: readonly number[] = [15116, 15117, 15118, 40632];

function of(answer: AnswerRow, numbers: readonly number[]): Record<number, AnswerRow> {
  return Object.fromEntries(numbers.map((number) => [number, answer]));
}

const CONNECT_MILLISECONDS = 15_000;
const REQUEST_MILLISECONDS = 30_000;
/** A connection that breaks once is no closed path. */
const TRIES = 3;

export function tds({ cloud, credential, clock }: TdsOptions): TdsApi {
  const dial = async (
    place: SqlPlace,
    authentication: ConnectionConfiguration['authentication'],
  ) => {
    if (!place.host.endsWith(cloud.sqlSuffix.split(':')[0] ?? '')) {
      throw new KeyturnError('failed', { detail: 'Not a host of a SQL server of this cloud.' });
    }
    return await open(place, authentication, cloud.sqlStrict === true);
  };
  const asKeyturn = async <T>(
    place: SqlPlace,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> => {
    const token = await credential.getToken(`${cloud.sqlAudience}/.default`).catch(() => null);
    if (token === null)
      throw new BusyError('target-busy', {
        code: 'no-token',
        detail: 'No token for SQL could be had.',
      });
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
          return ACCEPTED;
        }
        const answer = answerOf(opened);
        if (!isWorthAnother(answer) || tried === TRIES) return answer;
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

/** Silence, or what passes by itself; of a lock and of a wrong password each try may make it worse. */
const isWorthAnother = ({ reached, refusedFor }: ServerAnswer): boolean =>
  !reached || refusedFor === 'busy';

interface Opened {
  readonly connection: Connection;
  /** Over when nothing is left open. */
  close(): Promise<void>;
}

/** Why no connection came about: numbers that the server sent, or the fault on the way where it sent none. */
interface NotOpened {
  readonly numbers: readonly number[];
  readonly error: unknown;
}

/** A new connection. tedious tells the number of an error in an event alone, not in the error (azure-facts 5.3). */
async function open(
  { host, port, database }: SqlPlace,
  authentication: ConnectionConfiguration['authentication'],
  strict: boolean,
): Promise<Opened | NotOpened> {
  const { Connection: TediousConnection } = await import('tedious');
  const connection = new TediousConnection(
    compact({
      server: host,
      authentication,
      options: {
        port,
        database,
        encrypt: strict ? 'strict' : true,
        trustServerCertificate: false,
        connectTimeout: CONNECT_MILLISECONDS,
        requestTimeout: REQUEST_MILLISECONDS,
        // It would send a login, token and all, again and again by itself.
        maxRetriesOnTransientErrors: 0,
        appName: 'keyturn',
      },
    }),
  );
  const ended = new Promise<void>((resolve) => connection.once('end', resolve)); // also where the server ends it
  const close = async () => {
    connection.close();
    await ended;
  };
  const numbers: number[] = [];
  connection.on('errorMessage', ({ number }: { number: number }) => numbers.push(number));
  connection.on('error', () => undefined); // comes beside the one that `connect` or the request is told
  const error = await new Promise<unknown>((resolve) => connection.connect(resolve));
  if (error === undefined) return { connection, close };
  connection.close();
  return { numbers, error };
}

/** The strongest that was said: a firewall's number comes alone, a database that is not there comes before 18456. */
function answerOf({ numbers, error }: NotOpened): ServerAnswer {
  const [number] = numbers;
  // Silence of a server that Azure names is a closed path more often than a server that is down.
  if (number === undefined)
    return (
      tlsFault(error) ?? {
        reached: false,
        tls: false,
        password: 'not asked',
        refusedFor: 'address',
      }
    );
  return answered(String(number), ANSWERS[number]);
}

/** Keyturn's own login came to nothing: no statement was sent. */
function notIn(opened: NotOpened, place: SqlPlace): KeyturnError {
  const { host } = place;
  const answer = answerOf(opened);
  const { password, refusedFor } = answer;
  const code = answer.code === undefined ? {} : { code: answer.code };
  const said = `${wordsOf(host, answer)}.`;
  if (refusedFor === 'address') return noPath([host], code);
  if (refusedFor === 'busy' || refusedFor === 'locked')
    return new BusyError('target-busy', {
      ...code,
      detail: `${host} cannot answer now (${answer.code}).`,
    });
  if (refusedFor === 'certificate' || refusedFor === 'name' || refusedFor === 'no-tls')
    return new KeyturnError('untrusted-server', { ...code, detail: said });
  if (password === 'not asked')
    return new KeyturnError('target-forbidden', { ...code, detail: said });
  const detail = `${host} does not let the identity of Keyturn in (${answer.code}): it needs a login there.`;
  return new KeyturnError('target-forbidden', { ...code, detail });
}

/** No path leads to these servers, which says nothing of any password. */
export function noPath(
  hosts: readonly string[],
  facts: { readonly code?: string } = {},
): KeyturnError {
  return new KeyturnError('no-path', {
    ...facts,
    detail: `No path leads from Keyturn to ${hosts.join(', ')}.`,
  });
}

/** The first row, empty where there is none. */
async function batch(
  connection: Connection,
  text: string,
  place: SqlPlace,
): Promise<readonly unknown[]> {
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
  if (ANSWERS[number]?.refusedFor === 'busy') return new UnknownOutcomeError('target-busy', facts);
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
  const { number } = (typeof first === 'object' && first !== null ? first : {}) as {
    number?: unknown;
  };
  return typeof number === 'number' ? number : undefined;
}
