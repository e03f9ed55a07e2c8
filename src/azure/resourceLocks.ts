/**
 * Resource locks, asked for without a write. A list at a scope goes downwards, so what hangs above has to be asked for there
 * (facts D9). ReadOnly at any level above stops each POST, reading keys among them; CanNotDelete stops nothing that Keyturn does.
 */
import { z } from 'zod';
import { commandLine } from '../core/commandLine.ts';
import { canonicalId } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { RightCheck } from '../core/rightChecks.ts';
import type { Arm } from './arm.ts';
import { cannotTell, listAt, told } from './told.ts';

/** [npm:@azure/arm-locks 2.1.0]. */
const API_VERSION = '2020-05-01';
/** What the role needs for them to be asked for. */
export const LOCKS_READ = 'Microsoft.Authorization/locks/read';

const Lock = z.object({ id: z.string().max(2_000), properties: z.object({ level: z.string() }) });
type Lock = z.infer<typeof Lock>;

const SUFFIX = /\/providers\/microsoft\.authorization\/locks\/[^/]+$/;
/** Where the lock hangs: an id in front of its own. */
const scopeOf = ({ id }: Lock): string => canonicalId(id).replace(SUFFIX, '');

/**
 * What hangs above may often not be listed with the rights of a kind's role: then nothing is said of it.
 *
 * @param near leaves the subscription out: two requests at most
 */
export async function locksAt(
  arm: Pick<Arm, 'get'>,
  target: string,
  near = false,
): Promise<RightCheck> {
  const what = `locks at ${target} and above`;
  const id = canonicalId(target);
  const [, subscription, group] =
    /^(\/subscriptions\/[^/]+)(\/resourcegroups\/[^/]+)\/providers\//.exec(id) ?? [];
  if (subscription === undefined || group === undefined) return { what, state: 'ok' };
  const at = async (scope: string): Promise<readonly Lock[] | string> => {
    const path = `${scope}/providers/Microsoft.Authorization/locks`;
    let found: readonly Lock[] = [];
    const answer = await told(what, LOCKS_READ, async () => {
      const { items, whole } = await listAt(
        { arm, path, version: API_VERSION, doing: 'list the locks' },
        Lock,
      );
      found = items;
      return whole
        ? { what, state: 'ok' }
        : cannotTell(what, 'Azure gave a part of the locks alone.');
    });
    return answer.state === 'ok' ? found : (answer.detail ?? '');
  };
  const own = await at(id);
  const isFound =
    typeof own !== 'string' && own.some((lock) => isReadOnly(lock) && isOver(scopeOf(lock), id));
  const above = isFound
    ? []
    : await Promise.all([at(subscription + group), ...(near ? [] : [at(subscription)])]);
  const lists = [own, ...above];
  const all = new Map(
    lists.flatMap((each) => (typeof each === 'string' ? [] : each)).map((lock) => [lock.id, lock]),
  );
  return judged(
    what,
    id,
    [...all.values()],
    lists.find((each) => typeof each === 'string'),
  );
}

const isReadOnly = ({ properties }: Lock): boolean => properties.level.toLowerCase() === 'readonly';

/** Whether a lock's scope is the resource, or stands above it. */
const isOver = (scope: string, id: string): boolean => id === scope || id.startsWith(`${scope}/`);

function judged(
  what: string,
  id: string,
  all: readonly Lock[],
  untold: string | undefined,
): RightCheck {
  const over = all.filter((lock) => isOver(scopeOf(lock), id));
  const found = over.find(isReadOnly);
  if (found) {
    const detail = `The lock ${quote(found.id.split('/').at(-1) ?? '')} on ${scopeOf(found)} is ReadOnly: it stops every POST below it.`;
    const command = commandLine('az', 'lock', 'delete', '--ids', found.id);
    return { what, state: 'problem', reason: 'scope-locked', detail, command };
  }
  if (untold !== undefined) return cannotTell(what, untold);
  const [other] = over;
  if (!other) return { what, state: 'ok' };
  return {
    what,
    state: 'ok',
    detail: `A lock of the level ${quote(other.properties.level)} stops nothing that Keyturn does.`,
  };
}
