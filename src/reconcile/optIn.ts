/** The owner's tags: opting in, naming the target, its options and the policy. */
import { KeyturnError } from '../core/errors.ts';
import { type Tags, tagOf } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Rotator, Target } from '../rotators/rotator.ts';
import type { Registry } from './deps.ts';

export interface OptIn {
  readonly rotator: Rotator;
  readonly target: Target;
  /** The option `field=`: where in a JSON document the value stands. */
  readonly field?: string;
}

const OPTIONS_MAX = 20;

export const isOptedIn = (tags: Tags): boolean => tagOf(tags, 'rotator') !== undefined;

/** Binds the tags of a secret. Throws `bad-tags`, `unknown-rotator` or `kind-off`, naming the tag and what it takes. */
export function readOptIn(tags: Tags, rotators: Registry, enabled: readonly string[]): OptIn {
  const type = (tagOf(tags, 'rotator') ?? '').trim().toLowerCase();
  const rotator = rotators.get(type);
  if (!rotator) {
    throw new KeyturnError('unknown-rotator', {
      detail: `The tag rotator is ${quote(type)}. Known: ${rotators.types.join(', ')}.`,
    });
  }
  if (!enabled.includes(type)) {
    throw new KeyturnError('kind-off', { detail: `The rotator ${type} is not named in KEYTURN_ROTATORS.` });
  }
  const target = tagOf(tags, 'rotator-target');
  if (target === undefined || target.trim() === '') {
    throw new KeyturnError('bad-tags', {
      detail: 'The tag rotator-target is missing; it names the target by resource id.',
    });
  }
  const { field, ...options } = readOptions(tagOf(tags, 'rotator-options'));
  return {
    rotator,
    target: rotator.bind({ target: target.trim(), options }),
    ...(field === undefined ? {} : { field }),
  };
}

/** The option `field=` alone, for a secret whose other tags may be broken. */
export const fieldOf = (tags: Tags): string | undefined => readOptions(tagOf(tags, 'rotator-options')).field;

/** `key=value;…` with percent-encoded values. */
export function readOptions(text: string | undefined): Record<string, string> {
  const options = new Map<string, string>();
  for (const part of (text ?? '').split(';').filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(at, 0)).trim().toLowerCase();
    const value = decoded(part.slice(at + 1).trim());
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(key) || value === undefined || options.has(key) || options.size >= OPTIONS_MAX) {
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
