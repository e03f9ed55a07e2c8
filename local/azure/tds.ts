/**
 * The TDS endpoint of all SQL servers of the tenant: TLS before the first packet (TDS 8.0, `encrypt: 'strict'`) or inside of
 * PRELOGIN packets (`encrypt: true`), never without. Logins and plain batches; no result sets, since nobody asks for one.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Certificates } from './authority.ts';
import { openCall } from './calls.ts';
import type { Step } from './faults.ts';
import type { RouteInfo } from './service.ts';
import { letIn } from './tdsLogin.ts';
import { Handshake } from './tdsTls.ts';
import {
  batchText,
  DONE,
  doneToken,
  errorToken,
  intRow,
  type LoginRecord,
  loginReply,
  type Message,
  Packets,
  packets,
  preloginReply,
  readLogin,
  type SqlError,
  TYPE,
} from './tdsWire.ts';
import { runBatch, runQuery, type Session, StatementError } from './tsql.ts';
import { wait } from './waiting.ts';
import type { World } from './world.ts';

const protocol = 'https://learn.microsoft.com/openspecs/windows_protocols/ms-tds';
const alter = 'https://learn.microsoft.com/sql/t-sql/statements/alter-login-transact-sql';

/** A step's `code` is the number of the error; `body` means nothing here, and `status` that it is one. */
export const tdsRoutes: RouteInfo[] = [
  {
    name: 'tds.login',
    method: 'LOGIN7',
    path: /^/,
    write: false,
    action: '',
    source: 'documented',
    reference: protocol,
  },
  {
    name: 'tds.query',
    method: 'QUERY',
    path: /^/,
    write: false,
    action: '',
    source: 'documented',
    reference: 'https://learn.microsoft.com/sql/t-sql/functions/has-perms-by-name-transact-sql',
  },
  {
    name: 'tds.batch',
    method: 'BATCH',
    path: /^/,
    write: true,
    action: '',
    source: 'documented',
    reference: alter,
  },
];

export interface TdsEndpoint {
  port: number;
  stop(): Promise<void>;
}

