/** `show`: one secret with what became of its versions; `history`: who changed what about it. */
import type { z } from 'zod';
import type { AuditRecordBody, HistoryBody } from '../../src/api/historyBody.ts';
import type { SecretDetailBody, VersionBody } from '../../src/api/secretBody.ts';
import { secretIn } from '../session/session.ts';
import { colourOf } from '../show/colour.ts';
import { day, minute } from '../show/print.ts';
import { table } from '../show/table.ts';
import { type CommandSpec, SECRET_ARG } from '../spec.ts';
import { fields } from './fields.ts';

type Detail = z.infer<typeof SecretDetailBody>;
type Version = z.infer<typeof VersionBody>;

export const show: CommandSpec = {
  name: 'show',
  summary: 'one secret: state, versions, what is owed and until when',
  args: [SECRET_ARG],
  examples: ['keyturn show kv-shop/orders-storage'],
  async run({ session, asked, print }) {
    const { body } = await session.api.call<Detail>('secret', {
      path: { ...secretIn(asked.args[0] ?? '') },
    });
    const { last, lastFailure, exempt } = body;
    print({
      body,
      tables: [
        fields([
          ['secret', `${body.vault}/${body.secret}`],
          ['state', body.state, colourOf(body.state)],
          ['kind', body.rotator],
          ['target', body.target],
          ['owner', body.owner],
          ['credential since', minute(body.credentialSince)],
          ['due', minute(body.dueOn)],
          ['expires', minute(body.expiresOn)],
          [
            'owed',
            body.owed.length > 0
              ? `${body.owed.join(', ')}, revoked after ${minute(body.revokeAfter) ?? '-'}`
              : undefined,
          ],
          ['held until', minute(body.heldUntil)],
          [
            'exempt',
            exempt &&
              `until ${minute(exempt.until)}: ${exempt.reason}${exempt.ticket ? ` (${exempt.ticket})` : ''}`,
          ],
          ['last look', last && `${minute(body.lookedOn) ?? ''} ${last.step} (${last.reason})`],
          ['why', last?.detail ?? (last?.by && last.by !== 'nobody' ? last.cause : undefined)],
          ['remedy', last?.by && last.by !== 'nobody' ? last.remedy : undefined],
          ['who', last?.by && last.by !== 'nobody' ? last.by : undefined],
          [
            'last failure',
            lastFailure && `${minute(lastFailure.on)} ${lastFailure.reason}: ${lastFailure.detail}`,
          ],
          ['notes', body.notes?.join('; ')],
        ]),
        table<Version>({
          items: body.versions,
          columns: [
            { title: 'version', of: ({ version }) => version, isWhole: true },
            {
              title: 'state',
              of: ({ state }) => state,
              colour: ({ state }) => colourOf(state),
              isWhole: true,
            },
            { title: 'handle', of: ({ handle }) => handle },
            { title: 'made', of: ({ createdOn }) => minute(createdOn), isWhole: true },
            { title: 'expires', of: ({ expiresOn }) => day(expiresOn), isWhole: true },
            { title: 'proved', of: ({ proved }) => (proved ? 'yes' : 'no') },
            { title: 'enabled', of: ({ enabled }) => (enabled ? 'yes' : 'no') },
          ],
        }),
      ],
    });
    return 'done';
  },
};

type Record = z.infer<typeof AuditRecordBody>;

export const history: CommandSpec = {
  name: 'history',
  summary: 'who changed what about a secret, the newest first',
  args: [SECRET_ARG],
  examples: ['keyturn history kv-shop/orders-storage -o jsonl'],
  async run({ session, asked, print }) {
    const { body } = await session.api.call<z.infer<typeof HistoryBody>>('history', {
      path: { ...secretIn(asked.args[0] ?? '') },
    });
    print({
      body,
      items: body.records,
      tables: [
        table<Record>({
          items: body.records,
          columns: [
            { title: 'on', of: ({ on }) => minute(on), isWhole: true },
            { title: 'step', of: ({ step }) => step, isWhole: true },
            { title: 'reason', of: ({ reason }) => reason },
            { title: 'outcome', of: ({ outcome }) => outcome },
            { title: 'stored', of: ({ stored }) => stored?.slice(0, 8) },
            { title: 'handles', of: ({ handle, handles }) => handles?.join(', ') ?? handle },
            { title: 'who', of: ({ caller, cause }) => caller ?? cause },
            { title: 'ticket', of: ({ ticket }) => ticket },
            { title: 'note', of: ({ note }) => note },
          ],
          empty: 'Nothing was changed in the last 90 days.',
        }),
      ],
      ...(body.truncated ? { said: ['There is more than was read.'] } : {}),
    });
    return 'done';
  },
};
