/** `GET /api/report`: every secret with the age of its credential and a verdict, and a month's rotations with their evidence. */
import { z } from 'zod';
import { compact } from '../../core/compact.ts';
import { SECRET_STATUSES } from '../../core/statuses.ts';
import type { Deps } from '../../ports/deps.ts';
import { makeReport, PROOFS, type Report, reportWithin, VERDICTS } from '../../sweep/report.ts';
import { reportCsv, reportMarkdown } from '../../sweep/reportText.ts';
import { type Caller, requireRole } from '../auth.ts';
import { badRequest } from '../body.ts';
import { guarded } from '../call.ts';
import { answer, page } from '../problem.ts';
import { parseQuery } from '../query.ts';

const FORMATS = ['json', 'csv', 'markdown'] as const;

export const ReportQuery = z.strictObject({
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'month must be a month as 2026-11')
    .optional()
    .describe('Of which the rotations are shown; the present one where absent.'),
  format: z
    .enum(FORMATS, `format must be ${FORMATS.join(', ')}`)
    .optional()
    .describe('`json` where absent.'),
});

const date = z.iso.datetime();
const maybeDate = date.optional();
const verdicts = z.strictObject({
  compliant: z.int(),
  exempt: z.int(),
  'too-old': z.int(),
  'cannot-tell': z.int(),
});

export const ReportedSecretBody = z.strictObject({
  vault: z.string(),
  secret: z.string(),
  verdict: z
    .enum(VERDICTS)
    .describe(
      '`cannot-tell`: the version is young, and nobody knows how old the credential in it is.',
    ),
  state: z.enum(SECRET_STATUSES),
  kind: z.string().optional(),
  target: z.string().optional(),
  ageDays: z.int().optional().describe('Of the credential, in whatever version it stood.'),
  credentialSince: maybeDate,
  versionOn: maybeDate.describe('When the current version was made; its credential may be older.'),
  expiresOn: maybeDate,
  dueOn: maybeDate,
  proof: z
    .enum(PROOFS)
    .describe(
      '`proved`: a pass after the store used the value. `none`: Keyturn did not write the version.',
    ),
  lookedOn: maybeDate,
  exempt: z
    .strictObject({ reason: z.string(), until: date, ticket: z.string().optional() })
    .optional(),
  certificate: z.literal(true).optional().describe('It belongs to a certificate.'),
  disabled: z.literal(true).optional(),
});

export const ReportedRotationBody = z.strictObject({
  vault: z.string(),
  secret: z.string(),
  rotation: z.string().optional(),
  rotatedOn: maybeDate,
  reason: z.string().optional(),
  outcome: z.string().optional(),
  replaced: z.string().optional().describe('The version that was current before.'),
  stored: z.string().optional(),
  handle: z.string().optional(),
  provedOn: maybeDate,
  revokedOn: maybeDate,
  revoked: z.array(z.string()).optional(),
  requestIds: z.array(z.string()).describe('Of the answers of Azure.'),
  caller: z.string().optional(),
  ticket: z.string().optional(),
});

export const ReportBody = z.strictObject({
  month: z.string(),
  on: date.describe(
    'Secrets are as they were then. The report of a month that has ended is the one that was kept.',
  ),
  limitDays: z.int(),
  secrets: z.int(),
  rotations: z.int(),
  verdicts,
  truncated: z.boolean().describe('The audit of the month was too long to be read to its end.'),
  owners: z.array(
    z.strictObject({
      owner: z.string().optional().describe('Absent: no tag names one.'),
      verdicts,
      secrets: z.array(ReportedSecretBody),
      rotations: z.array(ReportedRotationBody),
    }),
  ),
});

interface Asked {
  readonly month?: string;
  readonly format: (typeof FORMATS)[number];
}

/** Parses a query; an empty parameter is an absent one. Throws `bad-request` naming what is wrong. */
export function fromReportQuery(query: URLSearchParams): Asked {
  const { month, format = 'json' } = parseQuery(ReportQuery, query);
  return { format, ...compact({ month }) };
}

/**
 * Of a month that has ended the report that was kept, else one as of now; of vaults of this instance alone. A month that has not
 * begun is `bad-request`.
 */
async function report(given: string | undefined, caller: Caller, deps: Deps): Promise<Report> {
  requireRole(caller, 'Keyturn.Read');
  const present = deps.clock.now().toISOString().slice(0, 7);
  const month = given ?? present;
  if (month > present) throw badRequest('month must have begun.');
  const kept = month < present ? await deps.reports?.kept(month) : undefined;
  const found = (kept === undefined ? undefined : parsed(kept)) ?? (await makeReport(month, deps));
  return reportWithin(found, (vault) => deps.vaults.names.includes(vault));
}

/** What does not parse counts as absent, whoever wrote it. */
function parsed(text: string): Report | undefined {
  try {
    return ReportBody.safeParse(JSON.parse(text)).data as Report | undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export const showReport = guarded({
  name: 'report',
  method: 'GET',
  path: 'report',
  summary:
    'Every secret with the age of its credential and a verdict; a month’s rotations with their evidence; by owner',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  query: { schema: ReportQuery, parse: fromReportQuery },
  answers: {
    200: {
      description: 'The report; as `csv` or `markdown` it is a text of that type.',
      body: { name: 'ReportBody', schema: ReportBody },
    },
  },
  async run(deps, caller, { query: { month, format } }) {
    const found = await report(month, caller, deps);
    if (format === 'json') return answer(200, found);
    const [text, type, ending] =
      format === 'csv'
        ? [reportCsv(found), 'text/csv', 'csv']
        : [reportMarkdown(found), 'text/markdown', 'md'];
    return page(200, text, {
      'content-type': `${type}; charset=utf-8`,
      'content-disposition': `attachment; filename="keyturn-${found.month}.${ending}"`,
    });
  },
});
