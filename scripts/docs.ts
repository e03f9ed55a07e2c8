/**
 * Writes `docs/settings.md`, `docs/reasons.md` and `docs/two-key.md`, and in the README the table of rotators and their roles, from the code;
 * tests compare them. Run: node scripts/docs.ts, then biome check --write README.md, which pads the table.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { CustomCloud, clouds } from '../src/azure/cloud.ts';
import { PERMISSIONS_READ } from '../src/azure/permissions.ts';
import { systemClock } from '../src/core/clock.ts';
import { isReason, reasonRow, reasons } from '../src/core/reasons.ts';
import { aboutOf, settingsSchema } from '../src/core/settingsSchema.ts';
import { keyDialects } from '../src/form/dialects.ts';
import type { Rotator } from '../src/ports/rotator.ts';
import { allRotators } from '../src/rotators/registry.ts';
import { notSupported, type TwoKeyRow, twoKeyTable } from '../src/rotators/twoKeyTable.ts';
import { permissionsWith } from './permissions.ts';
import { PROOF_RUN, proofWith, readRun } from './proof.ts';
import { valuesPage } from './values.ts';

const made = '<!-- Made by `node scripts/docs.ts`; edit the code instead. -->';

export function settingsPage(): string {
  const sections = Object.entries(settingsSchema(CustomCloud).shape).map(([name, schema]) => {
    const { about, shape, fallback } = aboutOf(schema);
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
        by === 'nobody' ? 'Nobody has to act.' : `The ${by === 'network' ? 'owner of the network' : by} acts.`;
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
};

const nobody = { getToken: () => Promise.reject(new Error('Documentation asks for no token.')) };
const rotators = [
  ...allRotators({ cloud: clouds.AzureCloud, credential: nobody, clock: systemClock, tenantId: '' }),
].sort((one, other) => one.type.localeCompare(other.type));

const overlaps: Readonly<Record<Rotator['overlap'], string>> = {
  'two-slots': 'works on until the grace is over',
  many: 'works on until the grace is over',
  none: 'ends at once: a short interruption is possible',
};
const Options = z.object({ properties: z.record(z.string(), z.object({ description: z.string() })) });

const isTwoKey = ({ type }: Pick<Rotator, 'type'>): boolean => twoKeyTable.some((row) => row.type === type);
const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

function rowOf({ type, overlap, options, actions }: Rotator): string {
  const { properties } = Options.parse(z.toJSONSchema(options, { io: 'input' }));
  const words = Object.entries(properties).map(([name, { description }]) => `\`${name}\`: ${description}`);
  const cells = [
    `\`${type}\``,
    overlaps[overlap],
    words.join(' '),
    isTwoKey({ type }) ? `[two-key.md](docs/two-key.md#${type})` : code(actions),
  ];
  return `| ${cells.join(' | ')} |`;
}

const rotatorsTable = (): string =>
  [
    '| `rotator` | Old credential | Options (`rotator-options`) | Azure actions |',
    '| --- | --- | --- | --- |',
    ...rotators.map(rowOf),
  ].join('\n');

/** The custom role of one kind: exactly its actions, and reading the role assignments in which consent stands. */
function roleOf({ type, actions }: Rotator): string | undefined {
  // Permissions of Microsoft Graph are no actions of a role.
  if (!actions.every((action) => action.startsWith('Microsoft.'))) return undefined;
  const role = {
    Name: `Keyturn ${type}`,
    IsCustom: true,
    Description: `What Keyturn needs at a target of the rotator ${type}.`,
    Actions: [...actions, 'Microsoft.Authorization/roleAssignments/read', PERMISSIONS_READ],
    DataActions: [],
    AssignableScopes: ['/subscriptions/11111111-2222-4333-8444-555555555555'],
  };
  return `\`\`\`json\n${JSON.stringify(role, undefined, 2)}\n\`\`\``;
}

function twoKeyPage(): string {
  const sections = [...twoKeyTable].sort((one, other) => one.type.localeCompare(other.type)).map(twoKeySection);
  return `${made}

# Resources with two keys

One rotator serves all of these: it regenerates the key that the secret does not hold, waits until Azure Resource Manager
lists the new one, and after the grace regenerates the old one. New keys are not tried against the service; what Resource
Manager lists counts as in force (\`vouched\`). The role of a kind has the actions named here and
\`Microsoft.Authorization/roleAssignments/read\` and \`${PERMISSIONS_READ}\`, as the roles of the README do. Consent stands at the resource, at the one that
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
  const { type, title, armTypes, version, slots, readonlySlots, strings, pair, off, regenerate } = row;
  const actions = rotators.find((each) => each.type === type)?.actions ?? [];
  const facts = [
    `Resource types: ${code(armTypes)} (api ${version})`,
    `Slots: ${code(Object.keys(slots))}`,
    ...(readonlySlots ? [`With the option \`keys=readonly\`: ${code(Object.keys(readonlySlots))}`] : []),
    `The secret holds ${strings ? heldIn(strings, pair) : 'the bare key'}, or a document with it (option \`field\`)`,
    ...(off ? [`Refused when \`${off.at.replace('/', '')}\` switches keys off`] : []),
    ...(regenerate.long ? ['The new key may take minutes'] : []),
    `Actions: ${code(actions)}`,
  ];
  return `## ${type}\n\n${title}.\n\n${facts.map((fact) => `- ${fact}.`).join('\n')}\n`;
}

function heldIn(strings: NonNullable<TwoKeyRow['strings']>, pair: TwoKeyRow['pair']): string {
  if (pair)
    return `the service's connection string (\`${pair.name}=\` and \`${pair.key}=\` are replaced together, since both change)`;
  const titles = strings.map((id) => keyDialects[id].title);
  return `the bare key, or a connection string ([values](values.md): ${titles.join('; ')})`;
}

/** The README with what is made from the registry put between its markers. */
export function readmeWith(text: string): string {
  const parts = {
    rotators: rotatorsTable(),
    roles: `\n${rotators.flatMap((each) => (isTwoKey(each) ? [] : (roleOf(each) ?? []))).join('\n\n')}\n`,
  };
  return Object.entries(parts).reduce(
    (readme, [name, part]) =>
      readme.replace(
        new RegExp(`(<!-- ${name}:[^>]*-->\\n).*?(\\n<!-- /${name} -->)`, 's'),
        (_, open, close) => `${open}${part}${close}`,
      ),
    text,
  );
}

if (process.argv[1] === import.meta.filename) {
  const at = (path: string) => new URL(`../${path}`, import.meta.url);
  for (const [path, page] of Object.entries(pages)) writeFileSync(at(path), page());
  writeFileSync(at('README.md'), readmeWith(readFileSync(at('README.md'), 'utf8')));
  const rights = at('docs/permissions.md');
  writeFileSync(rights, permissionsWith(readFileSync(rights, 'utf8')));
  const proof = at('docs/proof.md');
  writeFileSync(proof, proofWith(readFileSync(proof, 'utf8'), readRun(PROOF_RUN)));
}
