/** README and docs/developing.md: every fenced block is run, or parsed by what the product parses it with. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { startAzure } from '../../local/azure/tenant.ts';
import { pages, readmeWith } from '../../scripts/docs.ts';
import { fromHoldRequest } from '../../src/api/holdRequest.ts';
import { fromInventoryQuery } from '../../src/api/inventoryQuery.ts';
import { fromIdempotencyKey, fromPath, fromRotateRequest } from '../../src/api/rotateRequest.ts';
import { clouds } from '../../src/azure/cloud.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { STATE_TAG } from '../../src/tags/state.ts';
import { endAll, root, start } from './processes.ts';
import { commandsOf, optionsOf } from './shell.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const readme = read('README.md');
const blocks = ['README.md', 'docs/developing.md'].flatMap((file) =>
  [...read(file).matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({ file, kind, text })),
);
const ofKind = (kind: string) => blocks.filter((block) => block.kind === kind).map(({ text }) => text);
const commands = ofKind('sh').flatMap(commandsOf);
const commandsWith = (name: string) => commands.filter(([first]) => first === name);

const nobody = { getToken: () => Promise.reject(new Error('Documentation asks for no token.')) };
const rotators = allRotators({ cloud: clouds.AzureCloud, credential: nobody, clock: systemClock, tenantId: '' });
const known = registry(rotators);

let temporary = '';
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'keyturn-docs-'));
});
afterAll(() => {
  endAll();
  rmSync(temporary, { recursive: true, force: true });
});

describe('the blocks', () => {
  it('are all of a kind that is checked below', () => {
    expect([...new Set(blocks.map(({ kind }) => kind))].sort()).toEqual(['hcl', 'json', 'sh', 'text']);
    expect([...new Set(commands.map(([name]) => name))].sort()).toEqual([
      'az',
      'curl',
      'infra/scripts/consent.sh',
      'node',
      'npm',
    ]);
  });

  it('link to files that are there', () => {
    const links = ['README.md', 'docs/developing.md'].flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, to = '']) => join(dirname(file), to)),
    );
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe('the first screen', () => {
  it('OPS-09: says that nothing has run in a real subscription, and where it has run instead', () => {
    const first = readme.slice(0, readme.indexOf('## Try it')).split('\n');
    expect(first.length).toBeLessThan(30);
    const text = first.join(' ');
    expect(text).toMatch(/Nothing of this has run in a real Azure subscription yet/);
    for (const place of [
      'stand-in',
      'Azurite',
      'PostgreSQL',
      'MariaDB',
      'Functions host',
      'outside Azure',
      'KEYTURN_MODE=observe',
    ])
      expect(text).toContain(place);
  });
});

describe('npm commands', () => {
  const lines = commandsWith('npm').map((words) => words.join(' '));
  const inCi = ['npm ci', 'npm run lint', 'npm run build', 'npm test', 'npm start -- --once'];
  const here = lines.filter((line) => /^npm (start|run --silent azure)/.test(line));

  it('are run by .ci/run, or here', () => {
    const ci = read('.ci/run').split('\n');
    expect(inCi.filter((command) => !ci.some((line) => line === command || line.startsWith(`${command} `)))).toEqual(
      [],
    );
    expect(lines.filter((line) => !inCi.includes(line) && !here.includes(line))).toEqual([]);
  });

  it('npm start, on any port, stays up until Ctrl-C and prints what the README shows', async () => {
    expect(lines).toEqual(expect.arrayContaining(['npm start', 'npm start -- --port 7072']));
    const served = start(['npm', 'start', '--', '--port', '0']);
    await served.seen(/Ctrl-C ends it/);
    served.signal('SIGINT');
    await served.ended;
    await eventually(() => !served.isAlive());
    const told = served.stdout().slice(served.stdout().search(/^\d{4}-/m), served.stdout().indexOf('\n\nServing'));
    expect(masked(told)).toEqual(masked(ofKind('text').join('').trim()));
  });

  const azureLines = lines.filter((line) => line.startsWith('npm run --silent azure'));
  it.each(azureLines)('%s prints addresses as JSON, or writes them', async (line) => {
    const file = join(temporary, `${azureLines.indexOf(line)}.json`);
    const words = line.split(' ').map((word) => (word.endsWith('.json') ? file : word));
    const azure = start(words);
    if (words.includes('--config')) await eventually(() => existsSync(file));
    else await azure.seen(/^\}$/m);
    const printed = words.includes('--config') ? readFileSync(file, 'utf8') : azure.stdout();
    expect(JSON.parse(printed)).toMatchObject({ vaultUrl: expect.stringContaining('https://') });
    if (words.includes('--settings')) expect(JSON.parse(readFileSync(file, 'utf8')).Values.KEYTURN_MODE).toBe('run');
    azure.signal('SIGTERM');
    await azure.ended;
    await eventually(() => !azure.isAlive());
  });

  it('node commands write the pages that are there', () => {
    expect(commandsWith('node')).toEqual([['node', 'scripts/docs.ts']]);
    for (const [page, make] of Object.entries(pages)) expect(read(page)).toBe(make());
  });
});

describe('the other blocks', () => {
  it('curl: paths and bodies are those that the interface takes', () => {
    const calls = commandsWith('curl').map((words) => optionsOf(words.slice(1)).options);
    const paths = calls.map((options) => {
      expect([...options.keys()].filter((name) => !['-X', '-H', '-d'].includes(name))).toEqual([]);
      for (const header of options.get('-H') ?? []) {
        const [, key] = /^Idempotency-Key: (.*)$/.exec(header) ?? [];
        if (key !== undefined) expect(fromIdempotencyKey(key)).toBe(key);
      }
      const [body, ...after] = options.get('-d') ?? [];
      const address = [...after, ...(options.get('-H') ?? [])].find((word) => word.startsWith('https://')) ?? '';
      const { pathname, searchParams } = new URL(address);
      if (body !== undefined) (pathname.endsWith('/hold') ? fromHoldRequest : fromRotateRequest)(body);
      if (pathname === '/api/secrets') {
        expect(Object.keys(fromInventoryQuery(searchParams)).length).toBe(searchParams.size);
      }
      return pathname;
    });
    const [rotate = '', hold = '', operation = ''] = paths;
    for (const path of [rotate, hold]) {
      const [, vault = '', name = ''] = /^\/api\/vaults\/([^/]+)\/secrets\/([^/]+)\/(?:rotate|hold)$/.exec(path) ?? [];
      expect(fromPath(vault, name)).toEqual({ vault: 'kv-shop', name: 'orders-storage' });
    }
    expect(operation).toMatch(/^\/api\/operations\/[0-9a-f-]{36}$/);
    expect(paths.slice(3)).toEqual(['/api/secrets']);
  });

  it('Terraform leaves value, expiry and state to Keyturn (IAC-01)', () => {
    const [block = '', ...more] = ofKind('hcl');
    expect(more).toEqual([]);
    const [, ignored = ''] = /ignore_changes = \[(.*)\]/.exec(block) ?? [];
    expect(ignored.split(', ')).toEqual(['value', 'expiration_date', `tags["${STATE_TAG}"]`]);
  });

  it('roles give exactly what the templates and the stand-in give Keyturn, with which the suite passes', async () => {
    const Role = z.strictObject({
      ...{ Name: z.string(), IsCustom: z.literal(true), Description: z.string() },
      ...{ Actions: z.array(z.string()), DataActions: z.array(z.string()), AssignableScopes: z.array(z.string()) },
    });
    const roles = ofKind('json').map((text) => Role.parse(JSON.parse(text)));
    const azure = await startAzure({ azurite: false });
    const given = azure.world.roles.all.filter(({ principalId }) => principalId === azure.world.identity.oid);
    await azure.stop();
    const spelled = (actions: readonly string[] = [], data: readonly string[] = []) =>
      [...actions, ...data]
        .map((action) => action.toLowerCase())
        .sort()
        .join(' ');
    // Those of the vault are the templates', with which test/infra/roles.test.ts runs every kind.
    const targets = given.filter(({ dataActions = [] }) => dataActions.length === 0);
    const wanted = new Set(targets.map(({ actions, dataActions }) => spelled(actions, dataActions)));
    const written = new Set(roles.map(({ Actions, DataActions }) => spelled(Actions, DataActions)));
    const { vault } = JSON.parse(read('infra/roles.json')) as { vault: { actions: string[]; dataActions: string[] } };
    expect(written).toContain(spelled(vault.actions, vault.dataActions));
    for (const role of wanted) expect(written).toContain(role);
    // Those of two-key kinds are lists of actions in docs/two-key.md; each kind's actions are held against the stand-in by its contract test.
    const twoKey = twoKeyTable.map(({ type }) => type);
    const inArm = ({ type, actions }: Rotator) =>
      !twoKey.includes(type) && actions.some((each) => each.startsWith('Microsoft.'));
    expect(
      roles
        .filter(({ DataActions }) => DataActions.length === 0)
        .map(({ Name }) => Name)
        .sort(),
    ).toEqual(
      rotators
        .filter(inArm)
        .map(({ type }) => `Keyturn ${type}`)
        .sort(),
    );
    for (const { type, actions } of rotators.filter(inArm))
      expect(roles.find(({ Name }) => Name === `Keyturn ${type}`)?.Actions.toSorted()).toEqual(
        [...actions, 'Microsoft.Authorization/roleAssignments/read', 'Microsoft.Authorization/permissions/read'].sort(),
      );
  });
});

describe('what is made from the registry', () => {
  it('is what node scripts/docs.ts would write: the table of rotators and their roles', () => {
    expect(readme).toMatch(/<!-- rotators:.*<!-- \/rotators -->.*<!-- roles:.*<!-- \/roles -->/s);
    expect(unpadded(readme)).toBe(unpadded(readmeWith(readme)));
    expect(readme).toContain(`| \`${known.types[0]}\``);
  });
});

/** Biome pads the cells of tables and folds short lists in JSON. */
const unpadded = (text: string): string => text.replaceAll(/-{3,}/g, '---').replaceAll(/\s+/g, '');

/** Lines without what differs from run to run: times, ids, the port, seconds. */
function masked(text: string): string[] {
  return text.split('\n').map((line) =>
    line
      .replaceAll(/\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?Z?)?/g, 'TIME')
      .replaceAll(/\b([0-9a-f]{32}|[0-9a-f]{8})\b/g, 'ID')
      .replace(/127\.0\.0\.1:\d+/, '127.0.0.1:PORT')
      .replace(/: \d+ functions/, ': N functions')
      .replace(/[\d.]+ s after/, 'N s after'),
  );
}

async function eventually(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setTimeout(resolve, 50));
}
