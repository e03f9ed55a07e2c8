/** SRV-04: a rotation that ends behind its issue, for whatever reason, has changed the target: it counts, comes rarer and is told once. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import {
  BusyError,
  KeyturnError,
  LockLostError,
  StoppingError,
  UnknownOutcomeError,
} from '../../src/core/errors.ts';
import { isFailure } from '../../src/reconcile/record/failure.ts';
import { walk } from '../jest/form.ts';
import type { Tenant } from './harness.ts';
import { accepts, dueSql, startSqlTenant } from './sqlStories.ts';

let tenant: Tenant;
let sql1: SqlServer;
beforeAll(async () => {
  tenant = await startSqlTenant();
  sql1 = tenant.azure.sqlServer('sql1');
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const days = async (count: number, before: () => void) => {
  for (let hour = 0; hour < 24 * count; hour += 1) {
    before();
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
  }
};

it('SRV-04: the server takes each new password, and then answers nothing: few changes, one alert, the old login untouched', async () => {
  const v1 = await dueSql(tenant, 'db-pw');
  const { setPassword } = sql1;
  sql1.setPassword = (...given) => {
    setPassword.apply(sql1, given);
    tenant.azure.outage('tds.login', { code: '40613' });
  };
  try {
    await days(walk({ whole: 2, short: 0.5 }), () => tenant.azure.heal());
    // Two a try, some 10, 20, 40 … minutes apart; every sweep would have been 96.
    expect(sql1.statements.length).toBeLessThanOrEqual(22);
    expect(sql1.statements.length).toBeGreaterThan(4);
    expect(tenant.alerts('db-pw').map(({ reason }) => reason)).toEqual(['not-accepted']);
    const { failures } = (await tenant.row('db-pw')) ?? {};
    expect(failures).toBeGreaterThan(3);
    expect([tenant.versions('db-pw').length, accepts(sql1, v1)]).toEqual([1, true]);
  } finally {
    sql1.setPassword = setPassword;
    tenant.azure.heal();
  }
  await tenant.advance({ hours: 26 }, { sweepEvery: 2 });
  expect([tenant.versions('db-pw').length, accepts(sql1, tenant.current('db-pw'))]).toEqual([
    2,
    true,
  ]);
});

it('SRV-04: the vault is busy behind the issue: that counts, too', async () => {
  await dueSql(tenant, 'db-pw');
  tenant.azure.outage('keyvault.set', { status: 429 });
  await days(1, () => undefined);
  expect(sql1.statements.length).toBeLessThanOrEqual(20);
  expect((await tenant.row('db-pw'))?.failures).toBeGreaterThan(2);
  tenant.azure.heal();
  await tenant.advance({ hours: 26 }, { sweepEvery: 1 });
  expect([tenant.versions('db-pw').length, accepts(sql1, tenant.current('db-pw'))]).toEqual([
    2,
    true,
  ]);
});

it.each([
  ['busy before the issue', new BusyError('target-busy'), false, false],
  ['busy behind it', new BusyError('target-busy'), true, true],
  ['a busy vault behind it', new BusyError('vault-busy'), true, true],
  ['a refusal behind it', new KeyturnError('cannot-tell'), true, true],
  ['a lost lock behind it', new LockLostError(), true, false],
  ['the word to stop behind it', new StoppingError(), true, false],
  ['an unknown outcome behind it', new UnknownOutcomeError('target-busy'), true, false],
])('SRV-04: %s', (_, error, issued, counts) => {
  expect(isFailure(error, { marked: true, issued })).toBe(counts);
});
