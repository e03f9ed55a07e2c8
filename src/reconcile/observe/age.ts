/**
 * How long a credential has been in use: its own age, not that of the version (design section 2, "Dates"; OPS-05). Whoever
 * writes the same value again, an apply or an undo, makes a young version of an old credential.
 */
import { earliest } from '../../core/clock.ts';
import type { Handle, VersionId } from '../../core/ids.ts';
import type { Secret } from '../../core/secret.ts';
import type { SecretRow } from '../../ports/rows.ts';
import type { VersionInfo } from '../../ports/vault.ts';
import { stateOrNone } from '../../tags/owed.ts';
import type { RotatorState } from '../../tags/state.ts';

/** Older versions whose values are compared, newest first: once for each version that Keyturn did not write. */
const COMPARED_MAX = 20;

export interface Age {
  readonly version: VersionId;
  /** Creation of the first version that is known to have had the credential. */
  readonly since: Date;
  /** Since when the secret has had it without a break: a version that changes nothing gives its readers nothing new. */
  readonly currentSince: Date;
}

export interface Aged {
  readonly current: VersionInfo;
  readonly versions: readonly VersionInfo[];
  readonly tgt: string;
  /** Of the current version, where it fits its value. */
  readonly state: RotatorState | undefined;
  readonly handle: Handle | undefined;
  readonly value: Secret;
  readonly row: SecretRow | undefined;
  /** The credential in an older version; undefined where it is disabled or has lost its form. */
  readonly valueIn: (version: VersionId) => Promise<Secret | undefined>;
}

/** By the rotation that issued it; else by the row, which remembers the last version that was compared, and by values. */
export async function ageOf(aged: Aged): Promise<Age> {
  const { current, versions, state, row } = aged;
  const rotation = state?.rot;
  if (rotation !== undefined) {
    const currentSince = firstOf(rotation, versions, current.createdOn);
    return {
      version: current.id,
      since: earliest(state?.since, currentSince) as Date,
      currentSince,
    };
  }
  if (row?.age?.version === current.id) return row.age;
  return compared(aged);
}

async function compared({
  current,
  versions,
  tgt,
  handle,
  value,
  row,
  valueIn,
}: Aged): Promise<Age> {
  const older = versions
    .filter(({ id }) => id !== current.id)
    .sort((one, other) => +other.createdOn - +one.createdOn);
  let since = current.createdOn;
  let currentSince = current.createdOn;
  let unbroken = true;
  for (const { id, tags, createdOn } of older.slice(0, COMPARED_MAX)) {
    const state = stateOrNone(tags);
    const isAnother =
      handle !== undefined &&
      state?.tgt === tgt &&
      state.cred !== undefined &&
      state.cred !== handle;
    const stored = isAnother ? undefined : await valueIn(id);
    if (!stored?.equals(value)) {
      unbroken = false;
      continue;
    }
    const known = row?.age?.version === id ? row.age : undefined;
    const first = state?.rot === undefined ? createdOn : firstOf(state.rot, versions, createdOn);
    since = earliest(since, first, known?.since) as Date;
    if (unbroken) currentSince = earliest(createdOn, known?.currentSince) as Date;
    if (known) break;
  }
  return { version: current.id, since, currentSince };
}

/** Late twins and copies of one rotation have one credential. */
function firstOf(rotation: string, versions: readonly VersionInfo[], createdOn: Date): Date {
  const same = versions.filter(({ tags }) => stateOrNone(tags)?.rot === rotation);
  return earliest(createdOn, ...same.map((each) => each.createdOn)) as Date;
}
