/** `hold`, `freeze` and `resume`: nothing of a secret, or of many, is rotated or revoked for a while, and that again. */
import type { z } from 'zod';
import type { NewHoldBody, ScopeHoldBody, ScopeHoldsBody } from '../../src/api/scopeHolds.ts';
import { type Exit, usage } from '../failure.ts';
import { minute } from '../show/print.ts';
import { table } from '../show/table.ts';
import {
  type CommandSpec,
  FOLLOW_OPTIONS,
  type OptionSpec,
  REQUEST_OPTIONS,
  type Run,
} from '../spec.ts';
import { timeIn } from '../times.ts';
import { fields } from './fields.ts';
import { notesOf, request } from './operations.ts';

type Hold = z.infer<typeof ScopeHoldBody>;
type NewHold = z.infer<typeof NewHoldBody>;
type Standing = z.infer<typeof ScopeHoldsBody>;

const SCOPES = ['vault', 'owner', 'kind', 'target'] as const;
const SCOPE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--vault <name>', says: 'all secrets of a vault' },
  { flags: '--owner <text>', says: 'all of an owner, by the owner tag' },
  { flags: '--kind <kind>', says: 'all of a kind' },
  { flags: '--target <id>', says: 'all at a target' },
];
const HOLD_OPTIONS: readonly OptionSpec[] = [
  { flags: '--except <names>', says: 'but not these vaults or secrets', isList: true },
  { flags: '--no-heals', says: 'leave broken values, too' },
  ...REQUEST_OPTIONS.slice(0, 2),
];
const UNTIL: OptionSpec = { flags: '--until <when>', says: 'as 7d, a day (its end) or a time' };

export const hold: CommandSpec = {
  name: 'hold',
  summary:
    'rotate and revoke nothing of a secret, or of many, until a time; proof, heals and alerts go on',
  more: 'Of one secret it takes Keyturn.Rotate, of a scope Keyturn.Revoke, a note and a ticket.',
  args: [['[secret]', '<vault>/<secret>, or none where a scope is named']],
  options: [
    UNTIL,
    { flags: '--all', says: 'everything, as freeze does' },
    ...SCOPE_OPTIONS,
    ...HOLD_OPTIONS,
    ...REQUEST_OPTIONS.slice(2),
    ...FOLLOW_OPTIONS,
  ],
  examples: [
    'keyturn hold kv-shop/orders-storage --until 7d --note "release weekend"',
    'keyturn hold --vault kv-shop --until 7d --note "release weekend" --ticket CHG-4711',
  ],
  async run(run) {
    const { asked } = run;
    const scope = scopeIn(run, asked.is('all') ? { all: true } : undefined);
    if (asked.args[0] !== undefined && scope) throw usage('One at a time: a secret, or a scope.');
    if (scope) return await holdScope(run, scope);
    if (asked.args[0] === undefined)
      throw usage('What is meant? Neither a secret nor a scope is named.');
    return await request(run, 'hold', { until: (await untilOf(run)).toISOString() });
  },
};

export const freeze: CommandSpec = {
  name: 'freeze',
  summary: 'hold everything, or a scope; without --until show what stands',
  more: 'It takes Keyturn.Revoke, a note and a ticket, and lasts at most 30 days. What comes due meanwhile is told, and released at the rate afterwards.',
  options: [UNTIL, ...SCOPE_OPTIONS, ...HOLD_OPTIONS],
  examples: [
    'keyturn freeze --until 2027-01-04 --note "year end" --ticket CHG-4711',
    'keyturn freeze',
  ],
  async run(run) {
    if (run.asked.text('until') === undefined) return await showHolds(run);
    return await holdScope(run, scopeIn(run, undefined) ?? { all: true });
  },
};

export const resume: CommandSpec = {
  name: 'resume',
  summary: 'end the hold of a secret, or a hold by scope by its id',
  args: [['<what>', '<vault>/<secret>, or the id that freeze shows']],
  options: [...REQUEST_OPTIONS, ...FOLLOW_OPTIONS],
  examples: ['keyturn resume kv-shop/orders-storage'],
  async run(run) {
    const [what = ''] = run.asked.args;
    if (!/^[0-9a-f-]{36}$/i.test(what)) return await request(run, 'hold', { until: null });
    if (run.asked.is('dry-run'))
      throw usage('A hold by scope is lifted, or not: there is no --dry-run.');
    const { body } = await run.session.api.call<Hold>('liftHold', { path: { id: what } });
    run.print({
      body,
      tables: [
        fields([
          ['lifted', inWords(body.scope)],
          ['since', minute(body.until)],
          ['id', body.id],
        ]),
      ],
    });
    return 'done';
  },
};

