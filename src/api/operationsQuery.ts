/** What a person may ask of `GET /api/operations` (design section 5). */
import { z } from 'zod';
import { VAULT_NAME } from '../core/ids.ts';
import { PHASES, type Phase } from '../core/states.ts';
import { badRequest } from './body.ts';
import { problemsOf, refuseRepeated } from './query.ts';

const STATUS = ['open', 'done', ...PHASES] as const;
const ONE = STATUS.join('|');

/** The parameters as they are written; strict, so that a misspelt filter does not show everything. */
export const OperationsQuery = z.strictObject({
  vault: z.string().regex(VAULT_NAME, 'vault must be the name of a vault').optional().describe('Of this vault only.'),
  status: z
    .string()
    .regex(new RegExp(`^(${ONE})(,(${ONE}))*$`), `status may name, separated by commas, ${STATUS.join(', ')}`)
    .optional()
    .describe('A phase, `open` (not done yet) or `done`, or several separated by commas.'),
});

/** What is absent does not filter. */
export interface OperationsFilter {
  readonly vault?: string;
  readonly status?: readonly (Phase | 'open' | 'done')[];
}

/** Parses a query; an empty parameter is an absent one. Throws `bad-request` naming what is wrong. */
export function fromOperationsQuery(query: URLSearchParams): OperationsFilter {
  refuseRepeated(query);
  const parsed = OperationsQuery.safeParse(Object.fromEntries([...query].filter(([, value]) => value !== '')));
  if (!parsed.success) throw badRequest(`${problemsOf(parsed.error)}.`);
  const { vault, status } = parsed.data;
  const named = status?.split(',');
  return {
    ...(vault === undefined ? {} : { vault: vault.toLowerCase() }),
    ...(named === undefined ? {} : { status: STATUS.filter((each) => named.includes(each)) }),
  };
}
