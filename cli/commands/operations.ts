/** Requests for a change: what is shown of a dry run, and how an operation is followed. */
import type { z } from 'zod';
import type { OperationBody, PlanBody } from '../../src/api/operationBody.ts';
import { type Exit, Failure, hereFor, usage } from '../failure.ts';
import type { CallName } from '../session/client.ts';
import { secretIn } from '../session/session.ts';
import { colourOf } from '../show/colour.ts';
import { minute } from '../show/print.ts';
import { table } from '../show/table.ts';
import { progress } from '../show/tell.ts';
import type { Run } from '../spec.ts';
import { duration } from '../times.ts';
import { fields } from './fields.ts';

export type OperationShown = z.infer<typeof OperationBody>;
export type PlanShown = z.infer<typeof PlanBody>['plan'];

/** What every request says beside what it asks for. */
export const notesOf = ({ asked }: Pick<Run, 'asked'>) => ({
  ...(asked.text('note') === undefined ? {} : { note: asked.text('note') }),
  ...(asked.text('ticket') === undefined ? {} : { ticket: asked.text('ticket') }),
});

/** Asks for a change of one secret: a plan where it is a dry run, otherwise the operation, followed where that is wanted. */
export async function request(
  run: Run,
  name: CallName,
  body: object,
  dryRun = run.asked.is('dry-run'),
): Promise<Exit> {
  const { asked, session } = run;
  const secret = secretIn(asked.args[0] ?? '');
  const key = asked.text('key');
  if (key !== undefined && !/^[\w-]{1,64}$/.test(key))
    throw usage('--key has 1 to 64 characters of A-Z, a-z, 0-9, _ and -.');
  const limit = limitOf(run);
  const reply = await session.api.call<unknown>(name, {
    path: { ...secret },
    body: { ...body, ...notesOf(run), ...(dryRun ? { dryRun } : {}) },
    key,
  });
  if (isPlan(reply.body)) return showPlan(run, reply.body.plan);
  return await followed(run, reply.body as OperationShown, limit);
}

const isPlan = (body: unknown): body is z.infer<typeof PlanBody> =>
  typeof body === 'object' && body !== null && 'plan' in body;

/** Steps to come and all checks. Ends with `refused` where the request would be. */
export function showPlan(run: Run, plan: PlanShown): Exit {
  const { refusal } = plan;
  run.print({
    body: { plan },
    tables: [
      table<PlanShown['steps'][number]>({
        items: plan.steps,
        columns: [
          { title: 'on', of: ({ on }) => minute(on), isWhole: true },
          { title: 'step', of: ({ step }) => step, isWhole: true },
          { title: 'reason', of: ({ reason }) => reason },
          { title: 'handles', of: ({ handles }) => handles.join(', ') },
          { title: 'detail', of: ({ detail }) => detail },
        ],
        empty: 'No step would follow.',
      }),
      table<PlanShown['checks'][number]>({
        items: plan.checks.filter((check) => verdict(check) !== 'ok'),
        columns: [
          { title: 'check', of: ({ check }) => check },
          {
            title: 'result',
            of: verdict,
            colour: (check) => colourOf(verdict(check)),
            isWhole: true,
          },
          { title: 'reason', of: ({ reason }) => reason },
          { title: 'detail', of: ({ detail }) => detail },
        ],
      }),
    ],
    said: [wellOf(plan)],
  });
  if (!refusal) return 'done';
  const { reason, detail, remedy, by, until, overridable } = refusal;
  const link = run.session.api.link(`/api/reasons/${reason}`);
  throw new Failure('refused', detail, {
    reason,
    remedy,
    here: hereFor(reason, overridable),
    by,
    until,
    link,
  });
}

function wellOf({ checks }: PlanShown): string {
  const well = checks.filter((check) => verdict(check) === 'ok').length;
  return `${well} of ${checks.length} checks are well.`;
}

const verdict = ({ passed, overridden, unknown }: PlanShown['checks'][number]): string =>
  unknown ? 'cannot tell' : overridden ? 'set aside' : passed ? 'ok' : 'problem';

const WAIT_MILLISECONDS = 30 * 60_000;
/** Asked as often as the server says, and no less. */
const POLL_SECONDS = 5;

function limitOf({ asked }: Run): number {
  const text = asked.text('timeout');
  const limit = text === undefined ? WAIT_MILLISECONDS : duration(text);
  if (limit === undefined) throw usage('--timeout is a time as 10m, 2h or 1d.');
  return limit;
}

/** Tells on stderr what is new until nothing is waited for any more; where it is not waited for, shows what was accepted. */
async function followed(run: Run, accepted: OperationShown, limit: number): Promise<Exit> {
  const { io, asked, session } = run;
  let shown = accepted;
  if (asked.is('wait')) {
    const end = io.now().getTime() + limit;
    let told = 0;
    let phase = '';
    for (;;) {
      for (const step of shown.steps.slice(told))
        progress(io, `  ${minute(step.on)}  ${step.step} (${step.reason})`);
      if (shown.phase !== phase) progress(io, `${shown.vault}/${shown.secret}: ${shown.phase}`);
      [told, phase] = [shown.steps.length, shown.phase];
      if (shown.done) break;
      if (io.stopped.aborted || io.now().getTime() > end)
        throw new Failure(
          'failed',
          `Operation ${shown.id} goes on; it was not waited for any longer.`,
          {
            link: session.api.link(`/api/operations/${shown.id}`),
          },
        );
      await io.sleep(POLL_SECONDS * 1000);
      shown = (await session.api.call<OperationShown>('operation', { path: { id: shown.id } }))
        .body;
    }
  }
  return showOperation(run, shown);
}

/** An operation by its fields. Ends with `failed` where it did. */
export function showOperation({ print, session }: Run, operation: OperationShown): Exit {
  const { result, error, phase, id, secret, vault, kind } = operation;
  print({
    body: operation,
    tables: [
      fields([
        ['secret', `${vault}/${secret}`],
        ['asked', kind],
        ['operation', id],
        ['phase', phase, colourOf(phase)],
        ['version', result?.version ?? operation.version],
        ['handle', result?.handle],
        ['revoke after', minute(result?.revokeAfter)],
        ['revoked', result?.revoked?.join(', ')],
        ['refused on', minute(result?.refusedOn)],
        ['vouched by', result?.vouchedBy],
        ['also in', result?.besides?.join(', ')],
        ['held until', operation.hold === null ? 'lifted' : minute(operation.hold)],
        ['note', operation.note],
        ['ticket', operation.ticket],
      ]),
    ],
  });
  if (phase !== 'failed') return 'done';
  const { reason, detail, remedy, by } = error ?? {
    reason: 'failed',
    detail: 'It failed.',
    remedy: '',
    by: '',
  };
  throw new Failure('failed', detail, {
    reason,
    remedy,
    by,
    link: session.api.link(`/api/reasons/${reason}`),
  });
}
