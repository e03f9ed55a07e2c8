/**
 * README and the pages for whoever tries or uses it: every fenced block is run, or parsed by what the product parses it with. The pages
 * for operators are in `commands.test.ts`, pictures in `test/pictures`.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { startAzure } from '../../local/azure/tenant.ts';
import { madePages, outdated, pages } from '../../scripts/docs.ts';
import { parseBody } from '../../src/api/body.ts';
import { HoldRequest } from '../../src/api/calls/holdSecret.ts';
import { fromInventoryQuery } from '../../src/api/calls/listSecrets.ts';
import { RotateRequest } from '../../src/api/calls/rotateSecret.ts';
import { fromIdempotencyKey, fromPath } from '../../src/api/receive.ts';
import { inRole } from '../../src/core/neededRights.ts';
import type { Manifest } from '../../src/ports/rotator.ts';
import { manifests } from '../../src/rotators/kinds.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { STATE_TAG } from '../../src/tags/state.ts';
import { endAll, root, start } from './processes.ts';
import { commandsOf, optionsOf } from './shell.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const readme = read('README.md');
const PAGES = [
  'README.md',
  'docs/opting-in.md',
  'docs/api.md',
  'docs/local.md',
  'docs/developing.md',
];
const blocks = PAGES.flatMap((file) =>
  [...read(file).matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({
    file,
    kind,
    text,
  })),
);
const ofKind = (kind: string, page?: string) =>
  blocks
    .filter(({ kind: own, file }) => own === kind && file === (page ?? file))
    .map(({ text }) => text);
const commands = ofKind('sh').flatMap(commandsOf);
const commandsWith = (name: string) => commands.filter(([first]) => first === name);

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
    expect([...new Set(blocks.map(({ kind }) => kind))].sort()).toEqual([
      'hcl',
      'mermaid',
      'sh',
      'text',
    ]);
    expect([...new Set(commands.map(([name]) => name))].sort()).toEqual([
      'az',
      'azd',
      'curl',
      'infra/scripts/api-app.sh',
      'infra/scripts/consent.sh',
      'npm',
    ]);
  });

  it('deploy by commands that docs/deploy.md has, where they are held against templates and scripts', () => {
    const { text = '' } =
      blocks.find(({ file, text }) => file === 'README.md' && /^azd up$/m.test(text)) ?? {};
    expect(commandsOf(text)).toHaveLength(3);
    const there = [...read('docs/deploy.md').matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(
      ([, block = '']) => commandsOf(block),
    );
    for (const command of commandsOf(text)) expect(there).toContainEqual(command);
  });

  it('link to files that are there', () => {
    const links = PAGES.flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, to = '']) =>
        join(dirname(file), to),
      ),
    );
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe('the first screen', () => {
  it('OPS-09: says that nothing has run in a real subscription, and where it has run instead', () => {
    const first = readme.slice(0, readme.indexOf('\n## ')).split('\n');
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

  it('ends before line 150, and has the four doors in their order', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(151);
    const headings = [...readme.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(['One rotation', 'Try it', 'Use', 'Run', 'Trust', 'Change']);
  });

  it('leads to every page there is', () => {
    const all = readdirSync(join(root, 'docs'), { encoding: 'utf8' }).filter((file) =>
      file.endsWith('.md'),
    );
    expect(all.length).toBeGreaterThan(15);
    expect(all.filter((file) => !readme.includes(`](docs/${file}`))).toEqual([]);
  });

  it('counts the kinds as the registry does', () => {
    const told = [...readme.matchAll(/\b(?:all (\d+), their|of (\d+) kinds)\b/g)].map(
      ([, all, of]) => Number(all ?? of),
    );
    expect(told).toEqual([manifests.length, manifests.length]);
    expect(readme).toMatch(/^.*\bTwo of \d+ kinds have a single credential/m);
    expect(manifests.filter(({ overlap }) => overlap === 'none')).toHaveLength(2);
  });
});

describe('npm commands', () => {
  const lines = commandsWith('npm').map((words) => words.join(' '));
  const inCi = ['npm ci', 'npm run lint', 'npm run build', 'npm test', 'npm start -- --once'];
  const here = lines.filter((line) =>
    /^npm (start|run docs|run --silent azure|run new-rotator|run keyturn)/.test(line),
  );

  it('are run by .ci/run, or here', () => {
    const ci = read('.ci/run').split('\n');
    expect(
      inCi.filter(
        (command) => !ci.some((line) => line === command || line.startsWith(`${command} `)),
      ),
    ).toEqual([]);
    expect(lines.filter((line) => !inCi.includes(line) && !here.includes(line))).toEqual([]);
  });

  it('OPS-10: npm start, on any port, stays up until Ctrl-C and prints what the README shows', async () => {
    expect(lines).toEqual(expect.arrayContaining(['npm start', 'npm start -- --port 7072']));
    const served = start(['npm', 'start', '--', '--port', '0']);
    await served.seen(/Ctrl-C ends it/);
    const [url = ''] = /http:\/\/[\w.]+:\d+/.exec(served.stdout()) ?? [];
    const asked = lines.filter((line) => line.startsWith('npm run keyturn'));
    expect(asked).toHaveLength(2);
    for (const line of asked) {
      const told = start(line.split(' '), { KEYTURN_URL: url });
      const exit = await told.ended;
      expect([line, exit, exit === 0 ? '' : told.stderr()]).toEqual([line, 0, '']);
      expect(told.stdout()).toMatch(/kv-web\/reports-storage|stored|settled|proved/);
    }
    served.signal('SIGINT');
    await served.ended;
    await eventually(() => !served.isAlive());
    const told = served
      .stdout()
      .slice(served.stdout().search(/^\d{4}-/m), served.stdout().indexOf('\n\nServing'));
    expect(masked(told)).toEqual(masked(ofKind('text', 'docs/local.md').join('').trim()));
    // The README shows six lines of it, in their order.
    const shown = masked(ofKind('text', 'README.md').join('').trim());
    expect(shown).toHaveLength(6);
    expect(masked(told).filter((line) => shown.includes(line))).toEqual(shown);
  });

  const azureLines = lines.filter((line) => line.startsWith('npm run --silent azure'));
  it.each(azureLines)('%s prints addresses as JSON, or writes them', async (line) => {
    const file = join(temporary, `${azureLines.indexOf(line)}.json`);
    const words = line.split(' ').map((word) => (word.endsWith('.json') ? file : word));
    const azure = start(words);
    if (words.includes('--config'))
      await eventually(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('}\n')); // whole
    else await azure.seen(/^\}$/m);
    const printed = words.includes('--config') ? readFileSync(file, 'utf8') : azure.stdout();
    expect(JSON.parse(printed)).toMatchObject({ vaultUrl: expect.stringContaining('https://') });
    if (words.includes('--settings'))
      expect(JSON.parse(readFileSync(file, 'utf8')).Values.KEYTURN_MODE).toBe('run');
    azure.signal('SIGTERM');
    await azure.ended;
    await eventually(() => !azure.isAlive());
  });

  it('npm run docs writes the pages that are there', () => {
    expect(lines).toContain('npm run docs');
    for (const page of Object.keys(pages)) expect(outdated(page)).toBeUndefined();
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
      const address =
        [...after, ...(options.get('-H') ?? [])].find((word) => word.startsWith('https://')) ?? '';
      const { pathname, searchParams } = new URL(address);
      if (body !== undefined)
        parseBody<unknown>(body, pathname.endsWith('/hold') ? HoldRequest : RotateRequest);
      if (pathname === '/api/secrets') {
        expect(Object.keys(fromInventoryQuery(searchParams)).length).toBe(searchParams.size);
      }
      return pathname;
    });
    const [rotate = '', hold = '', operation = ''] = paths;
    for (const path of [rotate, hold]) {
      const [, vault = '', name = ''] =
        /^\/api\/vaults\/([^/]+)\/secrets\/([^/]+)\/(?:rotate|hold)$/.exec(path) ?? [];
      expect(fromPath({ vault, name })).toEqual({ vault: 'kv-shop', name: 'orders-storage' });
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
      ...{
        Actions: z.array(z.string()),
        DataActions: z.array(z.string()),
        AssignableScopes: z.array(z.string()),
      },
    });
    // What stands alone there, for a right that no other scope can hold, is checked in commands.test.ts.
    const section =
      read('docs/permissions.md')
        .split(/^## /m)
        .find((each) => each.startsWith('The roles as JSON')) ?? '';
    const roles = [...section.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) =>
      Role.parse(JSON.parse(text)),
    );
    const azure = await startAzure({ azurite: false });
    const given = azure.world.roles.all.filter(
      ({ principalId }) => principalId === azure.world.identity.oid,
    );
    await azure.stop();
    const spelled = (actions: readonly string[] = [], data: readonly string[] = []) =>
      [...actions, ...data]
        .map((action) => action.toLowerCase())
        .sort()
        .join(' ');
    // Those of the vault are the templates', with which test/infra/roles.test.ts runs every kind.
    const targets = given.filter(({ dataActions = [] }) => dataActions.length === 0);
    const wanted = new Set(
      targets.map(({ actions, dataActions }) => spelled(actions, dataActions)),
    );
    const written = new Set(roles.map(({ Actions, DataActions }) => spelled(Actions, DataActions)));
    const { vault } = JSON.parse(read('infra/roles.json')) as {
      vault: { actions: string[]; dataActions: string[] };
    };
    expect(written).toContain(spelled(vault.actions, vault.dataActions));
    for (const role of wanted) expect(written).toContain(role);
    // Those of two-key kinds are lists of actions in docs/two-key.md; each kind's actions are held against the stand-in by its contract test.
    const twoKey = twoKeyTable.map(({ type }) => type);
    const inArm = ({ type, rights }: Manifest) =>
      !twoKey.includes(type) && inRole(rights).length > 0;
    expect(
      roles
        .filter(({ DataActions }) => DataActions.length === 0)
        .map(({ Name }) => Name)
        .sort(),
    ).toEqual(
      manifests
        .filter(inArm)
        .map(({ type }) => `Keyturn ${type}`)
        .sort(),
    );
    for (const { type, rights } of manifests.filter(inArm))
      expect(roles.find(({ Name }) => Name === `Keyturn ${type}`)?.Actions.toSorted()).toEqual(
        [
          ...rights.actions,
          'Microsoft.Authorization/roleAssignments/read',
          'Microsoft.Authorization/permissions/read',
          'Microsoft.Authorization/locks/read',
        ].sort(),
      );
  });
});

describe('what is made from the registry', () => {
  it('is what npm run docs would write: the table of kinds and their roles, and the figures of the README', () => {
    for (const [page, name] of [
      ['docs/rotators.md', 'rotators'],
      ['docs/permissions.md', 'roles'],
      ['README.md', 'figures'],
    ] as const) {
      expect(read(page)).toMatch(new RegExp(`<!-- ${name}:.*<!-- /${name} -->`, 's'));
      expect(outdated(page)).toBeUndefined();
    }
    expect(read('docs/rotators.md')).toContain(`| \`${manifests[0]?.type}\``);
  });

  it.each(madePages)('%s is what npm run docs would write', (page) => {
    expect(outdated(page)).toBeUndefined();
  });

  it('is shown by the first row that differs, with the command that writes it', () => {
    const page = read('docs/settings.md');
    const changed = page.replace('## KEYTURN_MODE', '## KEYTURN_MOOD');
    const row = page.split('\n').indexOf('## KEYTURN_MODE') + 1;
    expect(outdated('docs/settings.md', changed, page)).toBe(
      [
        `docs/settings.md, line ${row}, is not what the code says.`,
        '  is:       ## KEYTURN_MOOD',
        '  would be: ## KEYTURN_MODE',
        'Run: npm run docs',
      ].join('\n'),
    );
    expect(outdated('docs/settings.md', `${page}more\n`, page)).toContain('is:       more');
    expect(outdated('docs/settings.md', page.trimEnd(), page)).toContain('is:       (the end)');
  });
});

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
