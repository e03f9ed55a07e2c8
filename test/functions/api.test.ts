/** The HTTP interface through a Functions host, against the local tenant: real tokens, real vault, real queue. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import { type Host, type LogRecord, startHost } from '../../local/host/host.ts';
import { mapLocalhost, trust } from '../../local/names.ts';

const logs: LogRecord[] = [];
let azure: Azure;
let host: Host;

beforeAll(async () => {
  mapLocalhost();
  azure = await startAzure({
    tenant: { vaults: [{ name: 'kv1' }], accounts: [{ name: 'acct1' }] },
  });
  trust(azure.ca);
  const account = azure.account('acct1');
  const tags = { rotator: 'storage-account-key', 'rotator-target': account.id };
  azure.vault('kv1').set('st-a', account.key('key1'), { tags });
  azure.vault('kv1').set('plain', 'not-opted-in', {});
  host = await startHost({
    entry: () => import('../../src/functions/index.ts'),
    storageConnection: azure.env().AzureWebJobsStorage ?? '',
    env: azure.env(),
    timers: false,
    log: (record) => logs.push(record),
  });
  // Who holds which slot must be known before any is touched.
  await host.invoke('sweep');
  await host.drain();
});
afterAll(async () => {
  await host?.stop();
  await azure?.stop();
});

const rotatePath = '/api/vaults/kv1/secrets/st-a/rotate';
async function call(
  method: string,
  path: string,
  roles?: unknown,
  more: { body?: string; headers?: object } = {},
) {
  const token = roles === undefined ? undefined : await azure.issueToken({ roles, oid: caller });
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...more.headers } as Record<
    string,
    string
  >;
  const init = { method, headers, ...(more.body === undefined ? {} : { body: more.body }) };
  const response = await fetch(path.startsWith('http') ? path : host.url + path, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith('{') ? JSON.parse(text) : {},
  };
}
function expectNoValueIn(texts: readonly string[]): void {
  const values = azure
    .vault('kv1')
    .versions('st-a')
    .map(({ value }) => value);
  const spelled = values.flatMap((value) => [
    value,
    encodeURIComponent(value),
    Buffer.from(value).toString('base64'),
  ]);
  const all = [...texts, ...logs.map(({ message }) => message)];
  expect(all.filter((text) => spelled.some((spelling) => text.includes(spelling)))).toEqual([]);
}
const caller = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const rotate = ['Keyturn.Rotate'];
const both = ['Keyturn.Rotate', 'Keyturn.Revoke'];

describe('POST rotate', () => {
  it.each<[string, unknown, string, number, string]>([
    ['no token', undefined, rotatePath, 401, 'no-token'],
    ['roles as text (SEC-08)', 'Keyturn.Rotate', rotatePath, 401, 'no-token'],
    ['Keyturn.Read alone (UA-8)', ['Keyturn.Read'], rotatePath, 403, 'no-role'],
    ['a secret that is not there', rotate, rotatePath.replace('st-a', 'st-z'), 404, 'not-found'],
    [
      'a secret that is not opted in',
      rotate,
      rotatePath.replace('st-a', 'plain'),
      404,
      'not-found',
    ],
    ['a vault that is not on the list', rotate, rotatePath.replace('kv1', 'kv9'), 404, 'not-found'],
    ['a name that no secret has', rotate, rotatePath.replace('st-a', 'st_a'), 404, 'not-found'],
  ])('with %s is refused with problem details', async (_title, roles, path, status, reason) => {
    const answer = await call('POST', path, roles);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ type: `/api/reasons/${reason}`, status, reason });
  });

  it('is refused before it is read when it is larger than 8 KiB, and when it is no request', async () => {
    expect(
      (await call('POST', rotatePath, rotate, { body: `"${'A'.repeat(9_000)}"` })).body.detail,
    ).toContain('8192 bytes');
    expect((await call('POST', rotatePath, rotate, { body: '{"revok":"now"}' })).status).toBe(400);
    expect(
      (await call('POST', rotatePath, rotate, { headers: { 'idempotency-key': "'" } })).status,
    ).toBe(400);
  });

  it('has no twin under GET (FN-05)', async () => {
    expect([404, 405]).toContain((await call('GET', rotatePath, rotate)).status);
    expect(
      azure.changes().filter(({ principal }) => principal === azure.world.identity.oid),
    ).toEqual([]);
  });

  it('says in a dry run what would happen', async () => {
    const { status, body } = await call('POST', rotatePath, rotate, { body: '{"dryRun":true}' });
    expect({ status, plan: body.plan }).toMatchObject({
      status: 200,
      plan: { accepted: false, steps: [], refusal: { remedy: expect.any(String) } },
    });
  });

  it('OPS-02: that is too soon is 409 at once, saying what could be set aside and by whom (UA-8)', async () => {
    const { status, body } = await call('POST', rotatePath, both);
    expect([status, body]).toMatchObject([
      409,
      { overridable: expect.any(Array), overridableBy: 'Keyturn.Revoke' },
    ]);
    expect(
      (await call('POST', rotatePath, rotate, { body: '{"override":["too-soon"]}' })).status,
    ).toBe(403);
  });

  it('is accepted, and its operation tells how it ended; no answer and no record holds a value (UA-8, FN-05)', async () => {
    const asked = { override: ['too-soon'], ticket: 'INC-1', note: '<img src=x onerror=alert(1)>' };
    const body = JSON.stringify(asked);
    const headers = { 'idempotency-key': 'once' };
    const accepted = await call('POST', rotatePath, both, { body, headers });
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('retry-after')).toMatch(/^\d+$/);
    const location = accepted.headers.get('operation-location') ?? '';
    expect(location).toBe(`/api/operations/${accepted.body.id}`);
    expect((await call('POST', rotatePath, both, { body, headers })).body.id).toBe(
      accepted.body.id,
    );

    let shown = await call('GET', location, rotate);
    // The look that proves it comes a second after the store.
    while (!shown.body.done) {
      await pause(100);
      shown = await call('GET', location, rotate);
    }
    const { id: version } = azure.vault('kv1').current('st-a') ?? {};
    expect(shown.body).toMatchObject({
      phase: 'proved',
      done: true,
      secret: 'st-a',
      result: { version },
    });
    expect(shown.body.ticket).toBe('INC-1');
    expect((await call('GET', location, ['Keyturn.Read'])).status).toBe(200);
    expect((await call('GET', location, [])).status).toBe(403);
    expect(azure.vault('kv1').versions('st-a')).toHaveLength(2);
    expect(azure.vault('kv1').current('st-a')?.value).toBe(azure.account('acct1').key('key2'));
    expectNoValueIn([accepted.text, shown.text]);
  });

  it('answers 503, not 401, while the signing keys cannot be had (SEC-08)', async () => {
    await azure.rotateSigningKey();
    azure.outage('entra.keys', { status: 500 });
    // The new key is not among the known ones, so they are asked for: in vain.
    const { createAuth } = await import('../../src/api/auth.ts');
    const { KEYTURN_TENANT_ID: tenant = '' } = azure.env();
    const clock = { now: () => new Date(), sleep: async () => {} };
    const auth = createAuth({
      tenant,
      authority: azure.url('login'),
      audience: 'api://keyturn',
      clock,
    });
    const token = await azure.issueToken({ roles: rotate });
    await expect(auth.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ reason: 'no-keys' });
    azure.heal();
    await expect(auth.authenticate(`Bearer ${token}`)).resolves.toMatchObject({
      roles: rotate,
      kind: 'app',
    });
  });
});
