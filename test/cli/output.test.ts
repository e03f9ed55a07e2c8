/** What is printed, whatever stands in names and tags, and how a run ends: exit codes, errors, formats. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { commands } from '../../cli/commands.ts';
import type { Io } from '../../cli/io.ts';
import { run } from '../../cli/run.ts';
import { csvOf, linesOf, markdownOf, table } from '../../cli/show/table.ts';
import { cut, printable, widthOf } from '../../cli/show/text.ts';
import { difference, isSame, merged } from '../../cli/tags/edit.ts';
import { filesUnder, read } from '../../scripts/rooms.ts';
import { routes } from '../../src/api/routes.ts';

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly Request[];
}

/** Against a server that answers each request with the next of these, and with the last one again. */
async function ran(
  words: readonly string[],
  answers: readonly (() => Response)[],
  over: Partial<Io> = {},
): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const asked: Request[] = [];
  const token = {
    KEYTURN_URL: 'https://keyturn.example',
    KEYTURN_AUDIENCE: 'a',
    KEYTURN_AUTH: 'environment',
  };
  const io: Io = {
    out: { write: (text) => void out.push(text), isTty: false, columns: undefined },
    err: { write: (text) => void err.push(text), isTty: false, columns: undefined },
    env: token,
    cwd: '/',
    fetch: async (url, init) => {
      asked.push(new Request(url, init));
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (!answer) throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
      return answer();
    },
    now: () => new Date('2027-03-01T10:00:00Z'),
    sleep: async () => {},
    stopped: new AbortController().signal,
    ask: async () => undefined,
    printed: async () => undefined,
    browse: async () => false,
    credential: { getToken: async () => ({ token: 'x.y.z', expiresOnTimestamp: 0 }) },
    ...over,
  };
  const exit = await run(words, io, '1.2.3');
  return { exit, out: out.join(''), err: err.join(''), asked };
}

const reply =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  () =>
    Response.json(body, { status, headers });
const HOSTILE = '=cmd|"/c calc"!A1\x1b[2J\x1b]0;x\x07\u202e\u009bm\r\nx';
const secret = (over: object = {}) => ({
  vault: 'kv1',
  secret: 'st-a',
  state: 'ok',
  owed: [],
  failures: 0,
  owner: HOSTILE,
  ...over,
});
const secrets = (...all: object[]) => reply(200, { secrets: all });
const problem = (status: number, over: object = {}) =>
  reply(status, {
    type: '/api/reasons/too-soon',
    title: 't',
    status,
    detail: 'No.',
    reason: 'too-soon',
    remedy: 'Wait.',
    by: 'nobody',
    ...over,
  });

