/** What a value is when it is no bare credential: told, so that its owner knows, and so that nothing ever takes its place unseen. */
import type { FormSpec } from '../core/formSpec.ts';
import { bad } from './part.ts';

/** Names that begin an element of a connection string of any service or server. */
const ELEMENT =
  /(?:^|;)[^\S\n]{0,9}(?:account(?:key|name|endpoint)|defaultendpointsprotocol|endpointsuffix|\w{0,20}endpoint|sharedaccess\w{1,20}|usedevelopmentstorage|server|data source|host(?:name)?|password|pwd|user ?id|uid|secret|accesskey)[^\S\n]{0,9}=/i;
const SIGNATURE = /(?:^|[?&;])sig=/i;
const PLACEHOLDER = /^keyturn:/;
const BASE64 = /^[A-Za-z0-9+/_-]{12,}={0,2}$/;

/** @throws `bad-value` for a value of another shape than a bare credential of the kind has (case VAL-03) */
export function refuseShape(text: string, spec: FormSpec): void {
  if (SIGNATURE.test(text))
    throw bad('The value is a shared access signature, which no rotator replaces.');
  if (/[\r\n]/.test(text))
    throw bad(
      'The value has several lines; name the one that holds the credential with the option `field`.',
    );
  if (/^(?:jdbc:|[a-z][a-z0-9+.-]{0,30}:\/\/|failover:\(|\/\/[^/]*@)/i.test(text))
    throw bad(
      'The value is an address (scheme://…) that is none of those which this kind can read.',
    );
  if (spec.kind !== 'login') refuseNoKey(text, spec);
  const within = unwrapped(text);
  if (within !== undefined && (looksLikeString(within) || looksLikeDocument(within)))
    throw bad(
      'The value is base64 of a connection string or document; store what it holds, as it is.',
    );
}

function refuseNoKey(text: string, spec: Exclude<FormSpec, { kind: 'login' }>): void {
  if (/^(["']).*\1$/.test(text))
    throw bad('The value stands in quotes, which clients take for a part of it; take them away.');
  if (ELEMENT.test(text)) {
    const why =
      spec.kind === 'bare'
        ? 'this kind has none; store the bare value'
        : 'it is none that this kind can read';
    throw bad(`The value is a connection string, and ${why}.`);
  }
  // Words are no shape: an account that does not know them says so, and a person may set that aside.
  if (spec.kind !== 'key' || spec.dialects.includes('storage')) return;
  if (/[;,\s]|:\/\/|=(?!=?$)/.test(text))
    throw bad('The value is no key, and no connection string that this kind can read.');
  if (spec.pair && !PLACEHOLDER.test(text))
    throw bad(
      `The value is the key alone, but its ${spec.pair.name} changes with it; store the connection string.`,
    );
}

const looksLikeString = (text: string): boolean =>
  ELEMENT.test(text) || /^[a-z][a-z0-9+.-]{1,30}:\/\//i.test(text);

/** What base64 holds, where that is text. */
export function unwrapped(text: string): string | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  const decoded = bytes.toString('utf8');
  return decoded !== '' && !/[^\P{C}\n\r\t]|\ufffd/u.test(decoded) ? decoded : undefined;
}

export function looksLikeDocument(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // not JSON is an answer, not a failure
  }
}
