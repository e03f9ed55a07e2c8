/** ARM's refusals. Codes are reported or recorded; a wording not found in a source is marked (azure-facts 4.1 and 10). */
import { Refusal, type Reply } from './exchange.ts';
import type { Principal } from './principals.ts';
import { loginUrl, type World } from './world.ts';

const usual: Record<number, [code: string, message: string]> = {
  400: ['BadRequest', 'The request is not valid.'],
  403: ['AuthorizationFailed', 'The client does not have authorization to perform the action.'],
  404: ['ResourceNotFound', 'The resource was not found.'],
  409: [
    'StorageAccountOperationInProgress',
    'An operation is currently performing on this storage account that requires exclusive access.',
  ],
  429: ['TooManyRequests', 'The request is being throttled.'],
  503: ['ServiceUnavailable', 'The service is unavailable.'],
};

export function armError(status: number, code?: string, message?: string): Reply {
  const [usualCode, usualMessage] = usual[status] ?? [
    'InternalServerError',
    'Scripted by the stand-in.',
  ];
  return { status, body: { error: { code: code ?? usualCode, message: message ?? usualMessage } } };
}

const refuse = (status: number, code: string, message: string) =>
  new Refusal(armError(status, code, message));

export const armRefusal = {
  unauthenticated: (world: World, code: string, message: string) => {
    const challenge = `Bearer authorization_uri="${loginUrl(world)}/${world.tenantId}", error="invalid_token", error_description="${message}"`;
    return new Refusal({
      ...armError(401, code, message),
      headers: { 'www-authenticate': challenge },
    });
  },
  unauthorized: ({ clientId, oid }: Principal, action: string, scope: string) =>
    refuse(
      403,
      'AuthorizationFailed',
      `The client '${clientId}' with object id '${oid}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    ),
  resourceNotFound: (id: string) => {
    const [, group, type] = /\/resourceGroups\/([^/]+)\/providers\/(.+)$/i.exec(id) ?? [];
    return refuse(
      404,
      'ResourceNotFound',
      `The Resource '${type}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    );
  },
  noGroup: (group: string) =>
    refuse(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`),
  noSubscription: (id: string) =>
    refuse(404, 'SubscriptionNotFound', `The subscription '${id}' could not be found.`),
  noVersion: () =>
    refuse(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    ),
  /** The code as reported; ARM goes on to list the versions of the resource type, which the stand-in does not know. */
  badVersion: (version: string) =>
    refuse(400, 'InvalidApiVersionParameter', `The api-version '${version}' is invalid.`),
  /** Code and wording unverified. */
  badFilter: (filter: string) =>
    refuse(400, 'UnsupportedQuery', `The filter '${filter}' is not supported.`),
  /** Code and wording unverified; that it is refused is documented. */
  badKeyName: (name: string) =>
    refuse(
      400,
      'InvalidValuesForRequestParameters',
      `Values for request parameters are invalid: keyName '${name}'.`,
    ),
  /** The reported text; a ReadOnly lock refuses every POST, `listKeys` included. */
  locked: (scope: string, lockedAt: string) =>
    refuse(
      409,
      'ScopeLocked',
      `The scope '${scope}' cannot perform write operation because following scope(s) are locked: '${lockedAt}'. Please remove the lock and try again.`,
    ),
} as const;
