/** Who is told what after a rotation: notices over every sink, at least once, and never in the way of a rotation. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { startTenant, type Tenant } from './harness.ts';
import { type Received, Receivers } from './receivers.ts';

const KEY = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const NEXT_KEY = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
let tenant: Tenant;
let receivers: Receivers;

const sink = (kind: string, name: string, more: object = {}) => ({
  kind,
  url: `$KEYTURN_NOTIFY_${name.toUpperCase()}`,
  allow: ['127.0.0.1'],
  ...more,
});
const hook = sink('webhook', 'hook', { keys: ['$KEYTURN_NOTIFY_KEY'] });
const env = (notify: object): Record<string, string> => ({
  KEYTURN_NOTIFY: JSON.stringify(notify),
  KEYTURN_PUBLIC_URL: 'https://keyturn.example.com',
});
const addresses = () => ({
  KEYTURN_NOTIFY_HOOK: receivers.url('/hook'),
  KEYTURN_NOTIFY_KEY: KEY,
});
/** Everything to one webhook. */
const toHook = () => tenant.configure({ ...env({ sinks: { hook }, default: ['hook'] }), ...addresses() });

interface Told {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly data: Record<string, unknown>;
}
const told = (path = '/hook'): Told[] => receivers.at(path).map(({ body }) => JSON.parse(body) as Told);
const types = (path?: string) => told(path).map(({ type }) => type.split('.')[2]);

beforeAll(async () => {
  receivers = await Receivers.start();
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  receivers.clear();
});
afterAll(async () => {
  await tenant.stop();
  await receivers.stop();
});

/** Due, rotated, proved, and what is owed revoked. */
async function rotated(name = 'st-a', account = 'acct1'): Promise<void> {
  tenant.seed(name, { account });
  await tenant.goTo(tenant.dueOn(name));
  await tenant.event(name);
  await tenant.settle();
  await tenant.advance({ hours: 50 }, { sweepEvery: 24 });
}

describe('a rotation', () => {
  it('is told: rotated, proved, revoked, each once, with ids of its own', async () => {
    toHook();
    await rotated();
    expect(types()).toEqual(['rotated', 'proved', 'revoked']);
    const all = told();
    expect(new Set(all.map(({ id }) => id)).size).toBe(3);
    const [stored] = tenant.versions('st-a').slice(-1);
    expect(all[0]).toMatchObject({
      ...{ specversion: '1.0', type: 'keyturn.secret.rotated.v1', source: '/keyturn/keyturn', subject: 'kv1/st-a' },
      data: { vault: 'kv1', name: 'st-a', severity: 'info', kind: 'storage-account-key', version: stored?.id },
    });
    expect(receivers.at('/hook').every(({ headers, body }) => headers['webhook-id'] === JSON.parse(body).id)).toBe(
      true,
    );
    await tenant.check();
  });

  it('is told nobody where KEYTURN_NOTIFY is not set: not one message', async () => {
    await rotated();
    expect(receivers.all).toEqual([]);
    expect(tenant.logs().filter(({ message }) => message.startsWith('notice'))).toEqual([]);
  });

  it('is no news for people unless a route says so', async () => {
    const sinks = { chat: sink('slack', 'chat'), loud: sink('slack', 'loud'), hook };
    const routes = [
      { to: ['loud'], type: ['rotated'] },
      { to: ['chat', 'hook'], vault: ['kv*'] },
    ];
    tenant.configure({
      ...env({ sinks, routes, default: [] }),
      ...addresses(),
      KEYTURN_NOTIFY_CHAT: receivers.url('/chat'),
      KEYTURN_NOTIFY_LOUD: receivers.url('/loud'),
    });
    await rotated();
    expect(receivers.at('/chat')).toEqual([]);
    expect(receivers.at('/loud')).toHaveLength(1);
    expect(types()).toEqual(['rotated', 'proved', 'revoked']);
  });

  it('is not delayed by a receiver that is down, and is told once that is back: under the same ids, signed anew', async () => {
    toHook();
    receivers.answers.set('/hook', { status: 503 });
    await rotated();
    expect(tenant.regenerations('acct1')).toBe(2);
    const first = receivers.at('/hook').map(({ headers }) => headers);
    expect(first.length).toBeGreaterThan(3);
    receivers.clear();
    await tenant.advance({ hours: 2 });
    await tenant.settle();
    expect(types().sort()).toEqual(['proved', 'revoked', 'rotated']);
    const known = new Set(first.map((headers) => headers['webhook-id']));
    for (const { headers } of receivers.at('/hook')) {
      expect(known.has(headers['webhook-id'])).toBe(true);
      expect(first.map((each) => each['webhook-signature'])).not.toContain(headers['webhook-signature']);
    }
    await tenant.check();
  });
});

describe('a webhook', () => {
  const verified = ({ headers, body }: Received, key = KEY) => new Webhook(key).verify(body, { ...headers });

  it('is verified by the library of its specification, with either of two keys; a replay and a change are refused', async () => {
    const keys = ['$KEYTURN_NOTIFY_KEY', '$KEYTURN_NOTIFY_NEXT'];
    tenant.configure({
      ...env({ sinks: { hook: sink('webhook', 'hook', { keys }) }, default: ['hook'] }),
      ...addresses(),
      KEYTURN_NOTIFY_NEXT: NEXT_KEY,
    });
    tenant.seed('st-a', { account: 'acct1', tags: { 'rotator-policy': 'every=nonsense' } });
    await tenant.event('st-a');
    await tenant.settle();
    const [got] = receivers.at('/hook');
    if (!got) throw new Error('nothing came');
    expect(verified(got)).toMatchObject({ type: 'keyturn.secret.refused.v1' });
    expect(verified(got, NEXT_KEY)).toMatchObject({ subject: 'kv1/st-a' });
    expect(() => verified({ ...got, body: got.body.replace('st-a', 'st-b') })).toThrow(WebhookVerificationError);
    await tenant.advance({ minutes: 6 });
    expect(() => verified(got)).toThrow('Message timestamp too old');
  });
});
