/** OPS-03: what Azure's answer about one's own permissions means: found, missing, or not to be told. */
import { describe, expect, it } from '@jest/globals';
import { rightsFrom } from '../../src/azure/permissions.ts';
import { KeyturnError } from '../../src/core/errors.ts';
import { parseResourceId } from '../../src/core/ids.ts';
import { allows, covers } from '../../src/core/rightChecks.ts';

const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';
const VAULT = parseResourceId(`${SUBSCRIPTION}/rg/kv1`, 'Microsoft.KeyVault/vaults', 'id');
const ACCOUNT = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.storage/storageaccounts/acct1`;
const ACTIONS = ['read', 'listKeys/action', 'regenerateKey/action'].map(
  (verb) => `Microsoft.Storage/storageAccounts/${verb}`,
);
const OID = '99999999-2222-4333-8444-555555555555';

const rights = (permissions: unknown, vault: unknown = {}) =>
  rightsFrom({
    served: { find: (name) => (name === 'kv1' ? { id: VAULT } : undefined) },
    principalId: OID,
    arm: {
      async get(path) {
        const answer = path.endsWith('/permissions') ? permissions : vault;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
  });
const blocks = (...value: object[]) => ({ value, nextLink: null });
const state = async (permissions: unknown) =>
  (await rights(permissions).target(ACCOUNT, { actions: ACTIONS })).state;

describe('OPS-03: actions of a role', () => {
  it.each<[string, unknown, string]>([
    [
      'all of them, in other capitals',
      blocks({ actions: ACTIONS.map((action) => action.toUpperCase()) }),
      'ok',
    ],
    ['by wildcards that span slashes', blocks({ actions: ['Microsoft.Storage/*'] }), 'ok'],
    [
      'by two roles together',
      blocks({ actions: ACTIONS.slice(0, 2) }, { actions: ACTIONS.slice(2) }),
      'ok',
    ],
    ['without regenerateKey', blocks({ actions: ACTIONS.slice(0, 2) }), 'problem'],
    [
      'taken back by the same role',
      blocks({ actions: ['*'], notActions: ['*/regenerateKey/action'] }),
      'problem',
    ],
    [
      'taken back by one role, given by another',
      blocks({ actions: ['*'], notActions: ['*/regenerateKey/action'] }, { actions: [ACTIONS[2]] }),
      'ok',
    ],
    ['none at all', blocks(), 'problem'],
    [
      'a part of the answer alone',
      { value: [{ actions: ACTIONS.slice(0, 2) }], nextLink: 'https://next' },
      'cannot tell',
    ],
    ['an answer of another shape', { value: 'all' }, 'cannot tell'],
    ['members that are null', blocks({ actions: null, notActions: null }), 'problem'],
    ['403', new KeyturnError('target-forbidden', { detail: 'Azure refused.' }), 'cannot tell'],
    ['404', new KeyturnError('no-consent'), 'cannot tell'],
  ])('%s', async (_title, permissions, expected) => {
    expect(await state(permissions)).toBe(expected);
  });

  it('names what is missing, and says nothing of who else may what', async () => {
    const found = await rights(blocks({ actions: ACTIONS.slice(0, 2) })).target(ACCOUNT, {
      actions: ACTIONS,
    });
    expect(found).toEqual({
      actions: ACTIONS.map((action) => ({ action, held: action !== ACTIONS[2] })),
      ...{ what: `the role at ${ACCOUNT}`, state: 'problem', reason: 'target-forbidden' },
      detail: `Keyturn's identity lacks Microsoft.Storage/storageAccounts/regenerateKey/action at ${ACCOUNT}. Roles that were assigned lately take minutes to spread.`,
    });
  });
});

