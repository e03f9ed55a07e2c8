/** The contract of a rotator: it knows one kind of target and no vault (design section 4). */
import type { z } from 'zod';
import type { Remedies } from '../core/alertWords.ts';
import type { FormSpec } from '../core/formSpec.ts';
import type { Part } from '../core/grants.ts';
import type { Handle, RotationId, SecretRef } from '../core/ids.ts';
import type { NeededRights } from '../core/neededRights.ts';
import type { Reason } from '../core/reasons.ts';
import type { RightCheck } from '../core/rightChecks.ts';
import type { Secret } from '../core/secret.ts';
import type { WrongTry } from '../core/serverAnswer.ts';
import type { UseVerdict } from '../core/uses.ts';

/** 'vouched': the management plane says so, not tried. 'unknown': no way to ask; no reason to rotate, none to revoke. */
export type Verdict = 'accepted' | 'refused' | 'not-yet' | 'vouched' | 'unknown';

export interface Credential {
  readonly handle: Handle;
  readonly value: Secret;
  /** Kinds with logins: the one that the value belongs to, written into the secret beside it. */
  readonly login?: string;
}

/**
 * Sleeps and renews the locks of the pass, for a rotator that has to wait between two requests; with 0 it renews them alone,
 * as before a write that comes long after the last one. False when the time of the pass is up (15 minutes, design section 3):
 * throw `UnknownOutcomeError` then. Throws when a lock was lost.
 */
export type Stay = (seconds: number) => Promise<boolean>;

/** What the owner's tags say of the target: raw text, parsed by `bind`. */
export interface Parameters {
  /** The tag `rotator-target`. */
  readonly target: string;
  /** The tag `rotator-options`, split and decoded. */
  readonly options: Readonly<Record<string, string>>;
  /** Whose credential it will be: for the label at targets that take one, and for nothing else. */
  readonly secret: SecretRef;
}

/** A credential that carries the label of this very secret at a target of the overlap `many`. */
export interface Labelled {
  readonly handle: Handle;
  /** The rotation that its label names. */
  readonly rotation: RotationId;
  readonly createdOn: Date;
}

export interface Obstacle {
  readonly reason: Reason;
  readonly detail: string;
}

export interface TargetFacts {
  /** Handles that are there now. For two slots: the slots, in the order in which a first credential takes them. */
  readonly handles: readonly Handle[];
  /** What a person must clear away before anything changes: locked, shared keys off, Entra-only. */
  readonly obstacles: readonly Obstacle[];
  /** The grace must be at least this long, with the words that say why (case ST-03). */
  readonly graceMin?: { readonly hours: number; readonly because: string };
  /** Hosts by which a connection string may name this target, lower case, with port where it is not 443. */
  readonly hosts: readonly string[];
  /** Two slots whose keys were read with the rest: what each of them holds now. */
  readonly present?: ReadonlyMap<Handle, Secret>;
  /** `many`: what Keyturn made here for this secret; what no version names is removed once it is old enough. */
  readonly labelled?: readonly Labelled[];
  /** `many`: handles that are never revoked, since a person made them (design section 4). */
  readonly personal?: readonly Handle[];
  /** What is shown of the target beside the secret, for a person to tidy up: text of strangers quoted. */
  readonly notes?: readonly string[];
  /** Those of `hosts` behind which something else than the server looks at passwords, such as a pooler (finding SRV-12). */
  readonly doors?: readonly string[];
  /** Credentials that the target itself ends, and when: due before, and broken after (finding SRV-05). */
  readonly endsOn?: ReadonlyMap<Handle, Date>;
  /** So many hours a new credential of a slot lives, where the target ends it by itself. */
  readonly livesHours?: ReadonlyMap<Handle, number>;
  /** Slots that no new credential would open, and why: no rotation takes them (finding SRV-01). */
  readonly blocked?: ReadonlyMap<Handle, Obstacle>;
}

/** What the target said of the stored value, beside the verdict. */
export interface Said {
  /** It could not be told, and why; absent where it could. */
  readonly doubt?: Reason;
  /** It has run out: another one has to come, however young it is. */
  readonly expired: boolean;
  /** Each server with its own number, in our words; undefined where all went well. */
  readonly detail: string | undefined;
}

