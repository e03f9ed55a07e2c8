/**
 * Writes what is made from the code: whole pages (settings, reasons, two-key, values), tables and roles inside of others, and the
 * README's figures, each formatted as Biome has it. Tests compare every one and name the first row that differs. Run: npm run docs.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cloudChoice } from '../src/azure/cloud.ts';
import { PERMISSIONS_READ } from '../src/azure/permissions.ts';
import { LOCKS_READ } from '../src/azure/resourceLocks.ts';
import { inRole, type NeededRights } from '../src/core/neededRights.ts';
import { isReason, reasonRow, reasons } from '../src/core/reasons.ts';
import { aboutSetting, settingsSchema } from '../src/core/settingsSchema.ts';
import { keyDialects } from '../src/form/dialects.ts';
import { eventSchemas } from '../src/notices/cloudEvent.ts';
import type { Manifest } from '../src/ports/rotator.ts';
import { manifests } from '../src/rotators/kinds.ts';
import { notSupported, type TwoKeyRow, twoKeyTable } from '../src/rotators/twoKeyTable.ts';
import { callsFile, callsTable, routesFile } from './calls.ts';
import { commandsPart, commonPart, exitsPart } from './cli.ts';
import { targetRole } from './infra/roles.ts';
import { permissionsWith } from './permissions.ts';
import { PROOF_RUN, proofWith, readRun } from './proof.ts';
import { valuesPage } from './values.ts';

const made = '<!-- Made by `npm run docs`; edit the code instead. -->';

export function settingsPage(): string {
  const sections = Object.entries(settingsSchema(cloudChoice).shape).map(([name, schema]) => {
    const { about, shape, fallback } = aboutSetting(schema);
    const required = !schema.safeParse(undefined).success;
    const otherwise = required
      ? 'Must be set.'
      : fallback === undefined
        ? 'May be left out.'
        : `Default: ${fallback === '' ? 'empty' : `\`${fallback}\``}.`;
    return `## ${name}\n\n${about}\n\nValue: ${shape}. ${otherwise}\n`;
  });
  return `${made}

# Settings

App settings of the function app. Keyturn reads them when the first message or request comes, reports everything that is
wrong with them at once, and does nothing until it is mended. A name with the prefix \`KEYTURN_\` that is not listed here is
an error, too, so that a misspelt setting is not silently ignored.

${sections.join('\n')}
## AzureWebJobsStorage

The storage account that the app runs on: \`AzureWebJobsStorage__accountName\` with the account's name, used with the managed
identity; locally \`AzureWebJobsStorage\` with a connection string. Keyturn keeps its queue, table and audit records there, and
never rotates the keys of this account, of the content share (\`WEBSITE_CONTENTAZUREFILECONNECTIONSTRING\`) or of the deployment
container (\`DEPLOYMENT_STORAGE…\`).

## What must not be set

While one of these is set Keyturn does nothing: health is 503 with the reason \`exposed\` and their names, and an alert says the
same. Node has read them before any code runs, so that nothing else can be done about them.

- \`NODE_DEBUG\`, \`NODE_DEBUG_NATIVE\`: print tokens and values.
- \`NODE_TLS_REJECT_UNAUTHORIZED=0\`: tokens and values go to whoever answers. Name further authorities with
  \`NODE_EXTRA_CA_CERTS\`.
- \`SSLKEYLOGFILE\`, and in \`NODE_OPTIONS\` or \`languageWorkers__node__arguments\` the options \`--tls-keylog\`, \`--trace-tls\`,
  \`--trace-event…\`, \`--trace-env…\`, \`--inspect…\`, \`--report-…\`, \`--heapsnapshot-…\`, \`--heap-prof…\`, \`--cpu-prof…\`,
  \`--prof\`, \`--perf-…\`, \`--diagnostic-dir\` and \`--abort-on-uncaught-exception\`.

\`DEBUG\`, \`AZURE_LOG_LEVEL\` and \`TYPESPEC_RUNTIME_LOG_LEVEL\` are cleared before anything reads them. What loads code of
others before Keyturn (\`--require\`, \`--import\`, an agent of a monitoring product) cannot be judged from inside: it sees every
value, so leave it away.
`;
}

export function reasonsPage(): string {
  const sections = Object.keys(reasons)
    .filter(isReason)
    .map((reason) => {
      const { cause, remedy, by, overridable } = reasonRow(reason);
      const who =
        by === 'nobody'
          ? 'Nobody has to act.'
          : `The ${by === 'network' ? 'owner of the network' : by} acts.`;
      const may = overridable
        ? ` A person with \`Keyturn.Revoke\` may override it: \`"override": ["${reason}"]\`.`
        : '';
      return `## ${reason}\n\n${cause}\n\nRemedy: ${remedy} ${who}${may}\n`;
    });
  return `${made}

# Reasons

Every step, refusal and alert of Keyturn carries one of these codes. Problem details over HTTP link here.

${sections.join('\n')}`;
}

export const pages: Readonly<Record<string, () => string>> = {
  'docs/settings.md': settingsPage,
  'docs/reasons.md': reasonsPage,
  'docs/two-key.md': twoKeyPage,
  'docs/values.md': valuesPage,
  'src/api/routes.ts': routesFile,
  'src/api/calls.ts': callsFile,
  ...eventPages(),
};

/** The JSON schema of each event that notices are sent as. */
function eventPages(): Record<string, () => string> {
  const schemas = Object.entries(eventSchemas());
  return Object.fromEntries(
    schemas.map(([type, schema]) => [
      `docs/events/${type}.json`,
      () => JSON.stringify(schema, undefined, 2),
    ]),
  );
}

