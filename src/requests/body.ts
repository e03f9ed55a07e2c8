/** Bodies of requests: bounded, JSON, and parsed by a strict schema (design section 5). */
import type { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';

export const BODY_BYTES_MAX = 8 * 1024;

/** The body as its schema has it; an empty one asks for nothing special. Throws `bad-request` naming what is wrong. */
export function parseBody<T>(body: string, schema: z.ZodType<T>): T {
  if (Buffer.byteLength(body) > BODY_BYTES_MAX) throw tooLarge();
  const parsed = schema.safeParse(body.trim() === '' ? {} : json(body));
  if (parsed.success) return parsed.data;
  throw badRequest(`${[...new Set(parsed.error.issues.map(said))].slice(0, 5).join('; ')}.`);
}

export const tooLarge = (): KeyturnError => badRequest(`The body has more than ${BODY_BYTES_MAX} bytes.`);
export const badRequest = (detail: string): KeyturnError => new KeyturnError('bad-request', { detail });

function said(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no field ${issue.keys.slice(0, 3).map(quote).join(', ')}`;
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
