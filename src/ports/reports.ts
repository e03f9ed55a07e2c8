/** What a month's report is made of beside the rows, and where it is kept. */
import type { AuditRecord } from './audit.ts';

/** A report as the texts in which it is kept. */
export interface KeptTexts {
  readonly json: string;
  readonly csv: string;
  readonly markdown: string;
}

/** All methods throw `BusyError` with `storage-busy`, whatever the storage refused or did not answer. */
export interface Reports {
  /**
   * The audit records of a month (`2026-11`), each once, in no order; lines that do not parse are left out. Returns whether reading
   * ended at its limit before all were read.
   */
  records(month: string): AsyncGenerator<AuditRecord, boolean>;
  /** Whether the month has its report. */
  isKept(month: string): Promise<boolean>;
  /** The JSON that was kept, as whoever may write to the storage left it; undefined where there is none. */
  kept(month: string): Promise<string | undefined>;
  /** Keeps the report of a month unless there is one: what was kept first stays. */
  keep(month: string, texts: KeptTexts): Promise<void>;
}
