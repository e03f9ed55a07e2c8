/** An app whose settings do not fit (finding HST-04): it says so where it is asked, and where nobody asks. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import { type Host, type LogRecord, startHost } from '../../local/host/host.ts';

const VALUE = 'hunter2-hunter2-hunter2';
let azure: Azure;
let host: Host | undefined;
const logs: LogRecord[] = [];
const printed = jest.spyOn(console, 'error').mockImplementation(() => {});

beforeAll(async () => {
  azure = await startAzure({ tenant: { vaults: [{ name: 'kv1' }], accounts: [] } });
});
afterEach(async () => {
  await host?.stop();
  host = undefined;
  logs.length = 0;
  printed.mockClear();
});
afterAll(async () => {
  printed.mockRestore();
  await azure.stop();
});

async function start(faults: Record<string, string>): Promise<Host> {
  const { AzureWebJobsStorage: storageConnection = '', ...env } = azure.env();
  host = await startHost({
    ...{
      entry: () => import('../../src/functions/index.ts'),
      storageConnection,
      env: { ...env, ...faults },
    },
    ...{ timers: false, log: (record) => logs.push(record) },
  });
  return host;
}
const get = async ({ url }: Host, path: string) => {
  const answer = await fetch(url + path);
  return { status: answer.status, text: await answer.text() };
};
const lines = () =>
  printed.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
const alerts = () =>
  [
    ...lines(),
    ...logs.filter(({ category }) => category === 'user').map(({ message }) => JSON.parse(message)),
  ].filter(({ message }) => message === 'alert');
/** Real time: the start looks at the settings beside everything else. */
async function untilSaid(): Promise<void> {
  while (alerts().length === 0) await new Promise((next) => setTimeout(next, 10));
}

describe('settings that do not fit', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['one is missing', { KEYTURN_VAULTS: '' }, ['KEYTURN_VAULTS']],
    ['one is wrong', { KEYTURN_MODE: VALUE }, ['KEYTURN_MODE']],
    ['one holds a secret', { KEYTURN_CONSENT: `{"password":"${VALUE}"` }, ['KEYTURN_CONSENT']],
    ['one is misspelt', { KEYTURN_ROTATOR: VALUE }, ['KEYTURN_ROTATOR']],
    [
      'many are wrong',
      { KEYTURN_TENANT_ID: VALUE, KEYTURN_RATE: VALUE, KEYTURN_POLICY: VALUE },
      ['KEYTURN_POLICY', 'KEYTURN_RATE', 'KEYTURN_TENANT_ID'],
    ],
    ['a kind is unknown', { KEYTURN_ROTATORS: 'no-such-kind' }, ['KEYTURN_ROTATORS']],
  ])(
    'HST-04: when %s, health names it and no value, and so does the log',
    async (_title, faults, names) => {
      const app = await start(faults);
      const { status, text } = await get(app, '/api/health');
      expect([status, JSON.parse(text)]).toMatchObject([
        503,
        {
          reason: 'settings',
          status: 503,
          detail: `Wrong or missing: ${names.join(', ')}.`,
          remedy: expect.any(String),
        },
      ]);
      await untilSaid();
      expect(alerts()[0]).toMatchObject({
        reason: 'settings',
        names: names.join(', '),
        by: 'operator',
      });
      const user = logs.filter(({ category }) => category === 'user');
      expect(JSON.stringify([text, user, printed.mock.calls])).not.toContain('hunter2');
    },
  );

  it.each([
    ['NODE_DEBUG', 'https'],
    ['NODE_OPTIONS', '--inspect=0.0.0.0:9229'],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
    ['SSLKEYLOGFILE', '/tmp/keys'],
  ])(
    'ATK-10: %s=%s: health and readiness say what to remove, and no pass runs',
    async (name, value) => {
      const app = await start({ [name]: value });
      const named = {
        reason: 'exposed',
        status: 503,
        detail: `To be removed: ${name}.`,
        remedy: expect.any(String),
      };
      for (const path of ['/api/health', '/api/readiness']) {
        const { status, text } = await get(app, path);
        expect([status, JSON.parse(text)]).toMatchObject([503, named]);
      }
      await expect(
        app.invoke('work', { vault: 'kv1', name: 'a', cause: 'sweep' }),
      ).rejects.toThrow();
      await untilSaid();
      expect(alerts()[0]).toMatchObject({ reason: 'exposed', names: name, by: 'operator' });
      expect(azure.calls).toEqual([]);
    },
  );

  it('HST-04: the document of the interface needs no settings; every other call says what is wrong', async () => {
    const app = await start({ KEYTURN_VAULTS: '' });
    expect(await get(app, '/api/openapi.json')).toMatchObject({
      status: 200,
      text: expect.stringContaining('"3.1.0"'),
    });
    for (const path of ['secrets', 'readiness', 'vaults/kv1/secrets/a', 'operations/x'])
      expect([path, (await get(app, `/api/${path}`)).status]).toEqual([path, 503]);
  });

  it('HST-04: an app that nobody calls says it at every start', async () => {
    for (let turn = 1; turn <= 2; turn++) {
      await start({ KEYTURN_AUDIENCE: '' });
      await untilSaid();
      expect(alerts()).toHaveLength(1);
      expect(logs.filter(({ category }) => category === 'user')).toEqual([]);
      await host?.stop();
      printed.mockClear();
    }
    host = undefined;
  });

  it('HST-04: is said once by a process, however often it is asked', async () => {
    const app = await start({ KEYTURN_AUDIENCE: '' });
    await untilSaid();
    for (let count = 0; count < 3; count++) await get(app, '/api/health');
    await host?.invoke('sweep').catch(() => undefined);
    expect(alerts()).toHaveLength(1);
  });
});
