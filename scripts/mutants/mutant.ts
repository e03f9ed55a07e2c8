/** A fault that a user would pay for, and where it is put. */
export interface Mutant {
  readonly id: string;
  /** What a user loses by it. */
  readonly loses: string;
  /** The code, which stands once; how it is broken into lines does not matter. */
  readonly find: string;
  /** The function, class or constant in which it stands, where it stands elsewhere, too. */
  readonly inside?: string;
  readonly put: string;
  /** Test files by name, with their folder where several have it; `simulation/` stands for all of that folder. */
  readonly tests: readonly string[];
  /** One of the short set: told in seconds, and one for each promise. */
  readonly short?: true;
}
