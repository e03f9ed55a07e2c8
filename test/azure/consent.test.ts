import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Arm, createArm } from '../../src/azure/arm.ts';
import { consentFrom, parseConsentMap } from '../../src/azure/consent.ts';
import { vaultTagsFrom } from '../../src/azure/vaultTags.ts';
import { grantFor } from '../../src/core/consent.ts';
import { BusyError } from '../../src/core/errors.ts';
import { startTenant, type Tenant } from './tenant.fixtures.ts';

let tenant: Tenant;
let arm: Arm;
let id: string;

beforeAll(async () => {
  tenant = await startTenant({
    vaults: [{ name: 'kv1', tags: { keyturn: 'blue', 'keyturn-policy': 'every=30d' } }, { name: 'kv2' }],
    accounts: [
      { name: 'acct1', consent: 'keyturn: kv1/st-a, kv2/*' },
      { name: 'acct2', consent: 'for the payroll app' },
    ],
  });
  arm = createArm(tenant);
  id = tenant.azure.account('acct1').id;
});
afterAll(() => tenant.azure.stop());
beforeEach(() => {
  tenant.azure.calls.length = 0;
});
afterEach(() => {
  expect(tenant.azure.unusedFaults()).toEqual({});
  tenant.azure.heal();
});

const groupOf = (text: string) => text.split('/').slice(0, 5).join('/');
const consent = (map = {}) => consentFrom({ map, arm, principalId: tenant.principalId });
const names = async (target: string, map = {}) =>
  (await consent(map).of(target)).map(({ vault, name }) => `${vault}/${name}`).sort();

describe('consent in role assignments', () => {
  it('is the description of the assignment at the target', async () => {
    expect(await names(id)).toEqual(['kv1/st-a', 'kv2/*']);
  });

  it('SEC-09: a description that is no entry grants nothing, and neither does a tag', async () => {
    expect(await names(tenant.azure.account('acct2').id)).toEqual([]);
  });

  it('may stand at the resource group, and counts no further up', async () => {
    const grant = { principalId: tenant.principalId, actions: ['*'], dataActions: [] };
    const group = { ...grant, scope: groupOf(id), description: 'keyturn: kv1/from-group' };
    const subscription = {
      ...grant,
      scope: id.split('/').slice(0, 3).join('/'),
      description: 'keyturn: kv1/from-above',
    };
    const granted = [tenant.azure.grant(group), tenant.azure.grant(subscription)];
    expect(await names(id)).toEqual(['kv1/from-group', 'kv1/st-a', 'kv2/*']);
    for (const one of granted) tenant.azure.revokeGrant(one);
  });

  it("SEC-09: is not what stands at somebody else's assignment", async () => {
    const stranger = 'aaaaaaaa-0000-4000-8000-000000000000';
    const granted = tenant.azure.grant({
      principalId: stranger,
      scope: id,
      actions: [],
      dataActions: [],
      description: 'keyturn: kv1/stolen',
    });
    expect(await names(id)).not.toContain('kv1/stolen');
    tenant.azure.revokeGrant(granted);
  });

  it('SEC-09: is counted by what the answer says, not by what was asked for', async () => {
    const assignment = (principalId: string, scope: string, description: string) => ({
      properties: { principalId, scope, description },
    });
    const own = tenant.principalId.toUpperCase();
    const value = [
      assignment('aaaaaaaa-0000-4000-8000-000000000000', id, 'keyturn: kv1/other-principal'),
      assignment(own, `${id}/blobServices/default`, 'keyturn: kv1/below'),
      assignment(own, `${id}2`, 'keyturn: kv1/neighbour'),
      assignment(own, id.toUpperCase(), 'keyturn: kv1/right'),
      assignment(own, '/', 'keyturn: kv1/root'),
    ];
    tenant.azure.fault('arm.roleAssignments', [{ status: 200, body: { value } }]);
    expect(await names(id)).toEqual(['kv1/right']);
  });

  it('is read anew each time', async () => {
    tenant.azure.setDescription({ scope: id }, 'nothing any more');
    expect(await names(id)).toEqual([]);
    tenant.azure.setDescription({ scope: id }, 'keyturn: kv1/st-a, kv2/*');
    expect(await names(id)).toEqual(['kv1/st-a', 'kv2/*']);
  });

  it.each([[403], [404]])('SEC-09: %i means no grants', async (status) => {
    tenant.azure.fault('arm.roleAssignments', [{ status }]);
    expect(await names(id)).toEqual([]);
  });

  it('SEC-09: an account that does not exist reads like one that was not given', async () => {
    expect(await names(id.replace('acct1', 'nosuch'))).toEqual([]);
  });

  it('throws busy, and not "no grants", when ARM does not answer', async () => {
    tenant.azure.outage('arm.roleAssignments', { status: 503 });
    await expect(names(id)).rejects.toBeInstanceOf(BusyError);
  });

  it('follows further pages by their token alone', async () => {
    const page = (name: string, nextLink?: string) => ({
      status: 200,
      body: {
        value: [{ properties: { principalId: tenant.principalId, scope: id, description: `keyturn: kv1/${name}` } }],
        nextLink,
      },
    });
    tenant.azure.fault('arm.roleAssignments', [page('a', 'https://evil.example/x?$skipToken=t1'), page('b')]);
    expect(await names(id)).toEqual(['kv1/a', 'kv1/b']);
  });

  it('sends nothing for a target that is no path', async () => {
    await expect(arm.get(`${id}/../acct2`, {}, 'x')).rejects.toThrow('Not a path');
    await expect(arm.get('@evil.example/', {}, 'x')).rejects.toThrow('Not a path');
    await expect(arm.get(`${id}/%2e%2e/x`, {}, 'x')).rejects.toThrow('Not a path');
    expect(tenant.azure.calls).toEqual([]);
  });
});

