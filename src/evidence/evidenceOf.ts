/** Who still uses an old credential, by all that can be asked: sessions at its server, and logs. */
import { type Straggler, together, type UseVerdict } from '../core/uses.ts';
import type { Evidence, UseQuestion } from '../ports/evidence.ts';

/** What logs say: of the credential itself at its target, and of the version that holds it at its vault. */
export interface LogReader {
  /** Undefined where the kind leaves no trace in any log that names a credential. */
  ofCredential(question: UseQuestion): Promise<UseVerdict | undefined>;
  /** It may show a use, and never that there is none. */
  ofVersion(question: UseQuestion): Promise<Readers>;
}

/** Who reads the secret in its vault. */
export interface Readers {
  /** Asked for the old version by its id, lately. */
  readonly read: readonly Straggler[];
  /** Read the secret on several days before, and not since the new version is there. */
  readonly behind: readonly Straggler[];
}

/**
 * What the target itself says of the credential decides, where it says anything: its sessions, and the log that names the credential.
 * Whoever read the old version since the new one is there counts as well. Where the target says nothing, reads of the vault show a
 * use, and never that there is none: a value is kept in memory for longer than any log reaches.
 */
export function evidenceOf({ logs }: { readonly logs?: LogReader } = {}): Evidence {
  return {
    async lastUse(question) {
      const [sessions, credential, readers] = await Promise.all([
        asked(question.sessions),
        asked(logs && (() => logs.ofCredential(question))),
        logs?.ofVersion(question).catch(() => NOBODY) ?? NOBODY,
      ]);
      const atTarget = [sessions, credential].flatMap((each) => each ?? []);
      const target = atTarget.length > 0 ? decided(atTarget) : NOTHING;
      // Whoever has not come for the new one may have died since: only where the target itself cannot tell.
      const { read } = readers;
      const behind = target.use === 'cannot tell' ? readers.behind : [];
      return together([target, ...usedBy(read), ...usedBy(behind.map(late))]);
    },
  };
}

const NOBODY: Readers = { read: [], behind: [] };
const late = (each: Straggler): Straggler => ({ ...each, program: 'has not read the new version' });

function usedBy(by: readonly Straggler[]): readonly UseVerdict[] {
  const times = by.flatMap(({ last }) => (last ? [last.getTime()] : []));
  return by.length === 0 ? [] : [{ use: 'used', on: new Date(Math.max(0, ...times)), by }];
}

const NOTHING: UseVerdict = {
  use: 'cannot tell',
  reason:
    'Its server has no sessions that Keyturn may list, and no log that Keyturn may read names it.',
};

/** A server without open sessions says nothing of yesterday, and a log nothing of the last minutes: each that can tell is believed. */
function decided(verdicts: readonly UseVerdict[]): UseVerdict {
  const told = verdicts.filter(({ use }) => use !== 'cannot tell');
  return together(told.length > 0 ? told : verdicts);
}

/** What fails says nothing; why stands in the reason, in our words. */
async function asked(
  ask: (() => Promise<UseVerdict | undefined>) | undefined,
): Promise<UseVerdict | undefined> {
  if (!ask) return undefined;
  try {
    return await ask();
  } catch (error) {
    const detail = (error as { detail?: unknown } | null)?.detail;
    const reason =
      typeof detail === 'string'
        ? detail
        : `An unexpected ${error instanceof Error ? error.name : 'error'}.`;
    return { use: 'cannot tell', reason };
  }
}
