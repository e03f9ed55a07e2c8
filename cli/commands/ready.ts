/** `ready`: what stands in the way of the app's work, with remedies. */
import type { z } from 'zod';
import type { ReadinessBody } from '../../src/api/readinessBody.ts';
import { colourOf } from '../show/colour.ts';
import { table } from '../show/table.ts';
import type { CommandSpec } from '../spec.ts';

type Readiness = z.infer<typeof ReadinessBody>;
type Row = Readiness['storage'] & { readonly what: string };

export const ready: CommandSpec = {
  name: 'ready',
  summary: 'what stands in the way of the work, with remedies',
  examples: ['keyturn ready'],
  async run({ session, print }) {
    const { body } = await session.api.call<Readiness>('readiness', { alsoAnswers: [503] });
    const rows: readonly Row[] = [
      { what: 'storage', ...body.storage },
      ...(body.discovery ? [{ what: 'discovery', ...body.discovery }] : []),
      ...body.vaults.map(({ vault, ...finding }) => ({ what: `vault ${vault}`, ...finding })),
      ...body.rotators.map(({ rotator, ...finding }) => ({ what: `kind ${rotator}`, ...finding })),
    ];
    const wordOf = ({ ready: is }: Row) => (is ? 'ready' : 'not ready');
    print({
      body,
      tables: [
        table<Row>({
          items: rows,
          columns: [
            { title: 'what', of: ({ what }) => what, isWhole: true },
            { title: 'state', of: wordOf, colour: (row) => colourOf(wordOf(row)), isWhole: true },
            { title: 'reason', of: ({ reason }) => reason },
            { title: 'detail', of: ({ detail }) => detail },
            { title: 'remedy', of: ({ remedy }) => remedy },
            { title: 'who', of: ({ by }) => by },
          ],
        }),
      ],
    });
    return body.ready ? 'done' : 'refused';
  },
};
