/** The compiler that `npm run infra` finds, and the hook that onboards vaults, with commands that record what they are asked. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { endAll, root, start } from '../docs/processes.ts';
import { readJson } from './snapshots.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-tools-'));
const bin = join(folder, 'bin');
const recorded = join(folder, 'recorded');
const asked = (): readonly string[] => (existsSync(recorded) ? readFileSync(recorded, 'utf8').trim().split('\n') : []);
const command = (name: string, script: string) =>
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
beforeEach(() => {
  rmSync(bin, { recursive: true, force: true });
  rmSync(recorded, { force: true });
  mkdirSync(bin);
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run infra', () => {
  /** What it finds where only `bin` is on the PATH. */
  async function found() {
    symlinkSync(process.execPath, join(bin, 'node'));
    const script = `import { bicepCommand } from '${root}/scripts/infra/bicep.ts';
      console.log(await bicepCommand('${join(folder, 'cache')}').catch(({ message }) => message));`;
    const run = start([join(bin, 'node'), '--input-type=module', '-e', script], { PATH: `${bin}:/bin`, HOME: folder });
    expect(await run.ended).toBe(0);
    return { said: run.stderr(), answer: run.stdout().trim() };
  }

  it('takes a compiler that is installed, if it is new enough', async () => {
    command('bicep', 'echo "Bicep CLI version 0.100.1 (abc)"');
    expect((await found()).answer).toBe('bicep');
  });

  it('says so when the one that is installed is too old, and when there is no other way to one', async () => {
    command('bicep', 'echo "Bicep CLI version 0.30.23 (abc)"');
    command('dotnet', 'echo "no such SDK"; exit 1');
    const { said, answer } = await found();
    expect(said).toContain('bicep is 0.30.23; 0.49.2 or newer is needed');
    expect(answer).toMatch(
      /^There is no Bicep compiler: neither `bicep` .* nor .*`az bicep install`.* NuGet .*no such SDK$/s,
    );
  });
});

describe('infra/hooks/onboard.sh', () => {
  const vault = (name: string) =>
    `/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-${name}/providers/Microsoft.KeyVault/vaults/${name}`;
  const outputs = {
    AZURE_FUNCTION_APP_ID: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/func',
    ...{ AZURE_IDENTITY_PRINCIPAL_ID: 'principal', AZURE_HOST_STORAGE_ID: 'host', AZURE_WORKSPACE_ID: 'workspace' },
    ...{ AZURE_EVENTS_IDENTITY_ID: 'events', AZURE_NETWORK_MODE: 'public', HOOK_PAUSE_SECONDS: '0' },
  };
  async function onboard(env: Record<string, string>) {
    const run = start(['sh', join(root, 'infra/hooks/onboard.sh')], {
      ...outputs,
      ...env,
      PATH: `${bin}:${process.env.PATH}`,
    });
    return { code: await run.ended, stderr: run.stderr(), stdout: run.stdout() };
  }
  const RECORD = `echo "$*" >> ${recorded}`;

  it('waits until the app lists the function, then deploys vault.bicep for each vault with parameters that it has (DP-01)', async () => {
    // Not listed at the first two looks.
    command(
      'az',
      `${RECORD}\ncase "$*" in *secretEvents*) [ "$(grep -c secretEvents ${recorded})" -ge 3 ] || exit 3 ;; *location*) echo westeurope ;; esac`,
    );
    expect(await onboard({ KEYTURN_VAULTS: `${vault('kv-one')}, ${vault('kv-two')}` })).toMatchObject({ code: 0 });
    const order = asked().map(
      (words) =>
        /secretEvents |kv-\w+$|--name keyturn-kv-\w+/.exec(words)?.[0] ?? words.split(' ').slice(0, 2).join(' '),
    );
    expect(order).toEqual([
      ...['secretEvents ', 'secretEvents ', 'secretEvents '],
      ...['resource show', '--name keyturn-kv-one', 'resource show', '--name keyturn-kv-two'],
    ]);
    const { parameters } = readJson('compiled/vault.json') as {
      parameters: Record<string, { defaultValue?: unknown }>;
    };
    for (const words of asked().filter((each) => each.startsWith('deployment'))) {
      expect(words).toMatch(/^deployment group create --subscription 11111111-\S+ --resource-group rg-kv-(one|two) /);
      const given = [...(words.split('--parameters ')[1] ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, name = '']) => name);
      expect(given.filter((name) => !(name in parameters))).toEqual([]);
      expect(
        Object.keys(parameters).filter(
          (name) => !given.includes(name) && !('defaultValue' in (parameters[name] ?? {})),
        ),
      ).toEqual([]);
    }
  });

  it('waits for no function in the private mode, and does nothing where no vault is named', async () => {
    command('az', RECORD);
    expect(await onboard({ KEYTURN_VAULTS: vault('kv-one'), AZURE_NETWORK_MODE: 'private' })).toMatchObject({
      code: 0,
    });
    expect(asked().filter((words) => words.includes('secretEvents'))).toEqual([]);
    rmSync(recorded);
    expect(await onboard({ KEYTURN_VAULTS: '' })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no vault'),
    });
    expect(asked()).toEqual([]);
  });

  it.each([
    'kv-one',
    `${vault('kv-one')}/secrets/x`,
    `${vault('kv-one').replace('KeyVault', 'Storage')}`,
    `${vault('kv-one')};touch ${join(folder, 'pwned')}`,
  ])('refuses what is no vault and asks Azure for nothing: %s', async (given) => {
    command('az', RECORD);
    const { code, stderr } = await onboard({ KEYTURN_VAULTS: given, AZURE_NETWORK_MODE: 'private' });
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not the resource id of a vault')]);
    expect(asked()).toEqual([]);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });

  it('gives up when the function is never listed, saying what to do', async () => {
    command('az', `${RECORD}; exit 3`);
    const { code, stderr } = await onboard({ KEYTURN_VAULTS: vault('kv-one') });
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not list the function secretEvents')]);
    expect(asked().filter((words) => words.startsWith('deployment'))).toEqual([]);
  });
});
