/** `POST /api/vaults/{vault}/secrets/{name}/undo`: goes back to the credential before, while it still works (design section 3, "Undo"). */
import { z } from 'zod';
import { KeyturnError } from '../../core/errors.ts';
import type { Deps } from '../../ports/deps.ts';
import { DRY_RUN, NOTES } from '../notes.ts';
import {
  accepted,
  asking,
  notesOf,
  type Request,
  type RequestAnswer,
  type RequestWishes,
} from '../requests.ts';

/** Strict: whoever asks for more than to go back is told so. */
export const UndoRequest = z.strictObject({ ...NOTES, dryRun: DRY_RUN });
export type UndoRequest = z.infer<typeof UndoRequest>;

/**
 * Accepts a request to undo the rotation that wrote the current version, or throws the reason why not. `Keyturn.Rotate` suffices:
 * like a rotation it stores one version, and takes no credential away from anybody.
 */
export async function undo(request: Request<UndoRequest>, deps: Deps): Promise<RequestAnswer> {
  const { asked } = request;
  const wanted: RequestWishes = {
    override: [],
    revoke: 'after-grace',
    undo: true,
    ...notesOf(asked),
  };
  return await accepted('undo', request, wanted, deps, ({ leaving }) => {
    if (leaving !== undefined) throw new KeyturnError('not-opted-in');
  });
}

export const undoRotation = asking({
  name: 'undo',
  summary: 'Goes back to the credential before the current one, while it still works',
  description:
    'Needs the role `Keyturn.Rotate`. The former value is stored again as a new version, the credential that was current is owed with a fresh grace, and the secret is held for 7 days. Asked for again it goes back once more.',
  roles: ['Keyturn.Rotate'],
  byVault: 'operators',
  body: { name: 'UndoRequest', schema: UndoRequest },
  judge: undo,
});
