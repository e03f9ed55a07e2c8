/** Whether the tags of a secret's owner would be taken: for whoever is about to write them. The same readers as a pass has, without a target. */
import type { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { consentLine } from '../core/grants.ts';
import { type SecretRef, type Tags, tagOf } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import { EXEMPT_TAG, readExemption } from '../tags/exempt.ts';
import { isOptedIn, readOptions } from '../tags/optIn.ts';
import { parsePolicy } from '../tags/policy.ts';
import { STATE_TAG, TAG_VALUE_MAX } from '../tags/state.ts';
import type { KindsBody } from './calls/listKinds.ts';

export { EXEMPT_TAG, STATE_TAG };

/** What `GET /api/kinds` says. */
export type KnownKinds = z.infer<typeof KindsBody>['kinds'];

/** Key Vault takes 15 (azure-facts 2.3); one is Keyturn's own. */
const TAGS_MAX = 15;
/** Options of the form, which every kind that reads a document knows. */
const OF_FORM = ['field', 'login-field'];
/** Where the options of a kind name what a consent gives in parentheses. */
const PARTS = ['logins', 'users', 'login', 'user'];

/**
 * What is wrong with the tags, each in a sentence that names the tag and what it takes; empty where a pass would read them.
 * What only the kind itself can tell (the shape of its target, values of its options) the next dry run tells.
 *
 * @param kinds of the instance; undefined where they cannot be asked for
 */
export function wrongTags(tags: Tags, kinds: KnownKinds | undefined): readonly string[] {
  const problems = [...sizes(tags)];
  const tried = (read: () => unknown) => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof KeyturnError)) throw error;
      problems.push(error.detail);
    }
  };
  tried(() => readExemption(tags));
  tried(() =>
    parsePolicy({ where: 'The tag rotator-policy', text: tagOf(tags, 'rotator-policy') }),
  );
  if (!isOptedIn(tags)) {
    if (tagOf(tags, EXEMPT_TAG) !== undefined && tagOf(tags, 'rotator') === undefined)
      problems.push(`The tag ${EXEMPT_TAG} counts beside rotator=none alone.`);
    return problems;
  }
  const target = (tagOf(tags, 'rotator-target') ?? '').trim();
  if (target === '')
    problems.push('The tag rotator-target is missing; it names the target by resource id.');
  tried(() => ofKind(tags, kinds));
  return problems;
}

function ofKind(tags: Tags, kinds: KnownKinds | undefined): void {
  const given = readOptions(tagOf(tags, 'rotator-options'));
  if (!kinds) return;
  const type = (tagOf(tags, 'rotator') ?? '').trim();
  const kind = kinds.find((each) => each.kind === type.toLowerCase());
  if (!kind)
    throw new KeyturnError('unknown-rotator', {
      detail: `The tag rotator is ${quote(type)}. Known: ${kinds.map((each) => each.kind).join(', ')}.`,
    });
  if (!kind.enabled)
    throw new KeyturnError('kind-off', {
      detail: `The rotator ${kind.kind} is not named in KEYTURN_ROTATORS.`,
    });
  const known = [...Object.keys((kind.options.properties ?? {}) as object), ...OF_FORM];
  const stranger = Object.keys(given).find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw new KeyturnError('bad-tags', {
      detail: `The tag rotator-options: ${quote(stranger)} is wrong: this kind has no such option; it knows ${known.join(', ')}.`,
    });
}

function sizes(tags: Tags): readonly string[] {
  const long = Object.entries(tags).filter(([, value]) => value.length > TAG_VALUE_MAX);
  const own = Object.keys(tags).some((name) => name.toLowerCase() === STATE_TAG) ? 0 : 1;
  const count = Object.keys(tags).length;
  return [
    ...long.map(([name]) => `The tag ${quote(name)} has more than ${TAG_VALUE_MAX} characters.`),
    ...(count + own > TAGS_MAX
      ? [`There would be ${count} tags; Key Vault takes ${TAGS_MAX}, of which Keyturn needs one.`]
      : []),
  ];
}

/**
 * The line by which the owner of the target gives it to the secret; undefined for tags that opt nothing in.
 *
 * @param parts what stands in parentheses; where the options name logins, those
 */
export function consentFor(
  secret: SecretRef,
  tags: Tags,
  parts: readonly string[],
): string | undefined {
  if (!isOptedIn(tags)) return undefined;
  const kind = (tagOf(tags, 'rotator') ?? '').trim().toLowerCase();
  const options = readOptions(tagOf(tags, 'rotator-options'));
  const named = PARTS.flatMap((name) => options[name]?.split(',') ?? []).map((each) => each.trim());
  const names = parts.length > 0 ? parts : named;
  return consentLine({ secret, kind, part: { names, always: true } });
}
