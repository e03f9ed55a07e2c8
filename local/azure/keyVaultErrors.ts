/** Key Vault's refusals, word for word where a source has the words (azure-facts 2.2 and 10). */
import type { Reply } from './exchange.ts';

/** `innererror` in lower case: spelled otherwise the SDK drops it (cases 14). */
export function kv(status: number, code: string, message: string, inner?: string): Reply {
  return {
    status,
    body: { error: { code, message, ...(inner ? { innererror: { code: inner } } : {}) } },
  };
}

const help =
  'If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182';

export const kvError = {
  notFound: (name: string) =>
    kv(
      404,
      'SecretNotFound',
      `A secret with (name/id) ${name} was not found in this key vault. ${help}`,
    ),
  deletedNotFound: (name: string) => kv(404, 'SecretNotFound', `Deleted Secret not found: ${name}`),
  disabled: () =>
    kv(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled'),
  disabledDeleted: () =>
    kv(403, 'Forbidden', 'Operation get is not permitted on this object.', 'AccessDenied'),
  /** Wording unverified; code and inner code reported. */
  managed: () =>
    kv(403, 'Forbidden', 'The secret is managed by Key Vault.', 'SecretManagedByKeyVault'),
  beingDeleted: (name: string) =>
    kv(
      409,
      'Conflict',
      `Secret ${name} is currently being deleted and cannot be re-created; retry later.`,
      'ObjectIsBeingDeleted',
    ),
  deletedName: (name: string) =>
    kv(
      409,
      'Conflict',
      `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
      'ObjectIsDeletedButRecoverable',
    ),
  /** Wording unverified. */
  exists: (name: string) => kv(409, 'Conflict', `A secret with name ${name} already exists.`),
  badName: (name: string) =>
    kv(400, 'BadParameter', `The request URI contains an invalid name: ${name}`),
  badProperty: () => kv(400, 'BadParameter', 'Property has invalid value\r\n'),
  /** Wording unverified. */
  tooManyVersions: (name: string) =>
    kv(400, 'BadParameter', `Secret ${name} has too many versions to be backed up.`),
  noVersion: () => kv(400, 'BadParameter', 'api-version must be specified'),
  badVersion: (version: string) =>
    kv(
      400,
      'BadParameter',
      `The specified version (${version}) is not recognized. Consider using the latest supported version (2026-04-01).`,
    ),
  byRbac: (caller: string, action: string, resource: string) =>
    kv(
      403,
      'Forbidden',
      `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${caller}\r\nAction: '${action}'\r\nResource: '${resource.toLowerCase()}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\n`,
      'ForbiddenByRbac',
    ),
  byPolicy: (caller: string, permission: string, vault: string) =>
    kv(
      403,
      'Forbidden',
      `The user, group or application '${caller}' does not have secrets ${permission} permission on key vault '${vault};location=westeurope'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
      'AccessDenied',
    ),
  throttled: () =>
    kv(
      429,
      'Throttled',
      'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
    ),
  unauthorized: (message: string) => kv(401, 'Unauthorized', message),
  methodNotAllowed: (method: string) => kv(405, 'MethodNotAllowed', `HTTP ${method} not allowed`),
} as const;
