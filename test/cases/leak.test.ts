/**
 * A leaked credential, by the one call that docs/operate.md says (OPS-02): one new version, one revocation, the old value
 * refused, the new one accepted a day later. Told once for each way in which kinds hold credentials.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Version } from '../../local/azure/vault.ts';
import { PlanBody } from '../../src/api/operationBody.ts';
import type { Tenant } from './harness.ts';
import { type Way, Ways } from './ways.ts';

const ways = new Ways('leaked');
const { kinds } = ways;
let tenant: Tenant;
beforeAll(async () => {
  tenant = await ways.start();
});
beforeEach(() => ways.clear());
afterAll(() => tenant.stop());

/** The body that the page shows, word for word. */
const page = readFileSync(join(import.meta.dirname, '../../docs/operate.md'), 'utf8');
const section = page.slice(page.indexOf('## A leaked credential'));
const documented = JSON.parse(
  /\/rotate" \\\n {2}--body '(\{[^']+\})'/.exec(section)?.[1] ?? '',
) as object;

/** Three days old, in an index that is fresh. */
async function grown({ seed }: Pick<Way, 'seed'>): Promise<Version> {
  const version = seed();
  version.created -= 3 * 86_400;
  await tenant.sweepAndSettle();
  return version;
}
async function records(name = 'leaked'): Promise<{ step: string; on: string }[]> {
  const answer = await tenant.request(`/api/vaults/kv1/secrets/${name}/history`);
  return (
    (await answer.json()) as { records: { step: string; on: string }[] }
  ).records.toReversed();
}

describe('the leak procedure', () => {
  it.each(kinds)(
    'OPS-02: $name: one new version, one revocation, and the old value is refused',
    async (kind) => {
      const old = await grown(kind);
      const start = Date.now();
      const dry = await tenant.rotate('leaked', { ...documented, dryRun: true });
      const { plan } = PlanBody.parse(await dry.json());
      const headers = { 'idempotency-key': 'INC-4711' };
      const oid = crypto.randomUUID();
      const asked = await tenant.rotate('leaked', documented, { headers, oid });
      expect(asked.status).toBe(202);
      await tenant.settle(600);
      const now = tenant.current('leaked');
      expect(await tenant.operation(asked)).toMatchObject({
        ...{ phase: 'settled', done: true },
        result: {
          version: now.id,
          revoked: [expect.any(String)],
          refusedOn: expect.stringContaining('T'),
        },
      });
      expect([
        tenant.versions('leaked').length,
        kind.opens(old.value),
        kind.opens(now.value),
      ]).toEqual([2, false, true]);

      // Again by the same person is the same operation, by another one a refusal; neither touches anything.
      const again = await tenant.rotate('leaked', documented, { headers, oid });
      expect([again.status, (await again.json()) as object]).toMatchObject([
        202,
        { phase: 'settled' },
      ]);
      expect((await tenant.rotate('leaked', documented)).status).toBe(409);
      await tenant.settle(600);
      await tenant.advance({ days: 1 }, { sweepEvery: 6 });
      expect([tenant.versions('leaked').length, kind.opens(now.value)]).toEqual([2, true]);
      const followed = (await records())
        .filter(({ on }) => Date.parse(on) >= start)
        .map(({ step }) => step);
      expect(followed).toEqual(['request', ...plan.steps.map(({ step }) => step)]);
      expect(plan.steps.map(({ step }) => step)).toEqual(['rotate', 'prove', 'revoke']);
    },
  );

  it.each(kinds)(
    'OPS-02: $name: leaked in its grace, rotateAgain ends both and publishes one',
    async (kind) => {
      const first = await grown(kind);
      await tenant.rotate('leaked', {});
      await tenant.settle(600);
      const second = tenant.current('leaked');
      expect((await tenant.rotate('leaked', documented)).status).toBe(409);
      const asked = await tenant.rotate('leaked', { ...documented, rotateAgain: true });
      expect(asked.status).toBe(202);
      await tenant.settle(600);
      const third = tenant.current('leaked');
      expect([first, second, third].map(({ value }) => kind.opens(value))).toEqual([
        false,
        false,
        true,
      ]);
      expect(await tenant.operation(asked)).toMatchObject({
        phase: 'settled',
        result: { version: third.id },
      });
      expect((await tenant.operation(asked)).result?.revoked).toHaveLength(2);
      await tenant.advance({ days: 1 }, { sweepEvery: 6 });
      expect([tenant.versions('leaked').length, kind.opens(third.value)]).toEqual([3, true]);
    },
  );

  it.each(kinds)(
    'OPS-02: $name: the one before it leaked: …/revoke ends it, and nothing is rotated',
    async (kind) => {
      const first = await grown(kind);
      await tenant.rotate('leaked', {});
      await tenant.settle(600);
      const second = tenant.current('leaked');
      const asked = await tenant.revoke('leaked', { note: 'leaked' });
      await tenant.settle(600);
      expect([first, second].map(({ value }) => kind.opens(value))).toEqual([false, true]);
      expect(await tenant.operation(asked)).toMatchObject({
        phase: 'settled',
        result: { version: second.id },
      });
      expect(tenant.versions('leaked')).toHaveLength(2);
    },
  );

  it('OPS-02: one password: setting the new one was the revocation, and the plan says so', async () => {
    const old = await grown(ways.single);
    const start = Date.now();
    const asked = await tenant.rotate('single', documented);
    expect(asked.status).toBe(202);
    await tenant.settle(600);
    const opens = ({ value }: Version) => ways.single.opens(value);
    expect([opens(old), opens(tenant.current('single'))]).toEqual([false, true]);
    expect(await tenant.operation(asked)).toMatchObject({ phase: 'settled', done: true });
    const followed = (await records('single')).filter(({ on }) => Date.parse(on) >= start);
    expect(followed.map(({ step }) => step)).toEqual(['request', 'rotate', 'prove']);
  });

  it('OPS-02: what a person made at a target that holds many is not revoked behind his back: 409, with what helps', async () => {
    const old = await grown({ seed: () => ways.application() });
    const refused = await tenant.rotate('leaked', documented);
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      {
        reason: 'not-ours',
        overridable: [],
        remedy: expect.stringContaining('revoke-adopted=true'),
      },
    ]);
    const asked = await tenant.rotate('leaked', {});
    await tenant.settle(600);
    expect(await tenant.operation(asked)).toMatchObject({ phase: 'settled' });
    expect(kinds.at(-1)?.opens(old.value)).toBe(true);
  });
});
