/** How secrets are shown: the shape of the answers, and the answers. Never a value; strangers' text quoted (case SEC-06). */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { plain } from '../core/plain.ts';
import { isReason, reasonRow } from '../core/reasons.ts';
import { SECRET_STATUSES, type SecretStatus } from '../core/statuses.ts';
import type { Following } from '../ports/consumers.ts';
import { ConsumerResultBody, consumerResultBody } from './consumersBody.ts';

const date = z.iso.datetime();
const maybeDate = date.optional();

/** A secret as the last look saw it. */
export const SecretBody = z.strictObject({
  vault: z.string(),
  secret: z.string(),
  state: z.enum(SECRET_STATUSES),
  version: z.string().optional(),
  rotator: z.string().optional(),
  target: z.string().optional(),
  owner: z.string().optional().describe('The tag of the owner, as the parameter `owner` takes it.'),
  createdOn: maybeDate.describe('When the current version was made.'),
  credentialSince: maybeDate.describe(
    'Since when its credential has been in use, in whatever version: writing a value again makes it no younger.',
  ),
  expiresOn: maybeDate,
  dueOn: maybeDate.describe('When the next rotation is due.'),
  owed: z.array(z.string()).describe('Handles of older credentials that are still to be revoked.'),
  revokeAfter: maybeDate.describe('Until then the credentials in `owed` live on.'),
  heldUntil: maybeDate.describe(
    'A person put a hold on it: nothing is rotated or revoked until then.',
  ),
  exempt: z
    .strictObject({ reason: z.string(), until: date, ticket: z.string().optional() })
    .optional()
    .describe('Its owner exempts it from rotation until then (the tag `rotator-exempt`).'),
  notes: z
    .array(z.string())
    .optional()
    .describe(
      'What else is there at the target, for a person to tidy up: client secrets that people made.',
    ),
  failures: z.int().describe('Failed rotations in a row.'),
  last: z
    .strictObject({
      step: z.string(),
      reason: z.string(),
      cause: z.string().optional(),
      detail: z.string().optional(),
      remedy: z.string().optional(),
      by: z.string().optional().describe('Who must act.'),
    })
    .optional()
    .describe('What the last look came to.'),
  lastFailure: z
    .strictObject({
      reason: z.string(),
      detail: z.string(),
      remedy: z.string().optional(),
      by: z.string().optional().describe('Who must act.'),
      on: date,
    })
    .optional()
    .describe('Why the last rotation failed; there until one goes well, or none is due.'),
  lookedOn: maybeDate,
  nextLookOn: maybeDate,
  likelyKind: z
    .string()
    .optional()
    .describe(
      'Of one that has not opted in, as what follows: the kind that it seems to be, by content type, name or the tags of samples.',
    ),
  contentType: z.string().optional(),
  updatedOn: maybeDate,
  enabled: z.boolean().optional(),
  certificate: z.boolean().optional().describe('It belongs to a certificate, which renews it.'),
});

export const SecretsBody = z.strictObject({
  secrets: z.array(SecretBody),
  continuation: z.string().optional().describe('There where more follow.'),
});

export const VersionBody = z.strictObject({
  version: z.string(),
  state: z
    .enum(['current', 'owed', 'revoked', 'replaced', 'foreign'])
    .describe(
      '`owed`: its credential is still to be revoked. `replaced`: its slot has the credential of the current version. `foreign`: not written by Keyturn.',
    ),
  handle: z.string().optional().describe('The slot or key id of its credential.'),
  rotation: z.string().optional(),
  proved: z.boolean().describe('Whether a pass after the store used the value.'),
  enabled: z.boolean(),
  createdOn: date,
  expiresOn: maybeDate,
});

export const SecretDetailBody = SecretBody.extend({
  consumers: z
    .array(ConsumerResultBody)
    .optional()
    .describe(
      'Who reads it, as their owners declare it, and whether they have followed to the current version.',
    ),
  versions: z.array(VersionBody).describe('Newest first.'),
});

