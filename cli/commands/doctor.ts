/** `doctor`: whether a rotation will work on its day: of one secret, asked now, or of the fleet, by the last looks. */
import type { z } from 'zod';
import type { DiagnosisBody, DoctorBody, DoctorsBody } from '../../src/api/doctorBody.ts';
import { type Exit, usage } from '../failure.ts';
import { secretIn } from '../session/session.ts';
import { colourOf } from '../show/colour.ts';
import { minute } from '../show/print.ts';
import { type Column, table } from '../show/table.ts';
import type { CommandSpec, Run } from '../spec.ts';
import { fields } from './fields.ts';

type Diagnosis = z.infer<typeof DiagnosisBody>;
type Examined = z.infer<typeof DoctorsBody>['secrets'][number];
type Problem = Partial<Diagnosis> &
  Pick<Examined, 'vault' | 'secret'> & { readonly outcome: Examined['outcome'] };

/** What is pasted stands on a line of its own for people, and in a column for programs. */
const tailFor = ({ format }: Pick<Run, 'format'>): readonly Column<Partial<Diagnosis>>[] => [
  { title: 'reason', of: ({ reason }) => reason, isWhole: true },
  ...(format === 'table'
    ? []
    : [
        { title: 'detail', of: ({ detail }: Partial<Diagnosis>) => detail },
        { title: 'remedy', of: ({ remedy }: Partial<Diagnosis>) => remedy },
      ]),
  { title: 'who', of: ({ who }) => who },
];

/** Each remedy once, below what it is for. */
function remediesOf(
  found: readonly (Partial<Diagnosis> & { readonly of: string })[],
): readonly string[] {
  const remedies = [...new Set(found.map(({ remedy }) => remedy))];
  return remedies.flatMap((remedy, at) => [
    ...(at > 0 ? [''] : []),
    ...found
      .filter((each) => each.remedy === remedy)
      .map(({ of, detail = '' }) => `${of}: ${detail}`),
    ...(remedy === undefined ? [] : [`  ${remedy}`]),
  ]);
}

export const doctor: CommandSpec = {
  name: 'doctor',
  summary:
    'whether a rotation will work on its day, learnt without a write; without a secret: all that the last looks found',
  more: 'It ends with 3 where there is a problem.',
  args: [['[secret]', '<vault>/<secret>; without it all']],
  options: [
    { flags: '--vault <name>', says: 'of this vault only' },
    { flags: '--owner <text>', says: 'whose owner tag is exactly this' },
    { flags: '--all', says: 'also what is well' },
  ],
  examples: ['keyturn doctor kv-shop/orders-storage', 'keyturn doctor --vault kv-shop'],
  async run(run) {
    const { asked } = run;
    const [what] = asked.args;
    if (what === undefined) return await examineAll(run);
    if (asked.text('vault') !== undefined || asked.text('owner') !== undefined)
      throw usage('One at a time: a secret, or --vault and --owner.');
    const { body } = await run.session.api.call<z.infer<typeof DoctorBody>>('doctor', {
      path: { ...secretIn(what) },
    });
    const faults = body.findings.filter(({ outcome }) => outcome !== 'ok');
    const shown = asked.is('all') || run.format !== 'table' ? body.findings : faults;
    run.print({
      body,
      items: body.findings,
      tables: [
        table<Diagnosis>({
          items: shown,
          columns: [
            { title: 'check', of: ({ check }) => check, isWhole: true },
            {
              title: 'outcome',
              of: ({ outcome }) => outcome,
              colour: ({ outcome }) => colourOf(outcome),
              isWhole: true,
            },
            ...(tailFor(run) as readonly Column<Diagnosis>[]),
          ],
        }),
      ],
      said: [
        ...remediesOf(faults.map((each) => ({ of: each.check, ...each }))),
        ...(faults.length > 0 ? [''] : []),
        `${body.findings.length - faults.length} of ${body.findings.length} checks are well.`,
      ],
    });
    return body.outcome === 'problem' ? 'refused' : 'done';
  },
};

async function examineAll({ session, asked, print, format }: Run): Promise<Exit> {
  const secrets: Examined[] = [];
  let continuation: string | undefined;
  do {
    const query = { vault: asked.text('vault'), owner: asked.text('owner'), continuation };
    const { body } = await session.api.call<z.infer<typeof DoctorsBody>>('doctors', { query });
    secrets.push(...body.secrets);
    continuation = body.continuation;
  } while (continuation !== undefined);
  const ofOutcome = (outcome: Examined['outcome']) =>
    secrets.filter((each) => each.outcome === outcome);
  const shown = asked.is('all') ? secrets : secrets.filter(({ outcome }) => outcome !== 'ok');
  const rows = shown.flatMap(({ vault, secret, outcome, problems, untold }): Problem[] => {
    if (problems.length > 0) return problems.map((each) => ({ vault, secret, ...each }));
    return [{ vault, secret, outcome, ...(untold.length > 0 ? { check: untold.join(', ') } : {}) }];
  });
  print({
    body: { secrets },
    items: shown,
    tables: [
      table<Problem>({
        items: rows,
        columns: [
          { title: 'secret', of: ({ vault, secret }) => `${vault}/${secret}`, isWhole: true },
          {
            title: 'outcome',
            of: ({ outcome }) => outcome,
            colour: ({ outcome }) => colourOf(outcome),
            isWhole: true,
          },
          { title: 'check', of: ({ check }) => check },
          ...(tailFor({ format }) as readonly Column<Problem>[]),
        ],
      }),
      fields([
        ['examined', String(secrets.filter(({ examinedOn }) => examinedOn).length)],
        ['the oldest on', minute(secrets.flatMap(({ examinedOn }) => examinedOn ?? []).sort()[0])],
        ...(['ok', 'problem', 'cannot-tell'] as const).map(
          (outcome) => [outcome, String(ofOutcome(outcome).length)] as const,
        ),
      ]),
    ],
    said: remediesOf(
      rows
        .filter(({ remedy }) => remedy)
        .map((row) => ({ of: `${row.vault}/${row.secret}`, ...row })),
    ),
  });
  return ofOutcome('problem').length > 0 ? 'refused' : 'done';
}
