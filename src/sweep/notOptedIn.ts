/**
 * What has not opted in, for people: the sweep lists it anyway, so that seeing it costs no further call to a vault. The rows
 * decide nothing; a table that does not answer costs sight until the next sweep, and nothing else.
 */
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { tagOf } from '../core/ids.ts';
import { plain } from '../core/plain.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow } from '../ports/rows.ts';
import type { UnmanagedRow } from '../ports/unmanaged.ts';
import type { SecretItem } from '../ports/vault.ts';

import { likelyKind } from '../tags/likelyKind.ts';
import { isWatched } from '../tags/watched.ts';

/** What one vault's list shows of them, compared with what is remembered. */
export class UnmanagedIn {
  readonly #vault: string;
  readonly #deps: Deps;
  /** Remembered and not yet listed, by name. Undefined: not known, so nothing is compared and nothing is written. */
  readonly #before: Map<string, UnmanagedRow> | undefined;
  readonly #changed: UnmanagedRow[] = [];

  constructor(vault: string, before: readonly UnmanagedRow[] | undefined, deps: Deps) {
    this.#vault = vault;
    this.#deps = deps;
    this.#before = before && new Map(before.map((row) => [row.name, row]));
  }

  /** An item of the list that has not opted in. */
  see(item: SecretItem, row: SecretRow | undefined): void {
    if (!this.#before || isWatched(row)) return;
    const now = rowOf(this.#vault, item, this.#deps);
    const before = this.#before.get(now.name);
    this.#before.delete(now.name);
    if (!before || !isSame(before, now)) this.#changed.push(now);
  }

  /** Once the vault has been listed from end to end: writes what changed and removes what is no longer there. */
  async save(): Promise<void> {
    const gone = [...(this.#before?.keys() ?? [])];
    if (this.#changed.length + gone.length === 0) return;
    try {
      await this.#deps.unmanaged?.change(this.#vault, this.#changed, gone);
    } catch (error) {
      unseen(this.#vault, error, this.#deps);
    }
  }
}

/** What is remembered of a vault, to be compared with its list. */
export async function unmanagedIn(vault: string, deps: Deps): Promise<UnmanagedIn> {
  try {
    return new UnmanagedIn(vault, await deps.unmanaged?.of(vault), deps);
  } catch (error) {
    unseen(vault, error, deps);
    return new UnmanagedIn(vault, undefined, deps);
  }
}

function unseen(vault: string, error: unknown, { log }: Deps): void {
  if (!(error instanceof KeyturnError)) throw error;
  log('warn', 'inventory not kept', { vault, reason: error.reason });
}

function rowOf(vault: string, item: SecretItem, { config, rotators }: Deps): UnmanagedRow {
  const { createdOn, updatedOn, expiresOn, enabled, managed: certificate } = item;
  const owner = textOf(tagOf(item.tags, config.ownerTag));
  const contentType = textOf(item.contentType);
  const kind = certificate ? undefined : likelyKind(item, rotators);
  return compact({
    vault,
    name: item.name.toLowerCase(),
    owner,
    contentType,
    createdOn,
    updatedOn,
    expiresOn,
    enabled,
    certificate,
    likelyKind: kind,
  });
}

/** People paste values into tags and content types: what looks like one is not kept (finding ATK-07). */
const textOf = (text: string | undefined): string | undefined => (text ? plain(text) : undefined);

const isSame = (one: UnmanagedRow, other: UnmanagedRow): boolean => sorted(one) === sorted(other);
const sorted = (row: UnmanagedRow): string => JSON.stringify(Object.entries(row).sort());
