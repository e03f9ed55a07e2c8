/** All that the vault could refuse later is found out before the target is touched. */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { Secret } from '../core/secret.ts';
import type { Acting } from './context.ts';
import { baseState } from './observe.ts';
import { change, STATE_TAG, TAG_VALUE_MAX, withState } from './state.ts';
import type { Rotate } from './types.ts';

/** Limits of Key Vault (azure-facts 2.3). */
const TAGS_MAX = 15;
const CONTENT_TYPE_MAX = 255;
const VALUE_BYTES_MAX = 25_600;
/** Longer than any credential that a rotator issues. */
const CREDENTIAL_LENGTH = 512;

/** Throws `too-large`, and what keeps the slot from ever opening with a new credential (finding SRV-01). Asks nobody, so that a request can be judged by it before it is accepted. */
export function preflight(step: Rotate, { seen, deps }: Pick<Acting, 'seen' | 'deps'>): void {
  const { current, observed, opened, optIn, tgt, target: state } = seen;
  const slot = step.source.kind === 'issue' ? step.source.slot : undefined;
  const blocked = slot === undefined ? undefined : state.blocked?.get(slot);
  if (blocked) throw new KeyturnError(blocked.reason, { detail: blocked.detail });
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
  for (const [name, value] of Object.entries(tags)) {
    if (name.length > TAG_VALUE_MAX || value.length > TAG_VALUE_MAX) {
      throw tooLarge(`The tag ${quote(name)} has more than ${TAG_VALUE_MAX} characters.`);
    }
  }
  if ((current.contentType ?? '').length > CONTENT_TYPE_MAX)
    throw tooLarge(`The content type has more than ${CONTENT_TYPE_MAX} characters.`);
  // A key may be longer than the one it replaces: measured with room to spare. With each login that may come beside it, since
  // not every connection string takes every name.
  const { rotator, target } = optIn;
  const logins = rotator.overlap === 'two-slots' ? target.logins : undefined;
  for (const login of logins ?? [undefined]) {
    const filled = opened.fill(new Secret('x'.repeat(CREDENTIAL_LENGTH)), login);
    if (filled.bytes > VALUE_BYTES_MAX) throw tooLarge(`The value would have more than ${VALUE_BYTES_MAX} bytes.`);
  }
}

const tooLarge = (detail: string): KeyturnError => new KeyturnError('too-large', { detail });
