/** Stryker's mutants that no user could see: they do the same in another way. Each is known by its code, and says why. */

export interface Equal {
  readonly part: string;
  /** Of the line on which it begins. */
  readonly code: string;
  readonly was: string;
  readonly is: string;
  readonly why: string;
}

export const equals: readonly Equal[] = [];
