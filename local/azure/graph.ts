/** Microsoft Graph: the passwords of an application (azure-facts 6). */
import { now } from '../clock.ts';
import type { Application } from './applications.ts';
import { bearer, type Call, json, newId, Refusal, type Reply } from './exchange.ts';
import type { Principal } from './principals.ts';
import type { Request, Route, Service } from './service.ts';
import { audiences, type World } from './world.ts';

const recording = 'azure-cli recording test_app_credential';
const docs = 'https://learn.microsoft.com/graph/api/application-addpassword';
const one = String.raw`^\/v1\.0\/applications(?:\/([^/()]+)|\(appId='([^']+)'\))`;
const onePrincipal = one.replace('applications', 'servicePrincipals');
const byId = String.raw`^\/v1\.0\/applications\/([^/()]+)`;
const denied = 'Insufficient privileges to complete the operation.';

function graphError(status: number, code?: string, message?: string): Reply {
  const usual: Record<number, [string, string]> = {
    400: [
      'Request_BadRequest',
      'Error due to concurrent requests being made to the tenant. Please wait briefly and retry.',
    ],
    403: ['Authorization_RequestDenied', denied],
    404: ['Request_ResourceNotFound', 'Resource does not exist.'],
    409: [
      'Directory_ConcurrencyViolation',
      'Error due to concurrent requests being made to the tenant. Please wait briefly and retry.',
    ],
    429: ['TooManyRequests', 'Too many requests.'],
  };
  const [usualCode, usualMessage] = usual[status] ?? [
    'ServiceUnavailable',
    'Scripted by the stand-in.',
  ];
  const id = newId();
  const innerError = {
    date: new Date(now()).toISOString().slice(0, 19),
    'request-id': id,
    'client-request-id': id,
  };
  return {
    status,
    body: { error: { code: code ?? usualCode, message: message ?? usualMessage, innerError } },
  };
}

function find({ parts: [objectId, appId] }: Request, world: World): Application {
  const found = world.applications.find((app) =>
    objectId ? app.objectId === objectId : app.appId === appId,
  );
  if (found) return found;
  const text = `Resource '${objectId || appId}' does not exist or one of its queried reference-property objects are not present.`;
  throw new Refusal(graphError(404, 'Request_ResourceNotFound', text));
}

const body = (application: Application) => ({
  id: application.objectId,
  appId: application.appId,
  displayName: application.displayName,
  signInAudience: application.signInAudience,
  tags: application.tags,
  keyCredentials: [],
  passwordCredentials: application.listed().map(({ secretText: _, ...shown }) => ({
    customKeyIdentifier: null,
    ...shown,
    secretText: null,
  })),
});

function select(members: Record<string, unknown>, { query }: Request): Record<string, unknown> {
  const names = query
    .get('$select')
    ?.split(',')
    .map((name) => name.trim());
  return names
    ? Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)))
    : members;
}

/** Any of these reads applications [learn: graph/api/application-get, Permissions: application]. */
const readers = [
  'Application.Read.All',
  'Application.ReadWrite.OwnedBy',
  'Application.ReadWrite.All',
  'Directory.Read.All',
];

function requireReader({ principal }: Request): void {
  if (!principal?.graphRoles.some((role) => readers.includes(role)))
    throw new Refusal(graphError(403));
}

const context = `${audiences.graph}/v1.0/$metadata#applications`;

function get(request: Request, world: World): Reply {
  requireReader(request);
  return {
    status: 200,
    body: {
      '@odata.context': `${context}/$entity`,
      ...select(body(find(request, world)), request),
    },
  };
}

function list(request: Request, world: World): Reply {
  requireReader(request);
  const filter = request.query.get('$filter');
  const appId = /^appId eq '([^']+)'$/.exec(filter ?? '')?.[1];
  if (filter !== null && appId === undefined)
    throw new Refusal(graphError(400, 'Request_UnsupportedQuery', 'Unsupported filter.'));
  const found = world.applications.filter((app) => appId === undefined || app.appId === appId);
  return {
    status: 200,
    body: { '@odata.context': context, value: found.map((app) => select(body(app), request)) },
  };
}

