/** Who changed what (design section 5, "Audit"): from the request to the revocation, in blobs that anybody may read later. */
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { leaks } from './invariants.ts';
import { due, rotated } from './stories.ts';

const oid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

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

interface Line {
  step: string;
  outcome: string;
  [field: string]: unknown;
}
interface Body {
  truncated: boolean;
  records: Line[];
}

const historyPath = (name: string): string => `/api/vaults/kv1/secrets/${name}/history`;
async function history(name: string): Promise<Body> {
  const answer = await tenant.request(historyPath(name), { roles: ['Keyturn.Read'] });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Body;
}
const kinds = ({ records }: Body): string[] => records.map(({ step }) => step).reverse();

/** Everything that the container holds, as text. */
async function blobs(): Promise<string[]> {
  const texts: string[] = [];
  for await (const { name } of container.listBlobsFlat())
    texts.push((await container.getBlobClient(name).downloadToBuffer()).toString('utf8'));
  return texts;
}

describe('a rotation that a person asked for', () => {
  it('leaves request, rotate, prove and revoke, with who asked and why, what it did and no value', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    const asked = await tenant.rotate('st-a', { ticket: 'CHG-1', note: 'a\r\nleak' }, { oid });
    expect(asked.status).toBe(202);
    const { id } = (await asked.json()) as { id: string };
    await tenant.settle();
    await tenant.advance({ hours: 52 }, { sweepEvery: 2 });
    const v2 = tenant.current('st-a');

    const found = await history('st-a');
    expect(found.truncated).toBe(false);
    expect([...new Set(kinds(found))]).toEqual(['request', 'rotate', 'prove', 'revoke']);
    const of = (step: string) => found.records.find((each) => each.step === step);
    const who = {
      caller: oid,
      ticket: 'CHG-1',
      operation: id,
      version: v1.id,
      instance: 'keyturn',
    };
    expect(of('request')).toMatchObject({
      ...who,
      outcome: 'accepted',
      note: 'a leak',
      revoke: 'after-grace',
    });
    const { rot, cred } = tenant.stateOf(v2);
    expect(of('rotate')).toMatchObject({
      ...who,
      outcome: 'done',
      reason: 'asked',
      rotation: rot,
      stored: v2.id,
      handle: cred,
    });
    expect(of('prove')).toMatchObject({ outcome: 'done', rotation: rot, version: v2.id });
    expect(of('revoke')).toMatchObject({
      outcome: 'done',
      reason: 'grace-over',
      rotation: rot,
      version: v2.id,
    });
    expect(of('revoke')).toMatchObject({ handles: ['key1'], revokedVersions: [v1.id] });
    expect(await leaks(tenant, { audit: await blobs() })).toEqual([]);
    await tenant.check();
  });

  it('has the same records in the log', async () => {
    await due(tenant, 'st-b', { account: 'acct1' });
    await tenant.rotate('st-b', { ticket: 'CHG-2' }, { oid });
    await tenant.settle();
    const logged = tenant
      .logs('audit')
      .map(({ message: _, vault: __, name: ___, ...fields }) => fields);
    expect(logged.length).toBeGreaterThan(2);
    expect((await history('st-b')).records.reverse()).toEqual(logged);
  });
});

describe('a step that failed', () => {
  it('is recorded with its reason, and with what Azure said', async () => {
    await due(tenant, 'st-c', { account: 'acct1' });
    tenant.azure.fault('arm.regenerateKey', [{ status: 403, code: 'AuthorizationFailed' }]);
    await tenant.event('st-c');
    await tenant.settle();
    const { records } = await history('st-c');
    expect(records).toEqual([
      expect.objectContaining({
        step: 'rotate',
        outcome: 'target-forbidden',
        status: 403,
        code: 'AuthorizationFailed',
      }),
    ]);
    expect(records[0]).not.toHaveProperty('stored');
  });

  it('and one that only looked leave what they are: one record, and none', async () => {
    await rotated(tenant, 'st-d', { account: 'acct1' });
    const before = kinds(await history('st-d'));
    await tenant.sweepAndSettle();
    expect(before).toEqual(['rotate', 'prove']);
    expect(kinds(await history('st-d'))).toEqual(before);
  });
});

describe('an audit that cannot be written', () => {
  /** A blob of another type where today's and the next days' records would go. */
  async function spoil(): Promise<void> {
    await container.createIfNotExists();
    for (const day of [0, 1, 2, 3]) {
      const path = new Date(Date.now() + day * 86_400_000)
        .toISOString()
        .slice(0, 10)
        .replaceAll('-', '/');
      await container.getBlockBlobClient(`${path}.jsonl`).upload('', 0);
    }
  }

  it('refuses a request with 503: no operation, no message, no record that it was accepted', async () => {
    await due(tenant, 'st-e', { account: 'acct1' });
    await spoil();
    const answer = await tenant.rotate('st-e');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ reason: 'storage-busy' });
    expect(
      (await tenant.rows()).filter(({ partition }) => partition.startsWith('operations')),
    ).toEqual([]);
    expect(await tenant.own.waiting()).toBe(0);
    expect(tenant.logs('audit')).toEqual([]);
  });

  it('does not stop a rotation that is due: its records stand in the log, with one alert for as long as it lasts', async () => {
    const v1 = await due(tenant, 'st-f', { account: 'acct1' });
    await spoil();
    await tenant.event('st-f');
    await tenant.settle();
    expect(tenant.versions('st-f')).toHaveLength(2);
    expect(tenant.logs('audit').map(({ step }) => step)).toEqual(['rotate', 'prove']);
    expect(tenant.logs('audit unwritten')).toHaveLength(2);
    expect(tenant.alerts('st-f')).toEqual([
      expect.objectContaining({
        reason: 'audit-unwritten',
        by: 'operator',
        remedy: expect.stringContaining('blobs'),
      }),
    ]);
    await container.delete();
    await tenant.advance({ hours: 52 }, { sweepEvery: 2 });
    expect(kinds(await history('st-f')).at(-1)).toBe('revoke');
    expect((await history('st-f')).records[0]).toMatchObject({ revokedVersions: [v1.id] });
    await tenant.check();
  });
});

describe('GET history', () => {
  it.each<[string, number, string, string[] | undefined]>([
    ['without a token', 401, 'st-g', undefined],
    [
      'to whoever may rotate but not read (UA-8)',
      403,
      'st-g',
      ['Keyturn.Rotate', 'Keyturn.Revoke'],
    ],
    ['of a secret that is not there', 404, 'st-z', ['Keyturn.Read']],
    ['of a secret that is not opted in', 404, 'plain', ['Keyturn.Read']],
    ['of a name that no secret has', 404, 'st_g', ['Keyturn.Read']],
  ])('is not given %s', async (_title, status, name, roles) => {
    tenant.seed('st-g', { account: 'acct1' });
    tenant.azure.vault('kv1').set('plain', 'not-opted-in', {});
    const answer = await tenant.request(historyPath(name), roles ? { roles } : { token: 'none' });
    expect(answer.status).toBe(status);
    if (status === 404) expect(await answer.json()).not.toHaveProperty('records');
  });

  it('is there while the tags of the secret have to be mended', async () => {
    const { v2 } = await rotated(tenant, 'st-h', { account: 'acct1' });
    v2.tags = { ...v2.tags, 'rotator-target': 'nonsense' };
    expect(kinds(await history('st-h'))).toEqual(['rotate', 'prove']);
  });
});
