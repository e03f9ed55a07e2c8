import { SecretClient } from '@azure/keyvault-secrets';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import * as clock from '../../local/clock.ts';

let azure: Azure;
const newClient = () =>
  new SecretClient(
    azure.url('kv1.vault'),
    {
      getToken: async () => ({
        token: await azure.issueToken({
          oid: azure.world.identity.oid,
          aud: 'https://vault.keyturn.localhost',
        }),
        expiresOnTimestamp: clock.now() + 3_000_000,
      }),
    },
    { retryOptions: { maxRetries: 0 } },
  );

beforeAll(async () => {
  azure = await startAzure({ azurite: false });
});
afterEach(() => {
  expect(azure.unusedFaults()).toEqual({});
  azure.heal();
  clock.reset();
});
afterAll(async () => {
  expect(azure.problems).toEqual([]);
  await azure.stop();
});

const writesOf = (route: string) => azure.writes().filter((call) => call.route === route);

describe('scripted faults', () => {
  it('commit and drop: the change is there, the caller does not know (SDK-01)', async () => {
    azure.fault('keyvault.set', [{ commit: true, drop: true }]);
    await expect(newClient().setSecret('dropped', 'v')).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    expect(azure.vault('kv1').current('dropped')?.value).toBe('v');
    expect(writesOf('keyvault.set').at(-1)).toMatchObject({ status: 0, applied: true });
  });

  it('drop alone changes nothing', async () => {
    azure.fault('keyvault.set', [{ drop: true }]);
    await expect(newClient().setSecret('lost', 'v')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(azure.vault('kv1').find('lost')).toBeUndefined();
    expect(writesOf('keyvault.set').at(-1)).toMatchObject({ applied: false });
  });

  it('late: the socket goes at once, the change comes two minutes later by the movable clock', async () => {
    azure.fault('keyvault.set', [{ lateMs: 120_000 }]);
    await expect(newClient().setSecret('late', 'v')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(azure.vault('kv1').find('late')).toBeUndefined();
    clock.advance({ minutes: 2 });
    await until(() => azure.vault('kv1').find('late') !== undefined);
    expect(azure.changes().at(-1)).toMatchObject({ route: 'keyvault.set' });
  });

  it('a delay ends when the clock passes it', async () => {
    azure.fault('keyvault.get', [{ delayMs: 40_000 }]);
    azure.vault('kv1').set('slow', 'v');
    const reading = newClient().getSecret('slow');
    // Past authentication: the opening probe of the client bears this route's name until it is turned away.
    await until(
      () =>
        azure.calls.at(-1)?.route === 'keyvault.get' && azure.calls.at(-1)?.principal !== undefined,
    );
    clock.advance({ seconds: 40 });
    expect((await reading).value).toBe('v');
  });

  it('the opening probe of an SDK client uses up no step and is no write (cases 14)', async () => {
    azure.fault('keyvault.set', [{ status: 503 }]);
    const before = azure.writes().length;
    const client = newClient();
    await expect(client.setSecret('probe', 'v')).rejects.toMatchObject({ statusCode: 503 });
    await client.setSecret('probe', 'v');
    expect(
      azure.calls.filter(({ route }) => route === 'keyvault.challenge').length,
    ).toBeGreaterThan(0);
    expect(azure.writes().slice(before)).toMatchObject([
      { status: 503, applied: false },
      { status: 200, applied: true },
    ]);
  });

  it.each([
    [{ status: 429 }, 429, 'Throttled', undefined],
    [{ status: 403, inner: 'ForbiddenByPolicy' }, 403, 'Forbidden', 'ForbiddenByPolicy'],
    [
      { status: 409, inner: 'ObjectIsDeletedButRecoverable' },
      409,
      'Conflict',
      'ObjectIsDeletedButRecoverable',
    ],
    [{ status: 500, body: 'no json' }, 500, undefined, undefined],
  ])('%j speaks the error format of the service', async (step, statusCode, code, inner) => {
    azure.fault('keyvault.update', [step]);
    const { id } = azure.vault('kv1').set('refused', 'v');
    const refused = newClient().updateSecretProperties('refused', id, { tags: {} });
    const error: { details?: { error?: { innerError?: { code?: string } } } } = await refused.catch(
      (reason: unknown) => Object(reason),
    );
    expect(error).toMatchObject({ statusCode, ...(code ? { code } : {}) });
    expect(error.details?.error?.innerError?.code).toBe(inner);
  });

  it('an outage lasts until it is healed', async () => {
    azure.outage('keyvault.set', { status: 503 });
    const client = newClient();
    for (let i = 0; i < 3; i++)
      await expect(client.setSecret('out', 'v')).rejects.toMatchObject({ statusCode: 503 });
    azure.heal('keyvault.set');
    await client.setSecret('out', 'v');
  });

  it('echo throws the body back in message and header, and stores nothing (FN-05)', async () => {
    azure.echo('keyvault.set');
    const error: { message: string; response?: { headers: { get(name: string): string } } } =
      await newClient()
        .setSecret('echoed', 'hunter2')
        .catch((reason: unknown) => Object(reason));
    expect(error.message).toContain('hunter2');
    expect(error.response?.headers.get('x-ms-echo')).toContain('hunter2');
    expect(azure.vault('kv1').find('echoed')).toBeUndefined();
  });

  it('a misspelt route is an error, and steps left over can be asked for', () => {
    expect(() => azure.fault('keyvault.sett', [{}])).toThrow('No route "keyvault.sett"');
    azure.fault('arm.listKeys', [{}, {}]);
    expect(azure.unusedFaults()).toEqual({ 'arm.listKeys': 2 });
    azure.heal();
  });
});

it('two tenants run side by side and share nothing', async () => {
  const other = await startAzure({ azurite: false });
  other.vault('kv1').set('only-here', 'v');
  expect(azure.vault('kv1').find('only-here')).toBeUndefined();
  const token = await azure.issueToken({
    oid: other.world.identity.oid,
    aud: 'https://vault.keyturn.localhost',
  });
  const reply = await fetch(`${other.url('kv1.vault')}/secrets/only-here?api-version=7.4`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(reply.status).toBe(401);
  await other.stop();
});

async function until(good: () => boolean): Promise<void> {
  while (!good()) await new Promise((resolve) => setTimeout(resolve, 10));
}
