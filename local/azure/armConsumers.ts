/**
 * What ARM says of resources that read secrets, and the calls that have them read again: sites, slots, API Management, container apps.
 * Shapes as in facts-after F1.1, F2; the name of the action of a site's refresh is unverified (it stands in no list of operations).
 */
import { armError, armRefusal } from './armErrors.ts';
import type { ConsumingResource } from './consumingResource.ts';
import { secretNamed } from './consumingResource.ts';
import { Refusal, type Reply } from './exchange.ts';
import type { Request, Route } from './service.ts';
import type { World } from './world.ts';

const GROUP = '/subscriptions/[^/]+/resourceGroups/[^/]+/providers';
const SITE = `${GROUP}/Microsoft\\.Web/sites/[^/]+(?:/slots/[^/]+)?`;
const APIM = `${GROUP}/Microsoft\\.ApiManagement/service/[^/]+`;
const at = (text: string): RegExp => new RegExp(`^(${text})$`, 'i');
const under = (text: string, rest: string): RegExp => new RegExp(`^(${text})/${rest}$`, 'i');
const siteVersions = ['2022-03-01', '2022-09-01', '2023-12-01', '2024-04-01', '2025-05-01'];
const apimVersions = ['2022-08-01', '2024-05-01'];
const appVersions = ['2024-03-01', '2025-07-01'];

function of(request: Request, world: World, versions: readonly string[]): ConsumingResource {
  const version = request.query.get('api-version') ?? '';
  if (!versions.includes(version)) throw armRefusal.badVersion(version);
  const [id = ''] = request.parts;
  const found = world.consumers.get(id.toLowerCase());
  if (!found) throw armRefusal.resourceNotFound(id);
  return found;
}

const body = ({ id, type, name, tags }: ConsumingResource, properties: object) => ({
  ...{ id, name: name.split('/').join('/'), type, location: 'westeurope', tags, properties },
});

const siteOf = (request: Request, world: World): Reply => {
  const site = of(request, world, siteVersions);
  return {
    status: 200,
    body: { ...body(site, { state: 'Running', enabled: true }), kind: 'app,linux' },
  };
};

function references(
  site: ConsumingResource,
  list: 'appsettings' | 'connectionstrings',
  world: World,
): object {
  const all = list === 'appsettings' ? site.references : site.connections;
  const scripted = list === 'appsettings' ? site.statuses.shift() : undefined;
  const value = Object.entries(all).map(([name, reference]) => {
    const found = secretNamed(reference);
    return {
      id: `${site.id}/config/configreferences/${list}/${name}`,
      name,
      type: 'Microsoft.Web/sites/config/configreferences',
      location: 'West Europe',
      properties: {
        ...{
          reference,
          status: scripted ?? site.statusOf(name, world),
          details: 'Reference has been resolved.',
        },
        ...{
          vaultName: found?.vault ?? null,
          secretName: found?.name ?? null,
          secretVersion: found?.version ?? null,
        },
        // A text on the wire, and no version, resolved or not (facts-after F1.1).
        ...{ identityType: 'SystemAssigned', activeVersion: null, source: 'KeyVault' },
      },
    };
  });
  return { id: null, nextLink: null, value };
}

function listReferences(request: Request, world: World): Reply {
  const site = of(request, world, siteVersions);
  const [, list = ''] = request.parts;
  const named = list.toLowerCase() === 'appsettings' ? 'appsettings' : 'connectionstrings';
  const all = named === 'appsettings' ? site.references : site.connections;
  if (Object.keys(all).length === 0) throw armRefusal.resourceNotFound(request.path);
  return { status: 200, body: references(site, named, world) };
}

function refreshSite(request: Request, world: World): Reply {
  const site = of(request, world, siteVersions);
  if (request.body !== '')
    throw new Refusal(armError(400, 'BadRequest', 'The call takes no body.'));
  site.refresh(world);
  return { status: 200, body: references(site, 'appsettings', world) };
}

function listNamedValues(request: Request, world: World): Reply {
  const service = of(request, world, apimVersions);
  const value = Object.entries(service.references).map(([name, secretIdentifier]) => ({
    id: `${service.id}/namedValues/${name}`,
    type: 'Microsoft.ApiManagement/service/namedValues',
    name,
    properties: {
      ...{ displayName: name, tags: [], secret: true },
      keyVault: {
        secretIdentifier,
        identityClientId: null,
        lastStatus: lastStatus(service, name, world),
      },
    },
  }));
  return { status: 200, body: { value, count: value.length } };
}

