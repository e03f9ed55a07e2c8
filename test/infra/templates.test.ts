/** What the templates promise to whoever audits a deployment, read from what Bicep makes of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cloudChoice } from '../../src/azure/cloud.ts';
import { SINK_SETTING } from '../../src/core/notify.ts';
import { hostStorageOf, ownStorageOf } from '../../src/core/ownStorage.ts';
import { settingsSchema } from '../../src/core/settingsSchema.ts';
import { AUDIT_CONTAINER } from '../../src/store/auditLog.ts';
import { NOTICES_QUEUE, WORK_QUEUE } from '../../src/store/storage.ts';
import {
  compiled,
  deployments,
  infra,
  ofType,
  type Predicted,
  privateDeployments,
  readJson,
  snapshot,
  snapshotNames,
  templatesIn,
  textsIn,
} from './snapshots.ts';

const all = snapshotNames.flatMap((name) =>
  snapshot(name).map((resource) => ({ in: name, ...resource })),
);
const settingsOf = (name: string) =>
  (ofType(snapshot(name), 'Microsoft.Web/sites/config')[0]?.properties ?? {}) as Record<
    string,
    string
  >;
const only = (resources: readonly Predicted[]): Predicted => {
  expect(resources).toHaveLength(1);
  return resources[0] as Predicted;
};

describe('secrets', () => {
  const SECRET =
    /listKeys|listAccountSas|listSecrets|AccountKey=|SharedAccess|sharedKey|password|InstrumentationKey|sig=/i;

  it('are in no output of any template, and no template asks Azure for a key', () => {
    const templates = compiled.flatMap((file) => templatesIn(readJson(`compiled/${file}`)));
    expect(templates.length).toBeGreaterThan(15);
    const outputs = templates.flatMap(({ outputs = {} }) => textsIn(outputs));
    expect(outputs.length).toBeGreaterThan(15);
    expect(
      outputs.filter(({ text }) => SECRET.test(text) || /connectionString/i.test(text)),
    ).toEqual([]);
    const asked = compiled.flatMap((file) => textsIn(readJson(`compiled/${file}`)));
    expect(
      asked.filter(({ text }) => /^\[.*\blist(Keys|AccountSas|Secrets|Credentials)\(/i.test(text)),
    ).toEqual([]);
  });

  it('are in no app setting; the one connection string, of telemetry, opens nothing', () => {
    for (const name of deployments) {
      const settings = settingsOf(name);
      const strings = Object.keys(settings).filter((key) =>
        /CONNECTION_STRING/i.test(`${key}${settings[key]}`),
      );
      expect(strings).toEqual(['APPLICATIONINSIGHTS_CONNECTION_STRING']);
      expect(Object.values(settings).filter((value) => SECRET.test(value))).toEqual([]);
      const insights = only(ofType(snapshot(name), 'Microsoft.Insights/components'));
      expect(insights.properties).toMatchObject({ DisableLocalAuth: true });
      expect(settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING).toMatch(
        /ClientId=.*Authorization=AAD/,
      );
    }
  });
});

describe('doors', () => {
  it.each(deployments)('that need no Entra token are shut (%s)', (name) => {
    const accounts = ofType(snapshot(name), 'Microsoft.Storage/storageAccounts');
    expect(accounts).toHaveLength(2);
    for (const { properties } of accounts)
      expect(properties).toMatchObject({
        ...{
          allowSharedKeyAccess: false,
          allowBlobPublicAccess: false,
          supportsHttpsTrafficOnly: true,
        },
        ...{
          minimumTlsVersion: expect.stringMatching(/^TLS1_[23]$/),
          allowCrossTenantReplication: false,
        },
      });
    expect(only(ofType(snapshot(name), 'Microsoft.Web/sites')).properties).toMatchObject({
      httpsOnly: true,
      siteConfig: {
        ...{
          minTlsVersion: expect.stringMatching(/^1\.[23]$/),
          scmMinTlsVersion: expect.stringMatching(/^1\.[23]$/),
        },
        ...{ ftpsState: 'Disabled', remoteDebuggingEnabled: false },
      },
    });
    const doors = ofType(snapshot(name), 'Microsoft.Web/sites/basicPublishingCredentialsPolicies');
    expect(doors.map((door) => [door.name.split('/')[1], door.properties?.allow])).toEqual([
      ['ftp', false],
      ['scm', false],
    ]);
    const workspace = only(ofType(snapshot(name), 'Microsoft.OperationalInsights/workspaces'));
    expect(workspace.properties).toMatchObject({ features: { disableLocalAuth: true } });
  });

  it.each(privateDeployments)(
    'to the internet are shut in the private mode, and there is a way from inside (%s)',
    (name) => {
      const resources = snapshot(name);
      const guarded = ['Microsoft.Storage/storageAccounts', 'Microsoft.Web/sites'].flatMap((type) =>
        ofType(resources, type),
      );
      for (const { id, properties } of guarded)
        expect([id, properties?.publicNetworkAccess]).toEqual([id, 'Disabled']);
      const targets = ofType(resources, 'Microsoft.Network/privateEndpoints').map(
        ({ properties }) => {
          const { privateLinkServiceConnections } = properties as {
            privateLinkServiceConnections: {
              properties: { privateLinkServiceId: string; groupIds: string[] };
            }[];
          };
          const [{ properties: link }] = privateLinkServiceConnections as [
            (typeof privateLinkServiceConnections)[0],
          ];
          return `${link.privateLinkServiceId} ${link.groupIds}`;
        },
      );
      const wanted = guarded.flatMap(({ id, type }) =>
        (type.endsWith('sites') ? ['sites'] : ['blob', 'queue', 'table']).map(
          (group) => `${id} ${group}`,
        ),
      );
      expect([...targets].sort()).toEqual([...wanted].sort());
      expect(
        only(ofType(resources, 'Microsoft.Web/sites')).properties?.virtualNetworkSubnetId,
      ).toMatch(/\/subnets\//);
      const zones = ofType(resources, 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups');
      expect(zones).toHaveLength(name === 'landing-zone' ? 0 : wanted.length);
    },
  );

  it('need no network in the public mode', () => {
    expect(snapshot('public').filter(({ type }) => type.startsWith('Microsoft.Network/'))).toEqual(
      [],
    );
  });
});

describe('the app', () => {
  it('has settings by the names of the schema, all that must be set, and storage that it reads as its own', () => {
    const known = Object.keys(settingsSchema(cloudChoice).shape);
    for (const name of deployments) {
      const settings = settingsOf(name);
      const own = Object.keys(settings).filter((key) => key.startsWith('KEYTURN_'));
      expect(own.filter((key) => !known.includes(key) && !SINK_SETTING.test(key))).toEqual([]);
      const required = Object.entries(settingsSchema(cloudChoice).shape).filter(
        ([, schema]) => !schema.safeParse(undefined).success,
      );
      expect(required.map(([key]) => key).filter((key) => !own.includes(key))).toEqual([]);
      const accounts = ofType(snapshot(name), 'Microsoft.Storage/storageAccounts').map(
        (account) => account.name,
      );
      expect([...ownStorageOf(settings)].sort()).toEqual([...accounts].sort());
      expect(hostStorageOf(settings)).toEqual({ accountName: accounts[0] });
    }
  });

  it('can be given every setting of the schema, and no other', () => {
    const source = readFileSync(join(infra, 'modules/settings.bicep'), 'utf8');
    const named = new Set(source.match(/\bKEYTURN_\w+/g));
    expect([...named].sort()).toEqual(Object.keys(settingsSchema(cloudChoice).shape).sort());
  });

  it('runs on a Node that is tested, from the package that its own identity cannot write', () => {
    const versions = deployments.map((name) => {
      const resources = snapshot(name);
      const site = only(ofType(resources, 'Microsoft.Web/sites')).properties as {
        functionAppConfig: {
          runtime: { version: string };
          deployment: {
            storage: { authentication: { type: string; userAssignedIdentityResourceId: string } };
          };
        };
      };
      const { authentication } = site.functionAppConfig.deployment.storage;
      expect(authentication.type).toBe('UserAssignedIdentity');
      const packages = ofType(resources, 'Microsoft.Storage/storageAccounts')[1]?.id ?? '';
      const holders = ofType(resources, 'Microsoft.Authorization/roleAssignments').filter(
        ({ id }) => id.includes(packages),
      );
      expect(holders).toHaveLength(1);
      expect(String(holders[0]?.properties?.principalId)).toContain(
        `'${authentication.userAssignedIdentityResourceId}'`,
      );
      return site.functionAppConfig.runtime.version;
    });
    expect([...new Set(versions)].sort()).toEqual(['22', '24']);
  });

  it('keeps its audit where records can be added to, and neither changed nor deleted; locked, the policy is let be', () => {
    const type = 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies';
    const kept = { immutabilityPeriodSinceCreationInDays: 365, allowProtectedAppendWrites: true };
    for (const name of deployments) {
      const policies = ofType(snapshot(name), type).map((policy) => [
        policy.name.split('/').at(2),
        policy.properties,
      ]);
      // The landing zone has locked its own, which Azure takes no second time.
      expect([name, policies]).toEqual([
        name,
        name === 'landing-zone' ? [] : [[AUDIT_CONTAINER, kept]],
      ]);
      const queues = ofType(
        snapshot(name),
        'Microsoft.Storage/storageAccounts/queueServices/queues',
      );
      expect(queues.map((queue) => queue.name.split('/').at(-1))).toEqual([
        'keyturn-events',
        'keyturn-events-poison',
        NOTICES_QUEUE,
        `${NOTICES_QUEUE}-poison`,
        WORK_QUEUE,
        `${WORK_QUEUE}-poison`,
      ]);
    }
  });

  it("logs: its own, the workspace's, and who wrote to each of its stores", () => {
    for (const name of deployments) {
      const logged = ofType(snapshot(name), 'Microsoft.Insights/diagnosticSettings').map(
        ({ id, properties }) => {
          expect(properties?.workspaceId).toMatch(/workspaces\//);
          return id.replace(/\/providers\/Microsoft\.Insights\/diagnosticSettings\/.*/i, '');
        },
      );
      const kinds = ['blobServices', 'queueServices', 'tableServices'].map(
        (kind) => `Microsoft.Storage/storageAccounts/${kind}`,
      );
      const topics = 'Microsoft.EventGrid/topics';
      const others = ['Microsoft.Web/sites', 'Microsoft.OperationalInsights/workspaces', topics];
      const sources = [...kinds, ...others].flatMap((type) =>
        ofType(snapshot(name), type).map(({ id }) => id),
      );
      expect(sources).toHaveLength(name === 'landing-zone' ? 9 : 8);
      expect([...logged].sort()).toEqual([...sources].sort());
    }
  });

  it('carries the tags that were asked for on everything that can have tags', () => {
    const TAGGED =
      /^Microsoft\.(ManagedIdentity|OperationalInsights|Web|Storage|Network|EventGrid|Insights)\/[^/]+$/;
    for (const { tags, id, type } of snapshot('public').filter(
      ({ type }) => TAGGED.test(type) && !/diagnosticSettings/i.test(type),
    ))
      expect([id, tags]).toEqual([
        id,
        {
          'cost-centre': '4711',
          'azd-env-name': 'golden',
          ...(type === 'Microsoft.Web/sites' ? { 'azd-service-name': 'keyturn' } : {}),
        },
      ]);
  });
});

