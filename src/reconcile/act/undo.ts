/** The step `rotate` of an undo: the protocol of every rotation, with nothing issued. */
import {
  BusyError,
  KeyturnError,
  LockLostError,
  StoppingError,
  UnknownOutcomeError,
} from '../../core/errors.ts';
import { change } from '../../tags/state.ts';
import type { Rotate } from '../step.ts';
import type { Acting, RowChange } from './acting.ts';
import { retag } from './retag.ts';
import { rotate } from './rotate.ts';

/**
 * Stores the former value as a new version. What the vault refuses for certain leaves no mark: it would be taken for a rotation
 * that has begun, and be carried through once nothing is owed any more.
 */
export async function undo(step: Rotate, acting: Acting): Promise<RowChange> {
  try {
    return await rotate(step, acting);
  } catch (error) {
    if (acting.marked && isCertain(error)) await unmark(acting);
    throw error;
  }
}

/** Neither may anything of it still arrive, nor does the next pass go on with it. */
const isCertain = (error: unknown): error is KeyturnError =>
  error instanceof KeyturnError &&
  error.reason !== 'conflict' &&
  !(error instanceof BusyError) &&
  !(error instanceof LockLostError) &&
  !(error instanceof StoppingError) &&
  !(error instanceof UnknownOutcomeError);

async function unmark(acting: Acting): Promise<void> {
  try {
    await retag(acting, (state) => change(state, { started: undefined }));
    delete acting.marked;
  } catch (error) {
    // The mark stays: at worst one more rotation, in its time. What ended the undo is what is told.
    if (!(error instanceof KeyturnError)) throw error;
  }
}
