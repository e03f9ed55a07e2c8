/** The contract of a kind of consumer: what it is, how it follows, what can be seen of it, and what has it read a vault again. */

import type { BriefArm } from '../azure/briefArm.ts';
import type { ResourceId, SecretRef } from '../core/ids.ts';
import type { ConsumerReference, Follows } from '../ports/consumers.ts';

/** What a kind reaches: Azure Resource Manager. */
export interface ConsumerReach {
  readonly arm: BriefArm;
}

export interface ConsumerKind {
  /** Its name in answers and documents. */
  readonly name: string;
  /** The resource's type, in Azure's spelling, and a pattern of what its names look like. */
  readonly type: string;
  readonly names: RegExp;
  /** For the GET of the resource. */
  readonly version: string;
  readonly follows: Follows;
  readonly cycleMinutes?: number;
  readonly restarts?: true;
  /** Azure actions that it needs: the role and the documents are made from these. */
  readonly actions: readonly string[];
  /** Where it names the secret. */
  references(
    id: ResourceId,
    secret: SecretRef,
    body: unknown,
    reach: ConsumerReach,
  ): Promise<readonly ConsumerReference[]>;
  /** Has it read these references again. */
  refresh?(
    id: ResourceId,
    references: readonly ConsumerReference[],
    reach: ConsumerReach,
  ): Promise<void>;
}
