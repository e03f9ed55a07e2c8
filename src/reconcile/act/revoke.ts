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
import { guard } from './guard.ts';
import { removeLeftovers } from './leftovers.ts';
import { retag } from './retag.ts';
import { stayer } from './stay.ts';
import { takeEvidence } from './takeEvidence.ts';

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
    const ended = await optIn.target.revoke(each.handle, old?.bare, stayer(acting));
    await takeEvidence(each.version, old, acting);
    await guard(acting);
    await markRevoked(each, acting);
    await tryOld(each.version, old, ended, acting);
  }
  const left = observed.owed.filter(
    (each) => !owed.some(({ version }) => version === each.version),
  );
  if (left.length > 0) return {};
  // A version that a person stored after opting out is theirs, whatever tags they copied to it.
  if (acting.seen.leaving !== undefined && !observed.ours) return {};
  const current = await vault.current(secret.name);
  if (typeof current === 'string' || readState(current.tags)?.after === undefined) return {};
  return retag(acting, (state) => change(state, { after: undefined }));
}

/**
 * What the target says of the old value once it is gone: tried once, and kept for the auditor. A login is not tried again: its
 * revocation ends once the server has refused the old password, and one more wrong one may lock the login that the next rotation takes.
 * So `refused` there is what the revocation itself has seen, and where it saw none nobody says so.
 */
async function tryOld(
  version: VersionId,
  old: Form | undefined,
  ended: 'refused' | undefined,
  acting: Acting,
): Promise<void> {
  const { seen, deps, refusedOn, tried } = acting;
  if (refusedOn.has(version)) tried.set(version, 'refused');
  // Of a leak it was tried before anything was marked.
  if (acting.leak?.version === version) return;
  if (!old)
    return void tried.set(
      version,
      'not tried: its version was disabled or has no value that can be read',
    );
  if (old.login !== undefined && ended === undefined)
    return void tried.set(
      version,
      'not tried: the server says the same of a login whatever its password',
    );
  try {
    const verdict = ended ?? (await seen.optIn.target.check(old.bare));
    tried.set(version, verdict);
    if (verdict === 'refused') refusedOn.set(version, deps.clock.now());
  } catch (error) {
    // It is revoked and marked; that it could not be tried takes nothing away from that.
    if (!(error instanceof KeyturnError)) throw error;
    tried.set(version, `not tried: ${error.reason}`);
  }
}

/**
 * Undefined where current is ours with its value, names another handle, is accepted in this very pass, has consent, and nobody
 * else needs the handle; else what is in the way.
 */
async function whyNot(
  { handle }: Owed,
  {
    acting,
    aside,
    old,
  }: { readonly acting: Acting; readonly aside: boolean; readonly old: Form | undefined },
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
