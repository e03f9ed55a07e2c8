import { scrub } from './scrub.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** What a record may hold: names, ids, codes and times. Never an error object, a body or a service's message. */
export type LogFields = Record<string, string | number | boolean | Date | undefined>;

/** Records with a static message and data in fields, so that alerts can group them. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** A log that writes one JSON line per record to `write`, with known secret values blanked out. */
export function jsonLog(write: (level: LogLevel, line: string) => void): Log {
  return (level, message, fields = {}) => write(level, scrub(JSON.stringify({ message, ...fields })));
}
