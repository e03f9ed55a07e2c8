/**
 * Policy: how often, how long the old credential lives on, when Keyturn may change things. Merged key by key: the
 * secret's tag, then the vault's tag `keyturn-policy`, then the settings. An unknown key is an error (design section 2).
 */
import { addHours, earliest } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import type { VersionInfo } from '../vault/vault.ts';
import { parseWindow, type Window } from './window.ts';

export interface Policy {
  readonly everyHours: number;
  readonly graceHours: number;
  readonly window?: Window;
  readonly paused: boolean;
}

const DAY = 24;
/** What Keyturn does where nobody says anything: nothing lives longer than 90 days (60 d and 30 d of notice). */
const DEFAULTS = { everyHours: 60 * DAY, graceHours: 48, paused: false };
/** The SDK corrupts dates past 2038-01-19 (azure-facts 8.3). */
const LAST_EXPIRY = new Date('2038-01-18T00:00:00Z');
const MONTH_HOURS = 30 * DAY;
const TOO_SOON_HOURS = 24;

/** A source of policy text and the name by which an error calls it. */
export interface PolicySource {
  readonly where: string;
  readonly text: string | undefined;
}

/** The first source that names a key wins. Throws `bad-tags` naming the source, the key and what it takes. */
export function mergePolicy(sources: readonly PolicySource[]): Policy {
  const parsed = sources.map(parsePolicy);
  const merged: Policy = Object.assign({}, DEFAULTS, ...parsed.reverse());
  if (merged.graceHours >= merged.everyHours) {
    throw new KeyturnError('bad-tags', {
      detail: `${sources[0]?.where}: grace (${merged.graceHours} h) must be shorter than every (${merged.everyHours} h).`,
    });
  }
  return merged;
}

export function parsePolicy({ where, text }: PolicySource): Partial<Policy> {
  const policy: { -readonly [K in keyof Policy]?: Policy[K] } = {};
  const seen = new Set<string>();
  for (const part of (text ?? '').split(';').filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const [key, value] = [part.slice(0, Math.max(at, 0)).trim().toLowerCase(), part.slice(at + 1).trim()];
    const wrong = (expected: string) =>
      new KeyturnError('bad-tags', {
        detail: `${where}: ${quote(part.trim())} is not understood; expected ${expected}.`,
      });
    if (seen.has(key)) throw wrong(`${key} once`);
    seen.add(key);
    if (key === 'every')
      policy.everyHours = hours(value, 1, 3650 * DAY) ?? fail(wrong('every=<n>d or <n>h, from 1h to 3650d'));
    else if (key === 'grace')
      policy.graceHours = hours(value, 0, 365 * DAY) ?? fail(wrong('grace=<n>h or <n>d, from 0h to 365d'));
    else if (key === 'window')
      policy.window = parseWindow(value) ?? fail(wrong('window=Sat-Sun 01:00-05:00 Europe/Berlin'));
    else if (key === 'paused')
      policy.paused = /^(true|false)$/.test(value) ? value === 'true' : fail(wrong('paused=true or paused=false'));
    else throw wrong('every, grace, window or paused');
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
  const validHours = Math.min(policy.everyHours + MONTH_HOURS, (capDays ?? Number.POSITIVE_INFINITY) * DAY) - 1;
  return earliest(addHours(now, validHours), LAST_EXPIRY) as Date;
}

/** When a version is due (design section 2, "Dates"; case EG-06). */
export function dueOn(version: Pick<VersionInfo, 'createdOn' | 'expiresOn'>, ours: boolean, policy: Policy): Date {
  const byAge = addHours(version.createdOn, policy.everyHours);
  if (!version.expiresOn) return byAge;
  const validHours = (version.expiresOn.getTime() - version.createdOn.getTime()) / 3_600_000;
  const leadHours = Math.max(policy.graceHours, Math.min(MONTH_HOURS, validHours / 4));
  const byExpiry = addHours(version.expiresOn, -leadHours);
  return ours ? (earliest(byAge, byExpiry) as Date) : byExpiry;
}

/** Until then a version is too young to be replaced, whoever wrote it. */
export const soonestOn = (createdOn: Date, policy: Policy): Date =>
  addHours(createdOn, Math.max(TOO_SOON_HOURS, policy.graceHours));

/** What the vault judged when it refused a version: as long as this is the same, asking again brings nothing. */
export const planOf = (policy: Policy, contentType: string | undefined, capDays: number | undefined): string =>
  JSON.stringify([policy.everyHours, capDays ?? null, contentType ?? null]);
