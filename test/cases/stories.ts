/** What most cases begin with: a secret that is due, or one that was rotated and is in its grace. */
import type { Slot } from '../../local/azure/accounts.ts';
import type { Version } from '../../local/azure/vault.ts';
import type { Seed, Tenant } from './harness.ts';

/** A seed that names its account. */
export type DueSecret = Seed & { account: string };

/** A secret of a person that is due now, in an index that is fresh. */
export async function due(tenant: Tenant, name: string, given: DueSecret): Promise<Version> {
  const version = tenant.seed(name, given);
  await tenant.goTo(tenant.dueOn(name, given.vault === undefined ? {} : { vault: given.vault }));
  return version;
}

/** A secret rotated a minute ago and proved: `v1` holds what `v2` owes. */
export async function rotated(
  tenant: Tenant,
  name: string,
  given: DueSecret,
): Promise<{ v1: Version; v2: Version }> {
  const v1 = await due(tenant, name, given);
  await tenant.event(name, given.vault === undefined ? {} : { vault: given.vault });
  await tenant.settle();
  const v2 = tenant.current(name, given.vault);
  if (
    tenant.versions(name, given.vault).length !== 2 ||
    tenant.stateOf(v2).proved !== v2.id.slice(0, 8)
  ) {
    throw new Error(
      `${name} was not rotated and proved: ${JSON.stringify(await tenant.row(name, given.vault))}`,
    );
  }
  return { v1, v2 };
}

/** The slot that holds this value, if one does. */
export function slotOf(tenant: Tenant, account: string, value: string): Slot | undefined {
  return (['key1', 'key2'] as const).find(
    (slot) => tenant.azure.account(account).key(slot) === value,
  );
}

/** Requests to a route since the last `clear`, refused ones too. */
export const callsTo = (tenant: Tenant, route: string) =>
  tenant.azure.calls.filter((call) => call.route === route);
