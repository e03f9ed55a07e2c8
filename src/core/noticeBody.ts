/** A notice as it is written down: in a message, in a row, in an event. Strict, since whoever may write there is a stranger. */
import { z } from 'zod';
import { SECRET_NAME, VAULT_NAME, VERSION_ID } from './ids.ts';
import { mask } from './mask.ts';
import { NOTICE_TYPES, SEVERITIES } from './noticeTypes.ts';
import { cut, PLAIN, printable } from './plain.ts';
import { ACTORS, isReason, type Reason } from './reasons.ts';
import { scrub } from './scrub.ts';

/** Longest text of a notice: the few that wait in a secret's row must fit into one property of a table (32 Ki characters). */
export const TEXT_MAX = 1_000;
export const NAMES_MAX = 10;

const date = z
  .union([z.iso.datetime(), z.date().transform((on) => on.toISOString())])
  .transform((on) => new Date(on));
/** What a person or a service said, as `plain` leaves it; a list has lines. */
const text = z
  .string()
  .max(TEXT_MAX)
  .refine((given) => given.split('\n').every((line) => PLAIN.test(line)), {
    error: 'unprintable text',
  });
const word = z.string().max(256).regex(PLAIN);
const maybe = <T extends z.ZodType>(schema: T) => z.exactOptional(schema);
const reason = z.custom<Reason>((given) => typeof given === 'string' && isReason(given));
/** `*` where it is about many, or about none by itself. */
const orAll = (pattern: RegExp) => z.union([z.string().regex(pattern).lowercase(), z.literal('*')]);

/** The schema of `Notice` (`src/ports/notices.ts`). */
export const NoticeBody = z.strictObject({
  id: z.uuid(),
  type: z.enum(NOTICE_TYPES),
  severity: z.enum(SEVERITIES),
  on: date,
  instance: word,
  vault: orAll(VAULT_NAME),
  name: orAll(SECRET_NAME),
  reason: maybe(reason),
  detail: maybe(text),
  by: maybe(z.enum(ACTORS)),
  remedy: maybe(text),
  owner: maybe(word),
  kind: maybe(word),
  target: maybe(text),
  version: maybe(z.string().regex(VERSION_ID)),
  rotation: maybe(word),
  handle: maybe(word),
  operation: maybe(z.uuid()),
  dueOn: maybe(date),
  expiresOn: maybe(date),
  owedSince: maybe(date),
  consumer: maybe(text),
  count: maybe(z.number().int().min(1).max(1_000_000)),
  names: maybe(z.array(word).max(NAMES_MAX)),
});

/** The schema of `Delivery`: the message of the queue. */
export const DeliveryBody = z.strictObject({
  notice: NoticeBody,
  to: maybe(z.string().regex(/^[a-z0-9-]{1,40}$/)),
  tries: z.number().int().min(0).max(10_000),
});

/** A text as a notice may carry it: printable, cut, without what looks like a credential or was opened as one. */
export const tellable = (text: string): string => {
  const lines = text
    .slice(0, 4 * TEXT_MAX)
    .split('\n')
    .map((line) => mask(scrub(printable(line)), { versions: true }));
  return cut(lines.join('\n'), TEXT_MAX);
};

/** The same for a word, as an owner's name. */
export const tellableWord = (text: string): string =>
  cut(mask(scrub(printable(text)), { versions: true }), WORD_MAX);

const WORD_MAX = 256;
