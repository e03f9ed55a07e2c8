/** What a pass may do: the steps that `decide` chooses from, and what a person may ask for. */
import type { Handle, RotationId, SecretRef, VersionId } from '../core/ids.ts';
import type { Reason } from '../core/reasons.ts';
import type { RevokeAt, RevokeWhen } from '../ports/operations.ts';
import type { Owed } from '../tags/owed.ts';

/** Another secret's claim on a slot. */
export interface Claim {
  readonly detail: string;
  /** Until when that secret owes the slot, where it no longer keeps it. */
  readonly owedUntil?: Date | undefined;
  /** Present where it is not known what that secret keeps: whose fault that is, and what is wrong with it. */
  readonly unsure?: Unsure;
}

/** A neighbour of which it is not known what it keeps, and what is wrong with it. */
export interface Unsure extends SecretRef {
  readonly why?: Reason;
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
  /** A heal or an undo: the target accepts what an older version of ours holds, and that value is stored again (finding PRF-01). */
  | { readonly kind: 'again'; readonly handle: Handle; readonly version: VersionId }
  | {
      readonly kind: 'blocked';
      readonly step: Wait | Refuse;
      /** Where it would come from without the neighbours of which it is not known what they keep. */
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
  /** Of `slot-held`: the neighbour of which it is only not known what it keeps. A person may set that aside. */
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
  /** A person set `slot-held` aside: a neighbour of which it is not known what it keeps stops nothing. */
  readonly aside?: true;
}
export interface Rotate {
  readonly kind: 'rotate';
  readonly reason: 'due' | 'asked' | 'begun' | 'value-refused' | 'placeholder' | 'undo';
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
/** Consumers of the secret are made to read its new version (`docs/consumers.md`). */
export interface Follow {
  readonly kind: 'follow';
  readonly reason: 'accepted';
  /** What is owed goes at once: all of them are called, and none is waited for. */
  readonly urgent?: true | undefined;
}
export type Step = Skip | Refuse | Wait | Prove | Follow | Restore | Hold | Move | Revoke | Rotate;

/** Steps that change something at vault or target. */
const CHANGES = ['rotate', 'revoke', 'prove', 'restore', 'hold', 'move', 'follow'] as const;
export type Change = Extract<Step, { kind: (typeof CHANGES)[number] }>;
export const changes = (step: Step): step is Change => CHANGES.some((kind) => kind === step.kind);

/**
 * What a person asked for; it stands in the operation's row, never in a message. A rotation unless it carries `hold`, `at` or `undo`:
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
  /** The credential leaked, or both of the target's slots; asked for then. */
  readonly leaked?: 'one' | 'both';
  readonly askedOn?: Date;
  /** The rotation that wrote the version is undone: what it replaced is stored again. */
  readonly undo?: boolean;
  readonly at?: RevokeAt;
  readonly hold?: Date | null;
}
