/** Invariant 9 in one function: what is wrong with a neighbour ends with its name, whatever it is (finding ATK-05). */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Deps } from '../../src/ports/deps.ts';
import type { Rotator, Target } from '../../src/ports/rotator.ts';
import type { SharerRow } from '../../src/ports/rows.ts';
import type { Version } from '../../src/ports/vault.ts';
import { claimOn, neighboursAt } from '../../src/reconcile/observe/neighbours.ts';

const now = new Date('2027-01-01T00:00:00Z');
const state = { handles: ['key1', 'key2'], obstacles: [], hosts: [] };
const row: SharerRow = { vault: 'kv2', name: 'theirs', target: 'here', handle: 'key1', owes: [] };
const value = new Secret('the value of the neighbour');
const version: Version = {
  id: 'a'.repeat(32),
  enabled: true,
  createdOn: now,
  updatedOn: now,
  tags: {},
  managed: false,
  value,
};

/** What a pass of ours learns of the neighbour, where naming its value or reading its vault ends in `thrown`. */
function learnt(at: 'value' | 'vault', thrown: unknown) {
  const end = async (): Promise<never> => {
    throw thrown;
  };
  const target = { id: 'here', owners: ['here'], adopt: end } as unknown as Target;
  const rotator = {
    type: 'fake',
    overlap: 'two-slots',
    options: z.object({}),
    form: { kind: 'bare' },
  } as unknown as Rotator;
  const deps = {
    rows: { sharers: async (id: string) => (id === 'here' ? [row] : []) },
    vaults: {
      names: ['kv2'],
      open: () => ({ current: at === 'vault' ? end : async () => version }),
    },
    config: { sampleVaults: [] },
    clock: { now: () => now, sleep: async () => undefined },
  } as unknown as Deps;
  const grants = [{ kind: 'fake', vault: 'kv2', name: '*', parts: [] }];
  return neighboursAt(
    { vault: 'kv1', name: 'ours' },
    { rotator, target, facts: state },
    grants,
    deps,
  );
}

/** The same of a neighbour that can be read: a document with its credential, `key1`, beside another text. */
function learntOf(beside: string) {
  const keys = new Map(
    ['key1', 'key2'].map((slot) => [slot, new Secret(`the present value of ${slot}, long enough`)]),
  );
  const document = new Secret(JSON.stringify({ mine: keys.get('key1')?.reveal(), beside }));
  const target = {
    ...{ id: 'here', owners: ['here'] },
    adopt: async (each: Secret) => [...keys].find(([, key]) => key.equals(each))?.[0],
  } as unknown as Target;
  const rotator = {
    type: 'fake',
    overlap: 'two-slots',
    form: { kind: 'bare' },
  } as unknown as Rotator;
  const tags = { rotator: 'fake', 'rotator-target': 'here', 'rotator-options': 'field=mine' };
  const deps = {
    rows: { sharers: async () => [row] },
    vaults: {
      names: ['kv2'],
      open: () => ({ current: async () => ({ ...version, value: document, tags }) }),
    },
    config: { sampleVaults: [] },
  } as unknown as Deps;
  const grants = [{ kind: 'fake', vault: 'kv2', name: '*', parts: [] }];
  return neighboursAt(
    { vault: 'kv1', name: 'ours' },
    { rotator, target, facts: { ...state, present: keys } },
    grants,
    deps,
  );
}

describe('VAL-02: a neighbour whose document holds another key beside its own', () => {
  it('counts as holding every slot, by name: its application would lose the other key', async () => {
    const neighbours = await learntOf('the present value of key2, long enough');
    for (const slot of ['key1', 'key2'])
      expect(claimOn(slot, now, neighbours)).toMatchObject({
        unsure: { vault: 'kv2', name: 'theirs', why: 'bad-value' },
      });
  });

  it('holds its own alone where the other text is no key of the target', async () => {
    const neighbours = await learntOf('a text that is nobody’s key');
    expect(claimOn('key1', now, neighbours)).toBeDefined();
    expect(claimOn('key2', now, neighbours)).toBeUndefined();
  });
});

describe('ATK-05: a neighbour of which anything is wrong', () => {
  it.each<[string, unknown, string]>([
    ['an error of our own', new KeyturnError('bad-value'), 'bad-value'],
    ['a malformed URI', new URIError('URI malformed'), 'failed'],
    ['a mistake of ours', new TypeError('cannot read properties of undefined'), 'failed'],
    ['a stack that is too deep', new RangeError('Maximum call stack size exceeded'), 'failed'],
    ['what is no error at all', 'thrown as a text', 'failed'],
  ])('ATK-05: %s counts as holding every slot and ends no pass', async (_, thrown, why) => {
    for (const at of ['value', 'vault'] as const) {
      const neighbours = await learnt(at, thrown);
      expect(neighbours).toMatchObject([{ vault: 'kv2', name: 'theirs', why }]);
      for (const slot of ['key1', 'key2'])
        expect(claimOn(slot, now, neighbours)).toMatchObject({
          unsure: { vault: 'kv2', name: 'theirs', why },
        });
    }
  });
});
