/** COR-05: the limits of a vault are the vault's. Keyturn bounds its own tag, and measures what its kinds really make. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Tenant } from './harness.ts';
import { dueSql, look, PASSWORDS, startSqlTenant } from './sqlStories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startSqlTenant();
});
beforeEach(() => tenant.clear());
afterEach(() => {
  tenant.azure.vault('kv1').tagLength = 256;
});
afterAll(() => tenant.stop());

const LIMIT = 25_600;

describe('COR-05: tags of the owner', () => {
  const long = { owner: 'team', note: 'n'.repeat(300) };
  const tag = (name: string) => {
    const { id, tags = {} } = tenant.current(name);
    tenant.azure.vault('kv1').retag(name, id, { ...tags, ...long });
  };

  it.each(['db-pw', 'one'])(
    'COR-05: %s: one of 300 characters is carried along by a vault that takes 512',
    async (name) => {
      tenant.azure.vault('kv1').tagLength = 512;
      await dueSql(tenant, name);
      tag(name);
      await look(tenant, name);
      expect(tenant.versions(name)).toHaveLength(2);
      expect(tenant.current(name).tags).toMatchObject(long);
      await tenant.advance({ hours: 52 }, { sweepEvery: 6 });
      expect(tenant.current(name).tags).toMatchObject(long);
      expect(tenant.alerts()).toEqual([]);
      await tenant.check();
    },
  );

  it('COR-05: where the vault takes 256, it says so before anything is touched, by the name of the tag', async () => {
    const server = tenant.azure.sqlServer('sql1');
    await dueSql(tenant, 'db-pw');
    tag('db-pw');
    await look(tenant, 'db-pw');
    expect(await tenant.row('db-pw')).toMatchObject({
      ...{ step: 'refuse', reason: 'too-large' },
      detail: expect.stringMatching(/"note", whose value has 300 characters/),
    });
    expect([tenant.versions('db-pw').length, server.statements.length]).toEqual([1, 0]);
    expect(tenant.alerts('db-pw').map(({ reason }) => reason)).toEqual(['too-large']);
    await tenant.check();
  });
});

describe('COR-05: the size of a value', () => {
  const filled = (bytes: number, password: string = PASSWORDS.app_a) => {
    const empty = JSON.stringify({ username: 'app_a', password, note: '' });
    return JSON.stringify({ username: 'app_a', password, note: 'n'.repeat(bytes - empty.length) });
  };

  it.each([25_300, LIMIT - 40 + PASSWORDS.app_a.length])(
    'COR-05: %i bytes with a password are rotated',
    async (bytes) => {
      await dueSql(tenant, 'db-pw', { value: filled(bytes) });
      await look(tenant, 'db-pw');
      expect(tenant.versions('db-pw')).toHaveLength(2);
      expect(Buffer.byteLength(tenant.current('db-pw').value)).toBeLessThanOrEqual(LIMIT);
      expect(tenant.alerts()).toEqual([]);
      await tenant.check();
    },
  );

  it('COR-05: one byte more than its successor would have room for is refused before anything is touched', async () => {
    await dueSql(tenant, 'db-pw', { value: filled(LIMIT - 40 + PASSWORDS.app_a.length + 1) });
    await look(tenant, 'db-pw');
    expect(await tenant.row('db-pw')).toMatchObject({ step: 'refuse', reason: 'too-large' });
    expect(tenant.azure.writes()).toEqual([]);
  });

  it.each(['one', 'adm'])('COR-05: %s, in a document of 25,500 bytes', async (name) => {
    await dueSql(tenant, name);
    const { value, tags = {} } = tenant.current(name);
    const document = JSON.stringify({
      password: value,
      note: 'n'.repeat(25_500 - value.length - 30),
    });
    const options = [tags['rotator-options'], 'field=password'].filter(Boolean).join(';');
    tenant.seed(name, { value: document, tags: { ...tags, 'rotator-options': options } });
    await tenant.goTo(tenant.dueOn(name));
    await look(tenant, name);
    expect(tenant.versions(name)).toHaveLength(3);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });
});
