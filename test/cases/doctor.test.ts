/** The doctor: whether a rotation will work on its day, told without a write. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { DoctorBody, DoctorsBody } from '../../src/api/doctorBody.ts';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  await tenant.sweepAndSettle(); // the index
});
afterAll(() => tenant.stop());

type Doctor = z.infer<typeof DoctorBody>;
async function doctor(name = 'a', vault = 'kv1'): Promise<Doctor> {
  const answer = await tenant.request(`/api/vaults/${vault}/secrets/${name}/doctor`, {
    roles: ['Keyturn.Read'],
  });
  expect(answer.status).toBe(200);
  return DoctorBody.parse(await answer.json());
}
const problems = ({ findings }: Doctor) => findings.filter(({ outcome }) => outcome === 'problem');

it('DOC-01: names every action of the role, finds nothing on a sound secret, and writes nothing', async () => {
  tenant.seed('a', { account: 'acct1' });
  await tenant.sweepAndSettle();
  const before = tenant.azure.writes().length;
  const found = await doctor();
  expect(problems(found)).toEqual([]);
  const rights = found.findings
    .filter(({ check }) => check === 'rights')
    .map(({ detail = '' }) => detail.split(':')[0]);
  expect(rights).toEqual([
    ...['read', 'listKeys/action', 'regenerateKey/action'].map(
      (verb) => `Microsoft.Storage/storageAccounts/${verb}`,
    ),
    ...['getSecret', 'readMetadata', 'setSecret', 'update'].map(
      (verb) => `Microsoft.KeyVault/vaults/secrets/${verb}/action`,
    ),
  ]);
  expect(tenant.azure.writes()).toHaveLength(before);
});

it('DOC-02: a right that is missing is at risk by the daily look, in the fleet and in a dry run that is too soon', async () => {
  tenant.seed('a', { account: 'acct1' });
  for (const grant of tenant.azure.world.roles.all)
    grant.actions = (grant.actions ?? []).filter((action) => !/regenerateKey/i.test(action));
  await tenant.sweepAndSettle();
  expect(await tenant.row('a')).toMatchObject({ reason: 'not-due', view: { state: 'at-risk' } });
  const fleet = DoctorsBody.parse(
    await (await tenant.request('/api/doctor', { roles: ['Keyturn.Read'] })).json(),
  );
  expect(fleet.secrets).toMatchObject([
    { secret: 'a', state: 'at-risk', outcome: 'problem', problems: [{ check: 'rights' }] },
  ]);
  const answer = await tenant.rotate('a', { dryRun: true });
  const { plan } = (await answer.json()) as {
    plan: { refusal: object; checks: { check: string; passed: boolean }[] };
  };
  expect(plan.refusal).toMatchObject({ reason: 'too-soon' });
  expect(plan.checks.filter(({ passed }) => !passed)).toMatchObject([
    { check: 'age', reason: 'too-soon' },
    {
      check: 'rights',
      reason: 'target-forbidden',
      remedy: expect.stringMatching(/^az deployment group create .*consent\.sh/),
    },
  ]);
});

/** What the doctor asks beside what a look reads by itself. */
const ASKED = [
  'arm.permissions',
  'arm.locks',
  'arm.eventSubscriptions',
  'arm.systemTopics',
  'arm.topicSubscriptions',
];

