/**
 * Changes of an application's passwords, one after the other: Graph refuses what comes too near to another change, its lists
 * lag behind, and a text is given once (azure-facts 6, cases GR-01 and GR-02).
 */

import type { AddedPassword, AppFacts, GraphApi } from '../azure/graph.ts';
import { type Clock, minutesBetween } from '../core/clock.ts';
import {
  AbsentError,
  BusyError,
  ConcurrentError,
  type KeyturnError,
  UnknownOutcomeError,
} from '../core/errors.ts';
import type { Handle } from '../core/ids.ts';
import type { Secret } from '../core/secret.ts';

export type { AppCredential, AppFacts, GraphApi } from '../azure/graph.ts';

/** Sleeps within the pass and renews its locks, with 0 these alone; false when its time is up. */
type Stay = (seconds: number) => Promise<boolean>;

export interface AppPasswords {
  read(appId: string): Promise<AppFacts>;
  /**
   * Adds one. An error given back: nothing usable came of it, and after another list it may be tried again. Throws what stays
   * unclear or is refused for good.
   *
   * @param applied whether a list shows what was asked for, should the answer be lost
   */
  add(
    appId: string,
    asked: {
      readonly displayName: string;
      readonly endsOn: Date;
      applied(facts: AppFacts): boolean;
    },
    stay: Stay,
  ): Promise<AddedPassword | KeyturnError>;
  /** Removes one until a list no longer shows it; the same one may be removed twice without harm. */
  remove(
    appId: string,
    password: { readonly objectId: string; readonly keyId: Handle },
    stay: Stay,
  ): Promise<void>;
  /** This process added it less than an hour ago: lists may not know it yet. */
  addedHere(keyId: Handle): boolean;
  /** What this process added and did not remove again, within the last hour. */
  added(value: Secret): { readonly keyId: Handle; readonly on: Date } | undefined;
}

/** A judgement: mutations that follow at once are what Graph refuses as concurrent. */
const SECONDS_BETWEEN_CHANGES = 10;
const TRIES = 5;
/** So many lists may still be as they were before a change. */
const STALE_LISTS = 6;

/** One for the process: it remembers when it changed which application. */
export function appPasswords({
  graph,
  clock,
}: {
  readonly graph: GraphApi;
  readonly clock: Clock;
}): AppPasswords {
  const changed = new Recently<Date>(clock);
  const added = new Recently<{ keyId: Handle; on: Date }>(clock);
  const read = (appId: string) => graph.application(appId);
  const quiet = async (appId: string, stay: Stay): Promise<void> => {
    const last = changed.get(appId);
    const seconds = last ? SECONDS_BETWEEN_CHANGES - minutesBetween(last, clock.now()) * 60 : 0;
    // Also where there is nothing to wait for: lists may have taken longer than locks last, and a write follows.
    await wait(stay, Math.max(0, seconds));
  };
  const send = async <T>(appId: string, request: () => Promise<T>): Promise<T> => {
    try {
      return await request();
    } finally {
      changed.set(appId, clock.now());
    }
  };
  /** Asks at once, then with pauses. */
  const listShows = async (
    appId: string,
    wanted: (facts: AppFacts) => boolean,
    stay: Stay,
  ): Promise<boolean> => {
    for (let turn = 1; ; turn += 1) {
      if (wanted(await read(appId))) return true;
      if (turn >= STALE_LISTS) return false;
      await wait(stay, SECONDS_BETWEEN_CHANGES);
    }
  };
  const removeOnce = (objectId: string, keyId: Handle): Promise<KeyturnError | undefined> =>
    graph.removePassword(objectId, keyId).then(() => undefined, orThrow);
  const forget = (keyId: Handle) => added.drop((each) => each.keyId === keyId);
  return {
    read,
    async add(appId, { applied, ...asked }, stay) {
      await quiet(appId, stay);
      try {
        const password = await send(appId, () => graph.addPassword(appId, asked));
        added.set(password.value.digest(), { keyId: password.keyId, on: clock.now() });
        return password;
      } catch (error) {
        // Nothing can be added to what has just been read and is not there: it is still spreading, or it is gone (finding COR-04).
        if (error instanceof AbsentError) await read(appId);
        if (error instanceof BusyError || error instanceof AbsentError) {
          await wait(stay, Math.max(SECONDS_BETWEEN_CHANGES, error.facts.retryAfterSeconds ?? 0));
          return error;
        }
        if (error instanceof ConcurrentError) {
          await wait(stay, Math.max(SECONDS_BETWEEN_CHANGES, error.facts.retryAfterSeconds ?? 0));
          await listShows(appId, applied, stay);
          return error;
        }
        // What no list shows may still arrive, and is not yet to be tried again.
        if (error instanceof UnknownOutcomeError && (await listShows(appId, applied, stay)))
          return error;
        throw error;
      }
    },
    async remove(appId, { objectId, keyId }, stay) {
      const gone = ({ credentials }: AppFacts) => credentials.every((each) => each.keyId !== keyId);
      let failure: KeyturnError | undefined;
      for (let turn = 1; turn <= TRIES; turn += 1) {
        await quiet(appId, stay);
        if (turn > 1 && gone(await read(appId))) return forget(keyId);
        failure = await send(appId, () => removeOnce(objectId, keyId));
        const maybeGone = failure === undefined || failure instanceof AbsentError;
        if (maybeGone && (await listShows(appId, gone, stay))) return forget(keyId);
        const asked = failure?.facts.retryAfterSeconds ?? 0;
        if (asked > SECONDS_BETWEEN_CHANGES) await wait(stay, asked);
      }
      throw (
        failure ??
        new UnknownOutcomeError('target-busy', {
          detail: `The list still shows the client secret ${keyId}.`,
        })
      );
    },
    addedHere: (keyId) => added.values().some((each) => each.keyId === keyId),
    added: (value) => added.get(value.digest()),
  };
}

/**
 * Busy and unclear are tried again; the rest is final. A 404 is about the credential as well as about the application, and the
 * list tells which: what it no longer shows is gone, and that is all that was asked for (finding COR-04).
 */
function orThrow(error: unknown): KeyturnError {
  if (
    error instanceof BusyError ||
    error instanceof UnknownOutcomeError ||
    error instanceof AbsentError
  )
    return error;
  throw error;
}

async function wait(stay: Stay, seconds: number): Promise<void> {
  if (await stay(seconds)) return;
  throw new UnknownOutcomeError('target-busy', {
    detail: 'The time of the pass was up before the target had settled.',
  });
}

const KEPT_MINUTES = 60;
const KEPT_MAX = 500;

/** What this process did within the last hour; losing it costs patience, nothing else. */
class Recently<T> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly what: T; readonly on: Date }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(key: string, what: T): void {
    this.#entries.delete(key); // so that the oldest stands first
    this.#entries.set(key, { what, on: this.#clock.now() });
    for (const [oldest, { on }] of this.#entries) {
      if (this.#entries.size <= KEPT_MAX && minutesBetween(on, this.#clock.now()) <= KEPT_MINUTES)
        break;
      this.#entries.delete(oldest);
    }
  }

  get(key: string): T | undefined {
    const found = this.#entries.get(key);
    return found && minutesBetween(found.on, this.#clock.now()) <= KEPT_MINUTES
      ? found.what
      : undefined;
  }

  drop(which: (what: T) => boolean): void {
    for (const [key, { what }] of this.#entries) if (which(what)) this.#entries.delete(key);
  }

  values(): readonly T[] {
    return [...this.#entries.keys()].flatMap((key) => this.get(key) ?? []);
  }
}
