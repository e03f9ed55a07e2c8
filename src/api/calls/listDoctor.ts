/** `GET /api/doctor`: what the last looks found of the whole fleet, from the rows alone. */
import { z } from 'zod';
import { guarded } from '../call.ts';
import { toContinuation } from '../continuation.ts';
import { DoctorsBody, doctorsBody } from '../doctorBody.ts';
import { type InventoryFilter, inventory } from '../inventory.ts';
import { answer } from '../problem.ts';
import { parseQuery } from '../query.ts';
import { fromInventoryQuery, InventoryQuery } from './listSecrets.ts';

/** The inventory's own words; strict, so that a misspelt filter does not show everything. */
const DoctorQuery = z.strictObject(
  InventoryQuery.pick({ vault: true, owner: true, continuation: true }).shape,
);

/** Parses a query; an empty parameter is an absent one. Throws `bad-request` naming what is wrong (case SEC-06). */
export function fromDoctorQuery(query: URLSearchParams): InventoryFilter {
  parseQuery(DoctorQuery, query);
  return fromInventoryQuery(query);
}

export const listDoctor = guarded({
  name: 'doctors',
  method: 'GET',
  path: 'doctor',
  summary: 'What the doctor found, by vault and name, 100 at a time',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  query: { schema: DoctorQuery, parse: fromDoctorQuery },
  answers: { 200: { description: 'Found.', body: { name: 'DoctorsBody', schema: DoctorsBody } } },
  async run(deps, caller, { query }) {
    const { items, last } = await inventory(query, caller, deps);
    return answer(200, doctorsBody(items, last && toContinuation(last)));
  },
});
