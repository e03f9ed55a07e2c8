/**
 * Azure Resource Graph, as far as one asks it for key vaults, for the hosts of resources, or for what is tagged: subscriptions, three fixed
 * kinds of query, pages. Shape of request
 * and answer as documented [learn: rest/api/azureresourcegraph, "Resources"; governance/resource-graph/concepts/work-with-data];
 * code and wording of the refusals are unverified.
 */
import { armError, armRefusal } from './armErrors.ts';
import { json, Refusal, type Reply } from './exchange.ts';
import type { Principal } from './principals.ts';
import type { Request, Route } from './service.ts';
import type { Vault } from './vault.ts';
import { hostOf, sqlHostOf, type World } from './world.ts';

export const graphPath = /^\/providers\/Microsoft\.ResourceGraph\/resources$/i;
const ACTION = 'Microsoft.ResourceGraph/resources/read';
const PAGE_MAX = 1000;
const known = ['2021-03-01', '2022-10-01', '2024-04-01'];

const refuse = (status: number, code: string, message: string) =>
  new Refusal(armError(status, code, message));
const badBody = (what: string) =>
  refuse(
    400,
    'BadRequest',
    `Please provide below info when asking for support: ${what} is invalid.`,
  );

interface Question {
  subscriptions: string[];
  top: number;
  skip: number;
  asks: Asks;
}

/** For vaults: text that the tags must hold, in any case. For hosts: types of resources, lower case. */
type Asks = { tagged: string | undefined } | { types: readonly string[] } | { consumers: string };

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
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw badBody('content-type');
  const body = only(json(request), ['subscriptions', 'query', 'options'], 'body');
  const {
    resultFormat,
    $top = 100,
    $skipToken,
  } = only(body.options ?? {}, ['resultFormat', '$top', '$skipToken'], 'options');
  const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  const { subscriptions, query } = body;
  if (
    !Array.isArray(subscriptions) ||
    subscriptions.length === 0 ||
    !subscriptions.every((id) => guid.test(id))
  )
    throw badBody('subscriptions');
  if (resultFormat !== 'objectArray') throw badBody('options.resultFormat');
  if (!Number.isInteger($top) || Number($top) < 1 || Number($top) > PAGE_MAX)
    throw badBody('options.$top');
  return { subscriptions, top: Number($top), skip: skipOf($skipToken), asks: asksIn(query) };
}

/** Opaque to the caller. */
const tokenFor = (skip: number) => Buffer.from(JSON.stringify({ skip })).toString('base64');

function skipOf(token: unknown): number {
  if (token === undefined) return 0;
  const skip = /^\{"skip":(\d+)\}$/.exec(Buffer.from(String(token), 'base64').toString())?.[1];
  if (skip === undefined) throw badBody('options.$skipToken');
  return Number(skip);
}

/**
 * The stand-in knows no query language: it takes the one sentence about vaults, with or without a text in the tags, and the one
 * about where resources answer.
 */
function asksIn(query: unknown): Asks {
  const vaults =
    /^resources \| where type =~ 'microsoft\.keyvault\/vaults'(?: \| where tostring\(tags\) contains '([\w-]+)')? \| project id, tags, rbac = properties\.enableRbacAuthorization \| order by id asc$/i;
  const found = vaults.exec(String(query));
  if (found) return { tagged: found[1] };
  const [, consumers] = CONSUMERS_SENTENCE.exec(String(query)) ?? [];
  if (consumers !== undefined) return { consumers };
  const [, types] = HOSTS_SENTENCE.exec(String(query)) ?? [];
  if (types === undefined)
    throw refuse(
      400,
      'InvalidQuery',
      'Query is invalid. Please refer to the documentation for syntax.',
    );
  return { types: types.split(', ').map((type) => type.slice(1, -1).toLowerCase()) };
}

const CONSUMERS_SENTENCE =
  /^resources \| where tostring\(tags\) contains '([\w-]+)' \| project id, type, tags \| order by id asc$/;
