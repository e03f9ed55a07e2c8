/** Rights that a change would need, asked for without one: for a dry run, readiness, and an instance that only observes. */
import { KeyturnError } from '../../core/errors.ts';
import { inRole } from '../../core/neededRights.ts';
import type { RightCheck } from '../../core/rightChecks.ts';
import type { Deps } from '../../ports/deps.ts';
import type { InRole, Rights } from '../../ports/rights.ts';
import type { BoundSecret } from './observeVault.ts';

/** Of the target by its role, of the target by what stands inside of it, and of the vault. */
export interface AskedRights {
  readonly rights: readonly RightCheck[];
  readonly grants: readonly RightCheck[];
  readonly vault: readonly RightCheck[];
}

/** @param near a request less of the vault, and nothing about conditions */
export async function rightsFor(
  bound: Pick<BoundSecret, 'secret' | 'optIn'>,
  { rights }: Pick<Deps, 'rights'>,
  near = true,
): Promise<AskedRights> {
  const [byRole, grants, vault] = await Promise.all([
    rights ? atTarget(bound, rights) : [],
    insideTarget(bound),
    rights?.vault(bound.secret.vault, near),
  ]);
  return { rights: byRole, grants, vault: vault ? [vault] : [] };
}

/** By Azure's roles, at every resource of the target of which the kind needs something. */
export async function atTarget(
  { optIn }: Pick<BoundSecret, 'optIn'>,
  rights: Rights,
): Promise<readonly RightCheck[]> {
  const { rotator, target } = optIn;
  const needed = target.owners.map((id) => [id, neededAt(id, rotator.rights)] as const);
  return await Promise.all(
    needed.filter(([, all]) => inRole(all).length > 0).map(([id, all]) => rights.target(id, all)),
  );
}

/** By what stands inside of the target: grants of a server, the owner of an application. */
export const insideTarget = ({
  optIn,
}: Pick<BoundSecret, 'optIn'>): Promise<readonly RightCheck[]> => quietly(optIn.target.rights?.());

/** The first that is known to be missing. */
export const missingIn = ({ rights, grants, vault }: AskedRights): RightCheck | undefined =>
  [...rights, ...grants, ...vault].find(({ state }) => state === 'problem');

/** Of all that the kind needs what is asked for at this resource itself: operations and namespaces are elsewhere. */
export function neededAt(id: string, { actions, dataActions = [] }: InRole): InRole {
  const [, provider = '', path = ''] = /\/providers\/([^/]+)\/(.+)$/.exec(id) ?? [];
  const type = [provider, ...path.split('/').filter((_, at) => at % 2 === 0)]
    .join('/')
    .toLowerCase();
  const here = (action: string) => provider !== '' && action.toLowerCase().startsWith(`${type}/`);
  return { actions: actions.filter(here), dataActions: dataActions.filter(here) };
}

async function quietly(
  asked: Promise<readonly RightCheck[]> | undefined,
): Promise<readonly RightCheck[]> {
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
