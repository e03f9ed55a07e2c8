/** The real `storage-account-key` over accounts of a world. */
import { KeyturnError } from '../../src/core/errors.ts';
import type { ResourceId } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import { storageAccountKey } from '../../src/rotators/storageAccountKey.ts';
import { type Kind, SUBSCRIPTION } from './sim.ts';
import type { World } from './world.ts';

const SUFFIX = 'core.windows.net';

export const storage: Kind = {
  type: 'storage-account-key',
  overlap: 'two-slots',
  slots: ['key1', 'key2'],
  seed: (world) => ({ key1: world.fresh('first'), key2: world.fresh('second') }),
  stored: (_, key) => key,
  accepts: (keys, stored) => Object.values(keys).includes(stored),
  tags: (account) => ({ 'rotator-target': `${SUBSCRIPTION}/rg/${account}` }),
  owner: (account) =>
    `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.storage/storageaccounts/${account}`,
  rotator(world, process) {
    const read = <T>(name: string, apply: () => T) =>
      world.op(process, `target.${name}`, 'read', 'azure', apply);
    return storageAccountKey({
      clock: { now: () => new Date(world.now + process.skew), sleep: async () => {} },
      storageSuffix: SUFFIX,
      keys: {
        account: ({ name }) =>
          read('account', () => ({
            sharedKeys: true,
            endpoints: [`https://${name}.blob.${SUFFIX}/`],
            blobEndpoint: `https://${name}.blob.${SUFFIX}/`,
          })),
        listKeys: (id) =>
          read(
            'listKeys',
            () =>
              new Map(
                Object.entries(keysOf(world, id)).map(([slot, key]) => [slot, new Secret(key)]),
              ),
          ),
        regenerate: (id, slot) =>
          world.op(process, 'target.regenerate', 'write', 'azure', () => {
            world.meet(id.name, 'write');
            keysOf(world, id)[slot] = world.fresh(`made-${slot}`);
            return new Map(
              Object.entries(keysOf(world, id)).map(([name, key]) => [name, new Secret(key)]),
            );
          }),
      },
      probe: {
        tryKey: (_, name, value) =>
          read('tryKey', () =>
            world.accepts(name, value.reveal()) && !world.isSilent
              ? 'accepted'
              : {
                  refused: world.isSilent
                    ? 'KeyBasedAuthenticationNotPermitted'
                    : 'AuthenticationFailed',
                },
          ),
      },
    });
  },
};

function keysOf(world: World, { name }: ResourceId): Record<string, string> {
  const keys = world.accounts.get(name);
  if (!keys) throw new KeyturnError('no-consent', { status: 404 });
  world.meet(name, 'read');
  return keys;
}
