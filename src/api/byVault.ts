/**
 * Callers by vault: who has no role in the whole instance, and is named by a vault's tags. Such a caller gets a call's answer for that
 * vault's secrets, and for all others what a stranger gets.
 */
import { BusyError, KeyturnError } from '../core/errors.ts';
import { isOthers } from '../core/instance.ts';
import type { Deps } from '../ports/deps.ts';
import type { Vaults } from '../ports/vault.ts';
import { rightIn, type VaultRight } from '../tags/people.ts';
import { type Caller, type Role, requireRole } from './auth.ts';
import type { ApiDeps, GuardedCall } from './call.ts';

/** What a right in a vault is worth there: never `Keyturn.Revoke`, so no override, no leak and no hold of more than a secret. */
const WORTH: Readonly<Record<VaultRight, readonly Role[]>> = {
  readers: ['Keyturn.Read'],
  operators: ['Keyturn.Read', 'Keyturn.Rotate'],
};
/** The role in whose place a right may stand. */
const INSTEAD_OF: Readonly<Record<VaultRight, Role>> = {
  readers: 'Keyturn.Read',
  operators: 'Keyturn.Rotate',
};
const SIDE_BY_SIDE = 16;

interface Admitted {
  readonly caller: Caller;
  readonly deps: ApiDeps;
}

type Asked = Pick<GuardedCall, 'roles' | 'byVault'>;

/**
 * Whether the caller is heard, and as whom. Throws `no-role`, or `too-many-groups` where the token leaves out what would tell; and
 * `not-found` for a vault that others may see and this one may not. `open` is asked for only where no role tells.
 */
export async function admit(
  { roles, byVault }: Asked,
  caller: Caller,
  path: Readonly<Record<string, string>>,
  open: () => Promise<ApiDeps>,
): Promise<Admitted | undefined> {
  const hasRole = roles.some((role) => caller.roles.includes(role));
  if (byVault === undefined || (hasRole && path.vault === undefined)) {
    requireRole(caller, ...roles);
    return undefined;
  }
  if (caller.roles.includes(INSTEAD_OF[byVault])) return undefined;
  const deps = await open();
  const vault = path.vault?.toLowerCase();
  if (vault !== undefined) {
    const right = deps.vaults.names.includes(vault)
      ? await rightAt(vault, caller, deps)
      : undefined;
    if (suffices(right, byVault)) return { deps, caller: raised(caller, right, [vault]) };
    if (hasRole) return undefined;
  }
  const rights = await rightsOf(caller, deps);
  const seen = [...rights.keys()];
  if (seen.length === 0) throw unnamed(caller, roles);
  if (vault === undefined)
    return {
      caller: raised(caller, 'readers', seen),
      deps: { ...deps, vaults: only(seen, deps.vaults) },
    };
  // A reader who would rotate is told what is missing; of other vaults there is nothing to tell.
  if (rights.has(vault))
    throw new KeyturnError('no-role', {
      detail: `The tag keyturn-operators of the vault ${vault} does not name the caller.`,
    });
  throw new KeyturnError('not-found');
}

const suffices = (right: VaultRight | undefined, wanted: VaultRight): right is VaultRight =>
  right === 'operators' || right === wanted;

const raised = (caller: Caller, right: VaultRight, vaults: readonly string[]): Caller => ({
  ...caller,
  roles: [...new Set([...caller.roles, ...WORTH[right]])],
  only: vaults,
});

/** Whatever iterates over vaults sees these alone. */
const only = (names: readonly string[], vaults: Vaults): Vaults => ({
  get names() {
    return vaults.names.filter((name) => names.includes(name));
  },
  get gap() {
    return vaults.gap;
  },
  discovered: (name) => vaults.discovered?.(name) ?? false,
  open: (name) => (names.includes(name.toLowerCase()) ? vaults.open(name) : undefined),
});

async function rightsOf(caller: Caller, deps: ApiDeps): Promise<ReadonlyMap<string, VaultRight>> {
  const rights = new Map<string, VaultRight>();
  const { names } = deps.vaults;
  for (let at = 0; at < names.length; at += SIDE_BY_SIDE) {
    const some = names.slice(at, at + SIDE_BY_SIDE);
    const found = await Promise.all(some.map((name) => rightAt(name, caller, deps)));
    some.forEach((name, index) => {
      const right = found[index];
      if (right !== undefined) rights.set(name, right);
    });
  }
  return rights;
}

/** Tags that may not be read, or of a vault that another instance serves, give nothing. Throws where asking again may help. */
async function rightAt(
  vault: string,
  { oid, groups = [] }: Caller,
  { vaultTags, config }: Pick<Deps, 'vaultTags' | 'config'>,
): Promise<VaultRight | undefined> {
  try {
    const tags = await vaultTags(vault);
    return isOthers(tags, config.instance) ? undefined : rightIn(tags, [oid, ...groups]);
  } catch (error) {
    // Without its detail, which names a vault that the caller may know nothing of.
    if (error instanceof BusyError) throw new BusyError('vault-busy');
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

function unnamed(caller: Caller, roles: readonly Role[]): KeyturnError {
  if (caller.groupsLeftOut) return new KeyturnError('too-many-groups');
  return new KeyturnError('no-role', {
    detail: `The token carries none of the roles ${roles.join(', ')}, and no vault names the caller.`,
  });
}
