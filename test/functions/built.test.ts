import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { routes } from '../../src/api/routes.ts';
import { endAll, root, start } from '../docs/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-built-'));
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

const FUNCTIONS = [
  ...[
    'secretEvents',
    'secretEventsPoison',
    'secretEventsQueue',
    'sweep',
    'notices',
    'noticesPoison',
    'work',
    'workPoison',
  ],
  ...routes.map(({ name }) => name),
].sort();
const inFolder = (name: string) => join(folder, name);

/** Ends as `script` does, run by plain node as the worker would: the answer is its last line. */
async function lastLine(script: string): Promise<string> {
  const built = start(['node', '--input-type=module', '-e', script]);
  expect([await built.ended, built.stderr().match(/^\w*Error.*$/m)?.[0]]).toEqual([0, undefined]);
  return built.stdout().trim().split('\n').at(-1) ?? '';
}

describe('the built app', () => {
  it('registers every function, and all of it loads, with an empty environment (FN-01)', async () => {
    const script = `import { build } from '${root}/scripts/build.ts';
      import { provideCore, registrationsOf } from '${root}/local/host/core.ts';
      await build({ out: '${inFolder('empty')}' });
      provideCore();
      for (const name of Object.keys(process.env)) delete process.env[name];
      const { functions } = await registrationsOf(() => import('${inFolder('empty')}/keyturn.cjs'), () => {});
      const handlers = await import('${inFolder('empty')}/app/handlers.mjs');
      const loaded = [...functions.keys()].filter((name) => typeof (handlers[name] ?? handlers.http(name)) === 'function');
      console.log(JSON.stringify([functions.keys(), loaded].map((names) => [...names].sort().join())));`;
    expect(JSON.parse(await lastLine(script))).toEqual([FUNCTIONS.join(), FUNCTIONS.join()]);
  });

  it('finds in packages behind import() every name that Node finds, also in those that are CommonJS', async () => {
    const src = join(root, 'src');
    const text = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(src, file), 'utf8'))
      .join('\n');
    const names = [
      ...new Set([...text.matchAll(/\bimport\('([^.'][^']*)'\)/g)].map(([, name = '']) => name)),
    ];
    expect(names).toContain('@azure/arm-storage');
    mkdirSync(join(root, '.keyturn'), { recursive: true });
    const source = mkdtempSync(join(root, '.keyturn/names-')); // from there packages are found
    writeFileSync(join(source, 'entry.ts'), "export const load = () => import('./later.ts');\n");
    writeFileSync(
      join(source, 'later.ts'),
      names.map((name, at) => `export const p${at} = () => import('${name}');`).join('\n'),
    );
    const script = `import { build } from '${root}/scripts/build.ts';
      await build({ entry: '${source}/entry.ts', out: '${inFolder('names')}' });
      const { load } = (await import('${inFolder('names')}/keyturn.cjs')).default;
      const later = await load();
      const missing = [];
      for (const [at, name] of ${JSON.stringify(names)}.entries()) {
        const [built, own] = [await later['p' + at](), await import(name)];
        const asked = Object.keys(own).filter((key) => key !== 'module.exports' && !(key === 'default' && own.__esModule));
        for (const key of asked) if (typeof built[key] !== typeof own[key]) missing.push(name + ': ' + key);
      }
      console.log(JSON.stringify(missing));`;
    const missing = await lastLine(script).finally(() => rmSync(source, { recursive: true }));
    expect(JSON.parse(missing)).toEqual([]);
  });

  it('that lost a file still registers, is not healthy, fails each call and says in the log what is missing', async () => {
    const script = `import { build } from '${root}/scripts/build.ts';
      import { rmSync } from 'node:fs';
      import { startAzurite } from '${root}/local/azurite.ts';
      import { startHost } from '${root}/local/host/host.ts';
      const azurite = await startAzurite();
      const storageConnection = azurite.connectionString();
      const env = { KEYTURN_SWEEP_SCHEDULE: '0 7 * * * *' };
      const [out, records] = ['${inFolder('broken')}', []];
      await build({ out });
      rmSync(out + '/app/handlers.mjs');
      const log = ({ level, message }) => level === 'error' && records.push(message);
      const host = await startHost({ entry: out + '/keyturn.cjs', storageConnection, env, log });
      const get = async (path) => { const answer = await fetch(host.url + path); return [answer.status, await answer.text()]; };
      const seen = { health: await get('/api/health'), readiness: await get('/api/readiness'), registered: host.functions.length };
      seen.work = await host.invoke('work', { vault: 'kv1', name: 'a', cause: 'sweep' }).catch(({ message }) => message);
      await host.stop();
      await azurite.stop();
      console.log(JSON.stringify({ ...seen, record: records[0] }));`;
    expect(JSON.parse(await lastLine(script))).toEqual({
      ...{
        health: [503, ''],
        readiness: [503, ''],
        work: 'Keyturn could not be loaded.',
        registered: FUNCTIONS.length,
      },
      record: expect.stringMatching(/"message":"app not loaded".*handlers\.mjs/),
    });
  });

  it('needs no node_modules, and runs in a host of its own against npm run azure', async () => {
    const script = `import { build } from '${root}/scripts/build.ts'; await build({ out: '${inFolder('dist')}' });`;
    expect(await start(['node', '--input-type=module', '-e', script]).ended).toBe(0);

    const azure = start([
      'npm',
      'run',
      '--silent',
      'azure',
      '--',
      '--settings',
      inFolder('settings.json'),
    ]);
    await azure.seen(/\n}\s*$/);
    writeFileSync(inFolder('config.json'), azure.stdout(), { mode: 0o600 });
    const preload = join(root, 'local/preload.ts');
    const driver = join(root, 'test/functions/builtHost.ts');
    const files = [inFolder('dist'), inFolder('settings.json'), inFolder('config.json')];
    const host = start(['node', '--import', preload, driver, ...files]);
    const code = await host.ended;

    expect([code, host.stderr()]).toEqual([0, expect.any(String)]);
    const seen = JSON.parse(host.stdout().trim().split('\n').at(-1) ?? '');
    expect(seen.functions.sort()).toEqual(FUNCTIONS);
    expect(seen.tags).toMatchObject({
      owner: 'built',
      'rotator-state': expect.stringMatching(/cred=key2;.*proved=/),
    });
    expect(seen.status).toBe(401);
  });
});
