import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Account } from '../../local/azure/accounts.ts';
import { BusyError, type KeyturnError, UnknownOutcomeError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Rotator, Target } from '../../src/ports/rotator.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';
import { startTenant, type Tenant } from '../azure/tenant.fixtures.ts';
import { ROTATION, rotatorContract, SECRET } from './rotator.contract.ts';

let tenant: Tenant;
let rotator: Rotator;
let account: Account;
let target: Target;
/** Every path that ARM ever saw from here. */
const paths = new Set<string>();

beforeAll(async () => {
  tenant = await startTenant(
    { vaults: [], accounts: [{ name: 'acct1' }, { name: 'acct2' }] },
    true,
  );
  const found = registry(allRotators(tenant)).get('storage-account-key');
  if (!found) throw new Error('not registered');
  rotator = found;
});
afterAll(() => tenant.azure.stop());
beforeEach(() => {
  account = tenant.azure.account('acct1');
  target = rotator.bind({ target: account.id, options: {}, secret: SECRET });
  tenant.azure.calls.length = 0;
  tenant.clock.slept.length = 0;
  tenant.clock.offsetMinutes = 0;
});
afterEach(() => {
  expect(tenant.azure.unusedFaults()).toEqual({});
  for (const { host, path } of tenant.azure.calls)
    if (host.startsWith('management.')) paths.add(path);
  tenant.azure.heal();
  account.unlock();
  account.allowSharedKeyAccess = undefined;
  account.sasExpirationPeriod = undefined;
});

const thrown = (promise: Promise<unknown>): Promise<KeyturnError> =>
  promise.then(
    () => {
      throw new Error('It went well.');
    },
    (error: KeyturnError) => error,
  );
const regenerations = () => tenant.azure.calls.filter(({ route }) => route === 'arm.regenerateKey');
const stay = async () => true;
const issue = (keep: readonly string[] = ['key1']) =>
  target.issue(ROTATION, keep, new Date(), stay);

rotatorContract('storage-account-key', async () => ({
  rotator,
  bind: () => rotator.bind({ target: account.id, options: {}, secret: SECRET }),
  first: { value: new Secret(account.key('key1')) },
  stranger: { value: new Secret('bm90IGEga2V5IG9mIHRoaXMgYWNjb3VudA==') },
  stay,
  changes: () => tenant.azure.changes().length,
  async accepts({ value }) {
    const credential = new StorageSharedKeyCredential('acct1', value.reveal());
    const client = new BlobServiceClient(tenant.azure.url('acct1.blob.core'), credential);
    const answer = await client
      .getProperties()
      .catch((error: { statusCode?: number }) => error.statusCode);
    return typeof answer === 'object';
  },
}));

