/** What the custom roles of the templates allow, as the code has it: `infra/roles.json`, which Bicep reads. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { clouds } from '../../src/azure/cloud.ts';
import { PERMISSIONS_READ } from '../../src/azure/permissions.ts';
import { systemClock } from '../../src/core/clock.ts';
import { allRotators } from '../../src/rotators/registry.ts';
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

const nobody = { getToken: () => Promise.reject(new Error('Roles ask for no token.')) };
/** Consent stands in the assignments (design section 6); what the role allows is asked for in dry runs (OPS-03). */
const OWN = ['Microsoft.Authorization/roleAssignments/read', PERMISSIONS_READ];

export function roles(): Roles {
  const all = allRotators({ cloud: clouds.AzureCloud, credential: nobody, clock: systemClock, tenantId: '' });
  // Permissions of Microsoft Graph are no actions of a role: infra/scripts/graph.sh grants those.
  const ofArm = all.filter(({ actions }) => actions.every((action) => action.startsWith('Microsoft.')));
  const targets = ofArm.map(({ type, actions }) => [type, { actions: [...actions, ...OWN] }] as const);
  return {
    vault: {
      actions: ['Microsoft.KeyVault/vaults/read', PERMISSIONS_READ],
      dataActions: [
        'Microsoft.KeyVault/vaults/secrets/getSecret/action',
        'Microsoft.KeyVault/vaults/secrets/setSecret/action',
        'Microsoft.KeyVault/vaults/secrets/update/action',
        'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
      ],
    },
    discovery: { actions: ['Microsoft.KeyVault/vaults/read', 'Microsoft.ResourceGraph/resources/read'] },
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
