/** Every row of the two-key table against a stand-in that knows Azure's type definitions and nothing of the table. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { KeyedResource } from '../../local/azure/keyedResource.ts';
import { BusyError, type KeyturnError, UnknownOutcomeError } from '../../src/core/errors.ts';
import { pairOf } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { twoKey } from '../../src/rotators/twoKey.ts';
import { type TwoKeyRow, twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { armKeys } from '../../src/targets/armKeys.ts';
import { startTenant, type Tenant } from '../azure/tenant.fixtures.ts';
import { ROTATION, rotatorContract, SECRET, UNTIL } from './rotator.contract.ts';
import { HOST, resourceFor } from './twoKey.fixtures.ts';

let tenant: Tenant;
const stay = async () => true;

beforeAll(async () => {
  const each = twoKeyTable.flatMap((row) => [
    ...row.armTypes.map((type, at) => resourceFor(row, type, `${row.type}-${at}`)),
    ...(row.off ? [resourceFor(row, row.armTypes[0] ?? '', `${row.type}-off`, 'off')] : []),
  ]);
  tenant = await startTenant({ vaults: [{ name: 'kv1' }], accounts: [], keyed: each });
});
afterAll(async () => {
  expect(tenant.azure.problems).toEqual([]);
  await tenant.azure.stop();
});
beforeEach(() => {
  tenant.azure.calls.length = 0;
  tenant.clock.offsetMinutes = 0;
});
afterEach(() => {
  expect(tenant.azure.unusedFaults()).toEqual({});
  tenant.azure.heal();
});

const thrown = (promise: Promise<unknown>): Promise<KeyturnError> =>
  promise.then(
    () => {
      throw new Error('It went well.');
    },
    (error: KeyturnError) => error,
  );
const rotatorOf = (row: TwoKeyRow) => twoKey(row, { keys: armKeys(tenant), clock: tenant.clock });
const resourceOf = (row: TwoKeyRow, at: number | 'off' = 0): KeyedResource => {
  const { type, name } = resourceFor(
    row,
    row.armTypes[at === 'off' ? 0 : at] ?? '',
    `${row.type}-${at}`,
  );
  return tenant.azure.keyed(type, name);
};
const bind = (row: TwoKeyRow, at: number | 'off' = 0, options = {}) =>
  rotatorOf(row).bind({ target: resourceOf(row, at).id, options, secret: SECRET });
const rowOf = (type: string): TwoKeyRow => {
  const row = twoKeyTable.find((each) => each.type === type);
  if (!row) throw new Error(`No row ${type}.`);
  return row;
};
/** A slot's key as the secret holds it, read from the stand-in and not through the product. */
const held = (row: TwoKeyRow, resource: KeyedResource, slot: string): Secret =>
  new Secret(
    row.pair ? pairOf(row.pair, resource.idOf(slot), resource.key(slot)) : resource.key(slot),
  );
const memberOf = (row: TwoKeyRow, handle: string) =>
  (row.list.array === undefined ? handle : row.slots[handle]) ?? '';
const accepts = (row: TwoKeyRow, resource: KeyedResource, value: Secret) =>
  Object.keys(row.slots).some((slot) => held(row, resource, memberOf(row, slot)).equals(value));
/** The slot that people use, and the idle one. */
const slotsIn = (row: TwoKeyRow) => {
  const [idle = '', used = ''] = Object.keys(row.slots);
  return { idle, used };
};
const regenerations = () =>
  tenant.azure.calls.filter(({ route }) => route === 'arm.regenerateResourceKey');

