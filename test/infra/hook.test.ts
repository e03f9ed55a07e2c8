/** infra/hooks/onboard.sh with an `az` that records what it is asked and answers as the tenant of a test would. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readinessBody } from '../../src/api/readinessBody.ts';
import { endAll, root, start } from '../docs/processes.ts';
import { readJson } from './snapshots.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-hook-'));
const bin = join(folder, 'bin');
const recorded = join(folder, 'recorded');
const asked = (...with_: string[]): readonly string[] =>
  (existsSync(recorded) ? readFileSync(recorded, 'utf8').trim().split('\n') : []).filter((words) =>
    with_.every((word) => words.includes(word)),
  );
beforeEach(() => {
  rmSync(bin, { recursive: true, force: true });
  rmSync(recorded, { force: true });
  mkdirSync(bin);
  az({});
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Per pattern of the words after `az`, what it does; the first that fits. Where none does, it prints nothing and is content. */
function az(answers: Readonly<Record<string, string>>): void {
  const all = Object.entries({ ...answers, '*location*': 'echo westeurope' });
  const cases = all.map(([pattern, does]) => `  ${pattern}) ${does} ;;`).join('\n');
  const script = `#!/bin/sh\necho "$*" >> ${recorded}\nseen() { grep -c -e "$1" ${recorded}; }\ncase "$*" in\n${cases}\nesac\n`;
  writeFileSync(join(bin, 'az'), script, { mode: 0o755 });
}
/** As az rest fails: the reason phrase and the body (azure-cli, send_raw_request). */
const refuses = (phrase: string, body: string) => `echo 'ERROR: ${phrase}(${body})' >&2; exit 1`;

const SUBSCRIPTION = '/subscriptions/11111111-2222-4333-8444-555555555555';
const vault = (name: string) =>
  `${SUBSCRIPTION}/resourceGroups/rg-${name}/providers/Microsoft.KeyVault/vaults/${name}`;
const topic = (group: string, name: string) =>
  `${SUBSCRIPTION}/resourceGroups/${group}/providers/Microsoft.EventGrid/systemTopics/${name}`;
