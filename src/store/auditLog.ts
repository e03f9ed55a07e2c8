/**
 * The audit: append blobs `YYYY/MM/DD.jsonl` in a container of the app's own storage, one JSON line a record. An append
 * blob takes 50,000 blocks (learn: blobs/scalability-targets); a day with more goes on in `DD-2.jsonl`.
 */
import type { ContainerClient } from '@azure/storage-blob';
import { z } from 'zod';
import { BusyError, KeyturnError } from '../core/errors.ts';
import { SECRET_NAME, VAULT_NAME, VERSION_ID } from '../core/ids.ts';
import { mask } from '../core/mask.ts';
import { PLAIN } from '../core/plain.ts';
import { wireFailure } from '../core/wire.ts';
import type { Audit, AuditRecord, History } from '../ports/audit.ts';
import { type BlobPart, linesBackwards, newestFirst } from './auditBlobs.ts';
import { revokeWhen } from './schemas.ts';
import { blobContainer, fromStorage, type OwnStorage } from './storage.ts';

export const AUDIT_CONTAINER = 'keyturn-audit';
/** Records of one secret that `history` gives back, and bytes that it reads for them. */
const RECORDS_MAX = 100;
const BYTES_MAX = 30 * 1024 * 1024;
const PARTS_MAX = 1_000;
/** A lock lives for 90 s and was renewed right before the step that is being recorded. */
const APPEND_MILLISECONDS = 10_000;

/** Printable ASCII, as `quote` leaves it: whoever writes to the container directly gets no other text shown. */
const word = z
  .string()
  .max(500)
  .regex(/^[\x20-\x7e]*$/);
/** What a person said, as `plain` leaves it. */
const said = z.string().max(500).regex(PLAIN);
const version = z.string().regex(VERSION_ID);
const maybe = <T extends z.ZodType>(schema: T) => z.exactOptional(schema);

const Line = z.strictObject({
  on: z.iso.datetime().transform((text) => new Date(text)),
  vault: z.union([z.string().regex(VAULT_NAME).lowercase(), z.literal('*')]),
  name: z.union([z.string().regex(SECRET_NAME).lowercase(), z.literal('*')]),
  step: z.enum(['request', 'rotate', 'prove', 'restore', 'revoke', 'hold', 'move', 'follow']),
  reason: word,
  outcome: word,
  cause: word,
  instance: word,
  caller: maybe(word),
  as: maybe(z.enum(['user', 'app'])),
  ticket: maybe(said),
  note: maybe(said),
  override: maybe(z.array(word).max(50)),
  revoke: maybe(revokeWhen),
  rotateAgain: maybe(z.literal(true)),
  undo: maybe(z.literal(true)),
  leaked: maybe(z.enum(['one', 'both'])),
  refusedOn: maybe(word),
  vouchedBy: maybe(word),
  evidence: maybe(z.array(word).max(500)),
  tried: maybe(z.array(word).max(500)),
  revokeAt: maybe(word),
  scope: maybe(said),
  hold: maybe(word),
  operation: maybe(z.uuid()),
  rotation: maybe(word),
  version: maybe(version),
  stored: maybe(version),
  handle: maybe(word),
  handles: maybe(z.array(word).max(500)),
  revokedVersions: maybe(z.array(version).max(500)),
  consumers: maybe(z.array(word).max(50)),
  status: maybe(z.number().int()),
  code: maybe(word),
  requestId: maybe(word),
} satisfies Record<keyof AuditRecord, z.ZodType>);

/** The audit of one storage account. Container and blobs are made when the first record of a day comes. */
export function blobAudit(own: OwnStorage): Audit {
  // Repeats are the caller's, who knows how long a step may take; a read may be sent again.
  let writing: Promise<ContainerClient> | undefined;
  let reading: Promise<ContainerClient> | undefined;
  let full: BlobPart = { day: '', part: 1 };
  return {
    async append(record) {
      const text = `${lineOf(record)}\n`;
      const day = record.on.toISOString().slice(0, 10);
      writing ??= blobContainer(own, AUDIT_CONTAINER, { tries: 1 });
      const container = await writing;
      for (let part = full.day === day ? full.part : 1; part <= PARTS_MAX; part++) {
        try {
          if (await appended(container, { day, part }, text)) return;
        } catch (error) {
          throw busy(error);
        }
        full = { day, part: part + 1 };
      }
      throw new BusyError('storage-busy', {
        detail: `The audit of ${day} has ${PARTS_MAX} full blobs.`,
      });
    },
    async history(ref, since) {
      reading ??= blobContainer(own, AUDIT_CONTAINER, { tries: 4 });
      try {
        return await historyOf(await reading, ref, since);
      } catch (error) {
        throw busy(error);
      }
    },
  };
}

