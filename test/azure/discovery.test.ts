/** Discovery against the local tenant, and against answers that no Azure should give. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createArm } from '../../src/azure/arm.ts';
import { discoveryFrom } from '../../src/azure/discovery.ts';
import { startTenant, type Tenant } from './tenant.fixtures.ts';

const ROUTE = 'resourceGraph.resources';
const OTHER = '99999999-0000-4000-8000-000000000000';
let tenant: Tenant;
let subscription: string;

beforeAll(async () => {
  const tagged = (value: string) => ({ keyturn: value });
  tenant = await startTenant({
    vaults: [
      { name: 'kv1', tags: { KeyTurn: 'BLUE', owner: 'x' } },
      { name: 'kv2', tags: tagged('green') },
      { name: 'kv3' },
      { name: 'kv4', tags: tagged('blue'), rbac: false },
      { name: 'kv5', tags: { team: 'keyturn' } },
    ],
    accounts: [],
  });
  subscription = tenant.azure.world.subscriptionId;
});
afterAll(() => tenant.azure.stop());
beforeEach(() => {
  const { oid } = tenant.azure.world.identity;
  const actions = ['Microsoft.ResourceGraph/resources/read'];
  tenant.azure.revokeGrant({ principalId: oid, scope: `/subscriptions/${subscription}` });
  tenant.azure.grant({ principalId: oid, scope: `/subscriptions/${subscription}`, actions });
  tenant.azure.calls.length = 0;
});
afterEach(() => {
  expect(tenant.azure.unusedFaults()).toEqual({});
  tenant.azure.heal();
});

const discover = (given = tenant) =>
  discoveryFrom({ arm: createArm(given), subscriptions: [subscription], instance: 'Blue' })();
const sent = () => tenant.azure.calls.filter(({ route }) => route === ROUTE);
const idOf = (name: string, group = 'rg', of = subscription) =>
  `/subscriptions/${of}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${name}`;
const row = (id: unknown) => ({ id, tags: { keyturn: 'blue' }, rbac: true });
const answer = (data: unknown[], more: object = {}) => ({ status: 200, body: { data, ...more } });

describe('discovery', () => {
  it('finds the vaults whose tag names this instance in any case, and tells those without RBAC apart', async () => {
    const { served, noRbac, strange } = await discover();
    expect(served.map(({ text }) => text)).toEqual([tenant.azure.vault('kv1').id.toLowerCase()]);
    expect(noRbac.map(({ name }) => name)).toEqual(['kv4']);
    expect(strange).toBe(0);
    expect(sent()).toHaveLength(1);
  });

  it('follows the token of every page, and of nothing else in the answer', async () => {
    const next = { $skipToken: 'two', nextLink: 'https://evil.example/', resultTruncated: 'false' };
    const answers = [{ data: [row(idOf('kv-a'))], ...next }, { data: [row(idOf('kv-b'))] }];
    const bodies: object[] = [];
    const ask = async (_query: object, body: object) => {
      bodies.push(body);
      return answers.shift();
    };
    const { served } = await discoveryFrom({
      arm: { ask },
      subscriptions: [subscription],
      instance: 'blue',
    })();
    expect(served.map(({ name }) => name)).toEqual(['kv-a', 'kv-b']);
    expect(bodies).toMatchObject([
      { options: { $top: 200 } },
      { options: { $top: 200, $skipToken: 'two' } },
    ]);
    expect(bodies[0]).not.toHaveProperty('options.$skipToken');
    // The instance's name is in no query: what decides is code.
    expect(JSON.stringify(bodies)).not.toMatch(/blue/i);
  });

  it.each<[string, unknown]>([
    ['a host', 'https://evil.example/vaults/kv'],
    ['another subscription', idOf('kv-x', 'rg', OTHER)],
    ['dot segments', idOf('kv-x', '..')],
    ['an encoded slash', idOf('kv%2fx')],
    ['a name with a dot', idOf('kv.evil.example')],
    ['a name with a port', idOf('kv:443')],
    ['a name with a user', idOf('a@evil')],
    ['a short form', `${subscription}/rg/kv-x`],
    ['another kind', idOf('kv-x').replace('vaults', 'managedHSMs')],
    ['a longer path', `${idOf('kv-x')}/secrets/a`],
    ['a line break', `${idOf('kv-x')}\n`],
    ['a number', 7],
    ['nothing', undefined],
  ])('takes no vault from a row that names %s', async (_title, id) => {
    tenant.azure.fault(ROUTE, [answer([row(id), row(idOf('kv-good'))])]);
    const { served, strange } = await discover();
    expect({ names: served.map(({ name }) => name), strange }).toEqual({
      names: ['kv-good'],
      strange: 1,
    });
  });

  it.each<[string, object]>([
    ['a refusal', { status: 403 }],
    ['no list', { status: 200, body: { data: { id: idOf('kv1') } } }],
    ['a list that was cut short', answer([row(idOf('kv1'))], { resultTruncated: 'true' })],
    [
      'a page longer than it asked for',
      answer(Array.from({ length: 201 }, (_, at) => row(idOf(`kv${at}`)))),
    ],
  ])('takes nothing from %s', async (_title, step) => {
    tenant.azure.fault(ROUTE, [step]);
    await expect(discover()).rejects.toMatchObject({ reason: 'undiscovered' });
  });

  it('ends, however many pages there are', async () => {
    tenant.azure.outage(ROUTE, answer([], { $skipToken: 'again' }));
    await expect(discover()).rejects.toMatchObject({ reason: 'undiscovered' });
    expect(sent().length).toBeLessThanOrEqual(50);
  });

  it('SDK-02: asks again after 429 and a broken connection, since the question changes nothing', async () => {
    tenant.azure.fault(ROUTE, [{ status: 429, headers: { 'retry-after': '2' } }, { drop: true }]);
    expect((await discover()).served).toHaveLength(1);
    tenant.azure.outage(ROUTE, { status: 503 });
    await expect(discover()).rejects.toMatchObject({ reason: 'undiscovered' });
  });
});
