/**
 * What Keyturn's identity may do at a resource, as Azure tells it whoever asks (docs: the caller's own permissions). Asked
 * where a person wants to know, never on the way of a rotation: the answer knows neither conditions nor locks.
 */
import { z } from 'zod';
import { type Clock, systemClock } from '../core/clock.ts';
import { assignRole, commandLine } from '../core/commandLine.ts';
import { KeyturnError } from '../core/errors.ts';
import type { ResourceId } from '../core/ids.ts';
import { allows, type Block, type RightCheck } from '../core/rightChecks.ts';
import type { Rights } from '../ports/rights.ts';
import type { Arm } from './arm.ts';
import { eventsOf } from './eventSubscriptions.ts';
import { locksAt } from './resourceLocks.ts';
import { cannotTell, listAt, told } from './told.ts';

const API_VERSION = '2022-04-01';
const VAULT_VERSION = '2026-02-01';
/** What the role needs for it to be asked at all. */
export const PERMISSIONS_READ = 'Microsoft.Authorization/permissions/read';

const list = z
  .array(z.string())
  .max(5_000)
  .nullish()
  .transform((all) => all ?? []);
const BlockBody = z.object({
  actions: list,
  notActions: list,
  dataActions: list,
  notDataActions: list,
});
const VaultBody = z.object({
  properties: z.object({
    enableRbacAuthorization: z.boolean().nullish(),
    accessPolicies: z
      .array(z.object({ objectId: z.string(), permissions: z.object({ secrets: list }) }))
      .max(2_000)
      .nullish(),
  }),
});
const AssignmentBody = z.object({
  properties: z.object({ principalId: z.string(), condition: z.string().nullish() }),
});

/** Reading, and the two writes that readers of secrets lack (azure-facts 2.6): a version with its value, and tags. */
const NEEDED = ['getSecret', 'readMetadata', 'setSecret', 'update'] as const;
const WRITES: readonly string[] = ['setSecret', 'update'];
const dataAction = (verb: string): string => `Microsoft.KeyVault/vaults/secrets/${verb}/action`;

export interface RightsOptions {
  readonly arm: Pick<Arm, 'get'>;
  readonly served: { find(name: string): { readonly id: ResourceId } | undefined };
  /** Object id of Keyturn's identity. */
  readonly principalId: string;
  /** The facts of a vault as they were read some minutes ago, where that will do; asked for anew where absent. */
  readonly lately?: Arm['get'];
  /** Storage accounts that Keyturn runs on: where its queue of events is. */
  readonly ownStorage?: readonly string[];
  readonly clock?: Pick<Clock, 'now'>;
}

export function rightsFrom({
  arm,
  served,
  principalId,
  lately,
  ownStorage = [],
  clock = systemClock,
}: RightsOptions): Rights {
  const blocksAt = async (id: string): Promise<Blocks> => {
    const path = `${id}/providers/Microsoft.Authorization/permissions`;
    const asked = { arm, path, version: API_VERSION, doing: 'show its own permissions' };
    const { items, whole } = await listAt(asked, BlockBody);
    return { blocks: items, whole };
  };
  return {
    async target(id, { actions, dataActions = [] }) {
      const what = `the role at ${id}`;
      return await told(what, PERMISSIONS_READ, async () => {
        const { blocks, whole } = await blocksAt(id);
        const found = heldOf(actions, blocks, { plane: 'actions', isTold: whole });
        // Whether data actions are always in the answer is unverified: where there are none at all, nothing is said of these.
        const isTold = whole && blocks.some((block) => block.dataActions.length > 0);
        const all = [...found, ...heldOf(dataActions, blocks, { plane: 'dataActions', isTold })];
        if (all.every(({ held }) => held)) return { what, state: 'ok', actions: all };
        // Of a part of the role it is known that something lacks, whatever else it may give.
        const none = all.filter(({ held }) => held !== true && whole).map(({ action }) => action);
        if (!whole)
          return {
            ...cannotTell(what, 'Azure gave a part of the permissions alone.'),
            actions: all,
          };
        if (found.every(({ held }) => held) && !isTold)
          return {
            ...cannotTell(what, 'Azure showed no data actions of the target.'),
            actions: all,
          };
        const detail = `Keyturn's identity lacks ${none.join(', ')} at ${id}. Roles that were assigned lately take minutes to spread.`;
        return { what, state: 'problem', reason: 'target-forbidden', detail, actions: all };
      });
    },
    async vault(name, near = false) {
      const what = `writing secrets of the vault ${name}`;
      return await told(what, PERMISSIONS_READ, async () => {
        const found = served.find(name);
        if (!found) return cannotTell(what, 'The vault is not served.');
        const { text: id } = found.id;
        const get = near && lately ? lately : arm.get.bind(arm);
        const body = await get(id, { 'api-version': VAULT_VERSION }, `show the vault ${name}`);
        const { enableRbacAuthorization, accessPolicies } = VaultBody.parse(body).properties;
        if (enableRbacAuthorization !== true)
          return byPolicies(what, name, accessPolicies ?? [], principalId);
        const judged = byRoles(what, { vault: name, id, principalId }, await blocksAt(id));
        if (near || judged.state !== 'ok' || !(await hasCondition(arm, id, principalId)))
          return judged;
        return cannotTell(
          what,
          'A role assignment of the identity has a condition, which may keep it from this secret.',
        );
      });
    },
    locks: (id, near) => locksAt(arm, id, near),
    async events(name, near) {
      const found = served.find(name);
      if (!found) return cannotTell(`events of the vault ${name}`, 'The vault is not served.');
      return await eventsOf(arm, { name, id: found.id, ownStorage, now: clock.now() }, near);
    },
  };
}

