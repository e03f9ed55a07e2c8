/** For tests that walk something by themselves, not by rows: how far, in the form of this run (`short.ts`). */

/** Not in `npm test`; set by `environment.ts` for each suite. */
export const isWhole = process.env.TESTS === 'whole' || process.env.TESTS === 'rest';

/** As much as the whole form takes, or as the short one. */
export const walk = <T>({ whole, short }: { whole: T; short: T }): T => (isWhole ? whole : short);
