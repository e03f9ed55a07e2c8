/** The library finds the host's module although jest has a `require` of its own: `local/host/core.ts` sets a virtual mock. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { InvocationContext, Timer } from '@azure/functions';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Azurite, startAzurite } from '../../local/azurite.ts';
import * as clock from '../../local/clock.ts';
import { EventGrid } from '../../local/eventGrid.ts';
import { parseCron } from '../../local/host/cron.ts';
import { type Host, type LogRecord, startHost } from '../../local/host/host.ts';
import { parseRoute } from '../../local/host/routes.ts';
import type { HostJson } from '../../local/host/settings.ts';
import { chunked, sendRaw } from '../cases/wire.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const seen: { name: string; input: unknown; context: InvocationContext }[] = [];
const inputs = (name: string) =>
  seen.filter((call) => call.name === name).map(({ input }) => input);
let during: (input: unknown, name: string) => unknown = () => undefined;

/** What an entry file does: imports the library and registers functions of each kind. Runs once per process, as modules do. */
const entry = async (): Promise<unknown> => {
  const { app, output, trigger } = await import('@azure/functions');
  if (registered) return registered;
  const note = (name: string) => async (input: unknown, context: InvocationContext) => {
    seen.push({ name, input, context });
    return during(input, name);
  };
  app.http('read', {
    ...{ route: 'vaults/{vault}/secrets/{name}', methods: ['GET', 'POST'], authLevel: 'anonymous' },
    handler: async (request, context) => {
      context.info('asked');
      if (request.params.name === 'broken') throw new Error('no such luck');
      const body = {
        ...request.params,
        q: request.query.get('q'),
        header: request.headers.get('x-own'),
        authorization: request.headers.get('authorization') ?? undefined,
        text: await request.text(),
      };
      return { status: 202, headers: { 'Retry-After': '7' }, jsonBody: body };
    },
  });
  app.http('locked', {
    route: 'locked',
    authLevel: 'function',
    handler: async () => ({ body: 'open' }),
  });
  app.generic('nothing', {
    ...{
      trigger: trigger.http({ route: 'nothing', authLevel: 'anonymous' }),
      return: output.http({}),
    },
    handler: async () => undefined,
  });
  app.eventGrid('events', { handler: note('events') });
  app.storageQueue('work', {
    ...{ queueName: 'keyturn-work', connection: 'AzureWebJobsStorage' },
    handler: note('work'),
  });
  app.storageQueue('workPoison', {
    ...{ queueName: 'keyturn-work-poison', connection: 'AzureWebJobsStorage' },
    handler: note('workPoison'),
  });
  const toWork = output.storageQueue({
    queueName: 'keyturn-work',
    connection: 'AzureWebJobsStorage',
  });
  app.timer('sweep', { ...{ schedule: '%SWEEP%', return: toWork }, handler: note('sweep') });
  registered = { entry: true };
  return registered;
};
let registered: object | undefined;

let azurite: Azurite;
let host: Host;
const logs: LogRecord[] = [];
const start = (hostJson: HostJson = {}) =>
  startHost({
    ...{ entry, storageConnection: azurite.connectionString(), env: { SWEEP: '0 0 * * * *' } },
    log: (record) => logs.push(record),
    hostJson,
  });
const queue = (name: string) =>
  QueueServiceClient.fromConnectionString(azurite.connectionString()).getQueueClient(name);
const workQueue = () => queue('keyturn-work');
const lines = (start: string) => logs.filter(({ message }) => message.startsWith(start)).length;
const waiting = async (name: string) =>
  (await queue(name).getProperties()).approximateMessagesCount;
const send = (text: string, visibilityTimeout = 0) =>
  workQueue().sendMessage(Buffer.from(text).toString('base64'), {
    visibilityTimeout,
    messageTimeToLive: -1,
  });
const post = (path: string, body = '', headers = {}) =>
  fetch(host.url + path, { method: 'POST', body, headers });

