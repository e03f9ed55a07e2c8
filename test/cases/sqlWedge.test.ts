/** Cases section 12, no. 7, and SQL-08: killed or cut off at every point, store and server agree again by themselves. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import { movingClock } from './clock.ts';
import type { Tenant } from './harness.ts';
import {
  ADMIN,
  accepts,
  dieWhen,
  dueSql,
  look,
  PASSWORDS,
  rotatedSql,
  startSqlTenant,
} from './sqlStories.ts';
import { callsTo } from './stories.ts';

let tenant: Tenant;
let sql1: SqlServer;
beforeAll(async () => {
  tenant = await startSqlTenant();
  sql1 = tenant.azure.sqlServer('sql1');
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const patches = () => callsTo(tenant, 'arm.sqlServerUpdate');
const polls = () => callsTo(tenant, 'arm.sqlOperation');
const puts = (name: string) => tenant.versions(name).length - 1;
const began = (name: string) => tenant.stateOf(tenant.current(name)).started !== undefined;
/** Current is what the server accepts, after at most `passwords` of them in all. */
async function agreed(name: string, login: string, passwords: number): Promise<void> {
  await tenant.advance({ hours: 2 }, { sweepEvery: 0.25 });
  const { value } = tenant.current(name);
  expect(tenant.versions(name)).toHaveLength(2);
  expect(sql1.accepts(login, value)).toBe(true);
  expect(patches().length + sql1.statements.length).toBeLessThanOrEqual(passwords);
  await tenant.check();
}

describe('SQL-08: the password of the administrator', () => {
  it.each<[string, () => boolean, number]>([
    ['before the PATCH', () => began('adm'), 1],
    ['after its commit', () => patches().length > 0, 2],
    ['during polling', () => polls().length > 1, 2],
    ['after the PUT', () => puts('adm') > 0, 1],
  ])(
    'SQL-08: killed %s: the next pass ends with a current that the server accepts',
    async (_, dead, passwords) => {
      await dueSql(tenant, 'adm');
      await dieWhen(tenant, 'adm', dead);
      await agreed('adm', 'padm', passwords);
    },
  );

  it('SQL-03: killed during polling, then Failed PasswordNotComplex: healed by one more', async () => {
    await dueSql(tenant, 'adm');
    await dieWhen(tenant, 'adm', () => polls().length > 1);
    tenant.azure.fault('arm.sqlServerUpdate', [{ status: 400, code: 'PasswordNotComplex' }]);
    await agreed('adm', 'padm', 3);
  });

  it('SQL-03: the poll is dropped, again and again: a login tells which value is live', async () => {
    await dueSql(tenant, 'adm');
    tenant.azure.outage('arm.sqlOperation', { drop: true });
    await look(tenant, 'adm');
    tenant.azure.heal('arm.sqlOperation');
    await agreed('adm', 'padm', 1);
    expect(tenant.alerts()).toEqual([]);
  });

  it('SDK-01: a PATCH that was applied and not answered: one request, a login, convergence', async () => {
    await dueSql(tenant, 'adm');
    tenant.azure.fault('arm.sqlServerUpdate', [{ commit: true, drop: true }]);
    await look(tenant, 'adm');
    expect(patches()).toHaveLength(1);
    await agreed('adm', 'padm', 1);
  });

  it('SDK-01: a PATCH that arrives two minutes late costs nobody the current value', async () => {
    await dueSql(tenant, 'adm');
    tenant.azure.fault('arm.sqlServerUpdate', [{ lateMs: 120_000 }]);
    await look(tenant, 'adm');
    await agreed('adm', 'padm', 3);
  });

  it('SQL-08: the vault is ahead: the server took the password back, and one more makes them agree', async () => {
    const v2 = await rotatedSql(tenant, 'adm');
    sql1.setPassword(sql1.administrator, ADMIN);
    // At rest it is looked at within a day and a half.
    await tenant.advance({ hours: 40 }, { sweepEvery: 4 });
    const current = tenant.current('adm');
    expect(current.id).not.toBe(v2.id);
    expect(sql1.accepts('padm', current.value)).toBe(true);
    expect(patches()).toHaveLength(2);
    await tenant.check();
  });
});

