/** Vaults, targets and whole management groups: what onboarding makes of them, and what it leaves alone. */
import { describe, expect, it } from '@jest/globals';
import { rolesFile } from '../../scripts/infra/roles.ts';
import {
  compiled,
  ofType,
  type Predicted,
  readJson,
  snapshot,
  snapshotNames,
  templatesIn,
  textsIn,
} from './snapshots.ts';

const only = (name: string, type: string): Predicted => {
  const found = ofType(snapshot(name), type);
  expect(found).toHaveLength(1);
  return found[0] as Predicted;
};
const SUBSCRIPTION = 'Microsoft.EventGrid/systemTopics/eventSubscriptions';
const TOPIC = 'Microsoft.EventGrid/systemTopics';
const ROLE = 'Microsoft.Authorization/roleDefinitions';
const ASSIGNMENT = 'Microsoft.Authorization/roleAssignments';

describe('roles of a management group', () => {
  it('OPS-08: are made once, and vaults and targets below take them instead of a role for each group and kind', () => {
    const shared = ofType(snapshot('roles'), ROLE);
    const nameOf = (role: string) =>
      shared.find(({ properties }) => properties?.roleName === role)?.name;
    expect(shared).toHaveLength(3);
    expect(ofType(snapshot('vault-shared'), ROLE)).toEqual([]);
    const given = ofType(snapshot('vault-shared'), ASSIGNMENT).map(({ properties }) =>
      String(properties?.roleDefinitionId),
    );
    expect(
      given.filter((id) => id.endsWith(`/${nameOf('Keyturn vault (mg-golden)')}`)),
    ).toHaveLength(1);
    // Of a target infra/scripts/consent.sh takes it as --role-id, and then deploys none.
    expect(nameOf('Keyturn storage-account-key (mg-golden)')).toMatch(/^[0-9a-f-]{36}$/);
    const scopes = shared.map(({ properties }) => properties?.assignableScopes);
    expect(new Set(scopes.flat())).toEqual(
      new Set(['/providers/Microsoft.Management/managementGroups/mg-golden']),
    );
    // The other way is there for those who may write no role so high up.
    for (const name of ['vault', 'target']) expect(ofType(snapshot(name), ROLE)).toHaveLength(1);
  });

  it('OPS-08: allow what those of a group allow, action for action', () => {
    const rightsOf = (resources: readonly Predicted[], role: RegExp) =>
      ofType(resources, ROLE).find(({ properties }) => role.test(String(properties?.roleName)))
        ?.properties?.permissions;
    for (const [name, role] of [
      ['vault', /^Keyturn vault /],
      ['target', /^Keyturn storage-account-key /],
    ] as const) {
      expect(rightsOf(snapshot('roles'), role)).toBeDefined();
      expect(rightsOf(snapshot('roles'), role)).toEqual(rightsOf(snapshot(name), role));
    }
  });
});