describe.each(twoKeyTable.map((row) => [row.type, row] as const))('%s', (type, row) => {
  rotatorContract(type, async () => {
    const resource = resourceOf(row);
    const { used } = slotsIn(row);
    return {
      rotator: rotatorOf(row),
      bind: () => bind(row),
      first: { value: held(row, resource, memberOf(row, used)) },
      stranger: { value: new Secret('bm90IGEga2V5IG9mIHRoaXMgcmVzb3VyY2U=') },
      stay,
      changes: () => tenant.azure.changes().length,
      accepts: async ({ value }) => accepts(row, resource, value),
      vouched: true,
    };
  });

  it('takes the slot that people use last for a first credential, and spells it as the service does', async () => {
    const { handles } = await bind(row).inspect();
    expect(handles).toEqual(Object.keys(row.slots));
    expect((await bind(row).issue(ROTATION, [], UNTIL, stay)).handle).toBe(slotsIn(row).idle);
  });

  it.each(row.armTypes.map((armType, at) => [armType, at] as const))(
    'rotates at %s',
    async (_, at) => {
      const resource = resourceOf(row, at);
      const { idle, used } = slotsIn(row);
      const before = held(row, resource, memberOf(row, used));
      const { handle, value } = await bind(row, at).issue(ROTATION, [used], UNTIL, stay);
      expect(handle).toBe(idle);
      expect(value.equals(held(row, resource, memberOf(row, idle)))).toBe(true);
      expect(held(row, resource, memberOf(row, used)).equals(before)).toBe(true);
    },
  );

  it('uses the actions that it lists, and every one of them', async () => {
    for (const at of row.armTypes.keys()) {
      const target = bind(row, at);
      await target.inspect();
      for (const slot of Object.keys(row.slots)) await target.issue(ROTATION, [slot], UNTIL, stay);
    }
    const lower = (names: readonly string[]) =>
      [...new Set(names.map((name) => name.toLowerCase()))].sort();
    const calls = tenant.azure.calls.filter(({ route }) => /^arm\.(?!keyOperation)/.test(route));
    const used = calls.map(({ action }) => action);
    expect(lower(used)).toEqual(lower(rotatorOf(row).rights.actions));
  });

  it('asks for the owner of the very resource', () => {
    expect(bind(row).owners).toEqual([resourceOf(row).id.toLowerCase()]);
  });
});

describe('where keys are switched off', () => {
  const rows = twoKeyTable.filter(({ off }) => off);
  it.each(rows.map((row) => [row.type, row] as const))(
    '%s says so and lists no key',
    async (_, row) => {
      const { obstacles } = await bind(row, 'off').inspect();
      expect(obstacles).toMatchObject([{ reason: 'keys-off' }]);
      expect(tenant.azure.calls.filter(({ method }) => method === 'POST')).toEqual([]);
    },
  );
});

describe('hosts', () => {
  const rows = twoKeyTable.filter(({ host }) => host);
  it.each(rows.map((row) => [row.type, row] as const))(
    "%s takes them from ARM's own answer",
    async (_, row) => {
      const { hosts } = await bind(row).inspect();
      expect(hosts).toEqual([row.port === undefined ? HOST : `${HOST}:6380`]);
    },
  );
});

describe('read-only keys', () => {
  it.each(['cosmos-db-key', 'app-configuration-key'])(
    '%s rotates them without touching the others',
    async (type) => {
      const row = rowOf(type);
      const resource = resourceOf(row);
      const target = bind(row, 0, { keys: 'readonly' });
      const writing = Object.keys(row.slots).map((slot) => resource.key(memberOf(row, slot)));
      const { handles } = await target.inspect();
      expect(handles).toEqual(Object.keys(row.readonlySlots ?? {}));
      const [, used = ''] = handles;
      const { handle, value } = await target.issue(ROTATION, [used], UNTIL, stay);
      expect(handle).toBe(handles[0]);
      expect(await target.adopt(value)).toBe(handle);
      expect(await bind(row).adopt(value)).toBeUndefined();
      expect(Object.keys(row.slots).map((slot) => resource.key(memberOf(row, slot)))).toEqual(
        writing,
      );
      expect(target.id).not.toBe(bind(row).id);
      expect(target.owners).toEqual(bind(row).owners);
    },
  );

  it.each([
    ['redis-key', { keys: 'readonly' }, '"keys"'],
    ['cosmos-db-key', { keys: 'all' }, 'expected `readonly`'],
    ['cosmos-db-key', { slot: 'primary' }, '"slot"'],
  ])('%s refuses %j, naming the tag', async (type, options, named) => {
    const error = await thrown((async () => bind(rowOf(type), 0, options))());
    expect(error).toMatchObject({
      reason: 'bad-tags',
      detail: expect.stringContaining('rotator-options'),
    });
    expect(error.detail).toContain(named);
  });
});

