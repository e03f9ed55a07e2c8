import { describe, expect, it } from '@jest/globals';
import { fromArm } from '../../src/azure/armErrors.ts';
import {
  AbsentError,
  BusyError,
  KeyturnError,
  UnknownOutcomeError,
} from '../../src/core/errors.ts';

const answer = (statusCode: number, code = 'Code', message = 'text of a stranger') => ({
  name: 'RestError',
  statusCode,
  details: { error: { code, message } },
  response: { headers: new Map([['x-ms-request-id', 'abc-1']]) },
});
const read = (error: unknown) => fromArm(error, 'list the keys of acct1', { write: false });
const write = (error: unknown) => fromArm(error, 'regenerate key2 of acct1', { write: true });
const S = '/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const locked = (scope: string) =>
  answer(
    409,
    'ScopeLocked',
    `The scope 'x' cannot perform write operation because following scope(s) are locked: '${scope}'. Please remove the lock and try again.`,
  );

describe('errors of ARM', () => {
  it.each([408, 500, 502, 503, 504])('%i is unknown for a write and busy for a read', (status) => {
    expect(write(answer(status))).toBeInstanceOf(UnknownOutcomeError);
    expect(read(answer(status))).toBeInstanceOf(BusyError);
  });

  it('no answer is unknown for a write and busy for a read', () => {
    const reset = { name: 'RestError', code: 'ECONNRESET', message: 'socket hang up' };
    expect(write(reset)).toBeInstanceOf(UnknownOutcomeError);
    expect(read(reset)).toBeInstanceOf(BusyError);
    expect(write(new Error('anything'))).toBeInstanceOf(UnknownOutcomeError);
  });

  it.each([
    ['no address', { name: 'RestError', code: 'ENOTFOUND' }],
    ['nobody listening', { name: 'RestError', code: 'ECONNREFUSED' }],
    ['no token', { name: 'CredentialUnavailableError', message: 'x' }],
    ['a refused credential', { name: 'AuthenticationRequiredError', message: 'x' }],
  ])('%s means that nothing was changed', (_, error) => {
    expect(write(error)).toBeInstanceOf(BusyError);
  });

  it('ST-01: tells the 409 that passes from the one that stays', () => {
    expect(write(answer(409, 'StorageAccountOperationInProgress'))).toBeInstanceOf(BusyError);
    expect(write(answer(409, 'TheAccountIsBeingMigrated'))).not.toBeInstanceOf(BusyError);
    const lock = write(locked(`${S}/resourceGroups/RG1`));
    expect(lock.reason).toBe('scope-locked');
    expect(lock.detail).toContain(`${S}/resourcegroups/rg1`);
  });

  it.each([
    [412, 'PreconditionFailed'],
    [412, 'Whatever'],
    [423, 'Locked'],
    [409, 'AccountIsNotReady'],
    [409, 'ServerBusy'],
    [409, 'ResourceUpdating'],
  ])('VAL-11: %i %s means at work, and that nothing was changed', (status, code) => {
    expect(write(answer(status, code))).toBeInstanceOf(BusyError);
    expect(read(answer(status, code))).toBeInstanceOf(BusyError);
  });

  it('VAL-11: a lock is a lock with 423, too, and a message tells where a code does not', () => {
    expect(write(answer(423, 'ScopeLocked')).reason).toBe('scope-locked');
    const text =
      'There is already an operation in progress which requires exclusive lock on this account.';
    expect(write(answer(409, 'BadThing', text))).toBeInstanceOf(BusyError);
    expect(write(answer(409, 'BadThing', 'Please remove it and try again.'))).not.toBeInstanceOf(
      BusyError,
    );
  });

  it.each([
    `${S}/resourceGroups/../x`,
    `${S}/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/<img src=x>`,
    'https://evil.example/',
    `${S}?x`,
  ])('SEC-06: names no locked scope that is %j', (scope) => {
    const lock = write(locked(scope));
    expect(lock.reason).toBe('scope-locked');
    expect(lock.detail).not.toContain('The lock is on');
  });

  it('knows 404, 403, 401 and 429', () => {
    expect(read(answer(404))).toBeInstanceOf(AbsentError);
    expect(read(answer(403)).reason).toBe('target-forbidden');
    expect(read(answer(401)).reason).toBe('target-forbidden');
    expect(write(answer(429))).toBeInstanceOf(BusyError);
    expect(write(answer(400)).reason).toBe('failed');
  });

  it('carries code, status and request id, and nothing of the message', () => {
    const error = write(answer(400, 'BadThing', 'hunter2-hunter2'));
    expect(error.facts).toEqual({ status: 400, code: 'BadThing', requestId: 'abc-1' });
    expect(`${error.detail}${error.message}${JSON.stringify(error)}`).not.toContain('hunter2');
  });

  it('gives our own errors back as they are', () => {
    const own = new KeyturnError('keys-off');
    expect(read(own)).toBe(own);
  });
});