/** `id` alone, as a caller with few permissions gets it. Read by whoever may change what it owns [microsoft-graph-docs, application-list-owners]. */
function owners(request: Request, world: World): Reply {
  requireReader(request);
  const value = [...find(request, world).owners].map((id) => ({
    ...{ '@odata.type': '#microsoft.graph.servicePrincipal', id },
  }));
  return {
    status: 200,
    body: { '@odata.context': `${audiences.graph}/v1.0/$metadata#directoryObjects`, value },
  };
}

/** By object id or appId [microsoft-graph-docs, serviceprincipal-get]; who may read it is taken as for applications (unverified). */
function servicePrincipal(request: Request, world: World): Reply {
  requireReader(request);
  const [oid, appId] = request.parts;
  const found = world.applications.find((app) =>
    oid ? app.principal.oid === oid : app.appId === appId,
  );
  if (!found) throw new Refusal(graphError(404));
  const shown = found.principalPasswords.map(({ secretText: _, ...each }) => ({
    ...each,
    secretText: null,
  }));
  const members = { id: found.principal.oid, appId: found.appId, passwordCredentials: shown };
  const context = `${audiences.graph}/v1.0/$metadata#servicePrincipals/$entity`;
  return { status: 200, body: { '@odata.context': context, ...select(members, request) } };
}

/** The caller owns the application, or may change all of them. */
function changeable(request: Request, world: World): Application {
  const { principal } = request;
  const roles = principal?.graphRoles ?? [];
  const mayAll = roles.includes('Application.ReadWrite.All');
  const mayOwn = roles.includes('Application.ReadWrite.OwnedBy');
  if (!mayAll && !mayOwn) throw new Refusal(graphError(403));
  const application = find(request, world);
  if (!mayAll && !application.owners.has(principal?.oid ?? '')) throw new Refusal(graphError(403));
  return application;
}

/** Two mutations of one application that come too near to each other (azure-facts 6: two forms of one refusal). */
function requireQuiet({ isBusy }: Application): void {
  if (isBusy) throw new Refusal(graphError(400));
}

/** Microsoft: tenant app management policies; codes as quoted in public code (teamsfx, nais). The words are ours. */
function requirePolicy({ policy }: Application, end: number | undefined): void {
  if (policy.forbidden) {
    const text = 'Credential type not allowed as per assigned policy.';
    throw new Refusal(graphError(400, 'CredentialTypeNotAllowedAsPerAppPolicy', text));
  }
  const days = ((end ?? Number.POSITIVE_INFINITY) - now()) / 86_400_000;
  if (policy.maxDays === undefined || days <= policy.maxDays) return;
  const text = 'Credential lifetime exceeds the max value allowed as per assigned policy.';
  throw new Refusal(graphError(400, 'CredentialInvalidLifetimeAsPerAppPolicy', text));
}

const PERSONAL_MAX = 2;

/** Applications open to personal accounts hold two passwords (azure-facts 6; the status is unverified). */
function requireRoom({ signInAudience, passwords }: Application): void {
  if (!/Personal/.test(signInAudience) || passwords.length < PERSONAL_MAX) return;
  const text = 'The size of the object has exceeded its limit.';
  throw new Refusal(graphError(400, 'Directory_ResourceSizeExceeded', text));
}

function addPassword(request: Request, world: World): Reply {
  const application = changeable(request, world);
  const asked: { displayName?: unknown; endDateTime?: unknown } = Object(
    json(request)?.passwordCredential ?? {},
  );
  const { displayName, endDateTime } = asked;
  const end =
    endDateTime === undefined || endDateTime === null ? undefined : Date.parse(String(endDateTime));
  if (Number.isNaN(end) || (end !== undefined && end <= now()))
    throw new Refusal(graphError(400, 'Request_BadRequest', 'Invalid endDateTime.'));
  requireQuiet(application);
  requirePolicy(application, end);
  requireRoom(application);
  const password = application.addOverGraph({
    ...(displayName === undefined || displayName === null
      ? {}
      : { displayName: String(displayName) }),
    ...(end === undefined ? {} : { endDateTime: String(endDateTime) }),
  });
  const metadata = `${audiences.graph}/v1.0/$metadata#microsoft.graph.passwordCredential`;
  return {
    status: 200,
    body: { '@odata.context': metadata, customKeyIdentifier: null, ...password },
  };
}

