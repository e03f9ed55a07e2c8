/**
 * TDS on the wire [MS-TDS]: packets, the login record, the tokens of an answer. Only what a login and a plain batch need.
 */
const HEADER = 8;
const PACKET_MAX = 4096;
const END_OF_MESSAGE = 0x01;

export const TYPE = {
  batch: 0x01,
  rpc: 0x03,
  reply: 0x04,
  attention: 0x06,
  login7: 0x10,
  prelogin: 0x12,
} as const;

export interface Message {
  type: number;
  data: Buffer;
}

/** Gathers packets into messages. */
export class Packets {
  #rest = Buffer.alloc(0);
  #parts: Buffer[] = [];

  /** The messages that this piece completes. */
  feed(chunk: Buffer): Message[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const messages: Message[] = [];
    while (this.#rest.length >= HEADER) {
      const length = this.#rest.readUInt16BE(2);
      if (length < HEADER) throw new Error('not TDS');
      if (this.#rest.length < length) break;
      this.#parts.push(this.#rest.subarray(HEADER, length));
      const type = this.#rest.readUInt8(0);
      const last = (this.#rest.readUInt8(1) & END_OF_MESSAGE) !== 0;
      this.#rest = this.#rest.subarray(length);
      if (last) messages.push({ type, data: Buffer.concat(this.#parts.splice(0)) });
    }
    return messages;
  }

  /** What came behind the last whole packet. */
  get rest(): Buffer {
    return this.#rest;
  }
}

/** A message as packets. */
export function packets(type: number, data: Buffer): Buffer {
  const size = PACKET_MAX - HEADER;
  const count = Math.max(1, Math.ceil(data.length / size));
  const all = Array.from({ length: count }, (_, at) => {
    const part = data.subarray(at * size, (at + 1) * size);
    const header = Buffer.alloc(HEADER);
    header.writeUInt8(type, 0);
    header.writeUInt8(at === count - 1 ? END_OF_MESSAGE : 0, 1);
    header.writeUInt16BE(part.length + HEADER, 2);
    header.writeUInt8((at + 1) % 256, 6);
    return Buffer.concat([header, part]);
  });
  return Buffer.concat(all);
}

const ENCRYPTION = 0x01;
const FEDAUTH_REQUIRED = 0x06;
const TERMINATOR = 0xff;
const REQUIRED = 0x03;

/** The answer to PRELOGIN: encryption is required, and a token may be echoed as such [MS-TDS 2.2.6.5]. */
export function preloginReply(): Buffer {
  const options: [number, Buffer][] = [
    [0x00, Buffer.from([12, 0, 0x07, 0xd0, 0, 0])],
    [ENCRYPTION, Buffer.from([REQUIRED])],
    [FEDAUTH_REQUIRED, Buffer.from([0x01])],
  ];
  let at = options.length * 5 + 1;
  const heads = options.map(([token, data]) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(token, 0);
    head.writeUInt16BE(at, 1);
    head.writeUInt16BE(data.length, 3);
    at += data.length;
    return head;
  });
  return Buffer.concat([...heads, Buffer.from([TERMINATOR]), ...options.map(([, data]) => data)]);
}

export interface LoginRecord {
  tdsVersion: number;
  user: string;
  password: string;
  /** The host that the client means to reach. */
  server: string;
  database: string;
  /** An Entra token: it stands in the very first packet of the client (case SEC-02). */
  token: string | undefined;
}

/** LOGIN7 [MS-TDS 2.2.6.4]. */
export function readLogin(data: Buffer): LoginRecord {
  const field = (at: number) =>
    data.subarray(data.readUInt16LE(at), data.readUInt16LE(at) + 2 * data.readUInt16LE(at + 2));
  const extended = (data.readUInt8(27) & 0x10) !== 0;
  return {
    tdsVersion: data.readUInt32LE(4),
    user: field(40).toString('ucs2'),
    password: unscrambled(field(44)),
    server: field(52).toString('ucs2'),
    database: field(68).toString('ucs2'),
    token: extended ? tokenIn(data.subarray(data.readUInt32LE(data.readUInt16LE(56)))) : undefined,
  };
}

/** Each byte: turned over in halves, then XOR 0xA5 [MS-TDS 2.2.6.4]. */
function unscrambled(bytes: Buffer): string {
  return Buffer.from(
    bytes.map((byte) => (((byte ^ 0xa5) & 0x0f) << 4) | ((byte ^ 0xa5) >> 4)),
  ).toString('ucs2');
}

const FEDAUTH = 0x02;
const SECURITY_TOKEN = 0x01;

function tokenIn(features: Buffer): string | undefined {
  for (let at = 0; features.readUInt8(at) !== TERMINATOR; at += 5 + features.readUInt32LE(at + 1)) {
    if (features.readUInt8(at) !== FEDAUTH) continue;
    const data = features.subarray(at + 5, at + 5 + features.readUInt32LE(at + 1));
    if (data.readUInt8(0) >> 1 === SECURITY_TOKEN)
      return data.subarray(5, 5 + data.readUInt32LE(1)).toString('ucs2');
  }
  return undefined;
}

/** The text of a plain batch, behind its headers. */
export const batchText = (data: Buffer): string =>
  data.subarray(data.readUInt32LE(0)).toString('ucs2');

export interface SqlError {
  number: number;
  state?: number;
  /** 14: the login; 16: the statement; 20 and more end the connection. */
  class: number;
  message: string;
}

const short = (text: string) =>
  Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'ucs2')]);
const sized = (token: number, data: Buffer) => {
  const head = Buffer.alloc(3);
  head.writeUInt8(token, 0);
  head.writeUInt16LE(data.length, 1);
  return Buffer.concat([head, data]);
};

export function errorToken(
  { number, state = 1, class: severity, message }: SqlError,
  server: string,
): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32LE(number, 0);
  head.writeUInt8(state, 4);
  head.writeUInt8(severity, 5);
  head.writeUInt16LE(message.length, 6);
  const line = Buffer.from([1, 0, 0, 0]);
  return sized(
    0xaa,
    Buffer.concat([head, Buffer.from(message, 'ucs2'), short(server), short(''), line]),
  );
}