/** Texts that others had a hand in: what looks like a credential is hidden in them, never in the line (case FN-05). */
const TEXTS = ['ticket', 'note', 'handle', 'handles', 'code', 'requestId', 'evidence'];

function lineOf(record: AuditRecord): string {
  const clean = Object.entries(record).map(([name, value]) => {
    if (!TEXTS.includes(name)) return [name, value];
    return [
      name,
      Array.isArray(value) ? value.map((text) => mask(String(text))) : mask(String(value)),
    ];
  });
  const line = JSON.stringify(Object.fromEntries(clean));
  const { error } = Line.safeParse(JSON.parse(line));
  // What could not be read again must not be written; fields are named, their content is not.
  const fields = error?.issues.map(({ path }) => path.join('.')).join(', ');
  if (fields !== undefined)
    throw new KeyturnError('failed', { detail: `An audit record is not fit to write: ${fields}.` });
  return line;
}

/** False when the blob takes no more blocks. */
async function appended(container: ContainerClient, at: BlobPart, text: string): Promise<boolean> {
  const blob = container.getAppendBlobClient(nameOf(at));
  const send = () =>
    blob.appendBlock(text, Buffer.byteLength(text), {
      abortSignal: AbortSignal.timeout(APPEND_MILLISECONDS),
    });
  try {
    await send().catch(async (error: unknown) => {
      if (wireFailure(error).status !== 404) throw error;
      await container.createIfNotExists();
      await blob.createIfNotExists({ blobHTTPHeaders: { blobContentType: 'application/jsonl' } });
      await send();
    });
    return true;
  } catch (error) {
    if (wireFailure(error).code === 'BlockCountExceedsLimit') return false;
    throw error;
  }
}

const nameOf = ({ day, part }: BlobPart): string =>
  `${day.replaceAll('-', '/')}${part === 1 ? '' : `-${part}`}.jsonl`;

async function historyOf(
  container: ContainerClient,
  { vault, name }: AuditRef,
  since: Date,
): Promise<History> {
  const found = new Map<string, AuditRecord>();
  const budget = { bytes: BYTES_MAX };
  const quoted = JSON.stringify(name);
  for (const blob of await newestFirst(container, since)) {
    for await (const line of linesBackwards(
      container.getBlobClient(blob.name),
      blob.bytes,
      budget,
    )) {
      const record = line.includes(quoted) ? readLine(line) : undefined;
      if (record?.vault !== vault || record.name !== name || record.on < since) continue;
      found.set(line, record);
      if (found.size === RECORDS_MAX) return { records: sorted(found), truncated: false };
    }
    if (budget.bytes <= 0) return { records: sorted(found), truncated: true };
  }
  return { records: sorted(found), truncated: false };
}
type AuditRef = Pick<AuditRecord, 'vault' | 'name'>;

/** Several workers append, each by its own clock. */
const sorted = (found: ReadonlyMap<string, AuditRecord>): AuditRecord[] =>
  [...found.values()].sort((a, b) => b.on.getTime() - a.on.getTime());

/** A line as it was written; undefined where it does not parse. */
export function readLine(line: string): AuditRecord | undefined {
  try {
    return Line.safeParse(JSON.parse(line)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** One answer for every failure: without its audit a request is not accepted now and may be repeated. */
function busy(error: unknown): BusyError {
  if (error instanceof BusyError) return error;
  const { detail, facts } = error instanceof KeyturnError ? error : fromStorage(error);
  return new BusyError('storage-busy', { ...facts, detail });
}
