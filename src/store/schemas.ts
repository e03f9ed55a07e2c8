/** Rows as JSON, read through strict schemas: whoever may write the table must not feed the code what it does not expect. */
import { z } from 'zod';
import {
  DETAIL_MAX,
  type Doctored,
  OUTCOMES,
  PROBLEMS_MAX,
  REMEDY_MAX,
} from '../core/diagnosis.ts';
import { SECRET_NAME, VAULT_NAME, VERSION_ID } from '../core/ids.ts';
import { NoticeBody } from '../core/noticeBody.ts';
import { ACTORS, isReason, type Reason } from '../core/reasons.ts';
import type { WrongTry } from '../core/serverAnswer.ts';
import { CONSUMER_STATES, PHASES, SECRET_STATUSES } from '../core/statuses.ts';
import type { CountedAlert } from '../ports/alerts.ts';
import type { ConsumerResult, Following } from '../ports/consumers.ts';
import type {
  Operation,
  OperationConsumer,
  OperationResult,
  RevokeWhen,
} from '../ports/operations.ts';
import type {
  Begun,
  FailedRotation,
  LastFailure,
  Reminded,
  SecretRow,
  SecretView,
  SharerRow,
  Unlisted,
} from '../ports/rows.ts';

const date = z.iso.datetime().transform((text) => new Date(text));
const word = z.string().max(128);
const words = z.string().max(2_000);
const version = z.string().regex(VERSION_ID);
export const revokeWhen = z.custom<RevokeWhen>(
  (given) => typeof given === 'string' && /^(after-grace|now|[1-9]\d{0,3}[hd])$/.test(given),
);
const count = z.number().int().min(0).max(1_000_000);
const ref = {
  vault: z.string().regex(VAULT_NAME).lowercase(),
  name: z.string().regex(SECRET_NAME).lowercase(),
};

/** An absent member is left out, as `exactOptionalPropertyTypes` wants it; JSON has no undefined. */
const maybe = <T extends z.ZodType>(schema: T) => z.exactOptional(schema);

/** Every member of a row has a schema, or a release that adds one would lose its own rows: `satisfies` says so. */
type Shape<T> = Record<keyof T, z.ZodType>;

const View = z.strictObject({
  state: z.enum(SECRET_STATUSES),
  version: maybe(version),
  rotator: maybe(word),
  target: maybe(words),
  owner: maybe(z.string().max(256)),
  createdOn: maybe(date),
  credentialSince: maybe(date),
  expiresOn: maybe(date),
  dueOn: maybe(date),
  revokeAfter: maybe(date),
  heldUntil: maybe(date),
  exempt: maybe(z.strictObject({ reason: z.string().max(256), until: date, ticket: maybe(word) })),
  owed: z.array(word).max(500),
  notes: maybe(z.array(words).max(100)),
} satisfies Shape<SecretView>);

const Tried = z.strictObject({
  handle: word,
  digest: z.string().regex(/^[0-9a-f]{8}$/),
  on: date,
  changedOn: maybe(date),
} satisfies Shape<WrongTry>);

const reason = z.custom<Reason>((given) => typeof given === 'string' && isReason(given));
const Problem = z.strictObject({
  check: word,
  outcome: z.enum(OUTCOMES),
  reason: maybe(reason),
  detail: maybe(z.string().max(DETAIL_MAX)),
  remedy: maybe(z.string().max(REMEDY_MAX)),
  who: maybe(z.enum(ACTORS)),
  from: maybe(word),
} satisfies Shape<Doctored['problems'][number]>);
const Doctor = z.strictObject({
  on: date,
  problems: z.array(Problem).max(PROBLEMS_MAX),
  untold: z.array(z.strictObject({ check: word, from: maybe(word) })).max(50),
  asked: z.array(z.strictObject({ question: word, on: date })).max(20),
} satisfies Shape<Doctored>);

const ConsumerRow = z.strictObject({
  id: z.string().max(1_000),
  kind: word,
  state: z.enum(CONSUMER_STATES),
  on: date,
  calledOn: maybe(date),
  tries: maybe(count),
  nextOn: maybe(date),
  detail: maybe(z.string().max(400)),
} satisfies Shape<ConsumerResult>);
const Follow = z.strictObject({
  version,
  listedOn: maybe(date),
  tries: maybe(count),
  nextOn: maybe(date),
  detail: maybe(words),
  consumers: z.array(ConsumerRow).max(50),
} satisfies Shape<Following>);

