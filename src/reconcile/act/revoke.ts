/** The step `revoke`: what is owed is taken away at the target, then marked, then struck off. */
import { KeyturnError, StoppingError } from '../../core/errors.ts';
import type { VersionId } from '../../core/ids.ts';
import type { Form } from '../../form/form.ts';
import type { Owed } from '../../tags/owed.ts';
import { change, readState, withState } from '../../tags/state.ts';
import { readConsent } from '../observe/consented.ts';
import { isGone, keptNow } from '../observe/leak.ts';
import { claimOn, neighboursAt, sureOf } from '../observe/neighbours.ts';
import { proves } from '../observe/observed.ts';
import { oldForm } from '../observe/older.ts';
import { openAt } from '../observe/opened.ts';
import type { Revoke } from '../step.ts';
import type { Acting, RowChange } from './acting.ts';
import { takeEvidence } from './evidence.ts';
import { guard } from './guard.ts';
import { removeLeftovers } from './leftovers.ts';
import { retag } from './retag.ts';
import { stayer } from './stay.ts';

/**
 * Revokes by what stands in the vault now, never by a tag alone: whoever copied the tags to an old value must lose nothing.
 * Act, then mark, then strike the obligation off: a crash between revokes twice, which is harmless; the other order forgets.
 */
export async function revoke({ owed, aside }: Revoke, acting: Acting): Promise<RowChange> {
  const { optIn, secret, observed, vault } = acting.seen;
  await removeLeftovers(undefined, acting);
  for (const each of owed) {
    if (acting.deps.stop?.aborted) throw new StoppingError();
    // Read first: what the next lines look at must be as fresh as can be when the key goes.
    const old = await oldForm(acting.seen, each.version, acting.seen.target);
    const stops = await whyNot(each, { acting, aside: aside === true, old });
    if (stops !== undefined) throw new KeyturnError('slot-held', { detail: stops });
    await guard(acting);
    await optIn.target.revoke(each.handle, old?.bare, stayer(acting));
    await takeEvidence(each.version, old, acting);
    await guard(acting);
    await markRevoked(each, acting);
    if (old && acting.followed && acting.leak === undefined) await tryOld(each.version, old, acting);
  }
  const left = observed.owed.filter((each) => !owed.some(({ version }) => version === each.version));
  if (left.length > 0) return {};
  // A version that a person stored after opting out is theirs, whatever tags they copied to it.
  if (acting.seen.leaving !== undefined && !observed.ours) return {};
  const current = await vault.current(secret.name);
  if (typeof current === 'string' || readState(current.tags)?.after === undefined) return {};
  return retag(acting, (state) => change(state, { after: undefined }));
}

/**
 * When the target refused the old value, for whoever asked. A login is not tried again: its revocation ends only once the server
 * has refused it, and one more wrong password may lock the login that the next rotation takes.
 */
async function tryOld(version: VersionId, { bare, login }: Form, { seen, deps, refusedOn }: Acting): Promise<void> {
  try {
    if (login === undefined && (await seen.optIn.target.check(bare)) !== 'refused') return;
    refusedOn.set(version, deps.clock.now());
  } catch (error) {
    // It is revoked and marked; that it could not be tried takes nothing away from that.
    if (!(error instanceof KeyturnError)) throw error;
  }
}

/**
 * Undefined where current is ours with its value, names another handle, is accepted in this very pass, has consent, and nobody
 * else needs the handle; else what is in the way.
 */
async function whyNot(
  { handle }: Owed,
  { acting, aside, old }: { readonly acting: Acting; readonly aside: boolean; readonly old: Form | undefined },
): Promise<string | undefined> {
  const { seen, deps } = acting;
  const inUse = `${handle} is in use.`;
  const { optIn, secret, target, tgt } = seen;
  const grants = await readConsent(seen, deps);
  const current = await guard(acting);
  const state = readState(current.tags);
  const { bare, login } = await openAt(current.value, optIn.wanted, optIn.target, target);
  const live = await optIn.target.adopt(bare, login);
  if (live === undefined || live === handle) return inUse;
  // Of a secret that was opted out nobody keeps the state: the value alone counts.
  if (seen.leaving === undefined && (state?.tgt !== tgt || state.cred !== live)) return inUse;
  if (!proves(await optIn.target.check(bare, login))) return inUse;
  if (acting.leak && (await isGone(seen, old))) return undefined;
  const all = await neighboursAt(secret, { ...optIn, facts: target }, grants, deps);
  const neighbours = acting.leak ? keptNow(all) : all;
  return claimOn(handle, deps.clock.now(), aside ? sureOf(neighbours) : neighbours)?.detail;
}

/** Marked and disabled in one PATCH, never the current version: a disabled current one takes the whole name down. */
async function markRevoked({ version, handle }: Owed, { seen }: Acting): Promise<void> {
  const { vault, secret, current, versions } = seen;
  const older = versions.find(({ id }) => id === version);
  const ours = seen.older.find((each) => each.version === version);
  if (!older || !ours || version === current.id)
    throw new KeyturnError('failed', { detail: 'Only older versions are marked revoked.' });
  // A state that was wiped in the middle of its rotation comes back with the mark.
  const state = change(ours.state, { cred: handle, revoked: true });
  await vault.retag(secret.name, version, withState(older.tags, state), false);
}
