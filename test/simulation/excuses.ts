/**
 * What the checker lets pass, as data: which invariant, of which secret, for which value and until when. An excuse ends by
 * itself. Each one that really held off a violation is counted, for the paths that it touched are printed and bounded.
 */

/** The number of an invariant of design section 8. */
export type Invariant = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

export interface Excuse {
  /** Why, in a few words: the same for every path, since paths are counted by it. */
  readonly id: string;
  readonly invariant: Invariant;
  /** `vault/name` */
  readonly secret: string;
  /** The value that is meant; any value of the secret where there is none. */
  readonly value?: string;
  /** The last time, in milliseconds of the world, at which it holds. */
  readonly until: number;
}

/** The excuses of one path. */
export class Excuses {
  /** Ids of those that held off a violation. */
  readonly touched = new Set<string>();
  readonly #now: () => number;
  #granted: Excuse[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Throws `RangeError` for one that would never end. */
  grant(excuse: Excuse): void {
    if (!Number.isFinite(excuse.until))
      throw new RangeError(`The excuse "${excuse.id}" has no end.`);
    this.#granted.push(excuse);
  }

  /** Asked only where an invariant is broken: whether one holds, which then is touched. */
  holdsOff(invariant: Invariant, secret: string, value?: string): boolean {
    const now = this.#now();
    this.#granted = this.#granted.filter(({ until }) => until >= now);
    const found = this.#granted.find(
      (each) =>
        each.invariant === invariant &&
        each.secret === secret &&
        (each.value === undefined || value === undefined || each.value === value),
    );
    if (found) this.touched.add(found.id);
    return found !== undefined;
  }
}

/** An excuse that touches more of the paths of one kind of rotator than this is no exception any more. */
export const SHARE_MAX = 0.05;

/** How many paths were walked, and how many of them each excuse touched. */
export interface Touched {
  paths: number;
  readonly by: Map<string, number>;
}

/**
 * What is used too often, in words: over all paths of one kind of rotator that one run walks. The runs that are told apart
 * are those of `npm run simulate -- --walk`, and each test file.
 */
export function tooWide(kind: string, { paths, by }: Touched): string[] {
  return [...by]
    .filter(([, count]) => count > paths * SHARE_MAX)
    .map(([id, count]) => `${kind}: the excuse "${id}" is used on ${count} of ${paths} paths`);
}
