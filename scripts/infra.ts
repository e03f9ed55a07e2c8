/**
 * `npm run infra`: everything that can be said of the Bicep files without Azure. Roles as the code has them, format, lint
 * without a warning, the compiled templates and the golden snapshots as they are checked in; ends with 1 and the difference
 * when any is not. `npm run infra -- --update` writes them anew. Rules stand in infra/bicepconfig.json.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { bicepCommand, difference, infra, type Ran, run } from './infra/bicep.ts';
import { rolesFile } from './infra/roles.ts';
import { inOrder } from './infra/snapshotOrder.ts';

/** What a snapshot is made for; nothing of the machine or its environment goes in. */
const TENANT = '99999999-2222-4333-8444-555555555555';
const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';
const PLACE: Readonly<Record<string, readonly string[]>> = {
  resourceGroup: ['--subscription-id', SUBSCRIPTION, '--resource-group', 'rg-golden'],
  subscription: ['--subscription-id', SUBSCRIPTION],
  managementGroup: ['--management-group-id', 'mg-golden'],
};

const problems: string[] = [];
const fail = (what: string, detail: string) => problems.push(`${what}\n${detail.trimEnd()}`);

/** Compares a file with what it should be, or writes it. */
function settle(file: string, wanted: string, update: boolean): void {
  const path = join(infra, file);
  const found = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (same(found, wanted)) return;
  if (update) writeFileSync(path, wanted);
  else
    fail(
      `infra/${file} is not what the sources give (npm run infra -- --update writes it):`,
      difference(path, wanted),
    );
}

/** Equal as text, or, of compiled templates, in all but what differs from run to run. */
function same(found: string, wanted: string): boolean {
  return (
    found === wanted ||
    (found !== '' && wanted.startsWith('{') && settled(found) === settled(wanted))
  );
}

/** Less the compiler's stamp, and with `dependsOn` in order: it comes in any (seen with 0.49.2). */
const settled = (text: string): string =>
  JSON.stringify(JSON.parse(text), (key, value: unknown) =>
    key === '_generator'
      ? undefined
      : key === 'dependsOn' && Array.isArray(value)
        ? value.toSorted()
        : value,
  );