describe('a long regeneration', () => {
  const row = rowOf('cosmos-db-key');
  const { idle, used } = slotsIn(row);
  const issue = () => bind(row).issue(ROTATION, [used], UNTIL, stay);
  const operations = `/subscriptions`;
  const mayPoll = (actions: string[]) =>
    tenant.azure.grant({
      principalId: tenant.principalId,
      scope: `${operations}/${tenant.azure.world.subscriptionId}`,
      actions,
    });
  const polls = () =>
    tenant.azure.calls.filter(({ route, status }) => route === 'arm.keyOperation' && status < 300);

  it.each(['both', 'location', 'none'] as const)('is waited for (links: %s)', async (links) => {
    const grant = mayPoll(['Microsoft.DocumentDB/locations/*/read']);
    const resource = resourceOf(row);
    resource.links = links;
    const { value } = await issue();
    resource.links = 'both';
    expect(value.reveal()).toBe(resource.key(idle));
    expect(regenerations()).toHaveLength(1);
    expect(polls().length > 0).toBe(links !== 'none');
    tenant.azure.revokeGrant(grant);
  });

  it('is told by the list where its link may not be read', async () => {
    const { value } = await issue();
    expect(value.reveal()).toBe(resourceOf(row).key(idle));
    expect(tenant.azure.calls.filter(({ route }) => route === 'arm.keyOperation')).toMatchObject([
      { status: 403 },
    ]);
  });

  it.each(['both', 'location'] as const)(
    'that fails is a refusal with its code, and changes nothing (%s)',
    async (links) => {
      const grant = mayPoll(['Microsoft.DocumentDB/locations/*/read']);
      const resource = resourceOf(row);
      const before = [resource.key(idle), resource.key(used)];
      Object.assign(resource, { links, failWith: 'RegionUnavailable' });
      const error = await thrown(issue());
      resource.links = 'both';
      expect(error).toMatchObject({ reason: 'failed', facts: { code: 'RegionUnavailable' } });
      expect(error).not.toBeInstanceOf(UnknownOutcomeError);
      expect([resource.key(idle), resource.key(used)]).toEqual(before);
      tenant.azure.revokeGrant(grant);
    },
  );

  it('whose link leads to another host gets no call there, and no token', async () => {
    const headers = { 'azure-asyncoperation': 'https://evil.example/operations/1' };
    tenant.azure.fault('arm.regenerateResourceKey', [{ status: 202, headers, commit: true }]);
    const { value } = await issue();
    expect(value.reveal()).toBe(resourceOf(row).key(idle));
    expect(tenant.azure.calls.some(({ route }) => route === 'arm.keyOperation')).toBe(false);
  });

  it('that never ends is an unknown outcome when the time of the pass is up', async () => {
    tenant.azure.fault('arm.regenerateResourceKey', [{ status: 202 }]);
    let naps = 0;
    const impatient = async () => {
      naps += 1;
      return naps < 3;
    };
    const error = await thrown(bind(row).issue(ROTATION, [used], UNTIL, impatient));
    expect(error).toBeInstanceOf(UnknownOutcomeError);
    expect(naps).toBe(3);
  });

  it('SDK-01: that was begun and not answered is found in the list', async () => {
    tenant.azure.fault('arm.regenerateResourceKey', [{ commit: true, drop: true }]);
    const { value } = await issue();
    expect(value.reveal()).toBe(resourceOf(row).key(idle));
    expect(regenerations()).toHaveLength(1);
  });
});

