/** Key Vault, data plane of secrets (azure-facts 2 and 10): who is let in, and what the refusals look like. */
import { bearer, type Call, newId, Refusal, type Reply } from './exchange.ts';
import { kv, kvError } from './keyVaultErrors.ts';
import { keyVaultRoutes, vaultOf } from './keyVaultRoutes.ts';
import type { Principal } from './principals.ts';
import type { Plane, Request, Route, Service } from './service.ts';
import { audiences, loginUrl, type World } from './world.ts';

const versions = ['7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6', '2025-07-01', '2026-04-01'];

async function authenticate(call: Call, world: World): Promise<Principal> {
  const challenge = (message: string) => {
    const header = `Bearer authorization="${loginUrl(world)}/${world.tenantId}", resource="${audiences.vault}"`;
    return new Refusal({
      ...kvError.unauthorized(message),
      headers: { 'www-authenticate': header },
    });
  };
  const token = bearer(call);
  if (token === undefined) throw challenge('AKV10000: Request is missing a Bearer or PoP token.');
  const claims = await world.signer.read(token);
  if (claims === 'expired')
    throw challenge('[TokenExpired] Error validating token: the token has expired.'); // wording unverified
  if (claims === 'malformed')
    throw challenge('AKV10046: Unable to resolve the key used for signature validation.'); // wording unverified
  if (claims.aud !== audiences.vault)
    throw challenge(
      `AKV10022: Invalid audience. Expected ${audiences.vault}, found: ${String(claims.aud)}.`,
    );
  return world.principals.find(({ oid }) => oid === claims.oid) ?? stranger(claims.oid);
}

const stranger = (oid: unknown): Principal => ({
  oid: String(oid),
  clientId: '',
  displayName: 'unknown',
  graphRoles: [],
});

function authorize(request: Request, { action, name }: Route, world: World): void {
  const vault = vaultOf(request, world);
  const { principal, parts } = request;
  if (!principal) throw new Error('a vault takes no anonymous calls');
  const caller = `appid=${principal.clientId};oid=${principal.oid};iss=https://sts.windows.net/${world.tenantId}/`;
  // A vault on access policies knows no roles, and the stand-in gives nobody a policy.
  if (!vault.rbac)
    throw new Refusal(kvError.byPolicy(caller, name.replace('keyvault.', ''), vault.name));
  const resource = parts[0] ? `${vault.id}/secrets/${parts[0]}` : vault.id;
  if (!world.roles.allows(principal, 'dataActions', action, resource))
    throw new Refusal(kvError.byRbac(caller, action, resource));
}

const usualCodes: Record<number, () => Reply> = {
  403: () =>
    kv(
      403,
      'Forbidden',
      'Client address is not authorized and caller is not a trusted service.',
      'ForbiddenByFirewall',
    ),
  404: () => kvError.notFound('scripted'),
  409: () => kvError.beingDeleted('scripted'),
  429: () => kvError.throttled(),
};

const keyVault: Service = {
  name: 'keyvault',
  routes: keyVaultRoutes,
  authenticate,
  precheck: ({ query }) => {
    const version = query.get('api-version');
    if (version === null) throw new Refusal(kvError.noVersion());
    if (!versions.includes(version)) throw new Refusal(kvError.badVersion(version));
  },
  authorize,
  error: (status, code, message, inner) => {
    if (code === undefined && message === undefined && inner === undefined && usualCodes[status])
      return usualCodes[status]();
    const usual = {
      400: 'BadParameter',
      401: 'Unauthorized',
      403: 'Forbidden',
      409: 'Conflict',
      429: 'Throttled',
      503: 'ServiceUnavailable',
    }[status];
    return kv(
      status,
      code ?? usual ?? 'InternalServerError',
      message ?? 'Scripted by the stand-in.',
      inner,
    );
  },
  unrouted: ({ method }) => kvError.methodNotAllowed(method),
  headers: () => ({
    'x-ms-request-id': newId(),
    'x-ms-keyvault-region': 'westeurope',
    'x-ms-keyvault-service-version': '1.9.3000.1',
  }),
};

export const vaultPlane: Plane = { label: 'vault', audience: audiences.vault, service: keyVault };
