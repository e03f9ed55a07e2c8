/**
 * PRF-01: a PUT that arrives after another pass has rotated brings a dead password into the vault. What works stands in an
 * older version: it is stored again at the next look, and nothing at the server is touched for it.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import * as clock from '../../local/clock.ts';
import type { Tenant } from './harness.ts';
import { sqlAccepted } from './sqlServers.ts';
import { dieWhen, dueSql, look, startSqlTenant } from './sqlStories.ts';
import { callsTo } from './stories.ts';

let tenant: Tenant;
let sql1: SqlServer;
beforeAll(async () => {
  tenant = await startSqlTenant();
  sql1 = tenant.azure.sqlServer('sql1');
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const isIn = (name: string) => sqlAccepted(tenant.azure, tenant.current(name)) === true;
const changes = () => sql1.statements.length + sql1.patches.length;
const puts = () => callsTo(tenant, 'keyvault.set').length;

/** Due, and killed with its PUT on the way; then rotated by another pass, and proved. */
async function sentLate(name: string, minutes: number): Promise<number> {
  await dueSql(tenant, name);
  tenant.azure.fault('keyvault.set', [{ lateMs: minutes * 60_000 }]);
  const sent = puts();
  let on = 0;
  await dieWhen(tenant, name, () => {
    if (on === 0 && puts() > sent) on = clock.now();
    return on > 0;
  });
  return on + minutes * 60_000;
}

/** Up to the packet's arrival, and what the next look makes of it. */
async function landed(name: string, on: number, rotations: number): Promise<void> {
  while (clock.now() + 26 * HOUR_MS < on) await tenant.advance({ hours: 24 }, { sweepEvery: 24 });
  while (clock.now() + 90_000 < on) {
    await tenant.advance({ seconds: Math.min(HOUR_MS, on - 60_000 - clock.now()) / 1000 });
    await tenant.sweepAndSettle(30);
  }
  expect([tenant.versions(name).length, isIn(name)]).toEqual([rotations + 1, true]);
  const before = changes();
  clock.advance({ minutes: 2 });
  await tenant.until('the late version', () => tenant.versions(name).length === rotations + 2);
  expect(isIn(name)).toBe(false);
  await look(tenant, name);
  expect([tenant.versions(name).length, isIn(name), changes()]).toEqual([
    rotations + 3,
    true,
    before,
  ]);
}

const HOUR_MS = 3_600_000;

it.each<[name: string, after: string, minutes: number, rotations: number]>([
  ['db-pw', '16 minutes', 16, 1],
  ['users', '16 minutes', 16, 1],
  ['one', '16 minutes', 16, 1],
  ['adm', '16 minutes', 16, 1],
  ['db-pw', '62 days, after two rotations', 62 * 24 * 60, 2],
])(
  'PRF-01: %s: a PUT of a killed worker lands after %s: healed at the next look',
  async (name, _, minutes, rotations) => {
    const on = await sentLate(name, minutes);
    await tenant.advance({ minutes: 10 });
    await tenant.sweepAndSettle(30);
    await landed(name, on, rotations);
    await tenant.advance({ hours: 52 }, { sweepEvery: 4 });
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  },
);
