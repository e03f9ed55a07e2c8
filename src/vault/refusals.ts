/** What Key Vault's answers mean for a pass (azure-facts 2.2). Decided by status and `innererror`, never by message. */
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import type { Reason } from '../core/reasons.ts';
import { facts, said, type WireFailure, wireFailure } from '../core/wire.ts';

export type Write = 'retag' | 'store';

/** A read that failed; 404 and a disabled secret are answers and were taken out before. */
export function refusedRead(error: unknown, vault: string, doing: string): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const failure = wireFailure(error);
  const { status = 0 } = failure;
  const options = {
    ...facts(failure),
    detail: `The vault ${vault} did not ${doing} (${said(failure)}).`,
  };
  if (status === 401 || status === 403)
    return new KeyturnError(forbidden(failure) ?? 'vault-forbidden', options);
  const passes =
    failure.unanswered || failure.unsent || [408, 409, 429].includes(status) || status >= 500;
  return passes ? new BusyError('vault-busy', options) : new KeyturnError('failed', options);
}

/** A write that failed: not applied and worth another try, perhaps applied, or refused for certain. */
export function refusedWrite(
  error: unknown,
  {
    write,
    vault,
    secret,
  }: { readonly write: Write; readonly vault: string; readonly secret: string },
): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const failure = wireFailure(error);
  const { status = 0 } = failure;
  const doing =
    write === 'store' ? `take a new version of ${secret}` : `change the tags of ${secret}`;
  const options = {
    ...facts(failure),
    detail: `The vault ${vault} did not ${doing} (${said(failure)}).`,
  };
  if (failure.unsent || status === 429) return new BusyError('vault-busy', options);
  if (status === 503) {
    // The vault is read-only, perhaps for hours (case KV-05). A definite no: what was issued has to go.
    return write === 'store'
      ? new KeyturnError('store-refused', options)
      : new BusyError('vault-busy', options);
  }
  if (failure.unanswered || status === 408 || status >= 500)
    return new UnknownOutcomeError('vault-busy', options);
  if (status === 409) return deleted(failure, vault, secret, options);
  if (status === 404) return new KeyturnError('gone', options);
  // Azure Policy refuses with an inner code that nobody has published; what is none of the known ones is taken for it.
  // Without any it says no more than that somebody may not.
  if (status === 403)
    return new KeyturnError(
      forbidden(failure) ?? (failure.inner === undefined ? 'vault-forbidden' : 'vault-policy'),
      options,
    );
  if (status === 401) return new KeyturnError('vault-forbidden', options);
  return new KeyturnError(write === 'store' ? 'store-refused' : 'failed', options);
}

function forbidden({ inner }: WireFailure): Reason | undefined {
  if (inner === 'ForbiddenByFirewall' || inner === 'ForbiddenByConnection') return 'vault-firewall';
  if (inner === 'ForbiddenByRbac' || inner === 'AccessDenied') return 'vault-forbidden';
  return inner === 'SecretManagedByKeyVault' ? 'managed' : undefined;
}

/** Case KV-03: one 409 stays until a person acts, the other passes. */
function deleted(
  failure: WireFailure,
  vault: string,
  secret: string,
  options: object,
): KeyturnError {
  if (failure.inner !== 'ObjectIsDeletedButRecoverable')
    return new BusyError('vault-busy', options);
  const detail =
    `The name ${secret} lies in soft delete in the vault ${vault}. ` +
    `Recover it (az keyvault secret recover --vault-name ${vault} --name ${secret}) ` +
    `or purge it (az keyvault secret purge --vault-name ${vault} --name ${secret}).`;
  return new KeyturnError('name-deleted', { ...options, detail });
}
