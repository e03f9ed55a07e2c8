/** How the audit records of a secret are shown. They hold no value, and strangers' text was quoted when they were written. */
import type { SecretRef } from '../core/ids.ts';

interface Shown {
  readonly records: readonly SecretRef[];
  readonly truncated: boolean;
}

/** The records as JSON; vault and secret, the same in all of them, are said once. */
export const historyBody = ({ vault, name }: SecretRef, { records, truncated }: Shown) => ({
  ...{ vault, secret: name, truncated },
  records: records.map(({ vault: _, name: __, ...record }) => record),
});
