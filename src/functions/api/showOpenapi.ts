import { HoldRequest } from '../../api/holdRequest.ts';
import { InventoryQuery } from '../../api/inventoryQuery.ts';
import { openApi } from '../../api/openapiDocument.ts';
import { OperationsQuery } from '../../api/operationsQuery.ts';
import { answer } from '../../api/problem.ts';
import { RevokeRequest } from '../../api/revokeRequest.ts';
import { RotateRequest } from '../../api/rotateRequest.ts';
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
