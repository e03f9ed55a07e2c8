/** `GET /api/openapi.json`: the interface as an OpenAPI document. It names no vault, no secret and no setting. */
import type { OpenCall } from '../call.ts';
import { openApi } from '../openapiDocument.ts';
import { answer } from '../problem.ts';

export const showOpenapi: OpenCall = {
  name: 'openapi',
  method: 'GET',
  path: 'openapi.json',
  summary: 'This document',
  roles: 'anyone',
  isSure: true,
  answers: { 200: { description: 'OpenAPI 3.1.', isObject: true } },
  run: async ({ calls }) => answer(200, openApi(calls)),
};
