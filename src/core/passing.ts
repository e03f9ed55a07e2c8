/** Reasons that pass by themselves, and for how long they are only waited for. */
import type { Reason } from './reasons.ts';

/** A refusal that a role which is still spreading gives as well (azure-facts 2.2: 28 minutes were seen; case DP-05). */
export const maySpread = (reason: Reason): boolean =>
  reason === 'vault-forbidden' || reason === 'target-forbidden';

/** So long such a refusal is backed off from without an alert (finding COR-02). */
export const SPREADING_MINUTES = 45;

/** What ends by itself when a service has time again. */
export const isBusy = (reason: string): boolean =>
  ['vault-busy', 'target-busy', 'storage-busy'].includes(reason);

/** So long it is waited for without an alert, however few passes that are (finding COR-07). */
export const BUSY_ALERT_MINUTES = 60;
