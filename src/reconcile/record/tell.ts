/**
 * What a pass tells people and programs. A notice is put on its queue before the audit record is written, so that a pass that
 * dies in between is made up for with it; what the queue does not take stays in the secret's row for the next look. Nothing that
 * goes wrong here ends a pass.
 */
import type { SecretRef } from '../../core/ids.ts';
import type { NewNotice, Notice } from '../../ports/notices.ts';
import type { About } from '../../tags/about.ts';
import { handOn, noticeOf, type Reached } from '../../tags/tellOf.ts';

/** A row keeps so many that could not be handed on; what is louder stays longer. */
const UNTOLD_MAX = 5;

/** The notices of one pass, in the order in which they are told. */
export class Telling {
  /** What could not be handed on, also before this pass. */
  readonly #left: Notice[] = [];
  readonly #secret: SecretRef;
  readonly #about: () => About;
  readonly #deps: Reached;
  #waiting: readonly Notice[];
  #down = false;

  constructor(
    secret: SecretRef,
    { about, waiting = [] }: { about: () => About; waiting?: readonly Notice[] | undefined },
    deps: Reached,
  ) {
    this.#secret = secret;
    this.#about = about;
    this.#deps = deps;
    this.#waiting = waiting;
  }

  /** Whether there is anybody to be told. */
  get isOn(): boolean {
    return this.#deps.notices !== undefined && this.#deps.config.mode !== 'observe';
  }

  /** Tells it, after what waits from before; a queue that has not answered is not asked again in this pass. */
  async tell(news: NewNotice): Promise<void> {
    if (!this.isOn) return;
    await this.tellWaiting();
    await this.#hand(noticeOf(this.#secret, news, this.#about(), this.#deps));
  }

  /** Tells what an earlier pass could not hand on. */
  async tellWaiting(): Promise<void> {
    if (!this.isOn) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const notice of waiting) await this.#hand(notice);
  }

  /** For the row: what is still to be told, bounded. */
  get untold(): readonly Notice[] | undefined {
    const all = [
      ...new Map([...this.#waiting, ...this.#left].map((notice) => [notice.id, notice])).values(),
    ];
    const lost = all.length - UNTOLD_MAX;
    if (lost > 0) this.#deps.log('error', 'notices lost', { ...this.#secret, count: lost });
    const kept =
      lost > 0 ? [...all].sort((one, other) => loud(other) - loud(one)).slice(0, UNTOLD_MAX) : all;
    return kept.length > 0 ? kept : undefined;
  }

  async #hand(notice: Notice): Promise<void> {
    if (this.#down || !(await handOn(notice, this.#deps))) {
      this.#down = true;
      this.#left.push(notice);
    }
  }
}

const loud = ({ severity }: Notice): number =>
  severity === 'critical' ? 2 : severity === 'warning' ? 1 : 0;
