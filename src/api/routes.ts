/** Made from `src/api/calls` by `npm run docs`. All that a cold start reads of them. */
export const routes = [
  { name: 'health', method: 'GET', path: 'health' },
  { name: 'history', method: 'GET', path: 'vaults/{vault}/secrets/{name}/history' },
  { name: 'hold', method: 'POST', path: 'vaults/{vault}/secrets/{name}/hold' },
  { name: 'kinds', method: 'GET', path: 'kinds' },
  { name: 'openapi', method: 'GET', path: 'openapi.json' },
  { name: 'operation', method: 'GET', path: 'operations/{id}' },
  { name: 'operations', method: 'GET', path: 'operations' },
  { name: 'readiness', method: 'GET', path: 'readiness' },
  { name: 'reason', method: 'GET', path: 'reasons/{code}' },
  { name: 'reasons', method: 'GET', path: 'reasons' },
  { name: 'revoke', method: 'POST', path: 'vaults/{vault}/secrets/{name}/revoke' },
  { name: 'rotate', method: 'POST', path: 'vaults/{vault}/secrets/{name}/rotate' },
  { name: 'secret', method: 'GET', path: 'vaults/{vault}/secrets/{name}' },
  { name: 'secrets', method: 'GET', path: 'secrets' },
  { name: 'summary', method: 'GET', path: 'summary' },
  { name: 'undo', method: 'POST', path: 'vaults/{vault}/secrets/{name}/undo' },
] as const;
