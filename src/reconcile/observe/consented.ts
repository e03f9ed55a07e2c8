/** Whether the owners of the target that the tags name gave it to this very secret. */
import { notTheAppId } from '../../core/credentialLabel.ts';
import { KeyturnError } from '../../core/errors.ts';
import { type Grant, grantFor, missOf, sharedBy, tornBy, type Wanted } from '../../core/grants.ts';
import type { Deps } from '../../ports/deps.ts';
import type { BoundSecret } from './observeVault.ts';

/** What the tags of a bound secret ask its target's owners for. */
export const wantedBy = ({
  secret,
  optIn: { rotator, target },
}: Pick<BoundSecret, 'secret' | 'optIn'>): Wanted => ({
  secret,
  kind: rotator.type,
  part: target.part,
});

/**
 * Consent of everyone who owns a part of the bound target; without it no lock on the target and no fact about it (case
 * SEC-09). Answers the grants by which other secrets share it: those of all owners. `recentNo`: a refusal, and nothing but
 * a refusal, may come from a list that was read some minutes ago.
 */
export async function readConsent(
  bound: BoundSecret,
  deps: Deps,
  { recentNo = false }: { readonly recentNo?: boolean } = {},
): Promise<readonly Grant[]> {
  const wanted = wantedBy(bound);
  const all: (readonly Grant[])[] = [];
  for (const owner of bound.optIn.target.owners) {
    const grants = await deps.consent.of(owner, recentNo ? bound.secret : undefined);
    if (!grantFor(grants, wanted)) {
      await refuseMisnamed(owner, wanted, deps);
      throw refused(missOf(grants, wanted), deps.consent.hides?.(owner));
    }
    const torn = tornBy(grants, wanted);
    if (torn)
      throw refused(
        `The consent gives one of the logins to ${torn.vault}/${torn.name} as well, with other logins beside it.`,
      );
    all.push(sharedBy(grants, wanted));
  }
  const [first = [], ...others] = all;
  return first.filter((grant) =>
    others.every((grants) => grants.some((each) => sameSecret(each, grant))),
  );
}

/**
 * The owner did consent, and the tag names their application by another id of it (finding COR-08). Said to those alone whom
 * the owner named: to everyone else what exists and what does not read the same.
 */
async function refuseMisnamed(owner: string, wanted: Wanted, { consent }: Deps): Promise<void> {
  const meant = await consent.misnamed?.(owner);
  if (!meant || !grantFor(meant.grants, wanted)) return;
  throw new KeyturnError('bad-tags', { detail: notTheAppId(owner, meant.id) });
}

/** No consent, in the same words whatever the reason is (case SEC-09). */
export class NoConsent extends KeyturnError {
  /** The list was refused: it may only be that Keyturn's role is still spreading. */
  readonly hidden: boolean;

  constructor(detail: string | undefined, hidden: boolean) {
    super('no-consent', detail === undefined ? {} : { detail });
    this.hidden = hidden;
  }
}

const refused = (detail: string | undefined, hidden = false): KeyturnError =>
  new NoConsent(detail, hidden);

const sameSecret = (left: Grant, right: Grant): boolean =>
  left.vault === right.vault && left.name === right.name;
