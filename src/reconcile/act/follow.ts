/**
 * The step `follow`: consumers of a secret are made to read its new version, one after the other, after the proof and before anything is
 * revoked (`docs/consumers.md`). What comes of each stands in the row. A pass that dies here has called a consumer once more than was
 * needed; nothing is owed to anybody for it.
 */
import { addHours, addMinutes } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { KeyturnError, LockLostError, StoppingError } from '../../core/errors.ts';
import type {
  Consumer,
  ConsumerLook,
  ConsumerReference,
  ConsumerResult,
  Consumers,
  Following,
} from '../../ports/consumers.ts';
import { followingIn } from '../observe/following.ts';
import type { Follow } from '../step.ts';
import { type Acting, type RowChange, renewAll } from './acting.ts';

/** A row holds so many; of more than these the rest is said, not called. */
export const CONSUMERS_MAX = 25;
const DETAIL_MAX = 300;
/** Locks last 90 s and every call is given up after 30: nothing is begun later than this. */
const BUDGET_SECONDS = 30;
/** In which a site that was called mostly has read its references. */
const POLL_SECONDS = [3, 5] as const;
const PAUSE_MINUTES_MAX = 6 * 60;
/** After the limit nobody is waited for; whoever is there again by then may still follow. */
const LATE_MINUTES = 24 * 60;
/** So often one that was called is looked at before it is called again. */
const ASKED_TRIES = 5;

interface Work {
  readonly consumers: Consumers;
  readonly acting: Acting;
  readonly startedOn: Date;
}

export async function follow({ urgent }: Follow, acting: Acting): Promise<RowChange> {
  const { deps, seen } = acting;
  const { consumers } = deps;
  if (!consumers) return {};
  const work: Work = { consumers, acting, startedOn: deps.clock.now() };
  let following = followingIn(seen.row, seen.current.id) ?? {
    version: seen.current.id,
    consumers: [],
  };
  if (following.listedOn === undefined) following = await listed(following, work);
  const known = following.listedOn === undefined ? [] : await knownTo(work);
  for (let turn = 0; turn < CONSUMERS_MAX; turn += 1) {
    const next = nextOf(following, deps.clock.now());
    if (!next || deps.stop?.aborted || spent(work)) break;
    const result = await visited(
      next,
      known.find(({ id }) => id === next.id),
      urgent === true,
      work,
    );
    following = {
      ...following,
      consumers: following.consumers.flatMap((each) => (each === next ? (result ?? []) : each)),
    };
    if (result?.calledOn !== undefined && result.calledOn >= work.startedOn)
      acting.called.push(result.id);
    // One after the other: the next one's turn is another pass's, unless the old credential goes at once.
    if (!urgent && result?.calledOn !== next.calledOn) break;
  }
  return { consumers: following };
}

const spent = ({ startedOn, acting: { deps } }: Work): boolean =>
  deps.clock.now() >= addMinutes(startedOn, BUDGET_SECONDS / 60);

/** Those that were called already first: a site comes back before the next one goes. */
function nextOf({ consumers }: Following, now: Date): ConsumerResult | undefined {
  const due = consumers.filter(({ nextOn }) => nextOn !== undefined && nextOn <= now);
  return due.find(({ state }) => state === 'asked') ?? due[0];
}

async function listed(before: Following, work: Work): Promise<Following> {
  const { deps, seen } = work.acting;
  const now = deps.clock.now();
  try {
    const found = await work.consumers.of(seen.secret);
    const kept = found
      .slice(0, CONSUMERS_MAX)
      .map((consumer) => firstOf(consumer, seen.observed.createdOn, now));
    if (found.length > CONSUMERS_MAX) {
      const { vault, name } = seen.secret;
      deps.log('warn', 'consumers left out', { vault, name, count: found.length - CONSUMERS_MAX });
    }
    return { version: before.version, listedOn: now, consumers: kept };
  } catch (error) {
    const tries = (before.tries ?? 0) + 1;
    return { ...before, tries, nextOn: pauseAfter(tries, work), detail: wordsOf(error) };
  }
}

function firstOf(
  { id, kind, follows, cycleMinutes = 0 }: Consumer,
  createdOn: Date,
  now: Date,
): ConsumerResult {
  const about = { id, kind, on: now };
  if (follows === 'unknown')
    return {
      ...about,
      state: 'unknown',
      detail: 'It follows by itself or not at all: nobody knows. Nothing is called.',
    };
  return {
    ...about,
    state: 'waiting',
    nextOn: follows === 'by-itself' ? addMinutes(createdOn, cycleMinutes) : now,
  };
}

/** How they follow, which a row does not keep. None where the list cannot be had: each then waits for the next look. */
async function knownTo({ consumers, acting }: Work): Promise<readonly Consumer[]> {
  try {
    return await consumers.of(acting.seen.secret);
  } catch (error) {
    rethrown(error);
    return [];
  }
}

/** What one look at a consumer, and the call, come to. Undefined: it does not declare the secret any more. */
async function visited(
  result: ConsumerResult,
  consumer: Consumer | undefined,
  urgent: boolean,
  work: Work,
): Promise<ConsumerResult | undefined> {
  const { deps, seen } = work.acting;
  const base = { id: result.id, kind: result.kind, ...compact({ calledOn: result.calledOn }) };
  try {
    if (!consumer) return undefined;
    const look = await work.consumers.look(consumer, seen.secret);
    if (!look.declared) return undefined;
    return {
      ...base,
      on: deps.clock.now(),
      ...(await outcome(result, { consumer, look, urgent }, work)),
    };
  } catch (error) {
    const tries = (result.tries ?? 0) + 1;
    const state = result.state === 'asked' ? result.state : 'failed';
    return {
      ...base,
      on: deps.clock.now(),
      state,
      tries,
      nextOn: pauseAfter(tries, work),
      detail: wordsOf(error),
    };
  }
}

