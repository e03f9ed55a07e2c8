/** `POST /api/holds`: nothing of a scope is rotated or revoked until a time (design section 3, "Holds by scope"). */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { addDays } from '../../core/clock.ts';
import { KeyturnError } from '../../core/errors.ts';
import { uuidOf } from '../../core/ids.ts';
import { mask } from '../../core/mask.ts';
import type { Deps } from '../../ports/deps.ts';
import type { ScopeHold } from '../../ports/holds.ts';
import type { Caller } from '../auth.ts';
import { badRequest } from '../body.ts';
import { type CallInput, guarded } from '../call.ts';
import { REQUIRED_NOTES } from '../notes.ts';
import { answer } from '../problem.ts';
import {
  type Foretold,
  foretold,
  holdsOf,
  knownScope,
  NewHoldBody,
  namedBody,
  recordHold,
  scopeHoldBody,
} from '../scopeHolds.ts';

/** It is for a freeze or an incident: who wants more says `paused=true`. */
export const SCOPE_HOLD_DAYS_MAX = 30;
const EXCEPT_MAX = 50;

const scoped = (what: string, pattern: RegExp, max: number) =>
  z
    .string(`scope.${what} must be text`)
    .max(max, `scope.${what} has at most ${max} characters`)
    .regex(pattern, `scope.${what} is none that there can be`);

/** Exactly one of them: a hold that is wider than was meant stops more than was meant. */
const Scope = z.union(
  [
    z.strictObject({ all: z.literal(true) }),
    z.strictObject({ vault: scoped('vault', /^[a-z0-9-]{3,24}$/i, 24) }),
    z.strictObject({ owner: scoped('owner', /\S/, 256) }),
    z.strictObject({ kind: scoped('kind', /^[a-z0-9-]{1,40}$/i, 40) }),
    z.strictObject({ target: scoped('target', /^[\x21-\x7e]+$/, 600) }),
  ],
  'scope must be one of {"all": true}, {"vault": …}, {"owner": …}, {"kind": …} and {"target": <canonical id>}',
);

export const AddHoldRequest = z.strictObject({
  scope: Scope,
  until: z.iso
    .datetime({ offset: true, error: 'until must be a time as 2027-03-01T08:00:00Z' })
    .transform((text) => new Date(text))
    .describe(`At most ${SCOPE_HOLD_DAYS_MAX} days ahead.`),
  except: z
    .array(
      z
        .string()
        .regex(
          /^[a-z0-9-]{3,24}(\/[a-z0-9-]{1,127})?$/i,
          'except names vaults, or secrets as "vault/secret"',
        ),
      'except must be a list of vaults, or of secrets as "vault/secret"',
    )
    .max(EXCEPT_MAX, `except has at most ${EXCEPT_MAX} entries`)
    .default([])
    .describe('Vaults, or secrets as `vault/secret`, that it is not about.'),
  heals: z
    .boolean('heals must be true or false')
    .default(true)
    .describe('Whether values that no longer open their target are replaced all the same.'),
  ...REQUIRED_NOTES,
});
export type AddHoldRequest = z.infer<typeof AddHoldRequest>;

/** The hold, and what it puts off. Throws the reason why not; writes its record and the one row, nothing in any vault or target. */
export async function setHold(
  { body, idempotencyKey }: Pick<CallInput<AddHoldRequest>, 'body' | 'idempotencyKey'>,
  caller: Caller,
  deps: Deps,
): Promise<{ readonly hold: ScopeHold; readonly foretold: Foretold }> {
  const now = deps.clock.now();
  const { until } = body;
  if (until <= now) throw badRequest(`until is over: it is ${now.toISOString()} now.`);
  if (until > addDays(now, SCOPE_HOLD_DAYS_MAX))
    throw badRequest(
      `until is more than ${SCOPE_HOLD_DAYS_MAX} days ahead of ${now.toISOString()}.`,
    );
  const hold: ScopeHold = {
    id: idempotencyKey === undefined ? randomUUID() : uuidOf(caller.oid, 'holds', idempotencyKey),
    ...{
      scope: knownScope(body.scope, deps),
      until,
      except: body.except.map((each) => each.toLowerCase()),
    },
    ...{
      heals: body.heals,
      caller: caller.oid,
      note: mask(body.note),
      ticket: mask(body.ticket),
      createdOn: now,
    },
  };
  const holds = holdsOf(deps);
  const before = (await holds.read()).holds.find(({ id }) => id === hold.id);
  if (before) {
    if (termsOf(before) !== termsOf(hold))
      throw new KeyturnError('bad-request', {
        detail: 'This Idempotency-Key belongs to another request.',
      });
    return { hold: before, foretold: await foretold(before, deps) };
  }
  // Told first: a scope that can't be read is not put off blindly.
  const told = await foretold(hold, deps);
  await recordHold(hold, until, caller, deps);
  await holds.change((list) => ({
    ...list,
    holds: [...list.holds.filter(({ id }) => id !== hold.id), hold],
  }));
  return { hold, foretold: told };
}

const termsOf = ({ scope, until, except, heals, note, ticket }: ScopeHold): string =>
  JSON.stringify([scope, until, except, heals, note, ticket]);

export const addHold = guarded({
  name: 'addHold',
  method: 'POST',
  path: 'holds',
  summary: 'Puts off rotations and revocations of many secrets at once',
  description:
    'Needs the role `Keyturn.Revoke`. For all secrets, or those of a vault, an owner, a kind or a target. What comes due or expires before its end is named in the answer; broken values are healed unless `heals` is false.',
  roles: ['Keyturn.Revoke'],
  body: { name: 'AddHoldRequest', schema: AddHoldRequest },
  answers: {
    201: { description: 'It stands.', body: { name: 'NewHoldBody', schema: NewHoldBody } },
  },
  run: async (deps, caller, asked) => {
    const { hold, foretold: told } = await setHold(asked, caller, deps);
    const { held, due, expiring, releaseHours } = told;
    return answer(201, {
      ...scopeHoldBody(hold),
      ...{ held, due: namedBody(due), expiring: namedBody(expiring), releaseHours },
    });
  },
});
