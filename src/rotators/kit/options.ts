/** The tag `rotator-options` by what a kind says it takes: the one place that parses it. */
import type { z } from 'zod';
import { KeyturnError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';

/**
 * Throws `bad-tags`, naming tag and key, and for a key that the kind does not have those that it has.
 *
 * @param options split and decoded
 */
export function parseOptions<Schema extends z.ZodObject>(
  schema: Schema,
  options: Readonly<Record<string, string>>,
): z.infer<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const stranger = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const known = Object.keys(schema.shape).map((key) => `\`${key}\``);
  const what =
    stranger === undefined
      ? (issue?.message ?? 'it does not parse')
      : `this kind has no such option; it ${known.length === 0 ? 'takes none' : `knows ${known.join(', ')}`}`;
  const key = quote(stranger ?? String(issue?.path[0]));
  throw new KeyturnError('bad-tags', {
    detail: `The tag rotator-options: ${key} is wrong: ${what}.`,
  });
}
