/** `list`: the inventory, all pages of it, and again and again with `--watch`. */
import type { z } from 'zod';
import type { SecretBody, SecretsBody } from '../../src/api/secretBody.ts';
import { SECRET_STATUSES } from '../../src/core/statuses.ts';
import { usage } from '../failure.ts';
import { colourOf } from '../show/colour.ts';
import { day, type Found, json } from '../show/print.ts';
import { type Column, csvOf, linesOf, table } from '../show/table.ts';
import type { CommandSpec, Run } from '../spec.ts';
import { duration } from '../times.ts';
import { summary } from './summary.ts';

type SecretShown = z.infer<typeof SecretBody>;

/** The end of an id: what a person calls the target. */
export const shortTarget = (target: string | undefined): string | undefined =>
  target?.startsWith('/')
    ? target
        .split('/')
        .slice(8)
        .filter((_, at) => at % 2 === 0)
        .join('/')
    : target;

const secretColumns: readonly Column<SecretShown>[] = [
  { title: 'secret', of: ({ vault, secret }) => `${vault}/${secret}`, isWhole: true },
  {
    title: 'state',
    of: ({ state }) => state,
    colour: ({ state }) => colourOf(state),
    isWhole: true,
  },
  {
    title: 'kind',
    of: ({ rotator, likelyKind }) =>
      rotator ?? (likelyKind === undefined ? undefined : `${likelyKind}?`),
  },
  { title: 'target', of: ({ target }) => shortTarget(target) },
  { title: 'owner', of: ({ owner }) => owner },
  { title: 'due', of: ({ dueOn }) => day(dueOn), isWhole: true },
  { title: 'expires', of: ({ expiresOn }) => day(expiresOn), isWhole: true },
  { title: 'owed', of: ({ owed }) => owed.join(', ') },
  { title: 'why', of: (secret) => whyOf(secret) },
];

/** What a person must know: why it failed, is refused or waits. */
function whyOf({ state, last, lastFailure }: SecretShown): string | undefined {
  if (state === 'failed') return lastFailure?.reason ?? last?.reason;
  return ['refused', 'waiting', 'conflict', 'drift', 'opt-in-lost'].includes(state)
    ? last?.reason
    : undefined;
}

async function allSecrets({
  session,
  asked,
}: Pick<Run, 'session' | 'asked'>): Promise<readonly SecretShown[]> {
  const query = {
    ...{ vault: asked.text('vault'), owner: asked.text('owner'), due: asked.text('due') },
    state: asked.list('state').join(',') || undefined,
    managed: asked.is('unmanaged') ? 'false' : undefined,
    ...{ expires: asked.text('expires'), olderThan: asked.text('older-than') },
  };
  const found: SecretShown[] = [];
  let continuation: string | undefined;
  do {
    const { body } = await session.api.call<z.infer<typeof SecretsBody>>('secrets', {
      query: { ...query, continuation },
    });
    found.push(...body.secrets);
    continuation = body.continuation;
  } while (continuation !== undefined);
  return found;
}

const found = (secrets: readonly SecretShown[]): Found => ({
  body: { secrets },
  items: secrets,
  tables: [
    table<SecretShown>({ columns: secretColumns, items: secrets, empty: 'No secret fits.' }),
  ],
});

const WATCH_SECONDS = 10;

export const list: CommandSpec = {
  name: 'list',
  summary: 'the inventory, as the last looks saw it',
  options: [
    { flags: '--vault <name>', says: 'of this vault only' },
    {
      flags: '--state <state>',
      says: `in these states only: ${SECRET_STATUSES.join(', ')}`,
      isList: true,
    },
    { flags: '--due <time>', says: 'due within this time, as 7d or 36h' },
    { flags: '--owner <text>', says: 'whose owner tag is exactly this' },
    {
      flags: '--unmanaged',
      says: 'secrets that have not opted in instead, as the last sweep listed them',
    },
    {
      flags: '--expires <time>',
      says: 'expiring within this time, as 30d, or those that `never` do',
    },
    { flags: '--older-than <time>', says: 'whose credential is at least so old, as 90d' },
    {
      flags: '--summary',
      says: 'all secrets in numbers, what nobody watches, and a first week in `run`',
    },
    {
      flags: '--watch [seconds]',
      says: `show it again when something changed (every ${WATCH_SECONDS} s)`,
    },
  ],
  examples: [
    'keyturn list',
    'keyturn list --state refused,failed,drift -o csv',
    'keyturn list --vault kv-shop --due 7d',
  ],
  async run(run) {
    if (run.asked.is('summary')) return await summary(run);
    if (!run.asked.is('watch')) {
      run.print(found(await allSecrets(run)));
      return 'done';
    }
    await watch(run, secondsOf(run.asked.text('watch')));
    return 'done';
  },
};

function secondsOf(text: string | undefined): number {
  if (text === undefined) return WATCH_SECONDS;
  const milliseconds = duration(text);
  const seconds = milliseconds === undefined ? Number(text) : milliseconds / 1000;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400)
    throw usage('--watch takes whole seconds, 1 to 86400.');
  return seconds;
}

/** A terminal shows the whole anew; a pipe gets what changed, as lines of JSON or rows of the table. */
async function watch(run: Run, seconds: number): Promise<void> {
  const { io, format } = run;
  if (format === 'json' || format === 'markdown')
    throw usage('--watch goes with table, jsonl and csv.');
  let before = new Map<string, string>();
  for (let turn = 0; !io.stopped.aborted; turn++) {
    const secrets = await allSecrets(run);
    const after = new Map(
      secrets.map((each) => [`${each.vault}/${each.secret}`, json(withoutLooks(each))]),
    );
    const changed = secrets.filter(
      (each) => before.get(`${each.vault}/${each.secret}`) !== json(withoutLooks(each)),
    );
    if (io.out.isTty && format === 'table') {
      io.out.write('\x1b[H\x1b[2J');
      run.print(found(secrets));
    } else if (turn === 0) run.print(found(secrets));
    else if (format === 'jsonl') for (const each of changed) io.out.write(`${json(each)}\n`);
    else for (const line of rowsOf(changed, format)) io.out.write(`${line}\n`);
    before = after;
    await io.sleep(seconds * 1000);
  }
}

const rowsOf = (items: readonly SecretShown[], format: Run['format']): readonly string[] => {
  const made = table<SecretShown>({ columns: secretColumns, items });
  const lines =
    format === 'csv' ? csvOf(made) : linesOf(made, { width: undefined, hasColours: false });
  return lines.slice(1);
};

/** That it was looked at is no news. */
const withoutLooks = ({ lookedOn: _, nextLookOn: __, ...rest }: SecretShown) => rest;