interface Visit {
  readonly consumer: Consumer;
  readonly look: ConsumerLook;
  readonly urgent: boolean;
}
type Outcome = Pick<ConsumerResult, 'state'> & Partial<ConsumerResult>;

async function outcome(
  result: ConsumerResult,
  { consumer, look, urgent }: Visit,
  work: Work,
): Promise<Outcome> {
  const { deps, seen } = work.acting;
  const { references } = look;
  if (references.length === 0)
    return {
      state: 'no-reference',
      detail: 'It names the secret in no place that can be seen. Nothing is called.',
    };
  const pinned = references.filter(
    ({ pinnedTo }) => pinnedTo !== undefined && pinnedTo !== seen.current.id,
  );
  const following = references.filter(({ pinnedTo }) => pinnedTo === undefined);
  if (consumer.follows === 'by-itself' || following.length === 0)
    return ended(pinned, work, consumer);
  if (result.state === 'asked' && result.calledOn)
    return settledAfter(result, result.calledOn, following, pinned, work);
  const now = deps.clock.now();
  if (!look.open)
    return {
      state: 'waiting',
      nextOn: look.opensOn ?? addHours(now, 1),
      detail: 'It is outside of its window.',
    };
  await renewAll(work.acting);
  const calledOn = deps.clock.now();
  await work.consumers.refresh(consumer, following);
  const asked: ConsumerResult = {
    id: result.id,
    kind: result.kind,
    state: 'asked',
    on: calledOn,
    calledOn,
  };
  if (!urgent) {
    for (const seconds of POLL_SECONDS) {
      await deps.clock.sleep(seconds * 1000);
      if (spent(work)) break;
      const again = await lookAgain(consumer, work);
      const open = again?.references.filter(({ pinnedTo }) => pinnedTo === undefined) ?? [];
      if (again?.declared && open.length > 0 && hasRead(open, calledOn))
        return { ...asked, ...ended(pinned, work, consumer) };
    }
  }
  return { ...asked, nextOn: addMinutes(deps.clock.now(), 1) };
}

/** After a call its answer is looked for; that it cannot be had is the next look's matter. */
async function lookAgain(
  consumer: Consumer,
  { consumers, acting }: Work,
): Promise<ConsumerLook | undefined> {
  try {
    return await consumers.look(consumer, acting.seen.secret);
  } catch (error) {
    rethrown(error);
    return undefined;
  }
}

/** The platform says of each that it was read, and where it says when, that was after the call. */
const hasRead = (references: readonly ConsumerReference[], calledOn: Date): boolean =>
  references.every(
    ({ resolved, readOn }) =>
      resolved !== false && (readOn === undefined || readOn >= secondOf(calledOn)),
  );

/** Services tell times by the second. */
const secondOf = (on: Date): Date => new Date(Math.floor(on.getTime() / 1000) * 1000);

function settledAfter(
  result: ConsumerResult,
  calledOn: Date,
  following: readonly ConsumerReference[],
  pinned: readonly ConsumerReference[],
  work: Work,
): Outcome {
  if (hasRead(following, calledOn)) return ended(pinned, work);
  const tries = (result.tries ?? 0) + 1;
  const statuses =
    [...new Set(following.flatMap(({ status }) => status ?? []))].join(', ') || 'none';
  const detail = `It was called and has not read the new version: ${statuses}.`;
  // Called once more at its next turn: first answers may be unresolved (facts-after F1.3).
  const state = tries % ASKED_TRIES === 0 ? 'failed' : 'asked';
  return { state, tries, nextOn: pauseAfter(tries, work), detail };
}

function ended(pinned: readonly ConsumerReference[], work: Work, consumer?: Consumer): Outcome {
  const { deps } = work.acting;
  if (pinned.length === 0)
    return compact({
      state: 'followed' as const,
      detail:
        consumer?.follows === 'by-itself'
          ? `Its own cycle of ${consumer.cycleMinutes} minutes is over.`
          : undefined,
    });
  const names = pinned.slice(0, 5).map(({ name }) => JSON.stringify(name.slice(0, 60)));
  const detail = `Pinned to an older version, so that it never follows: ${names.join(', ')}. Take the version out of the reference.`;
  return {
    state: 'pinned',
    nextOn: addHours(deps.clock.now(), 6),
    detail: detail.slice(0, DETAIL_MAX),
  };
}

/** 1, 2, 4 minutes and so on up to 6 hours; once a day after the limit. */
function pauseAfter(tries: number, { acting: { deps, seen } }: Work): Date {
  const now = deps.clock.now();
  const { following } = seen.observed;
  if (following && now >= following.limit) return addMinutes(now, LATE_MINUTES);
  return addMinutes(now, Math.min(2 ** Math.min(tries - 1, 20), PAUSE_MINUTES_MAX));
}

/** It shows and holds, and ends no pass: whatever was wrong with it stands with the consumer. */
function wordsOf(error: unknown): string {
  rethrown(error);
  if (error instanceof KeyturnError) return error.detail.slice(0, DETAIL_MAX);
  return `An unexpected ${error instanceof Error ? error.name : 'error'}.`;
}

function rethrown(error: unknown): void {
  if (error instanceof LockLostError || error instanceof StoppingError) throw error;
}
