/** The managed-identity endpoint that App Service offers inside the app (azure-facts 8.3). */
import { now } from '../clock.ts';
import { accessClaims, audienceOf } from './entra.ts';
import { newId, type Reply } from './exchange.ts';
import type { Request, Route, Service } from './service.ts';
import type { World } from './world.ts';

const TOKEN_SECONDS = 86_400; // "Tokens keep old permissions up to 24 h" (azure-facts 6)
const reference = 'learn: app-service/overview-managed-identity, REST endpoint reference';

async function token(request: Request, world: World): Promise<Reply> {
  const { query, headers } = request;
  if (headers['x-identity-header'] !== world.identityHeader)
    return refused(401, 'Unauthorized', 'Invalid X-IDENTITY-HEADER.');
  if (query.get('api-version') !== '2019-08-01')
    return refused(400, 'BadRequest', 'Unsupported api-version.');
  const { clientId } = world.identity;
  const wanted = query.get('client_id');
  // Without client_id App Service gives the system-assigned identity, which this app does not have.
  if (wanted?.toLowerCase() !== clientId)
    return refused(400, 'BadRequest', 'No managed identity found for the given id.');
  const resource = query.get('resource') ?? '';
  const audience = audienceOf(resource);
  if (!audience)
    return refused(400, 'BadRequest', `The resource '${resource}' is not known in this tenant.`);
  const claims = accessClaims(world, world.identity, audience, TOKEN_SECONDS);
  return {
    status: 200,
    body: {
      access_token: await world.signer.sign(claims),
      expires_on: String(Math.floor(now() / 1000) + TOKEN_SECONDS),
      resource,
      token_type: 'Bearer',
      client_id: clientId,
    },
  };
}

function refused(statusCode: number, code: string, message: string): Reply {
  return {
    status: statusCode,
    body: { statusCode, error: { code, message }, correlationId: newId() },
  };
}

export const identityRoutes: Route[] = [
  {
    name: 'identity.token',
    method: 'GET',
    path: /^\/msi\/token$/,
    write: false,
    action: '',
    source: 'documented',
    reference,
    handle: token,
  },
];

export const identity: Service = {
  name: 'identity',
  routes: identityRoutes,
  authenticate: async () => undefined,
  error: (status, code = 'InternalServerError', message = 'The identity endpoint failed.') =>
    refused(status, code, message),
  unrouted: ({ path }) => refused(404, 'NotFound', `Nothing at ${path}.`),
};