describe('SQL-08: two logins', () => {
  const live = () => accepts(sql1, tenant.current('db-pw'));

  it.each<[string, () => boolean]>([
    ['before the ALTER', () => began('db-pw')],
    ['after it', () => sql1.statements.length > 0],
    ['after the PUT', () => puts('db-pw') > 0],
  ])(
    'SQL-08: killed %s: whoever reads current can log in at every step, and it ends well',
    async (_, dead) => {
      const v1 = await dueSql(tenant, 'db-pw');
      await dieWhen(tenant, 'db-pw', dead);
      expect([live(), accepts(sql1, v1)]).toEqual([true, true]);
      for (let turn = 0; turn < 8; turn += 1) {
        await tenant.advance({ minutes: 15 }, { sweepEvery: 0.25 });
        expect(live()).toBe(true);
      }
      expect(tenant.versions('db-pw')).toHaveLength(2);
      expect(sql1.statements.length).toBeLessThanOrEqual(2);
      await tenant.check();
    },
  );

  it('SDK-01: an ALTER that was applied and not answered is found by logging in: one statement', async () => {
    await dueSql(tenant, 'db-pw');
    tenant.azure.fault('tds.batch', [{ commit: true, drop: true }]);
    await look(tenant, 'db-pw');
    expect(sql1.statements).toHaveLength(1);
    expect([tenant.versions('db-pw').length, live()]).toEqual([2, true]);
    await tenant.check();
  });

  it('SDK-01: an ALTER that was lost is not known to be: the next one comes after ten minutes', async () => {
    await dueSql(tenant, 'db-pw');
    tenant.azure.fault('tds.batch', [{ drop: true }]);
    await look(tenant, 'db-pw');
    expect(await tenant.row('db-pw')).toMatchObject({ reason: 'settling' });
    expect(live()).toBe(true);
    await tenant.advance({ minutes: 5 }, { sweepEvery: 0.1 });
    expect(sql1.statements).toHaveLength(1);
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.25 });
    expect([sql1.statements.length, tenant.versions('db-pw').length, live()]).toEqual([2, 2, true]);
    await tenant.check();
  });

  it('SDK-01: one that arrives two minutes late is overwritten, and current works throughout', async () => {
    await dueSql(tenant, 'db-pw');
    tenant.azure.fault('tds.batch', [{ lateMs: 120_000 }]);
    await look(tenant, 'db-pw');
    for (let turn = 0; turn < 6; turn += 1) {
      await tenant.advance({ minutes: 10 }, { sweepEvery: 0.25 });
      expect(live()).toBe(true);
    }
    expect(tenant.versions('db-pw')).toHaveLength(2);
    await tenant.check();
  });

  it('killed in the middle of a revocation: the old login goes, the current one never', async () => {
    const v1 = await dueSql(tenant, 'db-pw');
    await look(tenant, 'db-pw');
    await tenant.advance({ hours: 47 }, { sweepEvery: 12 });
    await tenant.advance({ hours: 2 });
    await dieWhen(tenant, 'db-pw', () => !sql1.accepts('app_a', PASSWORDS.app_a));
    expect(live()).toBe(true);
    await tenant.advance({ hours: 3 }, { sweepEvery: 0.5 });
    expect([accepts(sql1, v1), live()]).toEqual([false, true]);
    expect(tenant.versions('db-pw')[0]?.enabled).toBe(false);
    await tenant.check();
  });
});

describe('SQL-08: one login', () => {
  it.each<[string, () => boolean]>([
    ['before the ALTER', () => began('one')],
    ['after it', () => sql1.statements.length > 0],
    ['after the PUT', () => puts('one') > 0],
  ])('SQL-08: killed %s: store and server agree again', async (_, dead) => {
    await dueSql(tenant, 'one');
    await dieWhen(tenant, 'one', dead);
    await agreed('one', 'svc', 2);
  });
});

describe('SQL-08: one login, and a person beside the pass', () => {
  it('what a person sets and stores while the vault is busy is theirs: nothing is set back over it', async () => {
    const byHand = 'Qq0-by-hand-of-a-person-1';
    const v1 = await dueSql(tenant, 'one');
    tenant.azure.outage('keyvault.set', { status: 429 });
    const clock = movingClock();
    let done = false;
    const person = () => {
      if (done || callsTo(tenant, 'keyvault.set').length === 0) return;
      done = true;
      tenant.azure.heal();
      const svc = sql1.login('svc');
      if (svc) sql1.setPassword(svc, byHand);
      tenant.azure.vault('kv1').set('one', byHand, { tags: { ...v1.tags, 'rotator-state': '' } });
    };
    tenant.configure(
      {},
      {
        now: clock.now,
        async sleep(milliseconds) {
          person();
          await clock.sleep(milliseconds);
        },
      },
    );
    await look(tenant, 'one');
    tenant.configure();
    expect(done).toBe(true);
    expect(tenant.current('one').value).toBe(byHand);
    expect(sql1.accepts('svc', byHand)).toBe(true);
  });
});