describe('role assignments', () => {
  const assignments = all.filter(({ type }) => type === 'Microsoft.Authorization/roleAssignments');

  it('have names that follow from scope, principal and role alone, and say that the principal is a service (DP-02)', () => {
    expect(assignments.length).toBeGreaterThan(30);
    for (const { name, properties } of assignments) {
      expect(properties?.principalType).toBe('ServicePrincipal');
      // A principal that the deployment itself makes is known to Azure only.
      expect(name).toMatch(
        /^[0-9a-f]{8}-[0-9a-f-]{27}$|^\[guid\('\/subscriptions\/.*principalId, '[0-9a-f-]{36}'\)\]$/,
      );
    }
    const sources = [
      ...readdirSync(infra),
      ...readdirSync(join(infra, 'modules')).map((file) => `modules/${file}`),
    ];
    const names = sources
      .filter((file) => /\w\.bicep$/.test(file))
      .flatMap((file) => [
        ...readFileSync(join(infra, file), 'utf8').matchAll(
          /roleAssignments@[\s\S]*?\bname: (guid.*)/g,
        ),
      ])
      .map(([, name]) => name);
    expect(names).toHaveLength(15);
    expect(
      names.filter((name) => !/^guid\(.*, .*[pP]rincipalId.*, .+\)$/.test(name ?? '')),
    ).toEqual([]);
  });

  it('stand at resources: nothing is given at a subscription but finding vaults, which no resource can hold', () => {
    const wide = all.filter(({ id }) => /^\/subscriptions\/[^/]+\/providers\//.test(id));
    expect([...new Set(wide.map((resource) => resource.in))]).toEqual(['discovery']);
    const scopes = assignments
      .map(({ id }) =>
        id
          .replace(/^\[extensionResourceId\('/, '')
          .replace(/'.*|\/providers\/Microsoft\.Authorization\/.*/g, ''),
      )
      .filter((scope) => !/\/resourceGroups\/[^/]+\/providers\//.test(scope));
    // The policy's identity works in all of the management group, within its condition.
    expect([...new Set(scopes)].sort()).toEqual([
      '/providers/Microsoft.Management/managementGroups/mg-golden',
      '/subscriptions/11111111-2222-4333-8444-555555555555',
    ]);
  });

  it('of Keyturn at its own storage are the three that its host needs, and none at the package; at a topic it may send', () => {
    for (const name of deployments) {
      const identity = ofType(snapshot(name), 'Microsoft.ManagedIdentity/userAssignedIdentities')[0]
        ?.id;
      const own = ofType(snapshot(name), 'Microsoft.Authorization/roleAssignments').filter(
        ({ properties }) => String(properties?.principalId).includes(`'${identity}'`),
      );
      expect(
        own.map(({ properties }) => String(properties?.roleDefinitionId).split('/').at(-1)).sort(),
      ).toEqual([
        ...['0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', '3913510d-42f4-4e42-8a64-420c390055eb'],
        ...['974c5e8b-45b9-4653-ba55-5f855dd0fb88', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'],
        ...(name === 'landing-zone' ? ['d5a91429-5739-47e2-a06b-3470a27159e7'] : []),
      ]);
    }
  });
});