describe('what strangers wrote', () => {
  it.each(['table', 'json', 'jsonl', 'csv', 'markdown'])(
    'SEC-06: steers no terminal as %s',
    async (format) => {
      const terminal: string[] = [];
      const out80 = { write: (text: string) => void terminal.push(text), isTty: true, columns: 80 };
      await ran(['list', '-o', format], [secrets(secret())], { out: out80 });
      expect(stripVTControlCharacters(terminal.join('')).replaceAll('\n', '')).not.toMatch(
        /\p{C}/u,
      );
      // Colours are all that is sent of our own.
      expect(
        terminal
          .join('')
          .split('\x1b')
          .slice(1)
          .every((text) => /^\[\d+m/.test(text)),
      ).toBe(true);
      const { out } = await ran(['list', '-o', format], [secrets(secret())]);
      expect(out).toContain('kv1');
      expect(out.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
    },
  );

  it('SEC-06: nor in an error, a note, or a step that is waited for', async () => {
    const refused = await ran(
      ['rotate', 'kv1/st-a'],
      [problem(409, { detail: HOSTILE, remedy: HOSTILE, by: HOSTILE, until: HOSTILE })],
    );
    expect(refused.err.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
    const operation = {
      id: crypto.randomUUID(),
      vault: 'kv1',
      secret: HOSTILE,
      kind: 'rotate',
      phase: HOSTILE,
      done: true,
      version: 'v',
      note: HOSTILE,
    };
    const waited = await ran(
      ['rotate', 'kv1/st-a', '--wait'],
      [reply(202, { ...operation, steps: [{ on: HOSTILE, step: HOSTILE, reason: HOSTILE }] })],
    );
    expect((waited.err + waited.out).replaceAll('\n', '')).not.toMatch(/\p{C}/u);
  });

  it('is no formula in a spreadsheet and no markup in a page', () => {
    const made = table<string>({
      columns: [{ title: 'a', of: (text) => text }],
      items: ['=1+1', '@x', '+1', '-1', ' =1', '＝1', 'a,"b"', '[x](http://y)|<b>'],
    });
    expect(csvOf(made).slice(1)).toEqual([
      "'=1+1",
      "'@x",
      "'+1",
      "'-1",
      "'=1",
      "'＝1",
      '"a,""b"""',
      '[x](http://y)|<b>',
    ]);
    expect(markdownOf(made).at(-1)).toBe('| \\[x\\](http://y)\\|\\<b\\> |');
  });

  it('is JSON that parses to what it was', async () => {
    const { out } = await ran(['list', '-o', 'json'], [secrets(secret())]);
    expect(JSON.parse(out)).toEqual({ secrets: [secret()] });
  });
});

describe('a table', () => {
  const made = table<readonly [string, string]>({
    columns: [
      { title: 'name', of: ([name]) => name, isWhole: true },
      { title: 'text', of: ([, text]) => text },
    ],
    items: [
      ['a', '漢字漢字漢字'],
      ['bb', 'e\u0301e\u0301 and more of it'],
    ],
  });

  it.each([20, 16, 12])('is no wider than a terminal of %i, in cells', (width) => {
    for (const line of linesOf(made, { width, hasColours: false }))
      expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('is whole in a pipe', () => {
    expect(linesOf(made, { width: undefined, hasColours: false }).join('\n')).not.toContain('…');
    expect([cut('漢字', 3), cut('abc', 3), printable('a\x00\nb')]).toEqual(['漢…', 'abc', 'a b']);
  });
});

describe('a run ends', () => {
  it.each<[string, number, readonly string[], readonly (() => Response)[]]>([
    ['done', 0, ['list'], [secrets()]],
    ['failed', 1, ['list'], [problem(500, { reason: 'failed' })]],
    ['not understood by us', 2, ['frobnicate'], []],
    ['not understood: an option', 2, ['list', '--vualt', 'x'], []],
    ['not understood: a secret', 2, ['show', 'st-a'], []],
    ['not understood: a path', 2, ['show', 'kv1/../x'], []],
    ['not understood: a time', 2, ['hold', 'kv1/st-a', '--until', 'tomorrow'], []],
    ['not understood: a day that is none', 2, ['hold', 'kv1/st-a', '--until', '2027-02-30'], []],
    ['not understood by Keyturn', 2, ['list'], [problem(400, { reason: 'bad-request' })]],
    ['refused', 3, ['rotate', 'kv1/st-a'], [problem(409)]],
    ['not allowed', 4, ['list'], [problem(403, { reason: 'no-role' })]],
    ['not signed in', 4, ['list'], [problem(401, { reason: 'no-token' })]],
    ['not found', 4, ['show', 'kv1/st-a'], [problem(404, { reason: 'not-found' })]],
    ['not reached', 5, ['list'], []],
    ['busy', 5, ['list'], [problem(503, { reason: 'storage-busy' })]],
    ['at something else', 4, ['list'], [() => new Response('<html>', { status: 404 })]],
    ['at a page that is no API', 1, ['list'], [() => new Response('<html>hello</html>')]],
  ])('%s → %i', async (_how, code, words, answers) => {
    const { exit, err } = await ran(words, answers);
    expect(exit).toBe(code);
    if (code > 0) expect(err).toMatch(/error: /);
  });

  it('with reason, remedy, who and link', async () => {
    const { err } = await ran(
      ['rotate', 'kv1/st-a'],
      [problem(409, { until: '2027-03-02T10:00:00Z' })],
    );
    expect(err.split('\n')).toEqual([
      'error: No.',
      '  reason  too-soon',
      '  remedy  Wait.',
      '  who     nobody',
      '  until   2027-03-02T10:00:00Z',
      '  link    https://keyturn.example/api/reasons/too-soon',
      '',
    ]);
  });
});

describe('a request', () => {
  it('is sent again with the same key where the answer was lost, and then only once more', async () => {
    let turn = 0;
    const lost = () => {
      turn += 1;
      if (turn < 3) throw new TypeError('fetch failed');
      return Response.json(
        {
          id: 'i',
          vault: 'kv1',
          secret: 'st-a',
          kind: 'rotate',
          phase: 'accepted',
          steps: [],
          done: false,
          version: 'v',
        },
        { status: 202 },
      );
    };
    const { exit, asked } = await ran(['rotate', 'kv1/st-a'], [lost]);
    expect([exit, asked.length]).toEqual([0, 3]);
    expect(new Set(asked.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1);
  });

  it('goes to the address that was named, over TLS, and follows nobody', async () => {
    const { asked } = await ran(['list'], [secrets()]);
    expect(asked.map(({ url, redirect }) => [url, redirect])).toEqual([
      ['https://keyturn.example/api/secrets', 'error'],
    ]);
    for (const url of ['http://keyturn.example', 'https://u:p@keyturn.example', 'file:///x', 'x'])
      expect([url, (await ran(['list', '--url', url], [])).exit]).toEqual([url, 2]);
  });

  it.each([
    ['before the command', ['--url', 'https://elsewhere.example', '-o', 'csv', 'list']],
    ['behind it', ['list', '--url', 'https://elsewhere.example', '-o', 'csv']],
    [
      'on both sides, where the last one counts',
      ['-o', 'json', 'list', '-o', 'csv', '--url', 'https://elsewhere.example'],
    ],
  ])('takes where Keyturn is, and the form, %s', async (_, words) => {
    const { out, asked, exit } = await ran(words, [secrets(secret({ owner: undefined }))]);
    expect([exit, asked.map(({ url }) => new URL(url).host)]).toEqual([0, ['elsewhere.example']]);
    expect(out.split('\n')[0]).toBe('secret,state,kind,target,owner,due,expires,owed,why');
  });

  it('asks for page after page', async () => {
    const { out, asked } = await ran(
      ['list', '-o', 'jsonl', '--state', 'ok,due'],
      [
        reply(200, { secrets: [secret()], continuation: 'abc' }),
        secrets(secret({ secret: 'st-b' })),
      ],
    );
    expect(out.trim().split('\n')).toHaveLength(2);
    expect(asked.map(({ url }) => new URL(url).search)).toEqual([
      '?state=ok%2Cdue',
      '?state=ok%2Cdue&continuation=abc',
    ]);
  });
});

const SITE =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Web/sites/shop';
const consumer = {
  id: `${SITE}/slots/blue`,
  ...{ kind: 'slot', follows: 'when-called', restarts: true },
  references: [{ name: 'DB' }, { name: 'OLD', pinnedTo: '0123456789abcdef0123456789abcdef' }],
  last: {
    state: 'pinned',
    on: '2027-03-01T10:00:00.000Z',
    calledOn: '2027-03-01T09:00:00.000Z',
    detail: HOSTILE,
  },
};

it.each([
  [
    'by name',
    { asked: true, consumers: [consumer] },
    /shop\/blue +slot +pinned +when called, by a restart +DB, OLD \(pinned to 01234567\) +2027-03-01 09:00Z/,
  ],
  ['nobody', { asked: true, consumers: [] }, /Nobody declares that it reads this secret\./],
  [
    'not asked',
    { asked: false, detail: 'The setting names none.', consumers: [] },
    /not known who reads[\s\S]*The setting names none\./,
  ],
])('who reads a secret: %s', async (_, body, shown) => {
  const { out, err, exit, asked } = await ran(
    ['who', 'kv1/st-a'],
    [reply(200, { vault: 'kv1', secret: 'st-a', ...body })],
  );
  expect([exit, asked.map(({ url }) => new URL(url).pathname)]).toEqual([
    0,
    ['/api/vaults/kv1/secrets/st-a/consumers'],
  ]);
  expect(out + err).toMatch(shown);
  expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

it('--watch shows in a pipe what changed, and ends with Ctrl-C', async () => {
  const stop = new AbortController();
  let turn = 0;
  const states = ['ok', 'ok', 'due'];
  const now = () =>
    Response.json({
      secrets: [
        secret({ owner: 'a', lookedOn: String(turn), state: states[turn] ?? 'due' }),
        secret({ secret: 'st-b', owner: 'b' }),
      ],
    });
  const { out, exit } = await ran(['list', '--watch', '5', '-o', 'jsonl'], [now], {
    stopped: stop.signal,
    sleep: async () => {
      turn += 1;
      if (turn === 3) stop.abort();
    },
  });
  const told = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { secret: string; state: string });
  expect([exit, told.map((each) => `${each.secret} ${each.state}`)]).toEqual([
    0,
    ['st-a ok', 'st-b ok', 'st-a due'],
  ]);
  expect((await ran(['list', '--watch', '0'], [secrets()])).exit).toBe(2);
  expect((await ran(['list', '--watch', '-o', 'json'], [secrets()])).exit).toBe(2);
});

describe('tags', () => {
  const present = { Owner: 'team-a', cost: '1', 'rotator-state': 'v=1;tgt=x' };

  it('are merged in whatever casing, and none is lost', () => {
    const wanted = merged(present, { owner: 'team-b', rotator: 'x', nothing: undefined });
    expect(wanted).toEqual({
      Owner: 'team-b',
      cost: '1',
      'rotator-state': 'v=1;tgt=x',
      rotator: 'x',
    });
    expect(merged(present, { OWNER: undefined })).toEqual({
      cost: '1',
      'rotator-state': 'v=1;tgt=x',
    });
    expect([
      isSame(present, { ...present, 'rotator-state': 'other' }),
      isSame(present, wanted),
    ]).toEqual([true, false]);
    expect(difference(present, wanted).map(({ sign, tag }) => `${sign}${tag}`)).toEqual([
      '~Owner',
      ' cost',
      '+rotator',
    ]);
  });

  it.each([
    ['--set', 'rotator-state=v=1'],
    ['--set', 'Rotator-State='],
    ['--remove', 'rotator-state'],
    ['--set', '=x'],
    ['--set', 'x'],
  ])('%s %s is refused before anything is asked', async (option, text) => {
    const { exit, asked } = await ran(['tag', 'kv1/st-a', option, text, '--yes'], []);
    expect([exit, asked.length]).toEqual([2, 0]);
  });
});

it.each(['bash', 'zsh', 'fish'])(
  'completion of %s names every command and option',
  async (shell) => {
    const { out, exit } = await ran(['completion', shell], [], { env: {} });
    expect(exit).toBe(0);
    for (const word of ['rotate', 'completion', 'exempt', 'ticket', 'dry-run'])
      expect(out).toContain(word);
  },
);

it('every call of the API has its command; the rest is for programs', () => {
  const used = filesUnder('cli').flatMap((file) =>
    [...read(file).matchAll(/(?:call(?:<[^(]*>)?\(|request\(run, )'(\w+)'/g)].map(
      ([, name]) => name,
    ),
  );
  const forPrograms = ['health', 'openapi', 'operations', 'reason', 'reasons'];
  expect(routes.map(({ name }) => name).filter((name) => !used.includes(name))).toEqual(
    forPrograms,
  );
  expect(commands.map(({ name }) => name)).toEqual([
    ...[
      'list',
      'show',
      'plan',
      'doctor',
      'rotate',
      'revoke',
      'leaked',
      'undo',
      'hold',
      'resume',
      'freeze',
      'history',
    ],
    ...['who', 'suggest', 'tag', 'exempt', 'ready', 'report', 'open', 'completion'],
  ]);
});
