/** Who is told what after a rotation: notices over every sink, at least once, and never in the way of a rotation. */

import { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { appAccount } from '../../local/azure/world.ts';
import { severityOf } from '../../src/core/noticeTypes.ts';
import { noticeQueue } from '../../src/store/noticeQueue.ts';
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
const toHook = () =>
  tenant.configure({ ...env({ sinks: { hook }, default: ['hook'] }), ...addresses() });

interface Told {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly data: Record<string, unknown>;
}
const told = (path = '/hook'): Told[] =>
  receivers.at(path).map(({ body }) => JSON.parse(body) as Told);
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
      ...{
        specversion: '1.0',
        type: 'keyturn.secret.rotated.v1',
        source: '/keyturn/keyturn',
        subject: 'kv1/st-a',
      },
      data: {
        vault: 'kv1',
        name: 'st-a',
        severity: 'info',
        kind: 'storage-account-key',
        version: stored?.id,
      },
    });
    expect(
      receivers
        .at('/hook')
        .every(({ headers, body }) => headers['webhook-id'] === JSON.parse(body).id),
    ).toBe(true);
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
      expect(first.map((each) => each['webhook-signature'])).not.toContain(
        headers['webhook-signature'],
      );
    }
    await tenant.check();
  });
});

describe('a webhook', () => {
  const verified = ({ headers, body }: Received, key = KEY) =>
    new Webhook(key).verify(body, { ...headers });

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
    expect(() => verified({ ...got, body: got.body.replace('st-a', 'st-b') })).toThrow(
      WebhookVerificationError,
    );
    await tenant.advance({ minutes: 6 });
    expect(() => verified(got)).toThrow('Message timestamp too old');
  });
});

describe('a topic of Event Grid', () => {
  it('gets the same event as a webhook, by the publisher client and the identity', async () => {
    const topic = tenant.azure.topic('notices');
    const endpoint = `${tenant.azure.url('notices.local-1.eventgrid')}/api/events`;
    const sinks = { bus: { kind: 'eventgrid', endpoint }, hook };
    tenant.configure({ ...env({ sinks, default: ['bus', 'hook'] }), ...addresses() });
    await rotated();
    expect(topic.events).toEqual(told().map((event) => event));
    expect(topic.events).toHaveLength(3);
  });

  it('without the role is tried again, and gets its notices once that is given', async () => {
    const topic = tenant.azure.topic('later', { granted: false });
    const endpoint = `${tenant.azure.url('later.local-1.eventgrid')}/api/events`;
    tenant.configure(env({ sinks: { bus: { kind: 'eventgrid', endpoint } }, default: ['bus'] }));
    await refusedSecret('st-a');
    expect(topic.events).toEqual([]);
    expect(tenant.logs('notice not taken')[0]).toMatchObject({ sink: 'bus', detail: '403' });
    const dataActions = ['Microsoft.EventGrid/events/send/action'];
    tenant.azure.grant({
      principalId: tenant.azure.world.identity.oid,
      scope: topic.id,
      dataActions,
    });
    await tenant.advance({ minutes: 30 });
    await tenant.settle();
    expect(topic.events).toMatchObject([
      { type: 'keyturn.secret.refused.v1', subject: 'kv1/st-a' },
    ]);
  });

  it('that is none of this cloud keeps the app from starting: it would get a token of the identity', () => {
    const endpoint = 'https://topic.evil.example/api/events';
    const setting = env({ sinks: { bus: { kind: 'eventgrid', endpoint } }, default: ['bus'] });
    expect(() => tenant.configure(setting)).toThrow('is none of a topic');
  });
});

/** A secret that is refused at its first look. */
async function refusedSecret(name: string, tags: Record<string, string> = {}): Promise<void> {
  tenant.seed(name, { account: 'acct1', tags: { 'rotator-policy': 'every=nonsense', ...tags } });
  await tenant.event(name);
  await tenant.settle();
}

