/** Messages of the work queue. Whoever may add to the queue sends hints, not orders (case SEC-05). */

import { Look } from '../../core/look.ts';
import { quote } from '../../core/quote.ts';
import { contentOf } from './message.ts';
import type { NoLook } from './skip.ts';

/**
 * A look, strictly: one key more and the message is refused, since orders stand in the operation's row alone. Takes the
 * message as it lies in the queue, its text, or the object made of it. The vault is judged by the pass.
 */
export function fromQueue(message: unknown): Look | NoLook {
  const parsed = Look.safeParse(contentOf(message));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys : issue.path,
  );
  // Field names only: a message may hold anything, a value included.
  const named = [...new Set(fields.map(String))].slice(0, 5).map(quote);
  return {
    skip: 'bad-request',
    detail: `message is not a look: ${named.join(', ') || 'no object'}`,
  };
}
