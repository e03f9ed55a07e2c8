/**
 * With KEYTURN_SUGGEST=values: a few values of secrets that have not opted in are read with each sweep, in memory alone, and what
 * they seem to be is written down as a proposal. Nothing of a value is kept or shown. A secret is read once for each change of it.
 */
import { addDays } from '../core/clock.ts';
import { BusyError, KeyturnError, withoutText } from '../core/errors.ts';
import { isOthers } from '../core/instance.ts';
import type { Deps } from '../ports/deps.ts';
import type { SuggestionRow, SuggestionRows } from '../ports/suggestions.ts';
import type { UnmanagedRow } from '../ports/unmanaged.ts';
import { type Around, proposalFor } from './propose.ts';

/** Values read in one hour, over all vaults: each is a line in the vault's own audit, too. */
export const READS_HOURLY = 100;
/** Requests to targets in one pass, to find whose key a bare one is. */
const ASKED_MAX = 100;

/** Nothing where it is switched off. What fails is tried again by the next sweep. */
export async function suggest(deps: Deps): Promise<void> {
  const { suggestions, config, log } = deps;
  if (config.suggest !== 'values' || suggestions === undefined) return;
  try {
    const waiting = inTurns(await waitingIn(suggestions, deps));
    if (waiting.length === 0) return;
    const reads = await suggestions.takeReads(
      deps.clock.now(),
      Math.min(waiting.length, READS_HOURLY),
      READS_HOURLY,
    );
    if (reads === 0) return;
    await examine(waiting.slice(0, reads), suggestions, deps);
    log('info', 'values looked at for suggestions', {
      values: reads,
      waiting: waiting.length - reads,
    });
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    log('warn', 'suggestions broken off', { reason: error.reason });
  }
}

/** Of each vault those that nobody has looked at since they changed; rows of others are removed. */
async function waitingIn(
  suggestions: SuggestionRows,
  { vaults, unmanaged, clock }: Deps,
): Promise<UnmanagedRow[][]> {
  const waiting: UnmanagedRow[][] = [];
  for (const vault of vaults.names) {
    const [there, known] = await Promise.all([unmanaged?.of(vault) ?? [], suggestions.of(vault)]);
    const dayAgo = addDays(clock.now(), -1);
    const seen = new Map(known.map((row) => [row.name, row]));
    const isSeen = ({ name, updatedOn }: UnmanagedRow) => {
      const row = seen.get(name);
      return (
        row?.seenUpdatedOn.getTime() === updatedOn.getTime() && !(row.unread && row.on <= dayAgo)
      );
    };
    const names = new Set(there.map(({ name }) => name));
    const gone = known.filter(({ name }) => !names.has(name)).map(({ name }) => name);
    if (gone.length > 0) await suggestions.change(vault, [], gone);
    const fresh = there.filter((row) => row.enabled && !row.certificate && !isSeen(row));
    // What could not be read before stands behind what nobody has tried.
    fresh.sort(
      (one, other) =>
        Number(seen.get(one.name)?.unread ?? 0) - Number(seen.get(other.name)?.unread ?? 0),
    );
    if (fresh.length > 0) waiting.push(fresh.slice(0, READS_HOURLY));
  }
  return waiting;
}

/** One of each vault in turn: no vault's mass stands before the others. */
function inTurns(vaults: readonly (readonly UnmanagedRow[])[]): UnmanagedRow[] {
  const longest = Math.max(0, ...vaults.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) =>
    vaults.flatMap((rows) => rows[turn] ?? []),
  ).flat();
}

async function examine(
  chosen: readonly UnmanagedRow[],
  suggestions: SuggestionRows,
  deps: Deps,
): Promise<void> {
  const around = await aroundOf(deps);
  for (const [vault, rows] of Map.groupBy(chosen, (row) => row.vault)) {
    const found: SuggestionRow[] = [];
    try {
      if (isOthers(await deps.vaultTags(vault), deps.config.instance)) continue;
      for (const row of rows) found.push(...(await look(row, around, deps)));
    } finally {
      await suggestions.change(vault, found, []);
    }
  }
}

async function look(row: UnmanagedRow, around: Around, deps: Deps): Promise<SuggestionRow[]> {
  const { vault, name, updatedOn } = row;
  const seen = { vault, name, seenUpdatedOn: updatedOn, on: deps.clock.now() };
  try {
    const current = await deps.vaults.open(vault)?.current(name);
    if (current === undefined || current === 'gone' || current === 'disabled') return [];
    const proposal = await proposalFor({ vault, name }, current, around, deps);
    return [proposal === undefined ? seen : { ...seen, proposal }];
  } catch (error) {
    // Of ours the reason alone, of others the place: a text could say something of the value. One secret keeps none of the others.
    const reason = error instanceof KeyturnError ? error.reason : withoutText(error).message;
    deps.log('warn', 'value not looked at', { vault, name, reason });
    return error instanceof BusyError ? [] : [{ ...seen, unread: true }];
  }
}

/** What the pass knows beside a value; resources that Keyturn may not read are not among them. */
async function aroundOf(deps: Deps): Promise<Around> {
  const known = new Map<string, string>();
  for (const vault of deps.vaults.names)
    for (const { view } of await deps.rows.secretsOf(vault))
      if (view?.target !== undefined && view.rotator !== undefined)
        known.set(view.target, view.rotator);
  const resources =
    (await deps.resources?.list().catch((error: unknown) => {
      if (!(error instanceof KeyturnError)) throw error;
      deps.log('warn', 'resources not listed', { reason: error.reason });
      return [];
    })) ?? [];
  return {
    resources,
    known: [...known].map(([target, kind]) => ({ target, kind })),
    asks: { left: ASKED_MAX },
    closed: new Set(),
  };
}
