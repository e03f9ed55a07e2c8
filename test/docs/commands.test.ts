/**
 * The pages for operators: every command parses, names files, parameters, options, settings and outputs that are there, and
 * every recipe keeps what Keyturn writes out of a plan.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cloudChoice } from '../../src/azure/cloud.ts';
import { settingsSchema } from '../../src/core/settingsSchema.ts';
import { STATE_TAG } from '../../src/tags/state.ts';
import { commandsOf, optionsOf } from './shell.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const PAGES = ['deploy', 'permissions', 'security', 'operate', 'infrastructure-as-code'].map(
  (name) => `docs/${name}.md`,
);

interface Block {
  readonly page: string;
  readonly kind: string;
  readonly text: string;
}
const blocks = PAGES.flatMap((page) =>
  [...read(page).matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ([, kind = '', text = '']): Block => ({ page, kind, text }),
  ),
);
const ofKind = (kind: string) => blocks.filter((block) => block.kind === kind);
const commands = ofKind('sh').flatMap(({ text }) => commandsOf(text));
const commandsWith = (...start: string[]) =>
  commands
    .filter((words) => start.every((word, at) => words[at] === word))
    .map((words) => words.slice(start.length));

const settings = Object.keys(settingsSchema(cloudChoice).shape);
/** Names and scope of a template; a parameter is required where nothing stands for it. */
function templateOf(file: string) {
  const text = read(file);
  const params = [...text.matchAll(/^param (\w+) (.*)$/gm)].map(([, name = '', rest = '']) => ({
    name,
    required: !/(=|\?$)/.test(rest) && !/^\{/.test(rest),
  }));
  const [, scope = 'resourceGroup'] = /^targetScope = '(\w+)'$/m.exec(text) ?? [];
  const outputs = [...text.matchAll(/^output (\w+) /gm)].map(([, name = '']) => name);
  return { params, scope, outputs };
}
const OUTPUTS = templateOf('infra/main.bicep').outputs;
/** What azd reads for itself (without it `azd up` asks for a group), and its hook. */
const OF_AZD = ['AZURE_RESOURCE_GROUP', 'AZURE_ROLES_AT'];
/** What commands of the onboarding policy print, and the id of a target. */
const BY_HAND = ['POLICY_IDENTITY_ID', 'POLICY_PRINCIPAL_ID', 'POLICY_ASSIGNMENT_ID', 'TARGET'];
const SCOPES: Readonly<Record<string, string>> = {
  group: 'resourceGroup',
  sub: 'subscription',
  mg: 'managementGroup',
};

/** What is wrong with the words of `az deployment <scope> …`. */
function wrongWith(scope: string, words: readonly string[]): string[] {
  const { options } = optionsOf(words);
  const values = (name: string) => options.get(name) ?? [];
  const given = values('--parameters');
  const [from] = given.filter((word) => word.endsWith('.bicepparam'));
  const [file = from === undefined ? '' : 'infra/main.bicep'] = values('--template-file');
  if (!existsSync(join(root, file))) return [`no such template: ${file}`];
  const { params, scope: wanted } = templateOf(file);
  const named = given.filter((word) => word !== from).map((word) => word.split('=')[0] ?? '');
  return [
    ...(SCOPES[scope] === wanted ? [] : [`${file} is for ${wanted}, not for ${scope}`]),
    ...named
      .filter((name) => !params.some((param) => param.name === name))
      .map((name) => `${file} has no ${name}`),
    ...(from === undefined
      ? params
          .filter(({ name, required }) => required && !named.includes(name))
          .map(({ name }) => `${name} is missing`)
      : []),
  ];
}

describe('shell blocks', () => {
  it.each(ofKind('sh').map(({ page, text }) => [page, text.split('\n')[0] ?? '', text]))(
    '%s: %s parses',
    (_, __, text) => {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(commandsOf(text)).not.toEqual([]);
    },
  );

  it('name commands that are checked below, and files that are there', () => {
    const first = new Set(commands.map(([name = '']) => name));
    expect([...first].sort()).toEqual([
      ...[
        'az',
        'azd',
        'export',
        'infra/scripts/api-app.sh',
        'infra/scripts/consent.sh',
        'infra/scripts/grant.sh',
        'infra/scripts/graph.sh',
        'sh',
        'sha256sum',
      ],
    ]);
    expect(
      commandsWith('sh').filter(
        (words) => !/^infra\/hooks\/(onboard|environment)\.sh$/.test(words.join(' ')),
      ),
    ).toEqual([]);
    const files = commands.flat().filter((word) => /^(infra|docs|scripts)\//.test(word));
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('name options that the scripts know, each with a value where it takes one', () => {
    for (const name of ['api-app', 'consent', 'grant', 'graph']) {
      const script = `infra/scripts/${name}.sh`;
      const usage = read(script);
      const calls = commandsWith(script);
      expect(calls.length).toBeGreaterThan(0);
      for (const words of calls)
        for (const option of words.filter((word) => word.startsWith('--')))
          expect(usage).toMatch(`    ${option}`);
    }
  });

  it('deploy templates with parameters that these have, and leave none out', () => {
    const wrong = Object.keys(SCOPES).flatMap((scope) =>
      ['create', 'what-if'].flatMap((verb) =>
        commandsWith('az', 'deployment', scope, verb).flatMap((words) => wrongWith(scope, words)),
      ),
    );
    expect(wrong).toEqual([]);
    expect(commandsWith('az', 'deployment').length).toBeGreaterThan(5);
  });

  it('would be found out if they did not', () => {
    const vault = [
      '--template-file',
      'infra/vault.bicep',
      '--parameters',
      'vault=kv1',
      'principalId=a',
    ];
    expect(wrongWith('sub', vault)).toEqual([
      'infra/vault.bicep is for resourceGroup, not for sub',
      'infra/vault.bicep has no vault',
      ...['vaultName is missing', 'hostStorageId is missing', 'workspaceId is missing'],
    ]);
  });

  const exported = commandsWith('export').flatMap((words) =>
    words.map((word) => word.split('=')[0] ?? ''),
  );
  const parameters = read('infra/main.bicepparam');

  it('set names that infra/main.bicepparam reads, by azd and by the shell, or export outputs of a deployment', () => {
    const known = [...parameters.matchAll(/readEnvironmentVariable\('(\w+)'/g)].map(
      ([, name = '']) => name,
    );
    const set = commandsWith('azd', 'env', 'set').map(([name = '']) => name);
    expect(
      [...set, ...exported].filter(
        (name) => ![...known, ...OF_AZD, ...OUTPUTS, ...BY_HAND].includes(name),
      ),
    ).toEqual([]);
    expect(set.filter((name) => ![...known, ...OF_AZD].includes(name))).toEqual([]);
  });

  it('OPS-01: `azd up` is told its group and place, which are there by then, in a version that is named', () => {
    const { text = '' } = ofKind('sh').find(({ text }) => /^azd up$/m.test(text)) ?? {};
    expect(text).toMatch(
      /az group create --name (\S+) [\s\S]*azd env set AZURE_RESOURCE_GROUP \1\n[\s\S]*\nazd up/,
    );
    expect(text).toMatch(/^azd env set AZURE_LOCATION /m);
    const [, least = ''] = /^ {2}azd: .*>= ([\d.]+)/m.exec(read('azure.yaml')) ?? [];
    expect(read('docs/deploy.md')).toContain(`azd ${least} or newer`);
  });

  it('set what has no default in infra/main.bicepparam, before either way of deploying', () => {
    const needed = [...parameters.matchAll(/readEnvironmentVariable\('(\w+)'\)/g)].map(
      ([, name = '']) => name,
    );
    expect(needed).toEqual(expect.arrayContaining(['AZURE_NETWORK_MODE', 'KEYTURN_MODE']));
    const { text: byAzd = '' } = ofKind('sh').find(({ text }) => /^azd up$/m.test(text)) ?? {};
    const { text: byAz = '' } =
      ofKind('sh').find(({ text }) => text.includes('infra/main.bicepparam')) ?? {};
    for (const name of needed) {
      expect(byAzd).toContain(`azd env set ${name} `);
      expect(byAz).toMatch(new RegExp(`^export .*\\b${name}=`, 'm'));
    }
  });

  it('use no variable that no page gives a value', () => {
    const used = ofKind('sh').flatMap(({ text }) =>
      [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name),
    );
    expect(used.length).toBeGreaterThan(10);
    expect([...new Set(used)].filter((name) => !exported.includes(name))).toEqual([]);
  });
});

describe('names', () => {
  it.each(PAGES)('%s names settings of the schema, and outputs of the deployment', (page) => {
    const text = read(page);
    const named = [...new Set(text.match(/\bKEYTURN_[A-Z_]+\b/g))];
    expect(named.filter((name) => !settings.includes(name))).toEqual([]);
    const azure = [...new Set(text.match(/\bAZURE_[A-Z_]+\b/g))];
    const parameters = read('infra/main.bicepparam');
    expect(
      azure.filter(
        (name) => ![...OF_AZD, ...OUTPUTS].includes(name) && !parameters.includes(`'${name}'`),
      ),
    ).toEqual([]);
  });

  it.each(PAGES)('%s names parameters of the templates where it sets them in the text', (page) => {
    const templates = ['main', 'vault', 'target', 'roles', 'discovery', 'tenant-policy'].map(
      (name) => `infra/${name}.bicep`,
    );
    const params = templates.flatMap((file) => templateOf(file).params.map(({ name }) => name));
    const set = [...read(page).matchAll(/`([a-z]\w+)=[\w-]+`/g)].map(([, name = '']) => name);
    expect(
      set.filter((name) => !params.includes(name) && !['paused', 'approve'].includes(name)),
    ).toEqual([]);
  });

  it.each(PAGES)('%s links to pages and headings, and names files, that are there', (page) => {
    const text = read(page);
    const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, to = '']) => to);
    for (const link of links) {
      const [file = '', heading] = link.split('#');
      const path = join(dirname(page), file);
      expect({ link, there: existsSync(join(root, path)) }).toEqual({ link, there: true });
      if (heading !== undefined) expect(headingsOf(read(path))).toContain(heading);
    }
    const files = [...text.matchAll(/`((?:infra|test|src|scripts)\/[\w./-]+)`/g)].map(
      ([, file = '']) => file,
    );
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('npm scripts are there', () => {
    const scripts = [
      ...PAGES.map(read)
        .join('\n')
        .matchAll(/`[^`]*npm run (\w+)/g),
    ].map(([, name = '']) => name);
    const { scripts: known } = JSON.parse(read('package.json')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.filter((name) => !(name in known))).toEqual([]);
  });

  it('no page waits for what it does not say: no placeholder is left', () => {
    expect(PAGES.filter((page) => /TODO|TBD|FIXME|lorem/i.test(read(page)))).toEqual([]);
  });
});

/** As GitHub makes anchors of headings. */
const headingsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );

describe('recipes', () => {
  it('are in languages that are checked here', () => {
    expect([...new Set(blocks.map(({ kind }) => kind))].sort()).toEqual([
      'bicep',
      'hcl',
      'json',
      'mermaid',
      'sh',
    ]);
  });

  it('Terraform: no plan holds a value, an expiry or the state of Keyturn (IAC-01)', () => {
    const secrets = ofKind('hcl').filter(({ text }) => text.includes('azurerm_key_vault_secret'));
    expect(secrets).toHaveLength(1);
    for (const { text } of secrets) {
      expect(text).toMatch(/^ *value *= "keyturn:new"$/m);
      const [, ignored = ''] = /ignore_changes = \[(.*)\]/.exec(text) ?? [];
      expect(ignored.split(', ')).toEqual(
        expect.arrayContaining([
          'value',
          'expiration_date',
          'content_type',
          `tags["${STATE_TAG}"]`,
        ]),
      );
    }
  });

  it('Bicep: the secret is made once, from the placeholder, in a vault that is not defined (KV-10)', () => {
    for (const { text } of ofKind('bicep')) {
      expect(text).toMatch(/resource orders '[^']*' = if \(first\)/);
      expect(text).toMatch(/'Microsoft\.KeyVault\/vaults@[\d-]+' existing/);
      expect(text).toMatch(/value: 'keyturn:new'/);
      expect(text).toMatch(/^param first bool = false$/m);
    }
  });

  it('JSON parses, and what it grants is what no other scope can hold', () => {
    // The roles that are made from the registry are held against the templates in readme.test.ts.
    const roles = ofKind('json')
      .map(({ text }) => JSON.parse(text) as { Name: string; Actions: string[] })
      .filter(({ Name }) => Name === 'Keyturn SQL operations');
    const held = Object.values(
      JSON.parse(read('infra/roles.json')).targets as Record<string, { actions: string[] }>,
    );
    const locations = held
      .flatMap(({ actions }) => actions)
      .filter((action) => action.includes('/locations/'));
    expect(roles.flatMap(({ Actions }) => Actions).sort()).toEqual(locations.sort());
  });
});
