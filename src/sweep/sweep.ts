/**
 * The sweep: lists every vault, finds the opted-in secrets that need attention and queues a look for each; it is what
 * serves a vault without events, and what makes the index of targets complete. Reads no values.
 */
import { addDays, addMinutes, earliest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError, withoutText } from '../core/errors.ts';
import { type SecretRef, tagOf } from '../core/ids.ts';
import { typeOfAlert } from '../core/noticeTypes.ts';
import { maySpread, SPREADING_MINUTES } from '../core/passing.ts';
import { unquoted } from '../core/quote.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow, SharerRow } from '../ports/rows.ts';
import type { SecretItem, Vault } from '../ports/vault.ts';
import { aboutSecret } from '../tags/about.ts';
import { EXEMPT_TAG } from '../tags/exempt.ts';
import { formerTarget, isHashed } from '../tags/formerTarget.ts';
import { targetsLeft } from '../tags/leaving.ts';
import { isOptedIn, leavingBy, optInTags, slotTargetOf } from '../tags/optIn.ts';
import { stateOrNone } from '../tags/owed.ts';
import { handOn, noticeOf } from '../tags/tellOf.ts';
import { tellCounted } from './alertGroups.ts';
import { tellHandedOver, tellUnserved } from './handedOver.ts';
import { keepReport } from './keepReport.ts';
import { type UnmanagedIn, unmanagedIn } from './notOptedIn.ts';
import { paceOf } from './pace.ts';
import { inSeats } from './seats.ts';
import { suggest } from './suggest.ts';
import { tellFreezes } from './tellFreezes.ts';
import { Turns, waitingLook } from './turns.ts';
import { endedAs, forgetUnserved, sweepVanished } from './vanished.ts';

export interface SweepReport {
  readonly vaults: number;
  readonly secrets: number;
  readonly optedIn: number;
  readonly queued: number;
  /** Opted in, enabled, and past their expiry or within seven days of it. */
  readonly expiring: number;
  /** Vaults that could not be listed from end to end; they keep their rows. */
  readonly unlisted: readonly string[];
  readonly optInLost: readonly string[];
}

/** Vaults listed side by side: enough for speed, few enough to stay far below the throttle (azure-facts 2.6). */
const SIDE_BY_SIDE = 5;
/** One that gives no page for so long lets the next vault begin. */
const SLOW_MILLISECONDS = 10_000;
/** New secrets are added to the index by so many at a time. */
const UNPLACED_MAX = 500;
/** So near to its expiry a secret is told by every sweep, the first ones by name: alerts outside the app count these. */
const EXPIRING_DAYS = 7;
const EXPIRING_NAMED_MAX = 100;

/**
 * One sweep over all vaults, those first whose last complete one is the longest ago. May overlap another: looks are hints,
 * and marks only say what was listed (case FN-06). Throws what is not understood, after every other vault had its turn.
 */
export async function sweep(deps: Deps): Promise<SweepReport> {
  const counts = { vaults: 0, secrets: 0, optedIn: 0, queued: 0, expiring: 0 };
  const total = { ...counts, unlisted: [] as string[], optInLost: [] as string[] };
  await tellCounted(deps);
  await tellFreezes(deps);
  const pace = paceOf(deps.clock, () => deps.vaults.names.length);
  const turns = new Turns(async ({ vault, name, lane }) => {
    await deps.queue.put({ vault, name, cause: 'sweep' }, pace.delayOf(vault, lane));
    total.queued++;
  });
  const sweptOn = await lastSwept(deps);
  const heldSince = await holdsChangedOn(deps);
  const { seated, ended } = inSeats(
    oldestFirst(deps.vaults.names, sweptOn),
    SIDE_BY_SIDE,
    async (name, leave) => {
      const vault = deps.vaults.open(name);
      if (vault)
        await sweepOne(vault, { total, turns, leave, first: !sweptOn.has(name), heldSince }, deps);
    },
  );
  await tellUnserved(sweptOn.keys(), deps);
  await forgetUnserved(sweptOn, deps);
  // In turns over all vaults, but those that do not answer delay nobody's looks.
  await seated;
  await queueAll(turns, deps);
  const [failure] = await ended;
  await queueAll(turns, deps);
  deps.log('info', 'swept', {
    ...total,
    unlisted: total.unlisted.join(','),
    optInLost: total.optInLost.length,
  });
  await keepReport(deps);
  await suggest(deps);
  if (failure !== undefined) throw failure;
  return total;
}