function removePassword(request: Request, world: World): Reply {
  const keyId = String(json(request)?.keyId);
  const application = changeable(request, world);
  requireQuiet(application);
  if (application.removeOverGraph(keyId.toLowerCase())) return { status: 204 };
  throw new Refusal(
    graphError(400, 'Request_BadRequest', `No password credential found with keyId ${keyId}.`),
  );
}

const documented: Readonly<Record<string, string>> = {
  owners: 'microsoft-graph-docs-contrib, application-list-owners',
  servicePrincipal: 'microsoft-graph-docs-contrib, serviceprincipal-get',
};

const route = (
  name: string,
  method: string,
  path: string,
  write: boolean,
  action: string,
  handle: Route['handle'],
  recorded = true,
): Route => ({
  name: `graph.${name}`,
  method,
  path: new RegExp(path),
  write,
  action,
  source: recorded ? 'recorded' : 'reported',
  reference: recorded
    ? `${recording}; ${docs}`
    : (documented[name] ??
      'azure-facts 6: never PATCH passwordCredentials; azure-powershell#17088'),
  handle,
});

const change = 'Application.ReadWrite.OwnedBy';
export const graphRoutes: Route[] = [
  route('application', 'GET', `${one}$`, false, 'Application.Read.All', get),
  route(
    'servicePrincipal',
    'GET',
    `${onePrincipal}$`,
    false,
    'Application.Read.All',
    servicePrincipal,
    false,
  ),
  route(
    'applications',
    'GET',
    String.raw`^\/v1\.0\/applications\/?$`,
    false,
    'Application.Read.All',
    list,
  ),
  route(
    'owners',
    'GET',
    String.raw`${one}\/owners$`,
    false,
    'Application.ReadWrite.OwnedBy',
    owners,
    false,
  ),
  route('addPassword', 'POST', String.raw`${one}\/addPassword$`, true, change, addPassword),
  // By object id alone: no page shows it by appId (azure-facts 6).
  route(
    'removePassword',
    'POST',
    String.raw`${byId}\/removePassword$`,
    true,
    change,
    removePassword,
  ),
  // Refused for everyone: a PATCH replaces the whole list of credentials, so Keyturn must never send one (case GR-08).
  route('patch', 'PATCH', `${one}$`, true, change, () => graphError(403), false),
  route(
    'patchPrincipal',
    'PATCH',
    String.raw`^\/v1\.0\/servicePrincipals\b.*$`,
    true,
    change,
    () => graphError(403),
    false,
  ),
];

async function authenticate(call: Call, world: World): Promise<Principal> {
  const refused = (message: string) =>
    new Refusal(graphError(401, 'InvalidAuthenticationToken', message));
  const token = bearer(call);
  if (token === undefined) throw refused('Access token is empty.');
  const claims = await world.signer.read(token);
  if (claims === 'expired') throw refused('Lifetime validation failed, the token is expired.');
  if (claims === 'malformed') throw refused('Access token validation failure. Invalid signature.');
  if (claims.aud !== audiences.graph)
    throw refused('Access token validation failure. Invalid audience.');
  const principal = world.principals.find(({ oid }) => oid === claims.oid);
  if (!principal) throw refused('Access token validation failure.');
  return principal;
}

export const graph: Service = {
  name: 'graph',
  routes: graphRoutes,
  authenticate,
  error: graphError,
  unrouted: ({ path }) =>
    graphError(
      400,
      'BadRequest',
      `Resource not found for the segment '${path.split('/')[2] ?? ''}'.`,
    ),
  headers: () => ({ 'request-id': newId(), 'client-request-id': newId() }),
};