const MEMBERS = [
  'documentEndpoint',
  'hostName',
  'serviceBusEndpoint',
  'endpoint',
  'fullyQualifiedDomainName',
] as const;
const HOSTS_SENTENCE = new RegExp(
  `^resources \\| where type in~ \\(('[\\w./]+'(?:, '[\\w./]+')*)\\) \\| project id, type, blob = properties\\.primaryEndpoints\\.blob, ${MEMBERS.map((member) => `${member} = properties\\.${member}`).join(', ')} \\| order by id asc$`,
);

/** Only what the caller may read is there: the rest is left out, not refused. */
function visible({ subscriptions, asks }: Question, principal: Principal, world: World): object[] {
  const isAsked = subscriptions.some((id) => id.toLowerCase() === world.subscriptionId);
  const mayRead = (id: string, type: string) =>
    world.roles.allows(principal, 'actions', `${type}/read`, id);
  const found = foundFor(asks, world);
  return found
    .filter(({ id, type }) => isAsked && mayRead(id, type))
    .sort((one, other) => (one.id.toLowerCase() < other.id.toLowerCase() ? -1 : 1))
    .map(({ row }) => row);
}

function foundFor(asks: Asks, world: World): Found[] {
  if ('types' in asks) return hostsOf(asks.types, world);
  return 'consumers' in asks ? taggedOf(asks.consumers, world) : vaultsOf(asks.tagged, world);
}

/** Types in lower case, as Resource Graph shows them; that slots are in this table is unverified (facts-after F3). */
const taggedOf = (text: string, world: World): Found[] =>
  [...world.consumers.values()]
    .filter(({ tags }) => JSON.stringify(tags).toLowerCase().includes(text.toLowerCase()))
    .map(({ id, type, tags }) => ({ id, type, row: { id, type: type.toLowerCase(), tags } }));

interface Found {
  id: string;
  type: string;
  row: object;
}

function vaultsOf(tagged: string | undefined, world: World): Found[] {
  const text = (vault: Vault) => JSON.stringify(vault.tags).toLowerCase();
  return [...world.vaults.values()]
    .filter((vault) => tagged === undefined || text(vault).includes(tagged.toLowerCase()))
    .map(({ id, tags, rbac }) => {
      const row = { id, tags: Object.keys(tags).length > 0 ? tags : null, rbac };
      return { id, type: 'Microsoft.KeyVault/vaults', row };
    });
}

/** As Resource Manager shows them (unverified); a member that the type does not have is null. */
function hostsOf(types: readonly string[], world: World): Found[] {
  const shown = [
    ...[...world.accounts.values()].map(({ id, name }) => ({
      ...{ id, type: 'Microsoft.Storage/storageAccounts' },
      ...{ properties: { blob: `https://${hostOf(world, `${name}.blob.core`)}/` } },
    })),
    ...[...world.keyed.values()].map(({ id, type, properties }) => {
      const [, provider = '', kind = ''] = /\/providers\/([^/]+)\/([^/]+)\/[^/]+$/.exec(id) ?? [];
      return { id, type: type.name.includes('/') ? type.name : `${provider}/${kind}`, properties };
    }),
    ...[...world.sqlServers.values()].map(({ id, name }) => ({
      ...{
        id,
        type: 'Microsoft.Sql/servers',
        properties: { fullyQualifiedDomainName: sqlHostOf(world, name) },
      },
    })),
    ...[...world.databases.values()].map(({ id, kind, name, host }) => {
      const fullyQualifiedDomainName =
        host ?? `${name}.${kind === 'mysql' ? 'mysql' : 'postgres'}.database.keyturn.localhost`;
      const provider = kind === 'mysql' ? 'Microsoft.DBforMySQL' : 'Microsoft.DBforPostgreSQL';
      return { id, type: `${provider}/flexibleServers`, properties: { fullyQualifiedDomainName } };
    }),
  ];
  return shown
    .filter(({ type }) => types.includes(type.toLowerCase()))
    .map(({ id, type, properties }) => {
      const known: Readonly<Record<string, unknown>> = { ...properties };
      const members = ['blob', ...MEMBERS].map((member) => [member, known[member] ?? null]);
      return { id, type, row: { id, type: type.toLowerCase(), ...Object.fromEntries(members) } };
    });
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
      data: page,
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
    reference:
      'https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources',
    handle: query,
  },
];
