/**
 * What a queue message holds. The host hands messages over as they lie in the queue (`messageEncoding: none`), since one
 * that it could not decode itself would reach no function at all, not even that of the poison queue (finding HST-02). So both
 * spellings are read here: base64, which Keyturn writes, and JSON as it is; how Event Grid spells what it puts on a queue is
 * not known for certain (azure-facts 3.3).
 */
import { isUtf8 } from 'node:buffer';

/** The JSON of a message, or its text where it is none. Takes the object that the worker made of JSON, too. Never throws. */
export function contentOf(message: unknown): unknown {
  if (typeof message !== 'string') return message;
  const direct = parseJson(message);
  if (direct !== undefined) return direct;
  const decoded = fromBase64(message);
  return decoded === undefined ? message : (parseJson(decoded) ?? decoded);
}

/** Neither JSON nor base64 of UTF-8: not a message with a fault, but somebody else's. */
export const isUnreadable = (message: unknown): message is string =>
  typeof message === 'string' &&
  parseJson(message) === undefined &&
  fromBase64(message) === undefined;

/** What a text holds; undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** `Buffer` skips what is no base64, so the text has to come back as it was. */
function fromBase64(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64');
  const fits = text !== '' && bytes.toString('base64') === text && isUtf8(bytes);
  return fits ? bytes.toString('utf8') : undefined;
}
