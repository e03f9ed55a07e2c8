/** Every parameter and every setting comes from the environment, and what nobody reads ends the deployment (case OPS-08). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cloudChoice } from '../../src/azure/cloud.ts';
import { settingsSchema } from '../../src/core/settingsSchema.ts';
import { root } from '../docs/processes.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, name = '']) => name);
const parameters = read('infra/main.bicepparam');
const template = read('infra/main.bicep');
const settings = read('infra/modules/settings.bicep');
const fromEnvironment = new Set(all(parameters, /readEnvironmentVariable\('(\w+)'/g));

describe('infra/main.bicepparam', () => {
  it('OPS-08: gives every parameter of infra/main.bicep, each from a name of its own', () => {
    expect(all(parameters, /^param (\w+) =/gm).sort()).toEqual(
      all(template, /^param (\w+) /gm).sort(),
    );
    expect(all(parameters, /readEnvironmentVariable\('(\w+)'/g)).toHaveLength(fromEnvironment.size);
    const constant = all(
      parameters,
      /^param (\w+) = (?!.*(?:readEnvironmentVariable|own\w+|groups|window)).*$/gm,
    );
    expect(constant).toEqual(['settings']);
  });

  it('OPS-08: reads every setting that an operator sets, and the template takes it; the rest is set by the deployment', () => {
    const [made = ''] = / +KEYTURN_INSTANCE: instance[\s\S]*/.exec(settings) ?? [];
    const byDeployment = all(made, /^ +(KEYTURN_\w+): /gm);
    const known = Object.keys(settingsSchema(cloudChoice).shape);
    const [type = ''] = /type Settings = \{[\s\S]*?\n\}/.exec(settings) ?? [];
    const wanted = known.filter((name) => !byDeployment.includes(name)).sort();
    expect(all(type, /^ {2}(KEYTURN_\w+): /gm).sort()).toEqual(wanted);
    expect(all(parameters, /^ {2}(KEYTURN_\w+): /gm).sort()).toEqual(wanted);
    // Whoever names an installation or a cloud does so in the environment, too.
    for (const name of [...wanted, 'KEYTURN_INSTANCE', 'KEYTURN_CLOUD'])
      expect(fromEnvironment).toContain(name);
    const others = byDeployment.filter((name) => !fromEnvironment.has(name)).sort();
    expect(others).toEqual([
      'KEYTURN_IDENTITY_CLIENT_ID',
      'KEYTURN_IDENTITY_PRINCIPAL_ID',
      'KEYTURN_TENANT_ID',
    ]);
  });
});

describe('infra/hooks/environment.sh', () => {
  const look = (env: Readonly<Record<string, string>>) => {
    const { status, stdout, stderr } = spawnSync('sh', [join(root, 'infra/hooks/environment.sh')], {
      env: { PATH: process.env.PATH ?? '', ...env },
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  it('OPS-08: runs before anything is provisioned', () => {
    expect(read('azure.yaml')).toMatch(
      /^ {2}preprovision:\n {4}posix:\n {6}shell: sh\n {6}run: sh infra\/hooks\/environment\.sh$/m,
    );
    expect(read('docs/deploy.md')).toMatch(
      /sh infra\/hooks\/environment\.sh\naz deployment group what-if/,
    );
  });

  it('OPS-08: lets pass what the parameters read, what a deployment put out, and what is empty', () => {
    const names = [
      ...fromEnvironment,
      'AZURE_HOST_STORAGE_ID',
      'AZURE_RESOURCE_GROUP',
      'HOME',
      'MY_KEYTURN_X',
    ];
    const env = Object.fromEntries(names.map((name) => [name, 'x']));
    expect(look({ ...env, KEYTURN_MODUS: '' })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it.each(['KEYTURN_GRACE_MINIMUM', 'KEYTURN_VAULT', 'KEYTURN_mode', 'KEYTURN_', 'KEYTURN_RATE2'])(
    'OPS-08: ends with %s, by name and without its value, also beside good ones',
    (name) => {
      const { status, stderr } = look({ KEYTURN_MODE: 'run', [name]: 'hunter2' });
      expect(status).toBe(1);
      expect(stderr).toMatch(new RegExp(`^${name} is nothing that infra/main.bicepparam reads`));
      expect(stderr).not.toContain('hunter2');
    },
  );

  it('OPS-08: names all of them at once, and those that only the deployment may set', () => {
    const { status, stderr } = look({
      KEYTURN_TENANT_ID: 'a',
      KEYTURN_A: 'a',
      KEYTURN_B: 'b',
      AZURE_AUDIT_LOCKD: 'true',
    });
    expect([
      status,
      stderr
        .trim()
        .split('\n')
        .map((line) => line.split(' ').slice(0, 3).join(' ')),
    ]).toEqual([1, ['KEYTURN_A is nothing', 'KEYTURN_B is nothing', 'KEYTURN_TENANT_ID is set']]);
  });

  it('OPS-08: tells of an AZURE_ name that no template reads, which may be meant for others', () => {
    expect(look({ AZURE_AUDIT_LOCKD: 'true' })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('AZURE_AUDIT_LOCKD'),
    });
  });
});
