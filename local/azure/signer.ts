/** Signing and reading of the tenant's tokens. */
import type { webcrypto } from 'node:crypto';
import {
  decodeProtectedHeader,
  errors,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import { now } from '../clock.ts';
import { newId } from './exchange.ts';

interface SigningKey {
  kid: string;
  privateKey: webcrypto.CryptoKey;
  publicKey: webcrypto.CryptoKey;
  jwk: JWK;
}

const TOKENS_MAX = 1000;

/** Why a token is no good. */
export type TokenFault = 'malformed' | 'expired';

export class Signer {
  /** The newest first: it signs. All of them are in the JWKS. */
  private keys: SigningKey[];
  /** Tokens whose signature has been found right: a client sends the same one for an hour. */
  private readonly verified = new Map<string, { key: SigningKey; claims: JWTPayload }>();

  private constructor(first: SigningKey) {
    this.keys = [first];
  }

  static async create(): Promise<Signer> {
    return new Signer(await makeKey());
  }

  /** Signs with a new key from now on; `dropOld` takes the older ones out of the JWKS, so that their tokens die. */
  async rotate({ dropOld = false } = {}): Promise<void> {
    this.keys = [await makeKey(), ...(dropOld ? [] : this.keys)];
  }

  jwks(): { keys: JWK[] } {
    return { keys: this.keys.map(({ jwk }) => jwk) };
  }

  /** Signs claims as they are. */
  async sign(claims: JWTPayload): Promise<string> {
    const [key] = this.keys;
    if (!key) throw new Error('no signing key');
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.kid })
      .sign(key.privateKey);
  }

  /** The claims of a token that this tenant signed and that is in force by the movable clock. */
  async read(token: string): Promise<JWTPayload | TokenFault> {
    try {
      const { kid } = decodeProtectedHeader(token);
      const key = this.keys.find((candidate) => candidate.kid === kid);
      if (!key) return 'malformed';
      const known = this.verified.get(token);
      if (known?.key === key && isInForce(known.claims)) return known.claims;
      const options = {
        algorithms: ['RS256'],
        currentDate: new Date(now()),
        requiredClaims: ['exp'],
      };
      const { payload: claims } = await jwtVerify(token, key.publicKey, options);
      if (this.verified.size >= TOKENS_MAX) this.verified.clear();
      this.verified.set(token, { key, claims });
      return claims;
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'expired';
      if (error instanceof errors.JOSEError || error instanceof TypeError) return 'malformed';
      throw error;
    }
  }
}

/** As `jwtVerify` judges it; what is not is left to its words. */
function isInForce({ nbf = 0, exp = 0 }: JWTPayload): boolean {
  const second = Math.floor(now() / 1000);
  return nbf <= second && second < exp;
}

async function makeKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = newId().replaceAll('-', '');
  return {
    kid,
    privateKey,
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' },
  };
}