/** When somebody set or lifted a hold of many secrets: what was held before that is looked at again. */
async function holdsChangedOn({ holds, log }: Deps): Promise<Date | undefined> {
  try {
    return (await holds?.read())?.changedOn;
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    log('warn', 'holds not read', { reason: error.reason });
    return undefined;
  }
}

/** Nothing, where the table does not answer: then each vault counts as never listed. */
async function lastSwept({ rows, log }: Deps): Promise<ReadonlyMap<string, Date>> {
  try {
    return await rows.sweptOn();
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    log('warn', 'sweep in no order', { reason: error.reason });
    return new Map();
  }
}

function oldestFirst(
  names: readonly string[],
  sweptOn: ReadonlyMap<string, Date>,
): readonly string[] {
  const age = (name: string) => sweptOn.get(name)?.getTime() ?? 0;
  return [...names].sort((one, other) => age(one) - age(other));
}

/** What can't be queued now, the next sweep finds again. */
async function queueAll(turns: Turns, { log }: Deps): Promise<void> {
  try {
    await turns.flush();
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    log('warn', 'sweep broken off', { reason: error.reason });
  }
}

type Total = {
  -readonly [K in keyof SweepReport]: SweepReport[K] extends readonly string[]
    ? string[]
    : SweepReport[K];
};

type Course = Pick<Known, 'total' | 'turns' | 'first' | 'heldSince'> & {
  readonly leave: () => void;
};

async function sweepOne(
  vault: Vault,
  { total, turns, leave, first, heldSince }: Course,
  deps: Deps,
): Promise<void> {
  const startedOn = deps.clock.now();
  total.vaults++;
  // Real time, whatever the clock: it only decides who is waited for.
  const slow = setTimeout(leave, SLOW_MILLISECONDS).unref();
  try {
    const rows = new Map((await deps.rows.secretsOf(vault.name)).map((row) => [row.name, row]));
    const others = await tellHandedOver(vault.name, rows.values(), deps);
    const sharers = await deps.rows.sharersIn(vault.name);
    const unmanaged = await unmanagedIn(vault.name, deps);
    const placed = new Map(sharers.map((each) => [`${each.name} ${each.target}`, each]));
    const listed = new Set<string>();
    const unplaced: SharerRow[] = [];
    const formers = new Set<string>();
    for await (const page of vault.list()) {
      slow.refresh();
      for (const item of page) {
        listed.add(item.name.toLowerCase());
        const known = {
          rows,
          sharers: placed,
          total,
          turns,
          unplaced,
          formers,
          first,
          others,
          unmanaged,
          heldSince,
        };
        await sweepItem(vault, item, known, deps);
      }
      if (unplaced.length >= UNPLACED_MAX) await deps.rows.addSharers(unplaced.splice(0));
    }
    if (unplaced.length > 0) await deps.rows.addSharers(unplaced);
    const isOver = ({ name, target }: SharerRow) =>
      !listed.has(name) || (isHashed(target) && !formers.has(`${name} ${target}`));
    for (const sharer of sharers.filter(isOver)) await deps.rows.dropSharer(sharer);
    await deps.rows.markSwept(vault.name, startedOn);
    if (await deps.rows.unlisted(vault.name)) await deps.rows.dropUnlisted(vault.name);
    await sweepVanished(rows.values(), listed, turns, deps);
    await unmanaged.save();
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    total.unlisted.push(vault.name);
    // Keyturn's own table did not answer: nothing is wrong with the vault, and the next sweep comes within the hour.
    if (error.reason === 'storage-busy')
      deps.log('warn', 'sweep broken off', { vault: vault.name, reason: error.reason });
    else await alertOnce(vault, error, deps);
  } finally {
    clearTimeout(slow);
  }
}

/**
 * One alert until the vault has been listed again; the record of every sweep names it anyway (case UA-4). What a role that is
 * spreading gives as well is told when it has lasted (finding COR-02).
 */
async function alertOnce(
  { name }: Vault,
  { reason, detail, facts }: KeyturnError,
  deps: Deps,
): Promise<void> {
  const known = await deps.rows.unlisted(name);
  if (known?.told) return;
  const now = deps.clock.now();
  const since = known?.since ?? now;
  const told = !maySpread(reason) || now >= addMinutes(since, SPREADING_MINUTES);
  // What an instance that only observes would alert, it has not alerted.
  await deps.rows.saveUnlisted({
    vault: name,
    since,
    told: told && deps.config.mode !== 'observe',
  });
  if (!told) return;
  const identity = maySpread(reason) ? deps.config.identity : undefined;
  const { status, code } = facts;
  const stake = await atStake(name, deps);
  deps.log('error', 'alert', { vault: name, reason, ...stake, detail, identity, status, code });
  const { owner, expiresOn } = stake;
  const news = {
    type: typeOfAlert(reason),
    incident: [reason, since.toISOString()],
    reason,
    detail,
  };
  await handOn(
    noticeOf({ vault: name, name: '*' }, news, compact({ owner, expiresOn }), deps),
    deps,
  );
}

