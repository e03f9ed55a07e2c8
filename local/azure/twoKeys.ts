/**
 * ARM's calls on resources with access keys: show, list, regenerate, and how a long regeneration stands. One handler for all
 * types; what they take and answer comes from Azure's type definitions (`keyTypes.ts`), not from the product's table.
 */
import { armError, armRefusal } from './armErrors.ts';
import { json, Refusal, type Reply } from './exchange.ts';
import type { KeyedResource } from './keyedResource.ts';
import {
  functionOf,
  type KeyFunction,
  type KeyType,
  membersOf,
  providers,
  resourceIn,
  valuesOf,
} from './keyTypes.ts';
import type { Request, Route } from './service.ts';
import { hostOf, type World } from './world.ts';

const provider = providers.map((name) => name.replaceAll('.', String.raw`\.`)).join('|');
const resource = String.raw`^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/(?:${provider})(?:\/[^/]+\/[^/]+)+`;
const pathOf = (action = '') => new RegExp(`${resource}${action}$`, 'i');
const operationPath = new RegExp(
  String.raw`^\/subscriptions\/[^/]+\/providers\/(${provider})\/locations\/westeurope\/(operationsStatus|operationResults)\/([^/]+)$`,
  'i',
);
const definitions = 'NuGet Azure.Bicep.Types.Az 0.2.972, see scripts/azureTypes';
const asyncOperations =
  'https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations';

const refuse = (status: number, code: string, message: string) =>
  new Refusal(armError(status, code, message));

/** The resource of a path, once its version is one that the type has; wording of the refusal as ARM documents it. */
function find(
  { path, query }: Request,
  world: World,
): { found: KeyedResource; rest: string[]; version: string } {
  const known = resourceIn(path);
  if (!known)
    throw refuse(404, 'InvalidResourceType', `The resource type could not be found for ${path}.`);
  const version = query.get('api-version') ?? '';
  const { name, versions } = known.type;
  if (!versions.includes(version))
    throw refuse(
      400,
      'NoRegisteredProviderFound',
      `No registered resource provider found for location 'westeurope' and API version '${version}' for type '${name}'. The supported api-versions are '${versions.join(', ')}'.`,
    );
  const found = world.keyed.get(known.id.toLowerCase());
  if (!found) throw armRefusal.resourceNotFound(known.id);
  return { found, rest: known.rest, version };
}

function get(request: Request, world: World): Reply {
  const { found, rest } = find(request, world);
  if (rest.length > 0) throw armRefusal.resourceNotFound(request.path);
  const { id, name, type, properties } = found;
  return {
    status: 200,
    body: { id, name, type: type.name, location: 'West Europe', tags: {}, properties },
  };
}

/** Every POST is a write to a ReadOnly lock, whatever it does [azure-sdk-for-java#2560]. */
function called(request: Request, world: World) {
  const { found, rest, version } = find(request, world);
  const [action = '', slot, ...more] = rest;
  const known = functionOf(found.type, action, version);
  if (!known || more.length > 0 || (slot !== undefined) !== (known.path !== undefined))
    throw refuse(
      404,
      'NotFound',
      `The action '${rest.join('/')}' of '${found.type.name}' was not found.`,
    ); // code unverified
  if (found.locked) throw armRefusal.locked(request.path, found.id);
  return { found, action, slot, known };
}

function list(request: Request, world: World): Reply {
  const { found, known } = called(request, world);
  found.askOperation(); // time passes
  return { status: 200, body: found.shown(known.output) };
}

function regenerate(request: Request, world: World): Reply {
  const { found, action, slot, known } = called(request, world);
  const chosen = chosenSlot(request, found, { action, slot, known });
  // That two regenerations do not run side by side is unverified.
  if (found.busy)
    throw refuse(
      409,
      'AnotherOperationInProgress',
      'Another operation is in progress on the resource.',
    );
  if (found.type.long) return begun(found, chosen, world);
  found.regenerate(chosen);
  const empty = Object.keys(membersOf(known.output)).length === 0;
  return empty ? { status: 204 } : { status: 200, body: found.shown(known.output, chosen) };
}