describe('what needs a person', () => {
  it('is told once for its cause, and reminded of as the days go by', async () => {
    toHook();
    const day = 86_400_000;
    const expiresOn = new Date(Date.now() + 40 * day);
    tenant.seed('st-a', {
      account: 'acct1',
      expiresOn,
      tags: { 'rotator-policy': 'every=nonsense' },
    });
    await tenant.sweepAndSettle();
    await tenant.advance({ days: 45 }, { sweepEvery: 24 });
    const all = told();
    expect(types()).toEqual(['refused', ...Array(4).fill('due_soon'), 'expiring']);
    expect(all[4]?.data.severity).toBe('critical');
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it('of many secrets is one notice for each owner, with the first of their names', async () => {
    toHook();
    const names = (owner: string) => Array.from({ length: 12 }, (_, at) => `st-${owner}-${at}`);
    for (const owner of ['red', 'blue'])
      for (const name of names(owner))
        tenant.seed(name, {
          account: 'acct1',
          tags: { owner, 'rotator-policy': 'every=nonsense' },
        });
    await tenant.sweepAndSettle();
    expect(told()).toHaveLength(1);
    await tenant.advance({ hours: 1 });
    await tenant.sweepAndSettle();
    const [first, ...rest] = told();
    expect(first?.data).not.toHaveProperty('count');
    expect(rest.map(({ data }) => [data.owner, data.name]).sort()).toEqual([
      ['blue', '*'],
      ['red', '*'],
    ]);
    expect(rest.reduce((sum, { data }) => sum + Number(data.count), 0)).toBe(23);
    for (const { data } of rest) expect(data.names).toHaveLength(10);
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(told()).toHaveLength(3);
  });

  it('is told of an instance that only observes to nobody', async () => {
    tenant.configure({
      ...env({ sinks: { hook }, default: ['hook'] }),
      ...addresses(),
      KEYTURN_MODE: 'observe',
    });
    await refusedSecret('st-a');
    expect(receivers.all).toEqual([]);
    expect(tenant.logs('would alert')).toHaveLength(1);
  });

  it('is a freeze of the settings, once', async () => {
    const day = (days: number) =>
      new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const settings = { ...env({ sinks: { hook }, default: ['hook'] }), ...addresses() };
    tenant.configure({ ...settings, KEYTURN_FREEZE: `${day(3)}/${day(9)} UTC` });
    await tenant.sweepAndSettle();
    await tenant.sweepAndSettle();
    expect(types()).toEqual(['freeze']);
    expect(told()[0]?.data.detail).toContain('KEYTURN_FREEZE');
  });

  it('is a leak that somebody reported, beside the rotation and the revocation that follow', async () => {
    toHook();
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    expect((await tenant.leaked('st-a', { note: 'in a log', ticket: 'INC1' })).status).toBe(202);
    await tenant.settle(600);
    expect(types().filter((type) => type === 'leaked')).toEqual(['leaked']);
    expect(types()).toEqual(expect.arrayContaining(['leaked', 'rotated', 'proved', 'revoked']));
  });
});

describe('a receiver', () => {
  const chat = () => ({ KEYTURN_NOTIFY_CHAT: receivers.url('/chat') });

  it('that is dead makes no other one get anything twice', async () => {
    const sinks = { chat: sink('slack', 'chat'), hook };
    tenant.configure({ ...env({ sinks, default: ['chat', 'hook'] }), ...addresses(), ...chat() });
    receivers.answers.set('/chat', { status: 500 });
    await refusedSecret('st-a');
    await tenant.advance({ minutes: 30 });
    await tenant.settle();
    expect(receivers.at('/chat').length).toBeGreaterThan(1);
    expect(types()).toEqual(['refused']);
  });

  it('that has not taken a notice for three days, or refuses it for good, is an alert, one for all of it', async () => {
    const sinks = { chat: sink('slack', 'chat'), hook };
    tenant.configure({ ...env({ sinks, default: ['chat', 'hook'] }), ...addresses(), ...chat() });
    receivers.answers.set('/chat', { status: 410 });
    await refusedSecret('st-a');
    const given = () =>
      tenant.logs('alert').filter(({ reason }) => reason === 'notice-undelivered');
    expect(given()).toMatchObject([{ sink: 'chat', detail: '410', by: 'operator' }]);
    expect(tenant.logs('notice undelivered')).toMatchObject([
      { sink: 'chat', type: 'refused', vault: 'kv1' },
    ]);
    receivers.answers.set('/hook', { status: 503 });
    await refusedSecret('st-b');
    await tenant.sweepAndSettle();
    for (let at = 0; at < 80; at += 1) {
      await tenant.advance({ hours: 1 });
      await tenant.settle();
    }
    expect(given().some(({ sink: name }) => name === 'hook')).toBe(true);
    expect(await tenant.own.waiting('keyturn-notices', 'keyturn-notices-poison')).toBe(0);
  });

  it('whose reference is not resolved waits by itself, and nobody else does', async () => {
    const sinks = { chat: sink('slack', 'chat'), hook };
    const unresolved = '@Microsoft.KeyVault(SecretUri=https://kv1.vault.azure.net/secrets/chat)';
    tenant.configure({
      ...env({ sinks, default: ['chat', 'hook'] }),
      ...addresses(),
      KEYTURN_NOTIFY_CHAT: unresolved,
    });
    await refusedSecret('st-a');
    expect(types()).toEqual(['refused']);
    expect(tenant.logs('notice not taken')[0]?.detail).toContain(
      'KEYTURN_NOTIFY_CHAT is not resolved',
    );
  });

  it('that is down for an hour gets all of many notices once it is back, each under its id', async () => {
    toHook();
    const count = process.env.TESTS === 'rest' ? 10_000 : 100;
    const queue = noticeQueue({
      connectionString: tenant.azure.azurite.connectionString(appAccount),
    });
    receivers.answers.set('/hook', { status: 503 });
    const ids = Array.from({ length: count }, () => crypto.randomUUID());
    for (const id of ids)
      await queue.send({
        ...{ id, type: 'failed', severity: severityOf.failed, on: new Date(), instance: 'keyturn' },
        ...{ vault: 'kv1', name: 'st-a' },
      });
    for (let minutes = 0; minutes < 60; minutes += 5) {
      await tenant.advance({ minutes: 5 });
      await tenant.host.drain();
    }
    // At rest, a receiver that is down is not asked for each notice anew.
    expect(receivers.at('/hook').length).toBeLessThan(count);
    receivers.clear();
    for (
      let tried = 0;
      tried < 30 && (await tenant.own.waiting('keyturn-notices')) > 0;
      tried += 1
    ) {
      await tenant.advance({ minutes: 15 });
      await tenant.host.drain();
    }
    expect(
      told()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...ids].sort());
  });
});

describe('a queue that does not answer', () => {
  it('keeps no rotation from its end: what is to be told stays with the secret until the next look', async () => {
    toHook();
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('st-a'));
    const real = QueueClient.prototype.sendMessage;
    QueueClient.prototype.sendMessage = function (
      this: QueueClient,
      ...given: Parameters<typeof real>
    ) {
      if (this.name === 'keyturn-notices')
        return Promise.reject(
          Object.assign(new Error('down'), { statusCode: 503, name: 'RestError' }),
        );
      return real.apply(this, given);
    };
    try {
      await tenant.event('st-a');
      await tenant.settle();
    } finally {
      QueueClient.prototype.sendMessage = real;
    }
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(receivers.all).toEqual([]);
    expect((await tenant.row('st-a'))?.untold).toHaveLength(2);
    await tenant.sweepAndSettle();
    expect(types()).toEqual(['rotated', 'proved']);
    expect((await tenant.row('st-a'))?.untold).toBeUndefined();
  });
});