describe('consent in the settings', () => {
  it('adds to what the owner granted, whatever the casing of the id', async () => {
    const grants = await consent({ [id.toUpperCase()]: 'kv1/st-z(app_a,app_b)' }).of(id);
    expect(grantFor(grants, { vault: 'kv1', name: 'st-z' })?.logins).toEqual(['app_a', 'app_b']);
    expect(grants).toHaveLength(3);
  });

  it('names a key that is no resource id', () => {
    expect(() => parseConsentMap({ 'https://evil.example/': 'kv1/a' })).toThrow(/KEYTURN_CONSENT/);
    expect(() => parseConsentMap({ [`${id}/../acct2`]: 'kv1/a' })).toThrow(/KEYTURN_CONSENT/);
  });

  it('takes the appId of an app registration for a key', () => {
    const map = parseConsentMap({ '0B1F6471-1BF0-4DDA-AEC3-CB9272F09590': 'keyturn: kv1/gr-a' });
    expect([...map.keys()]).toEqual(['0b1f6471-1bf0-4dda-aec3-cb9272f09590']);
  });
});

describe('tags of vaults', () => {
  const tags = () => vaultTagsFrom({ vaultIds: [tenant.azure.vault('kv1').id], arm, clock: tenant.clock });

  it('are read once in five minutes', async () => {
    const read = tags();
    expect(await read('KV1')).toEqual({ keyturn: 'blue', 'keyturn-policy': 'every=30d' });
    await read('kv1');
    expect(tenant.azure.calls).toHaveLength(1);
    tenant.clock.offsetMinutes = 6;
    await read('kv1');
    expect(tenant.azure.calls).toHaveLength(2);
    tenant.clock.offsetMinutes = 0;
  });

  it('refuse a vault that is not on the list', async () => {
    await expect(tags()('kv2')).rejects.toMatchObject({ reason: 'not-allowed' });
  });

  it('are not taken for empty when they may not be read', async () => {
    tenant.azure.fault('arm.vault', [{ status: 403 }]);
    await expect(tags()('kv1')).rejects.toMatchObject({ reason: 'vault-forbidden' });
  });

  it('SDK-02: are asked for again after 429', async () => {
    tenant.azure.fault('arm.vault', [{ status: 429 }, { drop: true }]);
    expect(await tags()('kv1')).toMatchObject({ keyturn: 'blue' });
  });
});
