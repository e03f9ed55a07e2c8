/** How readiness is shown: what is not ready with its reason, and who can mend it how. */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { mask } from '../core/mask.ts';
import { type Reason, reasonRow } from '../core/reasons.ts';

const Finding = z.strictObject({
  ready: z.boolean(),
  reason: z.string().optional(),
  detail: z.string().optional(),
  remedy: z.string().optional(),
  by: z.string().optional().describe('Who must act.'),
});

export const ReadinessBody = z.strictObject({
  ready: z.boolean(),
  storage: Finding.describe("The app's own table and queue."),
  discovery: Finding.optional().describe('Of vaults, where the settings name subscriptions.'),
  vaults: z.array(Finding.extend({ vault: z.string() })),
  rotators: z.array(Finding.extend({ rotator: z.string() })),
});

interface BareFinding {
  readonly ready: boolean;
  readonly reason?: Reason;
  readonly detail?: string;
}

export const readinessBody = (found: {
  readonly ready: boolean;
  readonly storage: BareFinding;
  readonly discovery?: BareFinding;
  readonly vaults: readonly (BareFinding & { readonly vault: string })[];
  readonly rotators: readonly (BareFinding & { readonly rotator: string })[];
}) =>
  compact({
    ready: found.ready,
    storage: withRemedy(found.storage),
    discovery: found.discovery ? withRemedy(found.discovery) : undefined,
    vaults: found.vaults.map(withRemedy),
    rotators: found.rotators.map(withRemedy),
  });

function withRemedy<T extends BareFinding>(finding: T) {
  if (finding.reason === undefined) return finding;
  const { cause, remedy, by } = reasonRow(finding.reason);
  return { ...finding, detail: mask(finding.detail ?? cause, { versions: true }), remedy, by };
}
