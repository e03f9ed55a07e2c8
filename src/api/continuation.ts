/** Where the next page of a list of secrets begins, as the callers of the API are given it. */
import { z } from 'zod';
import { SECRET_NAME, type SecretRef, VAULT_NAME } from '../core/ids.ts';
import { badRequest } from './body.ts';

const WRONG = 'continuation must be what an earlier answer gave';

export const CONTINUATION = z
  .string()
  .regex(/^[\w-]{1,256}$/, WRONG)
  .optional()
  .describe('Where the next page begins: `continuation` of the page before.');

/** Opaque to callers: the last secret shown, so that pages neither overlap nor skip while rows come and go. */
export const toContinuation = ({ vault, name }: SecretRef): string =>
  Buffer.from(`${vault}/${name}`).toString('base64url');

/**
 * Only what `toContinuation` makes is taken: names of the right form, in lower case, in their one spelling. Throws `bad-request` for
 * all else; undefined stays so.
 */
export function fromContinuation(text: string | undefined): SecretRef | undefined {
  if (text === undefined) return undefined;
  const [vault = '', name = '', ...rest] = Buffer.from(text, 'base64url')
    .toString('utf8')
    .split('/');
  const ref = { vault, name };
  const fits = rest.length === 0 && VAULT_NAME.test(vault) && SECRET_NAME.test(name);
  const lower = vault === vault.toLowerCase() && name === name.toLowerCase();
  if (!fits || !lower || toContinuation(ref) !== text) throw badRequest(`${WRONG}.`);
  return ref;
}
