/** Requests of people, as the calls that ask for a change share them: judged, written down as an operation, and put on the queue as a look. */
import { randomUUID } from 'node:crypto';
import { addMinutes } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError, RefusedError } from '../core/errors.ts';
import { type SecretRef, uuidOf } from '../core/ids.ts';
import { mask } from '../core/mask.ts';
import { UNRECORDED_MINUTES } from '../core/statuses.ts';
import type { Deps } from '../ports/deps.ts';
import type { Operation } from '../ports/operations.ts';
import type { SecretRow } from '../ports/rows.ts';
import type { Version } from '../ports/vault.ts';
import { type BoundSecret, observeVault, type Trail } from '../reconcile/observe/observeVault.ts';
import { askedFor } from '../reconcile/pass.ts';
import { type Preview, previewOf, previewUnbound, type Refusal } from '../reconcile/preview.ts';
import { append, inLog, recordOfRequest } from '../reconcile/record/auditRecord.ts';
import { olderOurs } from '../tags/owed.ts';
import type { Caller } from './auth.ts';
import { type CallInput, type GuardedCall, guarded, SECRET, type Shape } from './call.ts';
import {
  OperationBody,
  operationBody,
  PlanBody,
  previewBody,
  RETRY_SECONDS,
} from './operationBody.ts';
import { type Answer, answer } from './problem.ts';
import { fromPath } from './receive.ts';

/** A request of a caller about a secret. */
export interface Request<Body> {
  readonly caller: Caller;
  readonly ref: SecretRef;
  readonly asked: Body;
  /** The header `Idempotency-Key`: a repeat by this caller for this secret answers the same operation. */
  readonly idempotencyKey?: string;
}

type Name = 'rotate' | 'revoke' | 'hold' | 'undo' | 'leaked';
/** What an operation says of the request itself. */
export type RequestWishes = Pick<
  Operation,
  'override' | 'revoke' | 'rotateAgain' | 'undo' | 'leaked' | 'at' | 'hold' | 'note' | 'ticket'
>;

/** The operation that a request became, or, of a dry run, what would come of it. */
export type RequestAnswer = { readonly operation: Operation } | { readonly preview: Preview };

/** A call that asks for a change of a secret: it is judged now, and a pass does the work. */
export function asking<Body>({
  judge,
  ...call
}: Pick<GuardedCall<Body>, 'name' | 'summary' | 'description' | 'roles' | 'byVault'> & {
  readonly name: Name;
  readonly body: Shape<Body>;
  judge(request: Request<Body>, deps: Deps): Promise<RequestAnswer>;
}): GuardedCall<Body, undefined> {
  return guarded<Body, undefined>({
    ...call,
    method: 'POST',
    path: `${SECRET}/${call.name}`,
    answers: {
      200: {
        description: 'Of a dry run: what would happen.',
        body: { name: 'PlanBody', schema: PlanBody },
      },
      202: {
        description: 'Accepted.',
        body: { name: 'OperationBody', schema: OperationBody },
        headers: { 'Operation-Location': 'uri-reference', 'Retry-After': 'text' },
      },
      409: {
        description: 'It can not be met: `reason` says why, `overridable` what could be set aside.',
        isProblem: true,
      },
    },
    run: async (deps, caller, asked) => answerOf(await judge(requestOf(caller, asked), deps)),
  });
}

const requestOf = <Body>(
  caller: Caller,
  { path, body, idempotencyKey }: CallInput<Body>,
): Request<Body> => ({
  caller,
  ref: fromPath(path),
  asked: body,
  ...compact({ idempotencyKey }),
});

/**
 * 202, with the address at which the operation can be followed; or, of a dry run, what would come of it. The address is relative:
 * the header `Host` is the caller's own word (case ATK-12).
 */
function answerOf(done: RequestAnswer): Answer {
  if ('preview' in done) return answer(200, previewBody(done.preview));
  return answer(202, operationBody(done.operation), {
    'operation-location': `/api/operations/${done.operation.id}`,
    'retry-after': RETRY_SECONDS,
  });
}

const OPEN_MAX = 50;
/** All of these look like a secret that is not there (design section 5). */
const UNSEEN = ['not-allowed', 'gone', 'disabled', 'managed', 'other-instance'];
/** These too, unless Keyturn had to do with it: then it is seen, and that it was opted out is said. */
const OPTED_OUT = ['not-opted-in', 'opted-out', 'exempt'];

