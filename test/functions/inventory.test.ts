/** The inventory, one secret, health and readiness as callers meet them: real tokens, real vaults, rows in Azurite. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { timeline } from '../../src/api/inventory.ts';
import { healthOf } from '../../src/api/readiness.ts';
import { ReadinessBody } from '../../src/api/readinessBody.ts';
import { SecretDetailBody, SecretsBody } from '../../src/api/secretBody.ts';
import { BusyError } from '../../src/core/errors.ts';
import type { Log } from '../../src/core/log.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { rotated } from '../cases/stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const reader = { roles: ['Keyturn.Read'] };
async function get(path: string, given: { roles: string[] } = reader) {
  const response = await tenant.request(path, given);
  const text = await response.text();
  return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
}
async function listed(query = '') {
  const { status, body } = await get(`/api/secrets${query}`);
  expect(status).toBe(200);
  return SecretsBody.parse(body);
}
const namesOf = async (query: string) =>
  (await listed(query)).secrets.map(({ vault, secret }) => `${vault}/${secret}`);

describe('GET secrets', () => {
  it('shows each opted-in secret as the last look saw it, never a value', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1', tags: { owner: 'team <b>' } });
    tenant.azure.vault('kv1').set('plain', 'not-opted-in', {});
    tenant.seed('st-b', { vault: 'kv2', account: 'acct2' });
    await tenant.sweepAndSettle();
    const { secrets, continuation } = await listed();
    expect(continuation).toBeUndefined();
    expect(secrets).toHaveLength(2);
    expect(secrets[0]).toMatchObject({
      ...{
        vault: 'kv1',
        secret: 'st-a',
        state: 'grace',
        owed: ['key1'],
        rotator: 'storage-account-key',
      },
      ...{
        version: tenant.current('st-a').id,
        target: tenant.azure.account('acct1').id.toLowerCase(),
      },
      ...{
        owner: 'team <b>',
        revokeAfter: expect.any(String),
        last: { step: 'wait', reason: 'grace' },
      },
    });
    expect(secrets[1]).toMatchObject({
      vault: 'kv2',
      secret: 'st-b',
      state: 'ok',
      owed: [],
      dueOn: expect.any(String),
    });
    await tenant.check();
  });

  it('is for Keyturn.Read alone: the other roles do not imply it (UA-8)', async () => {
    for (const path of ['/api/secrets', '/api/vaults/kv1/secrets/st-a', '/api/readiness']) {
      expect((await get(path, { roles: ['Keyturn.Rotate', 'Keyturn.Revoke'] })).status).toBe(403);
      expect((await get(path, { roles: [] })).status).toBe(403);
      expect((await tenant.request(path, { token: 'x' })).status).toBe(401);
    }
  });

  it('filters by vault, state, owner and what is due', async () => {
    tenant.seed('st-a', { account: 'acct1', tags: { owner: 'a' } });
    tenant.seed('st-b', { account: 'acct2', tags: { owner: 'b' }, policy: 'every=5d' });
    tenant.seed('st-c', { vault: 'kv2', account: 'acct3', tags: { 'rotator-target': 'nothing' } });
    await tenant.sweepAndSettle();
    expect(await namesOf('')).toEqual(['kv1/st-a', 'kv1/st-b', 'kv2/st-c']);
    expect(await namesOf('?vault=KV2')).toEqual(['kv2/st-c']);
    expect(await namesOf('?vault=kv9')).toEqual([]);
    expect(await namesOf('?state=refused,ok')).toEqual(['kv1/st-a', 'kv1/st-b', 'kv2/st-c']);
    expect(await namesOf('?state=refused')).toEqual(['kv2/st-c']);
    expect(await namesOf('?owner=b')).toEqual(['kv1/st-b']);
    expect(await namesOf('?owner=B')).toEqual([]);
    expect(await namesOf('?due=7d')).toEqual(['kv1/st-b']);
    expect(await namesOf('?due=24h')).toEqual([]);
    expect((await get('/api/secrets?state=ok&state=refused')).status).toBe(400);
    expect((await get('/api/secrets?continuation=..%2F..')).body).toMatchObject({
      reason: 'bad-request',
    });
  });

  it('gives every secret once over pages of 100, in a stable order, however many are between', async () => {
    const names = Array.from({ length: 130 }, (_, at) => `st-${String(at).padStart(3, '0')}`);
    for (const name of names) tenant.seed(name, { tags: { 'rotator-target': 'nothing' } });
    tenant.seed('st-a', { vault: 'kv2', account: 'acct1' });
    await tenant.sweepAndSettle();
    const first = await listed();
    expect(first.secrets.map(({ secret }) => secret)).toEqual(names.slice(0, 100));
    const next = await listed(`?continuation=${first.continuation}`);
    expect(next.secrets.map(({ secret }) => secret)).toEqual([...names.slice(100), 'st-a']);
    expect(next.continuation).toBeUndefined();
    expect(
      (await listed(`?state=refused&continuation=${first.continuation}`)).secrets,
    ).toHaveLength(30);
  });
});

describe('GET one secret', () => {
  it('tells what became of each version', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const path = '/api/vaults/kv1/secrets/st-a';
    const inGrace = SecretDetailBody.parse((await get(path)).body);
    expect(inGrace.versions).toMatchObject([
      {
        version: v2.id,
        state: 'current',
        handle: 'key2',
        enabled: true,
        proved: true,
        rotation: expect.any(String),
      },
      { version: v1.id, state: 'owed' },
    ]);
    await tenant.advance({ hours: 49 }, { sweepEvery: 24 });
    await tenant.sweepAndSettle();
    const settled = SecretDetailBody.parse((await get(path)).body);
    expect(settled).toMatchObject({
      state: 'ok',
      versions: [{ version: v2.id }, { version: v1.id, state: 'revoked' }],
    });
    await tenant.check();
  });

  it('shows a secret whose tags a person must mend, and one that its owner disabled', async () => {
    tenant.seed('st-a', { tags: { 'rotator-target': 'nothing' } });
    const off = tenant.seed('st-b', { account: 'acct1' });
    await tenant.sweepAndSettle();
    off.enabled = false;
    const { body } = await get('/api/vaults/kv1/secrets/st-a');
    expect(body).toMatchObject({
      state: 'refused',
      last: { reason: 'bad-tags', remedy: expect.any(String) },
    });
    expect((await get('/api/vaults/kv1/secrets/st-b')).body.versions).toMatchObject([
      { state: 'current', enabled: false },
    ]);
  });

  it('answers word for word the same for absent, not opted in, not on the list and not ours', async () => {
    tenant.azure.vault('kv1').set('plain', 'not-opted-in', {});
    tenant.seed('st-b', { vault: 'kv2', account: 'acct1' });
    tenant.azure.vault('kv2').tags = { keyturn: 'another' };
    const paths = [
      'kv1/secrets/st-z',
      'kv1/secrets/plain',
      'kv9/secrets/st-a',
      'kv2/secrets/st-b',
      'kv1/secrets/st_a',
    ];
    const answers = await Promise.all(paths.map((path) => get(`/api/vaults/${path}`)));
    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 404));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  const version = (last: string, tags: Record<string, string> = {}) => {
    const on = new Date(`2027-01-0${last}T00:00:00Z`);
    return {
      id: last.repeat(32),
      enabled: true,
      createdOn: on,
      updatedOn: on,
      tags,
      managed: false,
    };
  };
  const state = (more: string) => ({ 'rotator-state': `v=1;tgt=00000001;${more}` });

  it('calls owed what older versions hold and nobody marked, and replaced what the current slot held before', () => {
    const versions = [
      version('1'),
      version('2', state('cred=key2')),
      version('3', state('cred=key1;revoked=1')),
      version('4', state('cred=key1')),
      version('5', { 'rotator-state': 'v=1;tgt=00000002;cred=key1' }),
      version('6', state('cred=key2')),
    ];
    const shown = timeline({ vault: 'kv1', name: 'db' }, versions, '6'.repeat(32)).map(
      (each) => each.state,
    );
    expect(shown).toEqual(['current', 'owed', 'owed', 'revoked', 'replaced', 'foreign']);
  });
});

describe('GET health', () => {
  const health = async () => {
    const response = await fetch(`${tenant.host.url}/api/health`);
    return { status: response.status, text: await response.text() };
  };

  it('is 200 without a token and says nothing more', async () => {
    expect(await health()).toEqual({ status: 200, text: '' });
  });

  it('is 503 without a reason while the identity gives no token; the log has the reason', async () => {
    await tenant.advance({ days: 2 }); // a token that the process still holds is as good as a new one
    tenant.azure.outage('identity.token', { status: 400 });
    expect(await health()).toEqual({ status: 503, text: '' });
    expect(tenant.logs('not healthy')).toMatchObject([{ reason: 'no-identity' }]);
    tenant.azure.heal();
    expect((await health()).status).toBe(503); // kept for ten seconds
    await tenant.advance({ seconds: 11 });
    expect((await health()).status).toBe(200);
  });

  it('asks storage and identity once, however many ask within ten seconds', async () => {
    let asked = 0;
    const probe = async () => {
      asked += 1;
    };
    let now = new Date('2027-01-01T00:00:00Z');
    const ask = healthOf(() => ({ table: probe, queue: probe, token: probe }), {
      now: () => now,
      sleep: async () => {},
    });
    const log: Log = () => {};
    expect(await Promise.all(Array.from({ length: 50 }, () => ask(log)))).not.toContain(false);
    expect(asked).toBe(3);
    now = new Date(now.getTime() + 10_000);
    await ask(log);
    expect(asked).toBe(6);
  });

  it.each(['table', 'queue', 'token'])(
    'is false, and the log says why, when only the %s does not answer',
    async (one) => {
      const fine = async () => {};
      const busy = () => Promise.reject(new BusyError('storage-busy'));
      const reasons: unknown[] = [];
      const clock = { now: () => new Date(), sleep: async () => {} };
      const ask = healthOf(() => ({ table: fine, queue: fine, token: fine, [one]: busy }), clock);
      expect(await ask((_level, _message, fields) => void reasons.push(fields?.reason))).toBe(
        false,
      );
      expect(reasons).toEqual(['storage-busy']);
    },
  );
});

describe('GET readiness', () => {
  it('is 200 when every vault is listed, its tags are read and each rotator has a token', async () => {
    tenant.azure.vault('kv2').tags = { keyturn: 'another' };
    tenant.configure();
    const { status, body } = await get('/api/readiness');
    expect({ status, ...ReadinessBody.parse(body) }).toMatchObject({
      ...{ status: 200, ready: true, storage: { ready: true } },
      vaults: [
        { vault: 'kv1', ready: true },
        { vault: 'kv2', ready: true, reason: 'other-instance' },
      ],
      rotators: [{ rotator: 'storage-account-key', ready: true }],
    });
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('is 503 with reason and remedy for the one vault that does not let Keyturn in', async () => {
    const { identity, roles } = tenant.azure.world;
    const kept = roles.all.filter(
      ({ principalId, scope }) =>
        principalId !== identity.oid || scope !== tenant.azure.vault('kv1').id,
    );
    roles.all.splice(0, Number.POSITIVE_INFINITY, ...kept);
    tenant.configure();
    const { status, body } = await get('/api/readiness');
    expect(status).toBe(503);
    expect(ReadinessBody.parse(body).vaults).toMatchObject([
      {
        vault: 'kv1',
        ready: false,
        reason: 'vault-forbidden',
        by: 'operator',
        remedy: expect.stringContaining('role'),
      },
      { vault: 'kv2', ready: true },
    ]);
  });
});