/** Who owns the vault, by the same tag as a secret's owner, and how many secrets wait there until when at the latest. */
async function atStake(vault: string, { rows, vaultTags, config }: Deps) {
  const quietly = <T>(asked: Promise<T>): Promise<T | undefined> =>
    asked.catch((error: unknown) => {
      if (error instanceof KeyturnError) return undefined; // what keeps the vault from being listed may keep this, too
      throw error;
    });
  const tags = await quietly(vaultTags(vault));
  const known = (await quietly(rows.secretsOf(vault))) ?? [];
  const owner = tags && tagOf(tags, config.ownerTag);
  return {
    owner: owner === undefined ? undefined : unquoted(owner),
    count: known.length,
    expiresOn: earliest(...known.map(({ view }) => view?.expiresOn)),
  };
}

interface Known {
  readonly rows: ReadonlyMap<string, SecretRow>;
  /** By name and target. */
  readonly sharers: ReadonlyMap<string, SharerRow>;
  readonly total: Total;
  readonly turns: Turns;
  /** New ones of the index; they are there before their neighbours are looked at. */
  readonly unplaced: SharerRow[];
  /** Name and place of those whose state is about another target than their tags. */
  readonly formers: Set<string>;
  /** The table knows of no complete listing of the vault: it is new here, or the table was lost. */
  readonly first: boolean;
  /** Another instance serves the vault. */
  readonly others: boolean;
  readonly unmanaged: UnmanagedIn;
  /** When the holds by scope were changed last. */
  readonly heldSince: Date | undefined;
}

async function sweepItem(
  vault: Vault,
  item: SecretItem,
  { rows, sharers, total, turns, unplaced, formers, first, others, unmanaged, heldSince }: Known,
  deps: Deps,
): Promise<void> {
  const ref: SecretRef = { vault: vault.name, name: item.name.toLowerCase() };
  const row = rows.get(ref.name);
  total.secrets++;
  // The vault was another instance's at the last look, and is this one's again.
  const isBack = !others && row?.reason === 'other-instance';
  const { tags, target, former } = tagsOf(item, ref, deps);
  if (former !== undefined) {
    formers.add(`${ref.name} ${former}`);
    if (!sharers.has(`${ref.name} ${former}`)) unplaced.push({ ...ref, target: former, owes: [] });
  }
  if (!isOptedIn(tags)) {
    if (!others) unmanaged.see(item, row);
    if (row?.view && leavingBy(item.tags) === 'lost')
      total.optInLost.push(`${ref.vault}/${ref.name}`);
    if (
      isBack ||
      leftNeedsLook(item, row, deps) ||
      (first && row === undefined && (await findsLeft(vault, item, deps)))
    )
      await turns.add(waitingLook(ref, item, row));
    return;
  }
  total.optedIn++;
  tellExpiry(ref, item, row, total, deps);
  const sharer = sharers.get(`${ref.name} ${target}`);
  // The row of a former target stays until the secret is gone: its readers may still use what it kept there.
  if (target !== undefined && !sharer) unplaced.push({ ...ref, target, owes: [] });
  const slotUnknown = target !== undefined && sharer?.handle === undefined;
  if (!isBack && !isReleased(row, heldSince, deps) && !needsLook(item, row, slotUnknown, deps))
    return;
  await turns.add(waitingLook(ref, item, row));
}

function tellExpiry(
  ref: SecretRef,
  item: SecretItem,
  row: SecretRow | undefined,
  total: Total,
  deps: Deps,
): void {
  const { enabled, expiresOn } = item;
  if (!enabled || expiresOn === undefined || expiresOn > addDays(deps.clock.now(), EXPIRING_DAYS))
    return;
  if (total.expiring++ >= EXPIRING_NAMED_MAX) return;
  const { owner, kind, target } = aboutSecret({ secret: ref, row, current: item }, deps);
  deps.log('warn', 'expiring', {
    ...ref,
    expiresOn,
    owner,
    kind,
    target,
    reason: row?.reason,
    mode: deps.config.mode,
  });
}