beforeAll(async () => {
  clock.install();
  azurite = await startAzurite();
  for (const name of ['keyturn-work', 'keyturn-work-poison']) await queue(name).create();
  host = await start();
});
afterEach(async () => {
  await host.drain();
  seen.length = 0;
  logs.length = 0;
  during = () => undefined;
});
afterAll(async () => {
  await host.stop();
  await azurite.stop();
  clock.reset();
});

describe('HTTP triggers', () => {
  it('hands over parameters, query, headers and body, and answers what the handler returned', async () => {
    const response = await post('/api/Vaults/kv1/secrets/a%20b?q=1', 'text', { 'x-own': 'yes' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([202, '7']);
    expect(await response.json()).toEqual({
      vault: 'kv1',
      name: 'a b',
      q: '1',
      header: 'yes',
      text: 'text',
    });
    expect(logs).toContainEqual(
      expect.objectContaining({ category: 'user', level: 'information', message: 'asked' }),
    );
  });

  it('answers 404 to an unknown path and to a wrong method, 204 to a handler without a result', async () => {
    const put = await fetch(`${host.url}/api/vaults/kv1/secrets/db`, { method: 'PUT' });
    const paths = ['/api/nope', '/api/vaults/kv1/secrets', '/elsewhere', '/api/nothing'];
    const others = await Promise.all(paths.map((path) => fetch(host.url + path)));
    expect([put.status, ...others.map(({ status }) => status)]).toEqual([404, 404, 404, 404, 204]);
  });

  it('answers 500 and no body when the handler throws, and logs what was thrown', async () => {
    const response = await fetch(`${host.url}/api/vaults/kv1/secrets/broken`);
    expect([response.status, await response.text()]).toEqual([500, '']);
    expect(
      logs.some(({ level, message }) => level === 'error' && message.includes('no such luck')),
    ).toBe(true);
  });

  it('wants a key where the function says so', async () => {
    const { function: key, master, system } = host.keys;
    const status = async (code: string) =>
      (await fetch(`${host.url}/api/locked?code=${code}`)).status;
    expect([
      await status(''),
      await status(system),
      await status(key),
      await status(master),
    ]).toEqual([401, 401, 200, 200]);
    expect(
      (await fetch(`${host.url}/api/locked`, { headers: { 'x-functions-key': key } })).status,
    ).toBe(200);
  });
});

describe('the host answers as the real one', () => {
  const own = (method: string, target: string, headers: readonly string[] = [], body = '') =>
    sendRaw(host.url, [`${method} ${target} HTTP/1.1`, 'Host: app', ...headers], body);
  const read = '/api/vaults/kv1/secrets/db';

  it('HST-01: a body without a length is dropped, and the function is told that there was one', async () => {
    const [whole, cut] = await Promise.all([
      own('POST', read, ['Content-Length: 4'], 'text'),
      own('POST', read, ['Transfer-Encoding: chunked', 'X-Own: yes'], chunked('te', 'xt')),
    ]);
    expect([whole.text, cut.text].map((text) => JSON.parse(text).text)).toEqual(['text', '']);
    expect(JSON.parse(cut.text).header).toBe('yes');
  });

  it('HST-07: a header that comes twice is handed over joined, Authorization too', async () => {
    const sent = await own('GET', read, ['X-Own: one', 'X-Own: two']);
    expect(JSON.parse(sent.text).header).toBe('one,two');
    // Node itself would keep the first: whoever reads one would judge another than the real host hands over.
    const tokens = await own('GET', read, [
      'Authorization: Bearer one',
      'authorization: Bearer two',
    ]);
    expect(JSON.parse(tokens.text).authorization).toBe('Bearer one,Bearer two');
    expect((await own('GET', read, ['Host: other'])).status).toBe(400);
  });

  it('HST-07: an escaped slash stays in its segment, an empty segment is no path of a function', async () => {
    expect(
      JSON.parse((await own('GET', '/api/vaults/a%2Fb/secrets/c%2fd%20e')).text),
    ).toMatchObject({
      ...{ vault: 'a%2Fb', name: 'c%2fd e' },
    });
    for (const path of [
      `/${read}`,
      `//elsewhere${read}`,
      '/api//vaults/kv1/secrets/db',
      '/api/vaults//secrets/db',
      '/api/vaults/kv1/secrets/',
    ])
      expect([path, (await own('GET', path)).status]).toEqual([path, 404]);
    expect((await own('GET', `${read}/`)).status).toBe(202);
  });

  it('HST-07: an address of 9 kB is 414, headers of 20 kB are taken, of 33 kB or more than 100 are 431', async () => {
    const headers = (bytes: number) => [`X-Long: ${'a'.repeat(bytes)}`];
    const many = Array.from({ length: 101 }, (_, at) => `X-${at}: 1`);
    const answers = await Promise.all([
      own('GET', `${read}?q=${'a'.repeat(9_000)}`),
      own('GET', `${read}?q=${'a'.repeat(8_000)}`),
      own('GET', read, headers(20_000)),
      own('GET', read, headers(33_000)),
      own('GET', read, many),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([414, 202, 202, 431, 431]);
  });

  it('HST-07: parameters of one name are joined', async () => {
    expect(JSON.parse((await own('GET', `${read}?q=1&q=2`)).text).q).toBe('1,2');
  });

  it('HST-07: has a start page, unless a setting switches it off', async () => {
    expect(await own('GET', '/')).toMatchObject({
      status: 200,
      text: expect.stringContaining('<title>'),
    });
    process.env.AzureWebJobsDisableHomepage = 'True';
    expect(await own('GET', '/')).toEqual({ status: 204, text: '' });
    delete process.env.AzureWebJobsDisableHomepage;
  });

  it('HST-07: events without aeg-event-type are 400 in both schemas', async () => {
    const url = host.eventGridUrl('events');
    const event = { id: '1', source: 's', type: 't', specversion: '1.0', data: {} };
    const send = (type: string, body: object, more = {}) =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': type, ...more },
        body: JSON.stringify(body),
      });
    const marked = { 'aeg-event-type': 'Notification' };
    const answers = [
      await send('application/cloudevents+json', event),
      await send('application/cloudevents-batch+json', [event]),
      await send('application/json', [event]),
      await send('application/cloudevents+json', event, { 'aeg-event-type': 'Other' }),
      await send('application/cloudevents+json', event, marked),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 202]);
    expect(inputs('events')).toEqual([event]);
  });
});

describe('the Event Grid webhook', () => {
  const path = () => host.eventGridUrl('events').slice(host.url.length);
  const notification = { 'aeg-event-type': 'Notification' };

  it('DP-01: completes the handshakes of both schemas', async () => {
    const body = JSON.stringify([{ data: { validationCode: 'code-1' } }]);
    const validation = await post(path(), body, { 'aeg-event-type': 'SubscriptionValidation' });
    expect([validation.status, await validation.json()]).toEqual([
      200,
      { validationResponse: 'code-1' },
    ]);
    const headers = { 'WebHook-Request-Origin': 'eventgrid.azure.net' };
    const consent = await fetch(host.url + path(), { method: 'OPTIONS', headers });
    expect([consent.status, consent.headers.get('webhook-allowed-origin')]).toEqual([
      200,
      'eventgrid.azure.net',
    ]);
  });

  it('runs one invocation per event of a batch and answers 202 after all have finished', async () => {
    let finished = 0;
    during = async () => {
      await new Promise((done) => setTimeout(done, 50));
      finished++;
    };
    const events = [1, 2, 3].map((id) => ({ id: String(id), data: { NBF: null } }));
    const response = await post(path(), JSON.stringify(events), notification);
    expect([response.status, finished]).toEqual([202, 3]);
    expect(inputs('events')).toEqual(events);
    expect(seen[0]?.context.triggerMetadata).toEqual({ data: { nBF: null } });
  });

  it('answers 500 when a handler throws, so that the event comes again', async () => {
    const grid = new EventGrid();
    const vaultId = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1';
    await grid.subscribe({
      name: 'keyturn',
      vaultId,
      endpoint: host.eventGridUrl('events'),
      retrySeconds: [0.02],
    });
    let tries = 0;
    during = () => {
      if (++tries < 3) throw new Error('busy');
    };
    const event = {
      vaultId,
      vaultName: 'kv1',
      objectName: 'db',
      version: 'v',
      id: 'https://kv1/secrets/db/v',
    };
    grid.raise({ ...event, type: 'Microsoft.KeyVault.SecretNearExpiry' });
    await grid.idle();
    await grid.stop();
    expect(tries).toBe(3);
  });

  it('refuses a wrong key with 401, an unknown function with 404, an unknown kind of post with 400', async () => {
    const wrong = path().replace(host.keys.system, 'wrong');
    const unknown = path().replace('=events', '=sweep');
    const answers = await Promise.all([
      post(wrong, '[]', notification),
      post(unknown, '[]', notification),
      post(path(), '[]'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 404, 400]);
  });
});

describe('queue triggers', () => {
  it('decode base64 and hand over objects and texts with their delivery count', async () => {
    await send('{"vault":"kv1"}');
    await send('plain');
    await host.drain();
    expect(inputs('work')).toEqual(expect.arrayContaining([{ vault: 'kv1' }, 'plain']));
    expect(seen[0]?.context.triggerMetadata).toMatchObject({
      dequeueCount: 1,
      id: expect.any(String),
    });
  });

  it('try a failing message five times, then move it to the poison queue (FN-09)', async () => {
    during = (_input, name) => {
      if (name === 'work') throw new Error('never works');
    };
    await send('bad');
    await host.drain();
    expect(inputs('work')).toEqual(Array(5).fill('bad'));
    expect(inputs('workPoison')).toEqual(['bad']);
  });

  it.each(['{"raw":true}', 'not base64', 'YQ', 'a'.repeat(5)])(
    'HST-02: a message that is not base64 (%s) goes to the poison queue at once, and nobody can read it there either',
    async (text) => {
      await workQueue().sendMessage(text);
      await host.drain();
      expect(seen).toEqual([]);
      expect([await waiting('keyturn-work'), await waiting('keyturn-work-poison')]).toEqual([0, 1]);
      expect(lines('Message decoding has failed!')).toBe(2);
      // Fetched again every ten minutes, and no sooner.
      clock.advance({ minutes: 9 });
      await host.drain();
      expect(lines('Message decoding has failed!')).toBe(2);
      clock.advance({ minutes: 2 });
      await host.drain();
      expect([inputs('work'), inputs('workPoison'), lines('Message decoding has failed!')]).toEqual(
        [[], [], 3],
      );
      await queue('keyturn-work-poison').clearMessages();
    },
  );

  it('HST-02: base64 that is no UTF-8 goes there after five tries, none of which is a call', async () => {
    await workQueue().sendMessage(Buffer.from([0xff, 0xfe, 0x00]).toString('base64'));
    await host.drain();
    expect(seen).toEqual([]);
    expect([await waiting('keyturn-work'), await waiting('keyturn-work-poison')]).toEqual([0, 1]);
    expect(lines("Queue message's body cannot be converted")).toBe(6);
    await queue('keyturn-work-poison').clearMessages();
  });

  it('HST-02: a poison function that fails is tried again after ten minutes; there is no poison queue of a poison queue', async () => {
    during = () => {
      throw new Error('never works');
    };
    await queue('keyturn-work-poison').sendMessage(Buffer.from('bad').toString('base64'));
    for (const [minutes, calls] of [
      [0, 1],
      [9, 1],
      [2, 2],
      [11, 3],
      [11, 4],
      [11, 5],
      [11, 5], // more than five tries: not even called any more, and still there
    ] as const) {
      clock.advance({ minutes });
      await host.drain();
      expect(inputs('workPoison')).toHaveLength(calls);
    }
    expect(await waiting('keyturn-work-poison')).toBe(1);
    expect(await queue('keyturn-work-poison-poison').exists()).toBe(false);
    await queue('keyturn-work-poison').clearMessages();
  });

  it('HST-02: with messageEncoding none every message reaches the function, as it lies in the queue', async () => {
    await host.stop();
    host = await start({ extensions: { queues: { messageEncoding: 'none' } } });
    const texts = ['not base64', '/////w==', Buffer.from('{"a":1}').toString('base64'), '{"a":1}'];
    for (const text of texts) await workQueue().sendMessage(text);
    await host.drain();
    expect(inputs('work')).toEqual(expect.arrayContaining([...texts.slice(0, 3), { a: 1 }]));
    await host.stop();
    host = await start();
  });

  it('HST-03: a queue that is not there is asked for and logged, not made; it is read once it is there', async () => {
    await host.stop();
    await queue('keyturn-work-poison').delete();
    logs.length = 0;
    host = await start();
    await host.drain();
    expect(lines('404 QueueNotFound: the queue keyturn-work-poison')).toBe(1);
    expect(await queue('keyturn-work-poison').exists()).toBe(false);
    await queue('keyturn-work-poison').create();
    await queue('keyturn-work-poison').sendMessage(Buffer.from('late').toString('base64'));
    await host.drain();
    expect(inputs('workPoison')).toEqual(['late']);
  });

  it('keep a message hidden while its call runs, also over a jump of the clock', async () => {
    let finish: () => void = () => {};
    during = (input) =>
      input === 'slow' ? new Promise<void>((done) => (finish = done)) : undefined;
    await send('slow');
    while (inputs('work').length === 0) await new Promise((done) => setTimeout(done, 10));
    clock.advance({ minutes: 9 });
    await new Promise((done) => setTimeout(done, 300));
    clock.advance({ minutes: 9 });
    await new Promise((done) => setTimeout(done, 300));
    finish();
    await host.drain();
    expect(inputs('work')).toEqual(['slow']);
  });

  it('see a delayed message once the movable clock has come to it', async () => {
    await send('later', 3600);
    await host.drain();
    expect(inputs('work')).toEqual([]);
    clock.advance({ hours: 1, minutes: 1 });
    await host.drain();
    expect(inputs('work')).toEqual(['later']);
  });
});

describe('timer triggers', () => {
  it('run when the movable clock passes their time, once for all missed times, and send what they return', async () => {
    during = (input) => ((input as Timer).schedule ? { from: 'sweep' } : undefined);
    clock.advance({ hours: 5 });
    await host.drain();
    expect(inputs('sweep')).toEqual([
      expect.objectContaining({
        isPastDue: true,
        scheduleStatus: expect.objectContaining({ next: expect.any(String) }),
      }),
    ]);
    expect(inputs('work')).toEqual([{ from: 'sweep' }]);
  });

  it('run at once by /admin/functions with the master key, in the background', async () => {
    const ask = (key: string, name = 'sweep') =>
      post(`/admin/functions/${name}`, '{}', { 'x-functions-key': key });
    const answers = [
      await ask(host.keys.master),
      await ask(host.keys.function),
      await ask(host.keys.master, 'nope'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 401, 404]);
    await host.drain();
    expect(inputs('sweep')).toEqual([expect.objectContaining({ isPastDue: false })]);
  });

  it.each([
    ['0 0 * * * *', '2027-01-01T00:30:00Z', '2027-01-01T01:00:00.000Z'],
    ['*/15 * * * * *', '2027-01-01T00:00:15Z', '2027-01-01T00:00:30.000Z'],
    ['0 30 1-3,22 * * *', '2027-01-01T03:30:00Z', '2027-01-01T22:30:00.000Z'],
    ['0 0 0 29 2 *', '2027-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 0 9 * * Mon-Fri', '2027-01-01T09:00:00Z', '2027-01-04T09:00:00.000Z'],
    ['5 4 * * 0', '2027-01-01T00:00:00Z', '2027-01-03T04:05:00.000Z'],
    ['0 5/15 * * * *', '2027-01-01T00:06:00Z', '2027-01-01T00:20:00.000Z'],
    ['0 0 9 * February Monday-Friday', '2027-01-01T09:00:00Z', '2027-02-01T09:00:00.000Z'],
    ['0 0 9 13 * Fri', '2027-01-01T09:00:00Z', '2027-08-13T09:00:00.000Z'],
  ])('read %s as the host does', (schedule, after, next) => {
    expect(parseCron(schedule).next(new Date(after)).toISOString()).toBe(next);
  });

  it.each([
    '* * *',
    '60 * * * * *',
    '0 0 0 31 2 *',
    '0 0 x * * *',
    '0 0/0 * * * *',
    '@daily',
    '0 0 0 L * *',
    '0 0 0 ? * 1#2',
  ])('refuse the schedule %s', (schedule) => {
    expect(() => parseCron(schedule).next(new Date())).toThrow(/Schedule/);
  });
});

describe('the host', () => {
  it('runs the same entry again after a stop, and leaves the environment as it was', async () => {
    await host.stop();
    expect(process.env.SWEEP).toBeUndefined();
    host = await start();
    expect(host.functions).toContainEqual({ name: 'work', type: 'queueTrigger' });
    await host.invoke('work', { again: true });
    expect(inputs('work')).toEqual([{ again: true }]);
  });

  it('refuses an entry that registers nothing (FN-01)', async () => {
    const empty = startHost({
      entry: async () => ({}),
      storageConnection: azurite.connectionString(),
    });
    await expect(empty).rejects.toThrow('registered no function');
  });

  it('prefers a literal segment over a parameter in routes', () => {
    const routes = ['secrets/{name}', 'secrets/all', 'secrets/{*rest}'].map((template) =>
      parseRoute(template),
    );
    routes.sort((one, other) => one.rank.localeCompare(other.rank));
    const winner = (path: string) => routes.map((route) => route.match(path)).find(Boolean);
    expect([winner('secrets/all'), winner('secrets/x'), winner('secrets/x/y')]).toEqual([
      {},
      { name: 'x' },
      { rest: 'x/y' },
    ]);
  });
});

describe('the bundle', () => {
  it('registers its functions with an empty environment and loads a rotator only when it is used (FN-01)', async () => {
    await mkdir(join(root, '.keyturn'), { recursive: true });
    // Ignored by git, and no package of others, whose licence the build would ask for.
    const folder = await mkdtemp(join(root, '.keyturn/build-'));
    const file = (name: string, text: string) => writeFile(join(folder, name), text);
    await file('lazy.ts', 'globalThis.lazyLoaded = true;\nexport const answer = 42;\n');
    await file(
      'index.ts',
      "import { app } from '@azure/functions';\n" +
        "app.http('go', { authLevel: 'anonymous', handler: async () => ({ jsonBody: (await import('./lazy.ts')).answer }) });\n",
    );
    await file('host.json', '{"version":"2.0"}');
    const out = join(folder, 'dist');
    const script = `import { build } from '${root}scripts/build.ts';
      import { startHost } from '${root}local/host/host.ts';
      await build({ entry: '${folder}/index.ts', out: '${out}', hostJson: '${folder}/host.json' });
      const { main } = JSON.parse(process.getBuiltinModule('fs').readFileSync('${out}/package.json', 'utf8'));
      const host = await startHost({ entry: '${out}/' + main, storageConnection: '' });
      const before = globalThis.lazyLoaded ?? false;
      const answer = await (await fetch(host.url + '/api/go')).json();
      await host.stop();
      console.log(JSON.stringify({ functions: host.functions, before, after: globalThis.lazyLoaded, answer }));`;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      env: {},
      cwd: root,
    });
    await rm(folder, { recursive: true });
    const functions = [{ name: 'go', type: 'httpTrigger' }];
    expect(JSON.parse(stdout)).toEqual({ functions, before: false, after: true, answer: 42 });
  });
});
