/** How a run ends: what its exit code says, and what is told of a failure. */

/** Exit codes of the command line; `docs/cli.md` shows them from here. */
export const EXITS = {
  done: { code: 0, says: 'done' },
  failed: { code: 1, says: 'failed' },
  usage: { code: 2, says: 'the command is not understood' },
  refused: { code: 3, says: 'refused, or something is found: a person must act' },
  'not-found': { code: 4, says: 'not found, or not allowed' },
  unreachable: { code: 5, says: 'Keyturn, Entra ID or the vault is not reached, or is busy' },
} as const;
export type Exit = keyof typeof EXITS;

/** What a person can do about it. */
export interface Told {
  readonly reason?: string | undefined;
  readonly remedy?: string | undefined;
  readonly by?: string | undefined;
  readonly link?: string | undefined;
  readonly until?: string | undefined;
  /** The same remedy in words of this program. */
  readonly here?: string | undefined;
}

/** What the remedies of the API are called here. */
const HERE: Readonly<Record<string, string>> = {
  'owed-first': '`keyturn revoke` ends its grace; `--again` revokes it first and rotates.',
  'no-token': 'Sign in with `az login`, and look at the audience.',
};

/** @param overridable reasons that may be set aside */
export function hereFor(reason: string, overridable: readonly string[] = []): string | undefined {
  const way = overridable.includes(reason)
    ? `\`--override ${overridable.join(',')}\` sets it aside (Keyturn.Revoke).`
    : undefined;
  return HERE[reason] ?? way;
}

/** Ends the run with an exit code, and is told on stderr. Its texts never hold a value. */
export class Failure extends Error {
  readonly exit: Exit;
  readonly told: Told;

  constructor(exit: Exit, message: string, told: Told = {}) {
    super(message);
    this.name = 'Failure';
    this.exit = exit;
    this.told = told;
  }
}

export const usage = (message: string, remedy?: string): Failure =>
  new Failure('usage', message, remedy === undefined ? {} : { remedy });
