/**
 * PRF-04: one password has been set and the vault does not have it, when an apply replaces every tag: the mark of the begun
 * rotation is gone from the vault, and what the server takes nobody knows. The row has the mark, too, and the next look goes on.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import type { Tenant } from './harness.ts';
import { sqlAccepted } from './sqlServers.ts';
import { dieWhen, dueSql, look, SEEDS, startSqlTenant } from './sqlStories.ts';

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
/** The tags of the infrastructure code, and nothing else. */
function apply(name: string): void {
  const { tags = {}, id } = tenant.current(name);
  const { 'rotator-state': state, ...own } = tags;
  expect(state).toContain('started=');
  tenant.azure.vault('kv1').retag(name, id, { ...own, cost: '42' });
}
/** As another tool does it that has value and tags: a version of its own. */
function writeAgain(name: string): void {
  const { value, tags = {} } = tenant.current(name);
  const { 'rotator-state': _, ...own } = tags;
  tenant.azure.vault('kv1').put(name, { value, tags: own, contentType: 'text/x-login' });
}

async function healed(name: string): Promise<void> {
  await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
  expect(isIn(name)).toBe(true);
  expect(tenant.stateOf(tenant.current(name)).rot).toBeDefined();
  expect(tenant.alerts(name)).toEqual([]);
  await tenant.check();
}

it.each([
  ['one', 'replaces all tags', apply],
  ['adm', 'replaces all tags', apply],
  ['one', 'writes value and tags again', writeAgain],
] as const)(
  'PRF-04: %s: killed after the new password was set, and an apply %s',
  async (name, _, act) => {
    expect(SEEDS[name]).toBeDefined();
    await dueSql(tenant, name);
    const before = changes();
    let wiped = false;
    await dieWhen(tenant, name, () => {
      const dead = changes() > before;
      if (dead && !wiped) act(name);
      wiped ||= dead;
      return dead;
    });
    await healed(name);
  },
);

it('PRF-04: the vault refuses the version, the server the old password, and an apply wipes the mark', async () => {
  await dueSql(tenant, 'one');
  tenant.azure.fault('keyvault.set', [{ status: 403, code: 'Forbidden' }]);
  tenant.azure.fault('tds.batch', [{}, { drop: true }, { drop: true }, { drop: true }]);
  await look(tenant, 'one');
  expect(isIn('one')).toBe(false);
  apply('one');
  await healed('one');
});
