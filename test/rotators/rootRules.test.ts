/** ATK-02: what opens a whole namespace or service is given to a secret by its name, at itself, and in no wider way. */
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/core/clock.ts';
import { grantFor, parseGrants } from '../../src/core/grants.ts';
import { twoKey } from '../../src/rotators/twoKey.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import type { ArmKeysApi } from '../../src/targets/armKeys.ts';

const secret = { vault: 'kv1', name: 'a' };
const GROUP = '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers';
/** Whether the text, at the target or above it, gives the secret what its tags ask for. */
function given(kind: string, id: string, text: string, where: 'at' | 'above' = 'at'): boolean {
  const row = twoKeyTable.find(({ type }) => type === kind);
  if (!row) throw new Error(`No row ${kind}.`);
  const rotator = twoKey(row, { keys: {} as ArmKeysApi, clock: systemClock });
  const { part } = rotator.bind({ target: `${GROUP}/${id}`, options: {}, secret });
  const grants = parseGrants(`keyturn ${kind}: ${text}`).map((grant) =>
    where === 'above' ? ({ ...grant, wide: true } as const) : grant,
  );
  return grantFor(grants, { secret, kind, part }) !== undefined;
}

describe.each([
  [
    'service-bus-key',
    'Microsoft.ServiceBus/namespaces/ns1/authorizationRules',
    'RootManageSharedAccessKey',
    'send',
  ],
  [
    'event-hubs-key',
    'Microsoft.EventHub/namespaces/ns1/authorizationRules',
    'rootmanagesharedaccesskey',
    'send',
  ],
  [
    'relay-key',
    'Microsoft.Relay/namespaces/ns1/authorizationRules',
    'RootManageSharedAccessKey',
    'listen',
  ],
  [
    'notification-hubs-key',
    'Microsoft.NotificationHubs/namespaces/ns1/notificationHubs/h/authorizationRules',
    'DefaultFullSharedAccessSignature',
    'DefaultListenSharedAccessSignature',
  ],
  [
    'api-management-subscription-key',
    'Microsoft.ApiManagement/service/apim1/subscriptions',
    'master',
    'shop',
  ],
])('ATK-02: %s', (kind, rules, root, other) => {
  const below = rules.includes('notificationHubs/') ? 'h/' : '';

  it('the root: by name at itself, not to every secret, and not from above', () => {
    const id = `${rules}/${root}`;
    expect(given(kind, id, 'kv1/a')).toBe(true);
    expect(given(kind, id, `kv1/a(${below}${root})`)).toBe(true);
    expect(given(kind, id, 'kv1/*')).toBe(false);
    expect(given(kind, id, `kv1/*(${below}${root})`)).toBe(false);
    expect(given(kind, id, `kv1/a(${below}${root})`, 'above')).toBe(false);
  });

  it('another: to every secret at itself, and by its name from above', () => {
    const id = `${rules}/${other}`;
    expect(given(kind, id, 'kv1/*')).toBe(true);
    expect(given(kind, id, `kv1/*(${below}${other})`, 'above')).toBe(true);
    expect(given(kind, id, 'kv1/*', 'above')).toBe(false);
  });
});
