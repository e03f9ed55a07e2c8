/** The token of the demonstration, in a file that its user alone can read: `$(cat …)` takes it, and no screen shows it. */
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Azure } from '../azure/azure.ts';

/** A person of this tenant who may do all that the API offers. */
const CALLER = { oid: crypto.randomUUID(), roles: ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'] };
/** Tokens end after an hour of the movable clock. */
const RENEW_MS = 20 * 60_000;

export class Token {
  /** Where it is. */
  readonly path: string;
  #text = '';
  readonly #azure: Azure;
  readonly #folder: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(azure: Azure, folder: string) {
    this.#azure = azure;
    this.#folder = folder;
    this.path = join(folder, 'token');
    // A renewal that fails leaves the old one, and the next call says that it has ended.
    this.#timer = setInterval(() => void this.renew().catch(console.error), RENEW_MS).unref();
  }

  /** Writes the first one. */
  static async start(azure: Azure): Promise<Token> {
    const token = new Token(azure, await mkdtemp(join(tmpdir(), 'keyturn-')));
    await chmod(token.#folder, 0o700);
    await token.renew();
    return token;
  }

  /** Puts a new one in the place of the old one, in one step: whoever reads gets either. */
  async renew(): Promise<void> {
    this.#text = await this.#azure.issueToken(CALLER);
    await writeFile(`${this.path}.new`, this.#text, { mode: 0o600 });
    await rename(`${this.path}.new`, this.path);
  }

  isIn(header: string | undefined): boolean {
    return header === `Bearer ${this.#text}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
