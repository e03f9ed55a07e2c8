/** What of a pass is worth telling: the step that it took, and of what a person has to be reminded. */
import { addDays, minutesBetween } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { reasonRow } from '../../core/reasons.ts';
import type { AuditRecord } from '../../ports/audit.ts';
import type { NewNotice } from '../../ports/notices.ts';
import type { Operation } from '../../ports/operations.ts';
import type { Reminded, SecretRow } from '../../ports/rows.ts';
import { parseState } from '../../tags/state.ts';
import type { Step } from '../step.ts';
import type { PassEnd } from './end.ts';

/** What a record of the audit says was done: of what failed the alerts tell. Told twice it has the same ids. */
export function newsOfRecord(record: AuditRecord): readonly NewNotice[] {
  const {
    step,
    outcome,
    rotation,
    operation,
    stored,
    handle,
    version,
    revokedVersions = [],
    refusedOn,
  } = record;
  if (outcome !== 'done' && outcome !== 'recovered') return [];
  const common = { rotation, operation };
  if (step === 'rotate' && stored !== undefined)
    return [
      {
        ...common,
        type: record.reason === 'undo' ? 'undone' : 'rotated',
        incident: [stored],
        version: stored,
        handle,
      },
    ];
  if (step === 'prove' && version !== undefined) return [provedNews(version, common)];
  if (step !== 'revoke') return [];
  const detail =
    refusedOn === undefined ? undefined : `The target refused the old value on ${refusedOn}.`;
  return revokedVersions.map((gone, at) => ({
    ...{ ...common, type: 'revoked', incident: [gone], version: gone, detail },
    handle: record.handles?.[at],
  }));
}

const provedNews = (
  version: string,
  common: Pick<NewNotice, 'rotation' | 'operation'>,
): NewNotice => ({
  ...common,
  type: 'proved',
  incident: [version],
  version,
});

/**
 * A proof whose pass died before it wrote the row: the row has the version's state without the proof that stands on it. (A step
 * that was recorded is made up for with its record, which a proof is not.)
 */
export function missedProof(
  { seen, step }: PassEnd,
  row: SecretRow | undefined,
): readonly NewNotice[] {
  if (
    !seen ||
    step.kind === 'prove' ||
    row?.wroteVersion !== seen.current.id ||
    row.wroteState === undefined
  )
    return [];
  const { state, observed, current } = seen;
  const known = parseState(row.wroteState);
  if (!observed.proved || state?.proved === undefined || known?.proved === state.proved) return [];
  return known?.rot === state.rot ? [provedNews(current.id, { rotation: state.rot })] : [];
}

/** Days before the date at which something has to have been done. */
const TIERS = [1, 7, 14, 30] as const;
const EXPIRING_DAYS = 7;
const KEPT_MAX = 20;

export interface Reminding {
  readonly news: readonly NewNotice[];
  /** For the row: with what is told now. */
  readonly reminded: Reminded | undefined;
}

/** What people are reminded of once a version: what waits for them, what will not happen by itself, what is about to expire. */
export function remindersOf(
  end: PassEnd,
  operations: readonly Operation[],
  row: SecretRow | undefined,
  now: Date,
): Reminding {
  const current = end.bound?.current ?? end.trail?.current;
  if (!current || end.step.kind === 'skip' || end.trail?.leaving !== undefined)
    return { news: [], reminded: row?.reminded };
  const before = row?.reminded?.version === current.id ? row.reminded.of : [];
  const found = [
    ...leaks(operations, current.id),
    ...waiting(end.step, current.id),
    ...dated(end, current, row, now),
  ];
  const fresh = found.filter(({ key }) => !before.includes(key));
  // One cause is told once: what waits for an approval, or is refused for the first time, is told as that and not, in the same
  // breath, with the days that it has left.
  const asks = fresh.some(({ key }) => key === 'approval') || isFirstRefusal(end.step, row);
  const told = fresh.filter(({ news }) => !(asks && news.type === 'due-soon'));
  const of = [...before, ...fresh.map(({ key }) => key)].slice(-KEPT_MAX);
  return {
    news: told.map(({ news }) => news),
    reminded: of.length > 0 ? { version: current.id, of } : undefined,
  };
}

