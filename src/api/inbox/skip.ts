import type { Look } from '../../core/look.ts';
import type { Reason } from '../../core/reasons.ts';

/** What came in is no look for us: recorded, never thrown, since no retry can cure it (case EG-08). */
export interface NoLook {
  readonly skip: Reason;
  /** Strangers' text only through `quote`. */
  readonly detail: string;
}

export const isSkip = (parsed: Look | NoLook): parsed is NoLook => 'skip' in parsed;
