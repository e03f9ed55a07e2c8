/**
 * App Service, Functions and Logic Apps Standard, and their slots, each by itself (facts-after F1). The one call that has a site read its
 * references again restarts it; a restart by itself does not read a vault. Whether the call is about references in connection strings,
 * too, is unverified: they are looked at like the others, and say for themselves.
 */
import { z } from 'zod';
import { AbsentError, KeyturnError } from '../core/errors.ts';
import type { ResourceId, SecretRef } from '../core/ids.ts';
import type { ConsumerReference } from '../ports/consumers.ts';
import type { ConsumerKind, ConsumerReach } from './kind.ts';
import { isOf, type NamedSecret, named, secretIn } from './references.ts';

/** What public scripts use (facts-after F1.1). */
const VERSION = '2022-03-01';
const PAGES_MAX = 10;
const LISTS = ['appsettings', 'connectionstrings'] as const;

const text = z.string().max(2_000).nullish();
/** Read leniently: the documents and the wire differ (`identityType`, `activeVersion`: facts-after F1.1). */
const Item = z.object({
  name: z.string().max(512),
  properties: z.object({
    reference: text,
    status: z.string().max(64).nullish(),
    vaultName: text,
    secretName: text,
    secretVersion: text,
  }),
});
/** Of a strange item nothing is known but that it is there. */
const Page = z.object({
  value: z.array(z.unknown()).max(1_000),
  nextLink: z.string().max(4_000).nullish(),
});

async function referencesOf(
  id: ResourceId,
  secret: SecretRef,
  _: unknown,
  reach: ConsumerReach,
): Promise<readonly ConsumerReference[]> {
  const found: ConsumerReference[] = [];
  for (const list of LISTS) found.push(...(await listed(list, id, secret, reach)));
  return found;
}

async function listed(
  list: (typeof LISTS)[number],
  id: ResourceId,
  secret: SecretRef,
  { arm }: ConsumerReach,
): Promise<readonly ConsumerReference[]> {
  const found: ConsumerReference[] = [];
  let query: Record<string, string> = { 'api-version': VERSION };
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const body = await arm
      .get(`${id.text}/config/configreferences/${list}`, query, 'read the references of a site')
      .catch(noneWhere);
    if (body === undefined) return found;
    const { data } = Page.safeParse(body);
    if (!data)
      throw new KeyturnError('failed', { detail: 'The references of a site do not parse.' });
    found.push(...data.value.flatMap((item) => referenceIn(item, secret) ?? []));
    // Of the link only the token is used; the address stays ours.
    const link = data.nextLink;
    const token =
      link && URL.canParse(link) ? new URL(link).searchParams.get('$skipToken') : undefined;
    if (!token) return found;
    query = { ...query, $skipToken: token };
  }
  return found;
}

/** A site without references answers 404 or 400 [gh:manukyanv07/parity-scanner]. */
function noneWhere(error: unknown): undefined {
  if (error instanceof AbsentError || (error instanceof KeyturnError && error.facts.status === 400))
    return undefined;
  throw error;
}

function referenceIn(item: unknown, secret: SecretRef): ConsumerReference | undefined {
  const { data } = Item.safeParse(item);
  if (!data) return undefined;
  const { reference, status, vaultName, secretName, secretVersion } = data.properties;
  const found: NamedSecret | undefined =
    secretIn(reference ?? '') ?? named(vaultName ?? '', secretName ?? '', secretVersion ?? '');
  if (!isOf(found, secret)) return undefined;
  const word = status && /^\w{1,64}$/.test(status) ? status : undefined;
  return {
    name: data.name,
    ...(found.version === undefined ? {} : { pinnedTo: found.version }),
    ...(word === undefined ? {} : { status: word, resolved: word === 'Resolved' }),
  };
}

async function refresh(
  id: ResourceId,
  _: readonly ConsumerReference[],
  { arm }: ConsumerReach,
): Promise<void> {
  const path = `${id.text}/config/configreferences/appsettings/refresh`;
  await arm.post(
    path,
    { 'api-version': VERSION },
    'have a site read its Key Vault references again',
  );
}

const shared = {
  version: VERSION,
  follows: 'when-called' as const,
  restarts: true as const,
  names: /^[a-z0-9][a-z0-9-]{0,59}$/i,
  references: referencesOf,
  refresh,
};

/** The name of the action of the refresh is not among the operations of the provider: the pattern holds whatever it is (unverified). */
const REFRESH = 'Microsoft.Web/sites/*/refresh/action';

export const site: ConsumerKind = {
  ...shared,
  name: 'site',
  type: 'Microsoft.Web/sites',
  actions: ['Microsoft.Web/sites/read', 'Microsoft.Web/sites/config/read', REFRESH],
};

export const slot: ConsumerKind = {
  ...shared,
  name: 'slot',
  type: 'Microsoft.Web/sites/slots',
  actions: ['Microsoft.Web/sites/slots/read', 'Microsoft.Web/sites/slots/config/read', REFRESH],
};
