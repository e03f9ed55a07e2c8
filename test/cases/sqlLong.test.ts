/** FN-02 and UA-6 on SQL: an operation that outlasts a worker, and a server that takes no password at all. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import * as movable from '../../local/clock.ts';
import type { Clock } from '../../src/core/clock.ts';
import { movingClock } from './clock.ts';
import type { Tenant } from './harness.ts';
import { ADMIN, dueSql, look, seedSql, startSqlTenant } from './sqlStories.ts';
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
const RUNNING = { status: 200, body: { name: 'op', status: 'InProgress' } };
const MINUTE_MS = 60_000;

/**
 * The first PATCH takes its time: what it sets is in force after so many minutes, and until then its operation runs.
 * Answers what to call whenever the clock may have moved.
 */
function slowUpdate(minutes: number): () => void {
  const setPassword = sql1.setPassword.bind(sql1);
  let wanted: { readonly on: number; readonly apply: () => void } | undefined;
  sql1.setPassword = (login, password) => {
    sql1.setPassword = setPassword;
    wanted = { on: movable.now() + minutes * MINUTE_MS, apply: () => setPassword(login, password) };
    tenant.azure.outage('arm.sqlOperation', RUNNING);
  };
  return () => {
    if (!wanted || movable.now() < wanted.on) return;
    wanted.apply();
    wanted = undefined;
    tenant.azure.heal('arm.sqlOperation');
  };
}

/** A clock that tells `moved` of itself at every use; a process on it dies where `moved` throws. */
function watched(moved: () => void, busy: () => boolean = () => false): Clock {
  const clock = movingClock();
  return {
    now() {
      moved();
      return clock.now();
    },
    async sleep(milliseconds) {
      // Time flies here while a pass sleeps: the other pass gets some of the real one first.
      for (let turns = 0; turns < 200 && busy(); turns += 1) await pause(10);
      await clock.sleep(milliseconds);
      moved();
    },
  };
}

describe('FN-02: timeouts, and what a timeout takes with it', () => {
  it('FN-02: a SQL operation of 12 minutes, the worker killed at minute 6: current logs in, others were served meanwhile', async () => {
    seedSql(tenant, 'one');
    await dueSql(tenant, 'adm');
    const tick = slowUpdate(12);
    const served = () => tenant.versions('one').length > 1;
    let began: number | undefined;
    let killed = false;
    const dying = () => {
      tick();
      if (patches().length > 0) began ??= movable.now();
      killed ||= began !== undefined && movable.now() >= began + 6 * MINUTE_MS;
      if (killed) throw new Error('killed');
    };
    tenant.configure(
      {},
      watched(dying, () => polls().length > 2 && !served()),
    );
    await tenant.event('adm');
    await tenant.until('an operation that is polled', () => polls().length > 0);
    await tenant.event('one');
    await tenant.until('the end of the process', () => killed);
    expect([patches().length, tenant.versions('adm').length, served()]).toEqual([1, 1, true]);

    tenant.configure({}, watched(tick));
    await tenant.settle();
    await tenant.advance({ hours: 2 }, { sweepEvery: 0.25 });
    const current = tenant.current('adm');
    expect(tenant.versions('adm')).toHaveLength(2);
    expect(sql1.accepts('padm', current.value)).toBe(true);
    expect(tenant.stateOf(current).proved).toBe(current.id.slice(0, 8));
    expect(patches().length).toBeLessThanOrEqual(3);
    await tenant.check();
  });

  it('FN-02: one that takes 12 minutes and no worker is killed: one PATCH, in the pass that began it', async () => {
    await dueSql(tenant, 'adm');
    tenant.configure({}, watched(slowUpdate(12)));
    await look(tenant, 'adm');
    expect(patches()).toHaveLength(1);
    expect(tenant.versions('adm')).toHaveLength(2);
    expect(sql1.accepts('padm', tenant.current('adm').value)).toBe(true);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });
});

describe('UA-6: a value that the target will never take', () => {
  it('UA-6, ATK-04: is offered at growing distances and brakes no other target; one alert for each cause, the old one works', async () => {
    await dueSql(tenant, 'adm');
    const refused = {
      status: 400,
      code: 'PasswordNotComplex',
      message: 'Password validation failed.',
    };
    tenant.azure.outage('arm.sqlServerUpdate', refused);
    await look(tenant, 'adm');
    await tenant.advance({ days: 3 }, { sweepEvery: 1 });
    expect(patches().length).toBeLessThanOrEqual(10); // 10 minutes apart, then twice as long each time, then a day
    expect(tenant.alerts('adm').map(({ reason }) => reason)).toEqual(['not-accepted', 'overdue']);
    const before = patches().length;
    await tenant.advance({ days: 1 }, { sweepEvery: 1 });
    expect(patches().length - before).toBeLessThanOrEqual(1);
    expect(sql1.accepts('padm', ADMIN)).toBe(true);
    expect(tenant.versions('adm')).toHaveLength(1);

    tenant.azure.heal('arm.sqlServerUpdate');
    await tenant.advance({ minutes: 30 }); // behind a try of a moment ago, even a person waits ten minutes
    expect((await tenant.rotate('adm')).status).toBe(202);
    await tenant.settle();
    expect(tenant.versions('adm')).toHaveLength(2);
    expect(sql1.accepts('padm', tenant.current('adm').value)).toBe(true);
    await tenant.check();
  });
});
