/** One truth about the version of Node: what the README asks for, npm checks without a word (case COR-10). */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { endAll, root, start } from './processes.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const node22 = join(root, 'test/infra/node22');
const folder = mkdtempSync(join(tmpdir(), 'keyturn-engines-'));
beforeAll(async () => {
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    copyFileSync(join(root, file), join(folder, file));
  if (existsSync(join(node22, 'node_modules/.bin/node'))) return;
  const installed = start(['npm', 'ci', '--prefix', node22]);
  expect([await installed.ended, installed.stderr()]).toEqual([0, expect.anything()]);
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** What `npm ci` says of engines on the Node of this folder; it installs nothing. */
async function warnings(bin: string) {
  const path = `${bin}:${process.env.PATH}`;
  const version = start([join(bin, 'node'), '--version']);
  await version.ended;
  const words = ['npm', 'ci', '--dry-run', '--prefix', folder];
  const run = start(words, { PATH: path });
  expect(await run.ended).toBe(0);
  return {
    version: version.stdout().trim(),
    said: run.stderr().match(/^npm warn EBADENGINE +package: .*$/gm) ?? [],
  };
}

describe('the version of Node', () => {
  it('COR-10: is one in README, developers page and package.json, which the deployed package repeats', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const [, least = ''] = /^>=(22\.\d+)$/.exec(engines.node) ?? [];
    for (const page of ['README.md', 'docs/developing.md']) {
      const named = [...read(page).matchAll(/Node(?:\.js)? (\d+(?:\.\d+)?) or newer/g)].map(
        ([, version]) => version,
      );
      expect([page, named]).toEqual([page, [least]]);
    }
    expect(read('README.md')).not.toMatch(/any Node(\.js)? from/);
  });

  it('COR-10: npm has nothing to say of it on Node 24 and 22, which are supported', async () => {
    const bins = [dirname(process.execPath), join(node22, 'node_modules/.bin')];
    const seen = await Promise.all(bins.map(warnings));
    expect(seen).toEqual([
      { version: expect.stringMatching(/^v24\./), said: [] },
      { version: expect.stringMatching(/^v22\./), said: [] },
    ]);
  });

  it('COR-10: no package that is installed asks for a newer 22 than the least that is promised', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { engines?: { node?: string }; optional?: boolean }>;
    };
    const newer = Object.entries(packages).filter(([path, { engines, optional }]) => {
      if (path === '' || optional || engines?.node === undefined) return false;
      return !engines.node.split('||').some((part) => takes2219(part.trim()));
    });
    expect(newer.map(([path, { engines }]) => `${path} ${engines?.node}`)).toEqual([]);
  });

  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  it.each(Object.entries(scripts).filter(([, line]) => /\bnode /.test(line)))(
    'COR-10: npm run %s on an older one says so in one line and does nothing',
    async (_name, line) => {
      const older = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });
        Object.defineProperty(process, 'version', { value: 'v20.20.2' });`;
      const [, words = ''] = /\bnode (.*)$/.exec(line) ?? [];
      const run = start([
        'node',
        '--import',
        `data:text/javascript,${encodeURIComponent(older)}`,
        ...words.split(' '),
      ]);
      expect(await run.ended).toBe(1);
      expect([run.stdout(), run.stderr()]).toEqual([
        '',
        'This needs Node 22.19 or newer, and this is v20.20.2: npm scripts bring their own after npm ci.\n',
      ]);
    },
  );
});

/** Whether Node 22.19.0 is in a range of the forms that the lock file has: `>=22`, `^22.0.0`, `>= 6.0 < 30`, `22.x`, `*`. */
function takes2219(range: string): boolean {
  return [
    ...range.matchAll(/(>=|<=|>|<|\^|~|=)?\s*v?(\*|\d+)(?:\.(x|\*|\d+))?(?:\.(x|\*|\d+))?/g),
  ].every(([, sign = '', first = '*', second = 'x', third = 'x']) => {
    if (first === '*') return true;
    const number = (part: string) => (/^\d+$/.test(part) ? Number(part) : 0);
    const wanted = number(first) * 1e6 + number(second) * 1e3 + number(third);
    const own = 22_019_000;
    if (sign === '>=') return own >= wanted;
    if (sign === '>') return own > wanted;
    if (sign === '<=') return own <= wanted;
    if (sign === '<') return own < wanted;
    return first === '22' && own >= wanted && (sign === '^' || second === 'x' || second === '19');
  });
}
