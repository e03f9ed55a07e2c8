/** Which holds by scope are about a secret, and until when: the settings' freeze, and what people have set (design section 3, "Holds by scope"). */
import { latest } from '../../core/clock.ts';
import { tagOf } from '../../core/ids.ts';
import { plain } from '../../core/plain.ts';
import type { Deps } from '../../ports/deps.ts';
import type { HoldScope, ScopeHold } from '../../ports/holds.ts';
import { namesOf } from './neighbours.ts';
import type { Observed, OnHold } from './observed.ts';
import type { BoundSecret } from './observeVault.ts';

/** What a scope is compared with. */
export interface Scoped {
  readonly vault: string;
  readonly name: string;
  readonly owner?: string | undefined;
  readonly kind?: string | undefined;
  /** Every id by which tags may name the target. */
  readonly targets: readonly string[];
}

export function isAbout(
  { scope, except }: Pick<ScopeHold, 'scope' | 'except'>,
  secret: Scoped,
): boolean {
  const { vault, name } = secret;
  if (except.includes(vault) || except.includes(`${vault}/${name}`)) return false;
  return isIn(scope, secret);
}

function isIn(scope: HoldScope, { vault, owner, kind, targets }: Scoped): boolean {
  if ('all' in scope) return true;
  if ('vault' in scope) return scope.vault === vault;
  if ('owner' in scope) return owner !== undefined && plain(owner) === plain(scope.owner);
  if ('kind' in scope) return scope.kind === kind;
  return targets.includes(scope.target);
}

/** The scope in words: for details and the audit. */
export function scopeInWords(scope: HoldScope): string {
  if ('all' in scope) return 'all secrets';
  const [[what, which] = ['', '']] = Object.entries(scope);
  return `${what} ${JSON.stringify(which)}`;
}

/** What holds the secret now, the longest first, and until when one last did or does. */
export async function onHold(
  bound: BoundSecret,
  deps: Deps,
): Promise<Pick<Observed, 'onHold' | 'heldUntil'>> {
  const now = deps.clock.now();
  const freezes = (deps.config.freeze ?? []).filter(({ from }) => from <= now);
  const { holds } = deps.holds ? await deps.holds.read() : { holds: [] };
  const about = holds.length === 0 ? [] : await aboutIt(holds, bound, deps);
  const all: readonly OnHold[] = [
    ...freezes.map(({ until, text }) => ({
      until,
      heals: true,
      detail: `KEYTURN_FREEZE holds all secrets: ${text}.`,
    })),
    ...about.map(({ until, heals, scope, id, ticket }) => ({
      ...{ until, heals },
      detail: `Hold ${id} of ${scopeInWords(scope)} until ${until.toISOString()} (${plain(ticket)}).`,
    })),
  ];
  const standing = all
    .filter(({ until }) => now < until)
    .sort((one, other) => +other.until - +one.until);
  const heldUntil = latest(...all.map(({ until }) => until));
  return {
    ...(standing.length > 0 ? { onHold: standing } : {}),
    ...(heldUntil ? { heldUntil } : {}),
  };
}

async function aboutIt(
  holds: readonly ScopeHold[],
  bound: BoundSecret,
  deps: Deps,
): Promise<readonly ScopeHold[]> {
  const { secret, current, optIn } = bound;
  const { ownerTag } = deps.config;
  // A secret's own tag, else its vault's: as alerts name owners.
  const owner =
    tagOf(current.tags, ownerTag) ?? tagOf(await deps.vaultTags(secret.vault), ownerTag);
  const scoped = {
    ...secret,
    owner,
    kind: optIn.rotator.type,
    targets: [...namesOf(optIn.target), ...optIn.target.owners],
  };
  return holds.filter((hold) => isAbout(hold, scoped));
}
