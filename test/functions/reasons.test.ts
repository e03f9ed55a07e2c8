/** Reason pages and the list of operations, as callers and people who follow a link meet them (finding OPS-07). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { OperationsBody } from '../../src/api/operationBody.ts';
import { ProblemBody } from '../../src/api/problem.ts';
import { ReasonsBody } from '../../src/api/reasonPage.ts';
import { isReason, reasonRow, reasons } from '../../src/core/reasons.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { rotated } from '../cases/stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const open = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${tenant.host.url}${path}`, { headers });

describe('OPS-07: the page of a reason', () => {
  it('OPS-07: every reason has one, without a token, as JSON and for a browser', async () => {
    const { reasons: all } = ReasonsBody.parse(await (await open('/api/reasons')).json());
    expect(all.map(({ reason }) => reason)).toEqual(Object.keys(reasons));
    for (const { reason, remedy } of all) {
      expect(await (await open(`/api/reasons/${reason}`)).json()).toMatchObject({ reason, remedy });
      const page = await open(`/api/reasons/${reason}`, {
        accept: 'text/html,application/xhtml+xml',
      });
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      const text = await page.text();
      expect(text).toContain(`<h1>${reason}</h1>`);
      expect(text).not.toMatch(/<(?!\/?(?:html|body|title|meta|h1|p|code|!doctype)\b)/i);
    }
  });

  it('OPS-07: the type of a problem leads to it', async () => {
    tenant.seed('st-a', { account: 'acct1', policy: 'paused=true' });
    await tenant.sweepAndSettle();
    for (const asked of [
      tenant.rotate('st-a'),
      tenant.request('/api/vaults/kv1/secrets/st-z'),
      open('/api/secrets'),
    ]) {
      const response = await asked;
      const { type, reason } = ProblemBody.parse(await response.json());
      const page = await fetch(new URL(type, response.url));
      expect([page.status, await page.json()]).toEqual([200, expect.objectContaining({ reason })]);
      if (isReason(reason)) expect(reasonRow(reason)).toBeDefined();
    }
  });

  it.each(['nothing', '__proto__', 'constructor', '%3Cscript%3E', 'TOO-SOON', 'too-soon%2F..'])(
    'what is no reason has no page, and is not repeated: %s',
    async (code) => {
      const response = await open(`/api/reasons/${code}`, { accept: 'text/html' });
      expect(response.status).toBe(404);
      const text = await response.text();
      expect(text).not.toContain('script');
      expect(ProblemBody.parse(JSON.parse(text)).reason).toBe('not-found');
    },
  );
});

describe('GET operations', () => {
  const asReader = { roles: ['Keyturn.Read'] };
  const list = async (query = '', given: { roles: string[]; oid?: string } = asReader) => {
    const response = await tenant.request(`/api/operations${query}`, given);
    expect(response.status).toBe(200);
    return OperationsBody.parse(await response.json());
  };
  const idOf = async (asked: Promise<Response>): Promise<string> => {
    const response = await asked;
    expect(response.status).toBe(202);
    return ((await response.json()) as { id: string }).id;
  };

  it('lists requests, the newest first, by vault and by how far they came', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-b', { vault: 'kv2', account: 'acct2' });
    await tenant.sweepAndSettle();
    const revoked = await idOf(tenant.revoke('st-a', { note: 'Größe "x"', ticket: 'INC-1' }));
    await tenant.settle();
    const held = await idOf(
      tenant.hold('st-a', { until: new Date(Date.now() + 86_400_000).toISOString() }),
    );
    const all = await list();
    expect(all.truncated).toBe(false);
    expect(all.operations.map(({ id }) => id)).toEqual([held, revoked]);
    expect(all.operations[1]).toMatchObject({
      kind: 'revoke',
      note: 'Größe "x"',
      ticket: 'INC-1',
      phase: 'settled',
    });
    const ids = async (query: string) => (await list(query)).operations.map(({ id }) => id);
    expect(await ids('?status=open')).toEqual([held]);
    expect(await ids('?status=done')).toEqual([revoked]);
    expect(await ids('?status=settled,accepted')).toEqual([held, revoked]);
    expect(await ids('?status=failed')).toEqual([]);
    expect(await ids('?vault=KV1&status=')).toEqual([held, revoked]);
    expect(await ids('?vault=kv2')).toEqual([]);
  });

  it('shows to others than readers their own alone', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await idOf(tenant.revoke('st-a', {}));
    const stranger = await list('', { roles: ['Keyturn.Rotate'], oid: crypto.randomUUID() });
    expect(stranger.operations).toEqual([]);
    expect((await tenant.request('/api/operations', { roles: [] })).status).toBe(403);
    expect((await list()).operations).toHaveLength(1);
  });

  it.each(['?status=finished', '?state=open', '?vault=a/b', '?status=open&status=done'])(
    'refuses %s',
    async (query) => {
      const response = await tenant.request(`/api/operations${query}`, asReader);
      expect([response.status, ProblemBody.parse(await response.json()).reason]).toEqual([
        400,
        'bad-request',
      ]);
    },
  );
});
