/**
 * Many alerts of one vault and reason are one: the first is raised at once, those of other secrets within the hour are
 * counted in the table, and the next sweep tells them together. Each secret shows its reason in the inventory meanwhile.
 */
import { earliest } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import type { SecretRef } from '../core/ids.ts';
import type { LogFields } from '../core/log.ts';
import { quote } from '../core/quote.ts';
import { type Reason, reasonRow } from '../core/reasons.ts';
import type { CountedAlert } from '../store/store.ts';
import type { Deps } from './deps.ts';

const NAMES_MAX = 10;

type Reached = Pick<Deps, 'alerts' | 'locks' | 'log'>;

/** Raises an alert about a secret, or counts it. What is counted is told by a later sweep, also if this worker dies. */
export async function alertOrCount(
  secret: SecretRef,
  reason: Reason,
  fields: LogFields & { readonly owedSince?: Date },
  { alerts, log }: Omit<Reached, 'locks'>,
): Promise<void> {
  const { vault, name } = secret;
  const { by, remedy } = reasonRow(reason);
  if (await alerts.isFirst(vault, reason)) return log('error', 'alert', { vault, name, reason, by, remedy, ...fields });
  await alerts.count({ vault, name, reason, ...(fields.owedSince ? { owedSince: fields.owedSince } : {}) });
}

/** One alert for each vault and reason that was counted. Killed between telling and forgetting, the next sweep tells again. */
export async function tellCounted(deps: Reached): Promise<void> {
  try {
    if (!(await isAnyCounted(deps))) return;
    const lock = await deps.locks.take('alerts');
    if (!lock) return; // another sweep is telling
    try {
      await tellAll(deps);
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    // They stay counted, and the next sweep comes within the hour.
    deps.log('warn', 'alerts not told', { reason: error.reason });
  }
}

async function isAnyCounted({ alerts }: Reached): Promise<boolean> {
  for await (const page of alerts.counted()) if (page.length > 0) return true;
  return false;
}

async function tellAll({ alerts, log }: Reached): Promise<void> {
  const groups = new Map<string, CountedAlert[]>();
  for await (const page of alerts.counted()) {
    for (const alert of page) {
      const key = `${alert.vault} ${alert.reason}`;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push(alert);
    }
  }
  for (const group of groups.values()) {
    const [{ vault, reason }] = group as [CountedAlert];
    const { by, remedy } = reasonRow(reason);
    const owedSince = earliest(...group.map((alert) => alert.owedSince));
    const names = group.slice(0, NAMES_MAX).map(({ name }) => quote(name));
    log('error', 'alert', {
      ...{ vault, reason, by, remedy, count: group.length, names: names.join(', ') },
      ...(owedSince ? { owedSince } : {}),
    });
    await alerts.told(group);
  }
}
