/** Makes this process resolve the local tenant's names and trust its authority. */
import dns from 'node:dns';
import module from 'node:module';
import tls from 'node:tls';

const isLocal = (name: string): boolean => /^(?:[^.]+\.)*localhost\.?$/i.test(name);
const loopback = { address: '127.0.0.1', family: 4 };
const mapped = Symbol.for('keyturn.localhost');

/** Resolves `localhost` and every name below it to 127.0.0.1 (RFC 6761; Node on Debian answers ENOTFOUND, measured). */
export function mapLocalhost(): void {
  if (mapped in dns) return;
  const real = dns.lookup as (...args: unknown[]) => void;
  const realPromise = dns.promises.lookup as (name: string, options?: unknown) => Promise<unknown>;

  const lookup = (name: string, ...rest: unknown[]): void => {
    const callback = rest.at(-1);
    if (!isLocal(name) || typeof callback !== 'function') {
      real(name, ...rest);
      return;
    }
    const answer = wantsAll(rest[0]) ? [[{ ...loopback }]] : [loopback.address, loopback.family];
    process.nextTick(callback as (...args: unknown[]) => void, null, ...answer);
  };
  const lookupPromise = async (name: string, options?: unknown): Promise<unknown> => {
    if (!isLocal(name)) return realPromise(name, options);
    return wantsAll(options) ? [{ ...loopback }] : { ...loopback };
  };
  // The hidden properties of the original carry what util.promisify needs.
  Object.defineProperties(lookup, Object.getOwnPropertyDescriptors(dns.lookup));
  Object.assign(dns, { lookup, [mapped]: true });
  Object.assign(dns.promises, { lookup: lookupPromise });
  module.syncBuiltinESMExports?.(); // named imports of node:dns see it too; jest has a module object of its own without it
}

const wantsAll = (options: unknown): boolean =>
  typeof options === 'object' && options !== null && 'all' in options && options.all === true;

/** Adds an authority to those that TLS connections of this process trust by default (Node >= 22.19 or >= 24.5). */
export function trust(caPem: string): void {
  if (typeof tls.setDefaultCACertificates !== 'function') {
    if (process.env.NODE_EXTRA_CA_CERTS) return;
    throw new Error(
      `Node ${process.version} cannot add a certificate authority while it runs: use Node 22.19 or later, ` +
        'or start it with NODE_EXTRA_CA_CERTS=.keyturn/certs/ca.pem.',
    );
  }
  const known = tls.getCACertificates('default');
  if (!known.includes(caPem)) tls.setDefaultCACertificates([...known, caPem]);
}
