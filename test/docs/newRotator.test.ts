/** `npm run new-rotator`: what it writes passes lint, and its tests fail with the words that say what to write. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newRotator } from '../../scripts/newRotator.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { root } from './processes.ts';

/** The one that docs/developing.md shows. */
const KIND = 'event-broker-key';
let copy = '';
let written: readonly string[] = [];

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'keyturn-new-rotator-'));
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of stdout.trim().split('\n')) {
    if (/^(src|cli|local|test|scripts|bench|docs)\/|^[^/]+\.(json|js)$|^\.gitignore$/.test(file))
      cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  written = newRotator(KIND, copy);
}, 60_000);
afterAll(() => rmSync(copy, { recursive: true }));

const run = (...words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...words], {
    cwd: copy,
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
};

describe('npm run new-rotator', () => {
  it('writes at most seven files by hand from there on', () => {
    expect(written).toEqual([
      'src/targets/eventBrokerKeyApi.ts',
      'local/azure/eventBrokerKeyFake.ts',
      'src/rotators/eventBrokerKey.ts',
      'test/contract/eventBrokerKey.test.ts',
      'src/rotators/kinds.ts',
      'local/azure/arm.ts',
      'docs/rotators.md',
    ]);
    expect(readFileSync(join(root, 'docs/developing.md'), 'utf8')).toContain(
      `\nnpm run new-rotator -- ${KIND}\n`,
    );
    expect(readFileSync(join(copy, 'docs/rotators.md'), 'utf8')).toMatch(/^## event-broker-key$/m);
  });

  it('writes what passes lint', () => {
    expect(run('node_modules/@biomejs/biome/bin/biome', 'check', ...written)).toMatchObject({
      status: 0,
    });
    expect(run('node_modules/typescript/bin/tsc', '--noEmit')).toEqual({ status: 0, text: '' });
    expect(run('node_modules/knip/bin/knip.js')).toEqual({ status: 0, text: '' });
  }, 120_000);

  it('writes a contract test that fails and says what is to be written', () => {
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--maxWorkers=1'];
    const { status, text } = run(...jest, 'test/contract/eventBrokerKey.test.ts');
    expect(status).toBe(1);
    expect(text).toContain(
      'event-broker-key: write `list` in src/targets/eventBrokerKeyApi.ts and its route in local/azure/eventBrokerKeyFake.ts; docs/developing.md, "A new rotator", says how.',
    );
  }, 120_000);

  it('writes a kind that tidy finds where it belongs, and that is listed', () => {
    const code =
      "import('./src/rotators/kinds.ts').then(({ manifests }) => console.log(manifests.map(({ type }) => type).join()))";
    expect(run('-e', code).text.split(',')).toContain(KIND);
  }, 60_000);

  it.each([
    ['a name of another form', 'MadeUp', 'lower case with hyphens'],
    ['one that would lead elsewhere', '../made-up', 'lower case with hyphens'],
    ['a kind that is there', 'storage-account-key', 'is there already'],
    ['a row of the table', twoKeyTable[0]?.type ?? '', 'is there already'],
  ])('refuses %s, and writes nothing', (_, kind, words) => {
    expect(() => newRotator(kind, copy)).toThrow(words);
  });

  it('is written once', () => {
    expect(() => newRotator(KIND, copy)).toThrow(
      'event-broker-key is there already: src/rotators/eventBrokerKey.ts',
    );
  });
});
