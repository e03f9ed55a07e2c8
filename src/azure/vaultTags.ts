/**
 * ARM tags of vaults: `keyturn` names the instance that serves one, `keyturn-policy` its policy, `keyturn-readers` and
 * `keyturn-operators` who may see and rotate its secrets without a role (design sections 2, 6).
 */
import { z } from 'zod';
import { addMinutes, type Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { type ResourceId, type Tags, tagOf } from '../core/ids.ts';
import type { Arm } from './arm.ts';

const API_VERSION = '2026-02-01';
const MINUTES_CACHED = 5;
const Vault = z.object({ tags: z.record(z.string(), z.string()).nullish() });

/**
 * Reads the tags of a vault that is served, at most every five minutes. A vault that may not be read is refused, not
 * taken for one without tags: another instance might serve it. One that is served for its tag is refused without it.
 */
export function vaultTagsFrom(options: {
  /** The vaults that are served, by their lower-cased name. */
  readonly served: {
    find(name: string): { readonly id: ResourceId; readonly discovered: boolean } | undefined;
  };
  readonly arm: Pick<Arm, 'get'>;
  readonly clock: Clock;
}): (vault: string) => Promise<Tags> {
  const { served, arm, clock } = options;
  const cache = new Map<string, { readonly tags: Tags; readonly until: Date }>();
  return async (given) => {
    const vault = given.toLowerCase();
    const found = served.find(vault);
    if (!found) throw new KeyturnError('not-allowed');
    const cached = cache.get(vault);
    const tags =
      cached && clock.now() < cached.until ? cached.tags : await read(arm, found.id.text, vault);
    if (tags !== cached?.tags)
      cache.set(vault, { tags, until: addMinutes(clock.now(), MINUTES_CACHED) });
    if (found.discovered && tagOf(tags, 'keyturn') === undefined)
      throw new KeyturnError('not-allowed', {
        detail: 'The vault no longer carries the tag `keyturn`.',
      });
    return tags;
  };
}

async function read(arm: Pick<Arm, 'get'>, path: string, vault: string): Promise<Tags> {
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
