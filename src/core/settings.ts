/**
 * App settings: whatever is wrong is reported at once, by name (design section 5). The schema is in `settingsSchema.ts`.
 */
import type { z } from 'zod';
import { compact } from './compact.ts';
import { KeyturnError } from './errors.ts';
import type { Freeze } from './freeze.ts';
import type { ResourceId } from './ids.ts';
import { type NotifySettings, notifyIn, SINK_SETTING, sinkProblems } from './notify.ts';
import { type Environment, type HostStorage, hostStorageOf, ownStorageOf } from './ownStorage.ts';
import { quote } from './quote.ts';
import type { Reason } from './reasons.ts';
import {
  aboutSetting,
  type CloudChoice,
  type Raw,
  settingsSchema,
  vaultId,
} from './settingsSchema.ts';

const PREFIX = 'KEYTURN_';

/** The settings under names that code uses. */
export interface Settings<Cloud> {
  readonly instance: string;
  readonly mode: Raw<Cloud>['KEYTURN_MODE'];
  readonly suggest: Raw<Cloud>['KEYTURN_SUGGEST'];
  readonly rate: Raw<Cloud>['KEYTURN_RATE'];
  readonly tenantId: string;
  readonly identity: { readonly clientId: string; readonly principalId: string };
  readonly rotators: readonly string[];
  /** The user of PostgreSQL and MySQL that stands for the identity. */
  readonly databaseUser?: string;
  /** Log Analytics workspaces, by their ids. */
  readonly workspaces?: readonly string[];
  /** Vaults that are served because they are named. */
  readonly vaults: readonly ResourceId[];
  /** Entries that were left out since they are no id of a vault, each with what is wrong with it: those vaults are not served. */
  readonly unreadVaults: readonly UnreadVault[];
  /** Ids of the subscriptions in which vaults are discovered. */
  readonly subscriptions: readonly string[];
  /** Ids of the subscriptions in which consumers are looked for. */
  readonly consumers: readonly string[];
  /** Names of vaults in which the tags of Microsoft's samples count, lower case. */
  readonly sampleVaults: readonly string[];
  readonly consent: Readonly<Record<string, string>>;
  readonly policy: string;
  /** Bounds of every policy. */
  /** KEYTURN_FREEZE. */
  readonly freeze: readonly Freeze[];
  readonly limits: { readonly everyMaxHours: number; readonly graceMinHours: number };
  readonly capDays?: number;
  readonly ownerTag: string;
  /** Who is told what; absent where nobody is. */
  readonly notify?: NotifySettings;
  /** `https://…` without a slash at its end: how links to this app begin. Absent where nobody has said. */
  readonly publicUrl?: string;
  readonly audience: string;
  readonly cloud: { readonly name: string } | { readonly custom: Cloud };
  readonly hostStorage: HostStorage;
  /** Names of the storage accounts that this app runs on, lower case: never a target (case ST-07). */
  readonly ownStorage: readonly string[];
}

/** An entry of a list of vaults, quoted, and what is wrong with it. */
export interface UnreadVault {
  readonly vault: string;
  readonly detail: string;
}

/**
 * Everything that is wrong with the settings, one problem a line, each beginning with the name of its setting. Holds no value
 * of a setting that may be secret.
 */
export class SettingsError extends Error {
  readonly problems: readonly string[];
  /** The names alone, for whoever may not see more. */
  readonly names: readonly string[];

  /** `exposed` where they make the worker show what it handles, whatever else is wrong. */
  readonly reason: Extract<Reason, 'settings' | 'exposed'>;

