/** Alerts that many workers count in one table: who is first, what is kept, what is told. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import type { Alerts, CountedAlert } from '../../src/ports/alerts.ts';
import { tableAlerts } from '../../src/store/alertTable.ts';
import { type Account, hasty, startAccount } from './store.fixtures.ts';

let account: Account;
let alerts: Alerts;
let other: Alerts;
let vault: string;
let count = 0;

beforeAll(async () => {
  clock.install();
  account = await startAccount();
  alerts = tableAlerts(account.own, hasty);
  other = tableAlerts(account.own, hasty);
});
afterAll(() => account.azurite.stop());
beforeEach(() => {
  vault = `kv${++count}`;
});
afterEach(() => clock.reset());

async function counted(): Promise<CountedAlert[]> {
  const found: CountedAlert[] = [];
  for await (const page of alerts.counted()) found.push(...page);
  return found.filter((alert) => alert.vault === vault);
}

describe('the hour of a reason in a vault', () => {
  it('has one first alert, whichever of two workers sees it', async () => {
    const asked = Array.from({ length: 10 }, (_, at) =>
      (at % 2 ? alerts : other).isFirst(vault, 'no-consent'),
    );
    expect((await Promise.all(asked)).filter((first) => first)).toHaveLength(1);
    expect(await other.isFirst(vault, 'no-consent')).toBe(false);
  });

  it('says nothing of another reason or another vault', async () => {
    await alerts.isFirst(vault, 'no-consent');
    expect(await alerts.isFirst(vault, 'bad-tags')).toBe(true);
    expect(await alerts.isFirst(`${vault}b`, 'no-consent')).toBe(true);
  });

  it('is over after an hour', async () => {
    await alerts.isFirst(vault, 'no-consent');
    clock.advance({ minutes: 59 });
    expect(await alerts.isFirst(vault, 'no-consent')).toBe(false);
    clock.advance({ minutes: 1 });
    expect(await alerts.isFirst(vault, 'no-consent')).toBe(true);
    expect(await alerts.isFirst(vault, 'no-consent')).toBe(false);
  });

  it.each<[string, (row: string) => unknown]>([
    ['lies years ahead', (row) => JSON.stringify({ group: row, on: '2099-01-01T00:00:00.000Z' })],
    ['is another group', () => JSON.stringify({ group: 'kv9.no-consent', on: new Date() })],
    ['is no JSON', () => '<img>'],
    ['is a number', () => 7],
  ])('counts for nothing when its row %s (SEC-07)', async (_title, json) => {
    await alerts.isFirst(vault, 'no-consent');
    const rowKey = `${vault}.no-consent`;
    await account.raw.updateEntity(
      { partitionKey: 'alert-hours', rowKey, json: json(rowKey) },
      'Replace',
    );
    expect(await alerts.isFirst(vault, 'no-consent')).toBe(true);
  });
});

describe('counted alerts', () => {
  const alert = (name: string, more: Partial<CountedAlert> = {}): CountedAlert => ({
    ...{ vault, name, reason: 'no-consent' },
    ...more,
  });

  it('are kept until they are told, once each', async () => {
    const owedSince = new Date('2027-01-01T00:00:00Z');
    await alerts.count(alert('St-A'));
    await alerts.count(alert('st-a'));
    await alerts.count(alert('st-a', { reason: 'drift', owedSince }));
    expect(await counted()).toEqual([alert('st-a', { reason: 'drift', owedSince }), alert('st-a')]);
    await other.told([alert('st-a')]);
    expect(await counted()).toEqual([alert('st-a', { reason: 'drift', owedSince })]);
  });

  it('are forgotten by hundreds, also when another sweep forgot some of them already', async () => {
    const all = Array.from({ length: 250 }, (_, at) => alert(`st-${at}`));
    await Promise.all(all.map((each) => alerts.count(each)));
    expect(await counted()).toHaveLength(250);
    await other.told(all.slice(90, 110));
    await alerts.told(all);
    expect(await counted()).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['that names no reason of ours', { reason: '<img src=x>' }],
    ['of another secret', { name: 'st-b' }],
    ['with a column more', { value: 'x' }],
  ])('are none in a row %s (SEC-07)', async (_title, more) => {
    const json = JSON.stringify({ ...alert('st-a'), ...(more as object) });
    await account.raw.upsertEntity({
      partitionKey: 'alerts-counted',
      rowKey: `${vault}.no-consent.st-a`,
      json,
    });
    expect(await counted()).toEqual([]);
  });
});
