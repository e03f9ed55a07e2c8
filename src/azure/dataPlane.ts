/**
 * A data plane of Azure, declared beside the target that speaks to it: where its hosts lie in each cloud, and whose tokens it takes. That
 * is all that a kind with a plane of its own adds to the platform (design section 6).
 */
import { type Cloud, clouds, type PlanePlace } from './cloud.ts';

export interface DataPlane {
  /** The member of `planes` in KEYTURN_CLOUD_ENDPOINTS. */
  readonly name: string;
  /** A cloud without the plane is left out: the kind is refused there. */
  readonly clouds: { readonly [cloud in keyof typeof clouds]?: PlanePlace };
}

/** Undefined in a cloud that does not have the plane. */
export function placeOf({ name, clouds: places }: DataPlane, cloud: Cloud): PlanePlace | undefined {
  const named = Object.entries(clouds).find(([, row]) => row === cloud)?.[0];
  return named === undefined ? cloud.planes?.[name] : places[named as keyof typeof clouds];
}
