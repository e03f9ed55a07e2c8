/** A zip file whose bytes follow from names and contents alone: fixed times and modes, order by name. */
import { type Zippable, zipSync } from 'fflate';

export interface Entry {
  /** With `/` between folders. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** The first that the format knows; it has no time zone, so neither has this. */
const TIME = new Date(1980, 0, 1);
const UNIX = 3;
/** A regular file, readable by all, written by its owner. */
const MODE = 0o100644;

/** The bytes of the archive; equal for equal entries, in whatever order they are given. */
export function zip(entries: readonly Entry[]): Buffer {
  const options = { level: 9, mtime: TIME, os: UNIX, attrs: MODE << 16 } as const;
  const sorted = [...entries].sort((one, other) => (one.name < other.name ? -1 : 1));
  const files: Zippable = Object.fromEntries(
    sorted.map(({ name, content }) => [name, [content, options]]),
  );
  return Buffer.from(zipSync(files));
}
