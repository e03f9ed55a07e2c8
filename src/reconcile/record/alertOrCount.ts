/** One alert about one secret: raised at once, or counted and told with others of its kind (`src/sweep/alertGroups.ts`). */
import { compact } from '../../core/compact.ts';
import type { SecretRef } from '../../core/ids.ts';
import { type Reason, reasonRow } from '../../core/reasons.ts';
import type { CountedAlert } from '../../ports/alerts.ts';
import type { Deps } from '../../ports/deps.ts';
import { type About, remedyFor } from '../../tags/about.ts';

/** A row takes no more (`src/store/schemas.ts`). */
const WORDS_MAX = 2_000;

/** What an alert says of its own, beside what is known of the secret. */
export interface AlertFacts extends About {
  readonly detail?: string | undefined;
  readonly owedSince?: Date | undefined;
  /** Handles that are owed, separated by commas. */
  readonly owed?: string | undefined;
  readonly operation?: string | undefined;
  /** Object id of Keyturn's own identity, where it may want a role. */
  readonly identity?: string | undefined;
  /** What keeps things from going on, where that is another reason: whoever it is up to acts. */
  readonly behind?: Reason | undefined;
}

/** Raises an alert about a secret, or counts it. What is counted is told by a later sweep, also if this worker dies. */
export async function alertOrCount(
  secret: SecretRef,
  reason: Reason,
  facts: AlertFacts,
  deps: Pick<Deps, 'alerts' | 'log' | 'config' | 'rotators'>,
): Promise<void> {
  const { vault, name } = secret;
  const { part: _, behind, ...shown } = facts;
  const { by, remedy } = remedyFor(isUpToSomebody(behind) ? behind : reason, secret, facts, deps);
  // Nobody is called by an instance that only observes, and no hour begins: the first alert of one that runs comes at once.
  if (deps.config.mode === 'observe' || (await deps.alerts.isFirst(vault, reason)))
    return deps.log('error', 'alert', { vault, name, reason, by, remedy, ...shown });
  await deps.alerts.count(counted(secret, reason, { ...facts, by, remedy: remedy.slice(0, WORDS_MAX) }));
}

const isUpToSomebody = (behind: Reason | undefined): behind is Reason =>
  behind !== undefined && reasonRow(behind).by !== 'nobody';

/** The members of a row and no others: with one more it would not be read again. */
function counted(
  { vault, name }: SecretRef,
  reason: Reason,
  { owedSince, detail, owner, kind, target, expiresOn, by, remedy }: AlertFacts & { by: string; remedy: string },
): CountedAlert {
  return compact({
    vault,
    name,
    reason,
    by,
    remedy,
    owedSince,
    detail: detail?.slice(0, WORDS_MAX),
    owner,
    kind,
    target: target?.slice(0, WORDS_MAX),
    expiresOn,
  });
}
