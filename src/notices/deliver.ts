/**
 * Delivers notices, each sink by itself: what one does not take is put back for that one alone, with growing pauses, for three
 * days. At least once; whoever gets one twice knows it by its id.
 */
import { addDays, type Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { NotifySettings } from '../core/notify.ts';
import type { Delivery, NoticeQueue } from '../ports/notices.ts';
import { NotTaken } from './notTaken.ts';
import { sinksFor } from './routing.ts';
import type { SendNotice } from './sinks.ts';

const PAUSES_SECONDS = [15, 60, 300, 900, 1800, 3600] as const;
const GIVEN_UP_DAYS = 3;
/** After a failure nobody else tries that sink for so long; twice as long after each more. */
const REST_SECONDS = 15;
const REST_SECONDS_MAX = 600;
/** Of a pause so much is left to chance: what failed together does not come back together. */
const SPREAD = 0.2;

export interface Delivering {
  readonly settings: NotifySettings;
  readonly senders: ReadonlyMap<string, SendNotice>;
  readonly queue: NoticeQueue;
  readonly clock: Clock;
}

/** What went wrong for good: somebody has to be told by other means. */
export type GiveUp = (sink: string, said: string, delivery: Delivery) => Promise<void>;

/** The deliveries of one process: it remembers which sinks are down. */
export class Deliveries {
  readonly #post: Delivering;
  readonly #resting = new Map<string, { readonly until: number; readonly failures: number }>();

  constructor(post: Delivering) {
    this.#post = post;
  }

  /** One message of the queue. Throws `BusyError` where what was not taken could not be put back either: the host tries again. */
  async deliver(delivery: Delivery, log: Log, giveUp: GiveUp): Promise<void> {
    const { settings } = this.#post;
    const names = delivery.to === undefined ? sinksFor(delivery.notice, settings) : [delivery.to];
    const ended = await Promise.allSettled(
      names.map((name) => this.#to(name, delivery, log, giveUp)),
    );
    const failure = ended.find((each) => each.status === 'rejected');
    if (failure) throw failure.reason;
  }

  async #to(name: string, delivery: Delivery, log: Log, giveUp: GiveUp): Promise<void> {
    const { senders, clock } = this.#post;
    const { notice } = delivery;
    const facts = {
      vault: notice.vault,
      name: notice.name,
      id: notice.id,
      type: notice.type,
      sink: name,
    };
    const send = senders.get(name);
    if (!send)
      return log('warn', 'notice skipped', {
        ...facts,
        detail: 'The settings no longer name this sink.',
      });
    const now = clock.now().getTime();
    const rest = this.#resting.get(name);
    if (rest && now < rest.until)
      return await this.#again(name, delivery, (rest.until - now) / 1000);
    try {
      await send(notice);
      this.#resting.delete(name);
      log('info', 'notice delivered', { ...facts, tries: delivery.tries + 1 });
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      const { message: said, final, retryAfterSeconds = 0 } = error;
      log('warn', 'notice not taken', { ...facts, tries: delivery.tries + 1, detail: said });
      if (final || clock.now() >= addDays(notice.on, GIVEN_UP_DAYS))
        return await giveUp(name, said, delivery);
      const failures = (rest?.failures ?? 0) + 1;
      const pause = Math.min(REST_SECONDS * 2 ** Math.min(failures - 1, 10), REST_SECONDS_MAX);
      this.#resting.set(name, { until: now + Math.max(pause, retryAfterSeconds) * 1000, failures });
      await this.#again(name, { ...delivery, tries: delivery.tries + 1 }, retryAfterSeconds);
    }
  }

  async #again(name: string, delivery: Delivery, atLeastSeconds: number): Promise<void> {
    const { tries } = delivery;
    const usual = tries === 0 ? 0 : (PAUSES_SECONDS[tries - 1] ?? PAUSES_SECONDS.at(-1) ?? 0);
    const seconds = Math.max(usual, atLeastSeconds) * (1 + SPREAD * Math.random());
    await this.#post.queue.again({ ...delivery, to: name }, seconds);
  }
}