/** What a target that counts wrong passwords remembers from pass to pass. */
export interface Wrong {
  /** Of passes before, about a version that has been current `since` then. */
  recall(entries: readonly WrongTry[], since: Date): void;
  list(): readonly WrongTry[];
}

/** What a kind is. Known before there is a client or a credential: pages, templates and lists are made from it. */
export interface Manifest {
  /** The tag value. */
  readonly type: string;
  /** What it is, for people. */
  readonly title: string;
  /** What can be promised about the old credential. */
  readonly overlap: 'two-slots' | 'many' | 'none';
  /** Characters of the longest credential that it makes; where absent, the vault's limit is measured with room to spare. */
  readonly longest?: number;
  /** What it has to be allowed: pages and roles are made from it. */
  readonly rights: NeededRights;
  /** What helps with a reason, where this kind knows better than the table of reasons. */
  readonly remedies?: Remedies;
  /** Keys of `rotator-options`, documented from here. */
  readonly options: z.ZodObject;
  /** How a secret may hold the credential. */
  readonly form: FormSpec;
}

export interface Rotator extends Manifest {
  /** Parses and binds; a clear `bad-tags` error names the tag. Sends nothing. */
  bind(parameters: Parameters): Target;
}

export interface Target {
  /**
   * Canonical id, lower case: what locks, the index and the state's `tgt` are about. For logins that share a server it ends
   * in `/logins/<a>,<b>`.
   */
  readonly id: string;
  /** Ids (of resources, or of an app registration) whose owners must all consent; lower case. Mostly `[id]`. */
  readonly owners: readonly string[];
  /** Logins that the tags name: those that may come to stand in the secret. */
  readonly logins?: readonly string[];
  /** What of the owners' resources is taken, as the consent has to name it; a whole resource without parts where absent. */
  readonly part?: Part;
  /** Facts needed before anything changes. */
  inspect(): Promise<TargetFacts>;
  /**
   * Further hosts by which a connection string may name this target, as `hosts` of `inspect`, after which it is called: names of
   * private endpoints, and what costs a request more. Asked only where a stored text names a host that `inspect` did not know.
   */
  moreHosts?(): Promise<readonly string[]>;
  /**
   * The handle of the credential that `value` is, or undefined when it can't be told for certain. Changes nothing.
   *
   * @param login the login beside the value in the secret, where its form carries one
   */
  adopt(value: Secret, login?: string): Promise<Handle | undefined>;
  /**
   * Makes a credential that works beside all of `keep` and lives until `until` where the target knows lifetimes. Called
   * again for the same rotation it may replace what it made before, and leaves at most one live credential for it.
   */
  issue(
    rotation: RotationId,
    keep: readonly Handle[],
    until: Date,
    stay: Stay,
  ): Promise<Credential>;
  /** Uses the value against the target. */
  check(value: Secret, login?: string): Promise<Verdict>;
  /**
   * Makes the target refuse `handle`; confirmed by reading the target. If it no longer holds `old` there, it is done. Answers
   * `refused` where it has seen for itself how the target refused `old`: then nobody tries that again, which may lock a login.
   */
  revoke(handle: Handle, old: Secret | undefined, stay: Stay): Promise<'refused' | undefined>;
  /**
   * The sessions that are open with this credential now, where the server can be asked: by the connection that changes it anyway, and
   * reading no statement of anybody. Without the right to see them all it cannot tell.
   */
  sessions?(handle: Handle): Promise<UseVerdict>;
  /** Two-slot targets whose values can be read again: the present value of a slot (join). */
  read?(handle: Handle): Promise<Secret>;
  /**
   * What of the rights that a change needs can be told without one, beside the actions of the role: grants inside a server, an
   * owner in a directory. Asked in dry runs and by an instance that only observes, never in a pass that changes something.
   */
  rights?(): Promise<readonly RightCheck[]>;
  /**
   * The stored value leads through one of `doors`: from now on `check` asks there, too. Answers what its owner should know of that.
   */
  through?(): string;
  /** Of the value that `adopt` or `check` was asked about last. */
  said?(): Said | undefined;
  /** Present where wrong passwords are counted (finding SRV-02). */
  readonly wrong?: Wrong | undefined;
  /** Overlap none: sets the old value back when the store was refused for certain. */
  restore?(value: Secret, login?: string): Promise<void>;
}
