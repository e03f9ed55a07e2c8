/** The local certificate authority and the server's certificate, made at the first start and kept outside of git. */
import { webcrypto } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planes } from './planes.ts';

const DAY_MS = 86_400_000;
const SERVER_DAYS = 365;
const RENEW_BEFORE_DAYS = 30;
const zone = 'keyturn.localhost';
const defaultFolder = fileURLToPath(new URL('../../.keyturn/certs', import.meta.url));

/** Names the server answers to. A wildcard covers one label, so each level has its own. */
export const serverNames = [
  '',
  ...planes.map(({ label }) => `${label}.`),
  ...['database.', 'blob.core.', 'queue.core.', 'table.core.', 'local-1.eventgrid.'],
].map((part) => `*.${part}${zone}`);

export interface Certificates {
  /** PEM of the authority, and where it lies: what clients must trust (`NODE_EXTRA_CA_CERTS`). */
  ca: string;
  caPath: string;
  cert: string;
  key: string;
}

const files = {
  ca: 'ca.pem',
  cert: 'server.pem',
  key: 'server-key.pem',
  until: 'until.txt',
} as const;

/**
 * Reads the certificates, or makes them when there are none, they end soon, or the names have changed.
 * Safe when two processes start at once: a finished folder is moved into place, and whoever comes second takes the first one's.
 */
export async function certificates(folder = defaultFolder): Promise<Certificates> {
  const path = resolve(folder);
  const found = read(path);
  if (found) return found;
  mkdirSync(dirname(path), { recursive: true });
  const made = mkdtempSync(join(dirname(path), 'certs-'));
  await make(made);
  try {
    if (existsSync(path) && !read(path)) moveAway(path);
    renameSync(made, path); // fails where another process has put its folder meanwhile
  } catch (error) {
    if (!read(path)) throw error;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  const usable = read(path);
  if (!usable) throw new Error(`No usable certificates in ${path}.`);
  return usable;
}

function moveAway(path: string): void {
  const old = mkdtempSync(join(dirname(path), 'certs-old-'));
  renameSync(path, join(old, 'certs'));
  rmSync(old, { recursive: true, force: true });
}

function read(path: string): Certificates | undefined {
  if (!Object.values(files).every((name) => existsSync(join(path, name)))) return undefined;
  const text = (name: keyof typeof files) => readFileSync(join(path, files[name]), 'utf8');
  const [until, names] = text('until').split('\n');
  if (
    names !== serverNames.join(' ') ||
    Date.parse(until ?? '') < realNow() + RENEW_BEFORE_DAYS * DAY_MS
  )
    return undefined;
  return { ca: text('ca'), caPath: join(path, files.ca), cert: text('cert'), key: text('key') };
}

/** TLS looks at the machine's clock, so certificates must not follow the movable one. */
const realNow = () => performance.timeOrigin + performance.now();

async function make(folder: string): Promise<void> {
  // The container inside x509 will not load without these two of `reflect-metadata`; for classes without parameters,
  // as x509's are, they have nothing to say.
  const none = () => undefined;
  if (!('getMetadata' in Reflect))
    Object.assign(Reflect, { getMetadata: none, getOwnMetadata: none });
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const [caKeys, serverKeys] = await Promise.all([
    webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
    webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
  ]);
  const dates = {
    notBefore: new Date(realNow() - DAY_MS),
    notAfter: new Date(realNow() + SERVER_DAYS * DAY_MS),
  };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: 'CN=Keyturn local authority',
    signingAlgorithm: algorithm,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const server = await x509.X509CertificateGenerator.create({
    ...dates,
    subject: `CN=${zone}`,
    issuer: ca.subject,
    signingAlgorithm: algorithm,
    signingKey: caKeys.privateKey,
    publicKey: serverKeys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        serverNames.map((value) => ({ type: 'dns' as const, value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(
    await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey),
  ).toString('base64');
  const put = (name: keyof typeof files, content: string) =>
    writeFileSync(join(folder, files[name]), content, { mode: 0o600 });
  put('ca', `${ca.toString('pem')}\n`);
  put('cert', `${server.toString('pem')}\n`);
  put(
    'key',
    `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`,
  );
  put('until', `${dates.notAfter.toISOString()}\n${serverNames.join(' ')}`);
}
