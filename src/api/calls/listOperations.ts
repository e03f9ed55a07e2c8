/** `GET /api/operations`: requests of people and what became of them (design section 5). */
import { z } from 'zod';
import { compact } from '../../core/compact.ts';
import { VAULT_NAME } from '../../core/ids.ts';
import { PHASES, type Phase } from '../../core/statuses.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Operation } from '../../ports/operations.ts';
import { type Caller, requireRole } from '../auth.ts';
import { guarded } from '../call.ts';
import { OperationsBody, operationsBody } from '../operationBody.ts';
import { answer } from '../problem.ts';
import { parseQuery } from '../query.ts';

const STATUS = ['open', 'done', ...PHASES] as const;
const ONE = STATUS.join('|');

/** The parameters as they are written; strict, so that a misspelt filter does not show everything. */
export const OperationsQuery = z.strictObject({
  vault: z
    .string()
    .regex(VAULT_NAME, 'vault must be the name of a vault')
    .optional()
    .describe('Of this vault only.'),
  status: z
    .string()
    .regex(
      new RegExp(`^(${ONE})(,(${ONE}))*$`),
      `status may name, separated by commas, ${STATUS.join(', ')}`,
    )
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
  const { vault, status } = parseQuery(OperationsQuery, query);
  const named = status?.split(',');
  return compact({
    vault: vault?.toLowerCase(),
    status: named === undefined ? undefined : STATUS.filter((each) => named.includes(each)),
  });
}

/** At most so many are shown: the newest. */
const SHOWN_MAX = 100;

export interface Operations {
  readonly operations: readonly Operation[];
  /** There are more that fit. */
  readonly truncated: boolean;
}

/**
 * Operations of the vaults of this instance, the newest first: to readers all of them, to others their own. A token with none of
 * the roles, 403.
 */
export async function operations(
  { vault, status }: OperationsFilter,
  caller: Caller,
  { rows, vaults }: Pick<Deps, 'rows' | 'vaults'>,
): Promise<Operations> {
  requireRole(caller, 'Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke');
  const mayReadAll = caller.roles.includes('Keyturn.Read');
  const fits = (each: Operation): boolean =>
    (mayReadAll || each.caller === caller.oid) &&
    (vault === undefined || each.vault === vault) &&
    vaults.names.includes(each.vault) &&
    (status === undefined ||
      status.includes(each.phase) ||
      status.includes(each.done ? 'done' : 'open'));
  const found = (await rows.operations()).filter(fits);
  const newest = found
    .sort((one, other) => other.createdOn.getTime() - one.createdOn.getTime())
    .slice(0, SHOWN_MAX);
  return { operations: newest, truncated: found.length > newest.length };
}

export const listOperations = guarded({
  name: 'operations',
  method: 'GET',
  path: 'operations',
  summary: 'Requests of people and what became of them',
  description: 'All of them for `Keyturn.Read`, with another role those of the caller.',
  roles: ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'],
  byVault: 'readers',
  query: { schema: OperationsQuery, parse: fromOperationsQuery },
  answers: {
    200: { description: 'Found.', body: { name: 'OperationsBody', schema: OperationsBody } },
  },
  run: async (deps, caller, { query }) =>
    answer(200, operationsBody(await operations(query, caller, deps))),
});
