/** `npm start`: the story and its exit codes, as whoever runs it sees them. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StoryError, Teller } from '../../local/demo/teller.ts';
import { endAll, root, start } from '../docs/processes.ts';
import { commandsOf, optionsOf } from '../docs/shell.ts';

const command = ['node', '--import', './local/preload.ts', 'local/start.ts'];
let temporary = '';
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'keyturn-start-'));
});
afterAll(() => {
  endAll();
  rmSync(temporary, { recursive: true, force: true });
});

const run = (...options: string[]) => start([...command, ...options], { TMPDIR: temporary });
const secrets = [
  'kv-shop/orders-storage',
  'kv-shop/orders-sql',
  'kv-shop/orders-bus',
  'kv-web/portal-login',
];
/** A key, password or client secret has 36 characters or more, bare or in a connection string; so have these. */
const VALUE = /[\w+/.~-]{36,}|AccountKey=|Password=|AccessKey=/;
const NO_VALUE =
  /\$\(cat \S+\)|Bearer [\w.-]+|https?:\/\/\S+|\/subscriptions\/\S+|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const withoutIds = (text: string): string => text.replaceAll(NO_VALUE, 'ID');

async function isOpen(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.unref();
  });
}

it('tells four rotations side by side, from the event to the refused old credential, and ends with 0', async () => {
  const story = run('--once', '--port', '0');
  expect([await story.ended, story.stderr()]).toEqual([0, '']);
  const ofAll = (step: string, words: readonly RegExp[]) =>
    secrets.map((title, at) => new RegExp(`${title} +${step} +.*${words[at]?.source}`));
  const steps = [
    /the index is made$/,
    /kv-data\/lake-key: refused, no-consent/,
    /clock moved by 2 h/,
    /SecretNearExpiry 4 times: accepted, 202$/,
    ...ofAll('due', [
      /in use: key1$/,
      /in use: login orders_a$/,
      /in use: PrimaryKey$/,
      /in use: a person's .*$/,
    ]),
    ...ofAll('issued', [
      /key2 \(regenerateKey, 200\), stored as version [0-9a-f]{8}; key1 works on$/,
      /login orders_b \(ALTER LOGIN \[orders_b\]\), stored as version [0-9a-f]{8}; login orders_a works on$/,
      /SecondaryKey \(regenerateKeys, 200\), stored as version [0-9a-f]{8}; PrimaryKey works on$/,
      /Keyturn's client secret \(addPassword, 200\), stored as version [0-9a-f]{8}; a person's .* works on$/,
    ]),
    ...ofAll('proved', [
      /key1 is to be/,
      /login orders_a is to be/,
      /PrimaryKey is to be/,
      /client secret is to be/,
    ]),
    /In the grace both work: all 4 targets take the old value and the new one$/,
    /clock moved by 24 h: .* nothing revoked$/,
    /48 h of grace are over$/,
    ...ofAll('revoked', [
      /key1: .* \(regenerateKey, 200\); version [0-9a-f]{8} disabled$/,
      /login orders_a: .* \(ALTER LOGIN \[orders_a\]\); version [0-9a-f]{8} disabled$/,
      /PrimaryKey: .* \(regenerateKeys, 200\); version [0-9a-f]{8} disabled$/,
      /a person's client secret: removed \(removePassword, 204\); version [0-9a-f]{8} disabled$/,
    ]),
    /storders, .*: with the new value 200, with the old one 403$/,
    /sql-shop, .*: with the new value let in, with the old one error 18456$/,
    /sb-shop, .*: with the new value valid, with the old one not valid$/,
    /portal, .*: with the new value let in, with the old one AADSTS 7000215$/,
    /8 changes by Keyturn at 4 targets, none at any other; 1 alert$/,
    /Done/,
  ];
  const lines = story.stdout().trim().split('\n');
  const at = steps.map((step) => lines.findIndex((line) => step.test(line)));
  expect(steps.filter((_, step) => at[step] === -1)).toEqual([]);
  expect(at).toEqual([...at].sort((one, other) => one - other));
  expect(lines.filter((line) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\S/.test(line))).toEqual([]);
  expect(withoutIds(story.stdout())).not.toMatch(VALUE);
  expect([story.isAlive(), readdirSync(temporary)]).toEqual([false, []]);
});

