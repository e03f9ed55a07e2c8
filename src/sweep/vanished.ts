/** Secrets that Keyturn knows and a complete list of their vault no longer names: deleted, or not yet back from a recovery. */
import { addDays } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow } from '../ports/rows.ts';
import { type Turns, waitingLook } from './turns.ts';

/** A deleted secret can be recovered for 90 days at most; its row may still be of use until then. */
const GONE_DAYS = 100;

/** The last look ended there, and nothing comes of another one before something changes. */
export const endedAs = (row: SecretRow | undefined, reason: 'disabled' | 'gone'): boolean =>
  row?.step === 'skip' && row.reason === reason;

/**
 * Queues one look for each name that is not listed: it asks the vault, and says what is still owed. What a look has found
 * gone, and nobody can recover any more, is forgotten.
 */
export async function sweepVanished(
  rows: Iterable<SecretRow>,
  listed: ReadonlySet<string>,
  turns: Turns,
  deps: Pick<Deps, 'rows' | 'clock'>,
): Promise<void> {
  const forgetBefore = addDays(deps.clock.now(), -GONE_DAYS);
  for (const row of rows) {
    if (listed.has(row.name)) continue;
    if (!endedAs(row, 'gone'))
      await turns.add(waitingLook({ vault: row.vault, name: row.name }, {}, row));
    else if (row.lookedOn && row.lookedOn <= forgetBefore) await deps.rows.dropSecret(row);
  }
}

/**
 * Rows of vaults that nobody has listed for so long, since this instance no longer serves them: nobody is shown them, and they are
 * forgotten as what is gone is. What is owed there stays, and so does the index of targets: both keep a credential in use from being
 * taken away.
 */
export async function forgetUnserved(
  sweptOn: ReadonlyMap<string, Date>,
  {
    rows,
    unmanaged,
    vaults,
    clock,
    log,
  }: Pick<Deps, 'rows' | 'unmanaged' | 'vaults' | 'clock' | 'log'>,
): Promise<void> {
  const forgetBefore = addDays(clock.now(), -GONE_DAYS);
  const names = vaults.names;
  try {
    for (const [vault, on] of sweptOn) {
      if (on > forgetBefore || names.includes(vault)) continue;
      for (const row of await rows.secretsOf(vault))
        if ((row.view?.owed.length ?? 0) === 0) await rows.dropSecret(row);
      const left = (await unmanaged?.of(vault)) ?? [];
      if (left.length > 0)
        await unmanaged?.change(
          vault,
          [],
          left.map(({ name }) => name),
        );
    }
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    // The next sweep comes within the hour.
    log('warn', 'rows not forgotten', { reason: error.reason });
  }
}
