/** The interface as OpenAPI 3.1, made from the schemas that parse requests and shape answers (design section 5). */
import { z } from 'zod';
import { isReason, reasons } from '../core/reasons.ts';
import { type Role, SCOPE } from './auth.ts';
import { SecretDetailBody, SecretsBody } from './inventory.ts';
import { ReadinessBody } from './readiness.ts';

const date = z.iso.datetime();
const reason = z.enum(Object.keys(reasons).filter(isReason));
const step = z.enum(['rotate', 'prove', 'revoke', 'restore', 'hold', 'wait', 'skip', 'refuse']);

/** RFC 9457. */
export const ProblemBody = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  reason,
  remedy: z.string(),
  requestId: z.string().optional(),
});

export const OperationBody = z.strictObject({
  id: z.uuid(),
  vault: z.string(),
  secret: z.string(),
  version: z.string().describe('The version that was current when the request was accepted.'),
  status: z.enum(['accepted', 'running', 'succeeded', 'failed']),
  caller: z.string().describe('Object id.'),
  createdOn: date,
  updatedOn: date,
  steps: z.array(z.strictObject({ on: date, step: z.string(), reason: z.string() })),
  hold: date.nullable().optional().describe('Of a request for a hold: until when; null lifts it.'),
  reason: z.string().optional().describe('What the caller said, quoted.'),
  ticket: z.string().optional().describe('Quoted.'),
  outcome: z
    .strictObject({ reason: z.string(), detail: z.string(), remedy: z.string(), by: z.string() })
    .optional()
    .describe('Why it did not go well.'),
});

export const PlanBody = z.strictObject({
  plan: z.strictObject({
    step,
    reason,
    until: date.optional(),
    cause: z.string(),
    detail: z.string().optional(),
    remedy: z.string(),
    by: z.string(),
  }),
});

/** Records as the audit wrote them, newest first; their fields are those of the step. */
export const HistoryBody = z.strictObject({
  vault: z.string(),
  secret: z.string(),
  truncated: z.boolean().describe('There is more than was read.'),
  records: z.array(z.looseObject({ at: z.string(), kind: z.string() })),
});

type Json = Readonly<Record<string, unknown>>;

const NAMES = ['vault', 'name'].map((name) => pathParameter(name, 'Letters, digits and `-`, in any case.'));
const IDEMPOTENCY_KEY = {
  ...{ name: 'Idempotency-Key', in: 'header' },
  schema: { type: 'string', pattern: '^[\\w-]{1,64}$' },
};
const SECRET = '/vaults/{vault}/secrets/{name}';

/** The document. Takes the schemas of requests, which are at home elsewhere. */
export function openApi(requests: {
  readonly RotateRequest: z.ZodType;
  readonly HoldRequest: z.ZodType;
  readonly InventoryQuery: z.ZodType;
}): Json {
  const bodies = { SecretsBody, SecretDetailBody, OperationBody, PlanBody, HistoryBody, ReadinessBody, ProblemBody };
  return {
    openapi: '3.1.0',
    info: { title: 'Keyturn', version: '1', description: 'Rotation of the secrets in Azure Key Vault.' },
    servers: [{ url: '/api' }],
    security: [{ entra: [] }],
    paths: {
      [`${SECRET}/rotate`]: { post: rotate() },
      [`${SECRET}/hold`]: { post: hold() },
      '/operations/{id}': { get: operation() },
      '/secrets': { get: secrets(requests.InventoryQuery) },
      [SECRET]: { get: reading('secret', 'One secret with its versions', 'SecretDetailBody', { parameters: NAMES }) },
      [`${SECRET}/history`]: {
        get: reading('history', 'What Keyturn did to a secret', 'HistoryBody', { parameters: NAMES }),
      },
      '/readiness': { get: readiness() },
      '/health': { get: health() },
      '/openapi.json': { get: document() },
    },
    components: {
      schemas: {
        RotateRequest: schemaOf(requests.RotateRequest),
        HoldRequest: schemaOf(requests.HoldRequest),
        ...Object.fromEntries(Object.entries(bodies).map(([name, schema]) => [name, schemaOf(schema)])),
      },
      securitySchemes: {
        entra: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: `An Entra access token for this service; for a person with the scope ${SCOPE}.`,
        },
      },
    },
  };
}

function rotate(): Json {
  return {
    operationId: 'rotate',
    summary: 'Asks for a rotation now',
    description: `${needs('Keyturn.Rotate')} \`override\` and \`revoke: now\` need \`Keyturn.Revoke\` instead.`,
    parameters: [...NAMES, IDEMPOTENCY_KEY],
    requestBody: { required: false, content: json('RotateRequest') },
    responses: {
      200: { description: 'Of a dry run: what would happen.', content: json('PlanBody') },
      202: accepted(),
      default: PROBLEM,
    },
  };
}

const hold = (): Json => ({
  operationId: 'hold',
  summary: 'Postpones rotation and revocation, or lifts what postponed them',
  description: needs('Keyturn.Rotate'),
  parameters: [...NAMES, IDEMPOTENCY_KEY],
  requestBody: { required: false, content: json('HoldRequest') },
  responses: { 202: accepted(), default: PROBLEM },
});

const accepted = (): Json => ({
  description: 'Accepted.',
  headers: { 'Operation-Location': header('uri'), 'Retry-After': header() },
  content: json('OperationBody'),
});

const operation = (): Json => ({
  operationId: 'operation',
  summary: 'What became of a request',
  description: 'For whoever made it, and for `Keyturn.Read`.',
  parameters: [pathParameter('id', 'From `Operation-Location`.')],
  responses: {
    200: { description: 'The operation.', headers: { 'Retry-After': header() }, content: json('OperationBody') },
    default: PROBLEM,
  },
});

function secrets(query: z.ZodType): Json {
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' });
  const parameters = Object.entries(properties).map(([name, given]) => {
    const { description, ...schema } = typeof given === 'object' ? given : {};
    return { name, in: 'query', description, schema };
  });
  return reading('secrets', 'The inventory, by vault and name, 100 at a time', 'SecretsBody', { parameters });
}

const readiness = (): Json => {
  const { responses, ...rest } = reading('readiness', 'What stands in the way, with remedies', 'ReadinessBody');
  return {
    ...rest,
    responses: { ...responses, 503: { description: 'Something is not ready.', content: json('ReadinessBody') } },
  };
};

const health = (): Json => ({
  operationId: 'health',
  summary: 'Whether the app can work',
  security: [],
  responses: { 200: { description: 'It can.' }, 503: { description: 'It cannot; `/readiness` says why.' } },
});

const document = (): Json => ({
  operationId: 'openapi',
  summary: 'This document',
  security: [],
  responses: {
    200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
  },
});

function reading(operationId: string, summary: string, body: string, more: Json = {}) {
  const responses = { 200: { description: 'Found.', content: json(body) }, default: PROBLEM };
  return { operationId, summary, description: needs('Keyturn.Read'), ...more, responses };
}

const PROBLEM = {
  description: 'Problem details with a reason of docs/reasons.md and its remedy.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemBody' } } },
};
const needs = (role: Role): string => `Needs the role \`${role}\`.`;
const json = (name: string): Json => ({ 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } });
const header = (format?: string): Json => ({ schema: { type: 'string', ...(format === undefined ? {} : { format }) } });

function pathParameter(name: string, description: string): Json {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

/** As a caller writes it: what has a default may be left out. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