/** Starts the endpoint on a free port; servers are told apart by the name in the login, as Azure's gateway does. */
export async function listenTds(
  world: World,
  { cert, key }: Certificates,
  onProblem: (error: unknown) => void,
): Promise<TdsEndpoint> {
  // Inside of TDS 7 as Azure has it, where tedious goes no further either.
  const contexts = {
    strict: createSecureContext({ cert, key }),
    inside: createSecureContext({ cert, key, maxVersion: 'TLSv1.2' }),
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // the client went away
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      secured(socket, first.readUInt8(0), contexts).then(
        (stream) => stream && serve(stream, world, onProblem),
        () => socket.destroy(),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const TLS_HANDSHAKE = 0x16;
type Contexts = Record<'strict' | 'inside', SecureContext>;

/** The stream inside of TLS, however the client begins it; undefined for one that speaks something else. */
async function secured(
  socket: Socket,
  first: number,
  contexts: Contexts,
): Promise<Duplex | undefined> {
  if (first !== TLS_HANDSHAKE && first !== TYPE.prelogin) {
    socket.destroy();
    return undefined;
  }
  const handshake = new Handshake(socket);
  if (first === TLS_HANDSHAKE)
    return new TLSSocket(handshake, {
      isServer: true,
      secureContext: contexts.strict,
      ALPNProtocols: ['tds/8.0'],
    });
  await handshake.prelogin(preloginReply());
  return new TLSSocket(handshake, { isServer: true, secureContext: contexts.inside });
}

/** One connection: messages one after another, until either side ends it. */
function serve(stream: Duplex, world: World, onProblem: (error: unknown) => void): void {
  const connection = new Connection(stream, world);
  const reader = new Packets();
  let last: Promise<void> = Promise.resolve();
  stream.on('error', () => stream.destroy());
  stream.on('close', () => connection.closed());
  stream.on('data', (chunk: Buffer) => {
    try {
      for (const message of reader.feed(chunk)) last = last.then(() => connection.answer(message));
    } catch {
      stream.destroy(); // what is no TDS gets no answer
    }
    last = last.catch((error: unknown) => {
      onProblem(error);
      stream.destroy();
    });
  });
}

class Connection {
  readonly #stream: Duplex;
  readonly #world: World;
  #session: Session | undefined;

  constructor(stream: Duplex, world: World) {
    this.#stream = stream;
    this.#world = world;
  }

  closed(): void {
    if (this.#session) this.#session.server.open -= 1;
    this.#session = undefined;
  }

  async answer({ type, data }: Message): Promise<void> {
    if (type === TYPE.prelogin) return this.#reply(preloginReply());
    if (type === TYPE.login7) return await this.#login(readLogin(data));
    if (type === TYPE.attention) return this.#reply(doneToken(DONE.attention));
    if (type === TYPE.batch && this.#session)
      return await this.#batch(batchText(data), this.#session);
    if (type === TYPE.rpc && this.#session) this.#note('rpc', data.toString('ucs2'), this.#session);
    this.#stream.destroy();
  }

  async #login(record: LoginRecord): Promise<void> {
    const host = `${record.server.toLowerCase()}:${this.#world.tdsPort}`;
    const entry = openCall(
      this.#world.calls,
      this.#call('tds.login', 'LOGIN7', host, record.database),
    );
    const step = this.#world.faults.take('tds.login', { body: '', host });
    if (step?.delayMs) await wait(step.delayMs, this.#world.stopping);
    if (step?.drop) return this.#drop();
    if (step?.code) return this.#refuse(scripted(step), record.server);
    const answer = await letIn(record, this.#world);
    if (answer === 'closed') return this.#drop();
    if ('number' in answer) {
      entry.status = answer.number;
      return this.#refuse(answer, record.server);
    }
    entry.status = 200;
    entry.principal = answer.name;
    this.#session = answer;
    answer.server.opened += 1;
    answer.server.open += 1;
    this.#reply(loginReply(record, answer.database));
  }

  async #batch(text: string, session: Session): Promise<void> {
    if (/^\s*set /i.test(text)) return this.#run(text, session); // what every client sends first
    if (/^SELECT /.test(text)) return await this.#query(text, session);
    this.#note('batch', text, session);
    const host = `${session.server.name.toLowerCase()}.database.keyturn.localhost:${this.#world.tdsPort}`;
    const entry = openCall(
      this.#world.calls,
      this.#call('tds.batch', 'BATCH', host, session.database),
    );
    entry.principal = session.name;
    const step = this.#world.faults.take('tds.batch', { body: text, host });
    if (step?.delayMs) await wait(step.delayMs, this.#world.stopping);
    const run = () => {
      runBatch(text, session);
      entry.applied = true;
    };
    if (step?.lateMs !== undefined) {
      this.#world.later(wait(step.lateMs, this.#world.stopping).then(run));
      return this.#drop();
    }
    if (step?.commit) run();
    if (step?.drop) return this.#drop();
    if (step?.code || step?.status) return this.#refuse(scripted(step), session.server.name);
    this.#run(text, session, run);
  }

  async #query(text: string, session: Session): Promise<void> {
    const host = `${session.server.name.toLowerCase()}.database.keyturn.localhost:${this.#world.tdsPort}`;
    const entry = openCall(
      this.#world.calls,
      this.#call('tds.query', 'QUERY', host, session.database),
    );
    entry.principal = session.name;
    const step = this.#world.faults.take('tds.query', { body: text, host });
    if (step?.drop) return this.#drop();
    if (step?.code || step?.status) return this.#refuse(scripted(step), session.server.name);
    try {
      this.#reply(Buffer.concat([intRow(runQuery(text, session)), doneToken(DONE.ok)]));
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      this.#reply(
        Buffer.concat([errorToken(error.sql, session.server.name), doneToken(DONE.error)]),
      );
    }
  }

  #run(text: string, session: Session, run = () => runBatch(text, session)): void {
    try {
      run();
      this.#reply(doneToken(DONE.ok));
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      this.#reply(
        Buffer.concat([errorToken(error.sql, session.server.name), doneToken(DONE.error)]),
      );
    }
  }

  #note(kind: 'batch' | 'rpc', text: string, { server, name, database }: Session): void {
    server.statements.push({ kind, by: name, database, text });
  }

  #call(route: string, method: string, host: string, database: string) {
    const found = tdsRoutes.find(({ name }) => name === route);
    return {
      route,
      method,
      host,
      path: `/${database}`,
      principal: undefined,
      write: found?.write ?? false,
      action: '',
    };
  }

  #refuse(error: SqlError, server: string): void {
    this.#reply(Buffer.concat([errorToken(error, server), doneToken(DONE.error)]));
    if (error.class >= 20 || !this.#session) this.#stream.end();
  }

  #drop(): void {
    this.#stream.destroy();
  }

  #reply(data: Buffer): void {
    this.#stream.write(packets(TYPE.reply, data));
  }
}

/** An echo has no code: it becomes an error of the user's own making. */
const scripted = ({ code = '50000', message = 'Scripted by the stand-in.' }: Step): SqlError => ({
  number: Number(code),
  class: 16,
  message,
});
