/** Where a sink's address may lead: to a public host over https, and inside only where the setting says so. */
import dns from 'node:dns';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { certificates } from '../../local/azure/authority.ts';
import { mapLocalhost, trust } from '../../local/names.ts';
import { mayBeAt } from '../../src/core/notify.ts';
import { Secret } from '../../src/core/secret.ts';
import { post } from '../../src/notices/post.ts';
import { Receivers } from '../cases/receivers.ts';

let receivers: Receivers;
beforeAll(async () => {
  mapLocalhost();
  trust((await certificates()).ca);
  receivers = await Receivers.start();
});
beforeEach(() => receivers.clear());
afterAll(() => receivers.stop());

const send = (url: string, allow: string[] = []) =>
  post({ url: new Secret(url), allow, body: '{}' });

describe('an address of an inner network', () => {
  const inner = [
    ...[
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '0',
      '0.0.0.0',
      '10.0.0.1',
      '172.16.0.1',
    ],
    ...[
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '100.64.0.1',
      '168.63.129.16',
    ],
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:a9fe:a9fe]',
      '[fe80::1]',
    ],
    ...[
      '[fd00:ec2::254]',
      '[fc00::1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      '[::127.0.0.1]',
      '[ff02::1]',
    ],
  ];
  it.each(inner)('%s is refused before anything is sent', async (host) => {
    await expect(send(`https://${host}:${receivers.port}/in`)).rejects.toMatchObject({
      message: 'its address is a private one, which `allow` of the sink does not name',
      final: true,
    });
    expect(receivers.all).toEqual([]);
  });

  it('is refused behind a name that resolves to one, also beside a public one', async () => {
    await expect(send(receivers.url('/in'))).rejects.toMatchObject({ final: true });
    const real = dns.lookup;
    const both = [
      { address: '20.1.1.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const answers = (_name: string, _options: object, done: (error: null, found: object) => void) =>
      done(null, both);
    Object.assign(dns, { lookup: answers });
    try {
      await expect(send(receivers.url('/in', 'rebinding.example.com'))).rejects.toMatchObject({
        final: true,
      });
    } finally {
      Object.assign(dns, { lookup: real });
    }
    expect(receivers.all).toEqual([]);
  });

  it('is one where the setting names it, and no other is', async () => {
    await send(receivers.url('/in'), ['127.0.0.0/8']);
    expect(receivers.at('/in')).toHaveLength(1);
    await expect(send(receivers.url('/in'), ['10.0.0.0/8'])).rejects.toMatchObject({ final: true });
    expect(mayBeAt('::ffff:127.0.0.1', ['127.0.0.1'])).toBe(true);
    expect(mayBeAt('169.254.169.254', ['10.0.0.0/8'])).toBe(false);
  });

  it.each(['20.50.1.1', '2603:1030::1', '8.8.8.8'])('%s is none', (address) => {
    expect(mayBeAt(address, [])).toBe(true);
  });
});

describe('a receiver', () => {
  const local = ['127.0.0.1'];

  it.each([301, 302, 303, 307, 308])('that answers %d is not followed', async (status) => {
    receivers.answers.set('/from', { status, headers: { location: receivers.url('/to') } });
    await expect(send(receivers.url('/from'), local)).rejects.toMatchObject({ final: false });
    expect(receivers.at('/to')).toEqual([]);
  });

  it.each([
    [400, true],
    [401, false],
    [403, false],
    [404, false],
    [410, true],
    [413, true],
    [429, false],
    [500, false],
    [503, false],
  ])('that answers %d has not taken it, for good: %s', async (status, final) => {
    receivers.answers.set('/in', { status, headers: { 'retry-after': '120' } });
    await expect(send(receivers.url('/in'), local)).rejects.toMatchObject({
      final,
      retryAfterSeconds: 120,
    });
  });

  it.each([200, 201, 202, 204])('that answers %d has', async (status) => {
    receivers.answers.set('/in', { status });
    await send(receivers.url('/in'), local);
  });

  it('that says nothing, or is not there, is told of without its address', async () => {
    receivers.answers.set('/in', { status: 0, silent: true });
    const silent = await send(receivers.url('/in'), local).catch((error: unknown) => error);
    expect(silent).toMatchObject({ name: 'NotTaken', final: false });
    const gone = await send(
      'https://hooks.keyturn.localhost:9/in?sig=ReceiversOwnCredential42',
      local,
    ).catch(String);
    expect(`${String(silent)} ${gone}`).not.toMatch(/localhost|sig=|Receivers/);
    expect(gone).toContain('ECONNREFUSED');
  });

  it('whose certificate is not its own gets nothing', async () => {
    const url = `https://other.example.localhost:${receivers.port}/in`;
    await expect(send(url, local)).rejects.toMatchObject({
      message: expect.stringMatching(/^ERR_TLS|no answer/),
    });
    expect(receivers.all).toEqual([]);
  });
});
