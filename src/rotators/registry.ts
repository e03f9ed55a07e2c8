/** Every rotator there is, one line each. */
import type { TokenCredential } from '@azure/identity';
import type { Cloud } from '../azure/cloud.ts';
import { storageKeyProbe, storageKeys } from '../azure/storageKeys.ts';
import type { Clock } from '../core/clock.ts';
import type { Rotator } from './rotator.ts';
import { storageAccountKey } from './storageAccountKey.ts';

export interface RotatorsOptions {
  readonly cloud: Cloud;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}

/** All rotators over Azure. Nothing is loaded or dialled before one is used. */
export function allRotators({ cloud, credential, clock }: RotatorsOptions): readonly Rotator[] {
  const { storageSuffix } = cloud;
  return [
    storageAccountKey({
      keys: storageKeys({ cloud, credential, clock }),
      probe: storageKeyProbe(),
      clock,
      storageSuffix,
    }),
  ];
}

/** Rotators by the tag value that names them. */
export function registry(rotators: readonly Rotator[]) {
  const byType = new Map(rotators.map((rotator) => [rotator.type, rotator]));
  return {
    types: [...byType.keys()].sort(),
    get: (type: string): Rotator | undefined => byType.get(type),
  };
}
