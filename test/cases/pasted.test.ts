/**
 * What people paste into the wrong field, and what they could learn by it (finding ATK-07): a text of a tag or a caller is
 * judged by its looks, the same for everyone, and never compared with what the worker holds.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newPassword } from '../../src/rotators/kit/password.ts';
import { startTenant, type Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const TAGS = [
  'rotator',
  'rotator-target',
  'rotator-options',
  'rotator-policy',
  'rotator-exempt',
  'owner',
] as const;

/** Everything that can be read by others: log, rows and answers. */
const outputs = async () => JSON.stringify([tenant.lines, await tenant.rows(), tenant.answers]);

/** Pieces of eight characters that were shown. */
const piecesIn = (text: string, value: string): string[] =>
  [...Array(value.length - 7).keys()]
    .map((at) => value.slice(at, at + 8))
    .filter((piece) => text.includes(piece));

/** Asks about the text in every way that a caller has. */
async function say(text: string): Promise<void> {
  const path = '/api/vaults/kv1/secrets/st-a';
  const post = (body: unknown, more = '') =>
    tenant.request(`${path}/rotate${more}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': text.slice(0, 64) },
      body: JSON.stringify(body),
    });
  await tenant.rotate('st-a', {
    note: `it was ${text}`,
    ticket: text.slice(0, 64),
    override: ['too-soon'],
  });
  await post({ [text]: true });
  await post({ override: [text] });
  await post({ revoke: text });
  await post({}, `?${encodeURIComponent(text)}=1`);
  await tenant.request(`/api/secrets?${encodeURIComponent(text)}=1`);
  await tenant.request(
    `/api/secrets?owner=${encodeURIComponent(text)}&continuation=${encodeURIComponent(text)}`,
  );
  await tenant.request(
    `/api/secrets?state=${encodeURIComponent(text)}&vault=${encodeURIComponent(text)}`,
  );
  await tenant.request(`/api/vaults/kv1/secrets/${encodeURIComponent(text)}/history`);
  await tenant.request(`/api/operations/${encodeURIComponent(text)}`);
  await tenant.own.put(JSON.stringify({ vault: 'kv1', name: 'st-a', cause: 'sweep', [text]: 1 }));
  for (const at of ['topic', 'type', 'id', 'name', 'vault'] as const)
    await tenant.own.put(JSON.stringify(eventWith(at, text)), 'keyturn-events');
}

const eventWith = (at: 'topic' | 'type' | 'id' | 'name' | 'vault', text: string) => ({
  eventType: at === 'type' ? text : 'Microsoft.KeyVault.SecretNearExpiry',
  topic: at === 'topic' ? text : tenant.azure.vault('kv1').id,
  data:
    at === 'id'
      ? { Id: text }
      : {
          VaultName: at === 'vault' ? text : 'kv1',
          ObjectName: at === 'name' ? text : 'st-a',
          ObjectType: 'Secret',
        },
});

/** A secret of somebody's own for each tag that takes text. */
function seedTags(text: string): void {
  for (const tag of TAGS) {
    const tags = {
      [tag]: text.slice(0, 256),
      ...(tag === 'rotator-exempt' ? { rotator: 'none' } : {}),
    };
    tenant.seed(`own-${tag}`, { account: 'acct2', tags });
  }
  tenant.seed('own-exempt', {
    account: 'acct2',
    tags: {
      rotator: 'none',
      'rotator-exempt': `reason=${encodeURIComponent(text.slice(0, 90))};until=2037-01-01`,
    },
  });
}

describe('ATK-07: pasted', () => {
  it.each([
    ['a key of 88 characters', () => randomBytes(64).toString('base64')],
    ['a password of 40 characters', () => newPassword(['app_a']).reveal()],
    ['one that has few capitals', () => 'zaJh_3ghota4yqf26koyjj.r6ng.rdPgutu0hphl'],
    ['one that could be the name of a secret', () => 'tyizgk0dC-xjd9sptbNsxoi9n5fl1-n507rrzehk'],
    ['a client secret', () => `Xy78Q~${randomBytes(26).toString('base64url').slice(0, 34)}`],
    [
      'a connection string',
      () => `Server=s1;User ID=a;Password=${randomBytes(30).toString('base64url')}`,
    ],
    ['a SAS', () => `sv=2024-11-04&sig=${randomBytes(32).toString('base64url')}`],
  ])(
    'ATK-07: %s in every tag and field of a request is in no log, row, audit record or answer',
    async (_, make) => {
      await rotated(tenant, 'st-a', { account: 'acct1' });
      const text = make();
      seedTags(text);
      await tenant.sweepAndSettle();
      await say(text);
      // One that is accepted, too: what is said with it stays in row, log and audit.
      const until = new Date(Date.now() + 3 * 3_600_000).toISOString();
      expect((await tenant.hold('st-a', { until, note: `it was ${text}` })).status).toBe(202);
      await tenant.settle();
      expect(
        (await tenant.rows()).filter(({ partition }) => partition === 'operations'),
      ).toHaveLength(1);
      await tenant.request('/api/secrets');
      await tenant.request('/api/vaults/kv1/secrets/st-a/history');
      for (const tag of TAGS) await tenant.request(`/api/vaults/kv1/secrets/own-${tag}`);
      const secret = /^Server|^sv/.test(text) ? text.slice(text.lastIndexOf('=') + 1) : text;
      // In small letters, too: what reads a text without case must not show it so.
      expect(piecesIn((await outputs()).toLowerCase(), secret.toLowerCase())).toEqual([]);
      expect((await tenant.row('own-rotator'))?.detail).toContain('[looks like a credential]');
    },
  );
});

describe('ATK-07: no oracle', () => {
  it('ATK-07: a guess that hits what the worker holds is answered like one that misses', async () => {
    // Of the other team; too plain to be hidden by its looks, and opened by the worker in this very hour.
    await due(tenant, 'st-a', { account: 'acct1', value: 'orders-hunter-of-acct1' });
    await tenant.event('st-a');
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({ reason: 'unknown-value' });
    const told = async (guess: string) => {
      tenant.lines.length = 0;
      tenant.answers.length = 0;
      seedTags(guess);
      await tenant.sweepAndSettle();
      await tenant.event('st-a');
      await say(guess);
      await tenant.settle();
      const rows = await Promise.all(
        TAGS.map(async (tag) => (await tenant.row(`own-${tag}`))?.detail),
      );
      return {
        hidden: (await outputs()).includes('[secret]'),
        rows: rows.map((detail) => String(detail).replaceAll(guess, '*')),
      };
    };
    const hit = await told('orders-hunter-of-acct1');
    const miss = await told('orders-hunter-of-acct2');
    expect(hit).toEqual(miss);
    expect(hit.hidden).toBe(false);
    expect(hit.rows.join()).toContain('*');
  });
});
