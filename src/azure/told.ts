/** Answers of Azure about what Keyturn may do: whatever keeps one from being had tells nothing, and stands in nobody's way. */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import type { RightCheck } from '../core/rightChecks.ts';
import type { Arm } from './arm.ts';

const PAGES_MAX = 20;

export const cannotTell = (what: string, detail: string): RightCheck => ({
  what,
  state: 'cannot tell',
  detail,
});

/**
 * No answer, or one of another shape, tells nothing.
 *
 * @param right what asking needs
 */
export async function told(
  what: string,
  right: string,
  ask: () => Promise<RightCheck>,
): Promise<RightCheck> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof z.ZodError) return cannotTell(what, 'The answer of Azure does not parse.');
    if (!(error instanceof KeyturnError)) throw error;
    return cannotTell(what, `${error.detail} Asking needs ${right}.`);
  }
}

/**
 * All pages of a list. Of a link only its token is used, and the address stays ours; where that is not to be had, or the pages do
 * not end, the list is not whole.
 *
 * @param item schema of one entry
 * @param pages how many are read at most
 */
export async function listAt<T>(
  {
    arm,
    path,
    version,
    doing,
  }: { arm: Pick<Arm, 'get'>; path: string; version: string; doing: string },
  item: z.ZodType<T>,
  pages = PAGES_MAX,
): Promise<{ readonly items: readonly T[]; readonly whole: boolean }> {
  const page = z.object({ value: z.array(item).max(1_000), nextLink: z.string().nullish() });
  const items: T[] = [];
  let query: Record<string, string> = { 'api-version': version };
  for (let turn = 0; turn < pages; turn += 1) {
    const { value, nextLink } = page.parse(await arm.get(path, query, doing));
    items.push(...value);
    if (!nextLink) return { items, whole: true };
    const token = URL.canParse(nextLink) ? new URL(nextLink).searchParams.get('$skipToken') : null;
    if (token === null) break;
    query = { ...query, $skipToken: token };
  }
  return { items, whole: false };
}
