/** The files of a release: what is in them, that they come out the same, and that the package runs on both versions of Node. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Release } from '../../scripts/release.ts';
import { routes } from '../../src/api/routes.ts';
import { endAll, root, start } from '../docs/processes.ts';
import { unzip } from './unzip.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-release-test-'));
const inFolder = (name: string) => join(folder, name);
const node22 = join(import.meta.dirname, 'node22/node_modules/.bin/node');

async function lines(words: readonly string[]): Promise<readonly string[]> {
  const run = start(words);
  expect([await run.ended, run.stderr().match(/^\w*Error.*$/m)?.[0]]).toEqual([0, undefined]);
  return run.stdout().trim().split('\n');
}

const versions = [
  { version: 'v24', command: 'node' },
  { version: 'v22', command: node22 },
];

let first: Release;
let second: Release;
beforeAll(async () => {
  const script = `import { release } from '${root}/scripts/release.ts';
    console.log(JSON.stringify([await release('${inFolder('one')}'), await release('${inFolder('two')}')]));`;
  [first, second] = JSON.parse(
    (await lines(['node', '--input-type=module', '-e', script])).at(-1) ?? '',
  ) as [Release, Release];
  for (const { name, content } of unzip(readFileSync(first.archive))) {
    mkdirSync(dirname(inFolder(`package/${name}`)), { recursive: true });
    writeFileSync(inFolder(`package/${name}`), content);
  }
  if (!existsSync(node22))
    await lines(['npm', 'ci', '--prefix', join(import.meta.dirname, 'node22')]);
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('the files of a release', () => {
  it('are byte for byte those of another build', () => {
    for (const file of ['archive', 'checksum', 'parts', 'cli', 'cliChecksum'] as const)
      expect([file, readFileSync(second[file]).equals(readFileSync(first[file]))]).toEqual([
        file,
        true,
      ]);
  });

  it('hold the app and licences, and nothing else: no source map, no dependency, no setting', () => {
    const entries = unzip(readFileSync(first.archive));
    const names = entries.map(({ name }) => name.replace(/-[A-Z0-9]{8}(?=\.)/, '')); // less the hashes of esbuild
    expect([...new Set(names.map((name) => name.replace(/^app\/.*(\.\w+)$/, 'app/*$1')))]).toEqual([
      ...['LICENSE', 'THIRD-PARTY-NOTICES', 'app/*.mjs', 'app/*.txt', 'host.json', 'keyturn.cjs'],
      ...['keyturn.cjs.LEGAL.txt', 'package.json'],
    ]);
    expect(names).toContain('app/handlers.mjs');
    expect([...new Set(entries.map(({ mode }) => mode.toString(8)))]).toEqual(['100644']);
    expect(JSON.parse(readFileSync(inFolder('package/package.json'), 'utf8'))).toEqual({
      ...{ name: 'keyturn', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
      ...{ main: 'keyturn.cjs', engines: { node: expect.any(String) } },
    });
  });

  it('carry the checksum of the package, in the form that sha256sum reads', () => {
    const sha256 = createHash('sha256').update(readFileSync(first.archive)).digest('hex');
    expect(readFileSync(first.checksum, 'utf8')).toBe(`${sha256}  ${basename(first.archive)}\n`);
  });

  it('hold the command line, which npm installs and which runs by itself', async () => {
    const checksum = createHash('sha256').update(readFileSync(first.cli)).digest('hex');
    expect(readFileSync(first.cliChecksum, 'utf8')).toBe(`${checksum}  ${basename(first.cli)}\n`);
    mkdirSync(inFolder('cli'));
    await lines(['tar', 'xzf', first.cli, '-C', inFolder('cli')]);
    expect([...(await lines(['tar', 'tzf', first.cli]))].sort()).toEqual(
      ['LICENSE', 'THIRD-PARTY-NOTICES', 'keyturn', 'package.json'].map(
        (file) => `package/${file}`,
      ),
    );
    for (const { command } of versions)
      expect((await lines([command, inFolder('cli/package/keyturn'), '--version'])).at(-1)).toMatch(
        /^\d+\.\d+\.\d+$/,
      );
    expect((await lines([inFolder('cli/package/keyturn'), 'completion', 'bash'])).at(-1)).toBe(
      'complete -F _keyturn keyturn',
    );
  });

  it('list every package that runs, by version, hash and licence, and none that only builds or tests', () => {
    const document = JSON.parse(readFileSync(first.parts, 'utf8'));
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    );
    const names = document.components.map(({ name }: { name: string }) => name);
    expect(document).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
    expect(Object.keys(devDependencies).filter((name) => names.includes(name))).toEqual([]);
    for (const part of document.components)
      expect(part).toMatchObject({
        purl: expect.stringMatching(/^pkg:npm\/.+@\d/),
        hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
        licenses: [expect.anything()],
      });
  });

  it('are refused when something strange lies among what was built', async () => {
    mkdirSync(inFolder('strange'));
    writeFileSync(inFolder('strange/local.settings.json'), '{}');
    const script = `import { entriesOf } from '${root}/scripts/release.ts';
      try { entriesOf('${inFolder('strange')}') } catch ({ message }) { console.log(message) }`;
    expect(await lines(['node', '--input-type=module', '-e', script])).toEqual([
      expect.stringContaining(
        'local.settings.json; missing: host.json, package.json, LICENSE, THIRD-PARTY-NOTICES, keyturn.cjs, app',
      ),
    ]);
  });
});

describe('the package, unpacked into an empty folder', () => {
  const FUNCTIONS = [
    ...['secretEvents', 'secretEventsPoison', 'secretEventsQueue', 'sweep', 'work', 'workPoison'],
    ...routes.map(({ name }) => name),
  ].sort();
  it.each(versions)(
    'serves all functions and rotates a secret on Node $version',
    async ({ version, command }) => {
      expect((await lines([command, '--version'])).at(-1)).toMatch(new RegExp(`^${version}\\.`));
      const settings = inFolder(`settings-${version}.json`);
      const azure = start(['npm', 'run', '--silent', 'azure', '--', '--settings', settings]);
      await azure.seen(/\n}\s*$/);
      writeFileSync(inFolder('config.json'), azure.stdout(), { mode: 0o600 });
      const driver = join(root, 'test/functions/builtHost.ts');
      const files = [inFolder('package'), settings, inFolder('config.json')];
      const seen = await lines([
        command,
        '--import',
        join(root, 'local/preload.ts'),
        driver,
        ...files,
      ]);
      azure.signal('SIGINT');
      await azure.ended;
      const { functions, tags, status } = JSON.parse(seen.at(-1) ?? '');
      expect(functions.sort()).toEqual(FUNCTIONS);
      expect(tags['rotator-state']).toMatch(/cred=key2;.*proved=/);
      expect(status).toBe(401);
    },
    120_000,
  );
});
