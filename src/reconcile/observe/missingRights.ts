/** Rights that a change would need, asked for without one: for a dry run, readiness, and an instance that only observes. */
import { KeyturnError } from '../../core/errors.ts';
import { inRole } from '../../core/neededRights.ts';
import type { RightCheck } from '../../core/rightChecks.ts';
import type { Deps } from '../../ports/deps.ts';
import type { InRole } from '../../ports/rights.ts';
import type { BoundSecret } from './observeVault.ts';

/** Of the target by its role, of the target by what stands inside of it, and of the vault. */
export async function rightsFor(
  { secret, optIn }: Pick<BoundSecret, 'secret' | 'optIn'>,
  { rights }: Deps,
): Promise<readonly RightCheck[]> {
  const { rotator, target } = optIn;
  const resources = rights ? target.owners.map((id) => [id, neededAt(id, rotator.rights)] as const) : [];
  const [byRole, inside, vault] = await Promise.all([
    Promise.all(
      resources.flatMap(([id, needed]) => (rights && inRole(needed).length > 0 ? [rights.target(id, needed)] : [])),
    ),
    quietly(target.rights?.()),
    rights?.vault(secret.vault),
  ]);
  return [...byRole, ...inside, ...(vault ? [vault] : [])];
}

/** The first that is known to be missing. */
export const missingIn = (checks: readonly RightCheck[]): RightCheck | undefined =>
  checks.find(({ state }) => state === 'problem');

/** Of all that the kind needs what is asked for at this resource itself: operations and namespaces are elsewhere. */
function neededAt(id: string, { actions, dataActions = [] }: InRole): InRole {
  const [, provider = '', path = ''] = /\/providers\/([^/]+)\/(.+)$/.exec(id) ?? [];
  const type = [provider, ...path.split('/').filter((_, at) => at % 2 === 0)].join('/').toLowerCase();
  const here = (action: string) => provider !== '' && action.toLowerCase().startsWith(`${type}/`);
  return { actions: actions.filter(here), dataActions: dataActions.filter(here) };
}

async function quietly(asked: Promise<readonly RightCheck[]> | undefined): Promise<readonly RightCheck[]> {
  try {
    return (await asked) ?? [];
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    const what = 'the grants inside the target';
    // A server that does not let Keyturn in will not let it change anything either.
    if (error.reason === 'target-forbidden')
      return [{ what, state: 'problem', reason: error.reason, detail: error.detail }];
    return [{ what, state: 'cannot tell', detail: error.detail }];
  }
}
