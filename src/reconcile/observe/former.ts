/** What an undo would go back to: read and tried only where a person asks for one. Changes nothing. */
import { compact } from '../../core/compact.ts';
import { BusyError, KeyturnError } from '../../core/errors.ts';
import { rotationId } from '../../core/ids.ts';
import type { Asked } from '../step.ts';
import type { Observation } from './observation.ts';
import type { Replaced } from './observed.ts';
import { oldForm } from './older.ts';

/** The look, with what stood before the current version where the request is to go back to it. */
export async function withFormer(
  seen: Observation,
  asked: Asked | undefined,
): Promise<Observation> {
  if (!asked?.undo || asked.version !== seen.observed.version) return seen;
  const former = await formerOf(seen);
  return former ? { ...seen, observed: { ...seen.observed, former } } : seen;
}

/** The one that the current version's rotation replaced, if it is owed: undefined once it is revoked or overwritten. */
async function formerOf(seen: Observation): Promise<Replaced | undefined> {
  const { secret, state, observed, optIn, target } = seen;
  if (optIn.rotator.overlap === 'none') return undefined;
  const owed = observed.owed.find(({ version }) => rotationId(secret, version) === state?.rot);
  if (!owed) return undefined;
  try {
    const old = await oldForm(seen, owed.version, target);
    if (!old)
      return {
        ...owed,
        verdict: 'unknown',
        said: `Version ${owed.version} is disabled, or its value has lost its form.`,
      };
    const verdict = await optIn.target.check(old.bare, old.login);
    const said = optIn.target.said?.()?.detail;
    return compact({ ...owed, verdict, said });
  } catch (error) {
    if (!(error instanceof KeyturnError) || error instanceof BusyError) throw error;
    return { ...owed, verdict: 'unknown', said: error.detail };
  }
}
