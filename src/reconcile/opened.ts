/** A stored value in its form, at a target that may have more names than its first answers show. */
import { KeyturnError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { type Form, openForm, type Wanted } from '../form/form.ts';
import type { Target, TargetState } from '../rotators/rotator.ts';

/**
 * As `openForm`; where the value names a host that the look at the target did not show, the target is asked once for its further
 * names before the host counts as foreign (case VAL-10). So most looks cost no request more.
 */
export async function openAt(
  value: Secret,
  wanted: Wanted,
  target: Pick<Target, 'moreHosts'>,
  { hosts }: Pick<TargetState, 'hosts'>,
): Promise<Form> {
  try {
    return openForm(value, wanted, hosts);
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.reason !== 'foreign-host' || !target.moreHosts) throw error;
    return openForm(value, wanted, [...hosts, ...(await target.moreHosts())]);
  }
}

/** Whether the value leads through a door of the target: without those it would name a foreign host (finding SRV-12). */
export async function usesDoor(
  value: Secret,
  wanted: Wanted,
  target: Pick<Target, 'moreHosts'>,
  { hosts, doors = [] }: Pick<TargetState, 'hosts' | 'doors'>,
): Promise<boolean> {
  if (doors.length === 0) return false;
  const isOwn = (host: string) => !doors.includes(host);
  const more = async () => ((await target.moreHosts?.()) ?? []).filter(isOwn);
  try {
    await openAt(value, wanted, { moreHosts: more }, { hosts: hosts.filter(isOwn) });
    return false;
  } catch (error) {
    if (error instanceof KeyturnError && error.reason === 'foreign-host') return true;
    throw error;
  }
}
