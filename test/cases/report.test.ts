/** The month's report: whoever answers for the secrets can show how old each credential is, and what proves the rotations. */
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { ReportBody } from '../../src/api/calls/showReport.ts';
import { startTenant, type Tenant } from './harness.ts';
import { leaks } from './invariants.ts';
import { aged, days, inventoryOf } from './inventory.ts';
import { rotated } from './stories.ts';

let tenant: Tenant;
let container: ContainerClient;
beforeAll(async () => {
  tenant = await startTenant();
  const connection = tenant.azure.env().AzureWebJobsStorage ?? '';
  container =
    BlobServiceClient.fromConnectionString(connection).getContainerClient('keyturn-audit');
});
beforeEach(() => tenant.clear());
afterEach(() => container.deleteIfExists());
afterAll(() => tenant.stop());
const { stranger } = inventoryOf(() => tenant);

type Body = z.infer<typeof ReportBody>;
async function report(query = ''): Promise<Body> {
  const answer = await tenant.request(`/api/report?${query}`, { roles: ['Keyturn.Read'] });
  expect(answer.status).toBe(200);
  return ReportBody.parse(await answer.json());
}
const text = async (query: string) => await (await tenant.request(`/api/report?${query}`)).text();
const secretsIn = ({ owners }: Body) =>
  new Map(owners.flatMap(({ secrets }) => secrets.map((each) => [each.secret, each])));
const thisMonth = () => new Date().toISOString().slice(0, 7);
const paused = { policy: 'paused=true' };

describe('the verdict of a secret', () => {
  it('is no better for a version that holds the same credential: drift makes none young', async () => {
    for (const [at, name] of ['st-drift', 'st-person'].entries()) {
      const old = aged(tenant.seed(name, { account: `acct${at + 1}`, ...paused }), 120);
      await tenant.sweepAndSettle();
      const tags = { ...old.tags };
      if (name === 'st-person') delete tags['rotator-state'];
      tenant.azure.vault('kv1').set(name, old.value, { tags });
      await tenant.sweepAndSettle();
    }
    const found = secretsIn(await report());
    for (const name of ['st-drift', 'st-person'])
      expect(found.get(name)).toMatchObject({ verdict: 'too-old', ageDays: 120, proof: 'none' });
    expect(new Date(found.get('st-drift')?.versionOn ?? 0) > days(-2)).toBe(true);
  });

  it('is that of the old credential after an undo: the version is young, what stands in it is not', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    const answer = await tenant.request('/api/vaults/kv1/secrets/st-a/undo', {
      ...{
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ticket: 'INC-1' }),
      },
    });
    expect(answer.status).toBe(202);
    await tenant.settle();
    await tenant.sweepAndSettle();
    expect(tenant.current('st-a').value).toBe(v1.value);
    const found = secretsIn(await report()).get('st-a');
    // The tag that remembers it has whole minutes.
    expect(
      Math.abs(Date.parse(found?.credentialSince ?? '') / 1000 - v1.created),
    ).toBeLessThanOrEqual(60);
    expect(found?.ageDays).toBeGreaterThanOrEqual(60);
  });

  it('is told of every secret of every served vault: compliant, exempt, too old, or that nobody can tell', async () => {
    await rotated(tenant, 'st-good', { account: 'acct1', tags: { owner: 'shop' } });
    const until = days(60).toISOString().slice(0, 10);
    const exempt = `reason=a%20device%20in%20the%20field;until=${until};ticket=CHG-7`;
    aged(
      tenant.seed('st-exempt', {
        tags: { rotator: 'none', 'rotator-exempt': exempt, owner: 'shop' },
      }),
      400,
    );
    const ended = `reason=late;until=${days(-1).toISOString().slice(0, 10)}`;
    aged(tenant.seed('st-ended', { tags: { rotator: 'none', 'rotator-exempt': ended } }), 400);
    stranger('left-young', { vault: 'kv2' });
    stranger('left-old', { vault: 'kv2', ageDays: 91 });
    aged(
      tenant.seed('st-refused', { account: 'acct2', tags: { 'rotator-target': 'nowhere' } }),
      10,
    );
    await tenant.sweepAndSettle();
    const body = await report();
    const found = secretsIn(body);
    expect([...found].map(([name, { verdict }]) => [name, verdict]).sort()).toEqual([
      ['left-old', 'too-old'],
      ['left-young', 'cannot-tell'],
      ['st-ended', 'too-old'],
      ['st-exempt', 'exempt'],
      ['st-good', 'compliant'],
      ['st-refused', 'cannot-tell'],
    ]);
    expect(found.get('st-good')).toMatchObject({
      ...{
        state: 'grace',
        kind: 'storage-account-key',
        ageDays: 0,
        proof: 'proved',
        dueOn: expect.any(String),
      },
    });
    expect(found.get('st-exempt')?.exempt).toEqual({
      ...{ reason: 'a device in the field', ticket: 'CHG-7' },
      until: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00/),
    });
    expect(body.verdicts).toEqual({ compliant: 1, exempt: 1, 'too-old': 2, 'cannot-tell': 2 });
    expect(body.owners.map(({ owner, secrets }) => [owner, secrets.length])).toEqual([
      ['shop', 2],
      [undefined, 4],
    ]);
    expect(body).toMatchObject({ month: thisMonth(), secrets: 6, limitDays: 90, truncated: false });
  });
});

