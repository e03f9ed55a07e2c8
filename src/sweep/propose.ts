/** How one secret could opt in, by what its value seems to be: whose host it names, or which target holds the same key. */
import { KeyturnError } from '../core/errors.ts';
import { consentLine } from '../core/grants.ts';
import type { SecretRef } from '../core/ids.ts';
import type { Secret } from '../core/secret.ts';
import { openForm } from '../form/form.ts';
import { type BareSeen, type Family, recognise, type StringSeen } from '../form/recognise.ts';
import type { Deps } from '../ports/deps.ts';
import type { FoundResource } from '../ports/resources.ts';
import type { Rotator } from '../ports/rotator.ts';
import type { Proposal } from '../ports/suggestions.ts';
import type { Version } from '../ports/vault.ts';
import { kindOfType } from '../tags/likelyKind.ts';

export interface Around {
  readonly resources: readonly FoundResource[];
  /** Targets of secrets that opted in. */
  readonly known: readonly { readonly target: string; readonly kind: string }[];
  /** How many more requests to targets this pass may make. */
  readonly asks: { left: number };
  /** Targets whose keys Keyturn may not list. */
  readonly closed: Set<string>;
}

type Reached = Pick<Deps, 'rotators' | 'config'>;
type Current = Pick<Version, 'value' | 'tags'>;

/** Undefined for what is no credential of a kind. Throws nothing of the value. */
export async function proposalFor(
  secret: SecretRef,
  current: Current,
  around: Around,
  deps: Reached,
): Promise<Proposal | undefined> {
  const seen = recognise(current.value);
  const strings = seen.filter((each) => each.is === 'string');
  for (const sure of [true, false]) {
    for (const each of strings) {
      const found = await ofString(secret, current.value, each, { around, deps, sure });
      if (found) return withOthers(found, seen, each);
    }
  }
  for (const each of seen) {
    if (each.is === 'string') continue;
    const found = await ofBare(secret, current, each, { around, deps });
    if (found) return withOthers(found, seen, each);
  }
  return undefined;
}

/** A document with two credentials takes one rotator. */
function withOthers(
  found: Proposal,
  seen: readonly (StringSeen | BareSeen)[],
  chosen: StringSeen | BareSeen,
): Proposal {
  const others = seen.some(({ is, field }) => is === 'string' && field !== chosen.field);
  const missing =
    'Other members of the value seem to hold credentials, too: one secret takes one rotator.';
  return others ? { ...found, missing: [...found.missing, missing] } : found;
}

const TYPES: Readonly<Record<string, readonly Family[]>> = {
  'microsoft.storage/storageaccounts': ['storage'],
  'microsoft.documentdb/databaseaccounts': ['cosmos', 'cosmosTable', 'cassandra', 'mongo'],
  'microsoft.cache/redis': ['redis', 'redisAddress'],
  'microsoft.cache/redisenterprise': ['redis', 'redisAddress'],
  'microsoft.servicebus/namespaces': ['messaging', 'amqp'],
  'microsoft.eventhub/namespaces': ['messaging', 'amqp', 'jaas'],
  'microsoft.relay/namespaces': ['messaging'],
  'microsoft.notificationhubs/namespaces': ['messaging'],
  'microsoft.cognitiveservices/accounts': ['aspire'],
  'microsoft.search/searchservices': ['aspire'],
  'microsoft.signalrservice/signalr': ['signalr'],
  'microsoft.signalrservice/webpubsub': ['signalr'],
  'microsoft.appconfiguration/configurationstores': ['appConfiguration'],
  'microsoft.communication/communicationservices': ['communication', 'signalr'],
  'microsoft.devices/iothubs': ['iotDevice'],
  'microsoft.sql/servers': ['sqlserver'],
  'microsoft.dbforpostgresql/flexibleservers': ['postgresql'],
  'microsoft.dbformysql/flexibleservers': ['mysql'],
};

/** Zones of the public cloud that belong to one type of resource: what Resource Graph does not show is known by these. */
const ZONES: readonly (readonly [zone: RegExp, type: string])[] = [
  [/^[a-z0-9]{3,24}\.blob\.core\.windows\.net$/, 'microsoft.storage/storageaccounts'],
  [/\.documents\.azure\.com$/, 'microsoft.documentdb/databaseaccounts'],
  [/\.redis\.cache\.windows\.net$/, 'microsoft.cache/redis'],
  [/\.redisenterprise\.cache\.azure\.net$/, 'microsoft.cache/redisenterprise'],
  [/\.(?:cognitiveservices|openai)\.azure\.com$/, 'microsoft.cognitiveservices/accounts'],
  [/\.search\.windows\.net$/, 'microsoft.search/searchservices'],
  [/\.service\.signalr\.net$/, 'microsoft.signalrservice/signalr'],
  [/\.webpubsub\.azure\.com$/, 'microsoft.signalrservice/webpubsub'],
  [/\.azconfig\.io$/, 'microsoft.appconfiguration/configurationstores'],
  [/\.communication\.azure\.com$/, 'microsoft.communication/communicationservices'],
  [/\.azure-devices\.net$/, 'microsoft.devices/iothubs'],
  [/^[a-z0-9-]+\.database\.windows\.net$/, 'microsoft.sql/servers'],
  [/\.postgres\.database\.azure\.com$/, 'microsoft.dbforpostgresql/flexibleservers'],
  [/\.mysql\.database\.azure\.com$/, 'microsoft.dbformysql/flexibleservers'],
];

