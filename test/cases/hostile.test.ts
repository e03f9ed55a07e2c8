/** Cases section 10: text of strangers in every output, and rows of strangers in the app's own table. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { quote } from '../../src/core/quote.ts';
import { hashOf } from '../../src/store/storage.ts';
import { startTenant, type Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const strings = [
  '<img src=x onerror=alert(1)>',
  '=HYPERLINK("https://evil.example")',
  '\u001b[2J',
  'a\r\nSet-Cookie: x',
  "' or PartitionKey ne '",
  '\u202e',
  '"reason":',
  'A'.repeat(10_000),
] as const;
const named = strings.map((text) => [quote(text.slice(0, 40)), text] as const);

/** Texts in a JSON document, its names too. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...textsIn(inner)]);
}

/** What a terminal, a table or a page could stumble over: text that is not printable, or a stranger's at length. */
function wild(documents: readonly unknown[]): string[] {
  return documents
    .flatMap(textsIn)
    .filter((text) => !/^[\x20-\x7e]*$/.test(text) || /A{65}/.test(text))
    .map(quote);
}

/** Everything that came out: records as parsed JSON, bodies and headers of answers. */
function outputs(): unknown[] {
  const answers = tenant.answers.map((text) => {
    const [status, headers, body] = JSON.parse(text) as [number, [string, string][], string];
    return [status, headers, body === '' ? '' : JSON.parse(body)];
  });
  return [...tenant.logs(), ...answers];
}

describe('SEC-06: hostile strings', () => {
  it.each(named)(
    'SEC-06: %s as owner tag and content type is carried along or refused, and shown nowhere',
    async (_, text) => {
      await due(tenant, 'st-a', { account: 'acct1', tags: { owner: text }, contentType: text });
      await tenant.event('st-a');
      await tenant.settle();
      expect(wild(outputs())).toEqual([]);
      if (text.length > 256)
        expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'too-large' });
      else
        expect(tenant.current('st-a')).toMatchObject({ contentType: text, tags: { owner: text } });
      expect(tenant.versions('st-a')).toHaveLength(text.length > 256 ? 1 : 2);
      expect(tenant.regenerations('acct1')).toBe(text.length > 256 ? 0 : 1);
      await tenant.check();
    },
  );

  it.each(named)(
    'SEC-06: %s in the tags that opt in is refused, quoted and cut',
    async (_, text) => {
      for (const tag of [
        'rotator',
        'rotator-target',
        'rotator-options',
        'rotator-policy',
        'rotator-state',
      ])
        tenant.seed(`st-${tag}`, { account: 'acct1', tags: { [tag]: text } });
      await tenant.sweepAndSettle();
      for (const tag of ['rotator', 'rotator-target', 'rotator-options', 'rotator-policy']) {
        const row = await tenant.row(`st-${tag}`);
        expect(row).toMatchObject({ step: 'refuse', detail: expect.stringContaining(tag) });
        expect(wild([row])).toEqual([]);
      }
      expect(wild(outputs())).toEqual([]);
      expect(tenant.azure.writes()).toEqual([]);
    },
  );

  it.each(named)(
    'SEC-06: %s as ticket and reason of a request is shown quoted and cut, or refused',
    async (_, text) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      const asked = [
        await tenant.rotate('st-a', { ticket: text }),
        await tenant.rotate('st-a', { note: text }),
      ];
      await tenant.settle();
      expect(asked.map(({ status }) => [202, 400].includes(status))).toEqual([true, true]);
      for (const answer of asked) {
        expect(answer.headers.get('set-cookie')).toBeNull();
        const { id } = (await answer.json()) as { id?: string };
        if (id !== undefined)
          expect((await tenant.request(`/api/operations/${id}`)).status).toBe(200);
      }
      expect(tenant.versions('st-a')).toHaveLength(
        asked.some(({ status }) => status === 202) ? 2 : 1,
      );
      await tenant.settle();
      expect(wild(outputs())).toEqual([]);
    },
  );

  it.each(named)("SEC-06: %s in a service's message and code is shown nowhere", async (_, text) => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const refusal = { error: { code: text, message: text, innererror: { code: text } } };
    tenant.azure.fault('arm.regenerateKey', [{ status: 400, body: refusal }]);
    tenant.azure.fault('keyvault.get', [{}, {}, { status: 400, body: refusal }]);
    await tenant.event('st-a');
    await tenant.settle(5);
    await tenant.event('st-a');
    await tenant.settle(5);
    expect(wild(outputs())).toEqual([]);
    expect(JSON.stringify(outputs())).not.toContain(JSON.stringify(text).slice(1, -1));
    tenant.azure.heal();
  });

  it('SEC-06: as a name, an id, a key or a caller it answers no more than before', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    const injection = encodeURIComponent("' or PartitionKey ne '");
    const ours = await tenant.revoke('st-a');
    const { id } = (await ours.json()) as { id: string };
    for (const path of [`/api/operations/${injection}`, `/api/operations/${id}${injection}`])
      expect((await tenant.request(path)).status).toBe(404);
    for (const path of [
      `/api/vaults/kv1/secrets/${injection}/rotate`,
      `/api/vaults/${injection}/secrets/st-a/rotate`,
    ])
      expect((await tenant.request(path, { method: 'POST', body: '{}' })).status).toBe(404);
    const headers = { 'idempotency-key': "' or PartitionKey ne '" };
    expect((await tenant.rotate('st-a', { revoke: 'now' }, { headers })).status).toBe(400);
    const stranger = await tenant.request(`/api/operations/${id}`, {
      roles: ['Keyturn.Rotate'],
      oid: crypto.randomUUID(),
    });
    expect(stranger.status).toBe(404);
    await tenant.settle();
    expect(wild(outputs())).toEqual([]);
  });
});

