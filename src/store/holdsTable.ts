/** The row of the holds by scope in the app's own table. */
import { z } from 'zod';
import { addDays, type Clock } from '../core/clock.ts';
import { BusyError, KeyturnError } from '../core/errors.ts';
import type { HoldList, HoldScope, Holds, ScopeHold } from '../ports/holds.ts';
import type { OwnStorage } from './storage.ts';
import { Table } from './table.ts';

const KEY = ['holds', 'all'] as const;
/** A column holds 32,768 characters. */
const CHARACTERS_MAX = 30_000;
const KEPT_DAYS = 7;
const TRIES = 8;
const PAUSE_MILLISECONDS = 50;

const date = z.iso.datetime().transform((text) => new Date(text));
const text = z.string().max(1_100);
const Scope: z.ZodType<HoldScope> = z.union([
  z.strictObject({ all: z.literal(true) }),
  z.strictObject({ vault: text }),
  z.strictObject({ owner: text }),
  z.strictObject({ kind: text }),
  z.strictObject({ target: text }),
]);
const List = z.strictObject({
  holds: z.array(
    z.strictObject({
      ...{
        id: z.uuid(),
        scope: Scope,
        until: date,
        except: z.array(text).max(100),
        heals: z.boolean(),
      },
      ...{ caller: text, note: text, ticket: text, createdOn: date },
    } satisfies Record<keyof ScopeHold, z.ZodType>),
  ),
  changedOn: z.exactOptional(date),
} satisfies Record<keyof HoldList, z.ZodType>);

/** Holds in the app's own table. A row that does not parse stops every pass: what somebody put off must not go on for that. */
export function tableHolds(own: OwnStorage, clock: Clock): Holds {
  const table = new Table(own, clock);
  return {
    read: async () => parsed(await table.get(...KEY)),
    async change(change) {
      for (let tried = 0; tried < TRIES; tried++) {
        const found = await table.find(...KEY);
        const list = change(found === undefined ? { holds: [] } : parsed(found.json));
        const kept = addDays(clock.now(), -KEPT_DAYS);
        const next = {
          ...list,
          holds: list.holds.filter(({ until }) => until > kept),
          changedOn: clock.now(),
        };
        if (JSON.stringify(next).length > CHARACTERS_MAX)
          throw new KeyturnError('bad-request', {
            detail: 'There are too many holds: lift some, or name fewer exceptions.',
          });
        if (await table.swap(...KEY, next, found?.etag)) return;
        await clock.sleep(PAUSE_MILLISECONDS);
      }
      throw new BusyError('storage-busy', { detail: 'Others are setting holds; ask again.' });
    },
  };
}

function parsed(json: unknown): HoldList {
  if (json === undefined) return { holds: [] };
  try {
    const list = typeof json === 'string' ? List.safeParse(JSON.parse(json)) : undefined;
    if (list?.success) return list.data;
  } catch {
    // not JSON: told like every other row that does not parse
  }
  throw new BusyError('storage-busy', {
    detail:
      'The row `holds` of the own table does not parse; remove it there, and set again what is to be put off.',
  });
}