describe('one request', () => {
  const row = rowOf('redis-key');
  const { idle, used } = slotsIn(row);
  const issue = (keep = [used]) => bind(row).issue(ROTATION, keep, UNTIL, stay);

  it('SDK-01: takes the key of a regeneration that was applied and not answered', async () => {
    tenant.azure.fault('arm.regenerateResourceKey', [{ commit: true, drop: true }]);
    expect((await issue()).value.reveal()).toBe(resourceOf(row).key(idle));
    expect(regenerations()).toHaveLength(1);
  });

  it.each([[{ drop: true }], [{ status: 500 }], [{ status: 503 }]])(
    'SDK-01: says that the outcome is unknown when the slot has not changed after %j, and sends nothing again',
    async (step) => {
      const before = resourceOf(row).key(idle);
      tenant.azure.fault('arm.regenerateResourceKey', [step]);
      expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
      expect(regenerations()).toHaveLength(1);
      expect(resourceOf(row).key(idle)).toBe(before);
    },
  );

  it('SDK-01: stays unknown when the keys cannot be listed after it', async () => {
    tenant.azure.fault('arm.listResourceKeys', [{}]);
    tenant.azure.outage('arm.listResourceKeys', { status: 503 });
    tenant.azure.fault('arm.regenerateResourceKey', [{ commit: true, drop: true }]);
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
  });

  it('SDK-02: is repeated after 409 in progress and 429, which changed nothing', async () => {
    const busy = [{ status: 409, code: 'AnotherOperationInProgress' }, { status: 429 }];
    tenant.azure.fault('arm.regenerateResourceKey', busy);
    expect((await issue()).value.reveal()).toBe(resourceOf(row).key(idle));
    expect(regenerations()).toHaveLength(3);
  });

  it('ST-01: meets a lock at the list already, which is named', async () => {
    const resource = resourceOf(row);
    resource.locked = 'ReadOnly';
    const { obstacles } = await bind(row).inspect();
    resource.locked = undefined;
    expect(obstacles).toMatchObject([{ reason: 'scope-locked' }]);
  });

  it('replaces no slot when both are to be kept', async () => {
    expect((await thrown(issue([idle, used]))).reason).toBe('slots-held');
    expect(regenerations()).toEqual([]);
  });

  it('is not sent when the first read took too long for the lock', async () => {
    tenant.azure.fault('arm.listResourceKeys', [{ delayMs: 50 }]);
    const pending = thrown(issue());
    await new Promise((resolve) => setTimeout(resolve, 20));
    tenant.clock.offsetMinutes = 1;
    expect(await pending).toBeInstanceOf(BusyError);
    expect(regenerations()).toEqual([]);
  });

  it('calls no value refused by a list that leaves a slot out', async () => {
    const row = rowOf('redis-key');
    const body = { primaryKey: 'another key', secondaryKey: null };
    tenant.azure.fault('arm.listResourceKeys', [{ status: 200, body }]);
    expect(await bind(row).check(new Secret(resourceOf(row).key('Secondary')))).toBe('unknown');
  });

  it('SEC-09: reads a resource that is absent like one without consent', async () => {
    tenant.azure.fault('arm.keyedResource', [{ status: 404, code: 'ResourceNotFound' }]);
    expect((await thrown(bind(row).inspect())).reason).toBe('no-consent');
  });

  it.each(['arm.keyedResource', 'arm.listResourceKeys'])(
    'says that it is not let in when %s answers 403',
    async (route) => {
      tenant.azure.fault(route, [{ status: 403 }]);
      expect((await thrown(bind(row).inspect())).reason).toBe('target-forbidden');
    },
  );

  it.each([[[]], [{}], [{ primaryKey: 7, secondaryKey: '' }], ['text']])(
    'takes no key from a list like %j',
    async (body) => {
      tenant.azure.fault('arm.listResourceKeys', [{ status: 200, body }]);
      const seen = await bind(row)
        .inspect()
        .catch(({ reason }: KeyturnError) => reason);
      expect(seen === 'failed' || (typeof seen === 'object' && seen.handles.length === 0)).toBe(
        true,
      );
    },
  );
});

describe('the list of keys', () => {
  const row = rowOf('redis-key');
  const { idle, used } = slotsIn(row);
  const lists = () =>
    tenant.azure.calls.filter(({ route }) => route === 'arm.listResourceKeys').length;
  const heldIn = (slot: string) => held(row, resourceOf(row), memberOf(row, slot));

  it('is read once for a whole look, and anew for whoever asks again', async () => {
    const target = bind(row);
    const old = heldIn(used);
    await target.inspect();
    expect([await target.adopt(old), await target.check(old)]).toEqual([used, 'vouched']);
    expect(lists()).toBe(1);
    resourceOf(row).regenerate(used);
    expect([await target.adopt(old), await target.check(old)]).toEqual([undefined, 'refused']);
    expect(lists()).toBe(2);
  });

  it('is read right before a write and after it, and for each check from then on', async () => {
    const target = bind(row);
    await target.inspect();
    const { value } = await target.issue(ROTATION, [used], UNTIL, stay);
    expect(lists()).toBe(3);
    expect(await target.check(value)).toBe('vouched');
    resourceOf(row).regenerate(idle);
    expect(await target.check(value)).toBe('refused');
  });

  it('of a look revokes nothing: a slot that somebody has filled meanwhile stays as it is', async () => {
    const target = bind(row);
    const old = heldIn(used);
    await target.inspect();
    resourceOf(row).regenerate(used);
    const kept = heldIn(used);
    await target.revoke(used, old, stay);
    expect(heldIn(used).equals(kept)).toBe(true);
  });

  it('is not read out after some seconds', async () => {
    const target = bind(row);
    const old = heldIn(used);
    await target.inspect();
    tenant.clock.offsetMinutes = 0.25;
    resourceOf(row).regenerate(used);
    expect(await target.adopt(old)).toBeUndefined();
  });
});