async function untilOf({ asked, session }: Run): Promise<Date> {
  const until = asked.text('until');
  if (until === undefined) throw usage('A hold needs --until.');
  return timeIn('until', until, await session.now());
}

function scopeIn({ asked }: Run, all: object | undefined): object | undefined {
  const named = SCOPES.flatMap((name) =>
    asked.text(name) === undefined ? [] : [{ [name]: asked.text(name) }],
  );
  const [scope, ...more] = [...(all ? [all] : []), ...named];
  if (more.length > 0)
    throw usage('One scope at a time: --all, --vault, --owner, --kind or --target.');
  return scope;
}

async function holdScope(run: Run, scope: object): Promise<Exit> {
  const { asked, session, print } = run;
  if (asked.is('dry-run') || asked.is('wait'))
    throw usage('A hold by scope stands at once: it knows neither --dry-run nor --wait.');
  if (asked.text('note') === undefined || asked.text('ticket') === undefined)
    throw usage('A hold by scope needs --note and --ticket.');
  const except = asked.list('except');
  const given = {
    scope,
    until: (await untilOf(run)).toISOString(),
    ...(except.length > 0 ? { except } : {}),
    ...notesOf(run),
  };
  const heals = asked.is('heals') ? {} : { heals: false };
  const { body } = await session.api.call<NewHold>('addHold', {
    body: { ...given, ...heals },
    key: asked.text('key'),
  });
  print({
    body,
    tables: [
      fields([
        ['held', `${body.held} secrets: ${inWords(body.scope)}`],
        ['until', minute(body.until)],
        ['except', body.except.join(', ')],
        ['heals', body.heals ? 'go on' : 'wait, too'],
        ['come due meanwhile', String(body.due.count)],
        [
          'expire meanwhile',
          String(body.expiring.count),
          body.expiring.count > 0 ? 'red' : undefined,
        ],
        ['released afterwards', `within ${body.releaseHours} h, at the rate`],
        ['id', body.id],
      ]),
      ...(['due', 'expiring'] as const).map((what) =>
        table<NewHold['due']['secrets'][number]>({
          items: body[what].secrets,
          columns: [
            { title: what, of: ({ vault, secret }) => `${vault}/${secret}`, isWhole: true },
            { title: 'on', of: ({ on }) => minute(on), isWhole: true },
          ],
        }),
      ),
    ],
  });
  return 'done';
}

async function showHolds({ session, print }: Run): Promise<Exit> {
  const { body } = await session.api.call<Standing>('holds');
  print({
    body,
    items: body.holds,
    tables: [
      table<Hold>({
        items: body.holds,
        columns: [
          { title: 'held', of: ({ scope }) => inWords(scope) },
          { title: 'until', of: ({ until }) => minute(until), isWhole: true },
          { title: 'except', of: ({ except }) => except.join(', ') },
          { title: 'heals', of: ({ heals }) => (heals ? 'yes' : 'no') },
          { title: 'ticket', of: ({ ticket }) => ticket },
          { title: 'note', of: ({ note }) => note },
          { title: 'id', of: ({ id }) => id, isWhole: true },
        ],
        empty: 'Nothing is held by scope.',
      }),
      table<Standing['freeze'][number]>({
        items: body.freeze,
        columns: [
          { title: 'frozen by the settings', of: ({ text }) => text },
          { title: 'from', of: ({ from }) => minute(from), isWhole: true },
          { title: 'until', of: ({ until }) => minute(until), isWhole: true },
        ],
      }),
    ],
  });
  return 'done';
}

const inWords = (scope: Hold['scope']): string => {
  const [[name, value] = ['all', true]] = Object.entries(scope);
  return name === 'all' ? 'everything' : `${name} ${value}`;
};
