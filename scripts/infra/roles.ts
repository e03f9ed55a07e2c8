/** What the custom roles of the templates allow, as the code has it: `infra/roles.json`, which Bicep reads. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { EVENTS_READ } from '../../src/azure/eventSubscriptions.ts';
import { PERMISSIONS_READ } from '../../src/azure/permissions.ts';
import { LOCKS_READ } from '../../src/azure/resourceLocks.ts';
import { inRole, type NeededRights } from '../../src/core/neededRights.ts';
import type { Manifest } from '../../src/ports/rotator.ts';
import { manifests } from '../../src/rotators/kinds.ts';
import { root } from './bicep.ts';

export interface Rights {
  readonly actions: readonly string[];
  readonly dataActions?: readonly string[];
}
export interface Roles {
  /** At a vault: read, write and list secrets; its ARM tags. */
  readonly vault: Rights;
  /** In a subscription whose vaults are found by their tag (KEYTURN_SUBSCRIPTIONS). */
  readonly discovery: Rights;
  /** At a target, by the rotator's type. */
  readonly targets: Readonly<Record<string, Rights>>;
}

/** Consent stands in the assignments (design section 6); what the role allows, and locks, are asked for by the doctor (OPS-03). */
const OWN = ['Microsoft.Authorization/roleAssignments/read', PERMISSIONS_READ, LOCKS_READ];

/**
 * The role at a target of a kind; undefined where Azure gives none of what it needs. Permissions of Microsoft Graph are granted by
 * infra/scripts/graph.sh, and what stands inside a database by its administrator.
 */
export function targetRole(rights: NeededRights): Rights | undefined {
  if (inRole(rights).length === 0) return undefined;
  const { actions, dataActions = [] } = rights;
  return { actions: [...actions, ...OWN], ...(dataActions.length > 0 ? { dataActions } : {}) };
}

/** @param kinds all that there are, unless said otherwise */
export function roles(kinds: readonly Pick<Manifest, 'type' | 'rights'>[] = manifests): Roles {
  const targets = kinds.flatMap(({ type, rights }) => {
    const role = targetRole(rights);
    return role === undefined ? [] : [[type, role] as const];
  });
  return {
    vault: {
      actions: ['Microsoft.KeyVault/vaults/read', PERMISSIONS_READ, EVENTS_READ],
      dataActions: [
        'Microsoft.KeyVault/vaults/secrets/getSecret/action',
        'Microsoft.KeyVault/vaults/secrets/setSecret/action',
        'Microsoft.KeyVault/vaults/secrets/update/action',
        'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
      ],
    },
    discovery: {
      actions: ['Microsoft.KeyVault/vaults/read', 'Microsoft.ResourceGraph/resources/read'],
    },
    targets: Object.fromEntries(targets.sort(([one], [other]) => one.localeCompare(other))),
  };
}

/** The text of the file, as biome wants it. */
export async function rolesFile(): Promise<string> {
  const biome = join(root, 'node_modules/.bin/biome');
  const words = ['format', '--stdin-file-path=infra/roles.json'];
  const { stdout, status, stderr } = spawnSync(biome, words, {
    cwd: root,
    input: JSON.stringify(roles()),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
