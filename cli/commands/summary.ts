/** `list --summary`: all secrets in numbers. */
import type { z } from 'zod';
import type { SummaryBody } from '../../src/api/calls/showSummary.ts';
import type { Exit } from '../failure.ts';
import { colourOf } from '../show/colour.ts';
import { day } from '../show/print.ts';
import { type Column, table } from '../show/table.ts';
import type { Run } from '../spec.ts';
import { fields } from './fields.ts';

type Summary = z.infer<typeof SummaryBody>;
type Counted = Pick<Summary, 'managed' | 'unmanaged'>;

/** A terminal shows so many vaults and owners; `-o json` has them all. */
const SHOWN_MAX = 10;

export async function summary({ session, print }: Pick<Run, 'session' | 'print'>): Promise<Exit> {
  const { body } = await session.api.call<Summary>('summary');
  const { unwatched, firstWeek } = body;
  const counts = <T extends Counted>(): readonly Column<T>[] => [
    { title: 'watched', of: ({ managed }) => String(managed), isWhole: true },
    { title: 'not opted in', of: ({ unmanaged }) => String(unmanaged), isWhole: true },
  ];
  const by = <T extends Counted>(
    title: string,
    items: readonly T[],
    name: (item: T) => string | undefined,
  ) =>
    table<T>({
      items: items.slice(0, SHOWN_MAX),
      columns: [{ title, of: (item) => name(item) ?? '(not known)' }, ...counts<T>()],
    });
  print({
    body,
    tables: [
      fields([
        ['secrets', `${body.secrets} in ${body.vaults} vaults`],
        ['watched', String(body.managed)],
        ['not opted in', String(body.unmanaged)],
        [
          'expire in 30 days, and nobody watches',
          String(unwatched.expiring),
          unwatched.expiring > 0 ? 'red' : undefined,
        ],
        ['have expired, and nobody watches', String(unwatched.expired)],
        [
          'a first week in run',
          `${firstWeek.rotations} rotations of ${firstWeek.due} due, ${firstWeek.blocked} blocked`,
        ],
      ]),
      table<Summary['states'][number]>({
        items: body.states,
        columns: [
          { title: 'state', of: ({ state }) => state, colour: ({ state }) => colourOf(state) },
          { title: 'secrets', of: ({ secrets }) => String(secrets) },
        ],
      }),
      by('age', body.ages, ({ age }) => age),
      by('expires', body.expiries, ({ expires }) => expires),
      by('vault', body.byVault, ({ vault }) => vault),
      by('owner', body.byOwner, ({ owner }) => owner),
      by('kind', body.byKind, ({ kind }) => kind),
      table<Summary['unwatched']['first'][number]>({
        items: unwatched.first,
        columns: [
          {
            title: 'nobody watches',
            of: ({ vault, secret }) => `${vault}/${secret}`,
            isWhole: true,
          },
          { title: 'expires', of: ({ expiresOn }) => day(expiresOn), isWhole: true },
          { title: 'owner', of: ({ owner }) => owner },
        ],
      }),
    ],
  });
  return 'done';
}
