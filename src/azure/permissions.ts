/**
 * What Keyturn's identity may do at a resource, as Azure tells it whoever asks (docs: the caller's own permissions). Asked
 * where a person wants to know, never on the way of a rotation: the answer knows neither conditions nor locks.
 */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import type { ResourceId } from '../core/ids.ts';
import { allows, type Block, type RightCheck } from '../core/rightChecks.ts';
import type { Rights } from '../ports/rights.ts';
import type { Arm } from './arm.ts';

const API_VERSION = '2022-04-01';
const VAULT_VERSION = '2026-02-01';
const BLOCKS_MAX = 1_000;
/** What the role needs for it to be asked at all. */
export const PERMISSIONS_READ = 'Microsoft.Authorization/permissions/read';

const list = z
  .array(z.string())
  .max(5_000)
  .nullish()
  .transform((all) => all ?? []);
const Answer = z.object({
  value: z
    .array(z.object({ actions: list, notActions: list, dataActions: list, notDataActions: list }))
    .max(BLOCKS_MAX),
  nextLink: z.string().nullish(),
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

/** Writing a version, and writing tags: the two that readers of secrets lack (azure-facts 2.6). */
const WRITES = ['setSecret', 'update'] as const;
const dataAction = (verb: string): string => `Microsoft.KeyVault/vaults/secrets/${verb}/action`;

export function rightsFrom(options: {
  readonly arm: Pick<Arm, 'get'>;
  readonly served: { find(name: string): { readonly id: ResourceId } | undefined };
  /** Object id of Keyturn's identity. */
  readonly principalId: string;
}): Rights {
  const { arm, served, principalId } = options;
  const blocksAt = async (id: string): Promise<{ blocks: readonly Block[]; whole: boolean }> => {
    const path = `${id}/providers/Microsoft.Authorization/permissions`;
    const { value, nextLink } = Answer.parse(
      await arm.get(path, { 'api-version': API_VERSION }, 'show its own permissions'),
    );
    return { blocks: value, whole: !nextLink };
  };
  return {
    async target(id, { actions, dataActions = [] }) {
      const what = `the role at ${id}`;
      return await told(what, async () => {
        const { blocks, whole } = await blocksAt(id);
        const lacks = actions.filter((action) => !allows(blocks, action));
        const lacksOfData = dataActions.filter((action) => !allows(blocks, action, 'dataActions'));
        const missing = [...lacks, ...lacksOfData];
        if (missing.length === 0) return { what, state: 'ok' };
        if (!whole) return cannotTell(what, 'Azure gave a part of the permissions alone.');
        // Whether data actions are always in the answer is unverified: where there are none at all, nothing is said of these.
        if (lacks.length === 0 && blocks.every((block) => block.dataActions.length === 0))
          return cannotTell(what, 'Azure showed no data actions of the target.');
        const detail = `Keyturn's identity lacks ${missing.join(', ')} at ${id}. Roles that were assigned lately take minutes to spread.`;
        return { what, state: 'problem', reason: 'target-forbidden', detail };
      });
    },
    async vault(name) {
      const what = `writing secrets of the vault ${name}`;
      return await told(what, async () => {
        const found = served.find(name);
        if (!found) return cannotTell(what, 'The vault is not served.');
        const body = await arm.get(found.id.text, { 'api-version': VAULT_VERSION }, `show the vault ${name}`);
        const { enableRbacAuthorization, accessPolicies } = VaultBody.parse(body).properties;
        if (enableRbacAuthorization !== true) return byPolicies(what, name, accessPolicies ?? [], principalId);
        return byRoles(what, name, await blocksAt(found.id.text));
      });
    },
  };
}

function byRoles(
  what: string,
  vault: string,
  { blocks, whole }: { blocks: readonly Block[]; whole: boolean },
): RightCheck {
  const missing = WRITES.map(dataAction).filter((action) => !allows(blocks, action, 'dataActions'));
  if (missing.length === 0) return { what, state: 'ok' };
  // Whether data actions are always in the answer is unverified: where those of reading are, these would be.
  if (!whole || !allows(blocks, dataAction('getSecret'), 'dataActions'))
    return cannotTell(what, 'Azure showed no data actions of the vault.');
  const detail = `Keyturn's identity may read secrets of ${vault} and lacks ${missing.join(', ')}. Roles that were assigned lately take up to 30 minutes to spread.`;
  return { what, state: 'problem', reason: 'vault-forbidden', detail };
}

/** `set` writes versions and tags. A group may give what no entry of its own does. */
function byPolicies(
  what: string,
  vault: string,
  policies: readonly { readonly objectId: string; readonly permissions: { readonly secrets: readonly string[] } }[],
  principalId: string,
): RightCheck {
  const own = policies.filter(({ objectId }) => objectId.toLowerCase() === principalId.toLowerCase());
  const given = own.flatMap(({ permissions }) => permissions.secrets.map((each) => each.toLowerCase()));
  if (given.includes('set') || given.includes('all')) return { what, state: 'ok' };
  if (own.length === 0) return cannotTell(what, 'No access policy names the identity itself; a group may.');
  if (policies.length > own.length)
    return cannotTell(what, 'The policy of the identity lacks `set`; one of a group may have it.');
  const detail = `The access policy of ${vault} for Keyturn's identity lacks the secret permission \`set\`.`;
  return { what, state: 'problem', reason: 'vault-forbidden', detail };
}

const cannotTell = (what: string, detail: string): RightCheck => ({ what, state: 'cannot tell', detail });

/** No answer, or one of another shape, tells nothing. */
async function told(what: string, ask: () => Promise<RightCheck>): Promise<RightCheck> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof z.ZodError) return cannotTell(what, 'The answer of Azure does not parse.');
    if (!(error instanceof KeyturnError)) throw error;
    return cannotTell(what, `${error.detail} Asking needs ${PERMISSIONS_READ}.`);
  }
}