async function check(update: boolean): Promise<void> {
  settle('roles.json', await rolesFile(), update);
  const bicep = await bicepCommand();
  const work = await mkdtemp(join(tmpdir(), 'keyturn-infra-'));
  try {
    await format(bicep, work, update);
    await lint(bicep);
    await compile(bicep, work, update);
    await parameters(bicep);
    await everything(bicep);
    const files = readdirSync(join(infra, 'snapshots')).filter((each) =>
      each.endsWith('.bicepparam'),
    );
    // Two at a time: each is a process of its own.
    const [some, others] = [
      files.filter((_, at) => at % 2 === 0),
      files.filter((_, at) => at % 2 === 1),
    ];
    await Promise.all([some, others].map((half) => snapshots(bicep, half, update)));
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** In a copy, since the compiler formats many files only where they are. */
async function format(bicep: string, work: string, update: boolean): Promise<void> {
  const files = readdirSync(infra, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.bicep(param)?$/.test(file) && !file.startsWith('.bicep'),
  );
  for (const file of [...files, 'bicepconfig.json'])
    cpSync(join(infra, file), join(work, 'copy', file));
  for (const kind of ['bicep', 'bicepparam']) {
    const { code, output } = await run([
      bicep,
      'format',
      '--pattern',
      join(work, 'copy/**', `*.${kind}`),
    ]);
    if (code !== 0) fail(`bicep format (exit code ${code})`, output);
  }
  for (const file of files) settle(file, readFileSync(join(work, 'copy', file), 'utf8'), update);
}

/** Any diagnostic is one too many: some of the compiler's own are warnings, which end with 0 (azure-facts 11.2). */
async function lint(bicep: string): Promise<void> {
  for (const pattern of ['*.bicep', 'modules/*.bicep', 'snapshots/*.bicep']) {
    const { code, output } = await run([
      bicep,
      'lint',
      '--pattern',
      join(infra, pattern),
      '--no-restore',
    ]);
    if (code !== 0 || output.trim() !== '')
      fail(`bicep lint infra/${pattern} (exit code ${code})`, output);
  }
}

async function compile(bicep: string, work: string, update: boolean): Promise<void> {
  for (const pattern of update ? ['vault.bicep', '*.bicep'] : ['*.bicep']) {
    const words = ['build', '--pattern', join(infra, pattern), '--outdir', work, '--no-restore'];
    const { code, output } = await run([bicep, ...words]);
    if (code !== 0) fail(`bicep build infra/${pattern} (exit code ${code})`, output);
    for (const file of readdirSync(work).filter((each) => each.endsWith('.json')))
      settle(`compiled/${file}`, readFileSync(join(work, file), 'utf8'), update);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;
/** The environment that infra/main.bicepparam cannot do without, and what in it must not pass for something else. */
const ENVIRONMENT = {
  AZURE_NETWORK_MODE: 'private',
  KEYTURN_AUDIENCE: 'api://keyturn',
  KEYTURN_MODE: 'run',
};
const REFUSED: readonly Environment[] = [
  ...Object.keys(ENVIRONMENT).map((name) => ({ [name]: undefined })),
  ...[
    { AZURE_NETWORK_MODE: 'Private' },
    { KEYTURN_AUDIENCE: '' },
    { KEYTURN_MODE: '' },
    { AZURE_NODE_VERSION: '23' },
  ],
  ...[
    { KEYTURN_SWEEP_SCHEDULE: '0 7 */6 * * *' },
    { AZURE_SWEEP_WINDOW: 'PT12H' },
    { AZURE_AUDIT_LOCKED: 'yes' },
  ],
  ...[
    { KEYTURN_CLOUD: 'AzureGermany' },
    { KEYTURN_CUSTOM_CLOUD: 'yes' },
    { AZURE_INSTANCE_MEMORY_MB: '1024' },
  ],
  ...[
    { AZURE_STORAGE_SKU: 'LRS' },
    { AZURE_TAGS: '{' },
    { AZURE_AUDIT_DAYS: 'a year' },
    { AZURE_PRIVATE_DNS: 'no' },
  ],
  ...[{ AZURE_NAMES: '{"apps":"a"}' }, { AZURE_SUBNETS: '{"app":"a"}' }],
];

/** Each parameter from the environment, as something else than its default (case OPS-08). */
const EVERYTHING: Readonly<Record<string, readonly [name: string, text: string, value: unknown]>> =
  {
    environmentName: ['AZURE_ENV_NAME', 'prod', 'prod'],
    location: ['AZURE_LOCATION', 'northeurope', 'northeurope'],
    tags: ['AZURE_TAGS', '{"team":"a"}', { team: 'a' }],
    names: ['AZURE_NAMES', '{"app":"own"}', { app: 'own' }],
    instance: ['KEYTURN_INSTANCE', 'zone-b', 'zone-b'],
    cloud: ['KEYTURN_CLOUD', 'custom', 'custom'],
    storageSuffix: ['AZURE_STORAGE_SUFFIX', 'core.example', 'core.example'],
    network: ['AZURE_NETWORK_MODE', 'public', 'public'],
    addressPrefix: ['AZURE_ADDRESS_PREFIX', '10.1.0.0/25', '10.1.0.0/25'],
    subnets: [
      'AZURE_SUBNETS',
      '{"app":"a","endpoints":"b","virtualNetworkId":"c"}',
      { app: 'a', endpoints: 'b', virtualNetworkId: 'c' },
    ],
    privateDns: ['AZURE_PRIVATE_DNS', 'existing', 'existing'],
    privateDnsZoneIds: ['AZURE_PRIVATE_DNS_ZONE_IDS', '{"blob":"b"}', { blob: 'b' }],
    nodeVersion: ['AZURE_NODE_VERSION', '22', '22'],
    instanceMemoryMB: ['AZURE_INSTANCE_MEMORY_MB', '4096', 4096],
    maximumInstanceCount: ['AZURE_MAXIMUM_INSTANCE_COUNT', '3', 3],
    zoneRedundant: ['AZURE_ZONE_REDUNDANT', 'true', true],
    storageSku: ['AZURE_STORAGE_SKU', 'Standard_GZRS', 'Standard_GZRS'],
    cmk: [
      'AZURE_CMK',
      '{"vaultUri":"u","keyName":"k","identityId":"i"}',
      { vaultUri: 'u', keyName: 'k', identityId: 'i' },
    ],
    auditDays: ['AZURE_AUDIT_DAYS', '30', 30],
    auditLocked: ['AZURE_AUDIT_LOCKED', 'true', true],
    logDays: ['AZURE_LOG_DAYS', '31', 31],
    publicIngestion: ['AZURE_PUBLIC_INGESTION', 'false', false],
    activityLog: ['AZURE_ACTIVITY_LOG', 'false', false],
    actionGroupIds: ['AZURE_ACTION_GROUP_IDS', 'a, b', ['a', 'b']],
    sweepWindow: ['AZURE_SWEEP_WINDOW', 'P1D', 'P1D'],
    noticesTopic: ['AZURE_NOTICES_TOPIC', 'true', true],
    notifySettings: [
      'AZURE_NOTIFY_SETTINGS',
      '{"KEYTURN_NOTIFY_A":"b"}',
      { KEYTURN_NOTIFY_A: 'b' },
    ],
  };

/** All of them reach the template, and it has no other. */
async function everything(bicep: string): Promise<void> {
  const all = Object.fromEntries(Object.values(EVERYTHING).map(([name, text]) => [name, text]));
  const { stdout, output } = await parametersOf(bicep, { ...ENVIRONMENT, ...all });
  const { parametersJson, templateJson } = (
    stdout.startsWith('{') ? JSON.parse(stdout) : {}
  ) as Record<string, string>;
  if (parametersJson === undefined || templateJson === undefined)
    return void fail('bicep build-params infra/main.bicepparam, with everything set', output);
  const { parameters: found } = JSON.parse(parametersJson) as {
    parameters: Record<string, { value: unknown }>;
  };
  const wanted = Object.entries(EVERYTHING).map(
    ([parameter, [, , value]]) => [parameter, value] as const,
  );
  for (const [parameter, value] of wanted)
    if (JSON.stringify(found[parameter]?.value) !== JSON.stringify(value))
      fail('infra/main.bicepparam', `${parameter} is not what the environment says.`);
  const has = Object.keys((JSON.parse(templateJson) as { parameters: object }).parameters);
  const strange = has.filter((parameter) => parameter !== 'settings' && !(parameter in EVERYTHING));
  if (strange.length > 0)
    fail('infra/main.bicepparam', `Not from the environment: ${strange.join()}`);
}

/** The parameters that azd takes. What is missing or misspelt ends with an error: a default would undo what was deployed. */
async function parameters(bicep: string): Promise<void> {
  const { code, stdout, output } = await parametersOf(bicep, ENVIRONMENT);
  if (code !== 0 || output.replace(stdout, '').trim() !== '')
    fail('bicep build-params infra/main.bicepparam', output);
  for (const wrong of REFUSED)
    if ((await parametersOf(bicep, { ...ENVIRONMENT, ...wrong })).code === 0)
      fail(
        'bicep build-params infra/main.bicepparam takes an environment that it has to refuse:',
        describe(wrong),
      );
}

const describe = (environment: Environment): string =>
  Object.entries(environment)
    .map(([name, value]) => `${name}${value === undefined ? ' is not set' : `='${value}'`}`)
    .join();

/** The compiler inherits the environment of this process, so what a developer's shell holds goes first. */
function parametersOf(bicep: string, environment: Environment): Promise<Ran> {
  for (const name of Object.keys(process.env))
    if (/^(KEYTURN|AZURE)_/.test(name)) delete process.env[name];
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined) process.env[name] = value;
  return run([bicep, 'build-params', join(infra, 'main.bicepparam'), '--stdout', '--no-restore']);
}

async function snapshots(bicep: string, files: readonly string[], update: boolean): Promise<void> {
  for (const file of files) await snapshot(bicep, file, update);
}

async function snapshot(bicep: string, file: string, update: boolean): Promise<void> {
  const parameters = join(infra, 'snapshots', file);
  const text = readFileSync(parameters, 'utf8');
  const [, template = ''] = /^using '(.+)'$/m.exec(text) ?? [];
  // Parameters that the template has to refuse say in which words.
  const [, refusal] = /^\/\/ Refused: (.+)$/m.exec(text) ?? [];
  const [, scope = 'resourceGroup'] =
    /^targetScope = '(\w+)'$/m.exec(readFileSync(join(infra, 'snapshots', template), 'utf8')) ?? [];
  const mode = update && refusal === undefined ? 'overwrite' : 'validate';
  const { code, output } = await run([
    ...[bicep, 'snapshot', parameters, '--mode', mode, '--tenant-id', TENANT],
    // Without a name, outputs of modules stay unresolved (azure-facts 11.2).
    ...['--location', 'westeurope', '--deployment-name', 'main', ...(PLACE[scope] ?? [])],
  ]);
  if (refusal === undefined ? code !== 0 : !output.includes(refusal)) {
    const why = refusal ? 'Not refused as it says. ' : '';
    fail(`bicep snapshot infra/snapshots/${basename(file)}`, `${why}${output}`);
    return;
  }
  if (mode === 'validate') return;
  const made = parameters.replace(/bicepparam$/, 'snapshot.json');
  writeFileSync(made, inOrder(readFileSync(made, 'utf8')));
}

if (process.argv[1] === import.meta.filename) {
  const update = process.argv.includes('--update');
  // Without a compiler there is nothing to say but that.
  await check(update).catch(({ message }: Error) => problems.push(message));
  for (const problem of problems) console.error(`${problem}\n`);
  console.log(
    problems.length === 0
      ? `infra: roles, format, lint, templates and snapshots are ${update ? 'written' : 'as they are checked in'}.`
      : `infra: ${problems.length} problem(s).`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
