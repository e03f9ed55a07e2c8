/** Notices about secrets: made from what is known of a secret, and put on their queue. */
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { type SecretRef, uuidOf } from '../core/ids.ts';
import { NoticeBody, tellable, tellableWord } from '../core/noticeBody.ts';
import { severityOf } from '../core/noticeTypes.ts';
import type { Deps } from '../ports/deps.ts';
import type { NewNotice, Notice } from '../ports/notices.ts';
import { type About, remedyFor } from './about.ts';

export type Reached = Pick<Deps, 'notices' | 'clock' | 'config' | 'log' | 'rotators'>;

/** The same for the same incident, whoever makes it. */
export const noticeId = (
  { vault, name }: SecretRef,
  { type, incident }: Pick<NewNotice, 'type' | 'incident'>,
): string => uuidOf('notice', type, vault, name, ...incident);

/** A notice of this secret, complete: what is missing is filled in from its reason and from what is known of the secret. */
export function noticeOf(
  secret: SecretRef,
  { incident, ...given }: NewNotice,
  about: About,
  { clock, config, rotators }: Pick<Deps, 'clock' | 'config' | 'rotators'>,
): Notice {
  const { vault, name } = secret;
  const { owner, kind, target, expiresOn } = about;
  const words =
    given.reason === undefined ? {} : remedyFor(given.reason, secret, about, { rotators });
  const { detail, remedy, consumer, ...rest } = { ...words, ...compact(given) };
  const shown = (text: string | undefined) => (text === undefined ? undefined : tellable(text));
  return compact({
    severity: severityOf[given.type],
    ...rest,
    type: given.type,
    id: noticeId(secret, { type: given.type, incident }),
    on: clock.now(),
    instance: config.instance,
    vault,
    name,
    detail: shown(detail),
    remedy: shown(remedy),
    consumer: shown(consumer),
    owner: owner === undefined ? undefined : tellableWord(owner),
    kind,
    target: shown(target),
    expiresOn,
  });
}

/** Hands a notice on; false where it could not be, which is recorded by its id alone. An instance that only observes tells nobody. */
export async function handOn(notice: Notice, { notices, config, log }: Reached): Promise<boolean> {
  if (!notices || config.mode === 'observe') return true;
  const { id, type, vault, name } = notice;
  // What a reader of the queue would not take must not be written.
  const { error } = NoticeBody.safeParse(notice);
  if (error) {
    const fields = error.issues.map(({ path }) => path.join('.')).join(', ');
    log('error', 'notice unfit', { vault, name, id, type, detail: `Not fit to send: ${fields}.` });
    return true;
  }
  try {
    await notices.send(notice);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown;
    log('warn', 'notice waits', { vault, name, id, type, reason: thrown.reason });
    return false;
  }
}
