/** The rotators of all kinds over Azure. */
import type { Manifest, Rotator } from '../ports/rotator.ts';
import { type WireOptions, wires } from '../targets/wires.ts';
import { kinds } from './kinds.ts';

export interface RotatorsOptions extends WireOptions {
  /** Object id and client id of Keyturn's identity: as an administrator of a server it sends no statement there. */
  readonly identityIds?: readonly string[];
}

/** One of each kind. Nothing is loaded or dialled before one is used. */
export function allRotators({
  identityIds: identity = [],
  ...options
}: RotatorsOptions): readonly Rotator[] {
  const on = { ...options, ...wires(options), identity };
  return kinds.map(([, over]) => over(on));
}

/** Rotators, or kinds, by the tag value that names them. */
export function registry<Kind extends Manifest>(rotators: readonly Kind[]) {
  const byType = new Map(rotators.map((rotator) => [rotator.type, rotator]));
  return {
    types: [...byType.keys()].sort(),
    get: (type: string): Kind | undefined => byType.get(type),
  };
}
