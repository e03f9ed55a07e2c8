/**
 * Many alerts of one vault, reason and kind are one: the first is raised at once, those of other secrets within the hour are
 * counted in the table, and the next sweep tells them together, ten of them with what each would have said by itself. Each
 * secret shows its reason in the inventory meanwhile.
 */
import { remedyOf } from '../core/alertWords.ts';
import { earliest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import type { LogFields } from '../core/log.ts';
import { inRole } from '../core/neededRights.ts';
import { typeOfAlert } from '../core/noticeTypes.ts';
import { quote } from '../core/quote.ts';
import { ACTORS, reasonRow } from '../core/reasons.ts';
import type { CountedAlert } from '../ports/alerts.ts';
import type { Deps } from '../ports/deps.ts';
import type { Notice } from '../ports/notices.ts';
import { handOn, noticeOf } from '../tags/tellOf.ts';

const NAMES_MAX = 10;
/** Of what one secret says among others. */
const DETAIL_MAX = 300;

type Reached = Pick<Deps, 'alerts' | 'locks' | 'log' | 'config' | 'rotators' | 'clock' | 'notices'>;

/** One alert for each vault, reason and kind that was counted. Killed between telling and forgetting, the next sweep tells again. */
export async function tellCounted(deps: Reached): Promise<void> {
  if (deps.config.mode === 'observe') return; // what was alerted before stays counted until the instance runs again
  try {
    if (!(await isAnyCounted(deps))) return;
    const lock = await deps.locks.take('alerts');
    if (!lock) return; // another sweep is telling
    try {
      await tellAll(deps);
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    // They stay counted, and the next sweep comes within the hour.
    deps.log('warn', 'alerts not told', { reason: error.reason });
  }
}

async function isAnyCounted({ alerts }: Reached): Promise<boolean> {
  for await (const page of alerts.counted()) if (page.length > 0) return true;
  return false;
}

async function tellAll(deps: Reached): Promise<void> {
  const { alerts, log, rotators } = deps;
  const groups = new Map<string, CountedAlert[]>();
  for await (const page of alerts.counted()) {
    for (const alert of page) {
      const key = `${alert.vault} ${alert.reason} ${alert.kind ?? ''}`;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push(alert);
    }
  }
  for (const group of groups.values()) {
    const fresh = group.filter(({ logged }) => !logged);
    if (isSome(fresh)) log('error', 'alert', groupFields(fresh, rotators));
    const left = await tellOwners(group, deps);
    // Of what could not be handed on the notice is still to be told, and the alert is not.
    for (const alert of left) if (!alert.logged) await alerts.count({ ...alert, logged: true });
    await alerts.told(group.filter((alert) => !left.includes(alert)));
  }
}

type Some = readonly [CountedAlert, ...CountedAlert[]];
const isSome = (group: readonly CountedAlert[]): group is Some => group.length > 0;

/** One notice for each owner, who hears of their own alone; what could not be handed on. */
async function tellOwners(
  group: readonly CountedAlert[],
  deps: Reached,
): Promise<readonly CountedAlert[]> {
  const owners = Map.groupBy(
    group.filter(({ notice }) => notice !== undefined),
    ({ owner }) => owner,
  );
  const left: CountedAlert[] = [];
  for (const theirs of owners.values())
    if (isSome(theirs) && !(await handOn(groupNotice(theirs, deps), deps))) left.push(...theirs);
  return left;
}

/** Of one the notice that it would have had by itself; of many one that names ten, with an id that follows from theirs. */
function groupNotice(group: Some, deps: Reached): Notice {
  const [first] = group;
  const { vault, name, reason, by, remedy, notice: id, detail, owedSince } = first;
  const type = typeOfAlert(reason);
  const about = {
    owner: first.owner,
    kind: first.kind,
    target: first.target,
    expiresOn: first.expiresOn,
  };
  const news = { type, reason, remedy, incident: group.map(({ notice = '' }) => notice).sort() };
  const actor = ACTORS.find((each) => each === by);
  if (group.length === 1) {
    const alone = noticeOf(
      { vault, name },
      { ...news, by: actor, detail, owedSince },
      compact(about),
      deps,
    );
    return { ...alone, id: id ?? alone.id };
  }
  const fields = groupFields(group, deps.rotators);
  const { details, owedSince: since, expiresOn, remedy: helps } = fields;
  const shared = compact({
    owner: first.owner,
    kind: first.kind,
    expiresOn: expiresOn as Date | undefined,
  });
  const many = {
    ...news,
    remedy: String(helps),
    detail: String(details),
    owedSince: since as Date | undefined,
  };
  return {
    ...noticeOf({ vault, name: '*' }, many, shared, deps),
    count: group.length,
    names: group.slice(0, NAMES_MAX).map((each) => each.name),
  };
}

/** What is common to all stands in the fields of a single alert; what each says for itself, in `details`. */
function groupFields(group: Some, rotators: Deps['rotators']): LogFields {
  const [first] = group;
  const { vault, reason, kind } = first;
  const rotator = kind === undefined ? undefined : rotators.get(kind);
  const common = remedyOf(
    reason,
    { vault, kind, actions: rotator && inRole(rotator.rights) },
    rotator?.remedies,
  );
  const shown = group.slice(0, NAMES_MAX);
  const remedies = new Set(group.map(({ remedy }) => remedy));
  const oneRemedy = remedies.size === 1 && first.remedy !== undefined;
  const owedSince = earliest(...group.map((alert) => alert.owedSince));
  const expiresOn = earliest(...group.map((alert) => alert.expiresOn));
  const distinct = (all: readonly (string | undefined)[]) =>
    listed([...new Set(all.filter((each) => each !== undefined))]) || undefined;
  return compact({
    vault,
    reason,
    by: common.by,
    remedy: oneRemedy ? first.remedy : `${common.remedy} ${EACH}`,
    count: group.length,
    names: shown.map(({ name }) => quote(name)).join(', '),
    owner: distinct(group.map(({ owner }) => owner)),
    kind,
    target: distinct(group.map(({ target }) => target)),
    expiresOn,
    details: [...shown.map((each) => lineOf(each, !oneRemedy)), ...restOf(group)].join('\n'),
    owedSince,
  });
}

/** The first ten, and how many there are beside them. */
function listed(all: readonly string[]): string {
  const rest = all.length - NAMES_MAX;
  return `${all.slice(0, NAMES_MAX).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Where those are found that are not named. */
function restOf(group: readonly CountedAlert[]): readonly string[] {
  const rest = group.length - NAMES_MAX;
  const [{ vault = '', reason = '' } = {}] = group;
  return rest > 0
    ? [`And ${rest} more: GET /api/secrets?vault=${vault} lists each with its reason, ${reason}.`]
    : [];
}

const EACH = 'What helps each of them stands in `details`.';

/** `"st-a" of team-orders, storage-account-key at /subscriptions/…, expires 2027-01-05: why. What helps.` */
function lineOf(
  { name, owner, kind, target, expiresOn, detail, reason, remedy }: CountedAlert,
  withRemedy: boolean,
): string {
  const what = [
    `${quote(name)}${owner === undefined ? '' : ` of ${owner}`}`,
    ...(kind === undefined && target === undefined
      ? []
      : [`${kind ?? 'unknown kind'} at ${target ?? 'no target'}`]),
    ...(expiresOn ? [`expires ${expiresOn.toISOString().slice(0, 10)}`] : []),
  ].join(', ');
  const why = (detail ?? reasonRow(reason).cause).slice(0, DETAIL_MAX);
  return `${what}: ${why}${withRemedy && remedy !== undefined ? ` ${remedy}` : ''}`;
}