describe('a vault', () => {
  it('is never defined: neither its access policies nor its settings are in any template (KV-10)', () => {
    const vaults = snapshotNames.flatMap((name) =>
      ofType(snapshot(name), 'Microsoft.KeyVault/vaults'),
    );
    expect(vaults).toEqual([]);
    const defined = compiled
      .flatMap((file) => templatesIn(readJson(`compiled/${file}`)))
      .flatMap(({ resources }) =>
        Object.values(resources as Record<string, { type: string; existing?: boolean }>),
      )
      .filter(({ type, existing }) => /^Microsoft\.KeyVault\/vaults/i.test(type) && !existing);
    expect(defined).toEqual([]);
  });

  it('is onboarded twice, in whatever spelling, with one of everything and no conflict', () => {
    const resources = snapshot('twice');
    const half = resources.length / 2;
    const lower = (value: unknown): unknown => JSON.parse(JSON.stringify(value).toLowerCase());
    expect(half).toBeGreaterThan(6);
    expect(lower(resources.slice(half))).toEqual(lower(resources.slice(0, half)));
    const ids = resources.map(({ id }) => id.toLowerCase());
    expect(new Set(ids).size).toBe(half);
  });

  it('that has a system topic keeps it: only a subscription is put there', () => {
    expect(ofType(snapshot('vault-topic'), TOPIC)).toEqual([]);
    expect(only('vault-topic', SUBSCRIPTION).name).toBe('shop-topic/keyturn');
    expect(ofType(snapshot('vault'), TOPIC).map(({ name }) => name)).toEqual([
      'egst-keyturn-kv-shop',
    ]);
  });

  it('without a system topic gets one, whose identity is read from what was made and not looked up before', () => {
    const { resources } = readJson('compiled/vault.json') as {
      resources: Record<string, { type: string; existing?: boolean; condition?: string }>;
    };
    const made = Object.keys(resources).find(
      (name) => resources[name]?.type === TOPIC && !resources[name]?.existing,
    );
    const whole = JSON.stringify(resources);
    const read = [...whole.matchAll(/reference\('(\w+)'/g)].map(([, name = '']) => name);
    const lookedUp = read.filter(
      (name) => resources[name]?.existing && resources[name]?.type === TOPIC,
    );
    expect([made, lookedUp.length]).toEqual(['newTopic', 1]);
    for (const name of lookedUp)
      expect(resources[name]?.condition).toMatch(/^\[and\(.*variables\('reuse'\)/);
  });

  it('sends three types of events in a pinned schema, with retries and a place for those that cannot be delivered', () => {
    for (const name of ['vault', 'vault-topic', 'twice'])
      for (const { properties } of ofType(snapshot(name), SUBSCRIPTION))
        expect(properties).toMatchObject({
          eventDeliverySchema: 'EventGridSchema',
          filter: {
            includedEventTypes: [
              'SecretNearExpiry',
              'SecretExpired',
              'SecretNewVersionCreated',
            ].map((type) => `Microsoft.KeyVault.${type}`),
          },
          retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
          deadLetterWithResourceIdentity: {
            identity: { type: expect.stringMatching(/Assigned$/) },
            deadLetterDestination: { properties: { blobContainerName: 'keyturn-deadletters' } },
          },
        });
  });

  it('sends them to the function, which Event Grid cannot reach in the private mode: there to the queue, for ever', () => {
    expect(only('vault', SUBSCRIPTION).properties?.destination).toMatchObject({
      endpointType: 'AzureFunction',
      properties: { resourceId: expect.stringMatching(/\/functions\/secretEvents$/) },
    });
    const { destination, deliveryWithResourceIdentity } =
      only('vault-topic', SUBSCRIPTION).properties ?? {};
    expect(destination).toBeNull();
    expect(deliveryWithResourceIdentity).toMatchObject({
      identity: { type: 'SystemAssigned' }, // the only one that a firewall lets through
      destination: {
        endpointType: 'StorageQueue',
        properties: { queueName: 'keyturn-events', queueMessageTimeToLiveInSeconds: -1 },
      },
    });
    const inPrivate = ['vault-topic', 'twice', 'private', 'landing-zone', 'usgov'].flatMap(
      snapshot,
    );
    expect(textsIn(inPrivate).filter(({ text }) => text === 'AzureFunction')).toEqual([]);
  });

  it('gives Keyturn the rights of roles.json there and nowhere else, for the secrets that were named', () => {
    const { vault } = readJson('roles.json') as {
      vault: { actions: string[]; dataActions: string[] };
    };
    const role = only('vault', ROLE);
    expect(role.properties?.permissions).toEqual([
      { ...vault, notActions: [], notDataActions: [] },
    ]);
    const access = ofType(snapshot('vault'), ASSIGNMENT);
    expect(access).toHaveLength(1);
    expect(access[0]?.id).toMatch(
      /\/vaults\/kv-shop\/providers\/Microsoft\.Authorization\/roleAssignments\//,
    );
    expect(access[0]?.properties?.roleDefinitionId).toMatch(new RegExp(`/${role.name}$`));
    const clauses = String(access[0]?.properties?.condition).split(' AND ');
    expect(clauses.map((clause) => /secrets\/(\w+)\/action/.exec(clause)?.[1])).toEqual([
      'getSecret',
      'update',
      'setSecret',
    ]);
    for (const clause of clauses)
      expect(clause).toMatch(
        /^\(!\(ActionMatches\{'.*'\}\) OR \(@(Resource|Request)\[.*:name\] StringEquals 'orders-storage' OR .* 'orders-sql'\)\)$/,
      );
    const withoutNames = ofType(snapshot('vault-topic'), ASSIGNMENT).find(({ id }) =>
      id.includes('/vaults/'),
    );
    expect(withoutNames?.properties?.condition).toBeNull();
  });

  it('logs its audit to the workspace', () => {
    for (const name of ['vault', 'vault-topic'])
      expect(
        ofType(snapshot(name), 'Microsoft.Insights/diagnosticSettings').find(({ id }) =>
          id.includes('/vaults/'),
        ),
      ).toMatchObject({
        properties: {
          workspaceId: expect.any(String),
          logs: [{ categoryGroup: 'audit', enabled: true }],
        },
      });
  });
});

describe('a target', () => {
  it('OPS-08: is given by no template: whoever deployed one would take away what was given to others', () => {
    const resources = Object.values(
      (readJson('compiled/target.json') as { resources: Record<string, { type: string }> })
        .resources,
    );
    expect(resources.map(({ type }) => type)).toEqual([ROLE]);
    expect(snapshot('target').map(({ type }) => type)).toEqual([ROLE]);
  });

  it('of each kind that Azure roles govern has a role, exactly as the registry has it', async () => {
    expect(readJson('roles.json')).toEqual(JSON.parse(await rolesFile()));
    const { targets } = readJson('roles.json') as {
      targets: Record<string, { actions: string[] }>;
    };
    expect(only('target', ROLE).properties?.permissions).toEqual([
      {
        actions: targets['storage-account-key']?.actions,
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ]);
  });
});

describe('the policy of a management group', () => {
  const definition = ofType(
    snapshot('tenant-policy'),
    'Microsoft.Authorization/policyDefinitions',
  ).find(({ name }) => name === 'keyturn-onboard-keyturn');
  const { policyRule } = (definition?.properties ?? {}) as {
    policyRule: { if: unknown; then: { effect: string; details: Record<string, unknown> } };
  };
  const { deployment, ...details } = policyRule.then.details as Record<string, unknown> & {
    deployment: {
      properties: { template: unknown; parameters: Record<string, { value: unknown }> };
    };
  };

  it('deploys vault.bicep as it is compiled, to the letter, with parameters that it has', () => {
    expect(deployment.properties.template).toEqual(readJson('compiled/vault.json'));
    const { parameters } = readJson('compiled/vault.json') as {
      parameters: Record<string, { defaultValue?: unknown }>;
    };
    // Where the template is held in a variable, a `copy` would be taken for one of its own (Azure/bicep#7241).
    expect(JSON.stringify(deployment.properties.template)).not.toContain('"copy":');
    const given = Object.keys(deployment.properties.parameters);
    expect(given.filter((name) => !(name in parameters))).toEqual([]);
    expect(
      Object.keys(parameters).filter(
        (name) => !('defaultValue' in (parameters[name] ?? {})) && !given.includes(name),
      ),
    ).toEqual([]);
    expect(deployment.properties.parameters).toMatchObject({
      ...{ vaultName: { value: "[field('name')]" }, location: { value: "[field('location')]" } },
      // To point events at the function would take rights at the function.
      destination: { value: 'queue' },
    });
  });

  it('meets vaults in RBAC mode with the tag of this instance, and those that are onboarded not again', () => {
    expect(policyRule.if).toEqual({
      allOf: [
        { field: 'type', equals: 'Microsoft.KeyVault/vaults' },
        { field: "tags['keyturn']", equals: 'keyturn' },
        { field: 'Microsoft.KeyVault/vaults/enableRbacAuthorization', equals: 'true' },
      ],
    });
    expect(details).toMatchObject({
      ...{ type: 'Microsoft.Insights/diagnosticSettings', name: 'keyturn' },
      existenceCondition: {
        field: 'Microsoft.Insights/diagnosticSettings/workspaceId',
        equals: expect.any(String),
      },
    });
  });

  it("works as an identity that can assign Keyturn's role to Keyturn, and nothing else to anybody", () => {
    const roles = new Map(
      ofType(snapshot('tenant-policy'), ROLE).map((role) => [role.name, role.properties]),
    );
    const mayAssign = [...roles].filter(([, properties]) =>
      /roleAssignments\/write|\*/.test(JSON.stringify(properties?.permissions)),
    );
    expect(mayAssign).toHaveLength(1);
    const [[grant = '', properties] = []] = mayAssign;
    expect(properties?.permissions).toMatchObject([
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/read',
          'Microsoft.Authorization/roleAssignments/write',
        ],
        dataActions: [],
      },
    ]);
    const assigned = ofType(snapshot('tenant-policy'), ASSIGNMENT).filter(({ properties }) =>
      String(properties?.roleDefinitionId).endsWith(grant),
    );
    expect(assigned).toHaveLength(1);
    const keyturn = deployment.properties.parameters;
    expect(assigned[0]?.properties).toMatchObject({
      conditionVersion: '2.0',
      condition:
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR " +
        `(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${keyturn.roleId?.value}} AND ` +
        `@Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {${keyturn.principalId?.value}}))`,
    });
    expect(roles.get(String(keyturn.roleId?.value))?.permissions).toMatchObject([
      (readJson('roles.json') as { vault: object }).vault,
    ]);
    const [, ...others] = [grant, ...roles.keys()].filter((name) => name !== keyturn.roleId?.value);
    const actions = others.flatMap((name) =>
      textsIn(roles.get(name)?.permissions).map(({ text }) => text),
    );
    expect(
      actions.filter((action) => /\*|delete|Microsoft\.Web\/|listKeys|secrets/i.test(action)),
    ).toEqual([]);
  });

  it('audits soft delete, purge protection, RBAC mode, firewall and diagnostics', () => {
    const set = only('tenant-policy', 'Microsoft.Authorization/policySetDefinitions')
      .properties as {
      policyDefinitions: { policyDefinitionReferenceId: string; policyDefinitionId: string }[];
    };
    expect(set.policyDefinitions.map((each) => each.policyDefinitionReferenceId)).toEqual([
      ...['soft-delete', 'purge-protection', 'rbac-mode', 'firewall', 'diagnostics'],
    ]);
    const defined = ofType(
      snapshot('tenant-policy'),
      'Microsoft.Authorization/policyDefinitions',
    ).map(({ id }) => id);
    for (const { policyDefinitionId } of set.policyDefinitions)
      expect(defined).toContain(policyDefinitionId);
    expect(
      ofType(snapshot('tenant-policy'), 'Microsoft.Authorization/policyAssignments'),
    ).toHaveLength(2);
  });
});