type AnyRequest = Request<{ readonly dryRun: boolean }>;

/**
 * What they have in common: a repeat is answered first, then the secret, the request and what would come of it are judged.
 * Writes a row and a message, nothing in vault or target; a dry run writes nothing at all. `check` throws why not.
 */
export async function accepted(
  name: Name,
  request: AnyRequest,
  wanted: RequestWishes,
  deps: Deps,
  check: (bound: BoundSecret) => void | Promise<void>,
): Promise<RequestAnswer> {
  const { caller, ref, asked, idempotencyKey } = request;
  const repeatable = idempotencyKey !== undefined && !asked.dryRun;
  const id = repeatable ? repeatableId(name, request, idempotencyKey) : randomUUID();
  const earlier = repeatable ? await deps.rows.operation(id) : undefined;
  if (earlier?.recorded) return { operation: await repeated(earlier, wanted, deps) };

  const found = await seen(ref, deps);
  if ('wrong' in found) {
    if (!asked.dryRun) throw found.wrong;
    return { preview: previewUnbound(found.wrong, { secret: ref, ...found }, deps) };
  }
  const { bound } = found;
  await check(bound);
  const preview = await previewOf(
    bound,
    askedFor({ ...wanted, version: bound.current.id, createdOn: deps.clock.now() }),
    deps,
    {
      all: asked.dryRun,
    },
  );
  if (asked.dryRun) return { preview };
  if (preview.refusal) throw refused(preview.refusal, bound);
  return { operation: await accept({ id, caller, bound, wanted }, deps) };
}

function refused({ reason, detail, ...more }: Refusal, bound: BoundSecret): RefusedError {
  const said = reason === 'owed-first' ? owedInWords(bound, detail) : detail;
  return new RefusedError(reason, { detail: said, ...more });
}

/** What is owed, by the tags. */
function owedInWords(
  { secret, versions, current, tgt, state }: BoundSecret,
  otherwise: string,
): string {
  const owed = olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot }).filter(
    ({ handle }) => handle !== undefined && handle !== state?.cred,
  );
  if (owed.length === 0) return otherwise;
  const named = [
    ...new Set(owed.map(({ handle, version }) => `${handle} of version ${version}`)),
  ].join(', ');
  return `Still owed${state?.after ? ` until ${state.after.toISOString()}` : ''}: ${named}.`;
}

interface Acceptable {
  readonly id: string;
  readonly caller: Caller;
  readonly bound: BoundSecret;
  readonly wanted: RequestWishes;
}

/** How long one of several equal calls waits for the one that was first: then it answers 503, and the caller asks again. */
const TURNS = 50;
const TURN_MILLISECONDS = 100;

/**
 * Makes the operation's row, writes its audit record and queues its look, in this order: of equal calls at once exactly one
 * makes the row (case ATK-13), and what has no record is not accepted. The others answer with the operation once it is.
 */
async function accept({ id, caller, bound, wanted }: Acceptable, deps: Deps): Promise<Operation> {
  for (let turn = 0; turn < TURNS; turn++) {
    const now = deps.clock.now();
    const operation: Operation = {
      id,
      ...bound.secret,
      version: bound.current.id,
      caller: caller.oid,
      phase: 'accepted',
      done: false,
      ...wanted,
      call: randomUUID(),
      createdOn: now,
      updatedOn: now,
      steps: [],
    };
    if (await deps.rows.createOperation(operation)) return await complete(operation, caller, deps);
    const there = await deps.rows.operation(id);
    if (there?.recorded) return await repeated(there, wanted, deps);
    // After a lost answer the row may be this call's own.
    if (there && there.call === operation.call) return await complete(operation, caller, deps);
    if (there && addMinutes(there.createdOn, UNRECORDED_MINUTES) < now) {
      // Whoever made it died before the record.
      await deps.rows.saveOperation(operation);
      return await complete(operation, caller, deps);
    }
    await deps.clock.sleep(TURN_MILLISECONDS);
  }
  throw new BusyError('storage-busy', { detail: 'An equal request is being accepted; ask again.' });
}