interface Blocks {
  readonly blocks: readonly Block[];
  readonly whole: boolean;
}

/** @param isTold whether what is not in the answer is known to be missing */
const heldOf = (
  actions: readonly string[],
  blocks: readonly Block[],
  { plane, isTold }: { readonly plane: 'actions' | 'dataActions'; readonly isTold: boolean },
) =>
  actions.map((action) => ({
    action,
    held: allows(blocks, action, plane) || (isTold ? false : undefined),
  }));

/** Without the right to look, or without any, nothing is held against the role. */
async function hasCondition(
  arm: Pick<Arm, 'get'>,
  id: string,
  principalId: string,
): Promise<boolean> {
  try {
    const path = `${id}/providers/Microsoft.Authorization/roleAssignments`;
    const query = {
      'api-version': API_VERSION,
      $filter: `principalId eq '${principalId.toLowerCase()}'`,
    };
    const page = z.object({ value: z.array(z.unknown()).max(1_000) });
    const { value } = page.parse(
      await arm.get(path, query, 'list its role assignments at the vault'),
    );
    return value.some((each) => {
      const { data } = AssignmentBody.safeParse(each);
      return (
        data?.properties.principalId.toLowerCase() === principalId.toLowerCase() &&
        !!data.properties.condition
      );
    });
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof KeyturnError) return false;
    throw error;
  }
}

/** What reads and writes secrets and nothing else is infra/roles.json's; Azure's own with all of it needs no template. */
const SECRETS_ROLE = 'Key Vault Secrets Officer';

function byRoles(
  what: string,
  {
    vault,
    id,
    principalId,
  }: { readonly vault: string; readonly id: string; readonly principalId: string },
  { blocks, whole }: Blocks,
): RightCheck {
  // Whether data actions are always in the answer is unverified: where those of reading are, these would be.
  const isTold = whole && allows(blocks, dataAction('getSecret'), 'dataActions');
  const actions = heldOf(NEEDED.map(dataAction), blocks, { plane: 'dataActions', isTold });
  const writes = actions.filter((_, at) => WRITES.includes(NEEDED[at] ?? ''));
  const missing = writes.filter(({ held }) => !held).map(({ action }) => action);
  if (missing.length === 0) return { what, state: 'ok', actions };
  if (!isTold)
    return { ...cannotTell(what, 'Azure showed no data actions of the vault.'), actions };
  const detail = `Keyturn's identity may read secrets of ${vault} and lacks ${missing.join(', ')}. Roles that were assigned lately take up to 30 minutes to spread.`;
  const command = assignRole(principalId, SECRETS_ROLE, id);
  return { what, state: 'problem', reason: 'vault-forbidden', detail, command, actions };
}

/** `set` writes versions and tags. A group may give what no entry of its own does. */
function byPolicies(
  what: string,
  vault: string,
  policies: readonly {
    readonly objectId: string;
    readonly permissions: { readonly secrets: readonly string[] };
  }[],
  principalId: string,
): RightCheck {
  const own = policies.filter(
    ({ objectId }) => objectId.toLowerCase() === principalId.toLowerCase(),
  );
  const given = own.flatMap(({ permissions }) =>
    permissions.secrets.map((each) => each.toLowerCase()),
  );
  if (given.includes('set') || given.includes('all')) return { what, state: 'ok' };
  if (own.length === 0)
    return cannotTell(what, 'No access policy names the identity itself; a group may.');
  if (policies.length > own.length)
    return cannotTell(what, 'The policy of the identity lacks `set`; one of a group may have it.');
  const detail = `The access policy of ${vault} for Keyturn's identity lacks the secret permission \`set\`.`;
  const permissions = ['--secret-permissions', 'get', 'list', 'set'];
  const command = commandLine(
    ...[
      'az',
      'keyvault',
      'set-policy',
      '--name',
      vault,
      '--object-id',
      principalId,
      ...permissions,
    ],
  );
  return { what, state: 'problem', reason: 'vault-forbidden', detail, command };
}
