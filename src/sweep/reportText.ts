/** A report as text for spreadsheets and for people. What strangers wrote is text there, never a formula, markup or a link. */
import {
  type OwnersPart,
  type Report,
  type ReportedRotation,
  type ReportedSecret,
  VERDICTS,
} from './report.ts';

type Cell = string | number | undefined;

/** Of secrets, then of rotations; what does not apply stays empty. */
const COLUMNS = [
  'record',
  'month',
  'owner',
  'vault',
  'secret',
  'kind',
  'target',
  'state',
  'verdict',
  'ageDays',
  'credentialSince',
  'versionOn',
  'dueOn',
  'expiresOn',
  'proof',
  'lookedOn',
  'exemptReason',
  'exemptUntil',
  'exemptTicket',
  'certificate',
  'disabled',
  'rotation',
  'rotatedOn',
  'reason',
  'outcome',
  'replaced',
  'stored',
  'handle',
  'provedOn',
  'revokedOn',
  'revoked',
  'requestIds',
  'caller',
  'ticket',
] as const;
type Row = Readonly<Record<string, Cell>>;

/** RFC 4180, one row for each secret and each rotation; `record` says which. */
export function reportCsv({ month, owners }: Report): string {
  const rows = owners.flatMap(({ owner, secrets, rotations }) => [
    ...secrets.map((each) => ({ record: 'secret', month, owner, ...secretRow(each) })),
    ...rotations.map((each) => ({ record: 'rotation', month, owner, ...rotationRow(each) })),
  ]);
  const lines = [[...COLUMNS], ...rows.map((row: Row) => COLUMNS.map((column) => row[column]))];
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

const secretRow = ({ exempt, certificate, disabled, ...secret }: ReportedSecret): Row => ({
  ...secret,
  exemptReason: exempt?.reason,
  exemptUntil: exempt?.until,
  exemptTicket: exempt?.ticket,
  certificate: certificate && 'true',
  disabled: disabled && 'true',
});

const rotationRow = ({ revoked, requestIds, ...rotation }: ReportedRotation): Row => ({
  ...rotation,
  revoked: revoked?.join(' '),
  requestIds: requestIds.join(' '),
});

/** With these a spreadsheet takes a cell for a formula, in their wide forms, too (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** One cell of a CSV file: text whatever stands in it. */
export function csvCell(cell: Cell): string {
  if (cell === undefined) return '';
  const text = FORMULA.test(String(cell)) ? `'${cell}` : String(cell);
  return /[",\r\n\t']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** For people: the numbers, then owner by owner what they have and what was rotated. */
export function reportMarkdown(report: Report): string {
  const { month, on, limitDays, secrets, rotations, truncated, owners } = report;
  return [
    `# Secrets and rotations, ${month}`,
    `As of ${on}. ${secrets} secrets, ${rotations} rotations. No credential is to be older than ${limitDays} days.`,
    ...(truncated
      ? ['The audit of this month was too long to be read to its end: there were more rotations.']
      : []),
    table(
      ['owner', 'secrets', ...VERDICTS],
      owners.map((part) => [
        ownerOf(part),
        part.secrets.length,
        ...VERDICTS.map((verdict) => part.verdicts[verdict]),
      ]),
    ),
    ...owners.flatMap(ownersPart),
    '',
  ].join('\n\n');
}

const ownerOf = ({ owner }: OwnersPart): string => owner ?? '(no owner)';
const dayOf = (on: string | undefined): string | undefined => on?.slice(0, 10);

function ownersPart(part: OwnersPart): string[] {
  const secrets = part.secrets.map((each) => [
    each.vault,
    each.secret,
    each.kind ?? (each.certificate ? 'certificate' : each.state),
    each.verdict,
    each.ageDays,
    dayOf(each.dueOn),
    each.proof,
    each.exempt &&
      [each.exempt.reason, `until ${dayOf(each.exempt.until)}`, each.exempt.ticket ?? '']
        .join(' ')
        .trim(),
  ]);
  const rotations = part.rotations.map((each) => [
    each.vault,
    each.secret,
    each.rotatedOn,
    each.reason,
    each.outcome,
    each.stored,
    each.provedOn,
    each.revokedOn,
    each.requestIds.join(' '),
    each.ticket,
  ]);
  return [
    `## ${markdownCell(ownerOf(part))}`,
    ...(secrets.length > 0
      ? [table(['vault', 'secret', 'kind', 'verdict', 'days', 'due', 'proof', 'exempt'], secrets)]
      : []),
    ...(rotations.length > 0
      ? [
          table(
            [
              'vault',
              'secret',
              'rotated',
              'why',
              'outcome',
              'version',
              'proved',
              'revoked',
              'requests',
              'ticket',
            ],
            rotations,
          ),
        ]
      : []),
  ];
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map((row) => line(row.map(markdownCell))),
  ].join('\n');
}

/** One cell of a table: nothing in it is markup, HTML, a link or a mention. */
export function markdownCell(cell: Cell): string {
  return String(cell ?? '')
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .replaceAll(/[\\`*_{}[\]()#+!|~^=$]/g, '\\$&')
    .replaceAll(/[&<>@"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll(/:(?=\/\/)/g, '&#58;')
    .replaceAll(/\bwww\./gi, (word) => `${word.slice(0, 3)}&#46;`);
}
