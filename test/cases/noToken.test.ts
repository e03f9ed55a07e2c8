/** VAL-04: an application for which no token can be had is rotated on its days all the same, and told of once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application, Password } from '../../local/azure/applications.ts';
import * as clock from '../../local/clock.ts';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
let app: Application;
let first: Password;

beforeAll(async () => {
  tenant = await startTenant({ env: { KEYTURN_ROTATORS: 'app-registration' } });
});
beforeEach(async () => {
  await tenant.clear();
  app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
  first = app.addPassword({ displayName: 'made by a person', endDateTime: '2038-01-01T00:00:00Z' });
});
afterAll(() => tenant.stop());

function seed(tags: Record<string, string> = {}): void {
  const own = { rotator: 'app-registration', 'rotator-target': app.appId };
  tenant.seed('gr-a', { value: first.secretText, tags: { ...own, ...tags }, policy: 'every=60d' });
}

/** Every request for a token ends in this, as Entra puts it (azure-facts 10). */
function refuses(number: number, status = 401, error = 'invalid_client'): void {
  const description = `AADSTS${number}: no token. Trace ID: 00000000-0000-0000-0000-000000000000`;
  const body = {
    error,
    error_description: description,
    error_codes: [number],
    timestamp: '2027-01-01 00:00:00Z',
  };
  tenant.azure.outage('entra.token', { status, body });
}

const rotations = () => tenant.versions('gr-a').length - 1;
const told = () => tenant.alerts('gr-a').map(({ reason, detail }) => [reason, detail]);

describe('VAL-04: no token can be had', () => {
  it.each([
    ['no service principal in the tenant', 7000229, 401, 'invalid_client', /administrator/],
    ['conditional access', 53003, 400, 'access_denied', /conditional access/],
    ['the tenant is blocked', 5000225, 400, 'invalid_client', /administrator of the tenant/],
    [
      'client secrets are not taken, or whatever else it may be',
      7000999,
      401,
      'invalid_client',
      /sign-in log/,
    ],
  ])(
    'VAL-04: %s (AADSTS%i): rotated on day 60 and by day 121, what is owed waits, told once',
    async (_, number, status, error, who) => {
      refuses(number, status, error);
      seed({ 'rotator-options': 'revoke-adopted=true' });
      await tenant.goTo(tenant.dueOn('gr-a'));
      await tenant.sweepAndSettle();
      expect(rotations()).toBe(1);
      await tenant.advance({ days: 61 }, { sweepEvery: 48 });
      expect(rotations()).toBe(2);
      await tenant.advance({ days: 29 }, { sweepEvery: 48 });
      expect(app.removedOverGraph).toEqual([]);
      for (const { value } of tenant.versions('gr-a')) expect(app.accepts(value)).toBe(true);
      expect(told()).toEqual([['unproved', expect.stringContaining(`AADSTS${number}`)]]);
      expect(told()[0]?.[1]).toMatch(who);
      expect((await tenant.row('gr-a'))?.detail).toContain(`AADSTS${number}`);
      tenant.azure.heal('entra.token');
      await tenant.advance({ days: 3 }, { sweepEvery: 12 });
      const [, ...older] = tenant.versions('gr-a').reverse();
      expect(older.map(({ value }) => app.accepts(value))).toEqual([false, false]);
      await tenant.check({ adopted: [first.keyId] });
    },
  );

  it('VAL-04: from the second rotation on: what it replaced is owed, and the third comes on its day beside both', async () => {
    seed();
    await tenant.goTo(tenant.dueOn('gr-a'));
    await tenant.sweepAndSettle();
    await tenant.advance({ days: 3 }, { sweepEvery: 24 });
    refuses(7000112, 401);
    await tenant.advance({ days: 119 }, { sweepEvery: walk({ whole: 24, short: 60 }) });
    expect(rotations()).toBe(3);
    // The first of Keyturn's has come to its own end by now; nobody removed it.
    expect(app.removedOverGraph).toEqual([]);
    const [, , third, fourth] = tenant.versions('gr-a');
    expect([third, fourth].map((each) => app.accepts(each?.value ?? ''))).toEqual([true, true]);
    expect(told().map(([reason]) => reason)).toEqual(['unproved']);
    await tenant.check();
  });

  it("VAL-04: a person's version is rotated when its own expiry comes near", async () => {
    refuses(7000229);
    const expiresOn = new Date(clock.now() + 20 * 86_400_000);
    tenant.seed('gr-a', {
      value: first.secretText,
      tags: { rotator: 'app-registration', 'rotator-target': app.appId },
      expiresOn,
    });
    await tenant.goTo(new Date(expiresOn.getTime() - 5 * 86_400_000 + 60_000));
    await tenant.sweepAndSettle();
    expect(rotations()).toBe(1);
    await tenant.check();
  });
});
