/** All that the vault could refuse later is found out before the target is touched. */
import { KeyturnError } from '../../core/errors.ts';
import type { Tags } from '../../core/ids.ts';
import { quote } from '../../core/quote.ts';
import { Secret } from '../../core/secret.ts';
import { soonestHours } from '../../tags/policy.ts';
import { change, STATE_TAG, TAG_VALUE_MAX, withState } from '../../tags/state.ts';
import { baseState } from '../observe/observation.ts';
import type { Rotate } from '../step.ts';
import type { Acting } from './acting.ts';

/** Limits of Key Vault (azure-facts 2.3). */
const TAGS_MAX = 15;
const CONTENT_TYPE_MAX = 255;
const VALUE_BYTES_MAX = 25_600;
/** Of kinds that do not say how long theirs are: keys of services have up to 88 characters, and some room beside (unverified). */
const CREDENTIAL_LENGTH = 128;

/**
 * Throws `too-large`, and what keeps the slot from ever opening with a new credential (finding SRV-01). Asks nobody, so that a
 * request can be judged by it before it is accepted. Of the tags only our own are measured: how long an owner's may be the
 * vault says, which has taken them once, when the rotation is marked (finding COR-05).
 */
export function preflight(step: Rotate, { seen, deps }: Pick<Acting, 'seen' | 'deps'>): void {
  const { current, observed, opened, optIn, tgt, target: facts } = seen;
  const slot = step.source.kind === 'issue' ? step.source.slot : undefined;
  const blocked = slot === undefined ? undefined : facts.blocked?.get(slot);
  if (blocked) throw new KeyturnError(blocked.reason, { detail: blocked.detail });
  const lives = slot === undefined ? undefined : facts.livesHours?.get(slot);
  const youngHours = soonestHours(seen.policy);
  if (lives !== undefined && lives <= youngHours)
    throw new KeyturnError('login-blocked', {
      detail: `The server ends a new password of slot ${slot} after ${lives} h, and none is replaced before ${youngHours} h: lengthen its lifetime (PASSWORD EXPIRE INTERVAL), or shorten the grace.`,
    });
  const longest = change(baseState(seen), {
    tgt,
    cred: observed.live ?? 'x'.repeat(36),
    rot: step.rotation,
    after: deps.clock.now(),
    proved: '00000000',
    started: step.rotation,
    revoked: true,
  });
  const tags = withState(current.tags, longest);
  if (Object.keys(tags).length > TAGS_MAX) {
    throw tooLarge(
      `The secret has ${Object.keys(current.tags).length} tags; Keyturn adds ${STATE_TAG}, and ${TAGS_MAX} are the limit.`,
    );
  }
  if ((current.contentType ?? '').length > CONTENT_TYPE_MAX)
    throw tooLarge(`The content type has more than ${CONTENT_TYPE_MAX} characters.`);
  // Measured with what the kind really makes; a key may be longer than the one it replaces. With each login that may come
  // beside it, since not every connection string takes every name.
  const { rotator, target } = optIn;
  const length =
    rotator.longest ?? Math.max(CREDENTIAL_LENGTH, observed.placeholder ? 0 : opened.bare.bytes);
  const logins = rotator.overlap === 'two-slots' ? target.logins : undefined;
  for (const login of logins ?? [undefined]) {
    const filled = opened.fill(new Secret('x'.repeat(length)), login);
    if (filled.bytes > VALUE_BYTES_MAX)
      throw tooLarge(`The value would have more than ${VALUE_BYTES_MAX} bytes.`);
  }
}

/** What the vault said to our mark, where an owner's tag is as long as some vaults take none: that, by the name of the tag. */
export function refusedTags(error: unknown, tags: Tags): unknown {
  if (!(error instanceof KeyturnError) || error.facts.status !== 400) return error;
  const long = Object.entries(tags).find((tag) => tag.some((text) => text.length > TAG_VALUE_MAX));
  if (!long) return error;
  return tooLarge(
    `The vault refuses the tag ${quote(long[0])}, whose value has ${long[1].length} characters.`,
  );
}

const tooLarge = (detail: string): KeyturnError => new KeyturnError('too-large', { detail });
