/**
 * Tags in Key Vault, with the right of the person who runs this. A PATCH replaces all tags of a version and takes no ETag
 * (azure-facts 2.2): so what is there is read, merged and sent whole, to the version by its id, and read again.
 */
import type { SecretClient } from '@azure/keyvault-secrets';
import type { Tags } from '../../src/core/ids.ts';
import { Failure } from '../failure.ts';
import type { SecretName, Session } from '../session/session.ts';
import { isSame, merged, type TagChanges } from './edit.ts';

export interface Tagged {
  readonly version: string;
  readonly tags: Tags;
}

/** The current version and its tags. Its value, which the same answer holds, is not looked at. Throws what a person can do. */
export async function readTags(session: Session, secret: SecretName): Promise<Tagged> {
  const client = await session.vault(secret.vault);
  return await inWords(secret, () => current(client, secret));
}

async function current(client: SecretClient, { name }: SecretName): Promise<Tagged> {
  const { properties } = await client.getSecret(name);
  return { version: properties.version ?? '', tags: properties.tags ?? {} };
}

const TRIES = 3;

/**
 * Writes the changes over whatever is there by now, and reads them again: a version that a rotation stored meanwhile gets them,
 * too. Throws `failed` where somebody else goes on changing them.
 */
export async function writeTags(
  session: Session,
  secret: SecretName,
  changes: TagChanges,
): Promise<Tagged> {
  const client = await session.vault(secret.vault);
  return await inWords(secret, async () => {
    for (let turn = 0; turn < TRIES; turn++) {
      const { version, tags } = await current(client, secret);
      const wanted = merged(tags, changes);
      if (!isSame(tags, wanted))
        await client.updateSecretProperties(secret.name, version, { tags: { ...wanted } });
      const after = await current(client, secret);
      if (after.version === version && isSame(after.tags, merged(after.tags, changes)))
        return after;
    }
    throw new Failure('failed', 'Somebody else changes the tags at the same time.', {
      remedy: 'Look at them, and run this again.',
    });
  });
}

async function inWords<T>(secret: SecretName, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw refusalOf(secret, error);
  }
}

/** By status and code: what a service says in words may hold anything. */
function refusalOf({ vault, name }: SecretName, error: unknown): Failure {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  const what = `${vault}/${name}`;
  if (statusCode === 404) return new Failure('not-found', `${vault} has no secret ${name}.`);
  if (statusCode === 401 || statusCode === 403)
    return new Failure(
      'not-found',
      `Key Vault did not let you read or tag ${what} (${statusCode}), or its current version is disabled.`,
      {
        by: 'operator',
        remedy: `Who tags a secret needs \`getSecret\` and \`update\` there, as Key Vault Secrets Officer has them, and a way through the vault's firewall.`,
      },
    );
  const how =
    statusCode === undefined
      ? (code ?? (error instanceof Error ? error.name : 'no answer'))
      : String(statusCode);
  const exit =
    statusCode === undefined || statusCode >= 500 || statusCode === 429 ? 'unreachable' : 'failed';
  return new Failure(exit, `Key Vault did not answer about ${what} as it should (${how}).`, {
    remedy: 'Look at the name of the vault, the network and KEYTURN_CLOUD.',
  });
}
