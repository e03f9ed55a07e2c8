/** The queue of notices. */
import { DeliveryBody } from '../core/noticeBody.ts';
import type { Delivery, NoticeQueue } from '../ports/notices.ts';
import { ownQueue } from './ownQueue.ts';
import { NOTICES_QUEUE, type OwnStorage } from './storage.ts';

/** A pass holds locks of 90 s while it tells, and what is not handed on now stays with the secret's row. */
const QUICK = { tries: 2, seconds: 5 } as const;

/** Made on first use. */
export function noticeQueue(own: OwnStorage): NoticeQueue {
  const put = ownQueue(own, NOTICES_QUEUE, QUICK);
  const again = async (delivery: Delivery, delaySeconds: number) => {
    await put(DeliveryBody.parse(delivery), delaySeconds);
  };
  return { send: (notice) => again({ notice, tries: 0 }, 0), again };
}
