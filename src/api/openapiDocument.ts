/** The interface as OpenAPI 3.1, made from the calls and the schemas that parse requests and shape answers (design section 5). */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { SCOPE } from './auth.ts';
import type { Call, Described, Shape } from './call.ts';
import { ProblemBody } from './problem.ts';

type Json = Readonly<Record<string, unknown>>;

/** Made once: anyone may ask. */
const made = new WeakMap<readonly Call[], Json>();

/** The document of these calls. */
export function openApi(calls: readonly Call[]): Json {
  const document = made.get(calls) ?? documentOf(calls);
  made.set(calls, document);
  return document;
}

function documentOf(calls: readonly Call[]): Json {
  const paths = Map.groupBy(calls, ({ path }) => `/${path}`);
  const methods = (each: readonly Call[]) =>
    Object.fromEntries(each.map((call) => [call.method.toLowerCase(), operationOf(call)]));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Keyturn',
      version: '1',
      description: 'Rotation of the secrets in Azure Key Vault.',
    },
    servers: [{ url: '/api' }],
    security: [{ entra: [] }],
    paths: Object.fromEntries([...paths].map(([path, each]) => [path, methods(each)])),
    components: {
      schemas: Object.fromEntries(
        shapesOf(calls).map(({ name, schema }) => [name, schemaOf(schema)]),
      ),
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

/** Every schema that a call names. */
const shapesOf = (calls: readonly Call[]): readonly Shape[] =>
  [
    ...calls.flatMap(({ body, answers }) => [
      body,
      ...Object.values(answers).map((each) => each.body),
    ]),
    { name: 'ProblemBody', schema: ProblemBody },
  ].filter((shape) => shape !== undefined);

function operationOf(call: Call): Json {
  const { name, summary, roles, body, answers, isSure } = call;
  const description =
    call.description ?? (roles === 'anyone' ? undefined : `Needs the role \`${roles[0]}\`.`);
  const parameters = parametersOf(call);
  return compact({
    operationId: name,
    summary,
    description,
    security: roles === 'anyone' ? [] : undefined,
    parameters: parameters.length > 0 ? parameters : undefined,
    requestBody: body ? { required: false, content: json(body) } : undefined,
    responses: compact({
      ...Object.fromEntries(
        Object.entries(answers).map(([status, each]) => [status, responseOf(each)]),
      ),
      default: isSure ? undefined : PROBLEM,
    }),
  });
}

function responseOf({ description, body, headers, isProblem, isObject, asHtml }: Described): Json {
  if (isProblem) return { ...PROBLEM, description };
  const content = {
    ...(body ? json(body) : {}),
    ...(isObject ? { 'application/json': { schema: { type: 'object' } } } : {}),
    ...(asHtml ? { 'text/html': { schema: { type: 'string' } } } : {}),
  };
  const header = (format: string) => ({
    schema: compact({ type: 'string', format: format === 'text' ? undefined : format }),
  });
  return compact({
    description,
    headers: headers
      ? Object.fromEntries(Object.entries(headers).map(([name, format]) => [name, header(format)]))
      : undefined,
    content: Object.keys(content).length > 0 ? content : undefined,
  });
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  schema: { type: 'string', pattern: '^[\\w-]{1,64}$' },
};
const OF_SECRET = 'Letters, digits and `-`, in any case.';

function parametersOf({ method, path, parameters, query }: Call): readonly Json[] {
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: parameters?.[name] ?? OF_SECRET,
    schema: { type: 'string' },
  }));
  const { properties = {} } = query ? z.toJSONSchema(query.schema, { io: 'input' }) : {};
  const asked = Object.entries(properties).map(([name, given]) => {
    const { description, ...schema } = typeof given === 'object' ? given : {};
    return { name, in: 'query', description, schema };
  });
  return [...named, ...asked, ...(method === 'POST' ? [IDEMPOTENCY_KEY] : [])];
}

const PROBLEM = {
  description: 'Problem details with a reason, which `type` explains, and its remedy.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemBody' } } },
};
const json = ({ name }: Shape): Json => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});

/** As a caller writes it: what has a default may be left out. */
export function schemaOf(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
