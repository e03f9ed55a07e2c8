/**
 * Azure Resource Graph, as far as one asks it for key vaults: subscriptions, one fixed kind of query, pages. Shape of request
 * and answer as documented [learn: rest/api/azureresourcegraph, "Resources"; governance/resource-graph/concepts/work-with-data];
 * code and wording of the refusals are unverified.
 */
import { armError, armRefusal } from './armErrors.ts';
import { json, Refusal, type Reply } from './exchange.ts';
import type { Principal } from './principals.ts';
import type { Request, Route } from './service.ts';
import type { Vault } from './vault.ts';
import type { World } from './world.ts';

export const graphPath = /^\/providers\/Microsoft\.ResourceGraph\/resources$/i;
const ACTION = 'Microsoft.ResourceGraph/resources/read';
const PAGE_MAX = 1000;
const known = ['2021-03-01', '2022-10-01', '2024-04-01'];

const refuse = (status: number, code: string, message: string) => new Refusal(armError(status, code, message));
const badBody = (what: string) =>
  refuse(400, 'BadRequest', `Please provide below info when asking for support: ${what} is invalid.`);

interface Question {
  subscriptions: string[];
  top: number;
  skip: number;
  /** Text that the tags must hold, in any case. */
  tagged: string | undefined;
}

/** Any other member is refused: what is silently ignored would let a wrong request pass here and fail in Azure. */
function only(value: unknown, names: readonly string[], what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badBody(what);
  const strange = Object.keys(value).find((name) => !names.includes(name));
  if (strange !== undefined) throw badBody(`${what}.${strange}`);
  return { ...value };
}

function questionOf(request: Request): Question {
  const version = request.query.get('api-version') ?? '';
  if (!known.includes(version)) throw armRefusal.badVersion(version);
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) throw badBody('content-type');
  const body = only(json(request), ['subscriptions', 'query', 'options'], 'body');
  const {
    resultFormat,
    $top = 100,
    $skipToken,
  } = only(body.options ?? {}, ['resultFormat', '$top', '$skipToken'], 'options');
  const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  const { subscriptions, query } = body;
  if (!Array.isArray(subscriptions) || subscriptions.length === 0 || !subscriptions.every((id) => guid.test(id)))
    throw badBody('subscriptions');
  if (resultFormat !== 'objectArray') throw badBody('options.resultFormat');
  if (!Number.isInteger($top) || Number($top) < 1 || Number($top) > PAGE_MAX) throw badBody('options.$top');
  return { subscriptions, top: Number($top), skip: skipOf($skipToken), tagged: taggedIn(query) };
}

/** Opaque to the caller. */
const tokenFor = (skip: number) => Buffer.from(JSON.stringify({ skip })).toString('base64');

function skipOf(token: unknown): number {
  if (token === undefined) return 0;
  const skip = /^\{"skip":(\d+)\}$/.exec(Buffer.from(String(token), 'base64').toString())?.[1];
  if (skip === undefined) throw badBody('options.$skipToken');
  return Number(skip);
}

/** The stand-in knows no query language: it takes the one sentence about vaults, with or without a text in the tags. */
function taggedIn(query: unknown): string | undefined {
  const sentence =
    /^resources \| where type =~ 'microsoft\.keyvault\/vaults'(?: \| where tostring\(tags\) contains '([\w-]+)')? \| project id, tags, rbac = properties\.enableRbacAuthorization \| order by id asc$/i;
  const found = sentence.exec(String(query));
  if (!found) throw refuse(400, 'InvalidQuery', 'Query is invalid. Please refer to the documentation for syntax.');
  return found[1];
}

/** Only what the caller may read is there: the rest is left out, not refused. */
function visible({ subscriptions, tagged }: Question, principal: Principal, world: World): Vault[] {
  const asked = subscriptions.some((id) => id.toLowerCase() === world.subscriptionId);
  const text = (vault: Vault) => JSON.stringify(vault.tags).toLowerCase();
  return [...world.vaults.values()]
    .filter(({ id }) => asked && world.roles.allows(principal, 'actions', 'Microsoft.KeyVault/vaults/read', id))
    .filter((vault) => tagged === undefined || text(vault).includes(tagged.toLowerCase()))
    .sort((one, other) => (one.id.toLowerCase() < other.id.toLowerCase() ? -1 : 1));
}

function query(request: Request, world: World): Reply {
  if (!request.principal) throw new Error('Resource Graph takes no anonymous calls');
  const question = questionOf(request);
  const found = visible(question, request.principal, world);
  const { skip, top } = question;
  const page = found.slice(skip, skip + top);
  const more = skip + top < found.length;
  return {
    status: 200,
    headers: { 'x-ms-user-quota-remaining': '14', 'x-ms-user-quota-resets-after': '00:00:05' },
    body: {
      totalRecords: found.length,
      count: page.length,
      // Documented: false when there is a token for the rest.
      resultTruncated: 'false',
      ...(more ? { $skipToken: tokenFor(skip + top) } : {}),
      facets: [],
      data: page.map(({ id, tags, rbac }) => ({ id, tags: Object.keys(tags).length > 0 ? tags : null, rbac })),
    },
  };
}

/** Who holds the action in no subscription that was asked about is refused. */
export function authorizeGraph({ principal, body }: Request, world: World): void {
  if (!principal) throw new Error('Resource Graph takes no anonymous calls');
  const scope = `/subscriptions/${world.subscriptionId}`;
  const asked = body.toLowerCase().includes(world.subscriptionId);
  if (!asked || !world.roles.allows(principal, 'actions', ACTION, scope))
    throw armRefusal.unauthorized(principal, ACTION, asked ? scope : '/');
}

export const resourceGraphRoutes: Route[] = [
  {
    name: 'resourceGraph.resources',
    method: 'POST',
    path: graphPath,
    write: false,
    action: ACTION,
    source: 'documented',
    reference: 'https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources',
    handle: query,
  },
];
