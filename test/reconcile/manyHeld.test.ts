import { expect, it } from '@jest/globals';
import { addHours } from '../../src/core/clock.ts';
import type { SecretRef } from '../../src/core/ids.ts';
import type { Deps } from '../../src/ports/deps.ts';
import type { ScopeHold } from '../../src/ports/holds.ts';
import { reconcile } from '../../src/reconcile/pass.ts';
import { walk } from '../jest/form.ts';
import { OnePass, START } from './onePass.ts';

it('five thousand secrets are held by one row, which each pass reads once, and are released at the rate', async () => {
  const many = walk({ whole: 5_000, short: 1_000 });
  const rate = many / 4;
  const world = new OnePass();
  world.config = { rate: { perVault: rate, overall: rate } };
  const names = Array.from({ length: many }, (_, at) => `s-${at}`);
  for (const name of names) world.secret(name, { target: name });
  const until = addHours(START, 20);
  const hold: ScopeHold = {
    ...{ id: crypto.randomUUID(), scope: { all: true }, until, except: [], heals: true },
    ...{ caller: 'somebody', note: 'a freeze', ticket: 'CHG-1', createdOn: START },
  };
  let reads = 0;
  let rotations: (SecretRef & { on: Date })[] = [];
  const made = world.deps();
  const deps: Deps = {
    ...made,
    holds: {
      read: async () => {
        reads += 1;
        return { holds: [hold] };
      },
      change: () => Promise.reject(new Error('nothing is set here')),
    },
    rows: {
      ...made.rows,
      rotationsSince: async (on) => rotations.filter((each) => each.on >= on),
      recordRotation: async (ref, on) => {
        rotations = [...rotations, { ...ref, on }];
      },
    },
  };
  const round = async () => {
    for (const name of names) await reconcile({ vault: 'kv1', name, cause: 'sweep' }, deps);
    return names.filter((name) => world.versions(name).length === 2).length;
  };
  expect([await round(), reads]).toEqual([0, many]);
  expect(new Set([...world.rows.values()].map(({ view }) => view?.state))).toEqual(
    new Set(['held']),
  );
  world.now = addHours(until, 0.1);
  expect(await round()).toBe(rate);
  world.now = addHours(world.now, 1.1);
  expect(await round()).toBe(2 * rate);
  expect(world.alerts()).toEqual([]);
});
