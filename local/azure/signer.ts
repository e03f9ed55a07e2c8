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

/** Why a token is no good. */
export type TokenFault = 'malformed' | 'expired';

export class Signer {
  /** The newest first: it signs. All of them are in the JWKS. */
  private keys: SigningKey[];

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
      const options = { algorithms: ['RS256'], currentDate: new Date(now()), requiredClaims: ['exp'] };
      return (await jwtVerify(token, key.publicKey, options)).payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'expired';
      if (error instanceof errors.JOSEError || error instanceof TypeError) return 'malformed';
      throw error;
    }
  }
}

async function makeKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = newId().replaceAll('-', '');
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' } };
}
