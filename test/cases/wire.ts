/** Requests as bytes: what no HTTP client would send in this form. */
import { connect } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Sends these lines, an empty one and the body over a connection of their own; the first answer. */
export async function sendRaw(
  url: string,
  lines: readonly string[],
  body: string | readonly string[] = '',
): Promise<Reply> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let got = '';
  const ended = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (part) => {
      got += part.toString('latin1');
    });
  });
  socket.write(`${[...lines, 'Connection: close', '', ''].join('\r\n')}${[body].flat().join('')}`);
  await ended;
  const [head = '', ...rest] = got
    .replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
    .split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), text: rest.join('\r\n\r\n') };
}

/** A body in chunks, as `Transfer-Encoding: chunked` wants it. */
export const chunked = (...parts: readonly string[]): string =>
  [...parts, ''].map((part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`).join('');
