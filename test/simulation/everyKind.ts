/** Every kind of target that the simulation walks, by the word for it. */
import { adminPassword, twoKeys } from './armKinds.ts';
import { storage } from './kinds.ts';
import { app, logins, onePassword } from './otherKinds.ts';
import type { Kind } from './sim.ts';

export const everyKind = {
  storage,
  'two-key': twoKeys,
  app,
  logins,
  'one-password': onePassword,
  'admin-password': adminPassword,
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof everyKind;
export const kindNames = Object.keys(everyKind) as readonly KindName[];
