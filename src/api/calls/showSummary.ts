/** `GET /api/summary`: every secret of every served vault in numbers. */
import { z } from 'zod';
import { compact } from '../../core/compact.ts';
import { plain } from '../../core/plain.ts';
import { SECRET_STATUSES } from '../../core/statuses.ts';
import { guarded } from '../call.ts';
import { answer } from '../problem.ts';
import { AGES, EXPIRIES, summary } from '../summary.ts';

const date = z.iso.datetime();
const counted = {
  managed: z.int().describe('Watched by Keyturn.'),
  unmanaged: z.int().describe('Not opted in.'),
};

export const SummaryBody = z.strictObject({
  on: date,
  vaults: z.int(),
  secrets: z.int(),
  ...counted,
  states: z.array(z.strictObject({ state: z.enum(SECRET_STATUSES), secrets: z.int() })),
  byVault: z
    .array(z.strictObject({ vault: z.string(), ...counted }))
    .describe('The greatest 200, then `(others)`.'),
  byOwner: z
    .array(
      z.strictObject({
        owner: z.string().optional().describe('Absent: no tag names one.'),
        ...counted,
      }),
    )
    .describe('The greatest 200, then `(others)`.'),
  byKind: z
    .array(
      z.strictObject({
        kind: z.string().optional().describe('Absent: nobody can tell.'),
        ...counted,
      }),
    )
    .describe('Of those that have not opted in: the kind that they seem to be, or `certificate`.'),
  ages: z
    .array(z.strictObject({ age: z.enum(AGES), ...counted }))
    .describe('Of the credential, as far as that is known, else of the current version.'),
  expiries: z.array(z.strictObject({ expires: z.enum(EXPIRIES), ...counted })),
  unwatched: z
    .strictObject({
      expiring: z
        .int()
        .describe(
          'Expire within 30 days, and nobody watches: enabled, of no certificate, not opted in.',
        ),
      expired: z.int(),
      first: z
        .array(
          z.strictObject({
            vault: z.string(),
            secret: z.string(),
            expiresOn: date,
            owner: z.string().optional(),
          }),
        )
        .describe('The first 20 to expire.'),
    })
    .describe('What nobody watches.'),
  firstWeek: z
    .strictObject({
      rotations: z.int(),
      due: z
        .int()
        .describe('Due within seven days; what the rate does not let through comes later.'),
      byKind: z.array(z.strictObject({ kind: z.string(), rotations: z.int() })),
      hours: z.int().describe('So many the rate needs for all that is due.'),
      blocked: z
        .int()
        .describe(
          'Refused, in conflict, at risk or waiting for an approval: a person has to act first.',
        ),
    })
    .describe('What seven days in `run` would do, by the last looks.'),
});

export const showSummary = guarded({
  name: 'summary',
  method: 'GET',
  path: 'summary',
  summary:
    'All secrets in numbers: by state, vault, owner, kind, age and expiry; what nobody watches; a first week in `run`',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  answers: { 200: { description: 'Counted.', body: { name: 'SummaryBody', schema: SummaryBody } } },
  async run(deps, caller) {
    const { byOwner, unwatched, ...all } = await summary(caller, deps);
    const owned = <T extends { readonly owner?: string }>({ owner, ...rest }: T) =>
      compact({
        owner: owner === undefined ? undefined : plain(owner),
        ...rest,
      });
    const first = unwatched.first.map(({ name, ...each }) => ({ ...owned(each), secret: name }));
    return answer(200, { ...all, byOwner: byOwner.map(owned), unwatched: { ...unwatched, first } });
  },
});
