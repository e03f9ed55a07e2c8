/** The reports of months, beside the audit that they are made of: `reports/2026-11.json`, `.csv` and `.md`. */
import type { ContainerClient } from '@azure/storage-blob';
import { BusyError, KeyturnError } from '../core/errors.ts';
import { wireFailure } from '../core/wire.ts';
import type { AuditRecord } from '../ports/audit.ts';
import type { KeptTexts, Reports } from '../ports/reports.ts';
import { linesBackwards, newestFirst } from './auditBlobs.ts';
import { AUDIT_CONTAINER, readLine } from './auditLog.ts';
import { blobContainer, fromStorage, type OwnStorage } from './storage.ts';

/** Some quarter of a million records: more than a thousand rotations a day. */
const BYTES_MAX = 100 * 1024 * 1024;
/** Of a kept report that is read again. */
const KEPT_MAX = 200 * 1024 * 1024;

const TYPES: readonly (readonly [ending: string, text: keyof KeptTexts, type: string])[] = [
  ['csv', 'csv', 'text/csv; charset=utf-8'],
  ['md', 'markdown', 'text/markdown; charset=utf-8'],
  // The last one: where it is there, the others are.
  ['json', 'json', 'application/json'],
];
const nameOf = (month: string, ending = 'json'): string => `reports/${month}.${ending}`;

/** In the container of the audit, which is made with the first record or report. */
export function reportBlobs(own: OwnStorage): Reports {
  let opened: Promise<ContainerClient> | undefined;
  const container = () => (opened ??= blobContainer(own, AUDIT_CONTAINER, { tries: 4 }));
  return {
    async *records(month) {
      try {
        return yield* recordsOf(await container(), month);
      } catch (error) {
        throw busy(error);
      }
    },
    isKept: (month) =>
      answered(async () => (await container()).getBlobClient(nameOf(month)).exists()),
    kept: (month) => answered(async () => await textOf(await container(), nameOf(month))),
    keep: (month, texts) =>
      answered(async () => {
        const to = await container();
        await to.createIfNotExists();
        for (const [ending, text, type] of TYPES)
          await put(to, nameOf(month, ending), texts[text], type);
      }),
  };
}

async function* recordsOf(
  container: ContainerClient,
  month: string,
): AsyncGenerator<AuditRecord, boolean> {
  const budget = { bytes: BYTES_MAX };
  /** Of one day: a record that was sent twice is twice in one blob, or in two of one day. */
  let [day, seen] = ['', new Set<string>()];
  for (const blob of await newestFirst(container, new Date(`${month}-01T00:00:00Z`))) {
    if (!blob.day.startsWith(month)) continue;
    if (blob.day !== day) [day, seen] = [blob.day, new Set()];
    for await (const line of linesBackwards(
      container.getBlobClient(blob.name),
      blob.bytes,
      budget,
    )) {
      const record = seen.has(line) ? undefined : readLine(line);
      seen.add(line);
      if (record?.on.toISOString().startsWith(month)) yield record;
    }
    if (budget.bytes <= 0) return true;
  }
  return false;
}

async function textOf(container: ContainerClient, name: string): Promise<string | undefined> {
  try {
    const blob = container.getBlobClient(name);
    const { contentLength = 0 } = await blob.getProperties();
    return contentLength > KEPT_MAX ? undefined : (await blob.downloadToBuffer()).toString('utf8');
  } catch (error) {
    if (wireFailure(error).status === 404) return undefined;
    throw error;
  }
}

/** Makes the blob where there is none. */
async function put(
  container: ContainerClient,
  name: string,
  text: string,
  blobContentType: string,
): Promise<void> {
  const body = Buffer.from(text, 'utf8');
  const conditions = { ifNoneMatch: '*' };
  try {
    await container
      .getBlockBlobClient(name)
      .upload(body, body.length, { conditions, blobHTTPHeaders: { blobContentType } });
  } catch (error) {
    const { status, code } = wireFailure(error);
    if (status !== 412 && !(status === 409 && code === 'BlobAlreadyExists')) throw error;
  }
}

const answered = async <T>(work: () => Promise<T>): Promise<T> =>
  await work().catch((error: unknown) => {
    throw busy(error);
  });

function busy(error: unknown): BusyError {
  if (error instanceof BusyError) return error;
  const { detail, facts } = error instanceof KeyturnError ? error : fromStorage(error);
  return new BusyError('storage-busy', { ...facts, detail });
}