describe('a rotation', () => {
  it('stands there with what proves it: versions, times, requests, ticket', async () => {
    tenant.seed('st-a', { account: 'acct1', tags: { owner: 'shop' } });
    await tenant.sweepAndSettle();
    const v1 = tenant.current('st-a');
    const accepted = await tenant.rotate('st-a', {
      ...{ ticket: 'CHG-1', revoke: 'now', override: ['too-soon'] },
    });
    expect(accepted.status).toBe(202);
    await tenant.settle();
    await tenant.sweepAndSettle();
    const v2 = tenant.current('st-a');
    const body = await report(`month=${thisMonth()}`);
    expect(
      body.owners.flatMap(({ owner, rotations }) => rotations.map((each) => ({ owner, ...each }))),
    ).toEqual([
      expect.objectContaining({
        ...{
          owner: 'shop',
          vault: 'kv1',
          secret: 'st-a',
          outcome: 'done',
          replaced: v1.id,
          stored: v2.id,
        },
        ...{ handle: 'key2', ticket: 'CHG-1', caller: expect.any(String), revoked: ['key1'] },
        ...{
          rotatedOn: expect.any(String),
          provedOn: expect.any(String),
          revokedOn: expect.any(String),
        },
      }),
    ]);
    for (const format of ['csv', 'markdown'])
      expect(await text(`format=${format}`)).toContain('CHG-1');
    expect(await leaks(tenant)).toEqual([]);
    expect((await report('month=2025-01')).rotations).toBe(0);
  });
});

describe('a report', () => {
  const HOSTILE = '=HYPERLINK("https://evil.example","x")|<img src=x>';

  it('runs nothing in the spreadsheet or browser of whoever opens it', async () => {
    stranger('left-a', { tags: { owner: HOSTILE } });
    stranger('left-b', { tags: { owner: '@SUM(1+1)' } });
    stranger('left-c', { tags: { owner: '+cmd|calc' } });
    const exempt = `reason=${encodeURIComponent('-2+3 [x](https://evil.example)')};until=${days(9).toISOString().slice(0, 10)}`;
    tenant.seed('st-exempt', { tags: { rotator: 'none', 'rotator-exempt': exempt } });
    await tenant.sweepAndSettle();
    const csv = await text('format=csv');
    expect(csv.split('\r\n').filter((line) => line !== '')).toHaveLength(5);
    for (const line of csv.split('\r\n'))
      for (const cell of line.split(',')) expect(cell).not.toMatch(/^"?[=+\-@\t\r]/);
    expect(csv).toContain(`"'=HYPERLINK(""https://evil.example"",""x"")|<img src=x>"`);
    const markdown = await text('format=markdown');
    expect(markdown).not.toMatch(/<img|\]\(http|[^\\]\|<|https:\/\//);
    expect(markdown).toContain('\\|&#60;img src\\=x&#62;');
  });

  it('of the month that ended is kept once, on the 1st, and stays what it was', async () => {
    stranger('left-a');
    await tenant.sweepAndSettle();
    const month = thisMonth();
    const first = new Date(
      Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 1, 0, 30),
    );
    await tenant.advance(
      { seconds: (first.getTime() - Date.now()) / 1000 },
      { sweepEvery: 24 * 40 },
    );
    const names = async () => {
      const found: string[] = [];
      for await (const { name } of container.listBlobsFlat({ prefix: 'reports/' }))
        found.push(name);
      return found;
    };
    expect(await names()).toEqual(
      ['csv', 'json', 'md'].map((ending) => `reports/${month}.${ending}`),
    );
    expect(tenant.logs('report kept')).toMatchObject([{ month, secrets: 1 }]);
    const kept = await report(`month=${month}`);
    expect(kept).toMatchObject({ month, secrets: 1 });

    stranger('left-b');
    await tenant.advance({ hours: 30 }, { sweepEvery: 6 });
    expect(tenant.logs('report kept')).toHaveLength(1);
    expect(await report(`month=${month}`)).toEqual(kept);
    expect((await report()).secrets).toBe(2);
    expect(
      (await container.getBlobClient(`reports/${month}.csv`).downloadToBuffer()).toString(),
    ).toContain('left-a');

    // Whoever writes to the storage makes no report of what is none.
    await container.getBlockBlobClient(`reports/${month}.json`).upload('{"month":1}', 11);
    expect((await report(`month=${month}`)).secrets).toBe(2);
  });

  it('is for readers, of a month that has begun', async () => {
    for (const roles of [[], ['Keyturn.Rotate'], ['Keyturn.Revoke']])
      expect((await tenant.request('/api/report', { roles })).status).toBe(403);
    for (const query of [
      'month=2026-13',
      'month=2099-01',
      'month=../x',
      'format=xml',
      'format=csv&format=json',
      'moth=2026-01',
    ])
      expect([query, (await tenant.request(`/api/report?${query}`)).status]).toEqual([query, 400]);
    const csv = await tenant.request('/api/report?format=csv');
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  });
});
