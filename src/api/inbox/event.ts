/**
 * Events of Key Vault, in either schema and as they are really sent: field names in any case and with stray blanks, `Id`
 * alone or no `Id` at all (azure-facts 3.1, cases EG-01 and EG-02). An event is a hint: names are taken from it, never an
 * address, and its dates not at all.
 */
import { canonicalId, type ResourceId } from '../../core/ids.ts';
import { Look } from '../../core/look.ts';
import { mask } from '../../core/mask.ts';
import { quote } from '../../core/quote.ts';
import type { Reason } from '../../core/reasons.ts';
import { contentOf } from './message.ts';
import type { NoLook } from './skip.ts';

/** Everything else that a subscription may send is none of our business (case EG-11). */
export const EVENT_TYPES = ['SecretNearExpiry', 'SecretExpired', 'SecretNewVersionCreated'].map(
  (type) => `Microsoft.KeyVault.${type}`,
);

type Fields = ReadonlyMap<string, unknown>;
type Named = Readonly<Record<'vault' | 'name' | 'version', string>>;

/**
 * One look, or why there is none. `vaults` are those that are served: the topic must be the id of one of them, and the host and
 * the vault name in the data must be that vault's. Never throws, whatever JSON it gets.
 */
export function fromEvent(event: unknown, vaults: readonly ResourceId[]): Look | NoLook {
  const envelope = tidy(event);
  const type = text(envelope, 'eventtype') || text(envelope, 'type');
  if (!EVENT_TYPES.some((known) => same(known, type)))
    return skip('bad-request', `event type ${quote(type)}`);
  const topic = text(envelope, 'topic') || text(envelope, 'source');
  const vault = vaults.find(({ text: id }) => id === canonicalId(topic));
  if (!vault) return skip('not-allowed', `topic ${quote(topic)}`);

  const data = tidy(envelope.get('data'));
  const kind = text(data, 'objecttype');
  if (kind !== '' && !same(kind, 'secret'))
    return skip('bad-request', `object type ${quote(kind)}`);
  const named = fromId(text(data, 'id')) ?? fromFields(data);
  if (!named) return skip('bad-request', `id ${quote(text(data, 'id'))} is not that of a secret`);
  for (const claimed of [named.vault, text(data, 'vaultname')]) {
    if (claimed !== '' && !same(claimed, vault.name)) {
      return skip('not-allowed', `vault ${quote(claimed)} under the topic of ${vault.name}`);
    }
  }
  return look(vault.name, named);
}

/**
 * What a message of the queue `keyturn-events` holds: one event as Event Grid delivers it there, or a list of them. Never
 * throws, and whatever is no event for us is a skip.
 */
export function fromEventMessage(
  message: unknown,
  vaults: readonly ResourceId[],
): readonly (Look | NoLook)[] {
  const content = contentOf(message);
  return (Array.isArray(content) ? content : [content]).map((event) => fromEvent(event, vaults));
}

/**
 * A version that is no version id is left out: it is only a hint, and the current version decides (case EG-05). A name that looks like a
 * credential would be one in every line about the look (finding ATK-07): a secret that is really called so is the sweep's.
 */
function look(vault: string, { name, version }: Named): Look | NoLook {
  if (mask(name) !== name) return skip('bad-request', `secret name ${quote(name)}`);
  const parts = { vault, name, cause: 'event' };
  const parsed = [{ ...parts, version }, parts]
    .map((candidate) => Look.safeParse(candidate))
    .find((one) => one.success);
  return parsed?.data ?? skip('bad-request', `secret name ${quote(name)}`);
}

/** Undefined when there is no id; names from its path, which says more than the fields beside it. */
function fromId(id: string): Named | undefined {
  const url = id === '' ? null : URL.parse(id);
  const [, kind = '', name = '', version = '', ...rest] = url?.pathname.split('/') ?? [];
  if (!url || !same(kind, 'secrets') || rest.length > 0) return undefined;
  return { vault: url.hostname.split('.')[0] ?? '', name, version };
}

/** Only where there is no id: an id that is not a secret's is not repaired from its neighbours. */
function fromFields(data: Fields): Named | undefined {
  if (text(data, 'id') !== '') return undefined;
  return {
    vault: text(data, 'vaultname'),
    name: text(data, 'objectname'),
    version: text(data, 'version'),
  };
}

/** Keys in lower case without blanks; of two that become one, the first counts. */
function tidy(value: unknown): Fields {
  const fields = new Map<string, unknown>();
  if (typeof value !== 'object' || value === null) return fields;
  for (const [key, content] of Object.entries(value)) {
    const name = key.trim().toLowerCase();
    if (!fields.has(name)) fields.set(name, content);
  }
  return fields;
}

function text(fields: Fields, name: string): string {
  const value = fields.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
const skip = (reason: Reason, detail: string): NoLook => ({ skip: reason, detail });
