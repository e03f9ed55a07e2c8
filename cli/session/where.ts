/** Where Keyturn is and who one is there: of each value the flag, the environment, the config file, and azd's environment, in this order. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { type LocalTenant, localTenant, upwards } from './local.ts';

/** Ways to sign in; `auto` tries them in the order of `docs/cli.md`. */
export const AUTHS = ['auto', 'cli', 'environment', 'managed', 'device'] as const;
export type AuthWay = (typeof AUTHS)[number];
export const CLOUDS = {
  AzureCloud: {
    authority: 'https://login.microsoftonline.com',
    vaults: 'vault.azure.net',
    portal: 'https://portal.azure.com',
  },
  AzureUSGovernment: {
    authority: 'https://login.microsoftonline.us',
    vaults: 'vault.usgovcloudapi.net',
    portal: 'https://portal.azure.us',
  },
  AzureChinaCloud: {
    authority: 'https://login.partner.microsoftonline.cn',
    vaults: 'vault.azure.cn',
    portal: 'https://portal.azure.cn',
  },
} as const;
type Cloud = keyof typeof CLOUDS;

/** The flags that say where; all commands take them. */
export interface WhereFlags {
  readonly url?: string | undefined;
  readonly audience?: string | undefined;
  readonly auth?: string | undefined;
  readonly config?: string | undefined;
  readonly local: boolean;
}

export interface Where {
  /** Of the app, without a slash at the end. */
  readonly url: string;
  /** Client id of its API; of a local tenant none. */
  readonly audience: string | undefined;
  readonly auth: AuthWay;
  readonly cloud: (typeof CLOUDS)[Cloud];
  /** Object id of Keyturn's identity, for the consent that `tag` prints. */
  readonly principalId: string | undefined;
  /** Resource id of the app, for `open`. */
  readonly appId: string | undefined;
  readonly local: LocalTenant | undefined;
}

/** The config file, strict: a misspelt key is told. */
const Config = z.strictObject({
  url: z.string().optional(),
  audience: z.string().optional(),
  auth: z.enum(AUTHS).optional(),
  cloud: z.enum(Object.keys(CLOUDS) as [Cloud, ...Cloud[]]).optional(),
  principalId: z.string().optional(),
  appId: z.string().optional(),
});
type Config = z.infer<typeof Config>;

/** Names in the environment; azd's own outputs stand beside them. */
const OF_ENV = {
  url: ['KEYTURN_URL'],
  audience: ['KEYTURN_AUDIENCE'],
  auth: ['KEYTURN_AUTH'],
  cloud: ['KEYTURN_CLOUD'],
  principalId: ['KEYTURN_PRINCIPAL_ID', 'AZURE_IDENTITY_PRINCIPAL_ID'],
  appId: ['KEYTURN_APP_ID', 'AZURE_FUNCTION_APP_ID'],
} as const satisfies Record<keyof Config, readonly string[]>;

/** Every variable of the environment that is read for it. */
export const ENVIRONMENT: readonly string[] = [...Object.values(OF_ENV).flat(), 'KEYTURN_CONFIG'];

/** Throws `usage` naming what is missing or wrong, and how to say it. */
export async function whereIs(flags: WhereFlags, io: Io): Promise<Where> {
  const env = fromEnv(io.env);
  if (flags.local) return atHome(flags, env, io);
  const said = {
    ...configured(flags, io),
    ...env,
    ...defined({ url: flags.url, audience: flags.audience, auth: flags.auth }),
  };
  const all = said.url && said.audience ? said : { ...(await fromAzd(io)), ...said };
  if (!all.url)
    throw usage(
      'Where is Keyturn? No address is named.',
      'Set KEYTURN_URL or --url, run it where azd knows the deployment, or add --local for a running `npm start`.',
    );
  if (!all.audience)
    throw usage(
      'For whom is the token? No audience is named.',
      'Set KEYTURN_AUDIENCE or --audience: the client id of the API.',
    );
  return { ...shaped(all), url: address(all.url), audience: all.audience, local: undefined };
}

function shaped({
  auth = 'auto',
  cloud = 'AzureCloud',
  principalId,
  appId,
}: Partial<Record<keyof Config, string>>) {
  if (!AUTHS.some((way) => way === auth))
    throw usage(`--auth is ${auth}; it is one of ${AUTHS.join(', ')}.`);
  if (!Object.hasOwn(CLOUDS, cloud))
    throw usage(`KEYTURN_CLOUD is ${cloud}; it is one of ${Object.keys(CLOUDS).join(', ')}.`);
  return { auth: auth as AuthWay, cloud: CLOUDS[cloud as Cloud], principalId, appId };
}

function atHome({ url }: WhereFlags, env: Partial<Record<keyof Config, string>>, io: Io): Where {
  const local = localTenant(url ?? env.url, io.cwd);
  return {
    ...shaped({}),
    url: address(local.url),
    audience: undefined,
    principalId: local.principalId,
    local,
  };
}

/** A token goes over TLS alone, but for this machine. */
function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHere = url !== undefined && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
  if (
    !url ||
    !(url.protocol === 'https:' || (url.protocol === 'http:' && isHere)) ||
    url.username !== '' ||
    url.search !== ''
  )
    throw usage(
      `${JSON.stringify(text.slice(0, 200))} is no address of Keyturn.`,
      'It begins with https://, as https://func-keyturn.azurewebsites.net.',
    );
  return `${url.origin}${url.pathname.replace(/(\/api)?\/*$/, '')}`;
}

const defined = <T extends object>(given: T) =>
  Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined && value !== ''),
  ) as Partial<Record<keyof T, string>>;

function fromEnv(env: Io['env']): Partial<Record<keyof Config, string>> {
  const first = (names: readonly string[]) =>
    names.map((name) => env[name]).find((value) => value !== undefined && value !== '');
  return defined(
    Object.fromEntries(
      Object.entries(OF_ENV).map(([key, names]) => [key, first(names)]),
    ) as Partial<Record<keyof Config, string>>,
  );
}

function configured({ config }: WhereFlags, { env }: Io): Partial<Record<keyof Config, string>> {
  const named = config ?? env.KEYTURN_CONFIG;
  const path =
    named ??
    join(env.XDG_CONFIG_HOME ?? join(env.HOME ?? homedir(), '.config'), 'keyturn', 'config.json');
  if (!existsSync(path)) {
    if (named === undefined) return {};
    throw usage(`There is no file ${named}.`);
  }
  const parsed = Config.safeParse(parsedJson(readFileSync(path, 'utf8')));
  if (parsed.success) return defined(parsed.data);
  throw usage(
    `${path}: ${parsed.error.issues.map(({ path: at, message }) => [at.join('.'), message].filter(Boolean).join(' ')).join('; ')}.`,
    `It is JSON with ${Object.keys(Config.shape).join(', ')}.`,
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Of a deployment that azd made: asked only where a folder of azd is around, and only where something is missing. */
async function fromAzd({ cwd, printed }: Io): Promise<Partial<Record<keyof Config, string>>> {
  if (!upwards(cwd).some((folder) => existsSync(join(folder, 'azure.yaml')))) return {};
  const text = (await printed('azd', 'env', 'get-values')) ?? '';
  const values = Object.fromEntries(
    [...text.matchAll(/^(\w+)="?(.*?)"?$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const host = values.AZURE_FUNCTION_APP_HOST;
  return { ...(host ? { url: `https://${host}` } : {}), ...fromEnv(values) };
}
