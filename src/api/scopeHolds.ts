/** Holds by scope as people set, see and lift them: how each is shown, and what comes due while it stands (design section 3, "Holds by scope"). */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { type SecretRef, tagOf } from '../core/ids.ts';
import { plain } from '../core/plain.ts';
import type { SecretStatus } from '../core/statuses.ts';
import type { AuditRecord } from '../ports/audit.ts';
import type { Deps } from '../ports/deps.ts';
import type { HoldScope, ScopeHold } from '../ports/holds.ts';
import type { SecretRow } from '../ports/rows.ts';
import { isAbout, scopeInWords } from '../reconcile/observe/onHold.ts';
import { append, inLog } from '../reconcile/record/auditRecord.ts';
import type { Caller } from './auth.ts';

/** So many are named; all are counted. */
const NAMED_MAX = 100;
const date = z.iso.datetime();

export const ScopeBody = z.union([
  z.strictObject({ all: z.literal(true) }),
  z.strictObject({ vault: z.string() }),
  z.strictObject({ owner: z.string() }),
  z.strictObject({ kind: z.string() }),
  z.strictObject({ target: z.string() }),
]);

const Named = z.strictObject({
  count: z.number(),
  secrets: z
    .array(z.strictObject({ vault: z.string(), secret: z.string(), on: date }))
    .describe(`The first ${NAMED_MAX}, the earliest first.`),
});

export const ScopeHoldBody = z.strictObject({
  id: z.uuid(),
  scope: ScopeBody,
  until: date,
  except: z.array(z.string()),
  heals: z.boolean().describe('Values that no longer open their target are replaced all the same.'),
  caller: z.string().describe('Object id of whoever set it.'),
  note: z.string(),
  ticket: z.string(),
  createdOn: date,
});

export const NewHoldBody = z.strictObject({
  ...ScopeHoldBody.shape,
  held: z.number().describe('Secrets that it is about, by the last looks.'),
  due: Named.describe('Those of them that come due before its end.'),
  expiring: Named.describe('Those of them whose current version expires before its end.'),
  releaseHours: z
    .number()
    .describe('Hours that the rate of rotations takes afterwards for those that have come due.'),
});

export const ScopeHoldsBody = z.strictObject({
  holds: z.array(ScopeHoldBody).describe('Those that stand, the earliest to end first.'),
  freeze: z
    .array(z.strictObject({ from: date, until: date, text: z.string() }))
    .describe('What the settings freeze and is not over.'),
});

export const scopeHoldBody = ({ note, ticket, ...hold }: ScopeHold) => ({
  ...hold,
  note: plain(note),
  ticket: plain(ticket),
});

/** Of these nothing comes due. */
const NOT_HELD: readonly SecretStatus[] = [
  'unmanaged',
  'exempt',
  'gone',
  'not-served',
  'certificate',
];

interface Dated extends SecretRef {
  readonly on: Date;
}
export interface Foretold {
  readonly held: number;
  readonly due: readonly Dated[];
  readonly expiring: readonly Dated[];
  readonly releaseHours: number;
}

/** What the inventory says of the secrets in the scope: read once, when a hold is set. */
export async function foretold(
  hold: Pick<ScopeHold, 'scope' | 'except' | 'until'>,
  deps: Deps,
): Promise<Foretold> {
  const { rows, vaults, vaultTags, config } = deps;
  const { scope, until } = hold;
  const about: SecretRow[] = [];
  for (const vault of vaults.names) {
    if ('vault' in scope && scope.vault !== vault) continue;
    const vaultOwner =
      'owner' in scope ? tagOf(await vaultTags(vault), config.ownerTag) : undefined;
    for (const row of await rows.secretsOf(vault)) {
      const { view } = row;
      if (!view?.rotator || NOT_HELD.includes(view.state)) continue;
      const targets = view.target === undefined ? [] : [view.target, ...parentsOf(view.target)];
      if (isAbout(hold, { ...row, owner: view.owner ?? vaultOwner, kind: view.rotator, targets }))
        about.push(row);
    }
  }
  const dated = (on: 'dueOn' | 'expiresOn') =>
    about
      .flatMap(({ vault, name, view }): Dated[] =>
        view?.[on] && view[on] < until ? [{ vault, name, on: view[on] }] : [],
      )
      .sort((one, other) => +one.on - +other.on);
  const due = dated('dueOn');
  return {
    held: about.length,
    due,
    expiring: dated('expiresOn'),
    releaseHours: releaseHours(due, config.rate),
  };
}

/** A login's id begins with that of its server. */
function parentsOf(target: string): readonly string[] {
  const parts = target.split('/');
  return parts.slice(9).map((_, at) => parts.slice(0, 9 + at).join('/'));
}

function releaseHours(
  due: readonly Dated[],
  { perVault, overall }: Deps['config']['rate'],
): number {
  const most = Math.max(
    0,
    ...[...Map.groupBy(due, ({ vault }) => vault).values()].map(({ length }) => length),
  );
  const hours = (count: number, rate: number) =>
    rate === 0 ? Number.MAX_SAFE_INTEGER : Math.ceil(count / rate);
  return due.length === 0 ? 0 : Math.max(hours(most, perVault), hours(due.length, overall));
}

export const namedBody = (dated: readonly Dated[]) => ({
  count: dated.length,
  secrets: dated.slice(0, NAMED_MAX).map(({ vault, name, on }) => ({ vault, secret: name, on })),
});

/** Written before the row: what has no record is not put off, and not lifted. Throws `BusyError` where it can not be written. */
export async function recordHold(
  { id, scope, note, ticket }: Pick<ScopeHold, 'id' | 'scope' | 'note' | 'ticket'>,
  until: Date | undefined,
  { oid, kind }: Caller,
  deps: Deps,
): Promise<void> {
  const record: AuditRecord = {
    on: deps.clock.now(),
    ...{
      vault: '*',
      name: '*',
      step: 'request',
      reason: 'asked',
      outcome: 'accepted',
      cause: 'http',
    },
    ...{
      instance: deps.config.instance,
      caller: oid,
      as: kind,
      operation: id,
      scope: plain(scopeInWords(scope)),
    },
    ...{ hold: until?.toISOString() ?? 'none', note: plain(note), ticket: plain(ticket) },
  };
  const unwritten = await append(record, deps);
  if (unwritten) throw unwritten;
  deps.log('info', 'audit', inLog(record));
}

/** The port, which every deployment has. */
export function holdsOf({ holds }: Deps): NonNullable<Deps['holds']> {
  if (!holds) throw new KeyturnError('not-found');
  return holds;
}

/** In lower case, as ids are compared; throws `not-found` for a vault that this instance does not serve. */
export function knownScope(
  scope: HoldScope,
  { vaults, rotators }: Pick<Deps, 'vaults' | 'rotators'>,
): HoldScope {
  if ('vault' in scope) {
    const vault = scope.vault.toLowerCase();
    if (!vaults.names.includes(vault)) throw new KeyturnError('not-found');
    return { vault };
  }
  if ('kind' in scope) {
    const kind = scope.kind.toLowerCase();
    if (!rotators.types.includes(kind))
      throw new KeyturnError('bad-request', {
        detail: `scope.kind names no kind; there are ${rotators.types.join(', ')}.`,
      });
    return { kind };
  }
  return 'target' in scope ? { target: scope.target.toLowerCase() } : scope;
}
