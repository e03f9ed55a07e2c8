/** Reads the blobs of the audit from their end, so that the newest records cost the least. */
import type { BlobClient, ContainerClient } from '@azure/storage-blob';
import { wireFailure } from '../core/wire.ts';

/** A day in UTC as `YYYY-MM-DD`, and which of its blobs. */
export interface BlobPart {
  readonly day: string;
  readonly part: number;
}
export interface FoundBlob extends BlobPart {
  readonly name: string;
  readonly bytes: number;
}

const CHUNK_BYTES = 1024 * 1024;
const LINE_FEED = 10;

/** The blobs since that day, the last one first. What has another name is no part of the audit. */
export async function newestFirst(container: ContainerClient, since: Date): Promise<FoundBlob[]> {
  const first = since.toISOString().slice(0, 10);
  const found: FoundBlob[] = [];
  try {
    for (const prefix of monthsFrom(since)) {
      for await (const { name, properties } of container.listBlobsFlat({ prefix })) {
        const at = partOf(name);
        if (at && at.day >= first)
          found.push({ ...at, name, bytes: properties.contentLength ?? 0 });
      }
    }
  } catch (error) {
    // No container yet: nothing was ever recorded.
    if (wireFailure(error).status !== 404) throw error;
  }
  return found.sort((a, b) => (a.day === b.day ? b.part - a.part : a.day < b.day ? 1 : -1));
}

function partOf(name: string): BlobPart | undefined {
  const [, year, month, day, part = '1'] =
    /^(\d{4})\/(\d\d)\/(\d\d)(?:-(\d{1,4}))?\.jsonl$/.exec(name) ?? [];
  return year === undefined ? undefined : { day: `${year}-${month}-${day}`, part: Number(part) };
}

/** Prefixes of the months since then, and one more for clocks that are ahead. */
function monthsFrom(since: Date): string[] {
  const month = (offset: number) =>
    new Date(Date.UTC(since.getUTCFullYear(), since.getUTCMonth() + offset, 1));
  return [0, 1, 2, 3, 4].map(
    (offset) => `${month(offset).toISOString().slice(0, 7).replace('-', '/')}/`,
  );
}

/**
 * Lines of a blob, the last one first, read a piece at a time. Takes what it reads off `budget` and ends when that is used
 * up; a line that was cut by this end is not given.
 */
export async function* linesBackwards(
  blob: BlobClient,
  bytes: number,
  budget: { bytes: number },
): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  let end = bytes;
  while (end > 0 && budget.bytes > 0) {
    const start = Math.max(0, end - Math.min(CHUNK_BYTES, budget.bytes));
    const piece = await blob.downloadToBuffer(start, end - start);
    budget.bytes -= end - start;
    end = start;
    const text = Buffer.concat([piece, rest]);
    // What stands before the first line feed may have begun in the piece before.
    const cut = start === 0 ? 0 : text.indexOf(LINE_FEED) + 1;
    const whole = start > 0 && cut === 0 ? '' : text.subarray(cut).toString('utf8');
    rest = whole === '' ? text : text.subarray(0, cut);
    yield* whole
      .split('\n')
      .reverse()
      .filter((line) => line !== '');
  }
}
