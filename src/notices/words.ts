/** What a notice says to people: the same words for a card and for blocks. Plain text; each sink quotes it its own way. */
import type { NoticeType } from '../core/noticeTypes.ts';
import { reasonRow } from '../core/reasons.ts';
import type { Notice } from '../ports/notices.ts';
import { linkOf } from './cloudEvent.ts';

export interface Words {
  readonly title: string;
  /** What happened, why, and what helps: paragraphs. */
  readonly text: readonly string[];
  readonly facts: readonly (readonly [string, string])[];
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

const TITLES: Readonly<Record<NoticeType, string>> = {
  rotated: 'Rotated',
  proved: 'New credential proved',
  revoked: 'Old credential revoked',
  undone: 'Rotation undone',
  leaked: 'Reported as leaked',
  failed: 'Failed',
  refused: 'Cannot go on',
  drift: 'Changed by somebody else',
  'due-soon': 'Due soon',
  expiring: 'Expires, and is not replaced',
  overdue: 'Overdue',
  'approval-needed': 'Waits for your approval',
  straggler: 'Old credential is still used',
  'consumer-failed': 'A consumer did not follow',
  freeze: 'Frozen',
};

export function wordsOf(notice: Notice, publicUrl: string | undefined): Words {
  const { type, vault, name, count, names = [], reason, detail, by, remedy } = notice;
  const many = count !== undefined && count > 1;
  const what = many
    ? `${count} secrets${vault === '*' ? '' : ` in ${vault}`}`
    : vault === '*'
      ? 'all'
      : `${vault}/${name}`;
  const rest = many && count > names.length ? ` and ${count - names.length} more` : '';
  const cause = reason === undefined ? undefined : reasonRow(reason).cause;
  const acts = by === undefined || by === 'nobody' ? '' : ` (${by})`;
  const text = [
    cause,
    detail === cause ? undefined : detail,
    remedy === undefined ? undefined : `What helps${acts}: ${remedy}`,
  ];
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Secrets', many ? `${names.join(', ')}${rest}` : undefined],
    ['Severity', notice.severity],
    ['Reason', reason],
    ['Owner', notice.owner],
    ['Kind', notice.kind],
    ['Target', notice.target],
    ['Consumer', notice.consumer],
    ['Credential', notice.handle],
    ['Due', day(notice.dueOn)],
    ['Expires', day(notice.expiresOn)],
    ['Owed since', day(notice.owedSince)],
    ['Told on', day(notice.on)],
    ['Instance', notice.instance],
  ];
  const link = linkOf(notice, publicUrl);
  const single = publicUrl !== undefined && vault !== '*' && name !== '*';
  return {
    title: `${TITLES[type]}: ${what}`,
    text: text.filter((each) => each !== undefined),
    facts: facts.flatMap(([label, value]) =>
      value === undefined ? [] : [[label, value] as const],
    ),
    links: [
      ...(link === undefined ? [] : [{ title: 'What this means', url: link }]),
      ...(single
        ? [{ title: 'The secret', url: `${publicUrl}/api/vaults/${vault}/secrets/${name}` }]
        : []),
    ],
  };
}

/** `2027-01-05 10:00 UTC`. */
const day = (on: Date | undefined): string | undefined =>
  on === undefined ? undefined : `${on.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
