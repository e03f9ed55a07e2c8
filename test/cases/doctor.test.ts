/** The doctor: whether a rotation will work on its day, told without a write (issue 14). */
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
  const answer = await tenant.request(`/api/vaults/${vault}/secrets/${name}/doctor`, { roles: ['Keyturn.Read'] });
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
    ...['read', 'listKeys/action', 'regenerateKey/action'].map((verb) => `Microsoft.Storage/storageAccounts/${verb}`),
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
  const fleet = DoctorsBody.parse(await (await tenant.request('/api/doctor', { roles: ['Keyturn.Read'] })).json());
  expect(fleet.secrets).toMatchObject([
    { secret: 'a', state: 'at-risk', outcome: 'problem', problems: [{ check: 'rights' }] },
  ]);
  const answer = await tenant.rotate('a', { dryRun: true });
  const { plan } = (await answer.json()) as { plan: { refusal: object; checks: { check: string; passed: boolean }[] } };
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
