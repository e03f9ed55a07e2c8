/**
 * Discovery of vaults (design sections 5 and 6): Azure Resource Graph names the vaults of the subscriptions in the settings,
 * and those are served whose ARM tag `keyturn` names this instance. Of an answer only ids count, parsed and rebuilt; an
 * address is made from a vault's name and the cloud, never from what the answer holds.
 */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { parseResourceId, type ResourceId, VAULT_NAME } from '../core/ids.ts';
import { instanceIn, isInstance } from '../core/instance.ts';
import { DISCOVERED_MAX, type Discovered } from '../core/vaultList.ts';
import type { Arm } from './arm.ts';

/** Documented [learn: rest/api/azureresourcegraph, "Resources"]; unverified against Azure, like the answers in `local/azure`. */
const API_VERSION = '2022-10-01';
/**
 * The same text for every instance: nothing is joined into it, and whose a vault is gets decided here. Pages need an order
 * and the column `id` [learn: governance/resource-graph/concepts/work-with-data, "Paging results"].
 */
const QUERY = [
  'resources',
  "where type =~ 'microsoft.keyvault/vaults'",
  "where tostring(tags) contains 'keyturn'",
  'project id, tags, rbac = properties.enableRbacAuthorization',
  'order by id asc',
].join(' | ');
const PAGE = 200;
/** Vaults of other instances are listed, too. */
const PAGES_MAX = 50;

const Answer = z.object({
  data: z.array(z.unknown()).max(PAGE),
  /** `true` as a text [same page]. */
  resultTruncated: z.union([z.string(), z.boolean()]).nullish(),
  $skipToken: z.string().max(10_000).nullish(),
});
const Row = z.object({
  id: z.string().max(1_000),
  tags: z.record(z.string(), z.string()).nullish(),
  rbac: z.boolean().nullish(),
});

export interface DiscoveryOptions {
  readonly arm: Pick<Arm, 'ask'>;
  /** KEYTURN_SUBSCRIPTIONS, in lower case. */
  readonly subscriptions: readonly string[];
  /** KEYTURN_INSTANCE. */
  readonly instance: string;
}

/** Asks for the vaults of this instance. Throws `undiscovered`, whatever kept Azure from giving the whole list. */
export function discoveryFrom({
  arm,
  subscriptions,
  instance,
}: DiscoveryOptions): () => Promise<Discovered> {
  return async () => {
    const served = new Map<string, ResourceId>();
    const noRbac = new Map<string, ResourceId>();
    let strange = 0;
    for await (const row of rows(arm, subscriptions)) {
      const { data, success } = Row.safeParse(row);
      const id = data && vaultIn(data.id, subscriptions);
      if (!success || !id) {
        strange += 1;
      } else if (isInstance(instanceIn(data.tags ?? {}), instance)) {
        (data.rbac === true ? served : noRbac).set(id.text, id);
      }
    }
    if (served.size + noRbac.size > DISCOVERED_MAX)
      throw undiscovered(`More than ${DISCOVERED_MAX} vaults carry the tag of this instance.`);
    const names = new Set([...served.values()].map(({ name }) => name));
    return {
      served: [...served.values()],
      noRbac: [...noRbac.values()].filter(({ name }) => !names.has(name)),
      strange,
    };
  };
}

/** A vault of the subscriptions asked about, or undefined: an answer names nothing that nobody asked for. */
export function vaultIn(id: string, subscriptions: readonly string[]): ResourceId | undefined {
  try {
    const parsed =
      id.startsWith('/') && parseResourceId(id, 'Microsoft.KeyVault/vaults', 'An id', VAULT_NAME);
    return parsed && subscriptions.includes(parsed.subscription) ? parsed : undefined;
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

async function* rows(
  arm: Pick<Arm, 'ask'>,
  subscriptions: readonly string[],
): AsyncIterable<unknown> {
  let $skipToken: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const options = compact({ resultFormat: 'objectArray', $top: PAGE, $skipToken });
    const parsed = Answer.safeParse(await ask(arm, { subscriptions, query: QUERY, options }));
    if (!parsed.success) throw undiscovered('The list of vaults does not parse.');
    yield* parsed.data.data;
    $skipToken = parsed.data.$skipToken ?? undefined;
    if (!$skipToken) {
      // Cut short: vaults would seem to have vanished that are there.
      if (String(parsed.data.resultTruncated).toLowerCase() === 'true') break;
      return;
    }
  }
  throw undiscovered('The list of vaults did not come to its end.');
}

async function ask(arm: Pick<Arm, 'ask'>, body: object): Promise<unknown> {
  try {
    return await arm.ask({ 'api-version': API_VERSION }, body, 'list vaults with Resource Graph');
  } catch (error) {
    if (error instanceof KeyturnError)
      throw new KeyturnError('undiscovered', { ...error.facts, detail: error.detail });
    throw error;
  }
}

const undiscovered = (detail: string): KeyturnError => new KeyturnError('undiscovered', { detail });
