/**
 * What every Azure client of ours gets in place of the SDKs' own retries. Those repeat writes, too (case SDK-01), do not
 * repeat a 429 without Retry-After (SDK-02), and wait as long as a Retry-After says (azure-facts 8.1). So clients are made
 * with `SINGLE_SEND`, reads are repeated here, and a write goes out exactly once.
 */
import { type Clock, systemClock } from './clock.ts';
import { BusyError } from './errors.ts';

/** Options for every client: no retries, no redirects. */
export const SINGLE_SEND = {
  retryOptions: { maxRetries: 0 },
  redirectOptions: { maxRetries: 0 },
} as const;

/** After so long without an answer a read is given up and sent again. */
const READ_MILLISECONDS = 20_000;
/**
 * A write is given more time, since its outcome is unknown when it is given up, but less than a lock lives (90 s,
 * renewed right before it): case EG-03.
 */
const WRITE_MILLISECONDS = 75_000;
const TRIES = 5;
/** A longer Retry-After ends the pass, which looks again later: it holds locks of 90 s. */
const PAUSE_MAX_SECONDS = 16;

/** A write waits no longer in all: the locks of its pass, renewed right before it, last 90 s. */
const WRITE_PAUSES_SECONDS = 20;

interface Request {
  method: string;
  url: string;
  abortSignal?: unknown;
}
interface Answer {
  status: number;
  headers: { get(name: string): string | undefined };
}
/** The part of the SDKs' `PipelinePolicy` in use: `core` imports no SDK. */
export interface PipelinePolicy {
  name: string;
  sendRequest<R extends Request, A extends Answer>(
    request: R,
    next: (request: R) => Promise<A>,
  ): Promise<A>;
}

/** Repeats reads that were not answered or answered 408, 429 or 5xx, at most five times within some 15 s. */
export function patience(
  clock: Clock = systemClock,
  isRead = ({ method }: Request) => /^(GET|HEAD)$/.test(method),
): PipelinePolicy {
  return {
    name: 'keyturnPatience',
    async sendRequest(request, next) {
      for (let tried = 1; ; tried += 1) {
        const last = tried === TRIES || !isRead(request);
        // The SDK's own `timeout` ends with the headers and leaves a timer behind when a call fails (measured, 1.24).
        request.abortSignal = AbortSignal.timeout(
          isRead(request) ? READ_MILLISECONDS : WRITE_MILLISECONDS,
        );
        const answer = await next(request).catch((error: unknown) => {
          if (last || !lostOnTheWay(error)) throw error;
          return undefined;
        });
        if (
          answer &&
          (last || !(answer.status === 408 || answer.status === 429 || answer.status >= 500))
        )
          return answer;
        const pause = pauseSeconds(tried, answer && retryAfter(answer));
        if (pause === undefined && answer) return answer;
        await clock.sleep((pause ?? PAUSE_MAX_SECONDS) * 1000);
      }
    },
  };
}

/** Sends each request once, and gives it up after so many seconds. */
export function brief(
  seconds: (request: { readonly method: string; readonly url: string }) => number,
): PipelinePolicy {
  return {
    name: 'keyturnBrief',
    async sendRequest(request, next) {
      request.abortSignal = AbortSignal.timeout(seconds(request) * 1000);
      return await next(request);
    },
  };
}

/** Refuses every request to another host: a link in an answer gets neither a call nor a token (design section 6). */
export function onlyTo(address: string): PipelinePolicy {
  const { origin } = new URL(address);
  return {
    name: 'keyturnOnlyTo',
    async sendRequest(request, next) {
      if (new URL(request.url).origin !== origin)
        throw new Error(`A link led away from ${origin}.`);
      return await next(request);
    },
  };
}

/**
 * Asks again while the service says 409, or 429 to a write: nothing was changed, and no pipeline repeats it (case SDK-02).
 * What `patience` gave up on is not begun anew: the pass holds locks of 90 s.
 */
export async function untilFree<T>(
  clock: Clock,
  write: boolean,
  call: () => Promise<T>,
): Promise<T> {
  let paused = 0;
  for (let tried = 1; ; tried += 1) {
    try {
      return await call();
    } catch (error) {
      const again =
        error instanceof BusyError &&
        (error.facts.status === 409 || (write && error.facts.status === 429));
      const pause = again ? pauseSeconds(tried, error.facts.retryAfterSeconds) : undefined;
      if (
        pause === undefined ||
        tried === TRIES ||
        (write && paused + pause > WRITE_PAUSES_SECONDS)
      )
        throw error;
      paused += pause;
      await clock.sleep(pause * 1000);
    }
  }
}

/** 1, 2, 4, 8 s less up to half of it, or what the service asks for; undefined when that is too long to wait here. */
function pauseSeconds(tried: number, asked?: number): number | undefined {
  if (asked !== undefined) return asked <= PAUSE_MAX_SECONDS ? asked : undefined;
  return 2 ** (tried - 1) * (1 - Math.random() / 2);
}

function retryAfter({ headers }: Answer): number | undefined {
  const seconds = Number.parseInt(headers.get('retry-after') ?? '', 10);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

/**
 * A broken connection or a time-out, as opposed to an error made on this side (no token, a foreign challenge) and to an
 * answer: the SDKs' deserializers throw a `RestError` with its status inside the pipeline, a 404 of an absent row, too.
 */
function lostOnTheWay(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { statusCode: status } = error as Error & { statusCode?: unknown };
  if (typeof status === 'number') return status === 408 || status === 429 || status >= 500;
  return error.name === 'RestError' || error.name === 'AbortError';
}
