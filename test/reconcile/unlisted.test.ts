/** A vault that could not be listed from end to end: nobody may take it for one without neighbours. */
import { beforeEach, expect, it } from '@jest/globals';
import { addHours } from '../../src/core/clock.ts';
import { BusyError, KeyturnError } from '../../src/core/errors.ts';
import type { Deps } from '../../src/ports/deps.ts';
import type { SharerRow } from '../../src/ports/rows.ts';
import type { SecretItem, Vault } from '../../src/ports/vault.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import { OnePass, START } from './onePass.ts';

const LAST = addHours(START, -25);
let swept: Map<string, Date>;
let holders: SharerRow[];
beforeEach(() => {
  swept = new Map([
    ['kv1', LAST],
    ['kv2', LAST],
  ]);
  holders = [{ vault: 'kv1', name: 'st-z', target: 'here', handle: 'key1', owes: [] }];
});

const item = (name: string): SecretItem => ({
  ...{ name, enabled: true, createdOn: LAST, updatedOn: LAST, managed: false },
  tags: { rotator: 'fake-key', 'rotator-target': 'here' },
});
/** Two vaults, of which the list of the first one ends like this, after a page. */
function deps(end: () => void): Deps {
  const world = new OnePass();
  const given = world.deps();
  const vault = (name: string): Vault => ({
    ...(given.vaults.open('kv1') as Vault),
    name,
    async *list() {
      yield [item('st-a')];
      if (name === 'kv1') end();
    },
  });
  const rows: Partial<Deps['rows']> = {
    sweptOn: async () => swept,
    secretsOf: async () => [],
    sharersIn: async (name) => holders.filter((each) => each.vault === name),
    addSharers: async (rows) => void holders.push(...rows),
    dropSharer: async (row) => {
      holders = holders.filter((each) => each.name !== row.name || each.vault !== row.vault);
    },
    markSwept: async (name, on) => void swept.set(name, on),
    unlisted: async () => undefined,
    saveUnlisted: async () => undefined,
    dropUnlisted: async () => undefined,
    failuresOf: async () => 0,
  };
  return {
    ...given,
    vaults: { names: ['kv1', 'kv2'], open: vault },
    rows: { ...given.rows, ...rows },
    alerts: { ...given.alerts, async *counted() {} },
  };
}

it.each([
  ['the vault is busy', () => new BusyError('vault-busy')],
  ['it may not be read', () => new KeyturnError('vault-forbidden')],
  ['the table does not answer', () => new BusyError('storage-busy')],
])(
  '%s: it stays listed as long ago as before, is named, and keeps its neighbours',
  async (_, error) => {
    const report = await sweep(
      deps(() => {
        throw error();
      }),
    );
    expect(report.unlisted).toEqual(['kv1']);
    expect([...swept]).toEqual([
      ['kv1', LAST],
      ['kv2', START],
    ]);
    expect(holders).toContainEqual(
      expect.objectContaining({ vault: 'kv1', name: 'st-z', handle: 'key1' }),
    );
  },
);

it('one that ends well is listed now, and whoever is gone from it holds nothing more', async () => {
  const report = await sweep(deps(() => undefined));
  expect(report.unlisted).toEqual([]);
  expect([...swept.values()]).toEqual([START, START]);
  expect(holders.map(({ vault, name }) => `${vault}/${name}`).sort()).toEqual([
    'kv1/st-a',
    'kv2/st-a',
  ]);
});
