/**
 * Consent as Azure holds it (design section 6): the description of Keyturn's own role assignment at the target or its
 * resource group, which only who may assign roles can write; and the operator's map in the settings.
 */
import { z } from 'zod';
import { type Consent, type Grant, parseGrants } from '../core/consent.ts';
import { KeyturnError } from '../core/errors.ts';
import { parseResourceId } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Arm } from './arm.ts';
import { AbsentError } from './errors.ts';

export interface ConsentOptions {
  /** KEYTURN_CONSENT: `{ "<resource id>": "kv1/st-a, kv2/*" }`. */
  readonly map?: Readonly<Record<string, string>>;
  readonly arm: Arm;
  /** Object id of Keyturn's identity. */
  readonly principalId: string;
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const API_VERSION = '2022-04-01';

const Assignments = z.object({
  value: z.array(
    z.object({
      properties: z.object({
        principalId: z.string(),
        scope: z.string(),
        description: z.string().max(2_000).nullish(),
      }),
    }),
  ),
  nextLink: z.string().nullish(),
});
const PAGES_MAX = 20;

/** Reads anew at every call: consent may have been withdrawn since. */
export function consentFrom({ map = {}, arm, principalId }: ConsentOptions): Consent {
  if (!GUID.test(principalId)) throw new Error('KEYTURN_IDENTITY_PRINCIPAL_ID is not an object id.');
  const named = parseConsentMap(map);
  return {
    async of(targetId) {
      const id = targetId.toLowerCase();
      const granted = await descriptions(arm, id, principalId.toLowerCase());
      return [...(named.get(id) ?? []), ...granted.flatMap(parseGrants)];
    },
  };
}

/** The operator's map with its ids parsed and rebuilt; throws naming the key that is no resource id. */
export function parseConsentMap(map: Readonly<Record<string, string>>): ReadonlyMap<string, readonly Grant[]> {
  return new Map(
    Object.entries(map).map(([key, list]) => {
      const grants = parseGrants(/^\s*keyturn\s*:/i.test(list) ? list : `keyturn: ${list}`);
      return [canonical(key), grants];
    }),
  );
}

function canonical(key: string): string {
  if (GUID.test(key)) return key.toLowerCase(); // an app registration
  const [, provider, type] =
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/([\w.]+)\/(\w+)\//i.exec(key) ?? [];
  return parseResourceId(key, `${provider}/${type}`, 'A key of KEYTURN_CONSENT').text;
}

/** Descriptions of the assignments at the target's scope or its group. Inherited from further up, none counts. */
async function descriptions(arm: Arm, targetId: string, principalId: string): Promise<readonly string[]> {
  const scope = /^(\/subscriptions\/[^/]+\/resourcegroups\/[^/]+)\/providers\/.+$/.exec(targetId);
  if (scope === null) return []; // an app registration carries its consent itself
  const scopes = [targetId, scope[1]];
  const found: string[] = [];
  try {
    for await (const { properties } of assignments(arm, targetId, principalId)) {
      const own = properties.principalId.toLowerCase() === principalId;
      const near = scopes.includes(properties.scope.toLowerCase().replace(/\/$/, ''));
      if (own && near && properties.description) found.push(properties.description);
    }
  } catch (error) {
    // What Keyturn may not see, it was not given: 403 and 404 read the same.
    if (error instanceof AbsentError) return [];
    if (error instanceof KeyturnError && error.reason === 'target-forbidden') return [];
    throw error;
  }
  return found;
}

async function* assignments(arm: Arm, targetId: string, principalId: string) {
  const path = `${targetId}/providers/Microsoft.Authorization/roleAssignments`;
  let query: Record<string, string> = { 'api-version': API_VERSION, $filter: `principalId eq '${principalId}'` };
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const parsed = Assignments.safeParse(await arm.get(path, query, `list role assignments at ${quote(targetId)}`));
    if (!parsed.success) throw new KeyturnError('failed', { detail: 'The list of role assignments does not parse.' });
    yield* parsed.data.value;
    // Of the link only the token is used; the address stays ours.
    const link = parsed.data.nextLink;
    const token = link && URL.canParse(link) ? new URL(link).searchParams.get('$skipToken') : undefined;
    if (!token) return;
    query = { ...query, $skipToken: token };
  }
}
