/** What the rules look at: a secret, its target and its neighbours as one look has found them. */
import type { Handle, RotationId, SecretRef, VersionId } from '../../core/ids.ts';
import type { Reason } from '../../core/reasons.ts';
import type { UseVerdict } from '../../core/uses.ts';
import type { Mode } from '../../ports/deps.ts';
import type { Rotator, Verdict } from '../../ports/rotator.ts';
import type { Leaving } from '../../tags/optIn.ts';
import type { Owed } from '../../tags/owed.ts';
import type { Policy } from '../../tags/policy.ts';
import type { Claim, Source } from '../step.ts';
import type { Age } from './age.ts';

/** The current version, its policy and what the target says of its value. */
export interface ObservedVersion {
  readonly secret: SecretRef;
  readonly version: VersionId;
  readonly createdOn: Date;
  readonly versionCount: number;
  readonly policy: Policy;
  readonly hold?: Date;
  readonly dueOn: Date;
  /** The age of the credential, and since when the secret has had it; the version's creation where absent. */
  readonly age?: Age;
  readonly placeholder: boolean;
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
}

/** Whose the current version is, and how far Keyturn has come with it. */
export interface ObservedOwnership {
  /** The state's target hash fits and its handle agrees with the value, or the value is one the target no longer knows. */
  readonly ours: boolean;
  /** Ours, and written by a rotation (it carries `rot`), not merely taken over. */
  readonly written: boolean;
  readonly begun: boolean;
  readonly proved: boolean;
  /** Keyturn wrote this version (the row knows its id) and its state is gone or contradicts the value. */
  readonly wiped: boolean;
  /** It was opted out and owes something: nothing is rotated any more, and its owner decides what stands in it. */
  readonly leaving?: Leaving;
}

/** What older versions owe, when it ends, and who is in the way. */
export interface ObservedOwed {
  readonly owed: readonly Owed[];
  /** Handles of older versions that are not Keyturn's to revoke; their readers have their grace all the same. */
  readonly left: readonly Handle[];
  /** Those of the owed whose slot another secret still keeps, may keep or owes later. */
  readonly blocked: ReadonlyMap<VersionId, Claim>;
  readonly after?: Date;
  /** Leaving, and a rotation that was broken off left credentials in no version: they are removed then. */
  readonly strayUntil?: Date;
  /** Rotations whose credentials stand in no version and never were current. */
  readonly issuedBy: readonly RotationId[];
}

/** Where the next credential would come from. */
export interface ObservedSources {
  readonly rotation: RotationId;
  /** Of the kind. Where many fit, a new one takes nothing from anybody. */
  readonly overlap: Rotator['overlap'];
  /** Where a heal, and where any other rotation, would take its credential from. */
  readonly healSource: Source;
  readonly source: Source;
  /** Where a rotation with `rotateAgain` would beside drift: no grace is kept but that of the newest. */
  readonly nowSource: Source;
}

/** What keeps a change back, whatever it is about. */
export interface ObservedBrakes {
  readonly mode: Mode;
  /** Rotations of the last 24 hours, judged from the versions. */
  readonly recentRotations: number;
  /** A target write may still arrive until then. */
  readonly settlingUntil?: Date;
  /** After a failed rotation: no new credential before then. */
  readonly retryOn?: Date;
  /** The vault refused a version with exactly these terms, for which nothing has changed since. */
  readonly termsRefused: boolean;
  /** Where it was not the vault. */
  readonly refusedBy?: Reason;
  /** What keeps credentials from being taken away: undefined when the index of who shares a target is complete. */
  readonly indexGap?: string;
  readonly rateUsedUp: boolean;
  /** The kind is braked, and no probe may go before `probeOn`. */
  readonly braked: boolean;
  /** Present while the kind is braked: from then on one rotation may try (`brake.ts`). */
  readonly probeOn?: Date;
  /** Holds by scope that stand, the longest first; absent where there is none. */
  readonly onHold?: readonly OnHold[];
  /** Until when one of them held it last, be it over or not. */
  readonly heldUntil?: Date;
}

/** How far those have come who read the secret. */
export interface ObservedFollowing {
  /** A consumer is to be asked or looked at now. */
  readonly due: boolean;
  /** Nobody has been asked yet. */
  readonly fresh: boolean;
  /** The next time at which one is. */
  readonly nextOn?: Date;
  /** Until then what is owed is kept for those that have not followed; absent where nobody is waited for. */
  readonly holdsUntil?: Date;
  /** From then on they are waited for no more. */
  readonly limit: Date;
  /** Who has not followed, in words. */
  readonly detail?: string;
  /** Somebody has to see to it. */
  readonly late: boolean;
}

/** Who still uses what is about to be revoked: asked for in a pass that would revoke it, and in no other (`inUse.ts`). */
export interface ObservedUse {
  /** By version; absent where nobody was asked. */
  readonly uses?: ReadonlyMap<VersionId, Use>;
}

/** What was said of one credential, and what the policy makes of it. */
export interface Use {
  readonly verdict: UseVerdict;
  /** It is not revoked yet. */
  readonly holds?: {
    readonly reason: 'in-use' | 'use-unknown';
    readonly until: Date;
    readonly detail: string;
  };
}

/** All that the rules look at, group by group; each is filled by a function of its own (`observeTarget.ts`). */
export interface Observed
  extends ObservedVersion,
    ObservedOwnership,
    ObservedOwed,
    ObservedSources,
    ObservedBrakes,
    ObservedUse {
  /** Absent where there are no consumers to follow the current version. */
  readonly following?: ObservedFollowing;
  /** Looked at for an undo alone: what the current version's rotation replaced. */
  readonly former?: Replaced;
}

/** A hold by scope that is about the secret, or the freeze of the settings. */
export interface OnHold {
  readonly until: Date;
  /** A value that no longer opens its target is replaced all the same. */
  readonly heals: boolean;
  readonly detail: string;
}

/** The credential before the current one. */
export interface Replaced extends Owed {
  readonly verdict: Verdict;
  /** What keeps it from being tried, or what the target said beside the verdict. */
  readonly said?: string;
}

/** A verdict on which something may be revoked. */
export const proves = (verdict: Verdict | undefined): boolean =>
  verdict === 'accepted' || verdict === 'vouched';
