import type { Handle, RotationId, SecretRef, VersionId } from '../core/ids.ts';
import type { Reason } from '../core/reasons.ts';
import type { Mode } from '../ports/deps.ts';
import type { Rotator, Verdict } from '../ports/rotator.ts';
import type { RevokeAt, RevokeWhen } from '../ports/store.ts';
import type { Leaving } from '../tags/optIn.ts';
import type { Policy } from '../tags/policy.ts';
import type { Age } from './observe/age.ts';
import type { Claim, Unsure } from './observe/slots.ts';

/** An older version of ours that is not marked `revoked` and whose credential is not the current one. */
export interface Owed {
  readonly version: VersionId;
  readonly handle: Handle;
}

/** Where the next credential comes from. */
export type Source =
  /** The target makes one that works beside all of `keep`. */
  | {
      readonly kind: 'issue';
      readonly keep: readonly Handle[] /** Of two slots the one to be taken. */;
      readonly slot?: Handle;
    }
  /** Another secret's rotation has issued this slot already: take its present value. */
  | { readonly kind: 'join'; readonly handle: Handle }
  /** A heal: the target accepts what an older version of ours holds, and that value is stored again (finding PRF-01). */
  | { readonly kind: 'again'; readonly handle: Handle; readonly version: VersionId }
  | {
      readonly kind: 'blocked';
      readonly step: Wait | Refuse;
      /** Where it would come from without the neighbours of which it is not known what they hold. */
      readonly aside?: Source;
    };

export interface Skip {
  readonly kind: 'skip';
  readonly reason: Reason;
  /** When there is something to say again: the end of an exemption. */
  readonly until?: Date;
  readonly detail?: string;
}
export interface Refuse {
  readonly kind: 'refuse';
  readonly reason: Reason;
  /** When it is looked at again, where that is not after a day. */
  readonly until?: Date;
  /** Not alerted yet: it may pass by itself. */
  readonly quiet?: true;
  readonly detail?: string;
}
export interface Wait {
  readonly kind: 'wait';
  readonly reason: Reason;
  /** The earliest time at which the wait may be over. */
  readonly until?: Date;
  readonly detail?: string;
  /** Of `slot-held`: until when a neighbour owes the slot. */
  readonly owedUntil?: Date | undefined;
  /** Of `slot-held`: the neighbour of which it is only not known what it holds. A person may set that aside. */
  readonly unsure?: Unsure;
}
export interface Prove {
  readonly kind: 'prove';
  readonly reason: 'accepted';
}
export interface Restore {
  readonly kind: 'restore';
  readonly reason: 'state-wiped';
}
export interface Revoke {
  readonly kind: 'revoke';
  readonly reason: 'grace-over' | 'asked' | 'settled';
  /** Empty when all is revoked and only `after` is left to strike off. */
  readonly owed: readonly Owed[];
  /** A person set `slot-held` aside: a neighbour of which it is not known what it holds stops nothing. */
  readonly aside?: true;
}
export interface Rotate {
  readonly kind: 'rotate';
  readonly reason: 'due' | 'asked' | 'begun' | 'value-refused' | 'placeholder';
  readonly rotation: RotationId;
  readonly source: Exclude<Source, { kind: 'blocked' }>;
  /** A person named the grace of what the new version owes, in hours; 0: it is due at once. Absent: as the policy says. */
  readonly graceHours?: number;
}
/** A person's hold is written on the current version, or struck off. */
export interface Hold {
  readonly kind: 'hold';
  readonly reason: 'asked';
  /** Absent where the hold is lifted. */
  readonly until?: Date;
}
/** A person moves the end of the grace of what is owed: it is written on the current version. */
export interface Move {
  readonly kind: 'move';
  readonly reason: 'asked';
  readonly after: Date;
}
export type Step = Skip | Refuse | Wait | Prove | Restore | Hold | Move | Revoke | Rotate;

/** Steps that change something at vault or target. */
const CHANGES = ['rotate', 'revoke', 'prove', 'restore', 'hold', 'move'] as const;
export type Change = Extract<Step, { kind: (typeof CHANGES)[number] }>;
export const changes = (step: Step): step is Change => CHANGES.some((kind) => kind === step.kind);

