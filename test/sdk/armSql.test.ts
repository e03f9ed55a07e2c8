/** Facts about `@azure/arm-sql` (azure-facts 5.1, 8.1, 8.2; cases SQL-03 and SQL-06). */
import { SqlManagementClient } from '@azure/arm-sql';
import { describe, expect, it } from '@jest/globals';
import { SINGLE_SEND } from '../../src/core/pipeline.ts';
import { attempts, credential, type Reply, service } from './service.fixtures.ts';

const subscription = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const operation =
  'https://management.azure.com/subscriptions/x/operations/op?api-version=2022-08-01-preview';
const accepted: Reply = {
  status: 202,
  headers: { 'azure-asyncoperation': operation, 'retry-after': '0' },
  body: { operation: 'UpsertLogicalServer', startTime: '2027-01-01T00:00:00Z' },
};
const status = (text: string, error?: object): Reply => ({
  status: 200,
  body: { name: 'op', status: text, ...(error ? { error } : {}) },
});
const parameters = { administratorLoginPassword: 'Aa0-a-password-4711' };
const client = (httpClient: ReturnType<typeof service>['httpClient']) =>
  new SqlManagementClient(credential, subscription, { httpClient, ...SINGLE_SEND });

describe('the SQL management SDK', () => {
  it('SQL-06: sends the password and nothing else, as a PATCH', async () => {
    const { httpClient, sent } = service(accepted, status('Succeeded'), {
      status: 200,
      body: { name: 'sql1' },
    });
    await client(httpClient).servers.beginUpdateAndWait('g', 'sql1', parameters, {
      updateIntervalInMs: 1,
    });
    expect(sent.map(({ method, body }) => [method, body])).toEqual([
      ['PATCH', JSON.stringify({ properties: parameters })],
      ['GET', ''],
      ['GET', ''],
    ]);
  });

  it('SQL-03: makes a plain error of an operation that failed: its code stands in the message alone', async () => {
    const error = { code: 'PasswordNotComplex', message: 'Password validation failed.' };
    const { httpClient } = service(accepted, status('Failed', error));
    const thrown = await client(httpClient)
      .servers.beginUpdate('g', 'sql1', parameters)
      .then(
        () => undefined,
        (caught: Error & { code?: unknown; statusCode?: unknown }) => caught,
      );
    expect(thrown?.message).toBe(
      'The long-running operation has failed. PasswordNotComplex. Password validation failed.',
    );
    expect([thrown?.name, thrown?.code, thrown?.statusCode]).toEqual([
      'Error',
      undefined,
      undefined,
    ]);
  });

  it('SDK-01: repeats a PATCH by itself, unless retries are off', async () => {
    const lost = service('drop');
    const repeating = new SqlManagementClient(credential, subscription, {
      httpClient: lost.httpClient,
    });
    expect(
      await attempts(lost.sent, 2, (abortSignal) =>
        repeating.servers.beginUpdate('g', 'sql1', parameters, { abortSignal }),
      ),
    ).toBe(2);
    const once = service('drop');
    const single = client(once.httpClient);
    expect(
      await attempts(once.sent, 2, (abortSignal) =>
        single.servers.beginUpdate('g', 'sql1', parameters, { abortSignal }),
      ),
    ).toBe(1);
  });

  it('SQL-05: asks for the Entra administrator by the name that we give', async () => {
    const { httpClient, sent } = service({ status: 200, body: { name: 'sql1' } });
    await client(httpClient).servers.get('g', 'sql1', { expand: 'administrators/activedirectory' });
    expect(new URL(sent[0]?.url ?? '').searchParams.get('$expand')).toBe(
      'administrators/activedirectory',
    );
  });
});