const lastStatus = (service: ConsumingResource, name: string, world: World) => ({
  code: service.statusOf(name, world) === 'Resolved' ? 'Success' : 'NotFound',
  timeStampUtc: `${new Date(service.readOn(name, world)).toISOString().slice(0, 19)}Z`,
});

function refreshNamedValue(request: Request, world: World): Reply {
  const service = of(request, world, apimVersions);
  const [, name = ''] = request.parts;
  if (service.references[name] === undefined) throw armRefusal.resourceNotFound(request.path);
  service.refresh(world, name);
  return { status: 202, headers: { 'retry-after': '5' }, body: {} };
}

function containerApp(request: Request, world: World): Reply {
  const app = of(request, world, appVersions);
  const secrets = Object.entries(app.references).map(([name, keyVaultUrl]) => ({
    name,
    keyVaultUrl,
    identity: 'system',
  }));
  return {
    status: 200,
    body: body(app, { provisioningState: 'Succeeded', configuration: { secrets } }),
  };
}

const isSlot = (path: string): boolean => /\/slots\//i.test(path);
const webAction =
  (verb: string) =>
  ({ path }: { path: string }): string =>
    `Microsoft.Web/sites/${isSlot(path) ? 'slots/' : ''}${verb}`;
const field =
  'gh:manukyanv07/parity-scanner; gh:Azure/app-service-linux-docs#233; npm:@azure/arm-appservice 19.0.0';
const documented = 'npm:@azure/arm-apimanagement 10.0.0';

export const consumerRoutes: Route[] = [
  {
    ...{
      name: 'consumer.site',
      method: 'GET',
      path: at(SITE),
      write: false,
      source: 'documented' as const,
      reference: field,
    },
    ...{ action: 'Microsoft.Web/sites/read', actionOf: webAction('read'), handle: siteOf },
  },
  {
    ...{
      name: 'consumer.references',
      method: 'GET',
      write: false,
      source: 'reported' as const,
      reference: field,
    },
    path: under(SITE, 'config/configreferences/(appsettings|connectionstrings)'),
    ...{
      action: 'Microsoft.Web/sites/config/read',
      actionOf: webAction('config/read'),
      handle: listReferences,
    },
  },
  {
    ...{
      name: 'consumer.refreshSite',
      method: 'POST',
      write: true,
      source: 'reported' as const,
      reference: field,
    },
    path: under(SITE, 'config/configreferences/appsettings/refresh'),
    action: 'Microsoft.Web/sites/config/refresh/action',
    ...{ actionOf: webAction('config/refresh/action'), handle: refreshSite },
  },
  {
    ...{
      name: 'consumer.apim',
      method: 'GET',
      path: at(APIM),
      write: false,
      source: 'documented' as const,
    },
    ...{ reference: documented, action: 'Microsoft.ApiManagement/service/read' },
    handle: (request, world) => ({ status: 200, body: body(of(request, world, apimVersions), {}) }),
  },
  {
    ...{
      name: 'consumer.namedValues',
      method: 'GET',
      path: under(APIM, 'namedValues'),
      write: false,
    },
    ...{ source: 'documented' as const, reference: documented, handle: listNamedValues },
    action: 'Microsoft.ApiManagement/service/namedValues/read',
  },
  {
    ...{
      name: 'consumer.refreshNamedValue',
      method: 'POST',
      path: under(APIM, 'namedValues/([^/]+)/refreshSecret'),
    },
    ...{
      write: true,
      source: 'documented' as const,
      reference: documented,
      handle: refreshNamedValue,
    },
    action: 'Microsoft.ApiManagement/service/namedValues/refreshSecret/action',
  },
  {
    ...{
      name: 'consumer.containerApp',
      method: 'GET',
      path: at(`${GROUP}/Microsoft\\.App/containerApps/[^/]+`),
    },
    ...{
      write: false,
      source: 'documented' as const,
      reference: 'npm:@azure/arm-appcontainers 3.0.0',
    },
    ...{ action: 'Microsoft.App/containerApps/read', handle: containerApp },
  },
];
