/** Named values of API Management (facts-after F2.2): the tag stands on the service, and those of its values follow that name the secret. */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import type { ResourceId, SecretRef } from '../core/ids.ts';
import type { ConsumerReference } from '../ports/consumers.ts';
import type { ConsumerKind, ConsumerReach } from './kind.ts';
import { isOf, secretAt } from './references.ts';

const VERSION = '2024-05-01';
const PAGES_MAX = 10;
const NAME = /^[\w-][\w.-]{0,255}$/;

const Item = z.object({
  name: z.string().regex(NAME),
  properties: z.object({
    keyVault: z
      .object({
        secretIdentifier: z.string().max(1_000).nullish(),
        lastStatus: z
          .object({
            code: z.string().max(64).nullish(),
            timeStampUtc: z.string().max(64).nullish(),
          })
          .nullish(),
      })
      .nullish(),
  }),
});
const Page = z.object({
  value: z.array(z.unknown()).max(1_000),
  nextLink: z.string().max(4_000).nullish(),
});

async function references(
  id: ResourceId,
  secret: SecretRef,
  _: unknown,
  { arm }: ConsumerReach,
): Promise<readonly ConsumerReference[]> {
  const found: ConsumerReference[] = [];
  let query: Record<string, string> = { 'api-version': VERSION };
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const body = await arm.get(
      `${id.text}/namedValues`,
      query,
      'read the named values of an API Management service',
    );
    const { data } = Page.safeParse(body);
    if (!data) throw new KeyturnError('failed', { detail: 'The named values do not parse.' });
    found.push(...data.value.flatMap((item) => referenceIn(item, secret) ?? []));
    // Of the link only where it goes on is used; the address stays ours.
    const link = data.nextLink;
    const skip = link && URL.canParse(link) ? new URL(link).searchParams.get('$skip') : undefined;
    if (!skip) return found;
    query = { ...query, $skip: skip };
  }
  return found;
}

function referenceIn(item: unknown, secret: SecretRef): ConsumerReference | undefined {
  const { data } = Item.safeParse(item);
  const found = secretAt(data?.properties.keyVault?.secretIdentifier ?? '');
  if (!data || !isOf(found, secret)) return undefined;
  const { code, timeStampUtc } = data.properties.keyVault?.lastStatus ?? {};
  const word = code && /^\w{1,64}$/.test(code) ? code : undefined;
  const readOn = timeStampUtc ? new Date(timeStampUtc) : undefined;
  return {
    name: data.name,
    ...(found.version === undefined ? {} : { pinnedTo: found.version }),
    ...(word === undefined ? {} : { status: word, resolved: word.toLowerCase() === 'success' }),
    ...(readOn === undefined || Number.isNaN(readOn.getTime()) ? {} : { readOn }),
  };
}

/** Each by itself; what the service answers of a long operation is seen by a later look at `lastStatus`. */
async function refresh(
  id: ResourceId,
  references: readonly ConsumerReference[],
  { arm }: ConsumerReach,
): Promise<void> {
  for (const { name, pinnedTo } of references) {
    if (pinnedTo !== undefined) continue;
    const path = `${id.text}/namedValues/${name}/refreshSecret`;
    await arm.post(path, { 'api-version': VERSION }, 'have a named value read its secret again');
  }
}

export const namedValue: ConsumerKind = {
  name: 'api-management',
  type: 'Microsoft.ApiManagement/service',
  names: /^[a-z][a-z0-9-]{0,49}$/i,
  version: VERSION,
  follows: 'when-called',
  actions: [
    'Microsoft.ApiManagement/service/read',
    'Microsoft.ApiManagement/service/namedValues/read',
    'Microsoft.ApiManagement/service/namedValues/refreshSecret/action',
  ],
  references,
  refresh,
};
