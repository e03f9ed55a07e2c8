import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { vaultUrl } from '../../src/azure/cloud.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../../src/core/errors.ts';
import { parseResourceId } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import type { NewVersion, Vault, Version } from '../../src/ports/vault.ts';
import { keyVaults } from '../../src/vault/keyVault.ts';
import { ServedVaults } from '../../src/vault/served.ts';
import { startTenant, type Tenant } from '../azure/tenant.fixtures.ts';

const expiresOn = new Date('2027-03-01T00:00:00Z');
const next: NewVersion = { value: new Secret('second-value'), tags: { owner: 'x' }, expiresOn };
const vaultsOf = ({ azure, cloud, credential, clock }: Tenant) =>
  keyVaults({
    served: new ServedVaults(
      [parseResourceId(azure.vault('kv1').id, 'Microsoft.KeyVault/vaults', 'id')],
      undefined,
      clock,
    ),
    urlOf: (name) => vaultUrl(cloud, name),
    ...{ credential, clock },
  });
const thrown = (promise: Promise<unknown>): Promise<KeyturnError> =>
  promise.then(
    () => {
      throw new Error('It went well.');
    },
    (error: KeyturnError) => error,
  );

describe('a vault over Key Vault', () => {
  let tenant: Tenant;
  let vault: Vault;
  let count = 0;
  let name: string;
  let first: string;

  beforeAll(async () => {
    tenant = await startTenant({ vaults: [{ name: 'kv1', emptyPages: 2 }], accounts: [] });
  });
  afterAll(() => tenant.azure.stop());
  beforeEach(() => {
    const found = vaultsOf(tenant).open('KV1');
    if (!found) throw new Error('kv1 is not on the list');
    vault = found;
    name = `secret-${++count}`;
    const options = {
      tags: { rotator: 'storage-account-key' },
      contentType: 'text/plain',
      expiresOn,
    };
    first = tenant.azure.vault('kv1').set(name, 'first-value', options).id;
    tenant.azure.calls.length = 0;
    tenant.clock.slept.length = 0;
  });
  afterEach(() => {
    expect(tenant.azure.unusedFaults()).toEqual({});
    tenant.azure.heal();
  });
  const current = async (): Promise<Version> => {
    const version = await vault.current(name);
    if (typeof version === 'string') throw new Error(version);
    return version;
  };
  const writes = () => tenant.azure.writes().filter(({ route }) => !route.endsWith('challenge'));

  it('opens no vault that is not on the list', () => {
    expect(vaultsOf(tenant).open('kv9')).toBeUndefined();
    expect(vaultsOf(tenant).names).toEqual(['kv1']);
  });

  it('reads the current version with its value, tags, content type and dates', async () => {
    const version = await current();
    expect(version.value.reveal()).toBe('first-value');
    expect(version).toMatchObject({
      id: first,
      enabled: true,
      managed: false,
      contentType: 'text/plain',
      tags: { rotator: 'storage-account-key' },
      expiresOn,
    });
  });

  it('tells gone from disabled', async () => {
    tenant.azure.vault('kv1').update(name, first, { enabled: false });
    expect(await vault.current(name)).toBe('disabled');
    expect(await vault.version(name, first)).toBeUndefined();
    expect(await vault.current('no-such')).toBe('gone');
    expect(await vault.versions('no-such')).toEqual([]);
  });

  it('stores value, tags, content type and expiry in one PUT', async () => {
    await current();
    const id = await vault.store(name, { ...next, contentType: 'text/x' });
    expect(writes().map(({ method }) => method)).toEqual(['PUT']);
    expect(await current()).toMatchObject({
      id,
      contentType: 'text/x',
      tags: { owner: 'x' },
      expiresOn,
    });
    expect((await vault.versions(name)).map((version) => version.id).sort()).toEqual(
      [first, id].sort(),
    );
  });

  it('changes the tags of the version that it names, and nothing else of it', async () => {
    const id = await vault.store(name, next);
    await vault.retag(name, first, { a: 'b' }, false);
    const old = (await vault.versions(name)).find((version) => version.id === first);
    expect(old).toMatchObject({
      enabled: false,
      tags: { a: 'b' },
      contentType: 'text/plain',
      expiresOn,
    });
    expect((await current()).id).toBe(id);
  });

  it('refuses a version that is none, which would mean the latest', async () => {
    expect((await thrown(vault.retag(name, '', {}))).reason).toBe('gone');
    expect(writes()).toEqual([]);
  });

  it('follows the list through empty pages, without values', async () => {
    for (let index = 0; index < 40; index += 1) tenant.azure.vault('kv1').set(`many-${index}`, 'v');
    const pages = [];
    for await (const page of vault.list()) pages.push(page);
    const names = pages.flat().map((item) => item.name);
    expect(names.filter((item) => item.startsWith('many-'))).toHaveLength(40);
    expect(pages.some((page) => page.length === 0)).toBe(true);
    expect(JSON.stringify(pages)).not.toContain('value');
  });

  it('sends no write as the first request of a client', async () => {
    await vault.store(name, next);
    const first = tenant.azure.calls[0];
    expect([first?.method, first?.route]).toEqual(['GET', 'keyvault.challenge']);
    expect(writes()).toHaveLength(1);
  });

  it.each([
    ['a broken connection', { drop: true }],
    ['500', { status: 500 }],
    ['502', { status: 502 }],
    ['504', { status: 504 }],
    ['408', { status: 408 }],
  ])(
    'SDK-01: sends a PUT once when it meets %s, and says that the outcome is unknown',
    async (_, step) => {
      tenant.azure.fault('keyvault.set', [step]);
      expect(await thrown(vault.store(name, next))).toBeInstanceOf(UnknownOutcomeError);
      expect(writes()).toHaveLength(1);
    },
  );

  it('SDK-01: a PUT that was applied and not answered is sent once', async () => {
    tenant.azure.fault('keyvault.set', [{ commit: true, drop: true }]);
    expect(await thrown(vault.store(name, next))).toBeInstanceOf(UnknownOutcomeError);
    expect((await current()).value.equals(next.value)).toBe(true);
    expect(await vault.versions(name)).toHaveLength(2);
  });

  it('SDK-01: a PATCH that was applied and not answered is sent once', async () => {
    tenant.azure.fault('keyvault.update', [{ commit: true, drop: true }]);
    expect(await thrown(vault.retag(name, first, { a: 'b' }))).toBeInstanceOf(UnknownOutcomeError);
    expect((await current()).tags).toEqual({ a: 'b' });
    expect(writes()).toHaveLength(1);
  });

  it('SDK-02: two 429 without Retry-After hold up a read and no more', async () => {
    tenant.azure.fault('keyvault.get', [{ status: 429 }, { status: 429 }]);
    expect((await current()).id).toBe(first);
    expect(tenant.clock.slept).toHaveLength(2);
    expect(tenant.clock.slept[1]).toBeGreaterThanOrEqual(1);
  });

  it('SDK-02: a Retry-After is obeyed, and one of 400 s ends the read', async () => {
    tenant.azure.fault('keyvault.get', [{ status: 429, headers: { 'retry-after': '7' } }]);
    await current();
    expect(tenant.clock.slept).toEqual([7]);
    tenant.azure.fault('keyvault.get', [{ status: 429, headers: { 'retry-after': '400' } }]);
    const error = await thrown(current());
    expect(error).toBeInstanceOf(BusyError);
    expect(error.facts).toMatchObject({ status: 429, retryAfterSeconds: 400 });
  });

  it('reads on after a broken connection and a 503', async () => {
    tenant.azure.fault('keyvault.get', [{ drop: true }, { status: 503 }]);
    expect((await current()).id).toBe(first);
  });

  it('reads on in the middle of a list', async () => {
    for (let index = 0; index < 30; index += 1) tenant.azure.vault('kv1').set(`page-${index}`, 'v');
    tenant.azure.fault('keyvault.list', [{}, { status: 429 }, { drop: true }]);
    const found = [];
    for await (const page of vault.list()) found.push(...page);
    expect(found.filter((item) => item.name.startsWith('page-'))).toHaveLength(30);
  });

  it('gives up a read after five tries', async () => {
    tenant.azure.outage('keyvault.get', { status: 503 });
    expect(await thrown(vault.current(name))).toBeInstanceOf(BusyError);
    expect(tenant.azure.calls.filter(({ status }) => status === 503)).toHaveLength(5);
  });

  it('says of a 429 on a write that nothing was changed', async () => {
    await current();
    tenant.azure.fault('keyvault.set', [{ status: 429 }]);
    expect(await thrown(vault.store(name, next))).toBeInstanceOf(BusyError);
    expect(writes()).toHaveLength(1);
  });

  it('KV-03: a write to a name in soft delete names it and both remedies, and is not repeated', async () => {
    await current();
    tenant.azure.fault('keyvault.set', [{ status: 409, inner: 'ObjectIsDeletedButRecoverable' }]);
    const error = await thrown(vault.store(name, next));
    expect(error.reason).toBe('name-deleted');
    expect(error).not.toBeInstanceOf(BusyError);
    expect(error.detail).toContain(name);
    expect(error.detail).toMatch(/recover.*purge/);
    expect(writes()).toHaveLength(1);
  });

  it('KV-03: a write to a name that is being deleted may be tried again', async () => {
    tenant.azure.fault('keyvault.update', [{ status: 409, inner: 'ObjectIsBeingDeleted' }]);
    expect(await thrown(vault.retag(name, first, {}))).toBeInstanceOf(BusyError);
  });

  it.each([
    [403, 'ForbiddenByRbac', 'vault-forbidden'],
    [403, 'AccessDenied', 'vault-forbidden'],
    [403, 'ForbiddenByFirewall', 'vault-firewall'],
    [403, 'ForbiddenByConnection', 'vault-firewall'],
    [403, 'ForbiddenByPolicy', 'vault-policy'],
    [403, 'SecretManagedByKeyVault', 'managed'],
    [400, '', 'store-refused'],
    [503, '', 'store-refused'],
    [404, '', 'gone'],
  ])('%i %s on the store is a certain no: %s', async (status, inner, reason) => {
    await current();
    tenant.azure.fault('keyvault.set', [{ status, ...(inner === '' ? {} : { inner }) }]);
    const error = await thrown(vault.store(name, next));
    expect(error.reason).toBe(reason);
    expect(error).toBeInstanceOf(KeyturnError);
    expect(error).not.toBeInstanceOf(UnknownOutcomeError);
    expect(error).not.toBeInstanceOf(BusyError);
    expect(error.facts.status).toBe(status);
  });

  it('KV-05: a vault that takes no tags is busy, not refusing a version', async () => {
    tenant.azure.fault('keyvault.update', [{ status: 503 }]);
    expect(await thrown(vault.retag(name, first, {}))).toMatchObject({ reason: 'vault-busy' });
  });

  it.each([
    ['ForbiddenByRbac', 'vault-forbidden'],
    ['ForbiddenByFirewall', 'vault-firewall'],
  ])('%s on a read is %s', async (inner, reason) => {
    tenant.azure.fault('keyvault.get', [{ status: 403, inner }]);
    expect((await thrown(vault.current(name))).reason).toBe(reason);
  });

  it('sends no expiry past 2038, which the SDK would turn negative', async () => {
    await current();
    await thrown(vault.store(name, { ...next, expiresOn: new Date('2039-01-01T00:00:00Z') }));
    expect(writes()).toEqual([]);
  });

  it('FN-05: what the vault throws back appears in no error', async () => {
    await current();
    tenant.azure.echo('keyvault.set');
    const error = await thrown(vault.store(name, next));
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(
      'second-value',
    );
    expect(error.cause).toBeUndefined();
  });
});