it('DOC-07: the daily look costs two requests more at most, and no further GET of the vault', async () => {
  tenant.seed('a', { account: 'acct1' });
  tenant.seed('b', { account: 'acct2', vault: 'kv2' });
  tenant.azure.calls.length = 0;
  const asked: string[] = [];
  for (let day = 0; day < 9; day += 1) {
    const from = tenant.azure.calls.length;
    await tenant.advance({ days: 1 }, { sweepEvery: 3 });
    const calls = tenant.azure.calls.slice(from);
    for (const [vault, account] of [
      ['kv1', 'acct1'],
      ['kv2', 'acct2'],
    ] as const) {
      const own = calls.filter(
        ({ route, path }) =>
          ASKED.includes(route) &&
          (path.includes(`/vaults/${vault}/`) || path.includes(`/${account}/`)),
      );
      expect(own.length).toBeLessThanOrEqual(2);
      if (vault === 'kv1') asked.push(...own.map(({ route }) => route));
      // One look a day and eight sweeps: the tags of the vault are read for those.
      expect(
        calls.filter(({ route, path }) => route === 'arm.vault' && path.endsWith(vault)).length,
      ).toBeLessThanOrEqual(9);
    }
    const topics = calls.filter(({ route }) => route === 'arm.systemTopics');
    expect(topics.length).toBeLessThanOrEqual(2); // one for each of the two
  }
  expect(asked.filter((route) => route === 'arm.permissions').length).toBeGreaterThanOrEqual(12);
  expect(asked.filter((route) => route === 'arm.eventSubscriptions').length).toBeGreaterThanOrEqual(
    1,
  );
  expect(tenant.azure.writes()).toEqual([]);
});

it('DOC-08: what the row keeps is bounded, and holds nothing of the value', async () => {
  tenant.seed('a', { account: 'acct1', policy: 'paused=true' });
  const account = tenant.azure.account('acct1');
  Object.assign(account, { allowSharedKeyAccess: false, sasExpirationPeriod: '5.00:00:00' });
  for (const grant of tenant.azure.world.roles.all) {
    grant.actions = (grant.actions ?? []).filter(
      (action) => !/listKeys|regenerateKey/i.test(action),
    );
    grant.dataActions = (grant.dataActions ?? []).filter(
      (action) => !/setSecret|update/.test(action),
    );
  }
  await tenant.sweepAndSettle();
  const { doctor: kept } = (await tenant.row('a')) as {
    doctor: { problems: { reason: string; remedy: string }[] };
  };
  expect(new Set(kept.problems.map(({ reason }) => reason))).toEqual(
    new Set(['keys-off', 'short-grace', 'paused', 'target-forbidden', 'vault-forbidden']),
  );
  const text = JSON.stringify(kept);
  expect(text.length).toBeLessThan(12_000);
  for (const slot of ['key1', 'key2'] as const)
    expect(text).not.toContain(account.key(slot).slice(0, 12));
  for (const { remedy } of kept.problems) expect(remedy.length).toBeGreaterThan(10);
});

it('DOC-09: the fleet comes by pages, by vault and by owner, and a word that it does not know is refused', async () => {
  tenant.seed('a', { account: 'acct1', tags: { owner: 'team-a' } });
  tenant.seed('b', { account: 'acct2', vault: 'kv2', tags: { owner: 'team-b' } });
  await tenant.sweepAndSettle();
  const fleet = async (query: string) => {
    const answer = await tenant.request(`/api/doctor${query}`, { roles: ['Keyturn.Read'] });
    if (answer.status !== 200) return answer.status;
    return DoctorsBody.parse(await answer.json()).secrets.map(
      ({ vault, secret }) => `${vault}/${secret}`,
    );
  };
  expect(await fleet('')).toEqual(['kv1/a', 'kv2/b']);
  expect(await fleet('?vault=KV2')).toEqual(['kv2/b']);
  expect(await fleet('?owner=team-a')).toEqual(['kv1/a']);
  expect([
    await fleet('?state=ok'),
    await fleet('?vault=..'),
    await fleet('?vault=kv1&vault=kv2'),
  ]).toEqual([400, 400, 400]);
});

it('DOC-10: tags that do not bind are one finding, what another may not see is 404', async () => {
  tenant.seed('a', { account: 'acct1', policy: 'every=soon' });
  await tenant.sweepAndSettle();
  expect(problems(await doctor())).toMatchObject([
    { check: 'tags', reason: 'bad-tags', who: 'secret owner' },
  ]);
  const strange = await tenant.request('/api/vaults/kv1/secrets/nowhere/doctor', {
    roles: ['Keyturn.Read'],
  });
  expect(strange.status).toBe(404);
});