interface Course {
  readonly around: Around;
  readonly deps: Reached;
}

/** All hosts lead to one resource, of a type whose clients read such a text. */
async function ofString(
  secret: SecretRef,
  value: Secret,
  seen: StringSeen,
  { around, deps, sure }: Course & { readonly sure: boolean },
): Promise<Proposal | undefined> {
  const places = sure
    ? seen.hosts.map((host) => around.resources.find(({ hosts }) => hosts.includes(host)))
    : [];
  const [resource] = places;
  const type = sure ? resource?.type : zoneOf(seen.hosts);
  const isOne = !sure || places.every((place) => place?.id === resource?.id);
  if (type === undefined || !isOne || !TYPES[type]?.includes(seen.family)) return undefined;
  const rotator = deps.rotators.get(kindOfType(type) ?? '');
  if (!rotator) return undefined;
  const targets = resource ? targetsAt(resource, seen) : [];
  const credential = opened(value, rotator, seen);
  const chosen =
    credential.bare &&
    (await holderOf(targets, { rotator, secret, bare: credential.bare, around }));
  const target = chosen ?? targets[0];
  return {
    ...shapeOf(seen, rotator, 'host'),
    ...(target === undefined ? {} : { target }),
    ...completed(secret, { rotator, target, deps }, [
      ...(credential.problem === undefined ? [] : [credential.problem]),
      ...(targets.length > 1 && chosen === undefined ? [AMBIGUOUS] : []),
    ]),
  };
}

const AMBIGUOUS =
  'Check the target: the value does not tell at which level of its namespace the rule stands.';

function zoneOf(hosts: readonly string[]): string | undefined {
  const types = hosts.map((host) => ZONES.find(([zone]) => zone.test(host))?.[1]);
  return types.every((type) => type === types[0]) ? types[0] : undefined;
}

/** Every target at the resource that the text may be about, the likeliest first. */
function targetsAt(
  { id, type }: FoundResource,
  { rule, entity, device }: StringSeen,
): readonly string[] {
  if (type === 'microsoft.cache/redisenterprise') return [`${id}/databases/default`];
  if (type === 'microsoft.devices/iothubs')
    return device === undefined ? [] : [`${id}/devices/${device}`];
  if (!/^microsoft\.(?:servicebus|eventhub|relay|notificationhubs)\/namespaces$/.test(type))
    return [id];
  if (rule === undefined) return [];
  const at = (path: string) => `${id}${path}/authorizationRules/${rule}`;
  const parts = LEVELS[type] ?? [];
  return entity === undefined
    ? [at('')]
    : [...parts.map((part) => at(`/${part}/${entity}`)), at('')];
}
const LEVELS: Readonly<Record<string, readonly string[]>> = {
  'microsoft.servicebus/namespaces': ['queues', 'topics'],
  'microsoft.eventhub/namespaces': ['eventhubs'],
  'microsoft.relay/namespaces': ['hybridConnections', 'wcfRelays'],
  'microsoft.notificationhubs/namespaces': ['notificationHubs'],
};

/** The credential as the kind would open it, or why it would not: said without anything of the value. */
function opened(
  value: Secret,
  { form }: Rotator,
  { field, stated }: StringSeen,
): { readonly bare?: Secret; readonly problem?: string } {
  try {
    const bare = openForm(
      value,
      { spec: form, ...(field === undefined ? {} : { field }) },
      hostsOf(stated),
    ).bare;
    return { bare };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    // Details name elements of the value, and what looks like a name may be a piece of a credential: the look tells its owner.
    return error.reason === 'foreign-host' ? {} : { problem: REFUSED };
  }
}

const REFUSED =
  'Keyturn would refuse the value as it is written (bad-value): once the secret has opted in, a dry run says why.';

const hostsOf = (stated: readonly string[]): readonly string[] => [
  ...new Set(stated.flatMap((host) => [host, host.replace(/:\d+$/, '')])),
];

