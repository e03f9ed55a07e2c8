/** Facts about `@azure/keyvault-secrets` that the vault adapter stands on (azure-facts 2.1, 2.2, 2.5, 8.3). */
import { SecretClient } from '@azure/keyvault-secrets';
import { describe, expect, it } from '@jest/globals';
import { SINGLE_SEND } from '../../src/core/pipeline.ts';
import { wireFailure } from '../../src/core/wire.ts';
import { credential, service } from './service.fixtures.ts';

const url = 'https://kv1.vault.azure.net';
const id = `${url}/secrets/a/0123456789abcdef0123456789abcdef`;
const stored = { status: 200, body: { id, value: 'v', attributes: { enabled: true } } };
const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the Key Vault SDK', () => {
  it('opens with a request without token and body', async () => {
    const { httpClient, sent } = service(stored);
    await new SecretClient(url, credential, { httpClient }).setSecret('a', 'v');
    expect(sent.map(({ authorised, body }) => [authorised, body.includes('"v"')])).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  it('KV-01: sends nothing of an older version with a new one', async () => {
    const { httpClient, sent } = service(stored);
    await new SecretClient(url, credential, { httpClient }).setSecret('a', 'v');
    expect(JSON.parse(sent[1]?.body ?? '')).toEqual({ value: 'v', attributes: {} });
  });

  it('turns an expiry past 2038 into a negative one', async () => {
    const { httpClient, sent } = service(stored);
    const client = new SecretClient(url, credential, { httpClient });
    await client.setSecret('a', 'v', { expiresOn: new Date('2038-01-19T03:14:07Z') });
    await client.setSecret('a', 'v', { expiresOn: new Date('2039-01-01T00:00:00Z') });
    const [, last, corrupt] = sent.map(({ body }) =>
      body === '' ? undefined : JSON.parse(body).attributes.exp,
    );
    expect([last, corrupt]).toEqual([2147483647, -2117514496]);
  });

  it.each([
    ['innererror', 'SecretDisabled'],
    ['innerError', undefined],
  ])('reads the inner code under %s on the wire: %s', async (spelling, inner) => {
    const body = {
      error: { code: 'Forbidden', message: 'm', [spelling]: { code: 'SecretDisabled' } },
    };
    const { httpClient } = service({ status: 403, body, headers: { 'x-ms-request-id': 'r-1' } });
    const error = await thrown(
      new SecretClient(url, credential, { httpClient, ...SINGLE_SEND }).getSecret('a'),
    );
    const failure = wireFailure(error);
    expect(failure).toMatchObject({
      status: 403,
      code: 'Forbidden',
      requestId: 'r-1',
      unanswered: false,
    });
    expect(failure.inner).toBe(inner);
  });

  it("refuses a challenge for a domain that is not the vault's", async () => {
    const { httpClient, sent } = service(stored);
    const error = await thrown(
      new SecretClient('https://kv1.evil.example', credential, { httpClient }).getSecret('a'),
    );
    expect(String(error)).toContain('does not match the requested domain');
    expect(sent).toHaveLength(1);
  });

  it('goes where a nextLink leads, with its token: why the adapter pins the host', async () => {
    const { httpClient, sent } = service(
      { status: 200, body: { value: [], nextLink: 'https://evil.example/next' } },
      { status: 200, body: { value: [] } },
    );
    const pages = new SecretClient(url, credential, { httpClient })
      .listPropertiesOfSecrets()
      .byPage();
    for await (const page of pages) expect(page).toEqual([]);
    expect(sent.at(-1)).toMatchObject({
      url: expect.stringContaining('https://evil.example/'),
      authorised: true,
    });
  });
});
