import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { UnknownOutcomeError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { ROTATION, rotatorContract, SECRET, UNTIL } from './rotator.contract.ts';
import { PASSWORDS, type SqlTenant, startSqlTenant, thrown, USERS } from './sql.fixtures.ts';

let tenant: SqlTenant;
beforeAll(async () => {
  tenant = await startSqlTenant();
});
afterAll(() => tenant.azure.stop());
beforeEach(() => tenant.clear());
afterEach(() => expect(tenant.azure.unusedFaults()).toEqual({}));

const bind = (options: Record<string, string> = { login: 'svc' }) =>
  tenant.rotator('sql-single-login').bind({ target: tenant.server.id, options, secret: SECRET });
const first = new Secret(PASSWORDS.svc);
const issue = (target = bind()) => target.issue(ROTATION, [], UNTIL, tenant.stay);

rotatorContract('sql-single-login', async () => ({
  rotator: tenant.rotator('sql-single-login'),
  bind: () => bind(),
  first: { value: first },
  stranger: { value: new Secret('Aa0-nobody-knows-it') },
  stay: tenant.stay,
  changes: () => tenant.azure.changes().length,
  accepts: async ({ value }) => tenant.server.accepts('svc', value.reveal()),
}));

describe('one login', () => {
  it('may be a contained user', async () => {
    const target = bind({ user: 'user_a', database: 'shop' });
    expect(await target.adopt(new Secret(USERS.user_a))).toBe('password');
    const { value } = await issue(target);
    expect(tenant.server.accepts('user_a', value.reveal(), 'shop')).toBe(true);
    expect(target.id).toBe(`${tenant.server.id.toLowerCase()}/databases/shop/logins/user_a`);
    expect(tenant.server.statements.map(({ database }) => database)).toEqual(['shop']);
  });

  it.each(['app@corp.example', "o'neil", 'x]y', 'a"b;c', 'ünïcode', '漢字', ']'.repeat(128)])(
    'SQL-01: the name %j is taken as it is',
    async (login) => {
      tenant.server.createLogin(login, 'Pp0-qq-4722');
      const target = bind({ login });
      expect(await target.adopt(new Secret('Pp0-qq-4722'))).toBe('password');
      const { value } = await issue(target);
      expect(tenant.server.accepts(login, value.reveal())).toBe(true);
      expect(tenant.server.statements).toHaveLength(1);
    },
  );

  it('is the one that the consent has to name', () => {
    expect(bind().logins).toEqual(['svc']);
  });

  it('the value may name it, and no other', async () => {
    expect(await bind().adopt(first, 'SVC')).toBe('password');
    expect((await thrown(bind().adopt(first, 'app_a'))).reason).toBe('bad-value');
  });

  it('SDK-01: a change whose answer was lost is found by logging in', async () => {
    tenant.azure.fault('tds.batch', [{ commit: true, drop: true }]);
    const { value } = await issue();
    expect(tenant.server.accepts('svc', value.reveal())).toBe(true);
    expect(tenant.server.statements).toHaveLength(1);
  });

  it('sends the same password again where it was lost, three times in all', async () => {
    tenant.azure.fault('tds.batch', [{ drop: true }]);
    const { value } = await issue();
    expect(tenant.server.accepts('svc', value.reveal())).toBe(true);
    expect(new Set(tenant.server.statements.map(({ text }) => text)).size).toBe(1);
    tenant.azure.fault('tds.batch', [{ drop: true }, { drop: true }, { drop: true }]);
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
  });

  it('SQL-02: a password that the server refuses is told from one that was lost', async () => {
    tenant.azure.fault('tds.batch', [{ code: '15118' }]);
    const error = await thrown(issue());
    expect(error.reason).toBe('not-accepted');
    expect(error.detail).toContain('The target rejected the password');
    expect(tenant.server.accepts('svc', PASSWORDS.svc)).toBe(true);
  });

  it('SQL-11: no path is no reason to change anything', async () => {
    tenant.server.closed = 40615;
    expect((await thrown(bind().adopt(first))).reason).toBe('no-path');
    expect(await bind().check(first)).toBe('unknown');
    expect((await thrown(issue())).reason).toBe('no-path');
    expect(tenant.azure.writes()).toEqual([]);
  });

  it.each([
    [{}, '`login`'],
    [{ login: 'app_a,app_b' }, 'one name'],
    [{ login: '' }, '1 to 128'],
    [{ login: 'x'.repeat(129) }, '1 to 128'],
    [{ login: 'a\u0000b' }, 'do not print'],
    [{ login: 'app ' }, 'blank'],
    [{ logins: 'svc' }, '"logins"'],
  ])('SQL-01: refuses the options %j', async (options: Record<string, string>, named) => {
    const error = await thrown((async () => bind(options))());
    expect(error.reason).toBe('bad-tags');
    expect(error.detail).toContain(named);
  });
});
