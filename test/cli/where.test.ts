/** Where Keyturn is and who calls: the order in which flag, environment, config file and azd are heard, and what is refused. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Io } from '../../cli/io.ts';
import { localTenant } from '../../cli/session/local.ts';
import { whereIs } from '../../cli/session/where.ts';
import { putUp } from '../../local/demo/signpost.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-where-'));
  mkdirSync(join(folder, 'keyturn'));
  mkdirSync(join(folder, 'deployed/below'), { recursive: true });
  writeFileSync(join(folder, 'deployed/azure.yaml'), 'name: keyturn\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const AZD =
  'AZURE_FUNCTION_APP_HOST="func-azd.azurewebsites.net"\nKEYTURN_AUDIENCE="of-azd"\nAZURE_IDENTITY_PRINCIPAL_ID="p-azd"\n';

async function where(
  env: Record<string, string>,
  flags: object = {},
  cwd = folder,
): Promise<Record<string, unknown>> {
  const asked: string[] = [];
  const io = {
    env: { XDG_CONFIG_HOME: folder, ...env },
    cwd,
    printed: async (...words: string[]) => {
      asked.push(words.join(' '));
      return AZD;
    },
  } as unknown as Io;
  try {
    const { url, audience, auth, principalId } = await whereIs({ local: false, ...flags }, io);
    return { url, audience, auth, principalId, asked: asked.length };
  } catch (error) {
    return { exit: (error as { exit?: string }).exit, message: (error as Error).message };
  }
}
const config = (text: string) => writeFileSync(join(folder, 'keyturn/config.json'), text);

it('takes the flag before the environment, that before the file, that before azd, each value by itself', async () => {
  config(JSON.stringify({ url: 'https://file.example', audience: 'of-file', auth: 'cli' }));
  const env = { KEYTURN_URL: 'https://env.example/', KEYTURN_AUDIENCE: 'of-env' };
  expect(await where(env, { url: 'https://flag.example/api/' })).toMatchObject({
    url: 'https://flag.example',
    audience: 'of-env',
    auth: 'cli',
  });
  expect(await where(env)).toMatchObject({ url: 'https://env.example' });
  expect(await where({})).toMatchObject({
    url: 'https://file.example',
    audience: 'of-file',
    asked: 0,
  });
  config('{}');
  const below = join(folder, 'deployed/below');
  expect(await where({}, {}, below)).toMatchObject({
    url: 'https://func-azd.azurewebsites.net',
    audience: 'of-azd',
    principalId: 'p-azd',
    auth: 'auto',
    asked: 1,
  });
  expect(await where({ KEYTURN_AUDIENCE: 'of-env' }, {}, below)).toMatchObject({
    audience: 'of-env',
    asked: 1,
  });
  expect(await where({})).toMatchObject({ exit: 'usage' });
});

it.each([
  ['a misspelt key', '{"urll": "x"}'],
  ['no JSON', 'url: x'],
  ['a way that there is not', '{"auth": "password"}'],
  ['a list', '[]'],
])('refuses a config file with %s', async (_what, text) => {
  config(text);
  expect(await where({ KEYTURN_URL: 'https://x.example', KEYTURN_AUDIENCE: 'a' })).toMatchObject({
    exit: 'usage',
    message: expect.stringContaining('config.json'),
  });
  config('{}');
});

it('refuses a way, a cloud or a file that there is not', async () => {
  const there = { KEYTURN_URL: 'https://x.example', KEYTURN_AUDIENCE: 'a' };
  for (const more of [
    { KEYTURN_AUTH: 'password' },
    { KEYTURN_CLOUD: 'Moon' },
    { KEYTURN_CONFIG: join(folder, 'none') },
  ])
    expect(await where({ ...there, ...more })).toMatchObject({ exit: 'usage' });
});

it('finds a running tenant by its note, and says where there is none, or more than one', () => {
  const at = join(folder, '.keyturn/local');
  mkdirSync(at, { recursive: true });
  const note = (url: string, pid: number) =>
    JSON.stringify({ url, pid, token: 't', vaultToken: 'v', vaults: 'x', principalId: 'p' });
  writeFileSync(join(at, 'dead.json'), note('http://127.0.0.1:1', 2 ** 22 + 1));
  writeFileSync(join(at, 'half.json'), '{"url": "ht');
  expect(() => localTenant(undefined, folder)).toThrow(/No local tenant runs/);
  writeFileSync(join(at, 'one.json'), note('http://127.0.0.1:7071', process.pid));
  expect(localTenant(undefined, join(folder, 'deployed')).url).toBe('http://127.0.0.1:7071');
  writeFileSync(join(at, 'two.json'), note('http://127.0.0.1:7072', process.pid));
  expect(() => localTenant(undefined, folder)).toThrow(/Several/);
  expect(localTenant('http://127.0.0.1:7072/', folder).url).toBe('http://127.0.0.1:7072');
});

it('a tenant that comes takes down the notes of those that were killed', async () => {
  const at = join(folder, 'notes');
  mkdirSync(at);
  writeFileSync(join(at, `${2 ** 22 + 1}-7071.json`), '{}');
  writeFileSync(join(at, `${process.pid}-7079.json`), '{}');
  const azure = {
    url: () => 'https://vault.keyturn.localhost:1',
    world: { identity: { oid: 'p' } },
  } as unknown as Parameters<typeof putUp>[0]['azure'];
  const takeDown = await putUp({
    azure,
    url: 'http://127.0.0.1:7072',
    token: 't',
    vaultToken: 'v',
    folder: at,
  });
  expect(readdirSync(at).sort()).toEqual([`${process.pid}-7072.json`, `${process.pid}-7079.json`]);
  await takeDown();
  expect(readdirSync(at)).toEqual([`${process.pid}-7079.json`]);
});
