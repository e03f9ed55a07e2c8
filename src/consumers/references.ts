/** References to a secret as services write them: an address of the vault, or `@Microsoft.KeyVault(…)` (facts-after F1.2). */
import {
  SECRET_NAME,
  type SecretRef,
  VAULT_NAME,
  VERSION_ID,
  type VersionId,
} from '../core/ids.ts';

/** The secret that a reference names, in lower case, and the version that it is pinned to. */
export interface NamedSecret extends SecretRef {
  readonly version?: VersionId;
}

/**
 * `https://{vault}.{suffix}/secrets/{name}[/[{version}]]`, in any case, with a port or without. What stands behind the vault's name is
 * the cloud's, and nothing is ever sent there: it is compared, not dialled.
 */
export function secretAt(address: string): NamedSecret | undefined {
  if (address.length > 1_000 || !URL.canParse(address)) return undefined;
  const { protocol, hostname, pathname, search } = new URL(address);
  const [, folder = '', name = '', version = '', ...rest] = pathname.split('/');
  const [vault = ''] = hostname.split('.');
  if (
    protocol !== 'https:' ||
    search !== '' ||
    rest.length > 0 ||
    folder.toLowerCase() !== 'secrets'
  )
    return undefined;
  return named(vault, name, version);
}

/** What stands in the setting of a site. */
export function secretIn(reference: string): NamedSecret | undefined {
  const [, inside] = /^@Microsoft\.KeyVault\(([^()]{1,1000})\)$/i.exec(reference.trim()) ?? [];
  if (inside === undefined) return undefined;
  const members = new Map<string, string>();
  for (const part of inside.split(';')) {
    const at = part.indexOf('=');
    members.set(part.slice(0, Math.max(at, 0)).trim().toLowerCase(), part.slice(at + 1).trim());
  }
  const address = members.get('secreturi');
  if (address !== undefined) return secretAt(address);
  return named(
    members.get('vaultname') ?? '',
    members.get('secretname') ?? '',
    members.get('secretversion') ?? '',
  );
}

export function named(vault: string, name: string, version: string): NamedSecret | undefined {
  if (!VAULT_NAME.test(vault) || !SECRET_NAME.test(name)) return undefined;
  const ref = { vault: vault.toLowerCase(), name: name.toLowerCase() };
  if (version === '') return ref;
  // A version that is none pins it all the same: it never follows.
  return {
    ...ref,
    version: VERSION_ID.test(version) ? version.toLowerCase() : version.slice(0, 32),
  };
}

export const isOf = (
  found: NamedSecret | undefined,
  { vault, name }: SecretRef,
): found is NamedSecret =>
  found !== undefined && found.vault === vault.toLowerCase() && found.name === name.toLowerCase();
