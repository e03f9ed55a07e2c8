/** Entra ID: tokens for client credentials, the tenant's metadata and keys, and the refusals. */
import type { JWTPayload } from 'jose';
import { now } from '../clock.ts';
import { type Call, newId, Refusal, type Reply } from './exchange.ts';
import { planes } from './planes.ts';
import type { Principal } from './principals.ts';
import type { Request, Route, Service } from './service.ts';
import { audiences, loginUrl, type World } from './world.ts';

const TOKEN_SECONDS = 3599; // as recorded: expires_in of a client-credentials token
const flow = 'learn: entra/identity-platform/v2-oauth2-client-creds-grant-flow';
const metadata = 'learn: entra/identity-platform/v2-protocols-oidc';

/** A refusal as Entra words it: `error`, AADSTS number, trace ids. */
export function aadsts(status: number, error: string, number: number, text: string): Reply {
  const [traceId, correlationId] = [newId(), newId()];
  const timestamp = new Date(now())
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
  const description = `AADSTS${number}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return {
    status,
    body: {
      error,
      error_description: description,
      error_codes: [number],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${number}`,
    },
  };
}

const wrongSecret = (appId: string) =>
  aadsts(
    401,
    'invalid_client',
    7000215,
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${appId}'.`,
  );

const missing = (name: string) =>
  aadsts(
    400,
    'invalid_request',
    900144,
    `The request body must contain the following parameter: '${name}'.`,
  );

/** Claims of an access token for `audience`: version 1 for Azure's own services, as they ask for it. */
export function accessClaims(
  world: World,
  principal: Principal,
  audience: string,
  seconds = TOKEN_SECONDS,
): JWTPayload {
  const issuedAt = Math.floor(now() / 1000);
  const { oid, clientId, graphRoles } = principal;
  const roles = audience === audiences.graph ? graphRoles : (world.appRoles.get(oid) ?? []);
  const own = audience === audiences.keyturn;
  return {
    aud: audience,
    iss: own ? issuer(world) : `https://sts.windows.net/${world.tenantId}/`,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + seconds,
    ...(own
      ? { azp: clientId, azpacr: '1', ver: '2.0' }
      : { appid: clientId, appidacr: '1', ver: '1.0' }),
    idtyp: 'app',
    oid,
    sub: oid,
    tid: world.tenantId,
    uti: newId().slice(0, 22),
    ...(roles.length > 0 ? { roles } : {}),
  };
}

export const issuer = (world: World): string => `${loginUrl(world)}/${world.tenantId}/v2.0`;

/** The audience behind a scope or resource, or undefined where the tenant has no such resource. */
export function audienceOf(resource: string): string | undefined {
  const bare = resource.replace(/\/+$/, '').toLowerCase();
  const all = [...Object.values(audiences), ...planes.map(({ audience }) => audience)];
  return all.find((audience) => audience === bare);
}

async function token(request: Request, world: World): Promise<Reply> {
  checkTenant(request, world);
  const form = new URLSearchParams(request.body);
  for (const name of ['grant_type', 'client_id', 'scope'])
    if (!form.get(name)) return missing(name);
  if (form.get('grant_type') !== 'client_credentials')
    return aadsts(
      400,
      'unsupported_grant_type',
      70003,
      'The app requested an unsupported grant type.',
    );
  const clientId = form.get('client_id') ?? '';
  const application = world.applications.find(({ appId }) => appId === clientId.toLowerCase());
  if (!application)
    return aadsts(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${clientId}' was not found in the directory.`,
    );
  const secret = form.get('client_secret');
  if (!secret)
    return aadsts(
      401,
      'invalid_client',
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  const verdict = application.judge(secret);
  if (verdict === 'expired')
    return aadsts(
      401,
      'invalid_client',
      7000222,
      `The provided client secret keys for app '${clientId}' are expired.`,
    );
  if (verdict === 'wrong') return wrongSecret(clientId);
  const scope = form.get('scope') ?? '';
  const audience = scope.endsWith('/.default')
    ? audienceOf(scope.slice(0, -'/.default'.length))
    : undefined;
  if (!scope.endsWith('/.default'))
    return aadsts(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.`,
    );
  if (!audience)
    return aadsts(
      400,
      'invalid_resource',
      500011,
      `The resource principal named ${scope} was not found in the tenant.`,
    );
  const accessToken = await world.signer.sign(accessClaims(world, application.principal, audience));
  return {
    status: 200,
    body: {
      token_type: 'Bearer',
      expires_in: TOKEN_SECONDS,
      ext_expires_in: TOKEN_SECONDS,
      access_token: accessToken,
    },
  };
}

function checkTenant(request: Request, world: World): void {
  const [tenant = ''] = request.parts;
  if (tenant.toLowerCase() === world.tenantId) return;
  const text = `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`;
  throw new Refusal(aadsts(400, 'invalid_request', 90002, text));
}

function configuration(request: Request, world: World): Reply {
  checkTenant(request, world);
  const base = `${loginUrl(world)}/${world.tenantId}`;
  return {
    status: 200,
    body: {
      issuer: issuer(world),
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
      token_endpoint_auth_methods_supported: [
        'client_secret_post',
        'private_key_jwt',
        'client_secret_basic',
      ],
      response_types_supported: ['code', 'id_token'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
    },
  };
}

function keys(request: Request, world: World): Reply {
  checkTenant(request, world);
  return { status: 200, body: world.signer.jwks() };
}

const open = { write: false, action: '' } as const;
export const entraRoutes: Route[] = [
  {
    name: 'entra.token',
    method: 'POST',
    path: /^\/([^/]+)\/oauth2\/v2\.0\/token$/,
    ...open,
    source: 'recorded',
    reference: `azure-facts 10; ${flow}`,
    handle: token,
  },
  {
    name: 'entra.configuration',
    method: 'GET',
    path: /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/,
    ...open,
    source: 'documented',
    reference: metadata,
    handle: configuration,
  },
  {
    name: 'entra.keys',
    method: 'GET',
    path: /^\/([^/]+)\/discovery\/v2\.0\/keys$/,
    ...open,
    source: 'documented',
    reference: metadata,
    handle: keys,
  },
];

export const entra: Service = {
  name: 'entra',
  routes: entraRoutes,
  authenticate: async () => undefined,
  error: (status, code, message) =>
    status === 401
      ? wrongSecret('')
      : aadsts(
          status,
          code ?? (status < 500 ? 'invalid_request' : 'temporarily_unavailable'),
          90033,
          message ?? 'A transient error has occurred. Please try again.',
        ),
  unrouted: (call: Call) => aadsts(404, 'invalid_request', 90014, `Nothing at ${call.path}.`),
  headers: () => ({ 'cache-control': 'no-store', 'x-ms-request-id': newId() }),
};
