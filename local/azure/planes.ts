/** Every data plane of the stand-in, one line each: certificate, host, token and endpoint of the product come from it. */
import { vaultPlane } from './keyVault.ts';
import type { Plane } from './service.ts';

export const planes: readonly Plane[] = [vaultPlane];
