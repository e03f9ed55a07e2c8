/** The words of notices: what happened, and how loud it is. */

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