describe('OPS-03: data actions of a role', () => {
  const KEYS = 'Microsoft.Devices/IotHubs/devices/write';
  it.each<[string, unknown, string]>([
    ['both planes', blocks({ actions: ACTIONS, dataActions: [KEYS] }), 'ok'],
    [
      'a data action given as an action',
      blocks({ actions: [...ACTIONS, KEYS], dataActions: ['Microsoft.X/y'] }),
      'problem',
    ],
    [
      'taken back',
      blocks({ actions: ACTIONS, dataActions: ['*'], notDataActions: [KEYS] }),
      'problem',
    ],
    ['no data actions in the answer', blocks({ actions: ACTIONS }), 'cannot tell'],
    ['no data actions, and an action that lacks', blocks({ actions: ACTIONS.slice(1) }), 'problem'],
  ])('%s', async (_title, permissions, expected) => {
    const found = await rights(permissions).target(ACCOUNT, {
      actions: ACTIONS,
      dataActions: [KEYS],
    });
    expect(found.state).toBe(expected);
  });
});

describe('OPS-03: writing secrets', () => {
  const data = (...verbs: string[]) =>
    verbs.map((verb) => `Microsoft.KeyVault/vaults/secrets/${verb}/action`);
  const rbac = { properties: { enableRbacAuthorization: true } };
  const policies = (...entries: [string, string[]][]) => ({
    properties: {
      accessPolicies: entries.map(([objectId, secrets]) => ({
        objectId,
        permissions: { secrets },
      })),
    },
  });
  it.each<[string, unknown, unknown, string]>([
    [
      'by a role that writes',
      rbac,
      blocks({ dataActions: data('getSecret', 'setSecret', 'update') }),
      'ok',
    ],
    [
      'by a role with a wildcard',
      rbac,
      blocks({ dataActions: ['Microsoft.KeyVault/vaults/secrets/*'] }),
      'ok',
    ],
    [
      'by a role that reads',
      rbac,
      blocks({ dataActions: data('getSecret', 'readMetadata') }),
      'problem',
    ],
    [
      'by a role that sets and may not update',
      rbac,
      blocks({ dataActions: data('getSecret', 'setSecret') }),
      'problem',
    ],
    ['without data actions in the answer', rbac, blocks({ actions: ['*'] }), 'cannot tell'],
    ['by an access policy with set', policies([OID.toUpperCase(), ['Get', 'Set']]), blocks(), 'ok'],
    ['by an access policy with all', policies([OID, ['all']]), blocks(), 'ok'],
    ['by an access policy that reads', policies([OID, ['get', 'list']]), blocks(), 'problem'],
    [
      'by an access policy that reads, beside a group',
      policies([OID, ['get']], ['x', ['set']]),
      blocks(),
      'cannot tell',
    ],
    ['by a group alone', policies(['x', ['set']]), blocks(), 'cannot tell'],
  ])('%s', async (_title, vault, permissions, expected) => {
    expect((await rights(permissions, vault).vault('kv1')).state).toBe(expected);
  });

  it('of a vault that is not served cannot be told', async () => {
    expect((await rights(blocks()).vault('kv9')).state).toBe('cannot tell');
  });
});

describe('patterns', () => {
  it.each<[string, string, boolean]>([
    ['*', 'anything/at/all', true],
    ['a/*/c', 'a/b/b/c', true],
    ['a/*/c', 'a/c', false],
    ['*/read', 'x/y/READ', true],
    ['a*a', 'a', false],
    ['a*', 'a', true],
    ['', 'a', false],
    ['a.b', 'aXb', false],
  ])('%s on %s', (pattern, action, expected) => {
    expect(covers(pattern, action)).toBe(expected);
  });

  it('are judged in linear time, whoever wrote them', () => {
    const once = (length: number) => {
      const block = {
        actions: [`${'*a'.repeat(length)}b`],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      };
      const from = performance.now();
      for (let turn = 0; turn < 20; turn++) allows([block], 'a'.repeat(length * 2));
      return performance.now() - from;
    };
    // The fastest of some: whatever else the machine does is not measured.
    const time = (length: number) => Math.min(...Array.from({ length: 7 }, () => once(length)));
    time(2_000);
    expect(time(20_000)).toBeLessThan(Math.max(time(5_000) * 12, 500));
  });
});