/**
 * What the tags say, also where they say what nobody thought of: the others of the vault must still be listed (invariant 9). The
 * look that follows throws the same, and is told by the secret's name.
 */
function tagsOf(item: SecretItem, ref: SecretRef, { config, rotators, log }: Deps) {
  const tags = optInTags(item.tags, ref, config);
  try {
    const target = slotTargetOf(tags, ref, rotators);
    return { tags, target, former: formerTarget(tags, target) };
  } catch (error) {
    log('error', 'tags not read', { ...ref, detail: withoutText(error).message });
    return { tags, target: undefined, former: undefined };
  }
}

/** Held at its last look, and the hold is over, or somebody has changed one since. */
function isReleased(
  row: SecretRow | undefined,
  heldSince: Date | undefined,
  { clock }: Deps,
): boolean {
  if (row?.view?.state !== 'held' || !row.lookedOn) return false;
  if (heldSince && row.lookedOn <= heldSince) return true;
  const { heldUntil } = row.view;
  return heldUntil !== undefined && heldUntil <= clock.now();
}

/** New to us, changed since the last look, its next look is due, or nobody knows which slot it keeps. */
function needsLook(
  item: SecretItem,
  row: SecretRow | undefined,
  slotUnknown: boolean,
  deps: Deps,
): boolean {
  if (item.managed) return false;
  // One look at what its owner switched off says what is still owed; what was never looked at owes nothing.
  if (!item.enabled && (!row?.lookedOn || endedAs(row, 'disabled'))) return false;
  // What waits for the index is looked at with the sweep that completes it, and with the next one.
  if (!row?.lookedOn || row.reason === 'index' || row.untold !== undefined) return true;
  if (row.nextLookOn && row.nextLookOn <= deps.clock.now()) return true;
  if (row.seenUpdatedOn?.getTime() !== item.updatedOn.getTime()) return true;
  if (overdue(item, row.lookedOn, deps)) return true;
  // Its last look found no slot; until it is asked again others count it as keeping every one.
  return slotUnknown && row.step !== 'refuse';
}

/** Whatever the row says of the next look, a secret near its expiry is looked at daily and any other weekly. */
function overdue({ expiresOn }: SecretItem, lookedOn: Date, { clock }: Deps): boolean {
  const now = clock.now();
  const near = expiresOn !== undefined && expiresOn <= addDays(now, 30);
  return lookedOn <= addDays(now, near ? -1 : -7);
}

/**
 * Of a secret that is not opted in: what it owed at the last look, or may owe since it was changed. What is left for good is
 * looked at again when it changes, or when its exemption ends; a stranger's secret never.
 */
function leftNeedsLook(item: SecretItem, row: SecretRow | undefined, deps: Deps): boolean {
  if (item.managed) return false;
  if (!row?.lookedOn)
    return row?.view !== undefined || tagOf(item.tags, EXEMPT_TAG) !== undefined || hasState(item);
  if (row.step === 'skip' && LEFT.includes(row.reason ?? '')) {
    if (row.nextLookOn && row.nextLookOn <= deps.clock.now()) return true;
    return item.enabled && row.seenUpdatedOn?.getTime() !== item.updatedOn.getTime();
  }
  // The last look took it for one that is opted in, and no tag of its own need have changed.
  const unseen = row.step !== 'skip' && row.step !== 'refuse' && row.view?.state !== 'leaving';
  return (unseen && item.enabled) || needsLook(item, row, false, deps);
}

const LEFT: readonly string[] = ['not-opted-in', 'opted-out', 'exempt'];
const hasState = ({ tags }: SecretItem): boolean => stateOrNone(tags)?.tgt !== undefined;

/**
 * A version without any tags hides what older ones owe, and the row that would tell is not there: once for each vault the
 * versions are listed, without their values, and what owes something gets a row, by which every later sweep finds it.
 */
async function findsLeft(
  vault: Vault,
  { name, managed }: SecretItem,
  { rows }: Deps,
): Promise<boolean> {
  if (managed) return false;
  const ref = { vault: vault.name, name: name.toLowerCase() };
  const versions = await vault.versions(name);
  const left = targetsLeft({ secret: ref, versions, current: '', state: undefined });
  if (left.length === 0) return false;
  const handles = versions
    .flatMap(({ tags }) => stateOrNone(tags) ?? [])
    .filter(({ revoked }) => !revoked);
  const owed = [...new Set(handles.flatMap(({ cred }) => cred ?? []))];
  await rows.saveSecret({ ...ref, failures: 0, view: { state: 'leaving', owed } });
  return true;
}
