/**
 * What looks like a credential is not shown, whoever wrote it and wherever it was written: people paste values into tags,
 * tickets and queries (case SEC-06, finding ATK-07). A text is judged by its looks alone, the same for everyone: compared
 * with the values that this process holds, an answer would tell whoever guesses whether the guess was right.
 */

/** Stands in the place of what was hidden. */
export const MASK = '[looks like a credential]';

const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** The id of a version in Key Vault; the keys of some services look the same. */
const VERSION = /(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])/g;
/** What follows one of these is a credential, however it looks, and nobody can tell where it ends. */
const NAMED =
  /(?:pass(?:word|wd|phrase)|pwd|psw|secret|token|credential|signature|(?:account|access|shared|primary|secondary|api|subscription|storage|private|function|master|host)[-_ ]?keys?)["']?\s{0,8}(?:=|:(?=\s{0,8}["']))\s{0,8}/gi;
const SPOKEN =
  /(?<![a-z])(?:sig=|(?:password|passwd|pwd)\s{0,8}:\s{1,8}(?=\S)|(?:bearer|basic|sharedaccesssignature)\s{1,8}(?=\S{16})|-----begin)/gi;
/** In its place stands what says of what kind it is, or that it was hidden before. */
const NONE = /^["'`]?(?:…|\.\.\.|<|\[looks|$)/;
/** Ids and addresses are told by their parts, so that the readable ones stay. */
const HAS_PARTS = /^["'`(<[\\]{0,4}(?:\/subscriptions\/|[a-z][a-z0-9+.-]{0,30}:\/\/)/i;

/**
 * The text with what looks like a credential replaced by `MASK`. Takes any string; linear in its length.
 *
 * @param versions ids of versions stay: for texts of our own, which name them
 */
export function mask(
  text: string,
  { versions = false }: { readonly versions?: boolean } = {},
): string {
  return maskAt(text, versions, 0);
}

const DECODED_MAX = 2;

function maskAt(text: string, versions: boolean, depth: number): string {
  const from = namedFrom(text);
  if (from === undefined) return byWords(text, versions, depth);
  return byWords(text.slice(0, from), versions, depth) + MASK;
}

/** Where the first credential begins that is called one. */
function namedFrom(text: string): number | undefined {
  for (const pattern of [NAMED, SPOKEN]) {
    for (const found of text.matchAll(pattern)) {
      const from = found.index + found[0].length;
      if (!NONE.test(text.slice(from, from + 8))) return from;
    }
  }
  return undefined;
}

/** What stands between blanks is one thing: a credential in pieces is one all the same. */
function byWords(text: string, versions: boolean, depth: number): string {
  return text.replace(/\S+/g, (run) => {
    if (run.length < 8) return run;
    const decoded = run.replace(/%[0-9a-f]{2}/gi, (code) =>
      String.fromCharCode(Number.parseInt(code.slice(1), 16)),
    );
    // Values of tags and queries are percent-encoded, perhaps twice; what is hidden in one is hidden as a whole.
    if (decoded !== run && depth < DECODED_MAX && maskAt(decoded, versions, depth + 1) !== decoded)
      return MASK;
    const isId = /\/subscriptions\//i.test(run);
    const parts = HAS_PARTS.test(run) ? run.split('/') : [run];
    const at = parts.findIndex((part) =>
      looksSecret(versions ? part.replace(VERSION, '') : part, isId),
    );
    return withoutUser(at < 0 ? run : [...parts.slice(0, at), MASK].join('/'));
  });
}

/** `scheme://user:password@host`: without what stands in front of the last `@`. */
function withoutUser(run: string): string {
  const from = run.indexOf('://');
  const to = run.lastIndexOf('@');
  return from < 0 || to < from + 3 ? run : `${run.slice(0, from + 3)}${MASK}${run.slice(to)}`;
}

function looksSecret(text: string, isId: boolean): boolean {
  const rest = text.replace(GUID, '');
  // Punctuation that names of things in Azure do not have, as people and password managers like it.
  if (rest.length >= 8 && /[!$^~#]\w|\w[!$^~]/.test(rest) && /[a-z]/i.test(rest) && /\d/.test(rest))
    return true;
  const words = rest.split(/[^A-Za-z0-9]+/);
  return words.some((word) => !isPlain(word, isId)) || isRestless(words);
}

/**
 * Words that are each short or tame enough, but together change between small letters, capitals and digits more often than
 * names do: one in six characters or more. In what a generator makes it is more than every second.
 */
function isRestless(words: readonly string[]): boolean {
  const length = words.reduce((sum, word) => sum + word.length, 0);
  if (length < 16) return false;
  const changes = words.reduce((sum, word) => sum + changesIn(word), 0);
  return changes > length * (length < 20 ? 0.2 : 0.16) && /[A-Z]/.test(words.join(''));
}

/** An abbreviation in capitals has none. */
const changesIn = (word: string): number =>
  word === word.toUpperCase() && !/\d/.test(word)
    ? 0
    : (word.match(/[a-z](?=[A-Z])|[A-Z](?=[A-Z])|[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0);

/** Whether a word is one that people or Azure name things with, as opposed to what a generator makes. */
function isPlain(word: string, isId: boolean): boolean {
  const { length } = word;
  if (length <= 3 || (length <= 16 && /^(?:\d+|[0-9a-f]+)$/.test(word))) return true;
  if (length > 64) return false;
  if (/^[A-Za-z]+$/.test(word)) return humps(word) <= length / 4 + 1;
  if (length > 24) return false;
  const turns = word.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
  const isOneCase = word === word.toLowerCase() || word === word.toUpperCase();
  // Names of storage accounts, and what infrastructure code makes of hashes.
  if (isOneCase) return isId || turns <= (length < 8 ? 2 : length < 18 ? 5 : 3);
  return turns <= (length < 8 ? 1 : 2) && humps(word) <= length / 4 + 1;
}

/** Beginnings of words inside a word: `storageAccounts` has two. */
const humps = (word: string): number => 1 + (word.match(/[a-z](?=[A-Z])/g)?.length ?? 0);