  constructor(problems: readonly string[], reason: SettingsError['reason'] = 'settings') {
    super(`The settings are not usable:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
    this.problems = problems;
    this.reason = reason;
    this.names = [
      ...new Set(problems.flatMap((problem) => /^\w+/.exec(problem)?.[0] ?? [])),
    ].sort();
  }
}

/**
 * Reads the settings; throws `SettingsError` with all problems at once. An empty setting counts as not set.
 *
 * @param lenient an id of a vault that cannot be read is left out, and told, while others are there to be served (case VAL-09)
 */
export function readSettings<Cloud>(
  env: Environment,
  clouds: CloudChoice<Cloud>,
  { lenient = false }: { readonly lenient?: boolean } = {},
): Settings<Cloud> {
  const schema = settingsSchema(clouds);
  const all = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const { given, unread } = lenient ? withoutUnread(all) : { given: all, unread: [] };
  const hostStorage = hostStorageOf(env);
  const parsed = schema.safeParse(given);
  const problems = [
    ...Object.keys(given)
      .filter(
        (name) =>
          name.startsWith(PREFIX) && !Object.hasOwn(schema.shape, name) && !SINK_SETTING.test(name),
      )
      .map(unknownName),
    ...(parsed.success
      ? [
          ...crossProblems(parsed.data, unread.length > 0),
          ...notifyProblems(parsed.data.KEYTURN_NOTIFY, given),
        ]
      : issueProblems(parsed.error, schema.shape, given)),
    ...(/[^\s,]/.test(`${given.KEYTURN_VAULTS ?? ''}${given.KEYTURN_SUBSCRIPTIONS ?? ''}`)
      ? []
      : [NO_VAULTS]),
    ...(hostStorage ? [] : [NO_HOST_STORAGE]),
  ];
  if (!parsed.success || !hostStorage || problems.length > 0) throw new SettingsError(problems);
  return { ...named(parsed.data, env, hostStorage), unreadVaults: unread };
}

/** The settings without the ids of vaults that cannot be read, unless none is left: then nothing could be served. */
function withoutUnread(given: Environment): {
  readonly given: Environment;
  readonly unread: readonly UnreadVault[];
} {
  const unread: UnreadVault[] = [];
  const kept = (name: string, isId: (entry: string) => boolean): string =>
    (given[name] ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => {
        const detail = isId(entry) ? wrongWith(entry) : undefined;
        if (detail !== undefined)
          unread.push({ vault: quote(entry), detail: `${name} holds what is no id: ${detail}` });
        return detail === undefined;
      })
      .join(',');
  const KEYTURN_VAULTS = kept('KEYTURN_VAULTS', (entry) => entry !== '');
  const KEYTURN_SAMPLE_TAGS = kept('KEYTURN_SAMPLE_TAGS', (entry) => entry.includes('/'));
  if (
    unread.length === 0 ||
    !/[^\s,]/.test(`${KEYTURN_VAULTS}${given.KEYTURN_SUBSCRIPTIONS ?? ''}`)
  )
    return { given, unread: [] };
  const lists = Object.entries({ KEYTURN_VAULTS, KEYTURN_SAMPLE_TAGS }).filter(
    ([, list]) => list !== '',
  );
  const { KEYTURN_VAULTS: _, KEYTURN_SAMPLE_TAGS: __, ...rest } = given;
  return { given: { ...rest, ...Object.fromEntries(lists) }, unread };
}

function wrongWith(entry: string): string | undefined {
  try {
    vaultId(entry);
    return undefined;
  } catch (error) {
    if (error instanceof KeyturnError) return error.detail;
    throw error;
  }
}

const unknownName = (name: string): string =>
  `${quote(name).slice(1, -1)} is no setting of Keyturn. Remove it, or correct its name (docs/settings.md lists them all).`;
const NO_VAULTS =
  'KEYTURN_VAULTS is not set; expected a list of resource ids, or subscriptions to find vaults in (KEYTURN_SUBSCRIPTIONS).';
const NO_HOST_STORAGE =
  'AzureWebJobsStorage__accountName is not set; expected the name of the storage account that the app runs on (or its three service addresses, __blobServiceUri and so on; locally a connection string in AzureWebJobsStorage).';

function issueProblems(
  error: z.ZodError,
  shape: Record<string, z.ZodType>,
  given: Environment,
): string[] {
  const names = [...new Set(error.issues.map(({ path }) => String(path[0])))];
  return names.map((name) => {
    const expected = `expected ${aboutSetting(shape[name]).shape}.`;
    const value = given[name];
    if (value === undefined)
      return `${name} is not set; ${expected} ${aboutSetting(shape[name]).about}`;
    // What the schema says itself (an id that does not parse, a key of the JSON) names the spot.
    const spots = error.issues.flatMap(({ path, code, message }) =>
      path[0] !== name
        ? []
        : code === 'custom'
          ? message
          : path.slice(1).map((part) => `at ${quote(String(part))}`),
    );
    // JSON is not shown: it is long, and what people put in by mistake may be secret.
    const shown = value.trimStart().startsWith('{') ? 'does not fit' : `is ${quote(value)}`;
    return `${name} ${shown}; ${expected}${spots.length > 0 ? ` (${[...new Set(spots)].join('; ')})` : ''}`;
  });
}

/** @param partly entries of the list of vaults are left out: what they name is not known */
function crossProblems<Cloud>(raw: Raw<Cloud>, partly: boolean): string[] {
  const names = raw.KEYTURN_VAULTS.map(({ name }) => name);
  // What is discovered is not known yet.
  const all = raw.KEYTURN_SUBSCRIPTIONS.length === 0 && !partly ? names : raw.KEYTURN_SAMPLE_TAGS;
  const strange = raw.KEYTURN_SAMPLE_TAGS.filter((name) => !all.includes(name));
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  return [
    ...twice.map(
      (name) =>
        `KEYTURN_VAULTS names ${quote(name)} twice; vault names are unique in Azure: remove one.`,
    ),
    ...strange.map(
      (name) =>
        `KEYTURN_SAMPLE_TAGS names ${quote(name)}, which KEYTURN_VAULTS does not: add it there, or remove it here.`,
    ),
    ...(raw.KEYTURN_GRACE_MIN < raw.KEYTURN_EVERY_MAX
      ? []
      : [
          'KEYTURN_GRACE_MIN must be shorter than KEYTURN_EVERY_MAX: no grace would fit between two rotations.',
        ]),
    ...(raw.KEYTURN_CLOUD === 'custom' && raw.KEYTURN_CLOUD_ENDPOINTS === undefined
      ? ['KEYTURN_CLOUD_ENDPOINTS is not set; a custom cloud needs it.']
      : []),
    ...acknowledgement(raw.KEYTURN_CLOUD === 'custom', raw.KEYTURN_CUSTOM_CLOUD !== undefined),
  ];
}

/**
 * Whoever sets two settings would have tokens sent to any host: that is to be seen and said (case ATK-16). Everywhere, since
 * what a platform tells of itself differs by plan; an acknowledgement that stays behind would speak for the next custom cloud.
 */
function acknowledgement(isCustom: boolean, isAccepted: boolean): string[] {
  if (isCustom === isAccepted) return [];
  return isCustom
    ? [
        'KEYTURN_CUSTOM_CLOUD is not set; expected `accepted`: the endpoints of a custom cloud get the tokens of the identity. Set it if you mean that, or take one of the named clouds.',
      ]
    : ['KEYTURN_CUSTOM_CLOUD is set, but KEYTURN_CLOUD is not `custom`: remove it.'];
}

const notifyProblems = (
  notify: Raw<unknown>['KEYTURN_NOTIFY'],
  env: Environment,
): readonly string[] => sinkProblems(notify ?? { sinks: {}, routes: [], default: [] }, env);

/** Set by the platform: the app's primary host name [learn: app-service/reference-app-settings]. No caller has a say in it. */
const HOST = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;

function publicUrlOf<Cloud>(
  { KEYTURN_PUBLIC_URL: given }: Raw<Cloud>,
  env: Environment,
): string | undefined {
  if (given !== undefined) return given;
  const { WEBSITE_HOSTNAME: host = '' } = env;
  return HOST.test(host) ? `https://${host.toLowerCase()}` : undefined;
}

function named<Cloud>(
  raw: Raw<Cloud>,
  env: Environment,
  hostStorage: HostStorage,
): Omit<Settings<Cloud>, 'unreadVaults'> {
  const publicUrl = publicUrlOf(raw, env);
  return compact({
    instance: raw.KEYTURN_INSTANCE,
    mode: raw.KEYTURN_MODE,
    suggest: raw.KEYTURN_SUGGEST,
    rate: raw.KEYTURN_RATE,
    tenantId: raw.KEYTURN_TENANT_ID,
    identity: {
      clientId: raw.KEYTURN_IDENTITY_CLIENT_ID,
      principalId: raw.KEYTURN_IDENTITY_PRINCIPAL_ID,
    },
    rotators: raw.KEYTURN_ROTATORS,
    databaseUser: raw.KEYTURN_DATABASE_USER,
    workspaces: raw.KEYTURN_WORKSPACES.length > 0 ? raw.KEYTURN_WORKSPACES : undefined,
    vaults: raw.KEYTURN_VAULTS,
    subscriptions: raw.KEYTURN_SUBSCRIPTIONS,
    consumers: raw.KEYTURN_CONSUMERS,
    sampleVaults: raw.KEYTURN_SAMPLE_TAGS,
    consent: raw.KEYTURN_CONSENT,
    policy: raw.KEYTURN_POLICY,
    limits: { everyMaxHours: raw.KEYTURN_EVERY_MAX, graceMinHours: raw.KEYTURN_GRACE_MIN },
    freeze: raw.KEYTURN_FREEZE,
    capDays: raw.KEYTURN_VALIDITY_CAP,
    ownerTag: raw.KEYTURN_OWNER_TAG,
    notify: raw.KEYTURN_NOTIFY && notifyIn(raw.KEYTURN_NOTIFY, env),
    publicUrl,
    audience: raw.KEYTURN_AUDIENCE,
    cloud:
      raw.KEYTURN_CLOUD === 'custom'
        ? { custom: raw.KEYTURN_CLOUD_ENDPOINTS as Cloud }
        : { name: raw.KEYTURN_CLOUD },
    hostStorage,
    ownStorage: ownStorageOf(env),
  });
}
