/** The token of the demonstration, in a file that its user alone can read: `$(cat …)` takes it, and no screen shows it. */
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Azure } from '../azure/azure.ts';
import { secretActions } from '../azure/grants.ts';
import { audiences } from '../azure/world.ts';

/** A person of this tenant who may do all that the API offers. */
const CALLER = {
  oid: crypto.randomUUID(),
  roles: ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'],
};
/** What tagging a secret takes. */
const TAGGING = ['getSecret/action', 'update/action', 'readMetadata/action'];
/** Tokens end after an hour of the movable clock. */
const RENEW_MS = 20 * 60_000;

export class Token {
  /** Where it is. */
  readonly path: string;
  /** Beside it one for Key Vault, of the same person: who tags secrets does that by a right of their own. */
  readonly vaultPath: string;
  #text = '';
  readonly #azure: Azure;
  readonly #folder: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(azure: Azure, folder: string) {
    this.#azure = azure;
    this.#folder = folder;
    this.path = join(folder, 'token');
    this.vaultPath = join(folder, 'vault-token');
    // A renewal that fails leaves the old one, and the next call says that it has ended.
    this.#timer = setInterval(() => void this.renew().catch(console.error), RENEW_MS).unref();
  }

  /** Writes the first one. */
  static async start(azure: Azure): Promise<Token> {
    const token = new Token(azure, await mkdtemp(join(tmpdir(), 'keyturn-')));
    for (const { id: scope } of azure.world.vaults.values())
      azure.grant({ principalId: CALLER.oid, scope, dataActions: secretActions(TAGGING) });
    await chmod(token.#folder, 0o700);
    await token.renew();
    return token;
  }

  /** Puts a new one in the place of the old one, in one step: whoever reads gets either. */
  async renew(): Promise<void> {
    this.#text = await this.#azure.issueToken(CALLER);
    await replace(this.path, this.#text);
    const iss = `https://sts.windows.net/${this.#azure.world.tenantId}/`;
    const ofVault = { oid: CALLER.oid, aud: audiences.vault, iss, roles: undefined };
    await replace(this.vaultPath, await this.#azure.issueToken(ofVault));
  }

  isIn(header: string | undefined): boolean {
    return header === `Bearer ${this.#text}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
