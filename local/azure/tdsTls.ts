/** TLS inside of TDS 7: its handshake travels in PRELOGIN packets, what comes after it does not [MS-TDS 2.2.6.5, 3.2.5.2]. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Packets, packets, TYPE } from './tdsWire.ts';

/**
 * The stream that TLS runs over: it wraps what goes out, and unwraps what comes in, until the client no longer wraps. With
 * TDS 8.0 it never does.
 */
export class Handshake extends Duplex {
  readonly #socket: Socket;
  readonly #packets = new Packets();
  #wrapped = true;
  #flight: Buffer[] = [];
  #onPrelogin: (() => void) | undefined;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.destroy());
    socket.on('end', () => this.push(null));
    socket.resume();
  }

  /** Waits for the client's own PRELOGIN and answers it. */
  async prelogin(reply: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#onPrelogin = resolve;
      this.once('close', () => reject(new Error('closed')));
    });
    this.#socket.write(packets(TYPE.reply, reply));
  }

  #receive(chunk: Buffer): void {
    try {
      this.#take(chunk);
    } catch {
      this.destroy(); // no TDS
    }
  }

  #take(chunk: Buffer): void {
    const begins = this.#packets.rest.length === 0;
    if (begins && chunk.readUInt8(0) !== TYPE.prelogin) this.#wrapped = false;
    if (!this.#wrapped) {
      this.push(chunk);
      return;
    }
    for (const { data } of this.#packets.feed(chunk)) {
      if (this.#onPrelogin) {
        this.#onPrelogin();
        this.#onPrelogin = undefined;
      } else this.push(data);
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.#wrapped) {
      this.#socket.write(chunk, done);
      return;
    }
    // Clients read one message for each that they sent, so one flight goes out as one message.
    this.#flight.push(chunk);
    if (this.#flight.length === 1) setImmediate(() => this.#flush());
    done();
  }

  #flush(): void {
    const flight = Buffer.concat(this.#flight.splice(0));
    if (!this.#socket.destroyed) this.#socket.write(packets(TYPE.prelogin, flight));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
