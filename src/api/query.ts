/** Queries of requests (finding HST-07): what stands there twice means two things, so it means none. */
import type { z } from 'zod';
import { quote } from '../core/quote.ts';
import { badRequest } from './body.ts';

/** The function key, which the host takes from there, too: none of our business (azure-facts 9.3). */
const HOSTS_OWN = 'code';

/** Throws `bad-request` where a parameter is given more than once. */
export function refuseRepeated(query: URLSearchParams): void {
  const names = [...query.keys()];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw badRequest(`${quote(twice)} is given more than once.`);
}

/** The parameters as the schema reads them; an empty one is an absent one. Throws `bad-request` naming what is wrong (case SEC-06). */
export function parseQuery<Query extends z.ZodType>(
  schema: Query,
  query: URLSearchParams,
): z.output<Query> {
  refuseRepeated(query);
  const parsed = schema.safeParse(
    Object.fromEntries([...query].filter(([, value]) => value !== '')),
  );
  if (parsed.success) return parsed.data;
  throw badRequest(`${problemsOf(parsed.error)}.`);
}

/** What is wrong with the parameters, in the words of their schema. */
const problemsOf = ({ issues }: z.ZodError): string =>
  [...new Set(issues.map(said))].slice(0, 5).join('; ');

const said = (issue: z.core.$ZodIssue): string =>
  issue.code === 'unrecognized_keys'
    ? `there is no parameter ${issue.keys.slice(0, 3).map(quote).join(', ')}`
    : issue.message;

/** For calls that take none: `?dryRun=true` that is not read would become the real thing, and `?vault=` show all vaults. */
export function refuseQuery(query: URLSearchParams, instead = ''): void {
  const [strange] = [...query.keys()].filter((name) => name !== HOSTS_OWN);
  if (strange !== undefined) throw badRequest(`There is no parameter ${quote(strange)}${instead}.`);
}