const Secret = z.strictObject({
  ...ref,
  wroteVersion: maybe(version),
  wroteState: maybe(z.string().max(256)),
  wrote: maybe(z.array(version).max(10)),
  begun: maybe(
    z.strictObject({
      tgt: z.string().regex(/^[0-9a-f]{8}$/),
      rotation: z.string().regex(/^[0-9a-f]{16}$/),
      on: date,
    } satisfies Shape<Begun>),
  ),
  seenUpdatedOn: maybe(date),
  step: maybe(word),
  reason: maybe(word),
  detail: maybe(words),
  lookedOn: maybe(date),
  nextLookOn: maybe(date),
  failures: count,
  alert: maybe(words),
  wouldAlert: maybe(words),
  operations: maybe(z.array(z.uuid()).max(60)),
  tries: maybe(count),
  standing: maybe(z.strictObject({ reason: word, since: date })),
  settlingUntil: maybe(date),
  retryOn: maybe(date),
  lastFailure: maybe(
    z.strictObject({ reason: word, detail: words, on: date } satisfies Shape<LastFailure>),
  ),
  refusedPlan: maybe(words),
  wrong: maybe(z.array(Tried).max(100)),
  takenOverOn: maybe(date),
  age: maybe(z.strictObject({ version, since: date, currentSince: date })),
  view: maybe(View),
  doctor: maybe(Doctor),
  untold: maybe(z.array(NoticeBody).max(20)),
  reminded: maybe(z.strictObject({ version, of: z.array(word).max(50) } satisfies Shape<Reminded>)),
  consumers: maybe(Follow),
} satisfies Shape<SecretRow>);

const Sharer = z.strictObject({
  ...ref,
  target: words,
  handle: maybe(word),
  issuedOn: maybe(date),
  owes: z.array(z.strictObject({ handle: word, after: date })).max(500),
} satisfies Shape<SharerRow>);

const Result = z.strictObject({
  version: maybe(version),
  handle: maybe(word),
  revokeAfter: maybe(date),
  revoked: maybe(z.array(word).max(500)),
  refusedOn: maybe(date),
  vouchedBy: maybe(words),
  evidence: maybe(z.array(words).max(500)),
  besides: maybe(z.array(words).max(200)),
  consumers: maybe(
    z
      .array(
        z.strictObject({
          id: z.string().max(1_000),
          state: z.enum(CONSUMER_STATES),
          on: date,
        } satisfies Shape<OperationConsumer>),
      )
      .max(50),
  ),
} satisfies Shape<OperationResult>);

const Request = z.strictObject({
  id: z.uuid(),
  ...ref,
  version,
  caller: word,
  phase: z.enum(PHASES),
  done: z.boolean(),
  call: maybe(z.uuid()),
  recorded: maybe(z.literal(true)),
  override: z.array(word).max(50),
  revoke: revokeWhen,
  rotateAgain: maybe(z.literal(true)),
  undo: maybe(z.literal(true)),
  leaked: maybe(z.enum(['one', 'both'])),
  parent: maybe(z.uuid()),
  at: maybe(z.union([z.literal('now'), date])),
  hold: maybe(date.nullable()),
  note: maybe(words),
  ticket: maybe(words),
  createdOn: date,
  updatedOn: date,
  steps: z.array(z.strictObject({ on: date, step: word, reason: word })).max(200),
  result: maybe(Result),
  reason: maybe(word),
  detail: maybe(words),
} satisfies Shape<Operation>);

const Counted = z.strictObject({
  ...ref,
  reason,
  owedSince: maybe(date),
  detail: maybe(words),
  by: maybe(word),
  remedy: maybe(words),
  owner: maybe(z.string().max(256)),
  kind: maybe(word),
  target: maybe(words),
  expiresOn: maybe(date),
  notice: maybe(z.uuid()),
  logged: maybe(z.literal(true)),
} satisfies Shape<CountedAlert>);

const AlertHour = z.strictObject({ group: z.string().max(200), on: date });
const Mark = z.strictObject({ ...ref, on: date });
const Swept = z.strictObject({ vault: ref.vault, on: date });
const Failures = z.strictObject({ type: word, failures: count });
const Failed = z.strictObject({
  ...ref,
  type: word,
  target: word,
  since: date,
  on: date,
} satisfies Shape<FailedRotation>);
const Probe = z.strictObject({ type: word, vault: ref.vault, on: date });
const UnlistedVault = z.strictObject({
  vault: ref.vault,
  since: date,
  told: z.boolean(),
} satisfies Shape<Unlisted>);

/** Reads one kind of row; undefined for what does not parse. */
export type Reader<T> = (json: unknown) => T | undefined;
/** A reader of rows by their schema. */
export const reader =
  <T>(schema: z.ZodType<T>): Reader<T> =>
  (json) => {
    if (typeof json !== 'string') return undefined;
    try {
      return schema.safeParse(JSON.parse(json)).data;
    } catch {
      return undefined; // not JSON: absent, like every row that does not parse
    }
  };

export const readSecret: Reader<SecretRow> = reader(Secret);
export const readSharer: Reader<SharerRow> = reader(Sharer);
export const readOperation: Reader<Operation> = reader(Request);
export const readCounted: Reader<CountedAlert> = reader(Counted);
export const readAlertHour = reader(AlertHour);
export const readMark = reader(Mark);
export const readSwept = reader(Swept);
export const readFailures = reader(Failures);
export const readFailed: Reader<FailedRotation> = reader(Failed);
export const readProbe = reader(Probe);
export const readUnlisted: Reader<Unlisted> = reader(UnlistedVault);

/** Vault and name of a sharer's row whose content is lost, from columns of their own. */
export const readRef = (row: { vault?: unknown; name?: unknown }) =>
  z.object(ref).safeParse({ vault: row.vault, name: row.name }).data;

/** Longest texts that a row takes; what is longer is cut when it is written. */
export const WORDS_MAX = 2_000;
export const STEPS_MAX = 200;