describe('storage account keys', () => {
  it('gives a first credential the slot that people use last', async () => {
    expect((await target.inspect()).handles).toEqual(['key2', 'key1']);
    expect((await issue([])).handle).toBe('key2');
  });

  it('names the hosts of all services of the account', async () => {
    const { hosts } = await target.inspect();
    expect(hosts).toContain(`acct1.blob.${tenant.cloud.storageSuffix}`);
    expect(hosts).toContain(`acct1.queue.${tenant.cloud.storageSuffix}`);
  });

  it('replaces no slot when both are to be kept', async () => {
    expect((await thrown(issue(['key1', 'key2']))).reason).toBe('slots-held');
    expect(regenerations()).toEqual([]);
  });

  it('SEC-09: reads an account that is absent like one without consent', async () => {
    tenant.azure.fault('arm.storageAccount', [{ status: 404, code: 'ResourceNotFound' }]);
    expect((await thrown(target.inspect())).reason).toBe('no-consent');
  });

  it('is refused an account that was not given to it', async () => {
    const other = rotator.bind({
      target: account.id.replace('acct1', 'acct3'),
      options: {},
      secret: SECRET,
    });
    expect((await thrown(other.inspect())).reason).toBe('target-forbidden');
  });

  it.each([
    [{ 'longest-sas': '45' }, '"longest-sas"'],
    [{ kerb1: 'true' }, '"kerb1"'],
    [{ slot: 'kerb1' }, '"slot"'],
  ])(
    'ST-05: refuses the options %j, naming tag and key',
    async (options: Record<string, string>, named) => {
      const error = await thrown(
        (async () => rotator.bind({ target: account.id, options, secret: SECRET }))(),
      );
      expect(error.reason).toBe('bad-tags');
      expect(error.detail).toContain('rotator-options');
      expect(error.detail).toContain(named);
    },
  );

  it('ST-05: finds keys by name in a list of any order, without creation times, beside others', async () => {
    const list = (key1: string, key2: string) => ({
      status: 200,
      body: {
        keys: [
          { keyName: 'kerb1', value: 'a2VyYjE=', permissions: 'FULL' },
          { keyName: 'key2', value: key2, permissions: 'FULL' },
          { keyName: 'key1', value: key1, permissions: 'FULL' },
        ],
      },
    });
    tenant.azure.fault('arm.listKeys', [list('b25l', 'dHdv'), list('b25l', 'dGhyZWU=')]);
    tenant.azure.fault('arm.regenerateKey', [list('b25l', 'dGhyZWU=')]);
    const { handle, value } = await issue();
    expect([handle, value.reveal()]).toEqual(['key2', 'dGhyZWU=']);
  });

  it('ST-01: waits for an operation in progress', async () => {
    const busy = { status: 409, code: 'StorageAccountOperationInProgress' };
    tenant.azure.fault('arm.regenerateKey', [busy, busy]);
    const { value } = await issue();
    expect(value.reveal()).toBe(account.key('key2'));
    expect(regenerations()).toHaveLength(3);
    expect(tenant.clock.slept).toHaveLength(2);
  });

  it('ST-01: a lock ends the call at once and is named', async () => {
    account.lock();
    const { obstacles } = await target.inspect();
    expect(obstacles).toMatchObject([{ reason: 'scope-locked' }]);
    expect(obstacles[0]?.detail).toContain(account.id.toLowerCase());
    expect(tenant.azure.calls.filter(({ route }) => route === 'arm.listKeys')).toHaveLength(1);
    expect((await thrown(issue())).reason).toBe('scope-locked');
    expect(tenant.azure.changes()).toEqual([]);
  });

  it('SDK-01: takes the key of a regeneration that was applied and not answered', async () => {
    tenant.azure.fault('arm.regenerateKey', [{ commit: true, drop: true }]);
    const { value } = await issue();
    expect(value.reveal()).toBe(account.key('key2'));
    expect(regenerations()).toHaveLength(1);
  });

  it.each([[{ drop: true }], [{ status: 500 }], [{ status: 503 }], [{ status: 504 }]])(
    'SDK-01: says that the outcome is unknown when a slot has not changed after %j, and sends nothing again',
    async (step) => {
      const before = account.key('key2');
      tenant.azure.fault('arm.regenerateKey', [step]);
      expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
      expect(regenerations()).toHaveLength(1);
      expect(account.key('key2')).toBe(before);
    },
  );

  it('SDK-01: an unknown outcome stays unknown when the keys cannot be listed', async () => {
    tenant.azure.fault('arm.listKeys', [{}]);
    tenant.azure.outage('arm.listKeys', { status: 503 });
    tenant.azure.fault('arm.regenerateKey', [{ commit: true, drop: true }]);
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
  });

  it('SDK-01: a revocation with an unknown outcome is confirmed by the list', async () => {
    const old = new Secret(account.key('key1'));
    tenant.azure.fault('arm.regenerateKey', [{ commit: true, drop: true }]);
    await target.revoke('key1', old, stay);
    expect(account.key('key1')).not.toBe(old.reveal());
    expect(regenerations()).toHaveLength(1);
  });

  it('SDK-02: 429 on the list is waited for', async () => {
    tenant.azure.fault('arm.listKeys', [{ status: 429 }, { status: 429 }]);
    expect(await target.adopt(new Secret(account.key('key2')))).toBe('key2');
  });

  it('ST-04: shared keys switched off is an obstacle, and no key is asked for', async () => {
    account.allowSharedKeyAccess = false;
    const { obstacles } = await target.inspect();
    expect(obstacles).toMatchObject([{ reason: 'keys-off' }]);
    expect(tenant.azure.calls.filter(({ method }) => method === 'POST')).toEqual([]);
    expect(await target.check(new Secret(account.key('key1')))).toBe('unknown');
  });

  it('ST-04: the 403 of switched-off keys says nothing of the key', async () => {
    tenant.azure.fault('storage.blob', [
      { status: 403, code: 'KeyBasedAuthenticationNotPermitted' },
    ]);
    expect(await target.check(new Secret(account.key('key1')))).toBe('unknown');
  });

  it('ST-08: a 403 on a key in its slot is not yet, and for good only if this process issued it', async () => {
    const { value } = await issue();
    tenant.azure.outage('storage.blob', { status: 403 });
    expect(await target.check(value)).toBe('not-yet');
    tenant.clock.offsetMinutes = 3;
    expect(await target.check(value)).toBe('refused');
    const adopted = new Secret(account.key('key1'));
    expect(await target.check(adopted)).toBe('not-yet');
    tenant.clock.offsetMinutes = 30;
    expect(await target.check(adopted)).toBe('not-yet');
  });

  it('vouches for a key in its slot when the data plane is out of reach', async () => {
    tenant.azure.outage('storage.blob', { drop: true });
    expect(await target.check(new Secret(account.key('key1')))).toBe('vouched');
    tenant.azure.outage('storage.blob', { status: 403, code: 'AuthorizationFailure' });
    expect(await target.check(new Secret(account.key('key1')))).toBe('vouched');
  });

  it('takes a list that leaves a slot out for no answer about the value that may be in it', async () => {
    const keys = [{ keyName: 'key1', value: account.key('key1'), permissions: 'FULL' }];
    tenant.azure.fault('arm.listKeys', [{ status: 200, body: { keys } }]);
    expect(await target.check(new Secret(account.key('key2')))).toBe('unknown');
  });

  it('takes a data plane that is overloaded for not yet', async () => {
    tenant.azure.outage('storage.blob', { status: 503, code: 'ServerBusy' });
    expect(await target.check(new Secret(account.key('key1')))).toBe('not-yet');
  });

  it('ST-03: the grace must cover the longest SAS, declared or allowed', async () => {
    const declared = rotator.bind({
      target: account.id,
      options: { 'longest-sas': '45d' },
      secret: SECRET,
    });
    expect((await declared.inspect()).graceMin).toEqual({
      hours: 1080,
      because: 'longest-sas=45d',
    });
    account.sasExpirationPeriod = '50.00:30:00';
    expect((await declared.inspect()).graceMin).toMatchObject({ hours: 1201 });
    expect((await target.inspect()).graceMin?.because).toContain('50.00:30:00');
  });

  it('dials no host outside the storage suffix of the cloud, whatever ARM says', async () => {
    const endpoints = {
      blob: 'https://evil.example/',
      queue: `https://acct1.queue.${tenant.cloud.storageSuffix}/`,
    };
    const body = { id: account.id, name: 'acct1', properties: { primaryEndpoints: endpoints } };
    tenant.azure.fault('arm.storageAccount', [{ status: 200, body }]);
    expect((await target.inspect()).hosts).toEqual([`acct1.queue.${tenant.cloud.storageSuffix}`]);
    expect(await target.check(new Secret(account.key('key1')))).toBe('vouched');
  });

  it('writes nothing when the first read took too long for the lock', async () => {
    tenant.azure.fault('arm.listKeys', [{ delayMs: 50 }]);
    const pending = thrown(issue());
    await new Promise((resolve) => setTimeout(resolve, 20));
    tenant.clock.offsetMinutes = 1;
    expect(await pending).toBeInstanceOf(BusyError);
    expect(regenerations()).toEqual([]);
  });

  describe('the list of keys', () => {
    const lists = () => tenant.azure.calls.filter(({ route }) => route === 'arm.listKeys').length;
    const held = () => new Secret(account.key('key1'));
    const look = async (value: Secret) => {
      await target.inspect();
      return [await target.adopt(value), await target.check(value)];
    };

    it('is read once for a whole look', async () => {
      expect(await look(held())).toEqual(['key1', 'accepted']);
      expect(lists()).toBe(1);
    });

    it('is read anew for whoever asks again: a key that somebody has replaced meanwhile is not taken for live', async () => {
      const old = held();
      await look(old);
      account.regenerate('key1');
      expect([await target.adopt(old), await target.check(old)]).toEqual([undefined, 'refused']);
      expect(lists()).toBe(2);
      expect(await target.check(held())).toBe('accepted');
      expect(lists()).toBe(3);
    });

    it('is read right before a write and after it, whatever was read for the look', async () => {
      await target.inspect();
      const before = account.regenerate('key2');
      expect((await issue()).value.reveal()).not.toBe(before);
      expect(lists()).toBe(3);
      expect(await target.adopt(new Secret(before))).toBeUndefined();
      await target.inspect();
      const others = new Secret(account.key('key1'));
      account.regenerate('key1');
      const kept = account.key('key1');
      await target.revoke('key1', others, stay);
      expect(account.key('key1')).toBe(kept);
    });

    it('is not read out after some seconds, nor for a value that is read by itself', async () => {
      const old = held();
      await target.inspect();
      tenant.clock.offsetMinutes = 0.25;
      account.regenerate('key1');
      expect(await target.adopt(old)).toBeUndefined();
      await target.inspect();
      account.regenerate('key1');
      expect((await target.read?.('key1'))?.reveal()).toBe(account.key('key1'));
      expect(await target.check(held())).toBe('accepted');
    });
  });

  it('SEC-01: every path ever sent starts with a subscription and a group', () => {
    expect(paths.size).toBeGreaterThan(3);
    for (const path of paths)
      expect(path).toMatch(/^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\//i);
  });
});
