/**
 * One POST to an address that an operator named: https alone, no redirect followed, no address of an inner network unless the
 * setting names it, and of the answer nothing but its status. Addresses are credentials: nothing here is logged.
 */
import dns from 'node:dns';
import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { mayBeAt } from '../core/notify.ts';
import type { Secret } from '../core/secret.ts';
import { NotTaken } from './notTaken.ts';

const ANSWER_MILLISECONDS = 10_000;

export interface Post {
  readonly url: Secret;
  /** Private addresses and ranges that the setting names. */
  readonly allow: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Resolves when the receiver has taken it (2xx); throws `NotTaken` otherwise. */
export async function post({ url: secret, allow, headers = {}, body }: Post): Promise<void> {
  const url = new URL(secret.reveal());
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !mayBeAt(host, allow)) throw inner();
  const answer = await new Promise<{ status: number; retryAfter: string | undefined }>(
    (resolve, reject) => {
      const sent = request(
        url,
        {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...headers,
            'content-length': Buffer.byteLength(body),
          },
          lookup: outerOnly(allow),
          // One of its own: a pool would keep a connection to where the name led before.
          agent: false,
          signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
        },
        (response) => {
          const { statusCode: status = 0, headers: given } = response;
          response.destroy(); // whatever it says is nobody's business
          resolve({ status, retryAfter: given['retry-after'] });
        },
      );
      sent.once('error', (error: NodeJS.ErrnoException) =>
        reject(error instanceof NotTaken ? error : unanswered(error)),
      );
      sent.end(body);
    },
  );
  if (answer.status >= 200 && answer.status < 300) return;
  throw refused(answer.status, answer.retryAfter);
}

/** Resolves names as the system does, and answers no address that the sink may not be at: what is checked is what is dialled. */
const outerOnly =
  (allow: readonly string[]): LookupFunction =>
  (name, options, callback) => {
    dns.lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 4);
      const outer = found.filter(({ address }) => mayBeAt(address, allow));
      const [first] = outer;
      // One of many would be enough to be led inside: a name that has an inner address is refused as a whole.
      if (!first || outer.length < found.length) return callback(inner(), '', 4);
      if (options.all) return callback(null, outer);
      return callback(null, first.address, first.family);
    });
  };

const inner = (): NotTaken =>
  new NotTaken('its address is a private one, which `allow` of the sink does not name', {
    final: true,
  });

const CODE = /^[A-Z_0-9]{3,40}$/;
const unanswered = ({ code, name }: NodeJS.ErrnoException): NotTaken =>
  new NotTaken(
    name === 'AbortError' || name === 'TimeoutError'
      ? 'no answer in time'
      : CODE.test(code ?? '')
        ? String(code)
        : 'no answer',
  );

/** What another try of the same will not change. A wrong or missing address may be mended: that is tried again. */
const FINAL = [400, 405, 410, 411, 413, 415, 422];

export function refused(status: number, retryAfter: string | undefined): NotTaken {
  const seconds = Number(retryAfter);
  const wait = seconds > 0 && seconds <= 86_400 ? { retryAfterSeconds: seconds } : {};
  const said =
    status >= 300 && status < 400 ? `${status}, a redirect, which is not followed` : `${status}`;
  return new NotTaken(said, { ...wait, final: FINAL.includes(status) });
}
