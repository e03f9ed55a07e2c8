/** `report`: every secret with a verdict against the limit, and a month's rotations with their evidence. */
import type { z } from 'zod';
import type {
  ReportBody,
  ReportedRotationBody,
  ReportedSecretBody,
} from '../../src/api/calls/showReport.ts';
import { colourOf } from '../show/colour.ts';
import { day, minute } from '../show/print.ts';
import { table } from '../show/table.ts';
import { printableLine } from '../show/text.ts';
import type { CommandSpec } from '../spec.ts';
import { fields } from './fields.ts';

type Report = z.infer<typeof ReportBody>;
type Secret = z.infer<typeof ReportedSecretBody> & { readonly owner?: string | undefined };
type Rotation = z.infer<typeof ReportedRotationBody>;

export const report: CommandSpec = {
  name: 'report',
  summary:
    "every secret of every vault with its age and a verdict, and a month's rotations with their evidence",
  more: 'As csv and markdown it is the text that Keyturn keeps on the first of each month.',
  options: [
    { flags: '--month <month>', says: 'as 2026-11; the present one without it' },
    { flags: '--failing', says: 'only secrets that are too old, or whose age nobody can tell' },
  ],
  examples: ['keyturn report --month 2026-11 -o csv', 'keyturn report --failing'],
  async run({ session, asked, print, format, io }) {
    const isText = format === 'csv' || format === 'markdown';
    const query = { month: asked.text('month'), format: isText ? format : undefined };
    const { body } = await session.api.call<Report | string>('report', { query });
    if (typeof body === 'string') {
      for (const line of body.trimEnd().split(/\r?\n/)) io.out.write(`${printableLine(line)}\n`);
      return 'done';
    }
    const secrets: readonly Secret[] = body.owners.flatMap(({ owner, secrets: owned }) =>
      owned.map((each) => ({ ...each, owner })),
    );
    const shown = asked.is('failing')
      ? secrets.filter(({ verdict }) => verdict === 'too-old' || verdict === 'cannot-tell')
      : secrets;
    const { verdicts } = body;
    print({
      body,
      items: shown,
      tables: [
        fields([
          ['month', body.month],
          ['as of', minute(body.on)],
          ['limit', `${body.limitDays} days`],
          ...Object.entries(verdicts).map(
            ([verdict, count]) =>
              [verdict, String(count), count > 0 ? colourOf(verdict) : undefined] as const,
          ),
          ['rotations', String(body.rotations)],
        ]),
        table<Secret>({
          items: shown,
          columns: [
            { title: 'secret', of: ({ vault, secret }) => `${vault}/${secret}`, isWhole: true },
            {
              title: 'verdict',
              of: ({ verdict }) => verdict,
              colour: ({ verdict }) => colourOf(verdict),
              isWhole: true,
            },
            {
              title: 'age',
              of: ({ ageDays }) => (ageDays === undefined ? undefined : `${ageDays} d`),
              isWhole: true,
            },
            { title: 'state', of: ({ state }) => state, colour: ({ state }) => colourOf(state) },
            { title: 'owner', of: ({ owner }) => owner },
            { title: 'due', of: ({ dueOn }) => day(dueOn), isWhole: true },
            { title: 'proof', of: ({ proof }) => proof },
            {
              title: 'exempt',
              of: ({ exempt }) => exempt && `until ${day(exempt.until)}: ${exempt.reason}`,
            },
          ],
        }),
        table<Rotation>({
          items: body.owners.flatMap(({ rotations }) => rotations),
          columns: [
            { title: 'rotated', of: ({ vault, secret }) => `${vault}/${secret}`, isWhole: true },
            { title: 'on', of: ({ rotatedOn }) => minute(rotatedOn), isWhole: true },
            { title: 'reason', of: ({ reason }) => reason },
            { title: 'handle', of: ({ handle }) => handle },
            { title: 'proved', of: ({ provedOn }) => minute(provedOn), isWhole: true },
            { title: 'revoked', of: ({ revokedOn }) => minute(revokedOn), isWhole: true },
            { title: 'ticket', of: ({ ticket }) => ticket },
          ],
        }),
      ],
      ...(body.truncated
        ? { said: ['The audit of the month was too long to be read to its end.'] }
        : {}),
    });
    return 'done';
  },
};
