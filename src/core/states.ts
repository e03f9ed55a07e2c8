/** The states of the inventory (design section 5). In `core`, since rows hold them, requests ask for them and answers show them. */
export const SECRET_STATES = [
  ...(['ok', 'due', 'unproved', 'grace', 'held', 'waiting', 'refused', 'failed'] as const),
  ...(['conflict', 'drift', 'leaving', 'exempt', 'opt-in-lost', 'unmanaged'] as const),
] as const;
export type SecretState = (typeof SECRET_STATES)[number];
