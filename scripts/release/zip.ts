/**
 * A zip file whose bytes follow from names and contents alone: fixed times and modes, order by name. No library, since this
 * is all that a package needs (format: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16).
 */
import { crc32, deflateRawSync } from 'node:zlib';

export interface Entry {
  /** With `/` between folders. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** 1980-01-01 00:00, the first that the format knows. */
const [TIME, DATE] = [0, (1 << 5) | 1];
const UTF8_NAMES = 0x0800;
const DEFLATE = 8;
const VERSION = 20;
/** Made on Unix: a regular file, readable by all, written by its owner. */
const [MADE_BY, MODE] = [(3 << 8) | VERSION, 0o100644];

/** The bytes of the archive; equal for equal entries, in whatever order they are given. */
export function zip(entries: readonly Entry[]): Buffer {
  const sorted = [...entries].sort((one, other) => (one.name < other.name ? -1 : 1));
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of sorted) {
    const data = deflateRawSync(content, { level: 9 });
    const common = fields(name, content, data);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), u16(VERSION), common, Buffer.from(name), data]);
    locals.push(local);
    // No comment, first disk, no internal attributes; then mode and place of the file.
    const rest = Buffer.concat([u16(0), u16(0), u16(0), u32((MODE << 16) >>> 0), u32(offset)]);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), u16(MADE_BY), u16(VERSION), common, rest, Buffer.from(name)]),
    );
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const counts = [u16(0), u16(0), u16(sorted.length), u16(sorted.length)];
  const end = [Buffer.from('PK\x05\x06', 'latin1'), ...counts, u32(central.length), u32(offset), u16(0)];
  return Buffer.concat([...locals, central, ...end]);
}

/** What the entry says in both of its headers, from the flags to the length of the extra field. */
function fields(name: string, content: Uint8Array, data: Uint8Array): Buffer {
  const sizes = [u32(crc32(content)), u32(data.length), u32(content.length)];
  return Buffer.concat([
    u16(UTF8_NAMES),
    u16(DEFLATE),
    u16(TIME),
    u16(DATE),
    ...sizes,
    u16(Buffer.byteLength(name)),
    u16(0),
  ]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
