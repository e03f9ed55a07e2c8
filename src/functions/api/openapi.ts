import { openApi } from '../../http/openapi.ts';
import { answer } from '../../http/problem.ts';
import { HoldRequest } from '../../requests/hold.ts';
import { InventoryQuery } from '../../requests/inventory.ts';
import { OperationsQuery } from '../../requests/operations.ts';
import { RevokeRequest } from '../../requests/revoke.ts';
import { RotateRequest } from '../../requests/rotate.ts';
import { answeringAlways } from '../context.ts';

/**
 * The interface as an OpenAPI document. It names no vault, no secret and no setting, so anyone may read it, and it needs
 * none: it is there also where the settings do not fit (finding HST-04).
 */
export const openapi = answeringAlways(async () => {
  made ??= openApi({ RotateRequest, RevokeRequest, HoldRequest, InventoryQuery, OperationsQuery });
  return answer(200, made);
});

/** Made once: anyone may ask. */
let made: ReturnType<typeof openApi> | undefined;