/**
 * What a person asked for; it stands in the operation's row, never in a message. A rotation unless it carries `hold` or `at`:
 * a hold until then (null lifts it), or the revocation of what is owed, now or then.
 */
export interface Asked {
  /** The version that was current when the request was accepted. */
  readonly version: VersionId;
  readonly override: readonly string[];
  /** Of a rotation: how long the credential that it replaces lives on, `now` or as `12h` or `7d`. */
  readonly revoke: RevokeWhen;
  /** Of a rotation: what is owed is revoked first, and a version that was only just rotated is rotated again. */
  readonly rotateAgain?: boolean;
  readonly at?: RevokeAt;
  readonly hold?: Date | null;
}

/** All that the rules look at. Nothing in here is remembered from an earlier pass but where the name says `row`. */
export interface Observed {
  readonly secret: SecretRef;
  readonly version: VersionId;
  readonly createdOn: Date;
  readonly policy: Policy;
  /** The state's target hash fits and its handle agrees with the value, or the value is one the target no longer knows. */
  readonly ours: boolean;
  /** Ours, and written by a rotation (it carries `rot`), not merely taken over. */
  readonly written: boolean;
  readonly begun: boolean;
  readonly placeholder: boolean;
  readonly proved: boolean;
  /** Keyturn wrote this version (the row knows its id) and its state is gone or contradicts the value. */
  readonly wiped: boolean;
  /** The handle of the current value: named from the value, or of the state where the value is broken. */
  readonly live?: Handle;
  /** Whether the target knows the value. */
  readonly known: boolean;
  readonly verdict?: Verdict;
  /** What the target said beside the verdict, and who can mend it. */
  readonly said?: string;
  /** The target says that the value has run out. */
  readonly expired?: boolean;
  /** What the target answered says nothing of the value: why. */
  readonly doubt?: { readonly reason: Reason; readonly detail: string | undefined };
  readonly owed: readonly Owed[];
  /** Handles of older versions that are not Keyturn's to revoke; their readers have their grace all the same. */
  readonly left: readonly Handle[];
  /** Those of the owed whose slot another secret still holds, may hold or owes later. */
  readonly held: ReadonlyMap<VersionId, Claim>;
  readonly after?: Date;
  readonly hold?: Date;
  readonly dueOn: Date;
  /** The age of the credential, and since when the secret has held it; the version's creation where absent. */
  readonly age?: Age;
  /** It was opted out and owes something: nothing is rotated any more, and its owner decides what it holds. */
  readonly leaving?: Leaving;
  /** Leaving, and a rotation that was broken off left credentials in no version: they are removed then. */
  readonly strayUntil?: Date;
  /** Where a heal, and where any other rotation, would take its credential from. */
  readonly healSource: Source;
  readonly source: Source;
  /** Where a rotation with `rotateAgain` would beside drift: no grace is kept but that of the newest. */
  readonly nowSource: Source;
  readonly rotation: RotationId;
  /** Rotations whose credentials stand in no version and never were current. */
  readonly issuedBy: readonly RotationId[];
  /** Rotations of the last 24 hours, judged from the versions. */
  readonly recentRotations: number;
  readonly versionCount: number;
  /** A target write may still arrive until then. */
  readonly settlingUntil?: Date;
  /** After a failed rotation: no new credential before then. */
  readonly retryOn?: Date;
  /** The vault refused a version with exactly this plan, for which nothing has changed since. */
  readonly planRefused: boolean;
  /** Where it was not the vault. */
  readonly refusedBy?: Reason;
  /** What keeps credentials from being taken away: undefined when the index of who shares a target is complete. */
  readonly indexGap?: string;
  /** Of the kind. Where many fit, a new one takes nothing from anybody. */
  readonly overlap: Rotator['overlap'];
  readonly rateUsedUp: boolean;
  /** The kind is braked, and no probe may go before `probeOn`. */
  readonly braked: boolean;
  /** Present while the kind is braked: from then on one rotation may try (`brake.ts`). */
  readonly probeOn?: Date;
  readonly mode: Mode;
}

/** A verdict on which something may be revoked. */
export const proves = (verdict: Verdict | undefined): boolean => verdict === 'accepted' || verdict === 'vouched';
