/** The contract of a rotator: it knows one kind of target and no vault (design section 4). */
import type { z } from 'zod';
import type { Handle, RotationId } from '../core/ids.ts';
import type { Reason } from '../core/reasons.ts';
import type { Secret } from '../core/secret.ts';

/** 'vouched': the management plane says so, not tried. 'unknown': no way to ask; no reason to rotate, none to revoke. */
export type Verdict = 'accepted' | 'refused' | 'not-yet' | 'vouched' | 'unknown';

export interface Credential {
  readonly handle: Handle;
  readonly value: Secret;
}

/** What the owner's tags say of the target: raw text, parsed by `bind`. */
export interface Parameters {
  /** The tag `rotator-target`. */
  readonly target: string;
  /** The tag `rotator-options`, split and decoded. */
  readonly options: Readonly<Record<string, string>>;
}

export interface Obstacle {
  readonly reason: Reason;
  readonly detail: string;
}

export interface TargetState {
  /** Handles that are there now. For two slots: the slots, in the order in which a first credential takes them. */
  readonly handles: readonly Handle[];
  /** What a person must clear away before anything changes: locked, shared keys off, Entra-only. */
  readonly obstacles: readonly Obstacle[];
  /** The grace must be at least this long, with the words that say why (case ST-03). */
  readonly graceMin?: { readonly hours: number; readonly because: string };
  /** Hosts by which a connection string may name this target, lower case, with port where it is not 443. */
  readonly hosts: readonly string[];
}

export interface Rotator {
  /** The tag value. */
  readonly type: string;
  /** What can be promised about the old credential. */
  readonly overlap: 'two-slots' | 'many' | 'none';
  /** Azure actions it needs: README, docs and roles are generated from these. */
  readonly actions: readonly string[];
  /** Keys of `rotator-options`, documented from here. */
  readonly options: z.ZodType;
  /** Parses and binds; a clear `bad-tags` error names the tag. Sends nothing. */
  bind(parameters: Parameters): Target;
}

export interface Target {
  /** Canonical id, rebuilt from the tag, lower case: what consent, locks and the state's `tgt` are about. */
  readonly id: string;
  /** Facts needed before anything changes. */
  inspect(): Promise<TargetState>;
  /** The handle of the credential that `value` is, or undefined when it can't be told for certain. Changes nothing. */
  adopt(value: Secret): Promise<Handle | undefined>;
  /**
   * Makes a credential that works beside all of `keep` and lives until `until` where the target knows lifetimes. Called
   * again for the same rotation it may replace what it made before, and leaves at most one live credential for it.
   */
  issue(rotation: RotationId, keep: readonly Handle[], until: Date): Promise<Credential>;
  /** Uses the value against the target. */
  check(value: Secret): Promise<Verdict>;
  /** Makes the target refuse `handle`; confirmed by reading the target. If it no longer holds `old` there, it is done. */
  revoke(handle: Handle, old?: Secret): Promise<void>;
  /** Two-slot targets whose values can be read again: the present value of a slot (join). */
  read?(handle: Handle): Promise<Secret>;
  /** Overlap none: sets the old value back when the store was refused for certain. */
  restore?(value: Secret): Promise<void>;
}