/** The fields of a secret that are shown. */
export interface ShownSecret {
  readonly vault: string;
  readonly name: string;
  readonly failures: number;
  readonly step?: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly lookedOn?: Date;
  readonly nextLookOn?: Date;
  readonly lastFailure?: { readonly reason: string; readonly detail: string; readonly on: Date };
  readonly view: {
    readonly state: SecretStatus;
    readonly version?: string;
    readonly rotator?: string;
    readonly target?: string;
    readonly owner?: string;
    readonly createdOn?: Date;
    readonly credentialSince?: Date;
    readonly expiresOn?: Date;
    readonly dueOn?: Date;
    readonly revokeAfter?: Date;
    readonly heldUntil?: Date;
    readonly exempt?: { readonly reason: string; readonly until: Date; readonly ticket?: string };
    readonly notes?: readonly string[];
    readonly owed: readonly string[];
  };
  readonly found?: {
    readonly likelyKind?: string;
    readonly contentType?: string;
    readonly updatedOn: Date;
    readonly enabled: boolean;
    readonly certificate: boolean;
  };
}
export interface ShownVersion {
  readonly id: string;
  readonly state: z.infer<typeof VersionBody>['state'];
  readonly handle?: string;
  readonly rotation?: string;
  readonly proved: boolean;
  readonly enabled: boolean;
  readonly createdOn: Date;
  readonly expiresOn?: Date;
}

export const secretsBody = (
  items: readonly ShownSecret[],
  continuation?: string,
): Record<string, unknown> =>
  compact({
    secrets: items.map(secretBody),
    continuation,
  });

export const secretDetailBody = (
  item: ShownSecret & {
    readonly versions: readonly ShownVersion[];
    readonly consumers?: Following;
  },
) => ({
  ...secretBody(item),
  ...(item.consumers === undefined || item.consumers.version !== item.view.version
    ? {}
    : { consumers: item.consumers.consumers.map(consumerResultBody) }),
  versions: item.versions.map(({ id, ...version }) => ({ version: id, ...version })),
});

function secretBody({
  vault,
  name,
  failures,
  lookedOn,
  nextLookOn,
  lastFailure,
  view,
  found,
  ...more
}: ShownSecret) {
  const { owner, rotator, target, owed, notes, exempt, ...dates } = view;
  return compact({
    vault,
    secret: name,
    ...dates,
    rotator: rotator === undefined ? undefined : printable(rotator),
    target: target === undefined ? undefined : printable(target),
    owner: owner === undefined ? undefined : plain(owner),
    exempt: exempt === undefined ? undefined : exemptOf(exempt),
    notes: notes?.map(printable),
    owed: owed.map(printable),
    failures,
    lookedOn,
    nextLookOn,
    last: lastOf(more),
    lastFailure: lastFailure === undefined ? undefined : failureOf(lastFailure),
    ...(found === undefined ? {} : foundBody(found)),
  });
}

const foundBody = ({ contentType, ...found }: NonNullable<ShownSecret['found']>) =>
  compact({
    ...found,
    contentType: contentType === undefined ? undefined : plain(contentType),
  });

const exemptOf = ({ reason, until, ticket }: NonNullable<ShownSecret['view']['exempt']>) =>
  compact({
    reason: printable(reason),
    until,
    ticket: ticket === undefined ? undefined : printable(ticket),
  });

function lastOf({ step, reason, detail }: Pick<ShownSecret, 'step' | 'reason' | 'detail'>) {
  if (step === undefined || reason === undefined) return undefined;
  const { cause, remedy, by } = isReason(reason) ? reasonRow(reason) : {};
  const said = detail === undefined ? undefined : printable(detail);
  return { step: printable(step), reason: printable(reason), cause, detail: said, remedy, by };
}

function failureOf({ reason, detail, on }: NonNullable<ShownSecret['lastFailure']>) {
  const { remedy, by } = isReason(reason) ? reasonRow(reason) : {};
  return { reason: printable(reason), detail: printable(detail), remedy, by, on };
}

/** A row is input like any other: what it says is shown in ASCII, whoever wrote it. */
const printable = (text: string): string =>
  text.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
