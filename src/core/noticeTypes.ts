/** The words of notices: what happened, how loud it is, and which reason makes which. */
import type { Reason } from './reasons.ts';

/** What a notice can be about. Events carry it as `keyturn.secret.<type>.v1`, with `_` for `-`. */
export const NOTICE_TYPES = [
  'rotated',
  'proved',
  'revoked',
  'undone',
  'leaked',
  'failed',
  'refused',
  'drift',
  'due-soon',
  'expiring',
  'overdue',
  'approval-needed',
  'straggler',
  'consumer-failed',
  'freeze',
] as const;
export type NoticeType = (typeof NOTICE_TYPES)[number];

/** `info`: it went as it should. `warning`: a person should act in time. `critical`: something does not go on without one. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How loud a notice of this type is, where whoever tells it does not know better. */
export const severityOf: Readonly<Record<NoticeType, Severity>> = {
  rotated: 'info',
  proved: 'info',
  revoked: 'info',
  undone: 'warning',
  leaked: 'critical',
  failed: 'critical',
  refused: 'warning',
  drift: 'warning',
  'due-soon': 'warning',
  expiring: 'critical',
  overdue: 'critical',
  'approval-needed': 'warning',
  straggler: 'warning',
  'consumer-failed': 'critical',
  freeze: 'warning',
};

/** Reasons of alerts that say that something was tried and did not go well, or goes on not being done. */
const FAILURES: readonly Reason[] = [
  'not-accepted',
  'store-refused',
  'conflict',
  'too-many',
  'brake',
  'failed',
  'audit-unwritten',
  'unproved',
  'locked-out',
  'still-owed',
  'vault-busy',
  'target-busy',
  'storage-busy',
];

/** The type of notice that an alert of this reason is told as: whatever a person must mend first is `refused`. */
export function typeOfAlert(reason: Reason): NoticeType {
  if (reason === 'drift' || reason === 'overdue' || reason === 'consumer-failed') return reason;
  if (reason === 'in-use') return 'straggler';
  if (reason === 'approval') return 'approval-needed';
  return FAILURES.includes(reason) ? 'failed' : 'refused';
}
