/** Case EG-06: versions that are born near their expiry, with Event Grid really delivering what each PUT brings about. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
  const { id } = tenant.azure.vault('kv1');
  const endpoint = tenant.host.eventGridUrl('secretEvents');
  await tenant.azure.eventGrid.subscribe({ name: 'keyturn', vaultId: id, endpoint });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/** Ten minutes of clock, in steps of half a minute; whatever is raised is delivered and worked off. */
async function runTenMinutes(
  between: (minute: number) => Promise<unknown> = async () => undefined,
): Promise<void> {
  for (let half = 0; half < 20; half++) {
    await between(half / 2);
    await tenant.azure.eventGrid.idle();
    await tenant.settle(5);
    await tenant.advance({ seconds: 25 });
  }
  await tenant.settle();
}

/** Seconds from creation to expiry of the current version: within a few seconds of the store. */
const life = () => {
  const { exp = 0, created } = tenant.current('st-a');
  return Math.round((exp - created) / 60) * 60;
};
const dueUnder = (policy: string, days: number) => {
  tenant.seed('st-a', { account: 'acct1', policy });
  return tenant.goTo(tenant.dueOn('st-a', { days }));
};

describe('a rotation without end', () => {
  it('does not come from every=7d: one rotation, exp = T+37 d − 1 h, though each PUT may raise events (EG-06)', async () => {
    await dueUnder('every=7d;grace=48h', 7);
    await tenant.event('st-a');
    await runTenMinutes();
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(life()).toBe(37 * DAY_S - HOUR_S);
    await tenant.check();
  });

  it('does not come from a cap of 28 d: events a minute after the PUT and an empty table change nothing (EG-06)', async () => {
    tenant.configure({ KEYTURN_VALIDITY_CAP: '28d' });
    await dueUnder('every=7d;grace=48h', 7);
    await tenant.event('st-a');
    await runTenMinutes(async (minute) => {
      if (minute >= 1) await tenant.event('st-a');
      if (minute === 5) await tenant.own.dropRows();
      if (minute === 6) await tenant.sweep();
    });
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(life()).toBe(28 * DAY_S - HOUR_S);
    expect(tenant.logs('decided').at(-1)).toMatchObject({ step: 'wait' });
    await tenant.check();
  });

  it('every=60d under a cap of 28 d is due at T+503 h 15 min, a week before its expiry (EG-06)', async () => {
    tenant.configure({ KEYTURN_VALIDITY_CAP: '28d' });
    await dueUnder('every=60d;grace=48h', 60);
    await tenant.event('st-a');
    await tenant.settle();
    expect(life()).toBe(671 * HOUR_S);
    const { created } = tenant.current('st-a');
    const dueS = created + 503 * HOUR_S + 15 * 60;
    await tenant.goTo(new Date((dueS - 60) * 1000));
    await tenant.event('st-a');
    await tenant.settle(5);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.advance({ minutes: 2 });
    await tenant.event('st-a');
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(3);
    await tenant.check();
  });
});
