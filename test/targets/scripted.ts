/** Servers that say what they are told to: for numbers that no server of Debian's packages gives (MySQL's own), and for orders of messages. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Certificates } from '../../local/azure/authority.ts';

export interface Scripted {
  readonly port: number;
  /** Passwords that came, in whatever shape: none may come before TLS stands. */
  readonly heard: Buffer[];
  stop(): Promise<void>;
}

async function listen(serve: (socket: Socket, heard: Buffer[]) => void): Promise<Scripted> {
  const heard: Buffer[] = [];
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket, heard);
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => void server.close(done));
    },
  };
}

/** @param first what came behind the request for TLS in one piece with it */
function secured(
  socket: Socket,
  { cert, key }: Certificates,
  first: Buffer = Buffer.alloc(0),
): TLSSocket {
  const under = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => void socket.write(chunk, () => done()),
    final: (done) => void socket.end(() => done()),
  });
  if (first.length > 0) under.push(first);
  socket.on('data', (chunk) => under.push(chunk));
  const stream = new TLSSocket(under, {
    isServer: true,
    secureContext: createSecureContext({ cert, key }),
  });
  stream.on('error', () => stream.destroy());
  return stream;
}

const packet = (serial: number, body: Buffer) =>
  Buffer.concat([Buffer.from([body.length & 255, body.length >> 8, 0, serial]), body]);
const failure = (number: number) =>
  Buffer.concat([
    Buffer.from([0xff, number & 255, number >> 8]),
    Buffer.from('#HY000said by the script'),
  ]);
const SSL_REQUEST_BYTES = 36;
const FINE = Buffer.from([0, 0, 0, 2, 0, 0, 0]);

/** MySQL's protocol as far as a login goes [dev.mysql.com: connection phase]. */
export function mysqlServer(
  certificates: Certificates,
  says: { readonly login?: number; readonly query?: number; readonly tls?: boolean },
): Promise<Scripted> {
  const flags = 0x1 | 0x200 | 0x8000 | 0x80000 | (says.tls === false ? 0 : 0x800);
  const greeting = Buffer.concat([
    Buffer.from('\x0a8.4.0\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('12345678\0'),
    Buffer.from([flags & 255, (flags >> 8) & 255, 45, 2, 0, (flags >> 16) & 255, flags >> 24, 21]),
    Buffer.alloc(10),
    Buffer.from('123456789012\0mysql_native_password\0'),
  ]);
  return listen((socket, heard) => {
    socket.write(packet(0, greeting));
    socket.once('data', (request: Buffer) => {
      const stream = secured(socket, certificates, request.subarray(SSL_REQUEST_BYTES));
      stream.once('data', (login: Buffer) => {
        heard.push(login);
        stream.write(packet(3, says.login === undefined ? FINE : failure(says.login)));
        stream.on('data', () => void stream.write(packet(1, failure(says.query ?? 1047))));
      });
    });
  });
}

const message = (type: string, body: Buffer) => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const authentication = (kind: number) => message('R', Buffer.from([0, 0, 0, kind]));
const fatal = (code: string, text: string) =>
  message('E', Buffer.from(`SFATAL\0C${code}\0M${text}\0\0`));

/** PostgreSQL's protocol as far as a login goes: what it says before it looks at the password, or behind it [manual: protocol flow]. */
export function postgresServer(
  certificates: Certificates,
  says: {
    readonly before?: string;
    readonly wrong?: string;
    readonly behind?: string;
    readonly text?: string;
    readonly tls?: boolean;
    /** Is told the start-up message. */
    readonly greeted?: (message: string) => void;
  },
): Promise<Scripted> {
  const { text = 'said by the script' } = says;
  return listen((socket, heard) => {
    socket.once('data', () => {
      if (says.tls === false) return void socket.write('N');
      socket.write('S');
      const stream = secured(socket, certificates);
      stream.once('data', (greeting: Buffer) => {
        says.greeted?.(greeting.toString('latin1'));
        if (says.before !== undefined) return void stream.end(fatal(says.before, text));
        stream.write(authentication(3));
        stream.once('data', (password: Buffer) => {
          heard.push(password);
          if (says.wrong !== undefined) return void stream.end(fatal(says.wrong, text));
          stream.write(authentication(0));
          stream.end(fatal(says.behind ?? 'XX000', text));
        });
      });
    });
  });
}
