/** The storage that the app itself runs on, as the platform's own settings name it. */
export type Environment = Readonly<Record<string, string | undefined>>;
export type HostStorage = { readonly connectionString: string } | { readonly accountName: string };

const HOST = 'AzureWebJobsStorage';

/** The host's storage: by identity in Azure, by connection string locally; undefined where neither is usable. */
export function hostStorageOf(env: Environment): HostStorage | undefined {
  const accountName = env[`${HOST}__accountName`]?.trim().toLowerCase();
  if (accountName) return /^[a-z0-9]{3,24}$/.test(accountName) ? { accountName } : undefined;
  const byAddress = accountOf(env);
  if (byAddress) return { accountName: byAddress };
  return env[HOST] ? { connectionString: env[HOST] } : undefined;
}

const ADDRESS = /^https:\/\/([a-z0-9]{3,24})\.(blob|queue|table)\.([a-z0-9.-]+)\/?$/i;

/**
 * The account in the host's three service addresses, the way of clouds that `__accountName` does not reach (azure-facts 9.4);
 * undefined unless all three name one account in one place.
 */
function accountOf(env: Environment): string | undefined {
  const found = ['blob', 'queue', 'table'].map((service) => {
    const [, account, kind, suffix] =
      ADDRESS.exec(env[`${HOST}__${service}ServiceUri`]?.trim() ?? '') ?? [];
    return kind?.toLowerCase() === service ? `${account}.${suffix}`.toLowerCase() : undefined;
  });
  const [first, ...others] = found;
  return first !== undefined && others.every((each) => each === first)
    ? first.split('.')[0]
    : undefined;
}

/** Host storage, content share and deployment container: by account name, by service address or by connection string. */
const OWN_STORAGE =
  /^(AzureWebJobsStorage|WEBSITE_CONTENTAZUREFILECONNECTIONSTRING$|DEPLOYMENT_STORAGE)/i;

/** Names of all accounts the app runs on, in lower case: none of them may ever be a target (case ST-07). */
export function ownStorageOf(env: Environment): readonly string[] {
  const names = Object.entries(env).flatMap(([setting, value = '']) => {
    if (!OWN_STORAGE.test(setting)) return [];
    if (/__accountName$/i.test(setting)) return value.trim();
    return [
      ...value.matchAll(
        /(?:^|;)\s*AccountName\s*=\s*([a-z0-9]+)|https:\/\/([a-z0-9]+)\.(?:blob|queue|table|file)\./gi,
      ),
    ].map(([, name, host]) => name ?? host ?? '');
  });
  return [...new Set(names.map((name) => name.toLowerCase()).filter((name) => name !== ''))];
}
