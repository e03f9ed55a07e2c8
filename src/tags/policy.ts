/**
 * Policy: how often, how long the old credential lives on, when Keyturn may change things. Merged key by key: the
 * secret's tag, then the vault's tag `keyturn-policy`, then the settings. An unknown key is an error (design section 2).
 * Whoever may tag a vault has no right to its secrets, so that tag may be more careful than the settings, not less.
 */
import { addHours, earliest, latest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import type { PolicyLimits } from '../ports/deps.ts';
import type { VersionInfo } from '../ports/vault.ts';
import { parseWindow, type Window } from './window.ts';

export interface Policy {
  readonly everyHours: number;
  readonly graceHours: number;
  readonly window?: Window;
  readonly paused: boolean;
  /** What is due waits until a person asks for it. */
  readonly approve?: true;
  /** What is owed is revoked when nobody uses it any more; after its grace, used or not, where absent. */
  readonly whenUnused?: WhenUnused;
  /** Whether what is owed waits for consumers that have not followed, or is revoked all the same; `wait` where absent. */
  readonly consumers?: 'wait' | 'tell';
  /** The pause is the tag's of the vault, whose writers need no right to the secret. */
  readonly pausedByVault?: true;
  /** What somebody said and what counts instead: shown with the secret. Absent where everything counts as it was said. */
  readonly notes?: readonly string[];
}

/** How long what is still used is waited for, and what comes then. */
export interface WhenUnused {
  /** From the end of the grace on. */
  readonly limitHours: number;
  /** What is used even then is revoked, or lives on and is alerted; what nobody can tell is revoked. */
  readonly atLimit: 'revoke' | 'alert';
}

const DAY = 24;
/** What is still used is waited for so long. */
const UNUSED_LIMIT_HOURS = 14 * DAY;
export const DEFAULT_LIMITS: PolicyLimits = { everyMaxHours: 90 * DAY, graceMinHours: DAY };
/** What Keyturn does where nobody says anything: nothing lives longer than 90 days (60 d and 30 d of notice). */
const DEFAULTS = { everyHours: 60 * DAY, graceHours: 48, paused: false };
/** The SDK corrupts dates past 2038-01-19 (azure-facts 8.3). */
const LAST_EXPIRY = new Date('2038-01-18T00:00:00Z');
const MONTH_HOURS = 30 * DAY;
const TOO_SOON_HOURS = 24;

/** A source of policy text and the name by which an error calls it; the secret's own where `from` is absent. */
export interface PolicySource {
  readonly where: string;
  readonly text: string | undefined;
  readonly from?: 'vault' | 'settings';
}

/** Hours that count, and who said so. */
interface Said {
  readonly hours: number;
  readonly where: string;
}

/** What one source says; `approval` as it says it, also where that is no. */
type SaidPolicy = Partial<Omit<Policy, 'approve' | 'whenUnused'>> & {
  readonly approval?: boolean;
  readonly unused?: boolean;
  readonly limitHours?: number;
  readonly atLimit?: WhenUnused['atLimit'];
};
type Parsed = Pick<PolicySource, 'where' | 'from'> & { readonly said: SaidPolicy };

const BY_DEFAULT = "Keyturn's default";

/**
 * The first source that names a key wins, within the bounds of the operator. Throws `bad-tags` naming the source, the key
 * and what it takes; where two sources contradict each other, both (case COR-09).
 */
export function mergePolicy(
  sources: readonly PolicySource[],
  limits: PolicyLimits = DEFAULT_LIMITS,
): Policy {
  const parsed = sources.map((source): Parsed => ({ ...source, said: parsePolicy(source) }));
  const notes: string[] = [];
  const every = everyOf(parsed, limits, notes);
  const grace = graceOf(parsed, limits, notes);
  if (grace.hours >= every.hours)
    throw new KeyturnError('bad-tags', { detail: contradiction(grace, every) });
  const window = parsed.find(({ said }) => said.window)?.said.window;
  return compact({
    everyHours: every.hours,
    graceHours: grace.hours,
    window,
    ...pauseOf(parsed, notes),
    approve: isApproved(parsed) ? true : undefined,
    whenUnused: whenUnusedOf(parsed, { every, grace }, notes),
    consumers: consumersOf(parsed, notes),
    notes: notes.length > 0 ? notes : undefined,
  });
}

function everyOf(
  parsed: readonly Parsed[],
  { everyMaxHours }: PolicyLimits,
  notes: string[],
): Said {
  const found = saidIn(parsed, 'everyHours');
  const { hours, where } = found ?? { hours: DEFAULTS.everyHours, where: BY_DEFAULT };
  if (hours <= everyMaxHours) return { hours, where };
  if (found)
    notes.push(
      `every=${spell(hours)} of ${inside(where)} counts as ${spell(everyMaxHours)} (KEYTURN_EVERY_MAX).`,
    );
  return { hours: everyMaxHours, where: 'The setting KEYTURN_EVERY_MAX' };
}

/** The secret's own as it is; of the others the vault's where it is longer than what counts without it. */
function graceOf(
  parsed: readonly Parsed[],
  { graceMinHours }: PolicyLimits,
  notes: string[],
): Said {
  const own = saidIn(of(parsed, undefined), 'graceHours');
  if (own) return own;
  const set = saidIn(of(parsed, 'settings'), 'graceHours');
  const base = set ?? { hours: DEFAULTS.graceHours, where: BY_DEFAULT };
  const low = base.hours < graceMinHours;
  if (low && set)
    notes.push(
      `grace=${spell(set.hours)} of ${inside(set.where)} counts as ${spell(graceMinHours)} (KEYTURN_GRACE_MIN).`,
    );
  const floor = low ? { hours: graceMinHours, where: 'The setting KEYTURN_GRACE_MIN' } : base;
  const vault = saidIn(of(parsed, 'vault'), 'graceHours');
  if (vault && vault.hours >= floor.hours) return vault;
  if (vault)
    notes.push(
      `grace=${spell(vault.hours)} of ${inside(vault.where)} counts as ${spell(floor.hours)}: it may lengthen the grace alone.`,
    );
  return floor;
}

/** A secret's own word counts; a vault's tag may ask for approval, and lifts nothing that the operator asks for. */
const isApproved = (parsed: readonly Parsed[]): boolean => isAsked(parsed, 'approval');

function isAsked(parsed: readonly Parsed[], key: 'approval' | 'unused'): boolean {
  const said = ([undefined, 'vault', 'settings'] as const).map(
    (from) => of(parsed, from).find((each) => each.said[key] !== undefined)?.said[key],
  );
  return said[0] ?? (said[1] === true || said[2] === true);
}

/**
 * Merged like an approval: a vault's tag may make it wait, and lifts nothing. The wait ends before the next rotation is due, for which
 * a target of two slots needs the old one.
 */
function whenUnusedOf(
  parsed: readonly Parsed[],
  { every, grace }: { readonly every: Said; readonly grace: Said },
  notes: string[],
): WhenUnused | undefined {
  if (!isAsked(parsed, 'unused')) return undefined;
  const said = longestLimit(parsed);
  const wanted = said?.said.limitHours ?? UNUSED_LIMIT_HOURS;
  const most = every.hours - grace.hours;
  if (said && wanted > most)
    notes.push(
      `unused-limit=${spell(wanted)} of ${inside(said.where)} counts as ${spell(most)}: the next rotation needs its slot.`,
    );
  const [own, vault, set] = ([undefined, 'vault', 'settings'] as const).map(
    (from) => of(parsed, from).find((each) => each.said.atLimit !== undefined)?.said.atLimit,
  );
  const atLimit = own ?? (vault === 'alert' || set === 'alert' ? 'alert' : 'revoke');
  return { limitHours: Math.min(wanted, most), atLimit };
}

/** The secret's own as it is; of the others the longer one. */
function longestLimit(parsed: readonly Parsed[]): Parsed | undefined {
  const said = parsed.filter((each) => each.said.limitHours !== undefined);
  const own = said.find(({ from }) => from === undefined);
  const hoursIn = (each: Parsed) => each.said.limitHours ?? 0;
  return (
    own ??
    said.reduce<Parsed | undefined>(
      (best, each) => (best && hoursIn(best) >= hoursIn(each) ? best : each),
      undefined,
    )
  );
}

/** A secret's own word counts; a vault's tag may have consumers waited for, and hurries nobody whom the operator waits for. */
function consumersOf(parsed: readonly Parsed[], notes: string[]): Policy['consumers'] {
  const [own, vault, set] = [undefined, 'vault' as const, 'settings' as const].map(
    (from) => of(parsed, from).find(({ said }) => said.consumers !== undefined)?.said.consumers,
  );
  if (own !== undefined) return own;
  if (vault === 'tell' && set !== 'tell')
    notes.push(
      'consumers=tell of the tag keyturn-policy of the vault counts as wait: it may have them waited for alone.',
    );
  return vault === 'wait' ? vault : set;
}

/** A secret's own word counts; a vault's tag puts a pause on and lifts none that the operator has put on. */
function pauseOf(
  parsed: readonly Parsed[],
  notes: string[],
): Pick<Policy, 'paused' | 'pausedByVault'> {
  const [own, vault, set] = [undefined, 'vault' as const, 'settings' as const].map(
    (from) => of(parsed, from).find(({ said }) => said.paused !== undefined)?.said.paused,
  );
  if (own !== undefined) return { paused: own };
  if (vault === false && set)
    notes.push(
      'paused=false of the tag keyturn-policy of the vault does not lift the pause of the settings.',
    );
  return vault && !set ? { paused: true, pausedByVault: true } : { paused: set === true };
}

const of = (parsed: readonly Parsed[], from: PolicySource['from']): readonly Parsed[] =>
  parsed.filter((each) => each.from === from);

function saidIn(parsed: readonly Parsed[], key: 'everyHours' | 'graceHours'): Said | undefined {
  for (const { said, where } of parsed) {
    const hours = said[key];
    if (hours !== undefined) return { hours, where };
  }
  return undefined;
}

function contradiction(grace: Said, every: Said): string {
  if (grace.where === every.where)
    return `${grace.where}: grace (${grace.hours} h) must be shorter than every (${every.hours} h).`;
  return `grace (${grace.hours} h) of ${inside(grace.where)} must be shorter than every (${every.hours} h) of ${inside(every.where)}.`;
}

const inside = (where: string): string => where.replace(/^The /, 'the ');
const spell = (hours: number): string =>
  hours % DAY === 0 && hours > 0 ? `${hours / DAY}d` : `${hours}h`;

export function parsePolicy({ where, text }: PolicySource): SaidPolicy {
  const policy: { -readonly [K in keyof SaidPolicy]?: SaidPolicy[K] } = {};
  const seen = new Set<string>();
  for (const part of (text ?? '').split(';').filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const [key, value] = [
      part.slice(0, Math.max(at, 0)).trim().toLowerCase(),
      part.slice(at + 1).trim(),
    ];
    const wrong = (expected: string) =>
      new KeyturnError('bad-tags', {
        detail: `${where}: ${quote(part.trim())} is not understood; expected ${expected}.`,
      });
    if (seen.has(key)) throw wrong(`${key} once`);
    seen.add(key);
    if (key === 'every')
      policy.everyHours =
        hours(value, 1, 3650 * DAY) ?? fail(wrong('every=<n>d or <n>h, from 1h to 3650d'));
    else if (key === 'grace')
      policy.graceHours =
        hours(value, 0, 365 * DAY) ?? fail(wrong('grace=<n>h or <n>d, from 0h to 365d'));
    else if (key === 'window')
      policy.window = parseWindow(value) ?? fail(wrong('window=Sat-Sun 01:00-05:00 Europe/Berlin'));
    else if (key === 'paused')
      policy.paused = /^(true|false)$/.test(value)
        ? value === 'true'
        : fail(wrong('paused=true or paused=false'));
    else if (key === 'approve')
      policy.approval = /^(yes|no)$/.test(value)
        ? value === 'yes'
        : fail(wrong('approve=yes or approve=no'));
    else if (key === 'revoke')
      policy.unused = /^(after-grace|when-unused)$/.test(value)
        ? value === 'when-unused'
        : fail(wrong('revoke=after-grace or revoke=when-unused'));
    else if (key === 'unused-limit')
      policy.limitHours =
        hours(value, 1, 365 * DAY) ?? fail(wrong('unused-limit=<n>d or <n>h, from 1h to 365d'));
    else if (key === 'at-limit')
      policy.atLimit =
        value === 'revoke' || value === 'alert'
          ? value
          : fail(wrong('at-limit=revoke or at-limit=alert'));
    else if (key === 'consumers')
      policy.consumers =
        value === 'wait' || value === 'tell'
          ? value
          : fail(wrong('consumers=wait or consumers=tell'));
    else
      throw wrong(
        'every, grace, window, paused, approve, revoke, unused-limit, at-limit or consumers',
      );
  }
  return policy;
}

function fail(error: Error): never {
  throw error;
}

function hours(text: string, min: number, max: number): number | undefined {
  const [, count, unit] = /^(\d{1,5})([dh])$/.exec(text) ?? [];
  const value = Number(count) * (unit === 'd' ? DAY : 1);
  return count !== undefined && value >= min && value <= max ? value : undefined;
}

/** The expiry of a version stored now: `min(every + 30 d, cap)` from now, less an hour; never past 2038. */
export function expiryOf(policy: Policy, now: Date, capDays?: number): Date {
  const validHours =
    Math.min(policy.everyHours + MONTH_HOURS, (capDays ?? Number.POSITIVE_INFINITY) * DAY) - 1;
  return earliest(addHours(now, validHours), LAST_EXPIRY) as Date;
}

/** What is known of a credential beside the version that it stands in. */
export interface Lived {
  /** Since when it has been in use, in whatever version; the version's creation where nobody knows. */
  readonly since?: Date | undefined;
  /** Since when the secret has had it without a break. */
  readonly currentSince?: Date | undefined;
  /** When the secret was opted in, as far as Keyturn knows. */
  readonly takenOverOn?: Date | undefined;
  /** KEYTURN_EVERY_MAX. */
  readonly everyMaxHours?: number | undefined;
  /** When the target itself ends the credential, and since when the secret has had it. */
  readonly ends?: { readonly on: Date | undefined; readonly since: Date } | undefined;
}

/**
 * When a version is due (design section 2, "Dates"; case EG-06): a turn after the secret came to its credential, which
 * an apply that writes the value again does not change; where an undo brought an older one back, no later than the longest
 * turn after that one began. One that Keyturn did not write goes by its expiry, but no later than a turn after its takeover;
 * where it has none and was opted in when it was old already, a turn after that (case VAL-12).
 */
export function dueOn(
  version: Pick<VersionInfo, 'createdOn' | 'expiresOn'>,
  ours: boolean,
  { everyHours, graceHours }: Pick<Policy, 'everyHours' | 'graceHours'>,
  lived: Lived = {},
): Date {
  const { since = version.createdOn, currentSince = since, takenOverOn = since } = lived;
  const everyMaxHours = Math.max(everyHours, lived.everyMaxHours ?? DEFAULT_LIMITS.everyMaxHours);
  const ceiling = addHours(latest(since, takenOverOn) as Date, everyMaxHours);
  const byTarget = lived.ends?.on && beforeEnd(lived.ends.on, lived.ends.since, graceHours);
  const byAge = earliest(addHours(currentSince, everyHours), ceiling, byTarget) as Date;
  const byTakeover = earliest(
    addHours(latest(currentSince, takenOverOn) as Date, everyHours),
    byTarget,
  ) as Date;
  if (!version.expiresOn) return ours || takenOverOn <= version.createdOn ? byAge : byTakeover;
  const validHours = (version.expiresOn.getTime() - version.createdOn.getTime()) / 3_600_000;
  const byExpiry = addHours(version.expiresOn, -leadHours(validHours, graceHours));
  return earliest(byExpiry, ceiling, ours ? byAge : byTakeover) as Date;
}

const leadHours = (validHours: number, graceHours: number): number =>
  Math.max(graceHours, Math.min(MONTH_HOURS, validHours / 4));

/** As with the expiry of a version; of a life that is hardly longer than its grace, in the middle of it. */
function beforeEnd(on: Date, since: Date, graceHours: number): Date {
  const validHours = (on.getTime() - since.getTime()) / 3_600_000;
  if (validHours <= 0) return on;
  return addHours(on, -Math.min(leadHours(validHours, graceHours), validHours / 2));
}

/** Until then a version is too young to be replaced, whoever wrote it. */
export const soonestOn = (createdOn: Date, policy: Policy): Date =>
  addHours(createdOn, soonestHours(policy));

/** So young a version is not replaced. */
export const soonestHours = ({ graceHours }: Pick<Policy, 'graceHours'>): number =>
  Math.max(TOO_SOON_HOURS, graceHours);

/** What the vault judged when it refused a version: as long as this is the same, asking again brings nothing. */
export const termsOf = (
  policy: Policy,
  contentType: string | undefined,
  capDays: number | undefined,
): string => JSON.stringify([policy.everyHours, capDays ?? null, contentType ?? null]);
