/** Reads a zip file by its central directory, as every tool does; of its own, so that the writer is not its own judge. */
import { crc32, inflateRawSync } from 'node:zlib';

export interface Unzipped {
  readonly name: string;
  readonly content: Buffer;
  /** Permissions as Unix has them. */
  readonly mode: number;
}

export function unzip(archive: Buffer): readonly Unzipped[] {
  const end = archive.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let at = archive.readUInt32LE(end + 16);
  return Array.from({ length: archive.readUInt16LE(end + 10) }, () => {
    if (archive.toString('latin1', at, at + 4) !== 'PK\x01\x02')
      throw new Error(`No entry at ${at}.`);
    const [packed, size] = [archive.readUInt32LE(at + 20), archive.readUInt32LE(at + 24)];
    const [nameLength, extra, comment] = [28, 30, 32].map((place) =>
      archive.readUInt16LE(at + place),
    ) as [number, number, number];
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(start, start + packed));
    if (content.length !== size || crc32(content) !== archive.readUInt32LE(at + 16))
      throw new Error(`${name} is damaged.`);
    const mode = archive.readUInt32LE(at + 38) >>> 16;
    at += 46 + nameLength + extra + comment;
    return { name, content, mode };
  });
}