/** The first of the targets that holds this credential, as far as Keyturn may ask them. */
async function holderOf(
  targets: readonly string[],
  {
    rotator,
    secret,
    bare,
    around,
  }: { rotator: Rotator; secret: SecretRef; bare: Secret; around: Around },
): Promise<string | undefined> {
  for (const target of targets) {
    if (around.closed.has(target) || around.asks.left <= 0) continue;
    around.asks.left -= 1;
    try {
      if ((await rotator.bind({ target, options: {}, secret }).adopt(bare)) !== undefined)
        return target;
    } catch (error) {
      // Not allowed, not there, busy, or it takes options that nobody knows: then it is not told by this.
      if (!(error instanceof KeyturnError)) throw error;
      around.closed.add(target);
    }
  }
  return undefined;
}

/** Kinds whose secrets are often the key alone, and whose keys can be listed by the resource's id. */
const BARE_TYPES: readonly string[] = [
  ...[
    'microsoft.storage/storageaccounts',
    'microsoft.documentdb/databaseaccounts',
    'microsoft.cache/redis',
  ],
  ...[
    'microsoft.cognitiveservices/accounts',
    'microsoft.search/searchservices',
    'microsoft.signalrservice/signalr',
  ],
  ...[
    'microsoft.signalrservice/webpubsub',
    'microsoft.batch/batchaccounts',
    'microsoft.maps/accounts',
  ],
  ...['microsoft.communication/communicationservices'],
];

/** A key by itself says nothing: it is one only where a target holds it. A client secret looks like one. */
async function ofBare(
  secret: SecretRef,
  { tags }: Current,
  seen: BareSeen,
  { around, deps }: Course,
): Promise<Proposal | undefined> {
  if (seen.is === 'client-secret')
    return await ofClientSecret(secret, tags, seen, { around, deps });
  const found = around.resources
    .filter(({ type }) => BARE_TYPES.includes(type))
    .map(({ id, type }) => ({ target: id, kind: kindOfType(type) ?? '' }));
  const known = around.known.filter(({ kind }) => deps.rotators.get(kind)?.form.kind === 'key');
  for (const { target, kind } of [...known, ...found]) {
    const rotator = deps.rotators.get(kind);
    if (!rotator || !(await holderOf([target], { rotator, secret, bare: seen.bare, around })))
      continue;
    return {
      ...{ ...shapeOf(seen, rotator, 'key'), target },
      ...completed(secret, { rotator, target, deps }, []),
    };
  }
  return undefined;
}

const GUID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;

/** The application is told by the hint of its client secrets, of those that the secret's tags or opted-in secrets name. */
async function ofClientSecret(
  secret: SecretRef,
  tags: Current['tags'],
  seen: BareSeen,
  { around, deps }: Course,
): Promise<Proposal | undefined> {
  const rotator = deps.rotators.get('app-registration');
  if (!rotator) return undefined;
  const named = Object.values(tags)
    .flatMap((text) => text.match(GUID) ?? [])
    .map((id) => id.toLowerCase());
  const known = around.known
    .filter(({ kind }) => kind === rotator.type)
    .map(({ target }) => target);
  const apps = [...new Set([...named, ...known])];
  const target = await holderOf(apps, { rotator, secret, bare: seen.bare, around });
  return {
    ...shapeOf(seen, rotator, target === undefined ? 'shape' : 'key'),
    ...(target === undefined ? {} : { target }),
    ...completed(secret, { rotator, target, deps }, []),
  };
}

const shapeOf = (
  { is, field }: StringSeen | BareSeen,
  { type: kind }: Rotator,
  by: Proposal['by'],
) => ({
  ...{
    kind,
    form:
      field !== undefined
        ? ('json' as const)
        : is === 'string'
          ? ('connection-string' as const)
          : ('bare' as const),
    by,
  },
  ...(field === undefined ? {} : { field }),
});

interface Half {
  readonly rotator: Rotator;
  readonly target: string | undefined;
  readonly deps: Reached;
}

/** What a person has to add, and the consent line once nothing of the tags is left to say. */
function completed(
  secret: SecretRef,
  { rotator, target, deps }: Half,
  problems: readonly string[],
): Pick<Proposal, 'consent' | 'missing'> {
  const { type: kind, title, form } = rotator;
  const missing = [...problems];
  if (target === undefined)
    missing.push(
      `Name the target in \`rotator-target\`: ${title}. Keyturn could not tell which it is.`,
    );
  if (form.kind === 'login') missing.push(LOGINS);
  if (!deps.config.enabled.includes(kind))
    missing.push(`Name the kind in KEYTURN_ROTATORS: ${kind} is off.`);
  if (target === undefined || form.kind === 'login') return { missing };
  try {
    const { part } = rotator.bind({ target, options: {}, secret });
    return { consent: consentLine({ secret, kind, part }), missing };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return { missing: [...missing, error.detail] };
  }
}

/** Which logins take turns is a person's decision, and what stands in a value is not shown, not even a login. */
const LOGINS =
  'Name the logins in `rotator-options`, as docs/rotators.md has it for this kind; kinds with two logins need a second one at the server. The consent names the same.';