const EVENTS = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-events`;
const outputs = {
  AZURE_FUNCTION_APP_ID: `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Web/sites/func`,
  AZURE_FUNCTION_APP_HOST: 'func.example',
  KEYTURN_AUDIENCE: '88888888-9999-4aaa-8bbb-cccccccccccc',
  ...{
    AZURE_IDENTITY_PRINCIPAL_ID: 'principal',
    AZURE_HOST_STORAGE_ID: 'host',
    AZURE_WORKSPACE_ID: 'workspace',
  },
  ...{ AZURE_EVENTS_IDENTITY_ID: EVENTS, AZURE_NETWORK_MODE: 'public', HOOK_PAUSE_SECONDS: '0' },
};
async function onboard(env: Record<string, string>) {
  const run = start(['sh', join(root, 'infra/hooks/onboard.sh')], {
    ...outputs,
    ...env,
    PATH: `${bin}:${process.env.PATH}`,
  });
  return { code: await run.ended, stderr: run.stderr(), stdout: run.stdout() };
}

describe('every vault that is named', () => {
  it('is onboarded once the app lists the function, by vault.bicep with parameters that it has (DP-01)', async () => {
    az({ '*secretEvents*': '[ "$(seen secretEvents)" -ge 3 ] || exit 3' }); // not listed at the first two looks
    expect(
      await onboard({ KEYTURN_VAULTS: `${vault('kv-one')}, ${vault('kv-two')}` }),
    ).toMatchObject({ code: 0 });
    const order = asked().map(
      (words) =>
        /secretEvents |--name keyturn-kv-\w+|api\/\w+/.exec(words)?.[0] ??
        words.split(' ').slice(0, 3).join(' '),
    );
    const looks = ['resource show --ids', 'eventgrid system-topic list'];
    expect(order).toEqual([
      ...['secretEvents ', 'secretEvents ', 'secretEvents '],
      ...[...looks, '--name keyturn-kv-one', ...looks, '--name keyturn-kv-two', 'api/readiness'],
    ]);
    const { parameters } = readJson('compiled/vault.json') as {
      parameters: Record<string, { defaultValue?: unknown }>;
    };
    for (const words of asked('deployment group')) {
      expect(words).toMatch(
        /^deployment group create --subscription 11111111-\S+ --resource-group rg-kv-(one|two) /,
      );
      const given = [...(words.split('--parameters ')[1] ?? '').matchAll(/(\w+)=(\S+)/g)].map(
        ([, name = '']) => name,
      );
      expect(given.filter((name) => !(name in parameters))).toEqual([]);
      expect(
        Object.keys(parameters).filter(
          (name) => !given.includes(name) && !('defaultValue' in (parameters[name] ?? {})),
        ),
      ).toEqual([]);
    }
  });

  it('is tried, also after one that failed, which is named at the end with exit code 1', async () => {
    az({ '*keyturn-kv-one*': 'echo "ERROR: AuthorizationFailed" >&2; exit 1' });
    const { code, stderr } = await onboard({
      KEYTURN_VAULTS: `${vault('kv-one')},${vault('kv-two')}`,
    });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/AuthorizationFailed.*Not onboarded: kv-one\./s),
    ]);
    expect(asked('--name keyturn-kv-two')).toHaveLength(1);
    expect(asked('api/readiness')).toHaveLength(1); // the other one is still waited for
  });

  it('waits for no function in the private mode; where no vault is named nothing is done', async () => {
    expect(
      await onboard({ KEYTURN_VAULTS: vault('kv-one'), AZURE_NETWORK_MODE: 'private' }),
    ).toMatchObject({
      code: 0,
    });
    expect(asked('secretEvents')).toEqual([]);
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
    `${vault('kv-one')},kv-two`,
  ])('is one: the hook refuses what is not, and asks Azure for nothing: %s', async (given) => {
    const { code, stderr } = await onboard({ KEYTURN_VAULTS: given });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('is not the resource id of a vault'),
    ]);
    expect(asked()).toEqual([]);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });

  it('is left alone when the function is never listed, and what to do is said', async () => {
    az({ '*secretEvents*': 'exit 3' });
    const { code, stderr } = await onboard({ KEYTURN_VAULTS: vault('kv-one') });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('does not list the function secretEvents'),
    ]);
    expect(asked('deployment')).toEqual([]);
  });
});

describe('a tenant whose roles stand at a management group', () => {
  it.each([
    [{}, ''],
    [{ AZURE_ROLES_AT: 'mg-apps' }, 'mg-apps'],
  ])('OPS-08: has no role made for each group: %j', async (env, group) => {
    az({});
    expect(await onboard({ KEYTURN_VAULTS: vault('kv-one'), ...env })).toMatchObject({ code: 0 });
    expect(asked('deployment group')[0]).toMatch(new RegExp(` rolesAt=${group} `));
  });
});

describe('a vault that has a system topic, of which Azure allows one', () => {
  const SHOUTED = vault('kv-one').toUpperCase(); // ARM keeps no case
  const other = [topic('rg-other', 'theirs'), vault('kv-other'), 'SystemAssigned', ''].join('\t');
  async function parametersFor(row: string[], env: Record<string, string> = {}) {
    az({ '*system-topic*': `printf '%s\\n' '${other}' '${row.join('\t')}'` });
    const { code, stdout } = await onboard({ KEYTURN_VAULTS: vault('kv-one'), ...env });
    expect(code).toBe(0);
    const given = asked('deployment group')[0]?.split('--parameters ')[1] ?? '';
    return { stdout, given: given.replace(/^.*eventsIdentityId=\S+ /, '').trim() };
  }

  it.each([
    ['SystemAssigned', '', 'SystemAssigned'],
    ['SystemAssigned, UserAssigned', '/some/id', 'SystemAssigned'],
    ['UserAssigned', `/some/id,${EVENTS.toLowerCase()}`, 'UserAssigned'],
    ['UserAssigned', '/some/id', 'None'], // the template could deliver as ours alone
    ['None', '', 'None'],
    ['', '', 'None'],
  ])('keeps it, with the identity that it has: %s %s', async (kind, users, identity) => {
    const { given } = await parametersFor([
      topic('RG-kv-one', 'their-topic'),
      SHOUTED,
      kind,
      users,
    ]);
    expect(given).toBe(`events=true systemTopicName=their-topic systemTopicIdentity=${identity}`);
  });

  it('that the template made is onboarded as the first time', async () => {
    const row = [topic('rg-kv-one', 'egst-keyturn-kv-one'), SHOUTED, 'UserAssigned', EVENTS];
    expect((await parametersFor(row)).given).toBe('events=true');
  });

  it('in another group, or without the identity that a firewall lets through, is served by the sweep, and that is said', async () => {
    const elsewhere = await parametersFor([
      topic('rg-other', 'far'),
      SHOUTED,
      'SystemAssigned',
      '',
    ]);
    expect(elsewhere).toEqual({
      given: 'events=false',
      stdout: expect.stringMatching(/rg-other.*without events/),
    });
    rmSync(recorded);
    const row = [topic('rg-kv-one', 'near'), SHOUTED, 'UserAssigned', EVENTS];
    const { given, stdout } = await parametersFor(row, { AZURE_NETWORK_MODE: 'private' });
    expect([given, stdout]).toEqual([
      'events=false',
      expect.stringMatching(/near has no system-assigned identity/),
    ]);
  });

  it('is found in its group by who may not list the subscription', async () => {
    const row = [topic('rg-kv-one', 'near'), SHOUTED, 'SystemAssigned', ''].join('\t');
    az({
      '*system-topic*resource-group\\ rg-kv-one*': `echo '${row}'`,
      '*system-topic*': 'exit 1',
    });
    expect(await onboard({ KEYTURN_VAULTS: vault('kv-one') })).toMatchObject({ code: 0 });
    expect(asked('deployment group')[0]).toContain('systemTopicName=near');
  });
});

describe('readiness, before the hook ends (DP-05)', () => {
  const body = (...vaults: { vault: string; ready: boolean }[]) =>
    JSON.stringify(
      readinessBody({
        ready: false,
        storage: { ready: true },
        vaults: vaults.map((each) =>
          each.ready ? each : { ...each, reason: 'vault-forbidden', detail: 'Forbidden(x)' },
        ),
        rotators: [{ rotator: 'app-registration', ready: false, reason: 'graph-permission' }],
      }),
    ).replaceAll("'", '');
  const mine = (ready: boolean) =>
    body({ vault: 'kv-one', ready }, { vault: 'kv-else', ready: false });
  const run = (env: Record<string, string> = {}) =>
    onboard({ KEYTURN_VAULTS: vault('kv-one'), ...env });

  it('is waited for while a vault that was onboarded is not ready', async () => {
    az({
      '*api/readiness*': `[ "$(seen readiness)" -ge 3 ] || { ${refuses('Service Unavailable', mine(false))}; }`,
    });
    expect(await run()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Keyturn is ready'),
    });
    expect(asked('api/readiness')).toHaveLength(3);
    expect(asked('api/readiness')[0]).toContain(`--resource ${outputs.KEYTURN_AUDIENCE}`);
  });

  it('of anything else is told, not waited for: a permission that is granted later, a vault of somebody else', async () => {
    az({ '*api/readiness*': refuses('Service Unavailable', mine(true)) });
    const { code, stdout } = await run();
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/What is not: .*"kv-else".*"graph-permission"/s),
    ]);
    expect(asked('api/readiness')).toHaveLength(1);
  });

  it('that does not come in time ends with 1, the last answer and what to do', async () => {
    az({ '*api/readiness*': refuses('Service Unavailable', mine(false)) });
    const { code, stderr } = await run({ HOOK_WAIT_SECONDS: '1' });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/Not ready after 1 s\. .*run this again.*"kv-one"/s),
    ]);
  });

  it.each([
    ['has no role at the API', refuses('Forbidden', '{"status":403}')],
    ['gets no token for it', 'echo "ERROR: AADSTS650057: Invalid resource." >&2; exit 1'],
    ['has not signed in', `echo "ERROR: Please run 'az login' to setup account." >&2; exit 1`],
  ])(
    'cannot be asked by who %s: health, which takes no token, is waited for instead',
    async (_, refusal) => {
      az({
        '*api/readiness*': refusal,
        '*api/health*': `[ "$(seen health)" -ge 2 ] || { ${refuses('Service Unavailable', '')}; }`,
      });
      const { code, stdout } = await run();
      expect([code, stdout]).toEqual([0, expect.stringMatching(/Keyturn\.Read.*healthy/s)]);
      expect(
        asked('api/health').map((words) => words.includes('--skip-authorization-header')),
      ).toEqual([true, true]);
      expect(asked('api/readiness')).toHaveLength(1);
    },
  );

  it('is left to somebody inside the network where the app is not reached from here', async () => {
    az({ '*api/health*': refuses('Forbidden', 'Ip Forbidden') });
    const { code, stdout } = await run({ AZURE_NETWORK_MODE: 'private' });
    expect([code, stdout]).toEqual([0, expect.stringContaining('from inside its network')]);
    expect(asked('api/readiness')).toEqual([]);
  });
});
