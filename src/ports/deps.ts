/** Everything a pass reaches: ports, never clients. `app.ts` fills it for Azure, the simulation for its world. */
import type { Clock } from '../core/clock.ts';
import type { Freeze } from '../core/freeze.ts';
import type { Tags } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Alerts } from './alerts.ts';
import type { Audit } from './audit.ts';
import type { Consent } from './consent.ts';
import type { Consumers } from './consumers.ts';
import type { Evidence } from './evidence.ts';
import type { Holds } from './holds.ts';
import type { Locks } from './locks.ts';
import type { Notices } from './notices.ts';
import type { LookQueue } from './queue.ts';
import type { Reports } from './reports.ts';
import type { Resources } from './resources.ts';
import type { Rights } from './rights.ts';
import type { Rotator } from './rotator.ts';
import type { Rows } from './rows.ts';
import type { SuggestionRows } from './suggestions.ts';
import type { UnmanagedRows } from './unmanaged.ts';
import type { Vaults } from './vault.ts';

/** Bounds of the operator, in hours. */
export interface PolicyLimits {
  /** KEYTURN_EVERY_MAX: a longer `every` counts as this, whoever said it. */
  readonly everyMaxHours: number;
  /** KEYTURN_GRACE_MIN: a shorter `grace` counts as this, but for a secret's own. */
  readonly graceMinHours: number;
}

/** `observe`: no write anywhere, plans are shown. `drain`: no new rotations, obligations are worked off. */
export type Mode = 'observe' | 'run' | 'drain';

export interface Registry {
  /** Every rotator there is, sorted. */
  readonly types: readonly string[];
  get(type: string): Rotator | undefined;
}

export interface Deps {
  readonly vaults: Vaults;
  /** ARM tags of a vault (`keyturn`, `keyturn-policy`), read with the management plane and cached for minutes. */
  readonly vaultTags: (vault: string) => Promise<Tags>;
  readonly rotators: Registry;
  readonly consent: Consent;
  readonly rows: Rows;
  /** What has not opted in; absent in a world that shows nobody anything. */
  readonly unmanaged?: UnmanagedRows;
  /** What was recognised of it; absent like that. */
  readonly suggestions?: SuggestionRows;
  /** Resources by their hosts; absent in a world without Azure. */
  readonly resources?: Resources;
  /** Who reads which secret; absent where nobody is looked for. */
  readonly consumers?: Consumers;
  readonly locks: Locks;
  /** What people put off for many secrets at once. Nothing where absent. */
  readonly holds?: Holds;
  readonly queue: LookQueue;
  readonly audit: Audit;
  /** Where reports are kept; absent in a world that shows nobody anything. */
  readonly reports?: Reports;
  readonly alerts: Alerts;
  /** The way out to people; absent where nobody is told. */
  readonly notices?: Notices;
  /** What Azure tells of Keyturn's own rights; absent in a world without Azure. */
  readonly rights?: Rights;
  /** Who still uses an old credential; absent where nobody knows: then nothing is asked, and `when-unused` cannot tell. */
  readonly evidence?: Evidence;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: Config;
  /** Aborted when the worker is told to stop. Never where absent. */
  readonly stop?: AbortSignal;
}

/** The part of the settings that passes and sweep depend on. */
export interface Config {
  /** KEYTURN_INSTANCE: a vault whose tag `keyturn` names another instance is skipped. */
  readonly instance: string;
  readonly mode: Mode;
  /** KEYTURN_SUGGEST: whether values of secrets that have not opted in may be read, to say how they could. Off where absent. */
  readonly suggest?: 'off' | 'values';
  /** KEYTURN_RATE: rotations per hour. */
  readonly rate: { readonly perVault: number; readonly overall: number };
  /** KEYTURN_ROTATORS: kinds are off unless named. */
  readonly enabled: readonly string[];
  /** KEYTURN_POLICY: the default policy, in the grammar of the tag `rotator-policy`. */
  readonly policy: string;
  /** KEYTURN_EVERY_MAX and KEYTURN_GRACE_MIN; their defaults where absent. */
  readonly limits?: PolicyLimits;
  /** KEYTURN_FREEZE: nothing is rotated or revoked in between, but what is broken is healed. */
  readonly freeze?: readonly Freeze[];
  /** KEYTURN_VALIDITY_CAP in days: the tenant's limit on the validity of a version. */
  readonly capDays?: number;
  /** KEYTURN_SAMPLE_TAGS: names of vaults in which the tags of Microsoft's samples opt in, too. None where absent. */
  readonly sampleVaults?: readonly string[];
  /** Object id of the identity that Keyturn runs as, for who gives it roles. */
  readonly identity?: string;
  /** KEYTURN_OWNER_TAG: the tag that names the owner, for the inventory. */
  readonly ownerTag: string;
  /** Names of storage accounts that this app runs on, lower case (case ST-07). */
  readonly ownStorage: readonly string[];
  /** Ids of the applications that it runs as and that guards its API, as far as the settings name them. */
  readonly ownApplications: readonly string[];
}