async function complete(made: Operation, { kind }: Caller, deps: Deps): Promise<Operation> {
  const record = recordOfRequest(made, kind, deps);
  try {
    await takeRoom(made, deps);
    const unwritten = await append(record, deps);
    if (unwritten) throw unwritten;
  } catch (error) {
    await deps.rows.dropOperation(made.id);
    throw error;
  }
  deps.log('info', 'audit', inLog(record));
  // The row before the message: the pass reads from it what was asked for.
  const operation: Operation = { ...made, recorded: true };
  await deps.rows.saveOperation(operation);
  await enqueue(operation, deps);
  return operation;
}

/**
 * At most 50 open operations of a caller, whatever comes at once (case ATK-13). The row is there before it is counted, so the
 * last of those that are accepted has counted all the others. Of more than fit the youngest give way, and the others look again.
 */
async function takeRoom({ id, caller, createdOn }: Operation, deps: Deps): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) {
    const open = await deps.rows.openOperations(caller);
    if (open.length <= OPEN_MAX) return;
    const before = open.filter(
      (each) =>
        each.createdOn < createdOn ||
        (each.createdOn.getTime() === createdOn.getTime() && each.id < id),
    );
    if (before.length >= OPEN_MAX) break;
    await deps.clock.sleep(TURN_MILLISECONDS);
  }
  throw new KeyturnError('too-many-operations');
}

/** Thrown about a secret that is there and opted in. */
export const MENDABLE = [
  'bad-tags',
  'unknown-rotator',
  'kind-off',
  'own-storage',
  'target-changed',
  'state-newer',
  'not-opted-in',
  'still-owed',
  'exempt-ended',
] as readonly string[];

/** What the vault holds of an opted-in secret. Tags that a person must mend are said at once, with their reason. */
export async function visible(ref: SecretRef, deps: Deps): Promise<BoundSecret> {
  const found = await seen(ref, deps);
  if ('wrong' in found) throw found.wrong;
  return found.bound;
}

/** A secret that the caller may see: bound to its target, or what a person must mend about it before it is. */
export type SeenSecret =
  | { readonly bound: BoundSecret }
  | {
      readonly wrong: KeyturnError;
      readonly row: SecretRow | undefined;
      readonly current: Version | undefined;
    };

export async function seen(ref: SecretRef, deps: Deps): Promise<SeenSecret> {
  const row = await deps.rows.secret(ref);
  const trail: Trail = {};
  try {
    return { bound: await observeVault(ref, undefined, row, deps, trail) };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    if (UNSEEN.includes(error.reason)) throw new KeyturnError('not-found');
    const { current } = trail;
    if (!OPTED_OUT.includes(error.reason)) {
      if (!MENDABLE.includes(error.reason)) throw error;
      return { wrong: error, row, current };
    }
    if (!row?.view && !trail.leaving) throw new KeyturnError('not-found');
    return { wrong: new KeyturnError('not-opted-in'), row, current };
  }
}

/** What the caller said beside it. */
export const notesOf = ({
  note,
  ticket,
}: {
  note?: string | undefined;
  ticket?: string | undefined;
}) =>
  compact({
    // Masked before they are written anywhere: a value pasted as a note would stay in row and audit (finding ATK-07).
    note: note === undefined ? undefined : mask(note),
    ticket: ticket === undefined ? undefined : mask(ticket),
  });

async function repeated(earlier: Operation, asked: RequestWishes, deps: Deps): Promise<Operation> {
  if (JSON.stringify(wantedIn(earlier)) !== JSON.stringify(wantedIn(asked)))
    throw new KeyturnError('bad-request', {
      detail: 'This Idempotency-Key belongs to another request.',
    });
  // The first call may have died between row and message; a second look is harmless.
  if (earlier.phase === 'accepted') await enqueue(earlier, deps);
  return earlier;
}

const wantedIn = ({
  override,
  revoke,
  rotateAgain,
  leaked,
  undo,
  at,
  hold,
  note,
  ticket,
}: RequestWishes): readonly unknown[] => [
  override,
  revoke,
  rotateAgain === true,
  leaked ?? null,
  undo === true,
  at ?? null,
  hold === undefined ? 'none' : hold,
  note ?? null,
  ticket ?? null,
];

const enqueue = ({ id, vault, name, version }: Operation, { queue }: Deps): Promise<void> =>
  queue.put({ vault, name, version, cause: 'http', operation: id });

/** From caller, route and key. */
const repeatableId = (
  route: Name,
  { caller, ref: { vault, name } }: Request<unknown>,
  key: string,
): string => uuidOf(caller.oid, route, vault, name, key);
