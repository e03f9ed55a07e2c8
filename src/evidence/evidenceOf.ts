/** Who still uses an old credential, by all that can be asked: sessions at its server, and logs. */
import { together, type UseVerdict } from '../core/uses.ts';
import type { Evidence, UseQuestion } from '../ports/evidence.ts';

/** What logs say: of the credential itself at its target, and of the version that holds it at its vault. */
export interface LogReader {
  /** Undefined where the kind leaves no trace in any log that names a credential. */
  ofCredential(question: UseQuestion): Promise<UseVerdict | undefined>;
  /** Who read the old version, or has not read the new one: it may show a use, and never that there is none. */
  ofVersion(question: UseQuestion): Promise<UseVerdict>;
}

/**
 * What the target itself says of the credential decides, where it says anything: its sessions, and the log that names the credential.
 * Whoever read the old version since the new one is there counts as well. Where the target says nothing, reads of the vault show a
 * use, and never that there is none: a value is kept in memory for longer than any log reaches.
 */
export function evidenceOf({ logs }: { readonly logs?: LogReader } = {}): Evidence {
  return {
    async lastUse(question) {
      const [sessions, credential, version] = await Promise.all([
        asked(question.sessions),
        asked(logs && (() => logs.ofCredential(question))),
        asked(logs && (() => logs.ofVersion(question))),
      ]);
      const atTarget = [sessions, credential].flatMap((each) => each ?? []);
      const target = atTarget.length > 0 ? decided(atTarget) : NOTHING;
      if (version?.use === 'used') return together([target, version]);
      return target;
    },
  };
}

const NOTHING: UseVerdict = {
  use: 'cannot tell',
  reason: 'Its server has no sessions that Keyturn may list, and no log that Keyturn may read names it.',
};

/** A server without open sessions says nothing of yesterday, and a log nothing of the last minutes: each that can tell is believed. */
function decided(verdicts: readonly UseVerdict[]): UseVerdict {
  const told = verdicts.filter(({ use }) => use !== 'cannot tell');
  return together(told.length > 0 ? told : verdicts);
}

/** What fails says nothing; why stands in the reason, in our words. */
async function asked(ask: (() => Promise<UseVerdict | undefined>) | undefined): Promise<UseVerdict | undefined> {
  if (!ask) return undefined;
  try {
    return await ask();
  } catch (error) {
    const detail = (error as { detail?: unknown } | null)?.detail;
    const reason =
      typeof detail === 'string' ? detail : `An unexpected ${error instanceof Error ? error.name : 'error'}.`;
    return { use: 'cannot tell', reason };
  }
}
