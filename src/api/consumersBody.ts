/** How those are shown who read a secret: what was declared, what can be seen, and what came of each. Never a value. */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { plain } from '../core/plain.ts';
import { CONSUMER_STATES } from '../core/statuses.ts';
import type { Consumer, ConsumerLook, ConsumerResult } from '../ports/consumers.ts';

const date = z.iso.datetime();

/** What has come of one consumer since the current version was stored. */
export const ConsumerResultBody = z.strictObject({
  id: z.string().describe('The resource id.'),
  kind: z
    .string()
    .describe('`site`, `slot`, `api-management`, `container-app`; of any other resource its type.'),
  state: z
    .enum(CONSUMER_STATES)
    .describe(
      '`waiting`: its turn, its window or its own cycle is still to come. `asked`: called, and not seen to have read it yet. `pinned`: it names an older version and never follows. `no-reference`: declared, and names the secret in no place that can be seen. `unknown`: it follows by itself or not at all, nobody knows.',
    ),
  on: date.describe('When that was found.'),
  calledOn: date.optional().describe('When it was called last.'),
  nextOn: date.optional().describe('When it is looked at next.'),
  detail: z.string().optional(),
});

const ReferenceBody = z.strictObject({
  name: z.string(),
  pinnedTo: z.string().optional().describe('The version that it is pinned to: it never follows.'),
  status: z.string().optional().describe('A word of the platform.'),
  readOn: date.optional().describe('When the platform read it last, where it says so.'),
});

export const ConsumersBody = z.strictObject({
  vault: z.string(),
  secret: z.string(),
  asked: z.boolean().describe('False where nobody could be looked for: the detail says why.'),
  detail: z.string().optional(),
  consumers: z.array(
    z.strictObject({
      id: z.string().describe('The resource id.'),
      kind: z.string(),
      follows: z
        .enum(['when-called', 'by-itself', 'unknown'])
        .describe(
          'How its kind comes to a new value: by a call, by itself in a time that is known, or nobody knows.',
        ),
      cycleMinutes: z.int().optional().describe('Of `by-itself`: within so many minutes.'),
      restarts: z.boolean().optional().describe('A call restarts it.'),
      opensOn: date.optional().describe('Outside of its window now: when that opens.'),
      references: z.array(ReferenceBody).describe('Where it names the secret.'),
      detail: z.string().optional().describe('Why it could not be looked at.'),
      last: ConsumerResultBody.omit({ id: true, kind: true })
        .optional()
        .describe('What came of it for the current version.'),
    }),
  ),
});

export const consumerResultBody = ({ tries: _, detail, ...result }: ConsumerResult) =>
  compact({ ...result, detail: detail === undefined ? undefined : plain(detail) });

/** A consumer as a look of now or of a few minutes ago found it. */
export interface SeenConsumer {
  readonly consumer: Consumer;
  readonly look?: ConsumerLook;
  readonly detail?: string;
  readonly last?: ConsumerResult;
}

export function seenConsumerBody({ consumer, look, detail, last }: SeenConsumer) {
  const { id: _, kind: __, ...came } = last ? consumerResultBody(last) : { id: '', kind: '' };
  return compact({
    ...consumer,
    opensOn: look?.opensOn,
    references: (look?.references ?? []).map(({ name, pinnedTo, status, readOn }) =>
      compact({ name: plain(name), pinnedTo, status, readOn }),
    ),
    detail: detail === undefined ? undefined : plain(detail),
    last: last ? came : undefined,
  });
}