export const DONE = { ok: 0x0000, more: 0x0001, error: 0x0002, attention: 0x0020 } as const;

export function doneToken(status: number): Buffer {
  const done = Buffer.alloc(13);
  done.writeUInt8(0xfd, 0);
  done.writeUInt16LE(status, 1);
  return done;
}

/** One row of nullable integers: COLMETADATA with INTN columns, and ROW (MS-TDS 2.2.7.4, 2.2.7.19). */
export function intRow(columns: Readonly<Record<string, number | null>>): Buffer {
  const names = Object.keys(columns);
  const count = Buffer.from([0x81, names.length, 0]);
  // User type, flags (nullable), INTN of four bytes, name.
  const about = names.map((name) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0, 0x01, 0, 0x26, 4]), short(name)]),
  );
  const values = Object.values(columns).map((value) => {
    if (value === null) return Buffer.from([0]);
    const data = Buffer.alloc(5);
    data.writeUInt8(4, 0);
    data.writeInt32LE(value, 1);
    return data;
  });
  return Buffer.concat([count, ...about, Buffer.from([0xd1]), ...values]);
}

/** What a login is answered with: database, version, and for a token that it was taken. */
export function loginReply({ tdsVersion, token }: LoginRecord, database: string): Buffer {
  const version = Buffer.alloc(5);
  version.writeUInt8(1, 0);
  version.writeUInt32BE(tdsVersion, 1);
  const change = Buffer.concat([Buffer.from([1]), short(database), short('master')]);
  const features =
    token === undefined ? [] : [Buffer.from([0xae, FEDAUTH, 0, 0, 0, 0, TERMINATOR])];
  return Buffer.concat([
    sized(0xe3, change),
    sized(
      0xad,
      Buffer.concat([version, short('Microsoft SQL Server'), Buffer.from([12, 0, 0x07, 0xd0])]),
    ),
    ...features,
    doneToken(DONE.ok),
  ]);
}
