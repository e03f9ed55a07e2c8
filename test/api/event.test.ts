import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromEvent, fromEventMessage } from '../../src/api/inbox/event.ts';
import { isSkip } from '../../src/api/inbox/skip.ts';
import { parseResourceId } from '../../src/core/ids.ts';
import { bodies, kv1, look, topic } from './bodies.ts';

const vaults = [parseResourceId(kv1, 'Microsoft.KeyVault/vaults', 'test')];
const wrap = (data: unknown, over: object = {}) => ({
  eventType: 'Microsoft.KeyVault.SecretNearExpiry',
  topic,
  data,
  ...over,
});
const good = {
  Id: `https://kv1.vault.azure.net/secrets/db/${look.version}`,
  VaultName: 'kv1',
  ObjectType: 'Secret',
  ObjectName: 'db',
};

describe('fromEvent', () => {
  it.each(bodies)('makes one and the same look of $title (EG-01, EG-02)', ({ event, version }) => {
    expect(fromEvent(event, vaults)).toEqual({
      ...look,
      ...(version === false ? { version: undefined } : {}),
    });
  });

  it('takes the names of the documented sample and leaves out a version that is none (EG-01)', () => {
    const sample = {
      Id: 'https://kv1.vault.azure.net/secrets/db/ee059b',
      VaultName: 'kv1',
      ObjectType: 'Secret',
      'ObjectName ': 'db',
      Version: ' ee059b',
      NBF: null,
      EXP: '1559082102',
    };
    const camel = Object.fromEntries(
      Object.entries(sample).map(([key, value]) => [key[0]?.toLowerCase() + key.slice(1), value]),
    );
    expect(fromEvent(wrap(sample), vaults)).toEqual({ vault: 'kv1', name: 'db', cause: 'event' });
    expect(fromEvent(wrap(camel), vaults)).toEqual(fromEvent(wrap(sample), vaults));
  });

  it.each([
    ['a key', wrap(good, { eventType: 'Microsoft.KeyVault.KeyNearExpiry' }), 'bad-request'],
    [
      'a certificate',
      wrap(good, { eventType: 'Microsoft.KeyVault.CertificateNearExpiry' }),
      'bad-request',
    ],
    ['an invented type', wrap(good, { eventType: 'Contoso.SecretNearExpiry' }), 'bad-request'],
    ['no type', { topic, data: good }, 'bad-request'],
    ['an object of another kind', wrap({ ...good, ObjectType: 'Certificate' }), 'bad-request'],
    [
      'the id of a key',
      wrap({ ...good, Id: 'https://kv1.vault.azure.net/keys/db/1' }),
      'bad-request',
    ],
    ['an id that is no address', wrap({ ...good, Id: 'db' }), 'bad-request'],
    [
      'a name that no secret has',
      wrap({ ...good, Id: 'https://kv1.vault.azure.net/secrets/a%2Fb' }),
      'bad-request',
    ],
    ['no data', wrap(undefined), 'bad-request'],
    [
      'the topic of a vault that is not on the list',
      wrap(good, { topic: topic.replace('kv1', 'kv9') }),
      'not-allowed',
    ],
    [
      'the topic of the same vault name elsewhere',
      wrap(good, { topic: topic.replace('/rg/', '/rg2/') }),
      'not-allowed',
    ],
    ['no topic', wrap(good, { topic: undefined }), 'not-allowed'],
    [
      "another vault's id under our topic",
      wrap({ ...good, Id: 'https://kv2.vault.azure.net/secrets/db' }),
      'not-allowed',
    ],
    ["another vault's name under our topic", wrap({ ...good, VaultName: 'kv2' }), 'not-allowed'],
  ])('skips %s and says why (EG-11)', (_title, event, reason) => {
    expect(fromEvent(event, vaults)).toEqual({ skip: reason, detail: expect.any(String) });
  });

  it('shows no more than 64 quoted characters of what a stranger sent (SEC-06)', () => {
    const hostile = [
      '<img src=x onerror=alert(1)>',
      '\u001b[2J',
      'a\r\nSet-Cookie: x',
      '\u202e',
      'A'.repeat(10_240),
    ];
    for (const topic of hostile) {
      const skipped = fromEvent(wrap(good, { topic }), vaults);
      expect(isSkip(skipped) && skipped.detail).toMatch(/^topic "[\x20-\x7e]{0,200}"$/);
    }
  });

  it('throws for no JSON at all (EG-08)', () => {
    const keys = fc.constantFrom(
      'eventType',
      'type',
      'topic',
      'source',
      'data',
      'Id',
      ' id ',
      '__proto__',
      'ObjectType',
    );
    const texts = fc.constantFrom(
      'Microsoft.KeyVault.SecretExpired',
      topic,
      good.Id,
      'https://',
      'https://kv1./secrets',
      'x',
    );
    const json = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue(),
        texts,
        fc.array(tie('node')),
        fc.dictionary(keys, tie('node')),
      ),
    })).node;
    fc.assert(
      fc.property(json, (event) => {
        const result = fromEvent(JSON.parse(JSON.stringify(event ?? null)), vaults);
        expect(isSkip(result) || result.vault === 'kv1').toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('fromEventMessage', () => {
  const event = wrap(good);

  it('makes the same look of an event, its text, and either of them in a list', () => {
    const one = [fromEvent(event, vaults)];
    expect(one).toEqual([look]);
    for (const message of [event, JSON.stringify(event), [event], JSON.stringify([event])]) {
      expect(fromEventMessage(message, vaults)).toEqual(one);
    }
  });

  it('makes looks of the good ones in a list, and skips of the others', () => {
    const found = fromEventMessage(
      [null, event, [event], 'x', { ...event, topic: `${topic}x` }],
      vaults,
    );
    expect(found.map((each) => (isSkip(each) ? each.skip : each.name))).toEqual([
      'bad-request',
      'db',
      'bad-request',
      'bad-request',
      'not-allowed',
    ]);
  });

  it.each([
    ['no JSON', '{"eventType":'],
    ['nothing', ''],
    ['null', null],
    ['a number', 7],
  ])('makes a skip of %s (EG-08)', (_title, message) => {
    expect(fromEventMessage(message, vaults)).toEqual([
      expect.objectContaining({ skip: 'bad-request' }),
    ]);
  });

  it('never throws, whatever the message holds (EG-08)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.jsonValue()), (message) => {
        for (const each of fromEventMessage(message, vaults)) expect(isSkip(each)).toBe(true);
      }),
    );
  });
});
