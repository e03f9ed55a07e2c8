/** The report of the month that ended, kept once beside the audit: on the 1st, by the first sweep that can. */
import { KeyturnError } from '../core/errors.ts';
import type { Deps } from '../ports/deps.ts';
import { makeReport } from './report.ts';
import { reportCsv, reportMarkdown } from './reportText.ts';

/** Later than that its picture of the secrets would be of another time than the month's end. */
const LAST_DAY = 7;

/** Nothing to do on most days; what fails is tried again by the next sweep. A report that is there stays as it is. */
export async function keepReport(deps: Deps): Promise<void> {
  const { reports, clock, log } = deps;
  const now = clock.now();
  if (reports === undefined || now.getUTCDate() > LAST_DAY) return;
  const month = monthBefore(now);
  try {
    if (await reports.isKept(month)) return;
    const report = await makeReport(month, deps);
    const texts = {
      json: JSON.stringify(report),
      csv: reportCsv(report),
      markdown: reportMarkdown(report),
    };
    await reports.keep(month, texts);
    log('info', 'report kept', { month, secrets: report.secrets, rotations: report.rotations });
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    log('warn', 'report not kept', { month, reason: error.reason });
  }
}

/** As `2026-11`. */
const monthBefore = (now: Date): string =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
