/** A tarball as npm takes it (`package/…`, ustar, gzip), whose bytes follow from names and contents alone. */
import { gzipSync } from 'node:zlib';
import type { Entry } from './zip.ts';

const BLOCK = 512;

/** @param runs names of files that a shell may run */
export function tarball(entries: readonly Entry[], runs: readonly string[]): Buffer {
  const sorted = [...entries].sort((one, other) => (one.name < other.name ? -1 : 1));
  const parts = sorted.flatMap(({ name, content }) => [
    header(`package/${name}`, content.length, runs.includes(name) ? 0o755 : 0o644),
    Buffer.from(content),
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]), { level: 9 });
}

/** POSIX 1003.1, ustar: octal numbers, no owner, no time. */
function header(name: string, bytes: number, mode: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`The name ${name} is too long for a tarball.`);
  const made = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) =>
    `${value.toString(8).padStart(length - 1, '0')}\0`;
  const fields = [
    [name, 0],
    [octal(mode, 8), 100],
    [octal(0, 8), 108],
    [octal(0, 8), 116],
    [octal(bytes, 12), 124],
    [octal(0, 12), 136],
    [' '.repeat(8), 148],
    ['0', 156],
    ['ustar\0', 257],
    ['00', 263],
  ] as const;
  for (const [text, at] of fields) made.write(text, at, 'latin1');
  const sum = made.reduce((total, byte) => total + byte, 0);
  made.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return made;
}
