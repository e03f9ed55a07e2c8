import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { endAll, root, start } from '../docs/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-built-'));
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

const FUNCTIONS = [
  ...['health', 'history', 'openapi', 'operation', 'readiness', 'rotate', 'secret', 'secretEvents'],
  ...['secretEventsQueue', 'secrets', 'sweep', 'work', 'workPoison'],
];
const inFolder = (name: string) => join(folder, name);

describe('the built app', () => {
  it('registers every function and throws nothing when it is loaded with an empty environment (FN-01)', async () => {
    const script = `import { build } from '${root}/scripts/build.ts';
      import { provideCore, registrationsOf } from '${root}/local/host/core.ts';
      await build({ out: '${inFolder('empty')}' });
      provideCore();
      for (const name of Object.keys(process.env)) delete process.env[name];
      const { functions } = await registrationsOf(() => import('${inFolder('empty')}/keyturn.cjs'), () => {});
      console.log([...functions.keys()].sort().join());`;
    const built = start(['node', '--input-type=module', '-e', script]);
    expect([await built.ended, built.stdout().trim()]).toEqual([0, FUNCTIONS.join()]);
  });

  it('is three files that need no node_modules, and runs in a host of its own against npm run azure', async () => {
    const script = `import { build } from '${root}/scripts/build.ts'; await build({ out: '${inFolder('dist')}' });`;
    expect(await start(['node', '--input-type=module', '-e', script]).ended).toBe(0);

    const azure = start(['npm', 'run', '--silent', 'azure', '--', '--settings', inFolder('settings.json')]);
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
    expect(seen.tags).toMatchObject({ owner: 'built', 'rotator-state': expect.stringMatching(/cred=key2;.*proved=/) });
    expect(seen.status).toBe(401);
  }, 60_000);
});