describe('no value', () => {
  it('and no address of a receiver is in any notice, log, row or message, whatever the services send back', async () => {
    const keys = ['$KEYTURN_NOTIFY_KEY'];
    const sinks = {
      hook: sink('webhook', 'hook', { keys }),
      cards: sink('teams', 'cards', { severity: 'info' }),
      chat: sink('slack', 'chat', { severity: 'info' }),
      bus: {
        kind: 'eventgrid',
        endpoint: `${tenant.azure.url('echo.local-1.eventgrid')}/api/events`,
      },
    };
    const topic = tenant.azure.topic('echo');
    tenant.configure({
      ...env({ sinks, default: Object.keys(sinks) }),
      ...addresses(),
      ...{
        KEYTURN_NOTIFY_CHAT: receivers.url('/chat'),
        KEYTURN_NOTIFY_CARDS: receivers.url('/cards'),
      },
    });
    receivers.answers.set('/chat', { status: 500 });
    await rotated('st-a', 'acct1');
    tenant.seed('st-b', {
      account: 'acct2',
      tags: { owner: `me ${tenant.azure.account('acct2').key('key1')}` },
    });
    tenant.azure.echo('keyvault.set');
    await tenant.goTo(tenant.dueOn('st-b'));
    await tenant.event('st-b');
    await tenant.settle();
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    const sent = JSON.stringify([receivers.all, topic.events]);
    expect(sent).toContain('st-b');
    const { keysSeen } = tenant;
    const everywhere = [
      sent,
      JSON.stringify(tenant.lines),
      JSON.stringify(await tenant.rows()),
    ].join('\n');
    expect(keysSeen.size).toBeGreaterThan(3);
    for (const key of keysSeen) expect(everywhere.includes(key)).toBe(false);
    const logged = JSON.stringify([tenant.lines, await tenant.rows()]);
    expect(logged).not.toMatch(/ReceiversOwnCredential42|hooks\.keyturn\.localhost|whsec_/);
  });
});
