/**
 * The tag `rotator-exempt`: why a secret is not rotated, and until when (design section 4, OPS-05). It counts beside
 * `rotator=none` alone. Grammar: `reason=…;until=2027-03-31;ticket=…`, values percent-encoded.
 */
import { addDays } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { type Tags, tagOf } from '../core/ids.ts';
import { quote } from '../core/quote.ts';

export const EXEMPT_TAG = 'rotator-exempt';

export interface Exemption {
  /** The owner's words: text of a stranger, to be quoted where it is shown. */
  readonly reason: string;
  /** From then on it has ended. */
  readonly until: Date;
  readonly ticket?: string;
}

const SHAPES = {
  reason: 'reason=<1 to 200 characters, percent-encoded>',
  until: 'until=<a day as 2027-03-31, or a time as 2027-03-31T10:00Z>',
  ticket: 'ticket=<1 to 64 letters, digits and #./:_->',
} as const;
const REASON_MAX = 200;
const TICKET = /^[\w#./:-]{1,64}$/;

/** Of a secret that is not opted in; undefined where it claims none. Throws `bad-tags` naming the part that is wrong. */
export function readExemption(tags: Tags): Exemption | undefined {
  const text = tagOf(tags, EXEMPT_TAG);
  if (text === undefined || (tagOf(tags, 'rotator') ?? '').trim().toLowerCase() !== 'none')
    return undefined;
  const parts = new Map<string, string>();
  for (const part of text.split(';').filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(at, 0)).trim().toLowerCase();
    if (!Object.hasOwn(SHAPES, key) || parts.has(key))
      throw wrong(part, 'reason, until and ticket, each once');
    const value = decoded(part.slice(at + 1).trim());
    if (value === undefined || !fits(key as keyof typeof SHAPES, value))
      throw wrong(part, SHAPES[key as keyof typeof SHAPES]);
    parts.set(key, value);
  }
  const [reason, until, ticket] = [parts.get('reason'), parts.get('until'), parts.get('ticket')];
  if (reason === undefined) throw lacks(SHAPES.reason);
  if (until === undefined) throw lacks(SHAPES.until);
  return compact({ reason, until: endOf(until) as Date, ticket });
}

function fits(key: keyof typeof SHAPES, value: string): boolean {
  if (key === 'reason') return value !== '' && value.length <= REASON_MAX && value.isWellFormed();
  return key === 'until' ? endOf(value) !== undefined : TICKET.test(value);
}

/** The end of a day, in UTC, or a time to the minute. A day that no calendar has is none. */
function endOf(text: string): Date | undefined {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::00)?Z)?$/i.exec(text) ?? [];
  if (day === undefined) return undefined;
  const on = new Date(`${day}T${time ?? '00:00'}Z`);
  if (Number.isNaN(on.getTime()) || !on.toISOString().startsWith(day)) return undefined;
  return time === undefined ? addDays(on, 1) : on;
}

const wrong = (part: string, expected: string): KeyturnError =>
  new KeyturnError('bad-tags', {
    detail: `The tag ${EXEMPT_TAG} has the part ${quote(part.trim())}; expected ${expected}.`,
  });

const lacks = (expected: string): KeyturnError =>
  new KeyturnError('bad-tags', { detail: `The tag ${EXEMPT_TAG} lacks ${expected}.` });

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
