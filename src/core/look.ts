import { z } from 'zod';
import { SECRET_NAME, VAULT_NAME, VERSION_ID } from './ids.ts';

const lower = (pattern: RegExp) => z.string().regex(pattern).toLowerCase();

/**
 * "Look at this secret": the one message. Strict: what a person asked for stands in the operation's row, never here
 * (case SEC-05). Names are lower-cased.
 */
export const Look = z.strictObject({
  vault: lower(VAULT_NAME),
  name: lower(SECRET_NAME),
  version: lower(VERSION_ID).optional(),
  cause: z.enum(['event', 'http', 'sweep', 'again']),
  operation: z.uuid().optional(),
});
export type Look = z.infer<typeof Look>;
