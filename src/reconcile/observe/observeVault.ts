/** The first half of a look: what stands in the vault, bound to rotator and target. Changes nothing. */
import { addDays, earliest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import { type SecretRef, type Tags, tagOf, targetHash } from '../../core/ids.ts';
import { isOthers } from '../../core/instance.ts';
import type { Deps } from '../../ports/deps.ts';
import type { TargetFacts } from '../../ports/rotator.ts';
import type { SecretRow } from '../../ports/rows.ts';
import type { Vault, Version, VersionInfo } from '../../ports/vault.ts';
import { type Exemption, readExemption } from '../../tags/exempt.ts';
import { formerOptIn, targetsLeft } from '../../tags/leaving.ts';
import {
  isOptedIn,
  type Leaving,
  leavingBy,
  type OptIn,
  optInTags,
  readOptIn,
  samplePolicy,
} from '../../tags/optIn.ts';
import { owedElsewhere, stateOrNone } from '../../tags/owed.ts';
import { mergePolicy, type Policy, type PolicySource } from '../../tags/policy.ts';
import {
  parseState,
  type RotatorState,
  readState,
  STATE_TAG,
  withState,
} from '../../tags/state.ts';

/** What stands in the vault, bound to rotator and target: known before the target is asked anything. */
export interface BoundSecret {
  readonly secret: SecretRef;
  readonly vault: Vault;
  readonly current: Version;
  readonly versions: readonly VersionInfo[];
  readonly optIn: OptIn;
  readonly policy: Policy;
  readonly tgt: string;
  /** The state of the current version, as its tag has it; undefined where there is none or it belongs to no target. */
  readonly state?: RotatorState;
  readonly row?: SecretRow;
  /** It was opted out, and something is left to do: bound to what it was opted in to. */
  readonly leaving?: Leaving;
}

/** What a pass learned of a secret before it could be bound, for its row. */
export interface Trail {
  /** Opted out; Keyturn has to do with it, or had. */
  leaving?: Leaving;
  /** The current version, also where its tags do not bind. */
  current?: Version;
  exemption?: Exemption;
  /** What is wrong with the tag that claims an exemption, while there is still something to revoke. */
  badExemption?: KeyturnError;
  /** The owners of the target gave it to this secret. */
  consented?: true;
  /** The target, as far as it was read. */
  inspected?: TargetFacts;
}

/** A pass that ends before the rules: not ours to look at, or nothing that a rule could decide. */
export class Stopped extends KeyturnError {
  readonly kind: 'skip' | 'refuse';
  /** When there is something to say again. */
  until?: Date;

  constructor(kind: 'skip' | 'refuse', ...options: ConstructorParameters<typeof KeyturnError>) {
    super(...options);
    this.kind = kind;
  }
}

const skip = (reason: Stopped['reason']) => new Stopped('skip', reason);

/** Reads the vault. Throws `Stopped` for what is skipped, `KeyturnError` for what a person must mend. */
export async function observeVault(
  secret: SecretRef,
  version: string | undefined,
  row: SecretRow | undefined,
  deps: Deps,
  trail: Trail = {},
): Promise<BoundSecret> {
  const vault = deps.vaults.open(secret.vault);
  if (!vault) throw skip('not-allowed');
  const current = await vault.current(secret.name);
  if (current === 'gone' || current === 'disabled') throw skip(current);
  // Also where the tags do not bind: looked at again when they change, not at every sweep.
  trail.current = current;
  if (current.managed) throw skip('managed');
  if (version !== undefined && version !== current.id && !isUnfinished(current))
    throw skip('superseded');
  const tags = optInTags(current.tags, secret, deps.config);
  if (!isOptedIn(tags) && row === undefined && stateOrNone(current.tags) === undefined)
    throw left(current, trail, deps.clock.now());
  const vaultTags = await deps.vaultTags(secret.vault);
  if (isOthers(vaultTags, deps.config.instance)) throw skip('other-instance');
  if (!isOptedIn(tags)) return bindLeaving({ secret, vault, current, row, vaultTags, trail }, deps);
  const state = readState(current.tags);
  const optIn = readOptIn(tags, secret, deps.rotators, deps.config.enabled);
  refuseOwn(optIn, deps);
  const tgt = targetHash(optIn.rotator.type, optIn.target.id);
  const policy = policyFor(tags, vaultTags, deps, samplePolicy(current.tags, secret, deps.config));
  const versions = withStateOf(row, await vault.versions(secret.name), current.id);
  refuseChangedTarget(state, versions, current, tgt);
  return compact({ secret, vault, current, versions, optIn, policy, tgt, state, row });
}

/**
 * What was opted out and owes something, bound to what it was opted in to. Throws the skip of a secret that is left alone
 * where nothing is left to do, and like `observeVault` what a person must mend.
 */
async function bindLeaving(
  found: Pick<BoundSecret, 'secret' | 'vault' | 'current'> & {
    readonly row: SecretRow | undefined;
    readonly vaultTags: Tags;
    readonly trail: Trail;
  },
  deps: Deps,
): Promise<BoundSecret> {
  const { secret, vault, current, row, vaultTags, trail } = found;
  const leaving = leavingBy(current.tags);
  Object.assign(trail, { leaving, current });
  // Whoever struck the tags off the version that Keyturn wrote has not changed what it is.
  const wrote = row?.wroteVersion === current.id ? parseState(row.wroteState ?? '') : undefined;
  const state = readState(current.tags) ?? wrote;
  const versions = withStateOf(row, await vault.versions(secret.name), current.id);
  const [tgt, ...others] = targetsLeft({ secret, versions, current: current.id, state });
  if (tgt === undefined) throw left(current, trail, deps.clock.now());
  const elsewhere = others.length > 0 ? owedElsewhere(versions, current.id, tgt) : [];
  if (elsewhere.length > 0) throwChanged(elsewhere);
  noteExemption(current.tags, trail);
  const { optIn, tags } = formerOptIn(tgt, { secret, versions, tags: current.tags }, row, deps);
  refuseOwn(optIn, deps);
  const own = tagOf(current.tags, 'rotator-policy');
  const policy = policyFor(
    own === undefined ? tags : current.tags,
    vaultTags,
    deps,
    samplePolicy(tags, secret, deps.config),
  );
  return compact({
    secret,
    vault,
    current,
    versions,
    optIn,
    policy,
    tgt,
    leaving,
    state,
    row,
  });
}

/** A long exemption is looked at again that often. */
const EXEMPT_DAYS = 90;

/** How a secret that is opted out and owes nothing is left: alone, or exempt for a while. Throws `bad-tags` like the tag's reader. */
export function left(current: Version, trail: Trail, now: Date): KeyturnError {
  if (leavingBy(current.tags) === 'lost') return skip('not-opted-in');
  const { leaving } = trail;
  delete trail.leaving; // nothing is owed, whatever is wrong with its exemption
  const exemption = readExemption(current.tags);
  if (!exemption) {
    if (leaving) trail.leaving = leaving;
    return skip('opted-out');
  }
  Object.assign(trail, { exemption, current });
  const { until } = exemption;
  const detail = `Exempt until ${until.toISOString()}.`;
  if (until <= now) return new KeyturnError('exempt-ended', { detail });
  // Looked at meanwhile, too: a row that says nothing for years counts as none, and the secret would not be listed.
  return Object.assign(new Stopped('skip', 'exempt', { detail }), {
    until: earliest(until, addDays(now, EXEMPT_DAYS)),
  });
}

/** What is owed goes before; that the exemption after it does not parse is said at once. */
function noteExemption(tags: Tags, trail: Trail): void {
  try {
    const exemption = readExemption(tags);
    if (exemption) trail.exemption = exemption;
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    trail.badExemption = error;
  }
}

/**
 * Keyturn's own work stands on the version and is not done: not proved, something owed, or a rotation begun. The pass that
 * would have looked again may have died right behind the store, and the message that comes again names the version before
 * (finding HST-05). Judged by the tags: a look too many changes nothing.
 */
function isUnfinished({ id, tags }: Version): boolean {
  const { rot, proved, after, started } = stateOrNone(tags) ?? {};
  return (
    (rot !== undefined && (proved !== id.slice(0, 8) || after !== undefined)) ||
    started !== undefined
  );
}

/**
 * The version that Keyturn wrote last keeps its state for us when somebody wiped the tags before another version was
 * stored: its credential is owed, and its readers have their grace. The current one is `restore`'s.
 */
function withStateOf(
  row: SecretRow | undefined,
  versions: readonly VersionInfo[],
  current: string,
): readonly VersionInfo[] {
  const wrote = parseState(row?.wroteState ?? '');
  if (!wrote) return versions;
  const isWiped = ({ id, tags }: VersionInfo) =>
    id === row?.wroteVersion && id !== current && tagOf(tags, STATE_TAG) === undefined;
  return versions.map((each) =>
    isWiped(each) ? { ...each, tags: withState(each.tags, wrote) } : each,
  );
}

export function policyFor(
  tags: Tags,
  vaultTags: Tags,
  deps: Deps,
  sample: readonly PolicySource[] = [],
): Policy {
  const sources: readonly PolicySource[] = [
    { where: 'The tag rotator-policy', text: tagOf(tags, 'rotator-policy') },
    ...sample,
    {
      where: 'The tag keyturn-policy of the vault',
      text: tagOf(vaultTags, 'keyturn-policy'),
      from: 'vault',
    },
    { where: 'The setting KEYTURN_POLICY', text: deps.config.policy, from: 'settings' },
  ];
  return mergePolicy(sources, deps.config.limits);
}

/** An app whose own storage keys change under it can't start again (case ST-07). */
function refuseOwn({ target }: OptIn, { config }: Deps): void {
  if (config.ownApplications.includes(target.id)) {
    throw new KeyturnError('own-application', {
      detail: `The tag rotator-target names the app registration ${target.id}, which is Keyturn's own.`,
    });
  }

  const account = /\/microsoft\.storage\/storageaccounts\/([^/]+)$/.exec(target.id)?.[1];
  if (account !== undefined && config.ownStorage.includes(account)) {
    throw new KeyturnError('own-storage', {
      detail: `The tag rotator-target names ${account}, on which Keyturn itself runs.`,
    });
  }
}

function refuseChangedTarget(
  state: RotatorState | undefined,
  versions: readonly VersionInfo[],
  current: Version,
  tgt: string,
): void {
  const elsewhere = [...owedElsewhere(versions, current.id, tgt)];
  if (state?.tgt !== undefined && state.tgt !== tgt) elsewhere.push(current.id);
  if (elsewhere.length > 0) throwChanged(elsewhere);
}

function throwChanged(versions: readonly string[]): never {
  throw new KeyturnError('target-changed', {
    detail: `The tags rotator and rotator-target name another target than the state of version ${versions.join(', ')}.`,
  });
}
