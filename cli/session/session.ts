/** What a command works with once it is known where Keyturn is and who calls. Nothing is sent before a command asks. */
import type { TokenCredential } from '@azure/identity';
import type { SecretClient } from '@azure/keyvault-secrets';
import { compact } from '../../src/core/compact.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Client, createClient } from './client.ts';
import { credentialInFile, credentialOf, tokenFor } from './signIn.ts';
import { type Where, type WhereFlags, whereIs } from './where.ts';

export interface Session {
  readonly where: Where;
  readonly api: Client;
  /** The vault as the person who runs this may use it. */
  readonly vault: (name: string) => Promise<SecretClient>;
  /** The time by which a duration counts: of a local tenant, whose clock moves, that of its tokens. */
  readonly now: () => Promise<Date>;
}

export async function connect(flags: WhereFlags, io: Io): Promise<Session> {
  const where = await whereIs(flags, io);
  const { local, audience, url } = where;
  let made: Promise<TokenCredential> | undefined;
  const credential = () => {
    made ??= credentialOf(where, io);
    return made;
  };
  const token = async () =>
    local
      ? tokenFor(credentialInFile(local.token), '')
      : tokenFor(await credential(), `${audience}/.default`);
  return {
    where,
    api: createClient(url, token, io),
    async vault(name) {
      const { SecretClient } = await import('@azure/keyvault-secrets');
      const options = { retryOptions: { maxRetries: 2 }, ...compact({ httpClient: io.http }) };
      if (!local)
        return new SecretClient(
          `https://${name}.${where.cloud.vaults}`,
          await credential(),
          options,
        );
      const its = credentialInFile(local.vaultToken);
      return new SecretClient(`https://${name}.${local.vaults}`, its, {
        ...options,
        disableChallengeResourceVerification: true,
      });
    },
    async now() {
      const issuedOn = local ? issuedIn(await token()) : undefined;
      return issuedOn !== undefined && issuedOn > io.now() ? issuedOn : io.now();
    },
  };
}

function issuedIn(token: string): Date | undefined {
  const [, claims = ''] = token.split('.');
  const parsed: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8') || '{}');
  const at =
    typeof parsed === 'object' && parsed !== null && 'iat' in parsed
      ? Number(parsed.iat)
      : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at * 1000);
}

export interface SecretName {
  readonly vault: string;
  readonly name: string;
}

/** `kv-shop/orders-storage`, or the address of a secret in Key Vault. Throws `usage`. */
export function secretIn(text: string): SecretName {
  const [, ofUrl, nameOfUrl] =
    /^https:\/\/([\w-]+)\.[\w.:-]+\/secrets\/([\w-]+)(?:\/\w*)?$/.exec(text) ?? [];
  const [, ofPair, nameOfPair] = /^([a-z][a-z0-9-]{1,23})\/([0-9a-z-]{1,127})$/i.exec(text) ?? [];
  const [vault, name] = [ofUrl ?? ofPair, nameOfUrl ?? nameOfPair];
  if (vault === undefined || name === undefined)
    throw usage(
      `${JSON.stringify(text.slice(0, 200))} is no secret.`,
      'Write <vault>/<secret>, as kv-shop/orders-storage.',
    );
  return { vault, name };
}
