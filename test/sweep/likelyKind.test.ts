/** What a newcomer is told that a secret seems to be: right for the names that people give, and silent where nothing says it. */
import { describe, expect, it } from '@jest/globals';
import type { Rotator } from '../../src/ports/rotator.ts';
import { manifests } from '../../src/rotators/kinds.ts';
import { registry } from '../../src/rotators/registry.ts';
import { likelyKind } from '../../src/tags/likelyKind.ts';

// What a kind is, without its wires: no more is asked of it here.
const rotators = registry(manifests as readonly Rotator[]);
const seems = (name: string, contentType?: string, tags = {}) =>
  likelyKind({ name, tags, ...(contentType === undefined ? {} : { contentType }) }, rotators);

describe('the likely kind', () => {
  it.each([
    ['StorageConnectionString', 'storage-account-key'],
    ['AzureWebJobsStorage', 'storage-account-key'],
    ['shop-cosmos-key', 'cosmos-db-key'],
    ['redis-primary', 'redis-key'],
    ['ServiceBusConnection', 'service-bus-key'],
    ['EventHubConnectionString', 'event-hubs-key'],
    ['OpenAiKey', 'cognitive-services-key'],
    ['AppConfigConnection', 'app-configuration-key'],
    ['SignalRConnection', 'signalr-key'],
    ['payroll-client-secret', 'app-registration'],
    ['orders-sql-password', 'sql-login'],
    ['postgres-app', 'postgresql-login'],
    ['MySqlPassword', 'mysql-login'],
    ['acr-password', 'container-registry-password'],
  ])('of %s is %s', (name, kind) => {
    expect(seems(name)).toBe(kind);
  });

  it.each(['jwt-signing-key', 'api-token', 'smtp-password', 'license', 'x'])(
    'of %s is told to nobody',
    (name) => {
      expect(seems(name)).toBeUndefined();
    },
  );

  it('is told by a sample’s tag before the content type, and by that before the name', () => {
    const id =
      '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Cache/redis/r1';
    expect(seems('shop-storage', 'cosmos', { ProviderAddress: id })).toBe('redis-key');
    expect(seems('shop-storage', 'cosmos')).toBe('cosmos-db-key');
    expect(seems('shop-storage', 'text/plain')).toBe('storage-account-key');
  });
});
