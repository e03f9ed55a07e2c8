/** `azd up` as it is in every version: nothing is built in Azure, and what is uploaded runs (case OPS-01). */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { zip } from '../../scripts/release/zip.ts';
import { entriesOf } from '../../scripts/release.ts';
import { endAll, root, start } from '../docs/processes.ts';
import { azureYaml, remoteBuild, type Service, uploaded } from './azd.ts';
import { unzip } from './unzip.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-azd-'));
const inFolder = (name: string) => join(folder, name);
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

const { service, hook, least } = azureYaml(readFileSync(join(root, 'azure.yaml'), 'utf8'));
/** The first with each rule, the last before it, and the newest that was read. */
const VERSIONS = [
  ...([
    [1, 20, 0],
    [1, 23, 4],
    [1, 23, 5],
    [1, 23, 11],
    [1, 23, 12],
    [1, 31, 2],
  ] as const),
];

async function lines(words: readonly string[]): Promise<readonly string[]> {
  const run = start(words);
  expect([await run.ended, run.stderr().match(/^\w*Error.*$/m)?.[0]]).toEqual([0, undefined]);
  return run.stdout().trim().split('\n');
}

describe('azure.yaml', () => {
  it.each(VERSIONS)(
    'OPS-01: has nothing built in Azure, by the rules of azd %d.%d.%d',
    (...version) => {
      expect(remoteBuild(service, version, root)).toBe(false);
    },
  );

  it('OPS-01: asks for an azd that knows its language, so that an older one ends before anything is made', () => {
    expect(least).toEqual([1, 20, 0]);
    expect(() => remoteBuild(service, [1, 19, 0], root)).toThrow('unsupported language');
  });

  it('OPS-01: names a folder that its own hook makes anew from what the lock file says', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect([hook, scripts.build, service.dist]).toEqual([
      'npm ci && npm run build',
      'node --import ./scripts/node.js scripts/build.ts',
      'dist',
    ]);
  });

  it('OPS-01: leaves no ignore file behind: azd reads it at the root of the project and of the folder', () => {
    expect(
      [join(root, '.funcignore'), join(root, 'dist/.funcignore')].filter((file) =>
        existsSync(file),
      ),
    ).toEqual([]);
  });
});

describe("azd's rules, as they are held against it", () => {
  const other = (name: string, funcignore: string | undefined, more: Partial<Service>) => {
    mkdirSync(inFolder(name), { recursive: true });
    if (funcignore !== undefined) writeFileSync(join(inFolder(name), '.funcignore'), funcignore);
    const made: Service = { project: '.', language: 'ts', host: 'function', ...more };
    return VERSIONS.slice(1).map((version) => {
      try {
        return remoteBuild(made, version, inFolder(name));
      } catch (error) {
        return error instanceof Error && error.message.slice(0, 20);
      }
    });
  };

  it('OPS-01: would refuse the former layout since 1.23.12, and build it in Azure up to 1.23.4', () => {
    const refused = "'remoteBuild: false'";
    const former = other('former', '\uFEFF.*\nnode_modules\n*.ts\n', { remoteBuild: false });
    expect(former).toEqual([true, false, false, refused, refused]);
  });

  it('OPS-01: would build others in Azure, in one version or another', () => {
    expect(other('plain', undefined, {})).toEqual([true, true, true, true, true]);
    expect(other('taken-back', 'node_modules/\n!node_modules\n', {})).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(other('told', 'dist\n', { remoteBuild: true })[3]).toBe("'remoteBuild: true' ");
    expect(other('dist', undefined, { dist: 'dist', remoteBuild: false })).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('OPS-01: leave settings of a machine out, and what an ignore file names', () => {
    for (const file of [
      '.azure/one/.env',
      'local.settings.json',
      'app/a.mjs',
      'app/a.mjs.map',
      'main.js.map',
      'x/main.js',
    ]) {
      mkdirSync(dirname(inFolder(`some/dist/${file}`)), { recursive: true });
      writeFileSync(inFolder(`some/dist/${file}`), file);
    }
    const made: Service = { project: '.', language: 'custom', host: 'function', dist: 'dist' };
    const names = () =>
      uploaded(made, inFolder('some'))
        .map(({ name }) => name)
        .sort();
    expect(names()).toEqual(['app/a.mjs', 'app/a.mjs.map', 'main.js.map', 'x/main.js']);
    writeFileSync(inFolder('some/dist/.funcignore'), '/main.js.map\napp/*.map\nmain.js/\n');
    expect(names()).toEqual(['app/a.mjs', 'x/main.js']);
  });
});

describe('what azd uploads', () => {
  let names: readonly string[] = [];
  beforeAll(async () => {
    const script = `import { build } from '${root}/scripts/build.ts'; await build({ out: '${inFolder('dist')}', maps: '${inFolder('maps')}' });`;
    await lines(['node', '--input-type=module', '-e', script]);
    // Somebody's settings and environment lie about, as they do.
    mkdirSync(inFolder('dist/.azure/prod'), { recursive: true });
    writeFileSync(inFolder('dist/.azure/prod/.env'), 'A=1');
    const archive = zip(uploaded(service, folder));
    const entries = unzip(archive);
    names = entries.map(({ name }) => name);
    for (const { name, content } of entries) {
      mkdirSync(dirname(inFolder(`package/${name}`)), { recursive: true });
      writeFileSync(inFolder(`package/${name}`), content);
    }
    rmSync(inFolder('dist/.azure'), { recursive: true });
  });

  it('OPS-01: is what a release holds, file for file: no source, no map, no node_modules', () => {
    expect([...names].sort()).toEqual(
      entriesOf(inFolder('dist'))
        .map(({ name }) => name)
        .sort(),
    );
    expect(existsSync(inFolder('maps/keyturn.cjs.map'))).toBe(true);
  });

  it('OPS-01: starts in an empty folder, serves its functions and rotates a secret', async () => {
    const settings = inFolder('settings.json');
    const azure = start(['npm', 'run', '--silent', 'azure', '--', '--settings', settings]);
    await azure.seen(/\n}\s*$/);
    writeFileSync(inFolder('config.json'), azure.stdout(), { mode: 0o600 });
    const driver = join(root, 'test/functions/builtHost.ts');
    const files = [inFolder('package'), settings, inFolder('config.json')];
    const seen = await lines([
      'node',
      '--import',
      join(root, 'local/preload.ts'),
      driver,
      ...files,
    ]);
    azure.signal('SIGINT');
    await azure.ended;
    const { functions, tags } = JSON.parse(seen.at(-1) ?? '');
    expect(functions).toContain('secretEvents');
    expect(tags['rotator-state']).toMatch(/cred=key2;.*proved=/);
  });
});
