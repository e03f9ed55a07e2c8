/** As much of Stryker's instrumenter as is used: its own types ask for the injector and the logger of a whole Stryker. */
declare module '@stryker-mutator/instrumenter' {
  interface Position {
    readonly line: number;
    readonly column: number;
  }
  export interface Mutant {
    readonly id: string;
    readonly fileName: string;
    readonly location: { readonly start: Position; readonly end: Position };
    readonly mutatorName: string;
    readonly replacement: string;
    readonly status?: string;
  }
  interface File {
    readonly name: string;
    readonly content: string;
    readonly mutate: boolean;
  }
  interface Node {
    readonly type: string;
  }
  export interface Ignorer {
    /** Why a place is left as it is; undefined where it is not. */
    shouldIgnore(path: {
      readonly node: Node;
      readonly parent?: (Node & { readonly key?: { readonly name?: string } }) | null;
    }): string | undefined;
  }
  export class Instrumenter {
    constructor(logger: object);
    instrument(
      files: readonly File[],
      options: {
        readonly plugins: null;
        readonly excludedMutations: readonly string[];
        readonly ignorers: readonly Ignorer[];
      },
    ): Promise<{ readonly files: readonly File[]; readonly mutants: readonly Mutant[] }>;
  }
}
