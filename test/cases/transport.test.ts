/** How requests arrive (findings HST-01, HST-07, ATK-11): whatever happens to a body on its way, nothing changes by accident. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BODY_BYTES_MAX } from '../../src/api/body.ts';
import { startTenant, type Tenant } from './harness.ts';
import { chunked, type Reply, sendRaw } from './wire.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  tenant.seed('st-a', { account: 'acct1' });
  await tenant.goTo(tenant.dueOn('st-a', { days: 2 })); // no longer too young to be rotated
});
afterAll(() => tenant.stop());

const rotate = '/api/vaults/kv1/secrets/st-a/rotate';
const hold = '/api/vaults/kv1/secrets/st-a/hold';
const json = 'Content-Type: application/json';
const all = ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'];

async function post(
  path: string,
  headers: readonly string[],
  body: string,
  roles: readonly string[] = all,
): Promise<Reply> {
  const token = await tenant.azure.issueToken({ roles: [...roles] });
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: keyturn',
    `Authorization: Bearer ${token}`,
    ...headers,
  ];
  return await sendRaw(tenant.host.url, lines, body);
}
const reasonIn = ({ text }: Reply): string => (JSON.parse(text) as { reason: string }).reason;
const operations = async () =>
  (await tenant.rows()).filter(({ partition }) => partition.startsWith('operation'));

async function expectNothingDone(): Promise<void> {
  await tenant.settle();
  expect(tenant.versions('st-a')).toHaveLength(1);
  expect(tenant.regenerations('acct1')).toBe(0);
  expect(await operations()).toEqual([]);
}

describe('a body that does not arrive', () => {
  const dryRun = '{"dryRun":true}';
  it.each<[string, readonly string[], string]>([
    [
      'in chunks (curl, fetch with a stream, .NET)',
      [json, 'Transfer-Encoding: chunked'],
      chunked(dryRun),
    ],
    ['in chunks, without a content type', ['Transfer-Encoding: chunked'], chunked(dryRun)],
    ['in chunks that hold nothing', [json, 'Transfer-Encoding: chunked'], chunked()],
    [
      'in chunks, after Expect',
      [json, 'Transfer-Encoding: chunked', 'Expect: 100-continue'],
      chunked(dryRun),
    ],
    ['in many chunks', [json, 'Transfer-Encoding: chunked'], chunked('{"dry', 'Run":', 'true}')],
    ['announced by its type alone', [json], ''],
    ['announced by its encoding alone', ['Content-Encoding: gzip'], ''],
  ])(
    'HST-01: %s is 411, and neither rotates nor holds nor lifts a hold',
    async (_title, headers, body) => {
      const rotated = await post(rotate, headers, body);
      const held = await post(hold, headers, body);
      expect([rotated.status, held.status]).toEqual([411, 411]);
      expect([reasonIn(rotated), reasonIn(held)]).toEqual(['length-required', 'length-required']);
      await expectNothingDone();
    },
  );

  it('HST-01: a stream that Node sends is refused as well, and works with a length', async () => {
    const token = await tenant.azure.issueToken({ roles: all });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const url = tenant.host.url + rotate;
    const stream = new Blob([dryRun]).stream();
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      headers,
      body: stream,
      duplex: 'half',
    };
    expect((await fetch(url, init)).status).toBe(411);
    const whole = await fetch(url, { method: 'POST', headers, body: dryRun });
    expect([whole.status, await whole.json()]).toMatchObject([200, { plan: { accepted: true } }]);
    await expectNothingDone();
  });

  it.each<[string, readonly string[], string]>([
    ['two lengths', ['Content-Length: 15', 'Content-Length: 2'], dryRun],
    ['a length with a sign', ['Content-Length: +15'], dryRun],
    [
      'a length beside chunks',
      ['Content-Length: 15', 'Transfer-Encoding: chunked'],
      chunked(dryRun),
    ],
  ])(
    'HST-01: %s is refused by whoever sees it first, and nothing is done',
    async (_title, headers, body) => {
      const { status } = await post(rotate, [json, ...headers], body);
      expect([400, 411]).toContain(status);
      await expectNothingDone();
    },
  );

  it('HST-01: a hold stays when the call that would lift it lost its body', async () => {
    const until = new Date(Date.now() + 30 * 3_600_000).toISOString();
    const body = JSON.stringify({ until });
    expect((await post(hold, [json, `Content-Length: ${body.length}`], body)).status).toBe(202);
    await tenant.settle();
    for (const [headers, sent] of [
      [[json, 'Transfer-Encoding: chunked'], chunked('{"until":"2036-01-01T00:00:00Z"}')],
      [[json, 'Content-Length: 0'], ''],
      [['Content-Length: 0'], ''],
      [[], ''],
      [[json, 'Content-Length: 2'], '{}'],
    ] as const)
      expect([400, 411]).toContain((await post(hold, headers, sent)).status);
    await tenant.settle();
    expect(tenant.stateOf(tenant.current('st-a')).hold).toBeDefined();
  });

  it('HST-01: no body at all, and one of announced length 0, ask for what a call without wishes may do', async () => {
    const answers = [await post(rotate, [], ''), await post(rotate, ['Content-Length: 0'], '')];
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
  });

  it.each(['dryRun=true', 'dryRun=false', 'revoke=after-grace', 'until=null'])(
    'HST-07: %s in the query is refused, not left unread',
    async (query) => {
      for (const path of [rotate, hold])
        expect((await post(`${path}?${query}`, ['Content-Length: 0'], '')).status).toBe(400);
      await expectNothingDone();
    },
  );
});

describe('a body that is too much', () => {
  it('ATK-11: is not read for a caller without the role, whatever it is', async () => {
    const many = 'A'.repeat(BODY_BYTES_MAX + 1);
    for (const path of [rotate, hold]) {
      const bodies: [string[], string][] = [
        [[`Content-Length: ${many.length}`], many],
        [['Transfer-Encoding: chunked'], chunked(many)],
        [['Content-Length: 8'], 'not JSON'],
      ];
      for (const [headers, body] of bodies) {
        expect((await post(path, headers, body, ['Keyturn.Read'])).status).toBe(403);
        const lines = [`POST ${path} HTTP/1.1`, 'Host: keyturn', ...headers];
        expect((await sendRaw(tenant.host.url, lines, body)).status).toBe(401);
      }
    }
    await expectNothingDone();
  });

  it('ATK-11: is refused at one byte more than 8 KiB, and taken at 8 KiB', async () => {
    const filled = (bytes: number) => '{"dryRun":true}'.padEnd(bytes, ' ');
    const answers = await Promise.all(
      [BODY_BYTES_MAX, BODY_BYTES_MAX + 1].map((bytes) =>
        post(rotate, [`Content-Length: ${bytes}`], filled(bytes)),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
    await expectNothingDone();
  });
});

describe('headers, addresses and queries', () => {
  const get = (target: string, headers: readonly string[] = []) =>
    sendRaw(tenant.host.url, [`GET ${target} HTTP/1.1`, 'Host: keyturn', ...headers]);

  it('HST-07: two Authorization headers are none, whichever is good', async () => {
    const token = await tenant.azure.issueToken({ roles: all });
    const good = `Authorization: Bearer ${token}`;
    for (const both of [
      [good, 'Authorization: Bearer x'],
      ['Authorization: Basic eA==', good],
      [good, good],
    ])
      expect((await get('/api/secrets', both)).status).toBe(401);
    expect((await get('/api/secrets', [good])).status).toBe(200);
  });

  it('HST-07: an escaped slash stays in its segment, so that it names no secret', async () => {
    const token = `Authorization: Bearer ${await tenant.azure.issueToken({ roles: all })}`;
    for (const path of [
      'kv1/secrets/st-a%2Frotate',
      'kv1%2fsecrets/secrets/st-a',
      'kv1/secrets/%2Fst-a',
    ])
      expect((await get(`/api/vaults/${path}`, [token])).status).toBe(404);
  });

  it('HST-07: a parameter that comes twice is refused by every call', async () => {
    const token = `Authorization: Bearer ${await tenant.azure.issueToken({ roles: all })}`;
    const paths = [
      'secrets?vault=kv1&vault=kv2',
      'vaults/kv1/secrets/st-a?a=1&a=1',
      'readiness?x=&x=',
      'openapi.json?a&a',
    ];
    for (const path of paths) expect((await get(`/api/${path}`, [token])).status).toBe(400);
  });

  it('HST-07: a filter that a list of sums does not know is refused, not answered with all vaults; the host’s own stays', async () => {
    const token = `Authorization: Bearer ${await tenant.azure.issueToken({ roles: all })}`;
    for (const path of ['summary?vault=kv1', 'vaults/kv1/secrets/st-a?vault=kv2', 'holds?owner=x'])
      expect([path, (await get(`/api/${path}`, [token])).status]).toEqual([path, 400]);
    expect((await get('/api/summary?code=x', [token])).status).toBe(200);
  });

  it('HST-07: two Idempotency-Key headers are refused, not read as one of them', async () => {
    const keys = ['Idempotency-Key: once', 'Idempotency-Key: twice', 'Content-Length: 0'];
    expect((await post(rotate, keys, '')).status).toBe(400);
    await expectNothingDone();
  });

  it('HST-07: a GET that brings a body is answered as one without', async () => {
    const token = `Authorization: Bearer ${await tenant.azure.issueToken({ roles: all })}`;
    const lines = ['GET /api/secrets HTTP/1.1', 'Host: keyturn', token, json, 'Content-Length: 7'];
    expect((await sendRaw(tenant.host.url, lines, '{"a":1}')).status).toBe(200);
  });
});
