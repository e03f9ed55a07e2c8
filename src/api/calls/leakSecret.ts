/** `POST /api/vaults/{vault}/secrets/{name}/leaked`: the credential is in wrong hands: replaced, proved, ended and tried, at once (design section 3, "Leaked"). */
import { z } from 'zod';
import { KeyturnError, RefusedError } from '../../core/errors.ts';
import type { Deps } from '../../ports/deps.ts';
import { readConsent } from '../../reconcile/observe/consented.ts';
import { besides } from '../../reconcile/observe/leak.ts';
import { observeTarget } from '../../reconcile/observe/observeTarget.ts';
import { type BoundSecret, observeVault } from '../../reconcile/observe/observeVault.ts';
import { askedFor } from '../../reconcile/pass.ts';
import { previewOf, type Refusal } from '../../reconcile/preview.ts';
import { DRY_RUN, REQUIRED_NOTES } from '../notes.ts';
import {
  accepted,
  asking,
  notesOf,
  type Request,
  type RequestAnswer,
  type RequestWishes,
  visible,
} from '../requests.ts';

/** Strict, and with its reason: readers are locked out by it. */
export const LeakedRequest = z.strictObject({
  both: z
    .boolean('both must be true or false')
    .default(false)
    .describe('The other slot of the target leaked as well: it is replaced, too.'),
  ...REQUIRED_NOTES,
  dryRun: DRY_RUN,
});
export type LeakedRequest = z.infer<typeof LeakedRequest>;

/**
 * Accepts a leak, or throws the reason why not: of the secret itself, or of another one that keeps the same credential, by its name.
 * Nothing that puts rotations off stops it; `paused`, a consent that is missing and locks do.
 */
export async function leaked(request: Request<LeakedRequest>, deps: Deps): Promise<RequestAnswer> {
  const { ref, asked } = request;
  const both = asked.both ? 'both' : 'one';
  const wanted: RequestWishes = {
    override: [],
    revoke: 'now',
    rotateAgain: true,
    leaked: both,
    ...notesOf(asked),
  };
  const stopped = async (bound: BoundSecret): Promise<Refusal | undefined> => {
    if (bound.leaving !== undefined) throw new KeyturnError('not-opted-in');
    return await stoppedBeside(bound, wanted, deps);
  };
  const done = await accepted('leaked', request, wanted, deps, async (bound) => {
    const refusal = asked.dryRun ? undefined : await stopped(bound);
    if (refusal) throw new RefusedError(refusal.reason, { ...refusal });
  });
  if (!('preview' in done) || done.preview.refusal) return done;
  const refusal = await stopped(await visible(ref, deps));
  return refusal ? { preview: { ...done.preview, refusal } } : done;
}

/** What keeps another secret with the same credential from being rotated; its name stands in front. */
async function stoppedBeside(
  bound: BoundSecret,
  wanted: RequestWishes,
  deps: Deps,
): Promise<Refusal | undefined> {
  try {
    const grants = await readConsent(bound, deps);
    const seen = await observeTarget(bound, grants, deps);
    for (const { vault, name } of await besides(seen, seen.observed.live, grants, deps)) {
      const refusal = await refusalOf({ vault, name }, wanted, deps);
      if (refusal)
        return { ...refusal, detail: `${vault}/${name}: ${refusal.detail}`, overridable: [] };
    }
    return undefined;
  } catch (error) {
    // Of the secret itself: that is said by its own judgement.
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

async function refusalOf(
  ref: { readonly vault: string; readonly name: string },
  wanted: RequestWishes,
  deps: Deps,
): Promise<Refusal | undefined> {
  try {
    const bound = await observeVault(ref, undefined, await deps.rows.secret(ref), deps);
    // What was opted out is its owner's to replace; that it keeps the credential is told by the wait for it.
    if (bound.leaving !== undefined)
      return { reason: 'not-opted-in', detail: 'It was opted out.', overridable: [] };
    const asked = askedFor({ ...wanted, version: bound.current.id, createdOn: deps.clock.now() });
    return (await previewOf(bound, asked, deps)).refusal;
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return { reason: error.reason, detail: error.detail, overridable: [] };
  }
}

export const leakSecret = asking({
  name: 'leaked',
  summary:
    'Replaces, ends and tries a credential that is in wrong hands, in every secret that keeps it',
  description:
    'Needs the role `Keyturn.Revoke`; `note` and `ticket` have to be there. Rotates, proves, and revokes without grace; windows, holds, brakes and the age of the version do not stop it. Done only when the target has refused the old value, or where it can not be tried, when its management plane vouches.',
  roles: ['Keyturn.Revoke'],
  body: { name: 'LeakedRequest', schema: LeakedRequest },
  judge: leaked,
});
