/** The interface as OpenAPI 3.1, made from the schemas that parse requests and shape answers (design section 5). */
import { z } from 'zod';
import { isReason, reasons } from '../core/reasons.ts';
import { type Role, SCOPE } from './auth.ts';
import { HistoryBody } from './historyBody.ts';
import { ReadinessBody } from './readinessBody.ts';
import { SecretDetailBody, SecretsBody } from './secretBody.ts';

const date = z.iso.datetime();
const reason = z.enum(Object.keys(reasons).filter(isReason));
const step = z.enum(['rotate', 'prove', 'revoke', 'restore', 'hold', 'move']);
const by = z.string().describe('Who must act.');

/** Of a request that can't be met. */
const refusal = z.strictObject({
  by,
  overridable: z.array(reason).describe('Reasons that stand in the way and that `override` may name.'),
  overridableBy: z.string().optional().describe('The role that `override` needs.'),
  until: date.optional().describe('When the reason may be over by itself.'),
});

/** RFC 9457. */
export const ProblemBody = z.strictObject({
  type: z.string().describe('The page of the reason, relative to the app: `/api/reasons/{code}`.'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  reason,
  remedy: z.string(),
  requestId: z.string().optional(),
  ...refusal.partial().shape,
});

export const OperationBody = z.strictObject({
  id: z.uuid(),
  vault: z.string(),
  secret: z.string(),
  kind: z.enum(['rotate', 'revoke', 'hold']),
  version: z.string().describe('The version that was current when the request was accepted.'),
  phase: z
    .enum(['accepted', 'stored', 'proved', 'settled', 'failed'])
    .describe(
      '`stored`: what was asked for stands in the vault. `proved`: the target accepted the new version in a later pass. `settled`: what was to be revoked is revoked, or there was nothing.',
    ),
  done: z.boolean().describe('Nothing is waited for any more; a grace may still run.'),
  caller: z.string().describe('Object id.'),
  createdOn: date,
  updatedOn: date,
  steps: z.array(z.strictObject({ on: date, step: z.string(), reason: z.string() })),
  override: z.array(z.string()).optional(),
  revoke: z.string().optional().describe('Of a rotation: when the credential that it replaces ends.'),
  rotateAgain: z.boolean().optional(),
  at: z.string().optional().describe('Of a revocation: `now`, or when.'),
  hold: date.nullable().optional().describe('Of a hold: until when; null lifts it.'),
  note: z.string().optional().describe('What the caller said.'),
  ticket: z.string().optional(),
  result: z
    .strictObject({
      version: z
        .string()
        .optional()
        .describe('The version that was stored; of other requests the one that was current.'),
      handle: z.string().optional().describe('The public name of its credential.'),
      revokeAfter: date.optional().describe('From then on what is owed may be revoked.'),
      revoked: z.array(z.string()).optional().describe('Handles that were revoked.'),
      refusedOn: date.optional().describe('When the target refused the old value, where it can be tried.'),
    })
    .optional(),
  error: z.strictObject({ reason: z.string(), detail: z.string(), remedy: z.string(), by }).optional(),
});

export const PlanBody = z.strictObject({
  plan: z.strictObject({
    accepted: z.boolean().describe('Whether the request would be accepted.'),
    steps: z
      .array(
        z.strictObject({
          on: date,
          step,
          reason,
          handles: z
            .array(z.string())
            .describe('The slot that is taken, or what is revoked, where it is known before.'),
          detail: z.string(),
        }),
      )
      .describe('Each will have its audit record.'),
    checks: z.array(
      z.strictObject({
        check: z.string(),
        passed: z.boolean(),
        reason: reason.optional().describe('What stands in the way.'),
        overridden: z.boolean().optional().describe('It stands in the way, and `override` sets it aside.'),
        detail: z.string().optional(),
        unknown: z.boolean().optional().describe('It cannot be told without a change; nothing is known against it.'),
      }),
    ),
    refusal: z.strictObject({ reason, detail: z.string(), remedy: z.string(), ...refusal.shape }).optional(),
  }),
});

export const OperationsBody = z.strictObject({
  operations: z.array(OperationBody).describe('Newest first, 100 at most.'),
  truncated: z.boolean().describe('There are more.'),
});

/** What a reason means. */
export const ReasonBody = z.strictObject({
  reason,
  cause: z.string(),
  remedy: z.string(),
  by,
  overridableBy: z.string().optional().describe('The role that may set it aside for one request.'),
});
export const ReasonsBody = z.strictObject({ reasons: z.array(ReasonBody) });

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
  readonly RevokeRequest: z.ZodType;
  readonly HoldRequest: z.ZodType;
  readonly InventoryQuery: z.ZodType;
  readonly OperationsQuery: z.ZodType;
}): Json {
  const bodies = {
    ...{ SecretsBody, SecretDetailBody, OperationBody, OperationsBody, PlanBody, HistoryBody, ReadinessBody },
    ...{ ProblemBody, ReasonBody, ReasonsBody },
  };
  return {
    openapi: '3.1.0',
    info: { title: 'Keyturn', version: '1', description: 'Rotation of the secrets in Azure Key Vault.' },
    servers: [{ url: '/api' }],
    security: [{ entra: [] }],
    paths: {
      [`${SECRET}/rotate`]: { post: rotate() },
      [`${SECRET}/revoke`]: { post: revoke() },
      [`${SECRET}/hold`]: { post: hold() },
      '/operations/{id}': { get: operation() },
      '/operations': { get: operations(requests.OperationsQuery) },
      '/reasons/{code}': { get: reasonPage() },
      '/reasons': { get: reasonList() },
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
        RevokeRequest: schemaOf(requests.RevokeRequest),
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

const asking = (operationId: string, summary: string, description: string, body: string): Json => ({
  ...{ operationId, summary, description },
  parameters: [...NAMES, IDEMPOTENCY_KEY],
  requestBody: { required: false, content: json(body) },
  responses: {
    200: { description: 'Of a dry run: what would happen.', content: json('PlanBody') },
    202: accepted(),
    409: { ...PROBLEM, description: 'It can not be met: `reason` says why, `overridable` what could be set aside.' },
    default: PROBLEM,
  },
});

const rotate = (): Json =>
  asking(
    'rotate',
    'Asks for a rotation now',
    `${needs('Keyturn.Rotate')} \`override\`, \`rotateAgain\`, and a \`revoke\` that is sooner than the grace, need \`Keyturn.Revoke\` instead. While an older credential is owed: 409; \`/revoke\` ends its grace, \`rotateAgain\` revokes it first.`,
    'RotateRequest',
  );

const revoke = (): Json =>
  asking(
    'revoke',
    'Ends or moves the grace of what is owed, and never rotates',
    needs('Keyturn.Revoke'),
    'RevokeRequest',
  );

const hold = (): Json =>
  asking(
    'hold',
    'Postpones rotation and revocation, or lifts what postponed them',
    needs('Keyturn.Rotate'),
    'HoldRequest',
  );

const accepted = (): Json => ({
  description: 'Accepted.',
  headers: { 'Operation-Location': header('uri-reference'), 'Retry-After': header() },
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

const secrets = (query: z.ZodType): Json =>
  reading('secrets', 'The inventory, by vault and name, 100 at a time', 'SecretsBody', {
    parameters: parametersOf(query),
  });

const operations = (query: z.ZodType): Json =>
  reading('operations', 'Requests of people and what became of them', 'OperationsBody', {
    description: 'All of them for `Keyturn.Read`, with another role those of the caller.',
    parameters: parametersOf(query),
  });

function parametersOf(query: z.ZodType): readonly Json[] {
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, given]) => {
    const { description, ...schema } = typeof given === 'object' ? given : {};
    return { name, in: 'query', description, schema };
  });
}

const reasonPage = (): Json => ({
  operationId: 'reason',
  summary: 'What a reason means, what would help, and who acts',
  description: 'Where `type` of a problem and the links of alerts lead. HTML where the request accepts it.',
  security: [],
  parameters: [pathParameter('code', 'A code of `reason`.')],
  responses: {
    200: {
      description: 'The reason.',
      content: { ...json('ReasonBody'), 'text/html': { schema: { type: 'string' } } },
    },
    default: PROBLEM,
  },
});

const reasonList = (): Json => ({
  operationId: 'reasons',
  summary: 'All reasons',
  security: [],
  responses: { 200: { description: 'By their codes.', content: json('ReasonsBody') } },
});

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
  description: 'Problem details with a reason, which `type` explains, and its remedy.',
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
