/** A stored value in its form, as the target knows it: its hosts, the credential that it is, and others that stand beside it. */
import { KeyturnError } from '../../core/errors.ts';
import type { FormOptions } from '../../core/formSpec.ts';
import type { Handle } from '../../core/ids.ts';
import { quote } from '../../core/quote.ts';
import type { Secret } from '../../core/secret.ts';
import { type Form, openForm } from '../../form/form.ts';
import type { Target, TargetFacts } from '../../ports/rotator.ts';

/**
 * As `openForm`; where the value names a host that the look at the target did not show, the target is asked once for its further
 * names before the host counts as foreign (case VAL-10). So most looks cost no request more.
 */
export async function openAt(
  value: Secret,
  wanted: FormOptions,
  target: Pick<Target, 'moreHosts'>,
  { hosts }: Pick<TargetFacts, 'hosts'>,
): Promise<Form> {
  try {
    return openForm(value, wanted, hosts);
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.reason !== 'foreign-host' || !target.moreHosts)
      throw error;
    return openForm(value, wanted, [...hosts, ...(await target.moreHosts())]);
  }
}

/** Whether the value leads through a door of the target: without those it would name a foreign host (finding SRV-12). */
export async function usesDoor(
  value: Secret,
  wanted: FormOptions,
  target: Pick<Target, 'moreHosts'>,
  { hosts, doors = [] }: Pick<TargetFacts, 'hosts' | 'doors'>,
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

/** The handle of what stands in a form; where white space at the ends can be meant, it counts only if nothing else is known. */
export async function adoptForm(
  form: Form,
  adopt: (value: Secret, login?: string) => Promise<Handle | undefined>,
): Promise<{ readonly opened: Form; readonly handle: Handle | undefined }> {
  const handle = await adopt(form.bare, form.login);
  if (handle !== undefined || !form.exact) return { opened: form, handle };
  const exact = await adopt(form.exact.bare, form.exact.login);
  return exact === undefined ? { opened: form, handle } : { opened: form.exact, handle: exact };
}

/** No slot whose key stands elsewhere in the document may be taken: its readers would lose it (case VAL-02). */
export function refuseOtherKeys(form: Form, target: TargetFacts): void {
  const found = otherKeyIn(form, target);
  if (!found) return;
  throw new KeyturnError('bad-value', {
    detail: `The key of slot ${found.handle} stands at ${quote(found.where)}, too, and a rotation would end it; give each key a secret of its own.`,
  });
}

/** The first slot whose present key stands in the value beside its credential. */
export function otherKeyIn(
  form: Form,
  { present }: TargetFacts,
): { readonly handle: Handle; readonly where: string } | undefined {
  for (const [handle, value] of present ?? []) {
    const where = form.elsewhere(value);
    if (where !== undefined) return { handle, where };
  }
  return undefined;
}
