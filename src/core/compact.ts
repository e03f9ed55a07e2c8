/** Optional members: what is undefined is left out, as `exactOptionalPropertyTypes` wants it and as JSON and rows have it. */

/** Of what may be undefined an optional member; everything else as it is. */
export type Compact<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * The same members, in the same order, without those that are undefined. A member that stands behind a spread takes the place of
 * the one in it also where it is undefined: then neither is there.
 */
export function compact<const T extends object>(members: T): Compact<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Compact<T>;
}
