/** What the tests of the inventory ask for, and a secret of somebody who has never heard of Keyturn. */
import { expect } from '@jest/globals';
import type { z } from 'zod';
import type { StorageCall } from '../../bench/ownStorage.ts';
import { SummaryBody } from '../../src/api/calls/showSummary.ts';
import { type SecretBody, SecretsBody } from '../../src/api/secretBody.ts';
import type { Tenant } from './harness.ts';

const DAY_SECONDS = 86_400;
type Shown = z.infer<typeof SecretBody>;
type Page = z.infer<typeof SecretsBody>;

/** From now on. */
export const days = (count: number): Date => new Date(Date.now() + count * DAY_SECONDS * 1000);

export function inventoryOf(tenant: () => Tenant) {
  async function page(query: string): Promise<Page> {
    const answer = await tenant().request(`/api/secrets?${query}`);
    expect(answer.status).toBe(200);
    return SecretsBody.parse(await answer.json());
  }
  return {
    page,
    async all(query: string): Promise<Shown[]> {
      const found: Shown[] = [];
      for (let more: string | undefined = ''; more !== undefined; ) {
        const { secrets, continuation }: Page = await page(`${query}${more}`);
        found.push(...secrets);
        more = continuation && `&continuation=${continuation}`;
      }
      return found;
    },
    summary: async () => SummaryBody.parse(await (await tenant().request('/api/summary')).json()),
    /** A secret of somebody who has never heard of Keyturn. */
    stranger(
      name: string,
      given: { vault?: string; ageDays?: number } & Record<string, unknown> = {},
    ) {
      const { vault = 'kv1', ageDays = 0, ...rest } = given;
      const version = tenant().azure.vault(vault).set(name, 'a value that nobody reads', rest);
      return aged(version, ageDays);
    },
  };
}

/** A version that was made and tagged so many days ago. */
export function aged<T extends { created: number; updated: number }>(
  version: T,
  ageDays: number,
): T {
  version.created -= ageDays * DAY_SECONDS;
  version.updated -= ageDays * DAY_SECONDS;
  return version;
}

/** Writes of rows about what has not opted in; one for up to a hundred of a vault. */
export const unmanagedWrites = (calls: readonly StorageCall[]): readonly StorageCall[] =>
  calls.filter(({ route }) =>
    /^table (?:POST \$batch|(?:PUT|PATCH|DELETE) .* unmanaged)/.test(route),
  );
