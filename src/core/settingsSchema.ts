/** The schema of the app settings, with the words that `docs/settings.md` and the error reports are made from. */
import { z } from 'zod';
import { KeyturnError } from './errors.ts';
import { type Freeze, parseFreezes } from './freeze.ts';
import { parseResourceId, type ResourceId, VAULT_NAME } from './ids.ts';
import { Notify } from './notify.ts';
import { quote } from './quote.ts';

export interface AboutSetting {
  /** What it is for; one or two sentences of the operator's language. */
  readonly about: string;
  /** What a value looks like. */
  readonly shape: string;
  /** What counts when it is not set. */
  readonly fallback?: string;
}

const setting = <T extends z.ZodType<unknown, string | undefined>>(
  about: AboutSetting,
  schema: T,
): T => schema.meta({ ...about });
const text = (pattern: RegExp) => z.string().trim().regex(pattern);
const guid = z.string().trim().toLowerCase().pipe(z.guid());
const parts = z.string().transform((list) => list.split(',').flatMap((part) => part.trim() || []));
/** Duplicates are one entry. */
const words = (pattern: RegExp) =>
  parts.transform((list) => [...new Set(list)]).pipe(z.array(z.string().regex(pattern)));

const guids = parts
  .transform((list) => [...new Set(list.map((id) => id.toLowerCase()))])
  .pipe(z.array(z.guid()));
/** An entry of a list of vaults, parsed; throws `bad-tags`, saying what is wrong with it. */
export const vaultId = (id: string): ResourceId =>
  parseResourceId(id, 'Microsoft.KeyVault/vaults', 'an entry', VAULT_NAME);
/** So many wrong entries of a list are told: of a list that is another text altogether, the first ones say it. */
const WRONG_MAX = 10;
/** Every entry of a list as `read` has it, which throws a `KeyturnError` that says what is wrong with one. */
const entries =
  <Entry>(read: (entry: string) => Entry) =>
  (list: readonly string[], context: z.RefinementCtx): Entry[] => {
    const found: Entry[] = [];
    let wrong = 0;
    for (const entry of list) {
      try {
        found.push(read(entry));
      } catch (error) {
        if (!(error instanceof KeyturnError)) throw error;
        wrong += 1;
        if (wrong > WRONG_MAX) {
          context.addIssue({ code: 'custom', message: 'and more entries that cannot be read' });
          break;
        }
        context.addIssue({ code: 'custom', message: error.detail });
      }
    }
    return found;
  };
const vaultIds = parts.transform(entries(vaultId));

/** Names in lower case; an id says no more than the name does, which is unique in Azure. */
const vaultNames = parts.transform(
  entries((entry) => {
    const name = entry.includes('/') ? vaultId(entry).name : entry;
    if (VAULT_NAME.test(name)) return name.toLowerCase();
    throw new KeyturnError('bad-tags', { detail: `${quote(name)} is no name of a vault` });
  }),
);

const json = z.string().transform((content, context): unknown => {
  try {
    return JSON.parse(content);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    context.addIssue({ code: 'custom', message: 'not JSON' });
    return z.NEVER;
  }
});

/** Days or hours, in hours. */
const hours = (pattern: RegExp) =>
  text(pattern).transform(
    (content) => Number(content.slice(0, -1)) * (content.endsWith('d') ? 24 : 1),
  );

