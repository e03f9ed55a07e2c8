/** Every kind of target that the simulation walks, by the word for it. */
import { storage } from './kinds.ts';
import { app, logins, onePassword } from './otherKinds.ts';
import type { Kind } from './sim.ts';

export const everyKind = {
  storage,
  app,
  logins,
  'one-password': onePassword,
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof everyKind;
export const kindNames = Object.keys(everyKind) as readonly KindName[];
