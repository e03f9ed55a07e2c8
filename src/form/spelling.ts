/** The ways in which a document may spell one credential, and how another is written in the same way. */
import { encode } from './address.ts';

/** Shorter texts occur by chance; only as a whole value do they count. */
const CHANCE_MAX = 7;
const WORD_MAX = 24;
/** A word or a number: as a password, also the name of a database, an engine, a port or a part of a host. */
const WORD = /^[A-Za-z]+(?:[-_. ][A-Za-z]+){0,2}[-_. ]?\d{0,4}$|^\d+$/;
const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}={0,2}/g;
const BASE64_LINES = /^[A-Za-z0-9+/_=\s-]+$/;
/** How often base64 may stand around base64. */
const WRAPS_MAX = 3;

/** Looks for one credential in many texts. */
export interface Seeker {
  /** It is short or a word, so that a text may equal it and mean something else: where it stands decides. */
  readonly byChance: boolean;
  /** Whether a text holds the credential somewhere: as it is, percent-encoded, escaped, in hex, or within base64. */
  holds(text: string): boolean;
  /** Whether it may be worth reading a text as more than text: a short credential may stand in a string by design. */
  mayHold(text: string): boolean;
  /** Whether it stands where a connection string has its password. */
  isPasswordIn(text: string): boolean;
}

/** @param bare not empty */
export function seeker(bare: string): Seeker {
  const byChance = bare.length <= CHANCE_MAX || (bare.length <= WORD_MAX && WORD.test(bare));
  const literal = bare.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  const asPassword = new RegExp(
    `(?:(?:pass(?:word|wd)|pwd|psw)\\s*=\\s*["'{]?|:)${literal}(?=["'}]?\\s*(?:[;,&@]|$))`,
    'i',
  );
  const inText = (text: string) => readings(text).some((reading) => reading.includes(bare));
  const common = {
    byChance,
    isPasswordIn: (text: string) => readings(text).some((reading) => asPassword.test(reading)),
  };
  if (!byChance) {
    const isWrapped = wrapped(bare);
    const holds = (text: string) => inText(text) || isWrapped(text);
    return { ...common, holds, mayHold: holds };
  }
  const alone = new RegExp(`(?:^|[\\s"'=:,;@(])${literal}(?=$|[\\s"',;&@)!?]|\\.(?:\\s|$))`);
  const inRuns = (text: string) =>
    text.match(BASE64_RUN)?.map((run) => Buffer.from(run, 'base64').toString('utf8')) ?? [];
  const isWord = bare.length > CHANCE_MAX;
  return {
    ...common,
    holds: (text) =>
      text === bare ||
      (isWord && [...readings(text), ...inRuns(text)].some((each) => alone.test(each))),
    mayHold: (text) => inText(text) || inRuns(text).some((each) => each.includes(bare)),
  };
}

/** The text as it is, and with escapes of JSON, URLs and XML undone: each only where there is one. */
function readings(text: string): readonly string[] {
  const found = [text];
  let last = text;
  const undone = (mark: string, undo: (from: string) => string) => {
    if (!last.includes(mark)) return;
    last = undo(last);
    found.push(last);
  };
  for (let turn = 0; turn < 2; turn += 1) undone('\\', unescaped);
  for (let turn = 0; turn < 2; turn += 1) undone('%', percentDecoded);
  undone('&', entitiesDecoded);
  return found;
}

const unescaped = (text: string): string =>
  text.replace(
    /\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|([^ux\n]))/gi,
    (_, four?: string, two?: string, plain?: string) =>
      plain === undefined ? String.fromCharCode(Number.parseInt(four ?? two ?? '0', 16)) : plain,
  );
const percentDecoded = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};
const entitiesDecoded = (text: string): string =>
  text.replace(
    /&(?:#x([0-9a-f]{1,5})|#(\d{1,6})|(amp|lt|gt|quot|apos));/gi,
    (all, hex?: string, decimal?: string, name = '') => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return (
        ENTITIES[String(name).toLowerCase()] ??
        (code <= 0x10ffff ? String.fromCodePoint(code) : all)
      );
    },
  );

/** Whether a text holds the credential in hex or in base64, wherever that begins and however often it is wrapped. */
function wrapped(bare: string): (text: string) => boolean {
  const hexes = [Buffer.from(bare).toString('hex')];
  const layers = [...new Set(spellings(bare))].flatMap((spelt) => fragments(Buffer.from(spelt)));
  const pieces = new Set(
    [...layers, ...fragments(Buffer.from(bare, 'utf16le'))].flatMap(inBothAlphabets),
  );
  let layer = fragments(Buffer.from(bare));
  for (let depth = 1; depth < WRAPS_MAX; depth += 1) {
    layer = layer.flatMap((each) => fragments(Buffer.from(each)));
    for (const each of layer) for (const spelt of inBothAlphabets(each)) pieces.add(spelt);
  }
  const all = [...pieces];
  const shortest = Math.min(...all.map((each) => each.length));
  const run = new RegExp(`[A-Za-z0-9+/_-]{${Math.min(shortest, 60)}}`);
  const holds = (text: string) => all.some((each) => text.includes(each));
  return (text) => {
    if (text.length < shortest || !run.test(text)) return false;
    if (holds(text) || hexes.some((hex) => text.toLowerCase().includes(hex))) return true;
    return /\s/.test(text) && BASE64_LINES.test(text) && holds(text.replace(/\s+/g, ''));
  };
}

/** The characters of base64 that say the same wherever in a longer text these bytes stand. */
const fragments = (bytes: Buffer): readonly string[] =>
  [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)),
  );
const inBothAlphabets = (text: string): readonly string[] => [
  text,
  text.replaceAll('+', '-').replaceAll('/', '_'),
];

function spellings(bare: string): readonly string[] {
  const json = JSON.stringify(bare).slice(1, -1);
  return bare.isWellFormed() ? [bare, encode(bare), json] : [bare, json];
}
/** How one credential may be written so that it is the whole text; the first that fits is kept. */
export function rewriter(text: string, bare: string): ((next: string) => string) | undefined {
  const trimmed = text.trim();
  if (trimmed === bare) {
    const at = text.indexOf(trimmed);
    return (next) => text.slice(0, at) + next + text.slice(at + trimmed.length);
  }
  if (bare.isWellFormed() && [encode(bare), encodeURIComponent(bare)].includes(text)) return encode;
  return undefined;
}

/** Base64 in the alphabet and padding of `like`. */
export function base64Like(like: string, text: string): string {
  const url = /[-_]/.test(like) && !/[+/]/.test(like);
  const encoded = Buffer.from(text).toString(url ? 'base64url' : 'base64');
  return like.length % 4 === 0
    ? encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=')
    : encoded.replaceAll('=', '');
}
