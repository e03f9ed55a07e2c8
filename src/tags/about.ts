/** What an alert says of a secret beside its reason, as far as it is known: also where the tags do not bind. */
import { remedyOf } from '../core/alertWords.ts';
import { compact } from '../core/compact.ts';
import type { Part } from '../core/grants.ts';
import { type SecretRef, tagOf } from '../core/ids.ts';
import { inRole } from '../core/neededRights.ts';
import { unquoted } from '../core/quote.ts';
import type { Reason, Remedy } from '../core/reasons.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow } from '../ports/rows.ts';
import type { Version } from '../ports/vault.ts';
import { isOptedIn, type OptIn, optInTags, slotTargetOf } from './optIn.ts';

export interface About {
  /** By the owner tag. */
  readonly owner?: string;
  /** Rotator type. */
  readonly kind?: string;
  /** Canonical id. */
  readonly target?: string;
  /** What the tags ask for of the target, as a consent has to name it. */
  readonly part?: Part;
  readonly expiresOn?: Date;
}

interface Looked {
  readonly secret: SecretRef;
  readonly row: SecretRow | undefined;
  readonly bound?:
    | { readonly current: Pick<Version, 'tags' | 'expiresOn'>; readonly optIn: OptIn }
    | undefined;
  /** The current version, where the pass came no further. */
  readonly current?: Pick<Version, 'tags' | 'expiresOn'> | undefined;
}

/** By what was seen now; where the vault was not read, by the last look. */
export function aboutSecret(
  { secret, row, bound, current }: Looked,
  { rotators, config }: Pick<Deps, 'rotators' | 'config'>,
): About {
  const found = bound?.current ?? current;
  const view = row?.view;
  const tags = found && optInTags(found.tags, secret, config);
  const optedIn = tags !== undefined && isOptedIn(tags);
  const named = optedIn
    ? rotators.get((tagOf(tags, 'rotator') ?? '').trim().toLowerCase())?.type
    : view?.rotator;
  const target =
    bound?.optIn.target.id ?? (optedIn ? slotTargetOf(tags, secret, rotators) : view?.target);
  const owner = (found && tagOf(found.tags, config.ownerTag)) ?? view?.owner;
  const expiresOn = found ? found.expiresOn : view?.expiresOn;
  const part = bound?.optIn.target.part;
  return compact({
    owner: owner === undefined ? undefined : unquoted(owner),
    kind: named,
    target,
    part,
    expiresOn,
  });
}

/** Who acts and what helps, with the names of this secret in it, by its kind where that knows better. */
export function remedyFor(
  reason: Reason,
  { vault, name }: SecretRef,
  { kind, part }: About,
  { rotators }: Pick<Deps, 'rotators'>,
): Remedy {
  const rotator = kind === undefined ? undefined : rotators.get(kind);
  return remedyOf(
    reason,
    { vault, secret: name, kind, part, actions: rotator && inRole(rotator.rights) },
    rotator?.remedies,
  );
}
