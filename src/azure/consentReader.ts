/**
 * Consent as Azure holds it (design section 6): the description of Keyturn's own role assignment at the target or its
 * resource group, which only who may assign roles can write; for an app registration an entry among the application's tags,
 * which its owners write; and the operator's map in the settings.
 */
import { z } from 'zod';
import { addMinutes, type Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { AbsentError, KeyturnError } from '../core/errors.ts';
import { type Grant, namesSecret, parseGrants } from '../core/grants.ts';
import { canonicalId, parseResourceId } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Consent } from '../ports/consent.ts';
import type { Arm } from './arm.ts';
import type { GraphApi } from './graph.ts';

export interface ConsentOptions {
  /** KEYTURN_CONSENT: `{ "<resource id>": "storage-account-key: kv1/st-a, kv2/*" }`. */
  readonly map?: Readonly<Record<string, string>>;
  readonly arm: Arm;
  readonly graph: Pick<GraphApi, 'tags' | 'appIdOf'>;
  /** Object id of Keyturn's identity. */
  readonly principalId: string;
  readonly clock: Clock;
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const API_VERSION = '2022-04-01';

const Assignments = z.object({ value: z.array(z.unknown()), nextLink: z.string().nullish() });
/** Of the list only what parses counts: somebody else's assignment, further down perhaps, must not spoil it (design section 6). */
const Assignment = z.object({
  properties: z.object({
    principalId: z.string(),
    scope: z.string(),
    description: z.string().nullish(),
  }),
});
const PAGES_MAX = 20;
/** Whoever gives consent waits this long at most for a sweep or event to see it; a request of a person sees it at once. */
const REFUSED_MINUTES = 3;
const REMEMBERED_MAX = 1_000;

/**
 * Reads anew at every call, since consent may have been withdrawn. Only a no may come from the last list of the target: for
 * minutes, and for a secret that the list does not name.
 */
export function consentFrom({ map = {}, arm, graph, principalId, clock }: ConsentOptions): Consent {
  if (!GUID.test(principalId))
    throw new Error('KEYTURN_IDENTITY_PRINCIPAL_ID is not an object id.');
  const named = parseConsentMap(map);
  const last = new Map<
    string,
    { readonly grants: readonly Grant[]; readonly until: Date; readonly hidden: boolean }
  >();
  const consent: Consent = {
    async of(targetId, secret) {
      const id = canonicalId(targetId);
      const known = last.get(id);
      const isNamed = (grant: Grant) => secret !== undefined && namesSecret(grant, secret);
      if (secret && known && clock.now() < known.until && !known.grants.some(isNamed))
        return known.grants;
      const granted = GUID.test(id)
        ? graph.tags(id).then((tags) => tags.map((text) => ({ text })))
        : descriptions(arm, id, principalId.toLowerCase());
      const found = await granted.catch(noneIfHidden);
      const inSettings = [id, ...resourcesAbove(id)].flatMap(
        (scope) => named.get(scope)?.map(from(scope, id)) ?? [],
      );
      const grants = [...inSettings, ...found.flatMap(grantsIn)];
      const hidden = found === HIDDEN;
      last.delete(id); // so that the oldest stands first
      last.set(id, { grants, until: addMinutes(clock.now(), REFUSED_MINUTES), hidden });
      for (const oldest of last.keys()) if (last.size > REMEMBERED_MAX) last.delete(oldest);
      return grants;
    },
    hides: (targetId) => last.get(canonicalId(targetId))?.hidden === true,
    async misnamed(targetId) {
      const appId = GUID.test(targetId) ? await graph.appIdOf?.(targetId) : undefined;
      if (appId === undefined || appId === targetId.toLowerCase()) return undefined;
      return { id: appId, grants: await consent.of(appId) };
    },
  };
  return consent;
}

/** The operator's map with its ids parsed and rebuilt; throws naming the key that is no resource id. */
export function parseConsentMap(
  map: Readonly<Record<string, string>>,
): ReadonlyMap<string, readonly Grant[]> {
  const found = new Map<string, readonly Grant[]>();
  for (const [key, list] of Object.entries(map)) {
    const id = canonical(key);
    found.set(id, [...(found.get(id) ?? []), ...parseGrants(list, { bare: true })]); // two spellings of one id
  }
  return found;
}

function canonical(key: string): string {
  if (GUID.test(key)) return key.toLowerCase(); // an app registration
  const [, provider, pairs = ''] =
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/(\w+(?:\.\w+)+)((?:\/\w+\/[^/]+)+)$/i.exec(
      key,
    ) ?? [];
  if (provider === undefined) {
    const detail = `A key of KEYTURN_CONSENT is ${quote(key)}; expected the full id of a resource, or an appId.`;
    throw new KeyturnError('bad-tags', { detail });
  }
  const kinds = pairs.split('/').filter((_, at) => at % 2 === 1);
  return parseResourceId(key, `${provider}/${kinds.join('/')}`, 'A key of KEYTURN_CONSENT').text;
}

/** The text in which an owner consents. */
interface Description {
  readonly text: string;
  readonly wide?: true;
}

const grantsIn = ({ text, wide }: Description): readonly Grant[] =>
  parseGrants(text).map((grant) => (wide ? { ...grant, wide } : grant));

/** A grant as it counts at the target, where it may stand above it. */
const from =
  (scope: string, targetId: string) =>
  (grant: Grant): Grant =>
    scope === targetId ? grant : { ...grant, wide: true };

/** What Keyturn may not see, it was not given: 403 and 404 read the same. */
const HIDDEN: readonly Description[] = [];
function noneIfHidden(error: unknown): readonly Description[] {
  if (error instanceof AbsentError) return [];
  if (error instanceof KeyturnError && error.reason === 'target-forbidden') return HIDDEN;
  throw error;
}

/** Descriptions of the assignments at the target's scope, at what it stands below (a namespace), or at its group. Inherited from further up, none counts. */
async function descriptions(
  arm: Arm,
  targetId: string,
  principalId: string,
): Promise<readonly Description[]> {
  const scope = /^(\/subscriptions\/[^/]+\/resourcegroups\/[^/]+)\/providers\/.+$/.exec(targetId);
  if (scope === null) return [];
  const scopes = [targetId, scope[1], ...resourcesAbove(targetId)];
  const found: Description[] = [];
  for await (const { properties } of assignments(arm, targetId, principalId)) {
    const own = properties.principalId.toLowerCase() === principalId;
    const at = canonicalId(properties.scope).replace(/\/$/, '');
    if (!own || !scopes.includes(at) || !properties.description) continue;
    found.push(compact({ text: properties.description, wide: at === targetId ? undefined : true }));
  }
  return found;
}

/** The resources that an id stands below: of a rule its namespace, of a queue's rule the queue, too. */
function resourcesAbove(id: string): readonly string[] {
  const segments = id.split('/');
  const parents = Array.from(
    { length: Math.max(0, (segments.length - 9) / 2) },
    (_, at) => 9 + 2 * at,
  );
  return parents.map((length) => segments.slice(0, length).join('/'));
}

async function* assignments(arm: Arm, targetId: string, principalId: string) {
  const path = `${targetId}/providers/Microsoft.Authorization/roleAssignments`;
  let query: Record<string, string> = {
    'api-version': API_VERSION,
    $filter: `principalId eq '${principalId}'`,
  };
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const parsed = Assignments.safeParse(
      await arm.get(path, query, `list role assignments at ${quote(targetId)}`),
    );
    if (!parsed.success)
      throw new KeyturnError('failed', { detail: 'The list of role assignments does not parse.' });
    yield* parsed.data.value.flatMap((each) => Assignment.safeParse(each).data ?? []);
    // Of the link only the token is used; the address stays ours.
    const link = parsed.data.nextLink;
    const token =
      link && URL.canParse(link) ? new URL(link).searchParams.get('$skipToken') : undefined;
    if (!token) return;
    query = { ...query, $skipToken: token };
  }
}