/** Which slot a call names; whatever the definitions do not allow is refused (codes unverified). */
function chosenSlot(
  request: Request,
  found: KeyedResource,
  { action, slot, known }: { action: string; slot: string | undefined; known: KeyFunction },
): string {
  const bad = (what: string) =>
    refuse(400, 'InvalidRequestContent', `The request content was invalid: ${what}.`);
  if (known.input === null) {
    if (!/^(\{\})?$/.test(request.body)) throw bad('no body is expected');
    if (slot === undefined) return /^regenerate(\w+)Key$/i.exec(action)?.[1] ?? '';
    if (!known.path?.includes(slot)) throw bad(`'${slot}' is no key`);
    return slot;
  }
  const body = json(request);
  if (!body) throw bad('an object is expected');
  const members = membersOf(known.input);
  const strange = Object.keys(body).find((name) => !Object.hasOwn(members, name));
  if (strange !== undefined) throw bad(`could not find member '${strange}'`);
  for (const [name, shape] of Object.entries(members)) {
    const value = body[name];
    const values = valuesOf(shape);
    if (values.length === 0 && name === 'id') {
      const chosen = found.slotWithId(value);
      if (chosen === undefined) throw refuse(404, 'KeyNotFound', 'The key was not found.');
      return chosen;
    }
    if (values.length === 0) continue;
    if (typeof value !== 'string' || !values.includes(value))
      throw bad(`'${name}' must be one of ${values.join(', ')}`);
    return value;
  }
  throw bad('no key is named');
}

function begun(found: KeyedResource, slot: string, world: World): Reply {
  const { id } = found.begin(() => found.regenerate(slot));
  const start = `https://${hostOf(world, 'management')}/subscriptions/${world.subscriptionId}/providers`;
  const [namespace = ''] = found.type.name.split('/');
  const link = (kind: string) =>
    `${start}/${namespace}/locations/westeurope/${kind}/${id}?api-version=${found.type.versions.at(-1)}`;
  const headers = {
    ...(found.links === 'both' ? { 'azure-asyncoperation': link('operationsStatus') } : {}),
    ...(found.links === 'none' ? {} : { location: link('operationResults') }),
  };
  return { status: 202, headers: { ...headers, 'retry-after': '1' } };
}

/** By `Azure-AsyncOperation` a body with the status; by `Location` 202 until there is a result (learn: async-operations). */
function progress({ parts: [, kind = '', id = ''] }: Request, world: World): Reply {
  const found = [...world.keyed.values()].find(({ operation }) => operation?.id === id);
  if (!found) throw refuse(404, 'OperationNotFound', `The operation '${id}' was not found.`);
  const over = found.askOperation();
  const error = found.operation?.error;
  const failure = { code: error ?? '', message: 'The operation failed.' };
  if (kind.toLowerCase() === 'operationsstatus') {
    const status = over ? (error === undefined ? 'Succeeded' : 'Failed') : 'InProgress';
    return {
      status: 200,
      body: { name: id, status, ...(status === 'Failed' ? { error: failure } : {}) },
    };
  }
  if (!over) return { status: 202, headers: { 'retry-after': '1' } };
  return error === undefined ? { status: 200 } : { status: 409, body: { error: failure } };
}

/** Type path and action, as role definitions have it. */
function actionOf(path: string, verb: 'read' | 'action'): string {
  const known = resourceIn(path);
  const type: KeyType['name'] = known?.type.name ?? 'unknown';
  return verb === 'read' ? `${type}/read` : `${type}/${known?.rest[0]}/action`;
}

export const twoKeyRoutes: Route[] = [
  {
    name: 'arm.keyedResource',
    method: 'GET',
    path: pathOf(),
    write: false,
    action: '',
    actionOf: ({ path }) => actionOf(path, 'read'),
    source: 'documented',
    reference: definitions,
    handle: get,
  },
  {
    name: 'arm.listResourceKeys',
    method: 'POST',
    path: pathOf(String.raw`\/(?:list\w*|sharedKeys)`),
    write: false,
    action: '',
    actionOf: ({ path }) => actionOf(path, 'action'),
    source: 'documented',
    reference: definitions,
    handle: list,
  },
  {
    name: 'arm.regenerateResourceKey',
    method: 'POST',
    path: pathOf(String.raw`\/regenerate\w*(?:\/[^/]+)?`),
    write: true,
    action: '',
    actionOf: ({ path }) => actionOf(path, 'action'),
    source: 'documented',
    reference: definitions,
    handle: regenerate,
  },
  {
    name: 'arm.keyOperation',
    method: 'GET',
    path: operationPath,
    write: false,
    action: '',
    // That the operation needs an action of its own, in the subscription, is unverified.
    actionOf: ({ path }) =>
      `${operationPath.exec(path)?.[1]}/locations/${operationPath.exec(path)?.[2]}/read`,
    source: 'documented',
    reference: asyncOperations,
    handle: progress,
  },
];
