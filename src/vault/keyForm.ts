/** Connection strings that services with access keys hand out: `Endpoint=…;SharedAccessKey=…` and their like (case SEC-02). */
import { KeyturnError } from '../core/errors.ts';
import { type KeyString, pairOf } from '../core/formSpec.ts';
import { quote } from '../core/quote.ts';
import type { OpenText } from './openText.ts';

const bad = (detail: string): KeyturnError => new KeyturnError('bad-value', { detail });

/** Base64 may end in `=`; anything else of this is part of a connection string, or of what no rotator writes. */
const NO_BARE_KEY = /[;,\s=]|:\/\//;
/** Stricter than a URL: parsers disagree about everything that this leaves out (`\`, `@`, tabs, paths, queries). */
const ENDPOINT = /^(?:https|sb):\/\/([a-z0-9.-]+(?::\d{1,5})?)\/?$/i;
const KEY = /^[^\s;,]+$/;
/** A placeholder of an owner who waits for the first credential. */
const PLACEHOLDER = /^keyturn:/;

interface Element {
  readonly value: string;
  readonly start: number;
}

/**
 * Opens one; undefined where the text is none but a bare key. Elements that the kind does not list, one that stands there
 * twice and a host that is not the target's are refused; what is wrong is told by number or by the kind's own names.
 *
 * @param hosts hosts of the target, lower case, with port where it is not 443
 */
export function keyString(text: string, spec: KeyString, hosts: readonly string[]): OpenText | undefined {
  if (!NO_BARE_KEY.test(text.replace(/={1,2}$/, ''))) {
    if (spec.pair === undefined || PLACEHOLDER.test(text)) return undefined;
    throw bad(`The value is the key alone, but its ${spec.pair} changes with it; store the connection string.`);
  }
  const { elements, nameless } = elementsOf(text, spec);
  const key = required(elements, spec.key);
  const pair = spec.pair === undefined ? undefined : required(elements, spec.pair);
  const alone = pair !== undefined && elements.size === 2;
  if (!alone) checkHosts(elements, nameless, spec, hosts);
  return {
    form: alone ? 'bare' : 'connection-string',
    bare: pair === undefined ? key.value : pairOf(spec, pair.value, key.value),
    fill(next) {
      if (pair === undefined) return spliced(text, [[key, writable(next)]]);
      // The preflight measures with a text that is no pair: it stands in both places then.
      const fresh = NO_BARE_KEY.test(next) ? elementsOf(next, spec).elements : undefined;
      const put = (name: string) => writable(fresh === undefined ? next : required(fresh, name).value);
      return spliced(text, [
        [key, put(spec.key)],
        [pair, put(spec.pair ?? '')],
      ]);
    },
  };
}

/** Elements by lower-cased name, each value with its place in the text, and the parts without a name. */
function elementsOf(text: string, spec: KeyString) {
  const known = [spec.key, ...spec.hosts, ...spec.others, ...(spec.pair === undefined ? [] : [spec.pair])];
  const elements = new Map<string, Element>();
  const nameless: string[] = [];
  let at = 0;
  for (const [index, part] of text.split(spec.separator).entries()) {
    const equals = part.indexOf('=');
    if (equals >= 0) {
      const name = part.slice(0, equals).trim().toLowerCase();
      const value = part.slice(equals + 1);
      if (!known.includes(name))
        throw bad(`Element ${index + 1} of the connection string is none that this kind knows.`);
      if (elements.has(name)) throw bad(`The connection string has ${name} twice.`);
      const start = at + equals + 1 + (value.length - value.trimStart().length);
      elements.set(name, { value: value.trim(), start });
    } else if (part.trim() !== '') nameless.push(part.trim());
    at += part.length + 1;
  }
  return { elements, nameless };
}

function required(elements: ReadonlyMap<string, Element>, name: string): Element {
  const element = elements.get(name);
  if (element !== undefined && KEY.test(element.value)) return element;
  throw bad(`The value is no key, and as a connection string it has no ${name}.`);
}

function checkHosts(
  elements: ReadonlyMap<string, Element>,
  nameless: readonly string[],
  spec: KeyString,
  hosts: readonly string[],
): void {
  if ((elements.get('ssl')?.value ?? 'true').toLowerCase() !== 'true') {
    throw bad('The connection string does not use TLS.');
  }
  const named = spec.hosts.flatMap((name) => {
    const element = elements.get(name);
    if (element === undefined) return [];
    const host = ENDPOINT.exec(element.value)?.[1];
    if (host === undefined) throw bad(`${name} of the connection string is not of the form https://host.`);
    return [{ name, host }];
  });
  // Only Redis has its hosts in front, without a name.
  if (spec.hosts.length > 0 && nameless.length > 0) throw bad('An element of the connection string is without `=`.');
  const found = spec.hosts.length > 0 ? named : nameless.map((host) => ({ name: 'The host', host }));
  if (found.length === 0) throw bad('The connection string names no host.');
  const foreign = found.find(({ host }) => !hosts.includes(host.toLowerCase().replace(/:443$/, '')));
  if (foreign === undefined) return;
  const detail = `${foreign.name} of the connection string leads to a host that is not the target's (${hosts.map(quote).join(', ') || 'none known'}).`;
  throw new KeyturnError('foreign-host', { detail });
}

function writable(value: string): string {
  if (KEY.test(value)) return value;
  throw bad('The new credential cannot be written into a connection string.');
}

/** The text with other values in some of its places, the last first so that the others keep theirs. */
function spliced(text: string, changes: readonly (readonly [Element, string])[]): string {
  const fromTheEnd = [...changes].sort(([left], [right]) => right.start - left.start);
  return fromTheEnd.reduce(
    (so, [{ start, value }, put]) => so.slice(0, start) + put + so.slice(start + value.length),
    text,
  );
}
