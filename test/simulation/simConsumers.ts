/** Consumers over a `World`: two that read each secret, of which the second may answer every call with a failure. */
import { KeyturnError } from '../../src/core/errors.ts';
import type { Consumer, Consumers } from '../../src/ports/consumers.ts';
import type { Process, World } from './world.ts';

const SITES = '/subscriptions/s/resourcegroups/rg/providers/microsoft.web/sites';
const named = (name: string): Consumer => ({
  ...{ id: `${SITES}/${name}`, kind: 'site', follows: 'when-called', restarts: true },
});

/** When each read the secret last, by the time of the world: what the platform tells, whatever worker asks. */
export interface SimReaders {
  readonly readOn: Map<string, Date>;
  /** The second one fails whenever it is called. */
  readonly fails: boolean;
}

export function simConsumers(
  world: World,
  process: Process,
  { readOn, fails }: SimReaders,
): Consumers {
  const look: Consumers['look'] = ({ id }, { vault, name }) =>
    world.op(process, 'consumers.look', 'read', 'own', () => {
      const on = readOn.get(id);
      const reference = { name: `${vault}-${name}`, resolved: true };
      return {
        ...{ declared: true, open: true },
        references: [on === undefined ? reference : { ...reference, readOn: on }],
      };
    });
  return {
    of: ({ name }) =>
      world.op(process, 'consumers.of', 'read', 'own', () =>
        ['good', 'other'].map((which) => named(`${which}-${name}`)),
      ),
    look,
    lately: look,
    async refresh({ id }) {
      const isDeaf = fails && id.includes('/other-');
      await world.op(process, 'consumers.refresh', 'write', 'own', () => {
        if (!isDeaf) readOn.set(id, new Date(world.now));
      });
      // Outside of the call: to the checker a call that fails is a fault that it gives time for, and this one has its own.
      if (isDeaf) throw new KeyturnError('failed', { detail: 'It answered 500.' });
    },
  };
}
