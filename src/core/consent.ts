/**
 * Consent: a target is touched only for the secrets that its owner named (design section 6). The entry is
 * `keyturn: kv1/db-pw(app_a,app_b), kv2/*`, in the description of Keyturn's own role assignment or in the settings.
 */
import type { SecretRef } from './ids.ts';

export interface Grant {
  readonly vault: string;
  /** `*` gives the target to everyone who may write any secret in the vault. */
  readonly name: string;
  /** A contained user is named with its database: `shop/app_a`. */
  readonly logins: readonly string[];
  /** From a resource group: meant for some of its resources, and for no administrator's password. */
  readonly wide?: true;
}

const ENTRY = /^([0-9a-z-]{1,24})\/(\*|[0-9a-z-]{1,127})(?:\(([^()]{0,600})\))?$/i;

/**
 * Grants in a description. Text that does not start with `keyturn:`, and an entry that does not parse, grant nothing:
 * consent fails closed, entry by entry.
 */
export function parseGrants(description: string): readonly Grant[] {
  const list = /^\s*keyturn\s*:(.*)$/is.exec(description)?.[1];
  if (list === undefined) return [];
  // Commas inside parentheses part logins, those outside part entries. A parenthesis without its other half stays in the entry,
  // which then does not parse: cut off, it would leave a consent to more than those logins.
  return (list.match(/(?:\([^()]*\)|[^,])+/g) ?? []).flatMap((entry) => {
    const [, vault, name, logins] = ENTRY.exec(entry.trim()) ?? [];
    if (vault === undefined || name === undefined) return [];
    const names = (logins ?? '').split(',').map((login) => login.trim());
    const named = names.filter((login) => login !== '');
    if (logins !== undefined && named.length === 0) return []; // parentheses with nobody in them
    return [{ vault: vault.toLowerCase(), name: name.toLowerCase(), logins: named }];
  });
}

/** The grant that covers a secret; one that names it wins over `*`. */
export function grantFor(grants: readonly Grant[], { vault, name }: SecretRef): Grant | undefined {
  const inVault = grants.filter((grant) => grant.vault === vault.toLowerCase());
  return inVault.find((grant) => grant.name === name.toLowerCase()) ?? inVault.find((grant) => grant.name === '*');
}

/** Where consent is read. A target that is absent, foreign or silent has no grants: 403 and 404 read the same. */
export interface Consent {
  /**
   * Grants of the target with this canonical id. Throws `BusyError` when they could not be asked for. With a secret, a list
   * without a grant for it may be some minutes old, so that a mass of refused secrets costs few reads; a yes never is.
   */
  of(targetId: string, secret?: SecretRef): Promise<readonly Grant[]>;
}
