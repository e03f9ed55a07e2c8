/** What a run of the command line has of the world: replaced as a whole where a test looks on. */

import type { TokenCredential } from '@azure/identity';
import type { SecretClientOptions } from '@azure/keyvault-secrets';

/** A stream that is written to. */
export interface Out {
  write(text: string): void;
  readonly isTty: boolean;
  /** Of a terminal; undefined where nothing bounds a line. */
  readonly columns: number | undefined;
}

export interface Io {
  /** Who signs in already, instead of what is tried in turn. */
  readonly credential?: TokenCredential;
  readonly out: Out;
  readonly err: Out;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly fetch: typeof fetch;
  /** What sends the requests to a vault; the SDK's own where it is absent. */
  readonly http?: NonNullable<SecretClientOptions['httpClient']>;
  readonly now: () => Date;
  /** Resolves early once `stopped` is. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Ctrl-C. */
  readonly stopped: AbortSignal;
  /** A line that a person types; undefined where nobody sits there. */
  readonly ask: (question: string) => Promise<string | undefined>;
  /** What another program prints; undefined where it is not there or fails. */
  readonly printed: (command: string, ...words: readonly string[]) => Promise<string | undefined>;
  /** Opens an address in a browser; false where there is none. */
  readonly browse: (url: string) => Promise<boolean>;
}
