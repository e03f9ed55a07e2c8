/** Tells that nothing is rotated for a while: what the settings freeze, and what people have put off for many secrets at once. */
import { KeyturnError } from '../core/errors.ts';
import { uuidOf } from '../core/ids.ts';
import type { Deps } from '../ports/deps.ts';
import type { HoldScope } from '../ports/holds.ts';
import type { NewNotice } from '../ports/notices.ts';
import { handOn, noticeOf } from '../tags/tellOf.ts';

interface Frozen extends Pick<NewNotice, 'detail' | 'dueOn'> {
  readonly key: string;
  readonly vault?: string;
  readonly owner?: string;
}

/** Each once, when it is set; told again under the same id where this worker dies before it is marked as told. */
export async function tellFreezes(deps: Deps): Promise<void> {
  const { notices, config, rows, log } = deps;
  if (!notices || config.mode === 'observe') return;
  try {
    for (const { key, vault = '*', owner, ...said } of await frozen(deps)) {
      const mark = `freeze ${uuidOf(key)}`;
      if ((await rows.failuresOf(mark)) > 0) continue;
      const news = { ...said, type: 'freeze', incident: [key], reason: 'hold' } as const;
      const about = owner === undefined ? {} : { owner };
      const notice = noticeOf(
        { vault, name: '*' },
        { ...news, by: 'nobody', remedy: REMEDY },
        about,
        deps,
      );
      if (await handOn(notice, deps)) await rows.setFailures(mark, 1);
    }
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    log('warn', 'freezes not told', { reason: error.reason }); // the next sweep does
  }
}

const REMEDY =
  'Nothing to do. What cannot wait is asked for by hand, setting `hold` aside; broken values are healed all the same unless the hold says otherwise.';

async function frozen({ config, holds, clock }: Deps): Promise<readonly Frozen[]> {
  const now = clock.now();
  const bySettings = (config.freeze ?? []).map(({ from, until, text }) => ({
    ...{ key: `settings ${text}`, until, dueOn: until },
    detail: `KEYTURN_FREEZE: nothing is rotated or revoked from ${from.toISOString()} until ${until.toISOString()}.`,
  }));
  const byPeople = ((await holds?.read())?.holds ?? []).map(
    ({ id, scope, until, ticket, note }) => ({
      ...{ key: `hold ${id}`, until, dueOn: until, ...placeOf(scope) },
      detail: `A person put off ${inWords(scope)} until ${until.toISOString()}. Ticket ${ticket}: ${note}`,
    }),
  );
  return [...bySettings, ...byPeople]
    .filter(({ until }) => now < until)
    .map(({ until: _, ...rest }): Frozen => rest);
}

const placeOf = (scope: HoldScope): Pick<Frozen, 'vault' | 'owner'> =>
  'vault' in scope ? { vault: scope.vault } : 'owner' in scope ? { owner: scope.owner } : {};

function inWords(scope: HoldScope): string {
  if ('all' in scope) return 'all rotations and revocations';
  const [[what, of] = ['', '']] = Object.entries(scope);
  return `rotations and revocations of the ${what} ${of}`;
}
