/** A token service of the test's own: keys by jose, a JWKS over HTTP, and any token one can think of. */
import { createHmac, type webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose';

export const tenant = '11111111-2222-4333-8444-555555555555';
export const audience = 'api://keyturn';
export const oid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

export type Claims = Record<string, unknown>;

export interface Entra {
  readonly authority: string;
  /** What the right app-only token says at `now`. */
  claims(now: Date): Claims;
  sign(claims: Claims, header?: Partial<JWTHeaderParameters>): Promise<string>;
  /** Signed with the public key as if it were a shared secret. */
  signHs256(claims: Claims): Promise<string>;
  /** Signed by a key that no JWKS shows, under the right `kid`. */
  forge(claims: Claims): Promise<string>;
  /** How often the keys were asked for. */
  asked(): number;
  /** Signs with a new key from now on; the JWKS shows no other. */
  roll(): Promise<void>;
  /** Answers 503 instead of keys, or keys again. */
  outage(on: boolean): void;
  stop(): Promise<void>;
}

export async function startEntra(): Promise<Entra> {
  const foreign = await generateKeyPair('RS256');
  let ours = await newKey('k1');
  let asked = 0;
  let down = false;
  const server = createServer((request, response) => {
    asked += 1;
    const found = request.url === `/${tenant}/discovery/v2.0/keys`;
    const { publicKey: _, privateKey: __, ...jwk } = ours;
    const status = down ? 503 : found ? 200 : 404;
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const authority = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const make = (key: webcrypto.CryptoKey, claims: Claims, header: Partial<JWTHeaderParameters>) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: ours.kid, ...header })
      .sign(key);

  return {
    authority,
    claims(now) {
      const seconds = Math.floor(now.getTime() / 1000);
      const iss = `${authority}/${tenant}/v2.0`;
      const who = { oid, sub: oid, tid: tenant, idtyp: 'app', roles: ['Keyturn.Rotate'] };
      return { iss, aud: audience, iat: seconds, nbf: seconds, exp: seconds + 3600, ...who };
    },
    sign: async (claims, header = {}) =>
      // PS256 needs the same key pair under another algorithm.
      make(
        header.alg === 'PS256' ? await pssKey(ours.privateKey) : ours.privateKey,
        claims,
        header,
      ),
    async signHs256(claims) {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const text = `${part({ alg: 'HS256', typ: 'JWT', kid: ours.kid })}.${part(claims)}`;
      return `${text}.${createHmac('sha256', await exportSPKI(ours.publicKey))
        .update(text)
        .digest('base64url')}`;
    },
    forge: (claims) => make(foreign.privateKey, claims, {}),
    asked: () => asked,
    roll: async () => {
      ours = await newKey(`${ours.kid}+`);
    },
    outage: (on) => {
      down = on;
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function newKey(kid: string) {
  const pair = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(pair.publicKey)), kid, use: 'sig', ...pair };
}

async function pssKey(key: webcrypto.CryptoKey): Promise<webcrypto.CryptoKey> {
  const { subtle } = globalThis.crypto;
  const algorithm = { name: 'RSA-PSS', hash: 'SHA-256' };
  return subtle.importKey('pkcs8', await subtle.exportKey('pkcs8', key), algorithm, false, [
    'sign',
  ]);
}
