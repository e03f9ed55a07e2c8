/** The doors of the queue of notices: one message delivered, and one that the host gave up on. */
import { contentOf } from '../api/inbox/message.ts';
import { DeliveryBody } from '../core/noticeBody.ts';
import type { Deliveries } from '../notices/deliver.ts';
import type { Deps } from '../ports/deps.ts';
import type { Delivery } from '../ports/notices.ts';
import { alertOfQueue } from './poison.ts';

const QUEUE = 'keyturn-notices';
const REASON = 'notice-undelivered';

/** Delivers the notice of a message. A message that is none is recorded by its fields and done with. */
export async function deliverMessage(
  message: unknown,
  deliveries: Deliveries | undefined,
  deps: Deps,
): Promise<void> {
  const delivery = read(message, deps);
  if (!delivery) return;
  const { id, type, vault, name } = delivery.notice;
  if (!deliveries)
    return deps.log('warn', 'notice skipped', {
      vault,
      name,
      id,
      type,
      detail: 'KEYTURN_NOTIFY is not set.',
    });
  await deliveries.deliver(delivery, deps.log, (sink, said, given) =>
    givenUp(sink, said, given, deps),
  );
}

/** Records a notice that the host gave up on, and alerts once an hour for all of them. */
export async function giveUpNotice(message: unknown, deps: Deps): Promise<void> {
  const delivery = read(message, deps);
  if (delivery)
    await givenUp(delivery.to ?? 'all', 'the message failed five times', delivery, deps);
}

/** The log has each by its id; the alert is one an hour for each sink. */
async function givenUp(
  sink: string,
  said: string,
  { notice, tries }: Delivery,
  deps: Deps,
): Promise<void> {
  const { id, type, vault, name, severity, reason } = notice;
  deps.log('error', 'notice undelivered', {
    vault,
    name,
    id,
    type,
    severity,
    reason,
    sink,
    tries,
    detail: said,
  });
  await alertOfQueue(`${QUEUE} to ${sink}`, REASON, { sink, detail: said }, deps);
}

function read(message: unknown, { log }: Deps): Delivery | undefined {
  const { data, error } = DeliveryBody.safeParse(contentOf(message));
  if (error) {
    // Field names only: a message may hold anything, a value included.
    const fields = [...new Set(error.issues.map(({ path }) => path.slice(0, 2).join('.')))]
      .slice(0, 5)
      .join(', ');
    log('warn', 'message skipped', {
      queue: QUEUE,
      reason: 'bad-request',
      detail: `message is no notice: ${fields}`,
    });
  }
  return data;
}
