/** Whoever answers under the name of a SQL server without its certificate is sent nothing: neither Keyturn's token nor a password. */
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { certificates } from '../../local/azure/authority.ts';
import type { Azure } from '../../local/azure/azure.ts';
import { listenTds, type TdsEndpoint } from '../../local/azure/tds.ts';
import { startAzure } from '../../local/azure/tenant.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { type TdsApi, tds } from '../../src/targets/tds.ts';

const HOST = 'sql1.database.keyturn.localhost';
const VALUE = 'Aa0-first-of-a-4711';
let azure: Azure;
let impostor: TdsEndpoint;
let folder: string;
beforeAll(async () => {
  azure = await startAzure({
    azurite: false,
    tenant: { accounts: [], sqlServers: [{ name: 'sql1', logins: { app_a: VALUE } }] },
  });
  folder = mkdtempSync(join(tmpdir(), 'keyturn-impostor-'));
  // Its names are right; its authority is one that nobody trusts.
  impostor = await listenTds(
    azure.world,
    await certificates(join(folder, 'certs')),
    () => undefined,
  );
});
beforeEach(() => {
  azure.calls.length = 0;
});
afterAll(async () => {
  await impostor.stop();
  await azure.stop();
  rmSync(folder, { recursive: true });
});

function api(strict: boolean): TdsApi {
  const cloud = {
    sqlSuffix: `.database.keyturn.localhost:${azure.world.tdsPort}`,
    sqlAudience: 'https://database.windows.net',
    sqlStrict: strict,
  };
  const credential = {
    getToken: async () => ({
      token: await azure.issueToken({ oid: azure.world.identity.oid, aud: cloud.sqlAudience }),
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  };
  return tds({ cloud, credential, clock: systemClock });
}

describe.each([
  ['TDS 7', false],
  ['TDS 8', true],
])('%s', (_, strict) => {
  const at = (host: string, port: number) => ({ host, port, database: 'master' });
  const heard = () => azure.calls.map(({ route }) => route);

  it('the server itself is spoken to', async () => {
    expect(
      await api(strict).login(at(HOST, azure.world.tdsPort), 'app_a', new Secret(VALUE)),
    ).toMatchObject({
      password: 'right',
    });
    expect(heard()).toEqual(['tds.login']);
  });

  it.each(['certificate', 'name'] as const)(
    'one whose %s is not that of the server hears no password',
    async (wrong) => {
      const place =
        wrong === 'certificate'
          ? at(HOST, impostor.port)
          : at('two.labels.database.keyturn.localhost', azure.world.tdsPort);
      expect(await api(strict).login(place, 'app_a', new Secret(VALUE))).toMatchObject({
        tls: false,
        refusedFor: wrong,
      });
      expect(heard()).toEqual([]);
    },
  );

  it('SEC-02: a host that is none of the cloud is not even dialled', async () => {
    let dialled = 0;
    const stranger = createServer((socket) => {
      dialled += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const { port } = stranger.address() as AddressInfo;
    try {
      for (const host of [
        'sql1.stranger.localhost',
        'database.keyturn.localhost',
        'sql1.database.keyturn.localhost.of.localhost',
      ]) {
        const place = at(host, port);
        await expect(api(strict).login(place, 'app_a', new Secret(VALUE))).rejects.toMatchObject({
          reason: 'failed',
        });
        await expect(api(strict).run(place, new Secret('SELECT 1'))).rejects.toMatchObject({
          reason: 'failed',
        });
        await expect(api(strict).ask(place, 'SELECT 1')).rejects.toMatchObject({
          reason: 'failed',
        });
      }
      expect(dialled).toBe(0);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });

  it.each(['certificate', 'name'] as const)(
    'nor, with the wrong %s, the token and a statement',
    async (wrong) => {
      const place =
        wrong === 'certificate'
          ? at(HOST, impostor.port)
          : at('two.labels.database.keyturn.localhost', azure.world.tdsPort);
      await expect(api(strict).run(place, new Secret('SELECT 1'))).rejects.toMatchObject({
        reason: 'untrusted-server',
      });
      await expect(api(strict).ask(place, 'SELECT 1')).rejects.toMatchObject({
        reason: 'untrusted-server',
      });
      expect(heard()).toEqual([]);
    },
  );
});
