/** The owner's tags: opting in, naming the target, its options and the policy. */
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import type { FormOptions } from '../core/formSpec.ts';
import { type SecretRef, type Tags, tagOf, withTag } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Config, Registry } from '../ports/deps.ts';
import type { Rotator, Target } from '../ports/rotator.ts';
import type { PolicySource } from './policy.ts';

export interface OptIn {
  readonly rotator: Rotator;
  readonly target: Target;
  /** Where in the secret's value the credential stands. */
  readonly wanted: FormOptions;
}

const OPTIONS_MAX = 20;

/** The tag `rotator` is there and does not say `none`. */
export function isOptedIn(tags: Tags): boolean {
  const type = tagOf(tags, 'rotator');
  return type !== undefined && type.trim().toLowerCase() !== 'none';
}

/** How a secret that is not opted in was opted out. `lost`: the tag is gone, perhaps by mistake. `out`: it says `none`. */
export type Leaving = 'lost' | 'out';

export const leavingBy = (tags: Tags): Leaving =>
  tagOf(tags, 'rotator') === undefined ? 'lost' : 'out';

const SAMPLE_TYPE = 'storage-account-key';
const STORAGE_ACCOUNT = /\/providers\/microsoft\.storage\/storageaccounts\//i;

/**
 * The tags as they count for opting in. In a vault that KEYTURN_SAMPLE_TAGS names, those of Microsoft's two-key sample
 * (azure-facts 4.2) stand for Keyturn's own where `rotator` is absent: `ProviderAddress` names the storage account.
 * `CredentialId` is not read: which key a secret keeps is told by its value. What is written back are the owner's tags.
 */
export function optInTags(
  tags: Tags,
  secret: Pick<SecretRef, 'vault'>,
  config: Pick<Config, 'sampleVaults'>,
): Tags {
  const address = sampleAddress(tags, secret, config);
  if (address === undefined) return tags;
  const target = tagOf(tags, 'rotator-target') ?? address;
  return withTag(withTag(tags, 'rotator', SAMPLE_TYPE), 'rotator-target', target);
}

/** `ValidityPeriodDays` as policy, behind the secret's own `rotator-policy`; nothing where the sample's tags do not count. */
export function samplePolicy(
  tags: Tags,
  secret: Pick<SecretRef, 'vault'>,
  config: Pick<Config, 'sampleVaults'>,
): readonly PolicySource[] {
  const days = tagOf(tags, 'validityperioddays')?.trim();
  if (days === undefined || sampleAddress(tags, secret, config) === undefined) return [];
  // One key, whatever is written there: it says `every` and nothing else.
  return [{ where: 'The tag ValidityPeriodDays', text: `every=${days.replaceAll(/[;=]/g, '?')}d` }];
}

function sampleAddress(
  tags: Tags,
  { vault }: Pick<SecretRef, 'vault'>,
  { sampleVaults = [] }: Pick<Config, 'sampleVaults'>,
): string | undefined {
  // Whoever says `none` means the tags of the sample, too.
  if (tagOf(tags, 'rotator') !== undefined || !sampleVaults.includes(vault)) return undefined;
  const address = tagOf(tags, 'provideraddress');
  return address !== undefined && STORAGE_ACCOUNT.test(address) ? address : undefined;
}

/** Binds the tags of a secret. Throws `bad-tags`, `unknown-rotator` or `kind-off`, naming the tag and what it takes. */
export function readOptIn(
  tags: Tags,
  secret: SecretRef,
  rotators: Registry,
  enabled: readonly string[],
): OptIn {
  const text = (tagOf(tags, 'rotator') ?? '').trim();
  const type = text.toLowerCase();
  const rotator = rotators.get(type);
  if (!rotator) {
    throw new KeyturnError('unknown-rotator', {
      // As it was written: in small letters a credential no longer looks like one (finding ATK-07).
      detail: `The tag rotator is ${quote(text)}. Known: ${rotators.types.join(', ')}.`,
    });
  }
  if (!enabled.includes(type)) {
    throw new KeyturnError('kind-off', {
      detail: `The rotator ${type} is not named in KEYTURN_ROTATORS.`,
    });
  }
  const target = tagOf(tags, 'rotator-target');
  if (target === undefined || target.trim() === '') {
    throw new KeyturnError('bad-tags', {
      detail: 'The tag rotator-target is missing; it names the target by resource id.',
    });
  }
  const options = bindOptions(tags);
  return {
    rotator,
    target: rotator.bind({ target: target.trim(), options, secret }),
    wanted: wantedOf(tags, rotator),
  };
}

/** The options that are the rotator's; those of the form are Keyturn's. */
function bindOptions(tags: Tags): Record<string, string> {
  const { field: _, 'login-field': __, ...options } = readOptions(tagOf(tags, 'rotator-options'));
  return options;
}

/** The options `field=` and `login-field=` alone, for a secret whose other tags may be broken. */
export function wantedOf(tags: Tags, { form }: Rotator): FormOptions {
  const { field, 'login-field': loginField } = readOptions(tagOf(tags, 'rotator-options'));
  if (loginField !== undefined && (field === undefined || form.kind !== 'login')) {
    const why =
      form.kind === 'login' ? 'it needs the option `field`, too' : 'this kind has no login';
    throw new KeyturnError('bad-tags', {
      detail: `The tag rotator-options has \`login-field\`, but ${why}.`,
    });
  }
  return compact({ spec: form, field, loginField });
}

/**
 * The target by its canonical id, also where the kind is off or options and policy do not parse: the secret's readers use
 * the credential all the same. Undefined where the tags name no target; the look will say so.
 */
export function slotTargetOf(
  tags: Tags,
  secret: SecretRef,
  rotators: Registry,
): string | undefined {
  const rotator = rotators.get((tagOf(tags, 'rotator') ?? '').trim().toLowerCase());
  if (!rotator) return undefined;
  const target = (tagOf(tags, 'rotator-target') ?? '').trim();
  const bound = (options: () => Record<string, string>) => {
    try {
      return rotator.bind({ target, options: options(), secret }).id;
    } catch (error) {
      if (error instanceof KeyturnError) return undefined;
      throw error;
    }
  };
  return bound(() => bindOptions(tags)) ?? bound(() => ({}));
}

/** `key=value;…` with percent-encoded values. */
export function readOptions(text: string | undefined): Record<string, string> {
  const options = new Map<string, string>();
  for (const part of (text ?? '').split(';').filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(at, 0)).trim().toLowerCase();
    const value = decoded(part.slice(at + 1).trim());
    if (
      !/^[a-z][a-z0-9-]{0,31}$/.test(key) ||
      value === undefined ||
      options.has(key) ||
      options.size >= OPTIONS_MAX
    ) {
      throw new KeyturnError('bad-tags', {
        detail: `The tag rotator-options has the part ${quote(part.trim())}; expected key=value;key=value, each key once, values percent-encoded.`,
      });
    }
    options.set(key, value);
  }
  return Object.fromEntries(options);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
