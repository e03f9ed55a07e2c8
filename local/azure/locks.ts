/** Resource locks: at a resource, a group or the subscription, each with all that stands below it. */
import { newId } from './exchange.ts';

export interface Lock {
  /** `/subscriptions/…`, a resource group or a resource. */
  scope: string;
  level: 'ReadOnly' | 'CanNotDelete';
  name: string;
}

export class Locks {
  readonly all: Lock[] = [];

  /** Sets a lock; answers its id. */
  set(
    scope: string,
    level: Lock['level'] = 'ReadOnly',
    name = `lock-${newId().slice(0, 8)}`,
  ): string {
    this.all.push({ scope: scope.replace(/\/+$/, ''), level, name });
    return lockId({ scope, name });
  }

  /** Takes away the lock with this id, or all of them. */
  remove(id?: string): void {
    const kept =
      id === undefined
        ? []
        : this.all.filter((lock) => lockId(lock).toLowerCase() !== id.toLowerCase());
    this.all.splice(0, this.all.length, ...kept);
  }

  /** The scope of a ReadOnly lock at or above a path: it stops whatever is no GET there [learn: lock-resources]. */
  readOnlyOver(path: string): string | undefined {
    return this.all.find(({ scope, level }) => level === 'ReadOnly' && isOver(scope, path))?.scope;
  }

  /** At a scope: those of it and of what is below, never those above (npm:@azure/arm-locks 2.1.0, "ListAtResourceLevel" and its kin). */
  at(scope: string): readonly Lock[] {
    return this.all.filter((lock) => isOver(scope, lock.scope));
  }
}

export const lockId = ({ scope, name }: Pick<Lock, 'scope' | 'name'>): string =>
  `${scope}/providers/Microsoft.Authorization/locks/${name}`;

const isOver = (upper: string, lower: string): boolean =>
  `${lower}/`.toLowerCase().startsWith(`${upper.replace(/\/+$/, '')}/`.toLowerCase());