const overlaps: Readonly<Record<Manifest['overlap'], string>> = {
  'two-slots': 'works on until the grace is over',
  many: 'works on until the grace is over',
  none: 'ends at once: a short interruption is possible',
};
const Options = z.object({
  properties: z.record(z.string(), z.object({ description: z.string() })),
});

const isTwoKey = ({ type }: Pick<Manifest, 'type'>): boolean =>
  twoKeyTable.some((row) => row.type === type);
const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

function rowOf({ type, title, overlap, options, rights }: Manifest): string {
  const { properties } = Options.parse(z.toJSONSchema(options, { io: 'input' }));
  const words = Object.entries(properties).map(
    ([name, { description }]) => `\`${name}\`: ${description}`,
  );
  const cells = [
    `\`${type}\``,
    title,
    overlaps[overlap],
    words.join(' '),
    isTwoKey({ type }) ? `[two-key.md](two-key.md#${type})` : rightsIn(rights),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** In words that say who gives it where that is not Azure's role. */
const rightsIn = ({ graph = [], database = [], ...rights }: NeededRights): string =>
  [
    code(inRole(rights)),
    graph.length > 0 ? `of Microsoft Graph ${code(graph)}` : '',
    database.length > 0 ? `in the server ${database.join(', ')}` : '',
  ]
    .filter((part) => part !== '')
    .join('; ');

const rotatorsTable = (): string =>
  [
    '| `rotator` | What it rotates | Old credential | Options (`rotator-options`) | Rights |',
    '| --- | --- | --- | --- | --- |',
    ...manifests.map(rowOf),
  ].join('\n');

/** The custom role of one kind: exactly its actions of both planes, and reading the role assignments in which consent stands. */
export function roleOf({ type, rights }: Pick<Manifest, 'type' | 'rights'>): string | undefined {
  const held = targetRole(rights);
  if (held === undefined) return undefined;
  const role = {
    Name: `Keyturn ${type}`,
    IsCustom: true,
    Description: `What Keyturn needs at a target of the rotator ${type}.`,
    Actions: held.actions,
    DataActions: held.dataActions ?? [],
    AssignableScopes: ['/subscriptions/11111111-2222-4333-8444-555555555555'],
  };
  return `\`\`\`json\n${JSON.stringify(role, undefined, 2)}\n\`\`\``;
}

function twoKeyPage(): string {
  const sections = [...twoKeyTable]
    .sort((one, other) => one.type.localeCompare(other.type))
    .map(twoKeySection);
  return `${made}

# Resources with two keys

One rotator serves all of these: it regenerates the key that the secret does not hold, waits until Azure Resource Manager
lists the new one, and after the grace regenerates the old one. New keys are not tried against the service; what Resource
Manager lists counts as in force (\`vouched\`). The role of a kind has the actions named here and
\`Microsoft.Authorization/roleAssignments/read\`, \`${PERMISSIONS_READ}\` and \`${LOCKS_READ}\`, as [the roles](permissions.md#the-roles-as-json) of other kinds do. Consent stands at the resource, at the one that
it stands below (a namespace), or at their group; where reading the namespace is among the actions, it has to be given there. Above
the resource a consent names it by its path below the outermost one: \`kv-shop/orders-bus(orders/send)\`. What opens the whole
resource above it (\`RootManage…\`, and where there are read-only keys those that may write) is given at itself, to a secret by name.

The tag \`rotator-target\` is the full resource id; of a type with one name also \`<subscription guid>/<resource group>/<name>\`.

A regeneration that takes its time is followed by its link where Keyturn may read it, which needs
\`<provider>/locations/operationsStatus/read\` or \`…/operationResults/read\` in the subscription (spelling unverified); without it
the list of keys tells, and only why one failed stays unknown.

${sections.join('\n')}
## Not supported

${notSupported.map(({ what, because }) => `- ${what}: ${because}.`).join('\n')}
`;
}

function twoKeySection(row: TwoKeyRow): string {
  const { type, title, armTypes, version, slots, readonlySlots, strings, pair, off, regenerate } =
    row;
  const { actions, dataActions = [] } = manifests.find((each) => each.type === type)?.rights ?? {
    actions: [],
  };
  const facts = [
    `Resource types: ${code(armTypes)} (api ${version})`,
    `Slots: ${code(Object.keys(slots))}`,
    ...(readonlySlots
      ? [`With the option \`keys=readonly\`: ${code(Object.keys(readonlySlots))}`]
      : []),
    `The secret holds ${strings ? heldIn(strings, pair) : 'the bare key'}, or a document with it (option \`field\`)`,
    ...(off ? [`Refused when \`${off.at.replace('/', '')}\` switches keys off`] : []),
    ...(regenerate.long ? ['The new key may take minutes'] : []),
    `Actions: ${code(actions)}`,
    ...(dataActions.length > 0 ? [`Data actions: ${code(dataActions)}`] : []),
  ];
  return `## ${type}\n\n${title}.\n\n${facts.map((fact) => `- ${fact}.`).join('\n')}\n`;
}

function heldIn(strings: NonNullable<TwoKeyRow['strings']>, pair: TwoKeyRow['pair']): string {
  if (pair)
    return `the service's connection string (\`${pair.name}=\` and \`${pair.key}=\` are replaced together, since both change)`;
  const titles = strings.map((id) => keyDialects[id].title);
  return `the bare key, or a connection string ([values](values.md): ${titles.join('; ')})`;
}

/** A page with what is made put between the markers of its parts: `<!-- name: … -->` and `<!-- /name -->`. */
const withPart = (page: string, name: string, part: string): string =>
  page.replace(
    new RegExp(`(<!-- ${name}:[^>]*-->\\n).*?(<!-- /${name} -->)`, 's'),
    (_, open: string, close: string) => `${open}${part}\n${close}`,
  );

const rolesAsJson = (): string =>
  `\n${manifests.flatMap((each) => (isTwoKey(each) ? [] : (roleOf(each) ?? []))).join('\n\n')}\n`;

/** The README's three figures: of the run that is kept, and of the run that docs/bench.md shows. */
function figures(): string {
  const bench = read('docs/bench.md');
  const of = (row: RegExp, what: string): string => {
    const [, figure] = row.exec(bench) ?? [];
    if (figure === undefined)
      throw new Error(`docs/bench.md has no row "${what}" in its first run.`);
    return figure;
  };
  const calls = of(/^sweep +10,000: Azure calls +([\d.]+) +calls/m, 'sweep 10,000: Azure calls');
  const stored = of(/^load +event to version, p50 +([\d.]+) +s/m, 'load event to version, p50');
  const { paths, walks } = readRun(PROOF_RUN);
  const broken = walks.reduce((sum, { violations }) => sum + violations, 0);
  const least = (Math.floor(paths / 1000) * 1000).toLocaleString('en-US');
  return [
    `- **At least ${least} paths** of [the proof](docs/proof.md#what-is-walked), each with something going wrong in the middle: ${broken === 0 ? 'none' : broken} of them broke a claim. What new random paths find is told there.`,
    `- **${calls} calls** to Azure for a sweep of 10,000 secrets in 50 vaults ([bench](docs/bench.md#one-run)).`,
    `- **${stored} seconds** from the event to the stored version: the median of 200 secrets due at once, one worker, no network in between.`,
  ].join('\n');
}

/** How many kinds there are, where the README says so in a sentence: nobody has to count them for a new one. */
const counted = (page: string): string =>
  page
    .replace(/\ball \d+(?=, their)/g, `all ${manifests.length}`)
    .replace(/\bof \d+(?= kinds\b)/g, `of ${manifests.length}`);

/** Pages of which parts are made, and the page with them as they should be. */
export const parts: Readonly<Record<string, (page: string) => string>> = {
  'README.md': (page) => counted(withPart(page, 'figures', `\n${figures()}\n`)),
  'docs/api.md': (page) => withPart(page, 'calls', `\n${callsTable()}\n`),
  'docs/cli.md': (page) =>
    withPart(
      withPart(
        withPart(page, 'commands', `\n${commandsPart()}\n`),
        'options',
        `\n${commonPart()}\n`,
      ),
      'exits',
      `\n${exitsPart()}\n`,
    ),
  'docs/rotators.md': (page) => withPart(page, 'rotators', rotatorsTable()),
  'docs/permissions.md': (page) => permissionsWith(withPart(page, 'roles', rolesAsJson())),
  'docs/proof.md': (page) => proofWith(page, readRun(PROOF_RUN)),
};

/** Everything that is made: whole pages, and those with parts. */
export const madePages: readonly string[] = [...Object.keys(pages), ...Object.keys(parts)];

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What `npm run docs` would write: padded and folded as Biome does it. Throws what Biome says where it can't. */
export function madeNow(path: string): string {
  const raw = pages[path]?.() ?? parts[path]?.(read(path));
  if (raw === undefined) throw new Error(`${path} is not made, nor is a part of it.`);
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['format', `--stdin-file-path=${path}`],
    { cwd: root, input: raw, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`Biome does not format ${path}: ${stderr}`);
  return stdout;
}

/** The first row in which the page is not what would be written, and the command that writes it; undefined where all is well. */
export function outdated(path: string, is = read(path), made = madeNow(path)): string | undefined {
  const [here, there] = [is.split('\n'), made.split('\n')];
  const at = there.findIndex((row, index) => row !== here[index]);
  if (at < 0 && here.length === there.length) return undefined;
  const row = at < 0 ? there.length : at;
  return [
    `${path}, line ${row + 1}, is not what the code says.`,
    `  is:       ${here[row] ?? '(the end)'}`,
    `  would be: ${there[row] ?? '(the end)'}`,
    'Run: npm run docs',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  // One after the other: a page may be made from another one.
  for (const path of madePages) writeFileSync(join(root, path), madeNow(path));
}
