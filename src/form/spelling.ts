/** The ways in which a document may spell one credential, and how another is written in the same way. */
import { encode } from './address.ts';

/** Shorter texts occur by chance; only as a whole value do they count. */
const CHANCE_MAX = 7;
const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}={0,2}/g;

/** Looks for one credential in many texts. */
export interface Seeker {
  /** Whether a text holds the credential somewhere: as it is, percent-encoded, escaped as JSON, or within base64. */
  holds(text: string): boolean;
  /** Whether it may be worth reading a text as more than text: a short credential may stand in a string by design. */
  mayHold(text: string): boolean;
}

/** @param bare not empty */
export function seeker(bare: string): Seeker {
  const spelt = spellings(bare);
  const isLong = bare.length > CHANCE_MAX;
  // In base64 it takes four characters for three.
  const shortest = Math.floor((Buffer.byteLength(bare) * 4) / 3);
  const inBase64 = (text: string) =>
    text.length >= shortest &&
    (text.match(BASE64_RUN)?.some((run) => run.length >= shortest && fromBase64(run).includes(bare)) ?? false);
  const inText = (text: string) => spelt.some((each) => text.includes(each));
  return {
    holds: (text) => (isLong ? inText(text) || inBase64(text) : text === bare),
    mayHold: (text) => inText(text) || inBase64(text),
  };
}

const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

function spellings(bare: string): readonly string[] {
  if (!bare.isWellFormed()) return [bare, JSON.stringify(bare).slice(1, -1)];
  const percent = [encode(bare), encodeURIComponent(bare)];
  const lower = percent.map((each) => each.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  const json = JSON.stringify(bare).slice(1, -1);
  return [...new Set([bare, ...percent, ...lower, json, encode(encode(bare))])];
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
  return like.length % 4 === 0 ? encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=') : encoded.replaceAll('=', '');
}
