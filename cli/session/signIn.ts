/** Signing in, by Entra ID: what is there already first, and a person with a code where nothing is. */
import { readFileSync } from 'node:fs';
import type { TokenCredential } from '@azure/identity';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { progress } from '../show/tell.ts';
import type { AuthWay, Where } from './where.ts';

/** The library is read only where it is needed: a local tenant has tokens in files. */
export async function credentialOf(
  { auth, cloud }: Pick<Where, 'auth' | 'cloud'>,
  io: Io,
): Promise<TokenCredential> {
  if (io.credential) return io.credential;
  const identity = await import('@azure/identity');
  const authorityHost = io.env.AZURE_AUTHORITY_HOST ?? cloud.authority;
  const ways: Readonly<Record<Exclude<AuthWay, 'auto'>, () => TokenCredential>> = {
    cli: () => new identity.AzureCliCredential(),
    environment: () => new identity.EnvironmentCredential({ authorityHost }),
    managed: () =>
      new identity.ManagedIdentityCredential(
        io.env.AZURE_CLIENT_ID === undefined ? {} : { clientId: io.env.AZURE_CLIENT_ID },
      ),
    device: () =>
      new identity.DeviceCodeCredential({
        authorityHost,
        userPromptCallback: ({ message }) => progress(io, message),
      }),
  };
  if (auth !== 'auto') return ways[auth]();
  const all = [
    ways.cli(),
    ways.environment(),
    ways.managed(),
    ...(io.err.isTty ? [ways.device()] : []),
  ];
  return new identity.ChainedTokenCredential(...all);
}

/** The token for a scope. Throws `not-found`, which says how to sign in; nothing of a token is in it. */
export async function tokenFor(credential: TokenCredential, scope: string): Promise<string> {
  try {
    const token = await credential.getToken(scope);
    if (token) return token.token;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const said = error instanceof Error ? (error.message.split('\n')[0] ?? '').slice(0, 300) : '';
    throw new Failure('not-found', `Signing in did not go well: ${said}`, SIGN_IN);
  }
  throw new Failure('not-found', 'Signing in gave no token.', SIGN_IN);
}

const SIGN_IN = {
  by: 'you',
  remedy: 'Run `az login`, or say another way with --auth (cli, environment, managed, device).',
};

/** Reads the file each time: whoever keeps it writes a new token before the old one ends. */
export const credentialInFile = (path: string): TokenCredential => ({
  getToken: async () => ({
    token: readFileSync(path, 'utf8').trim(),
    expiresOnTimestamp: Date.now() + 60_000,
  }),
});