describe('once it stays up', () => {
  it('OPS-10: prints commands that do when pasted what they say, tells what follows, and leaves nothing after Ctrl-C', async () => {
    const served = run('--stay', '--port', '0');
    await served.seen(/\/revoke\n/);
    const curls = () => served.stdout().match(/^curl .*$/gm) ?? [];
    const [rotate = '', detail = '', clock = '', revoke = '', ...more] = curls();
    expect(more).toEqual([]);
    const accepted = await paste(rotate);
    expect([accepted.status, accepted.body.phase]).toEqual([202, 'accepted']);
    expect(accepted.location).toMatch(/\/api\/operations\/[0-9a-f-]{36}$/);
    await served.seen(/reports-storage: rotate \(asked\), done/);
    // The record of the rotation comes before the word that the operation is done.
    const state = () => curls().find((line) => line.includes(accepted.location)) ?? '';
    const proved = await eventually(
      () => paste(state()),
      ({ body }) => body.done === true,
    );
    expect([proved.status, proved.body.phase]).toEqual([200, 'proved']);
    expect((await paste(detail)).body).toMatchObject({
      secret: 'reports-storage',
      state: 'grace',
      owed: ['key1'],
    });

    const moved = await paste(clock);
    expect(moved.status).toBe(200);
    await served.seen(/reports-storage: revoke \(grace-over\), done/);
    // The token of the file is a new one by now: the old one ended with the day.
    await paste(rotate);
    await served.seen(/rotate \(asked\), done[\s\S]*rotate \(asked\), done/);
    const revoked = await eventually(
      () => paste(revoke),
      ({ status }) => status !== 409,
    );
    expect([revoked.status, revoked.body.kind]).toEqual([202, 'revoke']);
    await served.seen(/reports-storage: revoke \(asked\), done/);
    expect(withoutIds(served.stdout())).not.toMatch(VALUE);

    const port = Number(new URL(url(rotate)).port);
    served.signal('SIGINT');
    expect([await served.ended, served.stderr()]).toEqual([0, '']);
    expect([served.isAlive(), await isOpen(port), readdirSync(temporary)]).toEqual([
      false,
      false,
      [],
    ]);
  });

  it('OPS-10: keeps the token in a file of its user, which no screen shows, and the clock from whoever has none', async () => {
    const served = run('--port', '0');
    await served.seen(/\/revoke\n/);
    const [, file = ''] = /\$\(cat (\S+)\)/.exec(served.stdout()) ?? [];
    expect([
      (statSync(file).mode & 0o777).toString(8),
      (statSync(dirname(file)).mode & 0o777).toString(8),
    ]).toEqual(['600', '700']);
    const token = readFileSync(file, 'utf8');
    expect(served.stdout()).not.toContain(token);
    expect(served.stdout()).not.toMatch(/eyJ/);
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims.roles).toEqual(['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke']);
    const [, clock = ''] = /'(http:\/\/127\.0\.0\.1:\d+\/clock)\?/.exec(served.stdout()) ?? [];
    const ask = async (hours: string, authorization = `Bearer ${token}`, method = 'POST') =>
      (await fetch(`${clock}?hours=${hours}`, { method, headers: { authorization } })).status;
    expect([
      await ask('3', ''),
      await ask('3', 'Bearer x'),
      await ask('3', undefined, 'GET'),
    ]).toEqual([401, 401, 404]);
    for (const wrong of ['', '0', '-1', '1.5', '1e3', '99999', 'x'])
      expect([wrong, await ask(wrong)]).toEqual([wrong, 400]);
    served.signal('SIGTERM');
    await served.ended;
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('ends in the middle of the story, too, and says so with its exit code', async () => {
    const story = run('--port', '0');
    await story.seen(/the index is made/);
    story.signal('SIGTERM');
    expect([await story.ended, story.isAlive()]).toEqual([130, false]);
    expect(story.stderr()).toContain('Stopped before the end of the story.');
  });
});

describe('a run that fails', () => {
  it('names the port that is in use and ends with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => other.once('listening', listening));
    const { port } = other.address() as { port: number };
    const refused = run('--once', '--port', String(port));
    expect([await refused.ended, refused.isAlive()]).toEqual([1, false]);
    expect(refused.stderr()).toMatch(new RegExp(`^Port ${port} is in use\\..*--port 7072\\n$`));
    await new Promise((closed) => other.close(closed));
  });

  it.each([['--port', 'x'], ['--twice'], ['--once', '--stay']])(
    'shows its usage for %s',
    async (...options) => {
      const refused = run(...options);
      expect(await refused.ended).toBe(1);
      expect(refused.stderr()).toContain('Usage: npm start');
    },
  );

  it.each([['--port', 'abc'], ['--port', '70000'], ['--listen', 'nowhere'], ['--twice']])(
    'of the stand-in alone shows its usage for %s',
    async (...options) => {
      const refused = start([
        'node',
        '--import',
        './local/preload.ts',
        'local/azure.ts',
        ...options,
      ]);
      expect([await refused.ended, refused.stdout()]).toEqual([1, '']);
      expect(refused.stderr()).toMatch(/^[^\n]+\nUsage: npm run --silent azure [^\n]+\n$/);
    },
  );

  it('ends with 1 and names what is not as it must be', async () => {
    // A vault that forgets the content type of a later version: the story has to notice.
    const vault = pathToFileURL(join(root, 'local/azure/vault.ts')).href;
    const sabotage = `import { Vault } from ${JSON.stringify(vault)};
      const { put } = Vault.prototype;
      Vault.prototype.put = function (name, { contentType, ...rest }) {
        return put.call(this, name, this.find(name) ? rest : { contentType, ...rest });
      };`;
    const [node = '', ...rest] = command;
    const module = `data:text/javascript,${encodeURIComponent(sabotage)}`;
    const story = start([node, '--import', module, ...rest, '--once', '--port', '0'], {
      TMPDIR: temporary,
    });
    expect(await story.ended).toBe(1);
    expect(story.stderr()).toContain(
      "Not as it must be: the owner's tags and content type are on it.",
    );
    expect(withoutIds(story.stdout() + story.stderr())).not.toMatch(VALUE);
  });

  it('gives up on a step that does not come', async () => {
    const teller = new Teller(() => {}, new AbortController().signal);
    await expect(teller.until('the moon', 0.05, () => undefined)).rejects.toThrow(
      new StoryError('Not seen within 0.05 s: the moon.'),
    );
    await expect(
      teller.within('the end', 5, Promise.reject(new Error('no such luck'))),
    ).rejects.toThrow('no such luck');
  });
});

