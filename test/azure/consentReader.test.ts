import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Arm, createArm } from '../../src/azure/arm.ts';
import { consentFrom, parseConsentMap } from '../../src/azure/consentReader.ts';
import { createGraph } from '../../src/azure/graph.ts';
import { vaultTagsFrom } from '../../src/azure/vaultTags.ts';
import { BusyError } from '../../src/core/errors.ts';
import { parseResourceId } from '../../src/core/ids.ts';
import { startTenant, type Tenant } from './tenant.fixtures.ts';

let tenant: Tenant;
let arm: Arm;
let id: string;

beforeAll(async () => {
  tenant = await startTenant({
    vaults: [
      { name: 'kv1', tags: { keyturn: 'blue', 'keyturn-policy': 'every=30d' } },
      { name: 'kv2' },
    ],
    accounts: [
      { name: 'acct1', consent: 'keyturn storage-account-key: kv1/st-a, kv2/*' },
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
const consent = (map = {}) =>
  consentFrom({
    map,
    arm,
    graph: createGraph(tenant),
    principalId: tenant.principalId,
    clock: tenant.clock,
  });
const names = async (target: string, map = {}) =>
  (await consent(map).of(target)).map(({ vault, name }) => `${vault}/${name}`).sort();

describe('consent in role assignments', () => {
  it('is the description of the assignment at the target', async () => {
    expect(await names(id)).toEqual(['kv1/st-a', 'kv2/*']);
  });

  it('SEC-09: a description that is no entry grants nothing, and neither does a tag', async () => {
    expect(await names(tenant.azure.account('acct2').id)).toEqual([]);
  });

  describe('read for a secret that it does not name', () => {
    const refused = { vault: 'kv1', name: 'st-x' };
    const reads = () =>
      tenant.azure.calls.filter(({ route }) => route === 'arm.roleAssignments').length;
    const names = (grants: readonly { readonly name: string }[]) => grants.map(({ name }) => name);
    afterEach(() => {
      tenant.clock.offsetMinutes = 0;
    });

    it('is read once for all of them within minutes', async () => {
      const read = consent();
      for (let at = 0; at < 50; at++)
        expect(names(await read.of(id, { ...refused, name: `st-x${at}` }))).not.toContain('st-x');
      expect(reads()).toBe(1);
      tenant.clock.offsetMinutes = 4;
      await read.of(id, refused);
      expect(reads()).toBe(2);
    });

    it('SEC-09: gives no yes that was read before: a grant that was taken away is seen by the next pass', async () => {
      const target = tenant.azure.account('acct2').id;
      const grant = {
        principalId: tenant.principalId,
        actions: [],
        dataActions: [],
        scope: target,
      };
      const granted = tenant.azure.grant({
        ...grant,
        description: 'keyturn storage-account-key: kv1/st-x',
      });
      const read = consent();
      expect(names(await read.of(target, refused))).toEqual(['st-x']);
      tenant.azure.revokeGrant(granted);
      expect(await read.of(target, refused)).toEqual([]);
    });

    it('SEC-09: is read anew for a person who asks, and before a revocation', async () => {
      const target = tenant.azure.account('acct2').id;
      const read = consent();
      expect(await read.of(target, refused)).toEqual([]);
      const grant = {
        principalId: tenant.principalId,
        actions: [],
        dataActions: [],
        scope: target,
      };
      const granted = tenant.azure.grant({
        ...grant,
        description: 'keyturn storage-account-key: kv1/st-x',
      });
      expect(await read.of(target, refused)).toEqual([]);
      expect(names(await read.of(target))).toEqual(['st-x']);
      expect(names(await read.of(target, refused))).toEqual(['st-x']);
      tenant.azure.revokeGrant(granted);
    });

    it('of one target says nothing of another, however many there are', async () => {
      const read = consent({ [id]: 'storage-account-key: kv1/*' });
      const target = tenant.azure.account('acct2').id;
      for (let at = 0; at < 1_100; at++)
        await read.of(target.replace(/acct2$/, `none${at}`), refused);
      expect(names(await read.of(id, refused))).toContain('*');
      const before = reads();
      await read.of(target.replace(/acct2$/, 'none1099'), refused);
      expect(reads()).toBe(before);
      await read.of(target.replace(/acct2$/, 'none0'), refused); // the oldest were let go
      expect(reads()).toBe(before + 1);
    });
  });

  it('may stand at the resource group, and counts no further up', async () => {
    const grant = { principalId: tenant.principalId, actions: ['*'], dataActions: [] };
    const group = {
      ...grant,
      scope: groupOf(id),
      description: 'keyturn storage-account-key: kv1/from-group',
    };
    const subscription = {
      ...grant,
      scope: id.split('/').slice(0, 3).join('/'),
      description: 'keyturn storage-account-key: kv1/from-above',
    };
    const granted = [tenant.azure.grant(group), tenant.azure.grant(subscription)];
    expect(await names(id)).toEqual(['kv1/from-group', 'kv1/st-a', 'kv2/*']);
    for (const one of granted) tenant.azure.revokeGrant(one);
  });

  it('of a rule may stand at its namespace, too, and neither below the rule nor beside it', async () => {
    const space = `${groupOf(id)}/providers/Microsoft.ServiceBus/namespaces/ns1`;
    const rule = `${space}/queues/q1/authorizationRules/send`;
    const assignment = (scope: string, name: string) => ({
      properties: {
        principalId: tenant.principalId,
        scope,
        description: `keyturn storage-account-key: kv1/${name}`,
      },
    });
    const value = [
      assignment(rule, 'at-rule'),
      assignment(`${space}/queues/q1`, 'at-queue'),
      assignment(space.toUpperCase(), 'at-namespace'),
      assignment(groupOf(id), 'at-group'),
      assignment(id.split('/').slice(0, 3).join('/'), 'at-subscription'),
      assignment(`${space}/queues/q2`, 'at-neighbour'),
      assignment(`${space}/queues`, 'at-nothing'),
      assignment(`${rule}/x/y`, 'below'),
      assignment(`${groupOf(id)}/providers/Microsoft.ServiceBus`, 'at-provider'),
    ];
    tenant.azure.fault('arm.roleAssignments', [{ status: 200, body: { value } }]);
    expect(await names(rule.toLowerCase())).toEqual([
      'kv1/at-group',
      'kv1/at-namespace',
      'kv1/at-queue',
      'kv1/at-rule',
    ]);
  });

  it("SEC-09: is not what stands at somebody else's assignment", async () => {
    const stranger = 'aaaaaaaa-0000-4000-8000-000000000000';
    const granted = tenant.azure.grant({
      principalId: stranger,
      scope: id,
      actions: [],
      dataActions: [],
      description: 'keyturn storage-account-key: kv1/stolen',
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
      assignment(
        'aaaaaaaa-0000-4000-8000-000000000000',
        id,
        'keyturn storage-account-key: kv1/other-principal',
      ),
      assignment(own, `${id}/blobServices/default`, 'keyturn storage-account-key: kv1/below'),
      assignment(own, `${id}2`, 'keyturn storage-account-key: kv1/neighbour'),
      assignment(own, id.toUpperCase(), 'keyturn storage-account-key: kv1/right'),
      assignment(own, '/', 'keyturn storage-account-key: kv1/root'),
    ];
    tenant.azure.fault('arm.roleAssignments', [{ status: 200, body: { value } }]);
    expect(await names(id)).toEqual(['kv1/right']);
  });

  it('of others, whatever is wrong with them, spoils none', async () => {
    const good = {
      principalId: tenant.principalId,
      scope: id,
      description: 'keyturn storage-account-key: kv1/right',
    };
    const value = [
      ...[null, 'x', {}, { properties: null }, { properties: { ...good, description: 7 } }],
      {
        properties: {
          ...good,
          description: `keyturn storage-account-key: ${'kv1/long, '.repeat(10_000)}`,
        },
      },
      { properties: good },
    ];
    tenant.azure.fault('arm.roleAssignments', [{ status: 200, body: { value } }]);
    expect(await names(id)).toEqual(['kv1/right']);
  });

  it('is read anew each time', async () => {
    tenant.azure.setDescription({ scope: id }, 'nothing any more');
    expect(await names(id)).toEqual([]);
    tenant.azure.setDescription({ scope: id }, 'keyturn storage-account-key: kv1/st-a, kv2/*');
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
        value: [
          {
            properties: {
              principalId: tenant.principalId,
              scope: id,
              description: `keyturn storage-account-key: kv1/${name}`,
            },
          },
        ],
        nextLink,
      },
    });
    tenant.azure.fault('arm.roleAssignments', [
      page('a', 'https://evil.example/x?$skipToken=t1'),
      page('b'),
    ]);
    expect(await names(id)).toEqual(['kv1/a', 'kv1/b']);
  });

  it('sends nothing for a target that is no path', async () => {
    await expect(arm.get(`${id}/../acct2`, {}, 'x')).rejects.toThrow('Not a path');
    await expect(arm.get('@evil.example/', {}, 'x')).rejects.toThrow('Not a path');
    await expect(arm.get(`${id}/%2e%2e/x`, {}, 'x')).rejects.toThrow('Not a path');
    expect(tenant.azure.calls).toEqual([]);
  });
});

describe('consent in the tags of an application', () => {
  it('is every tag that is an entry, read anew each time', async () => {
    const app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
    app.tags.push(
      'HideApp',
      'keyturn app-registration: kv2/*, not an entry',
      'x keyturn app-registration: kv1/no',
    );
    expect(await names(app.appId.toUpperCase())).toEqual(['kv1/gr-a', 'kv2/*']);
    app.tags = [];
    expect(await names(app.appId)).toEqual([]);
    expect(await names(app.appId, { [app.appId]: 'app-registration: kv1/from-map' })).toEqual([
      'kv1/from-map',
    ]);
  });

  it.each([[403], [404]])(
    'SEC-09: %i means no grants, like an application that does not exist',
    async (status) => {
      const app = tenant.azure.ownedApplication('hidden', 'kv1/gr-a');
      tenant.azure.fault('graph.application', [{ status }]);
      expect(await names(app.appId)).toEqual([]);
      expect(await names('0b1f6471-1bf0-4dda-aec3-cb9272f09590')).toEqual([]);
    },
  );

  it('throws busy, and not "no grants", when Graph does not answer', async () => {
    const app = tenant.azure.ownedApplication('silent', 'kv1/gr-a');
    tenant.azure.outage('graph.application', { status: 503 });
    await expect(names(app.appId)).rejects.toBeInstanceOf(BusyError);
  });
});

describe('consent in the settings', () => {
  it('adds to what the owner granted, whatever the casing of the id', async () => {
    const grants = await consent({ [id.toUpperCase()]: 'sql-login: kv1/st-z(app_a,app_b)' }).of(id);
    expect(grants).toContainEqual({
      kind: 'sql-login',
      vault: 'kv1',
      name: 'st-z',
      parts: ['app_a', 'app_b'],
    });
    expect(grants).toHaveLength(3);
  });

  it('ATK-02: counts from above for what stands below the resource, as a description there does', async () => {
    const space = `${groupOf(id)}/providers/Microsoft.ServiceBus/namespaces/ns1`;
    const rule = `${space}/authorizationRules/send`.toLowerCase();
    const read = consent({
      [space]: 'service-bus-key: kv1/above',
      [rule]: 'service-bus-key: kv1/here',
    });
    tenant.azure.fault('arm.roleAssignments', [{ status: 200, body: { value: [] } }]);
    expect(await read.of(rule)).toEqual([
      { kind: 'service-bus-key', vault: 'kv1', name: 'here', parts: [] },
      { kind: 'service-bus-key', vault: 'kv1', name: 'above', parts: [], wide: true },
    ]);
  });

  it('adds up where two spellings of one id are keys', () => {
    const map = parseConsentMap({
      [id]: 'redis-key: kv1/a',
      [id.toUpperCase()]: 'redis-key: kv1/b',
    });
    expect(map.get(id.toLowerCase())?.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('names a key that is no resource id', () => {
    expect(() => parseConsentMap({ 'https://evil.example/': 'kv1/a' })).toThrow(/KEYTURN_CONSENT/);
    expect(() => parseConsentMap({ [`${id}/../acct2`]: 'kv1/a' })).toThrow(/KEYTURN_CONSENT/);
  });

  it('takes the id of a resource below another for a key, and none with a hole in it', () => {
    const rule = `${groupOf(id)}/providers/Microsoft.ServiceBus/namespaces/NS1/authorizationRules/Send`;
    expect([...parseConsentMap({ [rule]: 'kv1/a' }).keys()]).toEqual([rule.toLowerCase()]);
    for (const wrong of [
      `${rule}/`,
      `${rule}/x`,
      rule.replace('/NS1', ''),
      rule.replace('NS1', '..'),
      rule.replace('authorizationRules', '..'),
      rule.replace('Microsoft.ServiceBus', '..'),
    ]) {
      expect(() => parseConsentMap({ [wrong]: 'kv1/a' })).toThrow(/KEYTURN_CONSENT/);
    }
  });

  it('takes the appId of an app registration for a key', () => {
    const map = parseConsentMap({
      '0B1F6471-1BF0-4DDA-AEC3-CB9272F09590': 'keyturn app-registration: kv1/gr-a',
    });
    expect([...map.keys()]).toEqual(['0b1f6471-1bf0-4dda-aec3-cb9272f09590']);
  });
});

describe('tags of vaults', () => {
  const tags = (discovered = false) => {
    const id = parseResourceId(tenant.azure.vault('kv1').id, 'Microsoft.KeyVault/vaults', 'id');
    const served = { find: (name: string) => (name === id.name ? { id, discovered } : undefined) };
    return vaultTagsFrom({ served, arm, clock: tenant.clock });
  };

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

  it('end the service of a discovered vault when the one that it was found by is gone', async () => {
    const { tags: given } = tenant.azure.vault('kv1');
    expect(await tags(true)('kv1')).toMatchObject({ keyturn: 'blue' });
    tenant.azure.vault('kv1').tags = { 'keyturn-policy': 'every=30d' };
    await expect(tags(true)('kv1')).rejects.toMatchObject({ reason: 'not-allowed' });
    expect(await tags()('kv1')).toEqual({ 'keyturn-policy': 'every=30d' });
    tenant.azure.vault('kv1').tags = given;
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
