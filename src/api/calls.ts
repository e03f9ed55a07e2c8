/** Made from `src/api/calls` by `npm run docs`. */
import type { Call } from './call.ts';
import { addHold } from './calls/addHold.ts';
import { examineSecret } from './calls/examineSecret.ts';
import { holdSecret } from './calls/holdSecret.ts';
import { leakSecret } from './calls/leakSecret.ts';
import { liftHold } from './calls/liftHold.ts';
import { listConsumers } from './calls/listConsumers.ts';
import { listDoctor } from './calls/listDoctor.ts';
import { listHolds } from './calls/listHolds.ts';
import { listKinds } from './calls/listKinds.ts';
import { listOperations } from './calls/listOperations.ts';
import { listReasons } from './calls/listReasons.ts';
import { listSecrets } from './calls/listSecrets.ts';
import { listSuggestions } from './calls/listSuggestions.ts';
import { revokeOwed } from './calls/revokeOwed.ts';
import { rotateSecret } from './calls/rotateSecret.ts';
import { showHealth } from './calls/showHealth.ts';
import { showHistory } from './calls/showHistory.ts';
import { showOpenapi } from './calls/showOpenapi.ts';
import { showOperation } from './calls/showOperation.ts';
import { showReadiness } from './calls/showReadiness.ts';
import { showReason } from './calls/showReason.ts';
import { showReport } from './calls/showReport.ts';
import { showSecret } from './calls/showSecret.ts';
import { showSummary } from './calls/showSummary.ts';
import { undoRotation } from './calls/undoRotation.ts';

/** Every call over HTTP. */
export const calls: readonly Call[] = [
  addHold,
  examineSecret,
  holdSecret,
  leakSecret,
  liftHold,
  listConsumers,
  listDoctor,
  listHolds,
  listKinds,
  listOperations,
  listReasons,
  listSecrets,
  listSuggestions,
  revokeOwed,
  rotateSecret,
  showHealth,
  showHistory,
  showOpenapi,
  showOperation,
  showReadiness,
  showReason,
  showReport,
  showSecret,
  showSummary,
  undoRotation,
];