const freezes = z.string().transform((content, context): readonly Freeze[] => {
  try {
    return parseFreezes(content);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const rate = text(/^\d{1,4}\/\d{1,5}$/).transform((content) => {
  const [perVault = 0, overall = 0] = content.split('/').map(Number);
  return { perVault, overall };
});

/** The clouds that there are, and what the endpoints of another one look like. */
export interface CloudChoice<Cloud> {
  readonly names: readonly string[];
  readonly custom: z.ZodType<Cloud>;
}

/** Every setting by its name in the environment. */
export const settingsSchema = <Cloud>(clouds: CloudChoice<Cloud>) =>
  z.object({
    KEYTURN_INSTANCE: setting(
      {
        about:
          'Name of this installation. A vault whose ARM tag `keyturn` names another one is left alone.',
        shape: '1 to 40 letters, digits and `-`',
        fallback: 'keyturn',
      },
      text(/^[a-z0-9-]{1,40}$/i).prefault('keyturn'),
    ),
    KEYTURN_MODE: setting(
      {
        about:
          '`observe` changes no vault and no target and shows what it would do: how one starts. `run` rotates. `drain` starts no rotation and works off what is owed.',
        shape: '`observe`, `run` or `drain`',
        fallback: 'observe',
      },
      z.enum(['observe', 'run', 'drain']).prefault('observe'),
    ),
    KEYTURN_SUGGEST: setting(
      {
        about:
          '`values` reads the values of secrets that have not opted in, a hundred an hour, in memory alone, and says how each could opt in (`GET /api/suggestions`). Nothing of a value is kept. Hosts become resources through Resource Graph, as far as the identity may read them (`Microsoft.ResourceGraph/resources/read`, and read at the resources).',
        shape: '`off` or `values`',
        fallback: 'off',
      },
      z.enum(['off', 'values']).prefault('off'),
    ),
    KEYTURN_RATE: setting(
      {
        about:
          'Rotations per hour, in one vault and overall. What a person asks for is not counted against it.',
        shape: '`<per vault>/<overall>`',
        fallback: '5/50',
      },
      rate.prefault('5/50'),
    ),
    KEYTURN_TENANT_ID: setting(
      { about: 'The Entra tenant whose tokens are accepted over HTTP.', shape: 'a GUID' },
      guid,
    ),
    KEYTURN_IDENTITY_CLIENT_ID: setting(
      {
        about: 'Client id of the user-assigned managed identity that Keyturn works as.',
        shape: 'a GUID',
      },
      guid,
    ),
    KEYTURN_IDENTITY_PRINCIPAL_ID: setting(
      {
        about:
          'Object id of that identity: consent is read from the role assignments of this principal.',
        shape: 'a GUID',
      },
      guid,
    ),
    KEYTURN_ROTATORS: setting(
      {
        about: 'The kinds of rotators that are switched on. None is unless it is named.',
        shape: 'a list as `storage-account-key, sql-login`',
        fallback: '',
      },
      words(/^[a-z0-9-]{1,40}$/).prefault(''),
    ),
    KEYTURN_DATABASE_USER: setting(
      {
        about:
          'The user of PostgreSQL and MySQL servers that stands for the managed identity, the same on all of them; `postgresql-login` and `mysql-login` refuse to work without it.',
        shape: '1 to 63 printable characters, as `id-keyturn`',
      },
      text(/^[\x21-\x7e]{1,63}$/).optional(),
    ),
    KEYTURN_VAULTS: setting(
      {
        about:
          'The vaults that this instance serves, beside those that it discovers; no other is ever opened. An entry that is no id is left out, alerted (`settings`) and shown by readiness, and the others are served. One of `KEYTURN_VAULTS` and `KEYTURN_SUBSCRIPTIONS` must be set.',
        shape: 'a list of resource ids, separated by commas',
        fallback: '',
      },
      vaultIds.prefault(''),
    ),
    KEYTURN_SUBSCRIPTIONS: setting(
      {
        about:
          'Subscriptions in which vaults are discovered: those in RBAC mode whose ARM tag `keyturn` names this instance. Needs `Microsoft.ResourceGraph/resources/read` and `Microsoft.KeyVault/vaults/read` there.',
        shape: 'a list of subscription GUIDs, separated by commas',
        fallback: '',
      },
      guids.prefault(''),
    ),
    KEYTURN_CONSUMERS: setting(
      {
        about:
          'Subscriptions in which consumers of secrets are looked for: resources whose owners have tagged them `keyturn-consumes` (docs/consumers.md). They are made to read a new version before the old credential is revoked. Needs `Microsoft.ResourceGraph/resources/read` there and the consumer role at the resources.',
        shape: 'a list of subscription GUIDs, separated by commas',
        fallback: '',
      },
      guids.prefault(''),
    ),
    KEYTURN_SAMPLE_TAGS: setting(
      {
        about:
          "Vaults in which the tags of Microsoft's rotation samples opt a secret in as well: `ProviderAddress` (the resource id of a storage account) and `ValidityPeriodDays` (the `every` of its policy). Keyturn's own tags win.",
        shape: 'a list of names or resource ids of vaults, separated by commas',
        fallback: '',
      },
      vaultNames.prefault(''),
    ),
    KEYTURN_WORKSPACES: setting(
      {
        about:
          'Log Analytics workspaces that are asked who still uses an old credential, right before it is revoked: the logs of vaults and targets, and of sign-ins. The identity needs Log Analytics Data Reader at each of them ([evidence](evidence.md)).',
        shape: 'a list of workspace ids (GUIDs), separated by commas',
        fallback: '',
      },
      guids.prefault(''),
    ),
    KEYTURN_CONSENT: setting(
      {
        about:
          "The operator's map of consent, for targets whose role assignments carry no description: which secrets may have which target, each list after its kind. A list without a kind gives nothing.",
        shape:
          'JSON as `{"<resource id>": "storage-account-key: kv1/st-a", "<resource id>": "sql-login: kv1/db(app_a,app_b); sql-single-login: kv1/job(job)"}`',
        fallback: '{}',
      },
      json.pipe(z.record(z.string(), z.string())).prefault('{}'),
    ),
    KEYTURN_POLICY: setting(
      {
        about:
          'The policy of secrets that say nothing else, in the grammar of the tag `rotator-policy`. A secret overrides it key by key.',
        shape: '`key=value;…`',
        fallback: 'every=60d;grace=48h',
      },
      text(/^[a-z-]+=[^;=]+(;[a-z-]+=[^;=]+)*;?$/).prefault('every=60d;grace=48h'),
    ),
    KEYTURN_EVERY_MAX: setting(
      {
        about:
          'The longest time between rotations that anybody may ask for. A longer `every`, of whatever source, counts as this, and the inventory says so.',
        shape: 'days or hours as `90d`',
        fallback: '90d',
      },
      hours(/^[1-9]\d{0,3}[dh]$/).prefault('90d'),
    ),
    KEYTURN_GRACE_MIN: setting(
      {
        about:
          "The shortest grace, but for a secret's own tag `rotator-policy`: a shorter `grace` of `KEYTURN_POLICY` counts as this. The tag `keyturn-policy` of a vault may lengthen the grace and never shorten it.",
        shape: 'hours or days as `24h`',
        fallback: '24h',
      },
      hours(/^(0|[1-9]\d{0,3})[dh]$/).prefault('24h'),
    ),
    KEYTURN_VALIDITY_CAP: setting(
      {
        about:
          "How long a version may be valid under the tenant's Azure Policy; without it nothing shortens `every + 30 d`.",
        shape: 'days as `88d`',
      },
      text(/^[1-9]\d{0,3}d$/)
        .transform((days) => Number(days.slice(0, -1)))
        .optional(),
    ),
    KEYTURN_FREEZE: setting(
      {
        about:
          'Dates between which nothing is rotated or revoked; what is broken is healed all the same, and a person may set it aside (`hold`). A day counts to its end; at most 45 days each.',
        shape:
          'ranges as `2027-12-18/2028-01-03 Europe/Berlin; 2027-06-01T18:00/2027-06-02T06:00 UTC`',
        fallback: '',
      },
      freezes.prefault(''),
    ),
    KEYTURN_OWNER_TAG: setting(
      {
        about: 'The tag that names who owns a secret, shown in the inventory.',
        shape: 'a tag name of 1 to 128 characters',
        fallback: 'owner',
      },
      text(/^[^<>%&\\?/\p{Cc}]{1,128}$/u).prefault('owner'),
    ),
    KEYTURN_NOTIFY: setting(
      {
        about:
          'Who is told what, beside the alerts in the log (docs/notices.md): sinks by name, routes to them by owner, vault, type and severity, and the sinks of all that no route takes. Addresses and signing keys of webhooks stand in app settings of their own, `KEYTURN_NOTIFY_…`, as Key Vault references; the sink names them with `$`. Without it nobody is told.',
        shape:
          'JSON as `{"sinks": {"ops": {"kind": "teams", "url": "$KEYTURN_NOTIFY_OPS"}}, "routes": [], "default": ["ops"]}`',
      },
      json.pipe(Notify).optional(),
    ),
    KEYTURN_PUBLIC_URL: setting(
      {
        about:
          'How people reach the app, for the links in its alerts, where that is not its own host name (`WEBSITE_HOSTNAME`, which App Service sets; custom names are not in it): a gateway, or a name of your own.',
        shape: 'an address as `https://keyturn.example.com`, without a path',
      },
      text(/^https:\/\/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?\/?$/i)
        .transform((address) => address.replace(/\/$/, ''))
        .optional(),
    ),
    KEYTURN_SWEEP_SCHEDULE: setting(
      {
        about: 'When the sweep runs. The Functions host reads it as well, so it has no default.',
        shape: 'six fields as `0 7 * * * *` (every hour at minute 7)',
      },
      text(/^\S+( +\S+){5}$/),
    ),
    KEYTURN_AUDIENCE: setting(
      {
        about:
          'Audience of the tokens that the HTTP interface accepts: the application id URI, or the client id of its registration.',
        shape: '`api://…` or a GUID',
      },
      text(/^\S{1,200}$/),
    ),
    KEYTURN_CLOUD: setting(
      {
        about: 'The cloud that this instance works in.',
        shape: `${clouds.names.map((name) => `\`${name}\``).join(', ')} or \`custom\``,
        fallback: clouds.names[0] ?? 'custom',
      },
      z.enum([...clouds.names, 'custom']).prefault(clouds.names[0] ?? 'custom'),
    ),
    KEYTURN_CUSTOM_CLOUD: setting(
      {
        about:
          'Says that a custom cloud is meant: its endpoints get the tokens of the identity, whoever they belong to. Without it the app does not start while `KEYTURN_CLOUD` is `custom`, and with it in no other cloud.',
        shape: '`accepted`',
      },
      z.literal('accepted').optional(),
    ),
    KEYTURN_CLOUD_ENDPOINTS: setting(
      {
        about:
          'Endpoints and audiences of a custom cloud (Azure Stack, a local stand-in). Read only when `KEYTURN_CLOUD` is `custom`.',
        shape:
          'JSON with `authority`, `arm`, `armAudience`, `vaultSuffix`, `storageSuffix`, `graph`, `graphAudience`, `sqlSuffix`, `sqlAudience`, and `planes` for the kinds whose targets have a data plane of their own, as `{"postgresql": {"suffix": ".postgres.example", "audience": "https://…"}, "mysql": …}`',
      },
      json.pipe(clouds.custom).optional(),
    ),
  });

/** What a setting's documentation is made from. */
export function aboutSetting(schema: z.ZodType | undefined): AboutSetting {
  const meta = schema?.meta();
  return z
    .object({ about: z.string(), shape: z.string(), fallback: z.string().optional() })
    .parse(meta) as AboutSetting;
}

export type Raw<Cloud> = z.infer<ReturnType<typeof settingsSchema<Cloud>>>;
