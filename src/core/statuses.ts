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
