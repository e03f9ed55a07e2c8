/** The document against the functions that are registered: what one has and the other lacks is a broken promise. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { provideCore, registrationsOf } from '../../local/host/core.ts';
import { HistoryBody } from '../../src/api/historyBody.ts';
import { OperationBody, OperationsBody, PlanBody } from '../../src/api/operationBody.ts';
import { ProblemBody } from '../../src/api/problem.ts';
import { ReasonBody, ReasonsBody } from '../../src/api/reasonPage.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';

const Document = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ security: z.array(z.unknown()).optional() })),
  ),
  components: z.object({
    schemas: z.record(z.string(), z.looseObject({ type: z.literal('object') })),
  }),
});

interface HttpTrigger {
  readonly method: string;
  readonly route: string;
}
let triggers: HttpTrigger[] = [];
let tenant: Tenant;
let text = '';
beforeAll(async () => {
  provideCore();
  const { functions } = await registrationsOf(
    () => import('../../src/functions/index.ts'),
    () => {},
  );
  triggers = [...functions.values()].flatMap(({ metadata }) =>
    Object.values(metadata.bindings)
      .filter(({ type }) => type === 'httpTrigger')
      .flatMap(({ methods, route }) =>
        z
          .array(z.string())
          .parse(methods)
          .map((method) => ({ method, route: String(route) })),
      ),
  );
  tenant = await startTenant();
  const response = await fetch(`${tenant.host.url}/api/openapi.json`);
  expect(response.status).toBe(200);
  text = await response.text();
});
afterAll(() => tenant?.stop());

describe('openapi.json', () => {
  it('describes exactly the HTTP functions that are there', () => {
    const { paths } = Document.parse(JSON.parse(text));
    const described = Object.entries(paths).flatMap(([path, calls]) =>
      Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(triggers.length).toBeGreaterThan(6);
    expect(described.sort()).toEqual(
      triggers.map(({ method, route }) => `${method} /${route}`).sort(),
    );
  });

  it('says of each call whether it wants a token, and without one that is what happens (SEC-08)', async () => {
    const { paths } = Document.parse(JSON.parse(text));
    for (const { method, route } of triggers) {
      const path = route
        .replace('{vault}', 'kv1')
        .replace('{name}', 'st-a')
        .replace('{id}', crypto.randomUUID())
        .replace('{code}', 'too-soon');
      const headers = {
        'x-ms-client-principal': 'eyJ0eXAiOiJhYWQifQ==',
        'x-ms-client-principal-id': 'root',
      };
      const { status } = await fetch(`${tenant.host.url}/api/${path}`, { method, headers });
      const open = paths[`/${route}`]?.[method.toLowerCase()]?.security?.length === 0;
      expect({ route, open }).toEqual({
        route,
        open: ['health', 'openapi.json', 'reasons', 'reasons/{code}'].includes(route),
      });
      expect({ route, status }).toEqual({ route, status: open ? 200 : 401 });
    }
  });

  it('refers to nothing that it does not define', () => {
    const { components } = Document.parse(JSON.parse(text));
    const named = new Set(
      [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name),
    );
    expect(Object.keys(components.schemas).sort()).toEqual([...named].sort());
    expect(components.schemas.RotateRequest).toMatchObject({
      additionalProperties: false,
      properties: { note: { type: 'string' }, rotateAgain: { const: true } },
    });
    expect(text).not.toContain('$schema');
  });

  it('names no vault, no secret and no setting of this instance', () => {
    expect(text).not.toMatch(/kv1|acct1|KEYTURN_(?!IDENTITY_CLIENT_ID)/);
  });
});

describe('the shapes that the document promises', () => {
  it('are those of a dry run, an operation, a history and a refusal', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    PlanBody.parse(await (await tenant.rotate('st-a', { dryRun: true })).json());
    ProblemBody.parse(await (await tenant.rotate('st-a')).json());
    const asked = await tenant.rotate('st-a', {
      override: ['too-soon'],
      note: 'leaked',
      ticket: 'INC-1',
    });
    OperationBody.parse(await asked.json());
    await tenant.settle();
    expect((await tenant.operation(asked)).result).toBeDefined();
    HistoryBody.parse(await (await tenant.request('/api/vaults/kv1/secrets/st-a/history')).json());
    OperationsBody.parse(await (await tenant.request('/api/operations')).json());
    ReasonBody.parse(await (await tenant.request('/api/reasons/too-soon')).json());
    ReasonsBody.parse(await (await tenant.request('/api/reasons')).json());
    ProblemBody.parse(await (await tenant.request('/api/vaults/kv1/secrets/st-z')).json());
  });
});