const url = (line: string): string => /http:\S+?(?='|$)/.exec(line)?.[0] ?? '';

/** Does what the printed curl does; an option that is not known here fails. */
async function paste(line: string) {
  const [[name, ...words] = []] = commandsOf(line);
  const { options, rest } = optionsOf(words, ['-sS', '-i']);
  const known = ['-sS', '-i', '-X', '-H', '-d'];
  expect([name, [...options.keys()].filter((option) => !known.includes(option)), rest]).toEqual([
    'curl',
    [],
    [],
  ]);
  const isAddress = (word: string) => word.startsWith('http');
  const headers = (options.get('-H') ?? [])
    .filter((word) => !isAddress(word))
    .map((word) => {
      const [, key = '', value = ''] = /^([\w-]+): (.*)$/.exec(word) ?? [];
      return [
        key,
        value.replace(/\$\(cat (\S+)\)/, (_, file: string) => readFileSync(file, 'utf8')),
      ] as [string, string];
    });
  const [body] = options.get('-d') ?? [];
  const method = options.get('-X')?.[0] ?? 'GET';
  const response = await fetch(url(line), {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = (await response.json()) as Record<string, unknown>;
  return {
    status: response.status,
    body: text,
    location: response.headers.get('operation-location') ?? '',
  };
}

/** Asks again until it is as wanted; the limit of the suite ends what never is. */
async function eventually<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await sleep(100);
  }
}