describe('SEC-07: rows of strangers', () => {
  const lockOf = (columns: object) => ({
    partitionKey: 'locks',
    rowKey: hashOf('secret/kv1/st-a'),
    holder: randomBytes(16).toString('hex'),
    ...columns,
  });

  it('SEC-07: a lock until the year 9999 is void: rotated at once', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const ends = '9999-12-31T00:00:00Z';
    await tenant.own.table.upsertEntity(
      lockOf({ ends, expiresOn: new Date(ends), until: Date.parse(ends) }),
      'Replace',
    );
    await tenant.event('st-a');
    await tenant.settle(5);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.settle();
    await tenant.check();
  });

  it('SEC-07: a lock that ends in 60 s is waited for', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await tenant.own.table.upsertEntity(lockOf({}), 'Replace');
    await tenant.advance({ seconds: 30 });
    await tenant.event('st-a');
    await tenant.settle(45);
    expect(tenant.versions('st-a')).toHaveLength(1);
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.settle(60);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('SEC-07: 20 hostile rows cause no crash and no write, and the secret is rotated when it is due', async () => {
    const { v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const target = tenant.azure.account('acct1').id.toLowerCase();
    await hostileRows(
      `secrets-${hashOf('kv1')}`,
      'st-a',
      `holders-${hashOf(target)}`,
      'kv1.st-a',
      'kv1.st-z',
    );
    tenant.azure.calls.length = 0;
    await tenant.event('st-a');
    await tenant.settle();
    await tenant.advance({ hours: 24 }, { sweepEvery: 6 });
    expect(tenant.azure.writes()).toEqual([]);
    expect(await tenant.own.waiting('keyturn-work-poison')).toBe(0);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.own.table.deleteEntity(`holders-${hashOf(target)}`, 'kv1.st-z');
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(3);
    expect(tenant.azure.account('acct1').accepts(v2.value)).toBe(true);
    await tenant.check();
  });

  /** Wrong types, missing columns, markup, 32 K characters, half JSON: in each partition that the code reads. */
  async function hostileRows(
    secrets: string,
    name: string,
    holders: string,
    holder: string,
    stranger: string,
  ) {
    const big = 'A'.repeat(32_000);
    const future = '9999-12-31T00:00:00.000Z';
    const rows: [string, string, Record<string, unknown>][] = [
      [secrets, name, { json: 5 }],
      [secrets, 'st-b', {}],
      [secrets, 'st-c', { json: '<script>alert(1)</script>' }],
      [secrets, 'st-d', { json: big }],
      [
        secrets,
        'st-e',
        { json: JSON.stringify({ vault: 'kv1', name: 'st-a', failures: 0, lookedOn: future }) },
      ],
      [
        secrets,
        'st-f',
        { json: JSON.stringify({ vault: 'kv1', name: ['st-a'], failures: 'many' }) },
      ],
      [
        secrets,
        'st-g',
        { json: '{"vault":"kv1","name":"st-g","failures":0,"__proto__":{"alert":"x"}}' },
      ],
      [holders, holder, { json: true }],
      [
        holders,
        stranger,
        { json: '{"target":', vault: 'kv1', name: 'st-z', vaultHash: hashOf('kv1') },
      ],
      [
        holders,
        'kv9.st-x',
        { json: JSON.stringify({ vault: 'kv9', name: 'st-x', target: 5, owes: {} }) },
      ],
      [holders, '..', { json: '[]', vault: '../..', name: '<b>', vaultHash: hashOf('kv1') }],
      ['swept', 'kv9', { json: JSON.stringify({ vault: 'kv9', on: future }) }],
      ['swept', 'kvx', { json: '"never"' }],
      ['rate', `${future}-x`, { json: JSON.stringify({ vault: 'kv1', name: 'st-a', on: future }) }],
      ['rate', '9999', { json: 'null' }],
      [
        'failures',
        'storage-account-key',
        { json: JSON.stringify({ type: 'storage-account-key', failures: -1e9 }) },
      ],
      ['operations', crypto.randomUUID(), { json: '{}', open: 'yes', createdOn: 'never' }],
      [
        'operations',
        'x',
        { json: JSON.stringify({ id: 'x', revoke: 'now', override: ['too-soon'] }) },
      ],
      ['locks', hashOf('secret/kv1/st-a'), { holder: 5 }],
      [
        'locks',
        hashOf(`target/${tenant.azure.account('acct1').id.toLowerCase()}`),
        { holder: '<b>', ends: future },
      ],
    ];
    expect(rows).toHaveLength(20);
    for (const [partitionKey, rowKey, columns] of rows)
      await tenant.own.table.upsertEntity({ partitionKey, rowKey, ...columns }, 'Replace');
  }
});
