/** A notice as programs get it: CloudEvents 1.0, one type for each kind of notice (schemas: docs/events). */
import { z } from 'zod';
import { NoticeBody } from '../core/noticeBody.ts';
import { NOTICE_TYPES, type NoticeType } from '../core/noticeTypes.ts';
import { reasonRow } from '../core/reasons.ts';
import type { Notice } from '../ports/notices.ts';

/** `keyturn.secret.due_soon.v1`: names of webhooks' events have no `-` (specification of Standard Webhooks). */
export const eventType = (type: NoticeType): string =>
  `keyturn.secret.${type.replaceAll('-', '_')}.v1`;

const text = z.string();
const on = z.iso.datetime();
/** What an event carries: members that are not known are left out. Members may be added, none is renamed within `v1`. */
const Data = z.strictObject({
  instance: text.meta({ description: 'KEYTURN_INSTANCE of who tells.' }),
  severity: NoticeBody.shape.severity.meta({ description: 'How loud it is.' }),
  vault: text.meta({ description: 'Name of the vault; `*` where it is about none by itself.' }),
  name: text.meta({ description: 'Name of the secret; `*` where it is about many.' }),
  reason: text.optional().meta({ description: 'Code of docs/reasons.md.' }),
  cause: text.optional().meta({ description: 'What the reason means.' }),
  detail: text.optional().meta({ description: 'What was seen, in words.' }),
  by: text.optional().meta({ description: 'Who should act.' }),
  remedy: text.optional().meta({ description: 'What helps.' }),
  owner: text
    .optional()
    .meta({ description: 'By the owner tag of the secret; text of a stranger.' }),
  kind: text.optional().meta({ description: 'Rotator type.' }),
  target: text.optional().meta({ description: 'Resource id, or id of the application.' }),
  version: text.optional().meta({ description: 'Version of the secret that it is about.' }),
  rotation: text.optional().meta({ description: 'Ties what belongs to one rotation together.' }),
  handle: text.optional().meta({ description: 'Public name of the credential, as `key2`.' }),
  operation: text.optional().meta({ description: 'The request that it was done for.' }),
  dueOn: on.optional().meta({ description: 'When it comes, or by when somebody has to act.' }),
  expiresOn: on.optional().meta({ description: 'When the version expires.' }),
  owedSince: on.optional().meta({ description: 'Since when an older credential should be gone.' }),
  consumer: text.optional().meta({ description: 'Who reads the secret.' }),
  count: z.int().optional().meta({ description: 'Of many that are told as one: how many.' }),
  names: z.array(text).optional().meta({ description: 'The first of their names.' }),
  link: text.optional().meta({ description: 'Where the reason is explained.' }),
});
type Data = z.infer<typeof Data>;

export interface NoticeEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Data;
}

/** The event of a notice; the same for the same notice. */
export function eventOf(notice: Notice, publicUrl: string | undefined): NoticeEvent {
  const { id, type, on: time, ...rest } = notice;
  const cause = notice.reason === undefined ? undefined : reasonRow(notice.reason).cause;
  const link = linkOf(notice, publicUrl);
  return {
    specversion: '1.0',
    id,
    type: eventType(type),
    source: `/keyturn/${notice.instance}`,
    subject: `${notice.vault}/${notice.name}`,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    data: Data.parse(JSON.parse(JSON.stringify({ ...rest, cause, link }))),
  };
}

/** Where the reason is explained, where it is known how people reach this app. */
export const linkOf = ({ reason }: Notice, publicUrl: string | undefined): string | undefined =>
  reason === undefined || publicUrl === undefined
    ? undefined
    : `${publicUrl}/api/reasons/${reason}`;

/** The JSON schema of each event, by its type. */
export function eventSchemas(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    NOTICE_TYPES.map((type) => {
      const Body = z.strictObject({
        specversion: z.literal('1.0'),
        id: z.uuid().meta({
          description:
            'The same however often it is delivered: keep it, and drop what came before.',
        }),
        type: z.literal(eventType(type)),
        source: z.string().regex(/^\/keyturn\//),
        subject: text.meta({ description: '`vault/name`.' }),
        time: on,
        datacontenttype: z.literal('application/json'),
        data: Data,
      });
      return [eventType(type), z.toJSONSchema(Body, { target: 'draft-2020-12' })];
    }),
  );
}
