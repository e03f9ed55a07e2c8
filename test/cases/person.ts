/** What people and Azure do to a tenant: a secret with its tags, an event about it. */
import type { Slot } from '../../local/azure/accounts.ts';
import type { Azure } from '../../local/azure/azure.ts';
import type { Version } from '../../local/azure/vault.ts';

export interface Seed {
  vault?: string;
  /** The target; its tag is left out where there is none. */
  account?: string;
  /** Which key the value is. */
  slot?: Slot;
  /** Instead of the bare key. */
  value?: string;
  /** The tag `rotator-policy`. */
  policy?: string;
  /** Beside or instead of the tags that opt in. */
  tags?: Record<string, string>;
  contentType?: string;
  expiresOn?: Date;
}

/** A new version as a person makes it: all of its tags, no state. */
export function seed(azure: Azure, name: string, given: Seed): Version {
  const {
    vault = 'kv1',
    account,
    slot = 'key1',
    value,
    policy,
    tags,
    contentType,
    expiresOn,
  } = given;
  const target = account === undefined ? undefined : azure.account(account);
  return azure.vault(vault).set(name, value ?? target?.key(slot) ?? 'a value of a person', {
    tags: {
      rotator: 'storage-account-key',
      ...(target ? { 'rotator-target': target.id } : {}),
      ...(policy === undefined ? {} : { 'rotator-policy': policy }),
      ...tags,
    },
    ...(contentType === undefined ? {} : { contentType }),
    ...(expiresOn ? { expiresOn } : {}),
  });
}

export interface EventOptions {
  vault?: string;
  version?: string;
  /** Without its prefix: `SecretNearExpiry`. */
  type?: string;
  body?: object;
  url?: string;
}

/** An event in the schema of Event Grid, as Key Vault raises it: PascalCase, dates null (azure-facts 3.1). */
export function eventAbout(azure: Azure, name: string, given: EventOptions): object {
  const { vault = 'kv1', type = 'SecretNearExpiry', body = {} } = given;
  const { id: topic, name: vaultName } = azure.vault(vault);
  const version = given.version ?? azure.vault(vault).current(name)?.id ?? '0'.repeat(32);
  const Id = `${azure.url(`${vaultName}.vault`)}/secrets/${name}/${version}`;
  return {
    ...{ id: crypto.randomUUID(), topic, subject: name, eventType: `Microsoft.KeyVault.${type}` },
    eventTime: new Date().toISOString(),
    data: {
      Id,
      VaultName: vaultName,
      ObjectType: 'Secret',
      ObjectName: name,
      Version: version,
      NBF: null,
      EXP: null,
    },
    ...{ dataVersion: '1', metadataVersion: '1', ...body },
  };
}
