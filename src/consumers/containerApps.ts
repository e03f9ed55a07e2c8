/**
 * Container Apps (facts-after F2.1): the platform reads an unversioned reference every 30 minutes and restarts what uses it. A restart
 * from outside hands out the platform's last copy, so nothing is called: the cycle is waited for.
 */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import type { ResourceId, SecretRef } from '../core/ids.ts';
import type { ConsumerReference } from '../ports/consumers.ts';
import type { ConsumerKind } from './kind.ts';
import { isOf, secretAt } from './references.ts';

const App = z.object({
  properties: z.object({
    configuration: z
      .object({
        secrets: z
          .array(
            z.object({ name: z.string().max(253), keyVaultUrl: z.string().max(1_000).nullish() }),
          )
          .max(1_000)
          .nullish(),
      })
      .nullish(),
  }),
});

async function references(
  _: ResourceId,
  secret: SecretRef,
  body: unknown,
): Promise<readonly ConsumerReference[]> {
  const { data } = App.safeParse(body);
  if (!data) throw new KeyturnError('failed', { detail: 'The container app does not parse.' });
  return (data.properties.configuration?.secrets ?? []).flatMap(({ name, keyVaultUrl }) => {
    const found = secretAt(keyVaultUrl ?? '');
    if (!isOf(found, secret)) return [];
    return [{ name, ...(found.version === undefined ? {} : { pinnedTo: found.version }) }];
  });
}

export const containerApp: ConsumerKind = {
  name: 'container-app',
  type: 'Microsoft.App/containerApps',
  names: /^[a-z][a-z0-9-]{0,59}$/i,
  version: '2025-07-01',
  follows: 'by-itself',
  // 30 minutes, and a little for the sync itself.
  cycleMinutes: 35,
  actions: ['Microsoft.App/containerApps/read'],
  references,
};