describe('the table', () => {
  // A mistake is to be shown by the definitions, not by a right that is missing.
  beforeAll(() => {
    const scope = `/subscriptions/${tenant.azure.world.subscriptionId}`;
    tenant.azure.grant({ principalId: tenant.principalId, scope, actions: ['*'] });
  });

  /** Rotates once at a resource of the row's own type, by a row with a mistake in it. */
  const tried = async (row: TwoKeyRow): Promise<void> => {
    const original = rowOf(row.type);
    const target = twoKey(row, { keys: armKeys(tenant), clock: tenant.clock }).bind({
      target: resourceOf(original).id,
      options: {},
      secret: SECRET,
    });
    const { handles, obstacles } = await target.inspect();
    expect(obstacles).toEqual([]);
    expect(handles).toHaveLength(2);
    for (const slot of handles) {
      const { handle, value } = await target.issue(ROTATION, [slot], UNTIL, stay);
      const resource = resourceOf(original);
      expect(value.equals(held(original, resource, memberOf(original, handle)))).toBe(true);
    }
  };
  const swapped = ({ slots }: TwoKeyRow) => {
    const [[one = '', first = ''] = [], [two = '', second = ''] = []] = Object.entries(slots);
    return { [one]: second, [two]: first };
  };
  const renamed = ({ slots }: TwoKeyRow) =>
    Object.fromEntries(Object.entries(slots).map(([slot, member]) => [`${slot}x`, member]));
  const otherCase = ({ slots }: TwoKeyRow) =>
    Object.fromEntries(
      Object.entries(slots).map(([slot, member]) => [
        slot === slot.toLowerCase() ? slot.toUpperCase() : slot.toLowerCase(),
        member,
      ]),
    );

  it.each(twoKeyTable.map((row) => [row.type, row] as const))(
    'serves %s as it is',
    async (_, row) => {
      await tried(row);
    },
  );

  const bySlot = twoKeyTable.filter(
    ({ regenerate }) => regenerate.by === undefined && !regenerate.action.includes('{slot}Key'),
  );
  it.each(bySlot.map((row) => [row.type, row] as const))(
    'shows a wrong slot in %s',
    async (_, row) => {
      await expect(tried({ ...row, slots: renamed(row) })).rejects.toThrow();
      await expect(tried({ ...row, slots: otherCase(row) })).rejects.toThrow();
      await expect(tried({ ...row, slots: swapped(row) })).rejects.toThrow();
    },
  );

  it.each(twoKeyTable.map((row) => [row.type, row] as const))(
    'shows a wrong action or version in %s',
    async (_, row) => {
      const { list, regenerate } = row;
      await expect(
        tried({ ...row, list: { ...list, action: `${list.action}s` } }),
      ).rejects.toThrow();
      await expect(
        tried({ ...row, regenerate: { ...regenerate, action: 'regenerate' } }),
      ).rejects.toThrow();
      await expect(tried({ ...row, version: '2031-01-01' })).rejects.toThrow();
      await expect(tried({ ...row, version: `${row.version}-preview` })).rejects.toThrow();
      if (regenerate.body === undefined) return;
      await expect(
        tried({ ...row, regenerate: { ...regenerate, body: 'which' } }),
      ).rejects.toThrow();
    },
  );

  it('SignalR: Salt, which replaces both keys, is no slot to rotate', async () => {
    const row = rowOf('signalr-key');
    await expect(
      tried({ ...row, slots: { Salt: 'secondaryKey', Primary: 'primaryKey' } }),
    ).rejects.toThrow();
  });

  it('needs one row for one more type, and no code', async () => {
    const row: TwoKeyRow = {
      type: 'power-bi-collection-key',
      title: 'Power BI workspace collection',
      armTypes: ['Microsoft.PowerBI/workspaceCollections'],
      version: '2016-01-29',
      list: { action: 'listKeys' },
      slots: { key2: 'key2', key1: 'key1' },
      regenerate: { action: 'regenerateKey', body: 'keyName' },
    };
    const other = await startTenant({
      vaults: [],
      accounts: [],
      keyed: [resourceFor(row, row.armTypes[0] ?? '', 'pbi1')],
    });
    const resource = other.azure.keyed('Microsoft.PowerBI/workspaceCollections', 'pbi1');
    const rotator = twoKey(row, { keys: armKeys(other), clock: other.clock });
    const target = rotator.bind({ target: resource.id, options: {}, secret: SECRET });
    const { handle, value } = await target.issue(ROTATION, ['key1'], UNTIL, stay);
    expect([handle, value.reveal()]).toEqual(['key2', resource.key('key2')]);
    await other.azure.stop();
  });

  it('has no type twice', () => {
    const types = twoKeyTable.flatMap(({ armTypes }) => armTypes.map((type) => type.toLowerCase()));
    expect(new Set(types).size).toBe(types.length);
    expect(new Set(twoKeyTable.map(({ type }) => type)).size).toBe(twoKeyTable.length);
  });
});
