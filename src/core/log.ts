import { mask } from './mask.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** What a record may hold: names, ids, codes and times. Never an error object, a body or a service's message. */
export type LogFields = Record<string, string | number | boolean | Date | undefined>;

/** Records with a static message and data in fields, so that alerts can group them. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/**
 * Names, codes and ids of our own: parsed by a pattern or taken from a table before they get here, so no value is among
 * them, and alerts are found by them.
 */
const OWN_FIELDS: readonly string[] = [
  'vault',
  'name',
  'names',
  'kind',
  'step',
  'reason',
  'cause',
  'outcome',
  'by',
  'remedy',
  'instance',
  'mode',
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
];

/**
 * A log that writes one JSON line per record to `write`. What looks like a credential is hidden in its free texts, whoever
 * they come from; never in the line, whose names and ids must stay as they are (case SEC-06).
 */
export function jsonLog(write: (level: LogLevel, line: string) => void): Log {
  return (level, message, fields = {}) => {
    const clean = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' && !OWN_FIELDS.includes(name)
        ? mask(value, { versions: true })
        : value,
    ]);
    write(level, JSON.stringify({ message, ...Object.fromEntries(clean) }));
  };
}
