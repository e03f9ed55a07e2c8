/** ARM tags of vaults: `keyturn` names the instance that serves one, `keyturn-policy` its policy (design sections 2, 6). */
import { z } from 'zod';
import { addMinutes, type Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { parseResourceId, type Tags, VAULT_NAME } from '../core/ids.ts';
import type { Arm } from './arm.ts';

const API_VERSION = '2026-02-01';
const MINUTES_CACHED = 5;
const Vault = z.object({ tags: z.record(z.string(), z.string()).nullish() });

/**
 * Reads the tags of a vault of the allow-list, at most every five minutes. A vault that may not be read is refused, not
 * taken for one without tags: another instance might serve it.
 */
export function vaultTagsFrom(options: {
  /** Resource ids of the allow-list, KEYTURN_VAULTS. */
  readonly vaultIds: readonly string[];
  readonly arm: Arm;
  readonly clock: Clock;
}): (vault: string) => Promise<Tags> {
  const { vaultIds, arm, clock } = options;
  const ids = vaultIds.map((id) => parseResourceId(id, 'Microsoft.KeyVault/vaults', 'KEYTURN_VAULTS', VAULT_NAME));
  const paths = new Map(ids.map(({ name, text }) => [name, text]));
  const cache = new Map<string, { readonly tags: Tags; readonly until: Date }>();
  return async (given) => {
    const vault = given.toLowerCase();
    const cached = cache.get(vault);
    if (cached && clock.now() < cached.until) return cached.tags;
    const path = paths.get(vault);
    if (path === undefined) throw new KeyturnError('not-allowed');
    const tags = await read(arm, path, vault);
    cache.set(vault, { tags, until: addMinutes(clock.now(), MINUTES_CACHED) });
    return tags;
  };
}

async function read(arm: Arm, path: string, vault: string): Promise<Tags> {
  const doing = `show the tags of the vault ${vault}`;
  try {
    const parsed = Vault.safeParse(await arm.get(path, { 'api-version': API_VERSION }, doing));
    return (parsed.success && parsed.data.tags) || {};
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    if (error.reason !== 'target-forbidden' && error.reason !== 'no-consent') throw error;
    const detail = `Azure did not ${doing}; Keyturn needs Microsoft.KeyVault/vaults/read there.`;
    throw new KeyturnError('vault-forbidden', { ...error.facts, detail });
  }
}
