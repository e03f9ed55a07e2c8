/** Custom topics of Event Grid, and what was published to each. */

/** A topic as the tenant has it. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly events: Record<string, unknown>[];
}
