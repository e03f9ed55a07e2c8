/** What Keyturn may do, learnt without a write: there, missing, or not to be told. Only what is known to be missing stands in a way. */
import type { Reason } from './reasons.ts';

export interface GraphGrants {
  /** Application permissions. */
  readonly permissions: readonly string[];
  /** Object id of the identity itself. */
  readonly oid?: string;
  /** What was granted later is not in it: tokens are kept for up to a day (azure-facts 6, case FN-03). */
  readonly issuedOn: Date;
}

export interface RightCheck {
  /** The right, and where it is needed, in words. */
  readonly what: string;
  readonly state: 'ok' | 'problem' | 'cannot tell';
  /** Of a problem: what a change would be refused for. */
  readonly reason?: Reason;
  readonly detail?: string;
  /** What mends it, to be pasted, where whoever asked knows that. */
  readonly command?: string;
  /** Each action by itself, where a role was asked about; undefined of what cannot be told. */
  readonly actions?: readonly { readonly action: string; readonly held: boolean | undefined }[];
}

/** What one role gives: what it takes out, it takes out of its own alone. */
export interface Block {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notDataActions: readonly string[];
}

/** Some block gives it and does not take it back [learn: resource-manager-api-authentication]. */
export const allows = (
  blocks: readonly Block[],
  action: string,
  plane: 'actions' | 'dataActions' = 'actions',
): boolean =>
  blocks.some((block) => {
    const without = plane === 'actions' ? block.notActions : block.notDataActions;
    return (
      block[plane].some((pattern) => covers(pattern, action)) &&
      !without.some((pattern) => covers(pattern, action))
    );
  });

/** `*` spans any characters, slashes too; without regard to case. Linear: no expression is made of a stranger's text. */
export function covers(pattern: string, action: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const text = action.toLowerCase();
  if (rest.length === 0) return first === text;
  if (!text.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
