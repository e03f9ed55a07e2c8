/** The states of the inventory (design section 5). In `core`, since they stand in rows, requests ask for them and answers show them. */
export const SECRET_STATUSES = [
  'ok',
  'due',
  'unproved',
  'grace',
  'held',
  'waiting',
  'approval',
  'refused',
  'failed',
  'at-risk',
  'conflict',
  'drift',
  'leaving',
  'exempt',
  'opt-in-lost',
  'gone',
  'not-served',
  'certificate',
  'unmanaged',
] as const;
/** `unmanaged`: it has not opted in, or was opted out and nothing is left to do; nothing else is called so. */
export type SecretStatus = (typeof SECRET_STATUSES)[number];

/**
 * How far an operation came. `stored`: what was asked for stands in the vault; `proved`: the target accepted the new version in a
 * later pass; `settled`: what was to be revoked is revoked, or there was nothing.
 */
export const PHASES = ['accepted', 'stored', 'proved', 'settled', 'failed'] as const;
export type Phase = (typeof PHASES)[number];

/** An operation that has no record by then never gets one from the call that made it. */
export const UNRECORDED_MINUTES = 1;

/**
 * How far a consumer has come with a version of a secret. `waiting`: its turn, its window or the end of its own cycle is still to
 * come. `asked`: it was called and has not said yet that it has read it. `pinned`: it names an older version, so that it never follows.
 * `no-reference`: declared, and names the secret in no place that can be seen: nothing is called. `unknown`: nobody knows how its kind
 * follows, if at all.
 */
export const CONSUMER_STATES = [
  'waiting',
  'asked',
  'followed',
  'failed',
  'pinned',
  'no-reference',
  'unknown',
] as const;
export type ConsumerState = (typeof CONSUMER_STATES)[number];
