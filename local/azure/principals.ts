/** Who may call, and the role assignments that say what for. */
import { newId } from './exchange.ts';

/** A service principal or managed identity. */
export interface Principal {
  /** Object id: `oid` of its tokens, `principalId` of its role assignments. */
  oid: string;
  clientId: string;
  displayName: string;
  /** Application permissions for Graph, `roles` in its Graph tokens. */
  graphRoles: string[];
}

/** What a role assignment together with its role definition says. Actions may hold `*` (learn: role-definitions). */
export interface Grant {
  principalId: string;
  /** `/subscriptions/…`, a resource group, a resource, or one secret of a vault. */
  scope: string;
  actions?: string[];
  /** Taken out of the actions of this very role, and of no other. */
  notActions?: string[];
  dataActions?: string[];
  notDataActions?: string[];
  /** Shown in the list of assignments; what it says is judged by nobody here. */
  condition?: string;
  /** Keyturn reads the owner's consent from here (design 6). */
  description?: string;
}

export interface Assignment extends Grant {
  name: string;
  roleDefinitionId: string;
}

export class RoleAssignments {
  readonly all: Assignment[] = [];

  /** Adds an assignment; returns its name, which `revoke` and `describe` take. */
  grant(grant: Grant): string {
    const name = newId();
    this.all.push({ ...grant, scope: trim(grant.scope), name, roleDefinitionId: newId() });
    return name;
  }

  revoke(which: string | Partial<Grant>): void {
    for (const found of this.find(which)) this.all.splice(this.all.indexOf(found), 1);
  }

  describe(which: string | Partial<Grant>, description: string | undefined): void {
    for (const found of this.find(which)) {
      if (description === undefined) delete found.description;
      else found.description = description;
    }
  }

  private find(which: string | Partial<Grant>): Assignment[] {
    if (typeof which === 'string') return this.all.filter(({ name }) => name === which);
    return this.all.filter(
      ({ principalId, scope }) =>
        (which.principalId === undefined || same(which.principalId, principalId)) &&
        (which.scope === undefined || same(trim(which.scope), scope)),
    );
  }

  /** Whether an assignment at the scope or above it holds the action. */
  allows(
    principal: Principal,
    kind: 'actions' | 'dataActions',
    action: string,
    scope: string,
  ): boolean {
    return this.all.some(
      (item) =>
        same(item.principalId, principal.oid) &&
        covers(item.scope, scope) &&
        (item[kind] ?? []).some((pattern) => matches(pattern, action)) &&
        !(item[NOT[kind]] ?? []).some((pattern) => matches(pattern, action)),
    );
  }

  /**
   * What `GET {scope}/…/roleAssignments` lists. Microsoft: `atScope()` gives those at or above the scope,
   * `principalId eq` those at, above or below it for that principal; without a filter "all that apply to a scope",
   * subscopes included [https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope;
   * learn: role-based-access-control/role-assignments-list-rest, "atScope(): … not including the role assignments at subscopes"].
   */
  list(scope: string, filter: { atScope?: boolean; principalId?: string }): Assignment[] {
    return this.all.filter(
      (item) =>
        (filter.principalId === undefined || same(item.principalId, filter.principalId)) &&
        (covers(item.scope, scope) || (!filter.atScope && covers(scope, item.scope))),
    );
  }
}

const NOT = { actions: 'notActions', dataActions: 'notDataActions' } as const;
const trim = (scope: string) => scope.replace(/\/+$/, '');
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** Whether `upper` is `lower` or an ancestor of it. */
const covers = (upper: string, lower: string) =>
  same(upper, lower) || `${lower}/`.toLowerCase().startsWith(`${upper}/`.toLowerCase());

function matches(pattern: string, action: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}$`, 'i').test(action);
}