const isFirstRefusal = ({ kind, reason }: Step, row: SecretRow | undefined): boolean =>
  kind === 'refuse' && row?.alert?.split(',').includes(reason) !== true;

interface Reminder {
  readonly key: string;
  readonly news: NewNotice;
}

/** Somebody has said that the credential leaked. */
const leaks = (operations: readonly Operation[], version: string): readonly Reminder[] =>
  operations
    .filter(({ leaked, phase }) => leaked !== undefined && phase === 'accepted')
    .map(({ id }) => ({
      key: `leak ${id}`,
      news: { type: 'leaked', incident: [id], operation: id, version, detail: LEAKED },
    }));
const LEAKED =
  'Somebody reported that the credential leaked: it is replaced, and what leaked is revoked at once.';

function waiting({ kind, reason }: Step, version: string): readonly Reminder[] {
  if (kind !== 'wait' || reason !== 'approval') return [];
  return [
    { key: 'approval', news: { type: 'approval-needed', incident: [version], reason, version } },
  ];
}

/** Waits that nothing ends by itself, beside those whose reason names who must act. */
const CHOSEN: readonly Step['reason'][] = ['hold', 'paused', 'approval'];

function isStuck(step: Step): boolean {
  if (step.kind === 'refuse') return step.quiet !== true;
  return (
    step.kind === 'wait' && (CHOSEN.includes(step.reason) || reasonRow(step.reason).by !== 'nobody')
  );
}

function dated(
  { step, bound, seen }: PassEnd,
  { id: version, expiresOn }: { readonly id: string; readonly expiresOn?: Date | undefined },
  row: SecretRow | undefined,
  now: Date,
): readonly Reminder[] {
  const detail = 'detail' in step ? step.detail : undefined;
  const about = { reason: step.reason, version, ...compact({ detail }) };
  if (isStuck(step) && expiresOn !== undefined) {
    const tier = tierOf(expiresOn, now);
    if (tier === undefined) return [];
    const severity = tier === 1 ? 'critical' : 'warning';
    const incident = [version, 'expires', String(tier)];
    const news: NewNotice = {
      ...about,
      type: expiresOn <= now ? 'expiring' : 'due-soon',
      incident,
      severity,
      dueOn: expiresOn,
    };
    return [{ key: `expires ${expiresOn <= now ? 0 : tier}`, news }];
  }
  if (step.kind !== 'wait') return [];
  if (expiresOn !== undefined && expiresOn <= addDays(now, EXPIRING_DAYS))
    return [
      {
        key: 'expiring',
        news: { ...about, type: 'expiring', incident: [version], dueOn: expiresOn },
      },
    ];
  // One credential at a time: who uses it has to be ready, though nobody has to act.
  const dueOn = seen?.observed.dueOn ?? row?.view?.dueOn;
  const tier =
    bound?.optIn.rotator.overlap === 'none' && dueOn !== undefined ? tierOf(dueOn, now) : undefined;
  if (tier === undefined || dueOn === undefined || dueOn <= now) return [];
  const news: NewNotice = {
    type: 'due-soon',
    incident: [version, 'due', String(tier)],
    version,
    dueOn,
    detail: INTERRUPTS,
  };
  return [{ key: `due ${tier}`, news }];
}
const INTERRUPTS =
  'It takes one credential at a time: whoever uses it may be interrupted for a short time when it is rotated.';

/** The smallest number of days that is left no more. */
const tierOf = (on: Date, now: Date): number | undefined =>
  TIERS.find((days) => minutesBetween(now, on) <= days * 24 * 60);

/** When the next reminder of a date may come: looks that nothing else asks for are not more than these. */
export function nextReminder({ bound, seen, step }: PassEnd, now: Date): Date | undefined {
  if (bound?.optIn.rotator.overlap !== 'none' || step.kind !== 'wait' || !seen) return undefined;
  const { dueOn } = seen.observed;
  return [...TIERS]
    .reverse()
    .map((days) => addDays(dueOn, -days))
    .find((on) => on > now);
}
