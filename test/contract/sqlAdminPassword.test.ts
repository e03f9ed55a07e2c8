import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BusyError, UnknownOutcomeError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { ROTATION, rotatorContract, SECRET, UNTIL } from './rotator.contract.ts';
import { type SqlTenant, startSqlTenant, thrown } from './sql.fixtures.ts';

let tenant: SqlTenant;
beforeAll(async () => {
  tenant = await startSqlTenant();
});
afterAll(() => tenant.azure.stop());
beforeEach(() => tenant.clear());
afterEach(() => expect(tenant.azure.unusedFaults()).toEqual({}));

const bind = (options: Record<string, string> = {}) =>
  tenant.rotator('sql-admin-password').bind({ target: tenant.server.id, options, secret: SECRET });
const partners = () => bind({ servers: tenant.partner.id });
const OLD = 'Zz0-first-of-chief-1';
const first = new Secret(OLD);
const issue = (target = bind()) => target.issue(ROTATION, [], UNTIL, tenant.stay);
const patches = () => tenant.azure.calls.filter(({ method }) => method === 'PATCH');
const live = (value: string, server = tenant.server) => server.accepts('padm', value);
const FAILED = (code: string) => ({
  status: 200,
  body: {
    name: 'op',
    status: 'Failed',
    startTime: '2027-01-01T00:00:00Z',
    error: { code, message: 'Aa0-echo-of-it' },
  },
});

rotatorContract('sql-admin-password', async () => ({
  rotator: tenant.rotator('sql-admin-password'),
  bind: () => bind(),
  first: { value: first },
  stranger: { value: new Secret('Aa0-nobody-knows-it') },
  stay: tenant.stay,
  changes: () => tenant.azure.changes().length,
  accepts: async ({ value }) => live(value.reveal()),
}));

