/** SRV-02: a stored password that the server calls wrong is tried once, however often the secret is looked at. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Tenant } from './harness.ts';
import { heldIn, look, rotatedSql, SEEDS, seedSql, startSqlTenant } from './sqlStories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startSqlTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

/** Those that the server refuses: Keyturn's own, by which it asks for its rights once a day, guess nothing. */
const logins = () =>
  tenant.azure.calls.filter(({ route, status }) => route === 'tds.login' && status !== 200).length;
/** SQL Server's 18456 is "wrong, or not yet effective": one try with its repetitions. */
const ONE_TRY = 4;
const stale = (name: string) =>
  name === 'db-pw' || name === 'users'
    ? JSON.stringify({
        ...heldIn({ value: SEEDS[name]?.value ?? '{}' } as never),
        password: 'Xx0-of-last-year-1',
      })
    : 'Xx0-of-last-year-1';

it.each(['db-pw', 'users', 'one', 'adm'])(
  'SRV-02: %s: tried at the first look, and at no look after it',
  async (name) => {
    seedSql(tenant, name, { value: stale(name) });
    await tenant.sweepAndSettle();
    const first = logins();
    expect([first, tenant.alerts(name).map(({ reason }) => reason)]).toEqual([
      ONE_TRY,
      ['unknown-value'],
    ]);
    for (let day = 0; day < 3; day += 1) {
      await look(tenant, name);
      await tenant.advance({ hours: 24 }, { sweepEvery: 4 });
    }
    expect(logins()).toBe(first);
    // Another value: once more.
    seedSql(tenant, name, { value: stale(name).replace('last-year', 'two-years') });
    await tenant.advance({ hours: 48 }, { sweepEvery: 4 });
    expect(logins()).toBe(2 * ONE_TRY);
  },
);

it('SRV-02: the row keeps no password and no text that leads to one, and a row without tries reads as before', async () => {
  seedSql(tenant, 'one', { value: stale('one') });
  await tenant.sweepAndSettle();
  const { wrong } = (await tenant.row('one')) as { wrong: unknown };
  expect(wrong).toEqual([
    {
      handle: 'password',
      digest: expect.stringMatching(/^[0-9a-f]{8}$/),
      on: expect.stringMatching(/^\d{4}-/),
    },
  ]);
  expect(JSON.stringify(await tenant.row('one'))).not.toContain('last-year');
});

it('SRV-02: looks that come no further than the server do not forget it', async () => {
  seedSql(tenant, 'db-pw', { value: stale('db-pw') });
  await tenant.sweepAndSettle();
  for (const route of ['arm.sqlServer', 'arm.roleAssignments']) {
    tenant.azure.outage(route, { status: 503 });
    await look(tenant, 'db-pw');
    await tenant.advance({ hours: 6 }, { sweepEvery: 1 });
    tenant.azure.heal();
    await tenant.advance({ hours: 30 }, { sweepEvery: 2 });
  }
  expect(logins()).toBe(ONE_TRY);
});

it('SRV-02: with the table lost it is tried once more, and that is all', async () => {
  seedSql(tenant, 'db-pw', { value: stale('db-pw') });
  await tenant.sweepAndSettle();
  await tenant.own.clear();
  await tenant.advance({ hours: 30 }, { sweepEvery: 2 });
  expect(logins()).toBe(2 * ONE_TRY);
});

it('SRV-02: at rest a right one is tried once a day, and a heal asks no more than it must', async () => {
  const v2 = await rotatedSql(tenant, 'db-pw');
  await tenant.advance({ hours: 72 }, { sweepEvery: 6 });
  const sql1 = tenant.azure.sqlServer('sql1');
  const login = sql1.login(heldIn(v2).username);
  if (login) sql1.setPassword(login, 'Qq0-by-a-person-1');
  tenant.azure.calls.length = 0;
  await tenant.advance({ hours: 40 }, { sweepEvery: 4 });
  expect(tenant.versions('db-pw')).toHaveLength(3);
  // The stored one, refused, and again when it is revoked; Keyturn's own for the statements, the new one before and after the store.
  expect(logins()).toBeLessThanOrEqual(2 * ONE_TRY + 8);
});
