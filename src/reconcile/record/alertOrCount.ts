/** One alert about one secret: raised at once, or counted and told with others of its kind (`src/sweep/alertGroups.ts`). */
import { compact } from '../../core/compact.ts';
import type { SecretRef } from '../../core/ids.ts';
import { typeOfAlert } from '../../core/noticeTypes.ts';
import { type Reason, reasonRow } from '../../core/reasons.ts';
import type { CountedAlert } from '../../ports/alerts.ts';
import type { Deps } from '../../ports/deps.ts';
import { type About, remedyFor } from '../../tags/about.ts';
import { handOn, noticeOf } from '../../tags/tellOf.ts';

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
  /** What makes it another alert than the last one of its cause: the same until it is remembered as raised. */
  readonly incident: string;
}

/**
 * Raises an alert about a secret, or counts it. What is counted is told by a later sweep, also if this worker dies; so is the
 * notice of one whose queue did not take it.
 */
export async function alertOrCount(
  secret: SecretRef,
  reason: Reason,
  facts: AlertFacts,
  deps: Pick<Deps, 'alerts' | 'log' | 'config' | 'rotators' | 'clock' | 'notices'>,
): Promise<void> {
  const { vault, name } = secret;
  const { part: _, behind, incident, ...shown } = facts;
  const { by, remedy } = remedyFor(isUpToSomebody(behind) ? behind : reason, secret, facts, deps);
  const alert = () => deps.log('error', 'alert', { vault, name, reason, by, remedy, ...shown });
  // Nobody is called by an instance that only observes, and no hour begins: the first alert of one that runs comes at once.
  if (deps.config.mode === 'observe') return alert();
  const { detail, operation, owedSince } = facts;
  const news = { type: typeOfAlert(reason), reason, by, remedy, detail, operation, owedSince };
  const notice =
    deps.notices && noticeOf(secret, { ...news, incident: [reason, incident] }, facts, deps);
  const words = counted(secret, reason, { ...facts, by, remedy: remedy.slice(0, WORDS_MAX) });
  const kept = notice ? { ...words, notice: notice.id } : words;
  if (!(await deps.alerts.isFirst(vault, reason))) return await deps.alerts.count(kept);
  // The log first: it is what must not fail.
  alert();
  if (notice && !(await handOn(notice, deps))) await deps.alerts.count({ ...kept, logged: true });
}

const isUpToSomebody = (behind: Reason | undefined): behind is Reason =>
  behind !== undefined && reasonRow(behind).by !== 'nobody';

/** The members of a row and no others: with one more it would not be read again. */
function counted(
  { vault, name }: SecretRef,
  reason: Reason,
  {
    owedSince,
    detail,
    owner,
    kind,
    target,
    expiresOn,
    by,
    remedy,
  }: AlertFacts & { by: string; remedy: string },
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
