import { scrub } from './scrub.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** What a record may hold: names, ids, codes and times. Never an error object, a body or a service's message. */
export type LogFields = Record<string, string | number | boolean | Date | undefined>;

/** Records with a static message and data in fields, so that alerts can group them. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/**
 * Names, codes and ids of our own: parsed by a pattern or taken from a table before they get here, so no value is among
 * them. Scrubbed, they would fall to whoever stores a reason's code or a vault's name as a value, and alerts with them.
 */
const OWN_FIELDS: readonly string[] = [
  ...['vault', 'name', 'names', 'kind', 'reason', 'cause', 'outcome', 'by', 'remedy', 'instance', 'mode'],
  ...[
    'version',
    'stored',
    'rotation',
    'operation',
    'caller',
    'status',
    'code',
    'requestId',
    'handle',
    'handles',
    'owed',
  ],
];

/**
 * A log that writes one JSON line per record to `write`, with known secret values blanked out of its free texts; never out
 * of the line, or whoever stores `"reason":"` as a value would break every record (case SEC-06).
 */
export function jsonLog(write: (level: LogLevel, line: string) => void): Log {
  return (level, message, fields = {}) => {
    const clean = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' && !OWN_FIELDS.includes(name) ? scrub(value) : value,
    ]);
    write(level, JSON.stringify({ message, ...Object.fromEntries(clean) }));
  };
}