describe('the password of the administrator', () => {
  it('SQL-06: is the one member of the PATCH, and nothing is PUT', async () => {
    const { value } = await issue();
    expect(tenant.server.patches).toEqual([['properties.administratorLoginPassword']]);
    expect(patches()).toHaveLength(1);
    expect(tenant.azure.calls.filter(({ method }) => method === 'PUT')).toEqual([]);
    expect(live(value.reveal())).toBe(true);
    expect(tenant.server.statements).toEqual([]);
  });

  it('SQL-06: a yes that changes nothing is found out by logging in, and nothing is given back', async () => {
    tenant.azure.fault('arm.sqlServerUpdate', [
      { status: 200, body: { name: 'sql1', properties: {} } },
    ]);
    const error = await thrown(issue());
    expect(error.reason).toBe('not-accepted');
    expect(live(OLD)).toBe(true);
  });

  it('SQL-03: a failure in the poll is read out of its message: the target rejected the password', async () => {
    tenant.azure.fault('arm.sqlServerUpdate', [
      {
        status: 202,
        headers: {
          'azure-asyncoperation': operationOf(),
          'retry-after': '1',
        },
        body: { operation: 'UpsertLogicalServer', startTime: '2027-01-01T00:00:00Z' },
      },
    ]);
    tenant.azure.fault('arm.sqlOperation', [FAILED('PasswordNotComplex')]);
    const error = await thrown(issue());
    expect([error.reason, error.facts.code]).toEqual(['not-accepted', 'PasswordNotComplex']);
    expect(error.detail).toContain('The target rejected the password');
    expect(JSON.stringify([error.detail, error.message])).not.toContain('echo');
    expect(live(OLD)).toBe(true);
  });

  it('SQL-03: a poll that is lost again and again leaves the end unknown: a login tells', async () => {
    tenant.azure.outage('arm.sqlOperation', { drop: true });
    const { value } = await issue();
    expect(live(value.reveal())).toBe(true);
    expect(patches()).toHaveLength(1);
  });

  it('SQL-03: without the right to poll, too', async () => {
    tenant.azure.outage('arm.sqlOperation', { status: 403 });
    const { value } = await issue();
    expect(live(value.reveal())).toBe(true);
    expect(patches()).toHaveLength(1);
  });

  it('SDK-01: a PATCH that was applied and not answered is found by logging in, after one request', async () => {
    tenant.azure.fault('arm.sqlServerUpdate', [{ commit: true, drop: true }]);
    const { value } = await issue();
    expect(live(value.reveal())).toBe(true);
    expect(patches()).toHaveLength(1);
  });

  it('SDK-01: one that was lost is sent again with the same password, three times in all', async () => {
    tenant.azure.fault('arm.sqlServerUpdate', [{ drop: true }, { status: 500 }]);
    const { value } = await issue();
    expect(live(value.reveal())).toBe(true);
    expect(patches()).toHaveLength(3);
    tenant.azure.fault('arm.sqlServerUpdate', [{ drop: true }, { status: 500 }, { status: 503 }]);
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
  });

  it('waits for another change of the server, and sends the same password then', async () => {
    const busy = { status: 409, code: 'UpsertLogicalServerRequestAlreadyInProgress' };
    tenant.azure.fault('arm.sqlServerUpdate', [busy, busy]);
    const { value } = await issue();
    expect(live(value.reveal())).toBe(true);
    expect(patches()).toHaveLength(3);
  });

  it('is busy when the time of the pass is up meanwhile', async () => {
    tenant.azure.outage('arm.sqlServerUpdate', {
      status: 409,
      code: 'UpsertLogicalServerRequestAlreadyInProgress',
    });
    const error = await thrown(bind().issue(ROTATION, [], UNTIL, async () => false));
    expect(error).toBeInstanceOf(BusyError);
    expect(live(OLD)).toBe(true);
  });

  it('has an unknown outcome when the time of the pass is up while it polls', async () => {
    tenant.azure.outage('tds.login', { code: '18456' });
    const error = await thrown(bind().issue(ROTATION, [], UNTIL, async () => false));
    expect(error).toBeInstanceOf(UnknownOutcomeError);
  });

  it('a link in the answer that leads elsewhere is not followed', async () => {
    tenant.azure.fault('arm.sqlServerUpdate', [
      {
        status: 202,
        commit: true,
        headers: { 'azure-asyncoperation': 'https://evil.example/op' },
        body: {},
      },
    ]);
    const { value } = await issue();
    expect(live(value.reveal())).toBe(true);
    expect(patches()).toHaveLength(1);
  });

  it('SQL-05: an Entra-only server is an obstacle, and gets no PATCH', async () => {
    tenant.server.entraOnly = true;
    const { obstacles } = await bind().inspect();
    expect(obstacles).toMatchObject([
      { reason: 'entra-only', detail: expect.stringContaining('drop the secret') },
    ]);
    expect((await thrown(issue())).reason).toBe('entra-only');
    expect(patches()).toEqual([]);
  });

  it('SQL-05: one that shows it only at the write is told by its code', async () => {
    tenant.azure.fault('arm.sqlServerUpdate', [
      { status: 400, code: 'AadOnlyAuthenticationIsEnabled' },
    ]);
    expect((await thrown(issue())).reason).toBe('entra-only');
  });

  it('SQL-09: both halves take the one password', async () => {
    const { value } = await issue(partners());
    expect(live(value.reveal())).toBe(true);
    expect(live(value.reveal(), tenant.partner)).toBe(true);
  });

  it('SQL-09: where a partner does not take it, the old one is set back, and both are named', async () => {
    const target = partners();
    expect(await target.adopt(first)).toBe('password');
    tenant.azure.fault('arm.sqlServerUpdate', [
      {},
      { status: 500 },
      { status: 500 },
      { status: 500 },
    ]);
    const error = await thrown(issue(target));
    expect(error.reason).toBe('not-accepted');
    expect(error.detail).toMatch(/sql1.*sql2.*was set back/);
    expect([live(OLD), live(OLD, tenant.partner)]).toEqual([true, true]);
  });

  it('SQL-11: without a path nothing is tried', async () => {
    tenant.server.closed = 'socket';
    expect((await thrown(bind().adopt(first))).reason).toBe('no-path');
    expect(await bind().check(first)).toBe('unknown');
    expect(patches()).toEqual([]);
  });

  it('SQL-11: `arm-only` takes the word of Azure, and says so', async () => {
    tenant.server.closed = 40615;
    const target = bind({ 'arm-only': 'true' });
    expect(await target.adopt(first)).toBe('password');
    const { value } = await issue(target);
    expect(await target.check(value)).toBe('vouched');
    tenant.server.closed = undefined;
    expect(await bind({ 'arm-only': 'true' }).check(value)).toBe('accepted');
    expect(await bind({ 'arm-only': 'true' }).check(first)).toBe('refused');
  });

  it('the value may name the administrator, and nobody else', async () => {
    expect(await bind().adopt(first, 'PADM')).toBe('password');
    expect((await thrown(bind().adopt(first, 'app_a'))).reason).toBe('bad-value');
  });

  it.each([
    [{ 'arm-only': 'yes' }, '"arm-only"'],
    [{ logins: 'padm' }, '"logins"'],
    [{ servers: '' }, 'servers'],
    [{ servers: '//evil.example/rg1/sql1' }, 'servers'],
  ])('refuses the options %j, naming the tag', async (options: Record<string, string>, named) => {
    const error = await thrown((async () => bind(options))());
    expect(error.reason).toBe('bad-tags');
    expect(error.detail).toContain(named);
  });
});

const operationOf = () =>
  `${tenant.azure.url('management')}/subscriptions/${tenant.azure.world.subscriptionId}/providers/Microsoft.Sql/locations/westeurope/serverAzureAsyncOperation/op?api-version=2022-08-01-preview`;
