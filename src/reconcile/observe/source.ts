/** Which slot the next credential takes, or what keeps it from any. */
import { addMinutes } from '../../core/clock.ts';
import type { Handle } from '../../core/ids.ts';
import type { Rotator } from '../../ports/rotator.ts';
import type { Source, Wait } from '../step.ts';
import { type Claim, type Holder, heldBy } from './neighbours.ts';

const SKEW_MINUTES = 5;

/** Where the next credential of a secret comes from, beside all of `keep`. */
export function sourceFor(
  own: {
    readonly createdOn: Date;
    readonly keep: readonly Handle[];
    readonly joinsFirst?: boolean;
    readonly keptUntil?: Date;
  },
  {
    overlap,
    readable,
  }: { readonly overlap: Rotator['overlap'] /** Values can be read again. */; readonly readable: boolean },
  handles: readonly Handle[],
  holders: readonly Holder[],
  now: Date,
): Source {
  if (overlap === 'many') return { kind: 'issue', keep: own.keep };
  const taken = (handle: Handle) => heldBy(handle, now, holders);
  // The one there is: who else reads it would be locked out, and could not be healed from here.
  if (overlap === 'none') {
    return handles.some(taken) ? blockedBy(handles, taken, holders) : { kind: 'issue', keep: own.keep };
  }
  const free = handles.filter((handle) => !own.keep.includes(handle));
  if (free.length === 0) return blocked('grace', own.keptUntil);
  const join = readable ? joined(own, free, holders) : undefined;
  if (own.joinsFirst && join) return join;
  const chosen = free.find((handle) => taken(handle) === undefined);
  if (chosen !== undefined) return { kind: 'issue', slot: chosen, keep: handles.filter((handle) => handle !== chosen) };
  return join ?? blockedBy(free, taken, holders);
}

/** A slot that another secret's rotation issued after this secret's version was made: its value is the next one. */
function joined(
  own: { readonly createdOn: Date },
  free: readonly Handle[],
  holders: readonly Holder[],
): Source | undefined {
  const younger = addMinutes(own.createdOn, SKEW_MINUTES);
  const handle = free.find(
    (slot) =>
      holders.some((holder) => holder.handle === slot && holder.issuedOn !== undefined && holder.issuedOn > younger) &&
      holders.every((holder) => holder.handle !== undefined),
  );
  return handle === undefined ? undefined : { kind: 'join', handle };
}

function blockedBy(
  free: readonly Handle[],
  taken: (handle: Handle) => Claim | undefined,
  holders: readonly Holder[],
): Source {
  const claims = free.map(taken).filter((claim) => claim !== undefined);
  // One that only may hold a slot is what a person can set aside; it is named where there is one.
  const claim = claims.find(({ unsure }) => unsure !== undefined) ?? (claims[0] as Claim);
  const held = free.every((slot) => holders.some((holder) => holder.handle === slot));
  if (held) return { kind: 'blocked', step: { kind: 'refuse', reason: 'slots-held', detail: claim.detail } };
  return { kind: 'blocked', step: { kind: 'wait', reason: 'slot-held', ...claim } };
}

function blocked(reason: Wait['reason'], until?: Date): Source {
  return { kind: 'blocked', step: { kind: 'wait', reason, ...(until ? { until } : {}) } };
}
