/**
 * Bodies of requests (design section 5): with a length and at most 8 KiB, JSON, and parsed by a strict schema. The host
 * drops a body that comes in chunks before any function sees it (finding HST-01), so a body without a length is refused:
 * an empty one would be taken for consent to the defaults.
 */
import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';

export const BODY_BYTES_MAX = 8 * 1024;

/** The part of a request that its body is read from. */
export interface Incoming {
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/**
 * The text of the body; empty only where the sender announced none. Throws `length-required` for a body without a length,
 * `bad-request` for one that is too long, shorter or longer than announced, or no UTF-8. Reads no more than 8 KiB, and
 * nothing where the headers tell already.
 */
export async function readBody({ headers, body }: Incoming): Promise<string> {
  const announced = announcedBytes(headers);
  const bytes = await upTo(BODY_BYTES_MAX, body);
  if (announced === undefined && bytes.length > 0)
    throw lengthRequired('The body came without `content-length`.');
  if (bytes.length !== (announced ?? 0))
    throw badRequest(
      `The body has ${bytes.length} bytes, and content-length announces ${announced}.`,
    );
  if (!isUtf8(bytes)) throw badRequest('The body is not UTF-8.');
  return new TextDecoder().decode(bytes);
}

/** What the headers say of the length; undefined where they tell of no body at all. */
function announcedBytes(headers: Incoming['headers']): number | undefined {
  // Whatever follows: with it the host has dropped the body, also where a length stands beside it.
  if (headers.get('transfer-encoding') !== null)
    throw lengthRequired('The body came with `transfer-encoding`.');
  const length = headers.get('content-length');
  if (length === null) {
    const about = ['content-type', 'content-encoding'].find((name) => headers.get(name) !== null);
    if (about !== undefined)
      throw lengthRequired(`There is \`${about}\`, and no \`content-length\`.`);
    return undefined;
  }
  // Two lengths arrive as "5, 7"; a sign, a fraction or blanks are no length either (RFC 9110, 8.6).
  if (!/^\d{1,15}$/.test(length))
    throw badRequest('The header content-length is not one number of bytes.');
  if (Number(length) > BODY_BYTES_MAX) throw tooLarge();
  return Number(length);
}

/** The bytes of the body. Stops reading, and throws, once there are more than `max`. */
async function upTo(max: number, body: Incoming['body']): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    if (bytes > max) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The body as its schema has it; an empty one asks for nothing special. Throws `bad-request` naming what is wrong. */
export function parseBody<T>(body: string, schema: z.ZodType<T>): T {
  if (Buffer.byteLength(body) > BODY_BYTES_MAX) throw tooLarge();
  const parsed = schema.safeParse(body.trim() === '' ? {} : json(body));
  if (parsed.success) return parsed.data;
  throw badRequest(`${[...new Set(parsed.error.issues.map(said))].slice(0, 5).join('; ')}.`);
}

const tooLarge = (): KeyturnError => badRequest(`The body has more than ${BODY_BYTES_MAX} bytes.`);
const lengthRequired = (what: string): KeyturnError =>
  new KeyturnError('length-required', { detail: `${what} Nothing was done.` });
export const badRequest = (detail: string): KeyturnError =>
  new KeyturnError('bad-request', { detail });

function said(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const hint = issue.keys.includes('reason') ? ' (why you ask is said in "note")' : '';
    return `there is no field ${issue.keys.slice(0, 3).map(quote).join(', ')}${hint}`;
  }
  return issue.path.length === 0 ? 'the body must be a JSON object' : issue.message;
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest('The body is not JSON.');
    throw error;
  }
}
