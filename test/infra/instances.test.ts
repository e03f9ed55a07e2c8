/** Several installations in one management group, and vaults that have a system topic of their own. */
import { describe, expect, it } from '@jest/globals';
import { ofType, snapshot } from './snapshots.ts';

const LONG = 'tenant-policy-long';
const policy = (name: string, type: string) =>
  ofType(snapshot(name), `Microsoft.Authorization/policy${type}`);
const embedded = (name: string) => {
  const [onboard] = policy(name, 'Definitions').filter((each) =>
    each.name.startsWith('keyturn-onboard-'),
  );
  const { policyRule } = (onboard?.properties ?? {}) as {
    policyRule: {
      then: { details: { deployment: { properties: { parameters: Record<string, unknown> } } } };
    };
  };
  return policyRule.then.details.deployment.properties.parameters;
};

describe('the policy of an instance', () => {
  it('has names of its own, however long the name of the instance: nothing is cut off that tells two apart', () => {
    const instance = 'contoso-production-secrets-west-europe-1';
    expect(instance).toHaveLength(40);
    const assignments = policy(LONG, 'Assignments').map(({ name }) => name);
    expect(assignments).toEqual([
      expect.stringMatching(/^keyturn-co-[a-z0-9]{13}$/),
      expect.stringMatching(/^kt-audit-c-[a-z0-9]{13}$/),
    ]);
    // Azure's limits: learn, resource-name-rules.
    expect(assignments.filter((name) => name.length > 24)).toEqual([]);
    const definitions = [...policy(LONG, 'Definitions'), ...policy(LONG, 'SetDefinitions')].map(
      ({ name }) => name,
    );
    expect(definitions.filter((name) => name.length > 64)).toEqual([]);
    expect(
      definitions.filter((name) => !name.endsWith(instance) && !/-[a-z0-9]{13}$/.test(name)),
    ).toEqual([]);
    expect(new Set([...assignments, ...definitions]).size).toBe(9);
    expect(policy('tenant-policy', 'Assignments').map(({ name }) => name)).toEqual([
      ...['keyturn-keyturn', 'kt-audit-keyturn'],
    ]);
  });

  it('makes topics unless told not to, since a vault that has one can have no other; then it needs no right to the queue', () => {
    expect(embedded('tenant-policy').events).toEqual({ value: true });
    expect(embedded(LONG).events).toEqual({ value: false });
    const targets = (name: string) =>
      ofType(snapshot(name), 'Microsoft.Authorization/roleAssignments')
        .map(({ id }) => /resourceGroups\/rg-keyturn\/providers\/Microsoft\.(\w+)\//.exec(id)?.[1])
        .filter((provider) => provider !== undefined);
    expect(targets('tenant-policy').sort()).toEqual([
      'ManagedIdentity',
      'OperationalInsights',
      'Storage',
      'Storage',
    ]);
    expect(targets(LONG)).toEqual(['OperationalInsights']);
  });
});
