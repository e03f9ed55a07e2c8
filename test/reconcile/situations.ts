/** Situations for the rules: what a pass has seen, ready to be bent by one fact each. */
import { addDays, addHours, addMinutes } from '../../src/core/clock.ts';
import type { Observed } from '../../src/reconcile/observe/observed.ts';
import type { Asked, Source } from '../../src/reconcile/step.ts';
import { parseWindow, type Window } from '../../src/tags/window.ts';

export const T = new Date('2027-01-05T10:00:00Z'); // a Tuesday
export const V1 = '1'.repeat(32);
export const V2 = '2'.repeat(32);
export const issue: Source = { kind: 'issue', keep: ['key1'], slot: 'key2' };
export const heal: Source = { kind: 'issue', keep: ['key2'], slot: 'key1' };
export const blockedWait: Source = {
  kind: 'blocked',
  step: { kind: 'wait', reason: 'slot-held', detail: 'kv1/b keeps key2.' },
};
export const owed = [{ version: V1, handle: 'key2' }];
export const sundays = parseWindow('Sun 01:00-05:00 UTC') as Window;

/** A secret at rest: taken over by nobody yet, its value known, ten days old and not due. */
export const adopted: Observed = {
  secret: { vault: 'kv1', name: 'st-a' },
  version: V2,
  createdOn: addDays(T, -10),
  policy: { everyHours: 1440, graceHours: 48, paused: false },
  ours: false,
  written: false,
  begun: false,
  placeholder: false,
  proved: false,
  wiped: false,
  live: 'key1',
  known: true,
  owed: [],
  blocked: new Map(),
  dueOn: addDays(T, 50),
  healSource: heal,
  source: issue,
  nowSource: issue,
  rotation: '0123456789abcdef',
  issuedBy: [],
  overlap: 'two-slots',
  left: [],
  recentRotations: 0,
  versionCount: 2,
  termsRefused: false,
  rateUsedUp: false,
  braked: false,
  mode: 'run',
};
export const due: Observed = { ...adopted, dueOn: addHours(T, -1) };
export const ours: Observed = { ...adopted, ours: true, written: true, proved: true };
export const stored: Observed = {
  ...ours,
  proved: false,
  verdict: 'accepted',
  createdOn: addMinutes(T, -5),
};
export const owing: Observed = {
  ...ours,
  owed,
  verdict: 'accepted',
  after: addHours(T, -1),
  createdOn: addHours(T, -49),
};
export const broken: Observed = {
  ...ours,
  verdict: 'refused',
  known: false,
  createdOn: addHours(T, -1),
};
export const placeholder: Observed = { ...adopted, placeholder: true, known: false, createdOn: T };
export const asks = (over: Partial<Asked> = {}): Asked => ({
  version: V2,
  override: [],
  revoke: 'after-grace',
  ...over,
});

export type Situation = readonly [string, Observed, Asked | undefined, Record<string, unknown>];
export const rows = (all: readonly Situation[]) => all;
