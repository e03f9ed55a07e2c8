/** What an opened value says at the target: which credential it is, and which others it holds beside. */
import { KeyturnError } from '../core/errors.ts';
import type { Handle } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Secret } from '../core/secret.ts';
import type { Form } from '../form/form.ts';
import type { TargetState } from '../rotators/rotator.ts';

/** The handle of what a form holds; where white space at the ends can be meant, it counts only if nothing else is known. */
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
export function refuseOtherKeys(form: Form, target: TargetState): void {
  const found = otherKeyIn(form, target);
  if (!found) return;
  throw new KeyturnError('bad-value', {
    detail: `The key of slot ${found.handle} stands at ${quote(found.where)}, too, and a rotation would end it; give each key a secret of its own.`,
  });
}

/** The first slot whose present key the value holds beside its credential. */
export function otherKeyIn(
  form: Form,
  { present }: TargetState,
): { readonly handle: Handle; readonly where: string } | undefined {
  for (const [handle, value] of present ?? []) {
    const where = form.elsewhere(value);
    if (where !== undefined) return { handle, where };
  }
  return undefined;
}
