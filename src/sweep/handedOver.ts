/**
 * Vaults that this instance has served and no longer does: their tag names another one, discovery lost them, or the settings
 * no longer list them. Nobody would notice by an error, so each is one alert with what is owed there (ATK-06).
 */
import { earliest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import type { Tags } from '../core/ids.ts';
import { instanceIn, isOthers } from '../core/instance.ts';
import { quote, unquoted } from '../core/quote.ts';
import { type Reason, reasonRow } from '../core/reasons.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow } from '../ports/rows.ts';

const NAMED_MAX = 10;

/** Where vaults stand in the table of what went wrong: not zero as long as it is told and lasts. */
const markOf = (vault: string): string => `unserved-${vault}`;

/** A listed vault whose secrets were looked at and whose tag names another instance by now. Answers whether it is another's. */
export async function tellHandedOver(
  vault: string,
  rows: Iterable<SecretRow>,
  deps: Deps,
): Promise<boolean> {
  const known = [...rows].filter(({ view }) => view !== undefined);
  if (known.length === 0) return false;
  const tags = await tagsOf(vault, deps);
  if (!tags) return true; // whose it is cannot be told
  const others = isOthers(tags, deps.config.instance);
  const told = (await deps.rows.failuresOf(markOf(vault))) > 0;
  if (others === told) return others;
  if (!others) {
    await deps.rows.setFailures(markOf(vault), 0);
    return false;
  }
  const detail = `The tag keyturn of the vault is ${quote(instanceIn(tags) ?? '')}; this instance is ${quote(deps.config.instance)}.`;
  tell(vault, 'other-instance', detail, known, deps);
  await markTold(vault, deps);
  return true;
}

/** Vaults that were listed from end to end once and are not served any more, as far as something is owed there. */
export async function tellUnserved(swept: Iterable<string>, deps: Deps): Promise<void> {
  const unserved = [...swept].filter((vault) => !deps.vaults.names.includes(vault));
  try {
    for (const vault of unserved) await tellOne(vault, deps);
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    // The next sweep comes within the hour.
    deps.log('warn', 'alerts not told', { reason: error.reason });
  }
}

async function tellOne(vault: string, deps: Deps): Promise<void> {
  if ((await deps.rows.failuresOf(markOf(vault))) > 0) return;
  const owing = (await deps.rows.secretsOf(vault)).filter(owes);
  if (owing.length === 0) return;
  tell(vault, 'not-allowed', undefined, owing, deps);
  await markTold(vault, deps);
}

/** What keeps the tags from being read is told by the passes. */
async function tagsOf(vault: string, { vaultTags }: Deps): Promise<Tags | undefined> {
  try {
    return await vaultTags(vault);
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

/** What an instance that only observes would alert, it has not alerted. */
async function markTold(vault: string, { rows, config }: Deps): Promise<void> {
  if (config.mode !== 'observe') await rows.setFailures(markOf(vault), 1);
}

const owes = ({ view }: SecretRow): boolean => (view?.owed.length ?? 0) > 0;

/** Whose secrets they are, and when the first of them expires. */
function ownersOf(rows: readonly SecretRow[]): {
  readonly owner?: string;
  readonly expiresOn?: Date;
} {
  const owners = [...new Set(rows.flatMap(({ view }) => view?.owner ?? []))]
    .slice(0, NAMED_MAX)
    .map(unquoted);
  const expiresOn = earliest(...rows.map(({ view }) => view?.expiresOn));
  return compact({ owner: owners.length > 0 ? owners.join(', ') : undefined, expiresOn });
}

function tell(
  vault: string,
  reason: Reason,
  said: string | undefined,
  rows: readonly SecretRow[],
  deps: Deps,
): void {
  const owing = rows.filter(owes);
  const owed = owing
    .slice(0, NAMED_MAX)
    .map(({ name, view }) => `${name}: ${view?.owed.join(', ')}`);
  const owedSince = earliest(...owing.map(({ view }) => view?.createdOn));
  deps.log(
    'error',
    'alert',
    compact({
      vault,
      reason,
      ...ownersOf(rows),
      detail: said ?? reasonRow(reason).cause,
      count: rows.length,
      owed: owed.length > 0 ? owed.join('; ') : undefined,
      owedSince,
    }),
  );
}
