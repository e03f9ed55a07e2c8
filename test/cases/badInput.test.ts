/** Tags that people get wrong: each is refused by name, once, and costs nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const S = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const vaultId = `/subscriptions/${S}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv1`;

/** The tag to blame, and the set that is wrong; undefined takes a tag out. */
const sets: readonly (readonly [string, Record<string, string | undefined>])[] = [
  ['rotator', { rotator: '' }],
  ['rotator', { rotator: 'storage account key' }],
  ['rotator', { rotator: 'nosuch' }],
  ['rotator', { rotator: 'storage-account-key;sql-login' }],
  ['rotator-target', { 'rotator-target': undefined }],
  ['rotator-target', { 'rotator-target': ' ' }],
  ['rotator-target', { 'rotator-target': 'acct1' }],
  ['rotator-target', { 'rotator-target': `${S}/rg1` }],
  ['rotator-target', { 'rotator-target': vaultId }],
  ['rotator-target', { 'rotator-target': `${S}/rg1/Not_An_Account` }],
  ['rotator-target', { 'rotator-target': `${S}/rg1/acct1\n` }],
  ['rotator-options', { 'rotator-options': 'longest-sas' }],
  ['rotator-options', { 'rotator-options': 'longest-sas=forever' }],
  ['rotator-options', { 'rotator-options': 'longest-sas=45d;longest-sas=1d' }],
  ['rotator-options', { 'rotator-options': 'sas=1d' }],
  ['rotator-options', { 'rotator-options': 'field=%zz' }],
  ['rotator-policy', { 'rotator-policy': 'every=sometimes' }],
  ['rotator-policy', { 'rotator-policy': 'evry=60d' }],
  ['rotator-policy', { 'rotator-policy': 'every=24h;grace=48h' }],
  ['rotator-policy', { 'rotator-policy': 'window=Sat 25:00-26:00 UTC;paused=maybe' }],
];
/** A line break at the end of an id is taken off, as blanks are. */
const harmless = (tags: Record<string, string | undefined>) =>
  tags['rotator-target']?.endsWith('\n') === true;
const name = (at: number) => `st-${at}`;

function seedAll(): void {
  for (const [at, [, tags]] of sets.entries()) {
    const version = tenant.seed(name(at), { account: 'acct1' });
    const all = Object.entries({ ...version.tags, ...tags }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    tenant.azure.vault('kv1').retag(name(at), version.id, Object.fromEntries(all));
  }
}

describe('20 malformed sets of tags', () => {
  it('are refused with a message that names the tag, write nothing, and alert once each, however often they are swept', async () => {
    expect(sets).toHaveLength(20);
    seedAll();
    await tenant.sweepAndSettle();
    const expectRefused = async () => {
      for (const [at, [tag, tags]] of sets.entries()) {
        const row = await tenant.row(name(at));
        if (harmless(tags)) expect(row).toMatchObject({ step: 'refuse', reason: 'no-consent' });
        else
          expect([name(at), row?.step, row?.detail]).toEqual([
            name(at),
            'refuse',
            expect.stringMatching(new RegExp(`[Tt]ag ${tag}\\b(?!-)`)),
          ]);
      }
    };
    /** Of each reason the first at once, and the others together with the next sweep. */
    const expectAlerts = () => {
      const about = tenant
        .alerts()
        .map(({ reason, count = 1 }) => ({ reason, count: Number(count) }));
      expect(about.reduce((sum, { count }) => sum + count, 0)).toBe(sets.length);
      for (const { reason } of about)
        expect(about.filter((each) => each.reason === reason).length).toBeLessThan(3);
    };
    await expectRefused();
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    await expectRefused();
    expectAlerts();
    await tenant.advance({ hours: 50 }, { sweepEvery: 25 });
    await expectRefused();
    expectAlerts();
    expect(tenant.azure.writes()).toEqual([]);
    expect(await tenant.own.waiting()).toBe(0);
    await tenant.check();
  });

  it('are answered to a person, too, with the reason and the tag', async () => {
    tenant.seed('st-a', { account: 'acct1', policy: 'evry=60d' });
    const answer = await tenant.rotate('st-a');
    expect(answer.status).toBe(409);
    const problem = { reason: 'bad-tags', detail: expect.stringContaining('rotator-policy') };
    expect(await answer.json()).toMatchObject(problem);
    // A dry run is answered: the refusal is what it says.
    const dry = await tenant.rotate('st-a', { dryRun: true });
    expect(dry.status).toBe(200);
    expect(await dry.json()).toMatchObject({ plan: { refusal: problem } });
  });
});

describe('mended tags', () => {
  it('are looked at with the next sweep, and broken again they alert again, within the hour with the next sweep', async () => {
    const wrong = tenant.seed('st-a', { account: 'acct1', policy: 'evry=60d' });
    await tenant.sweepAndSettle();
    await tenant.advance({ minutes: 5 });
    const vault = tenant.azure.vault('kv1');
    vault.retag('st-a', wrong.id, { ...wrong.tags, 'rotator-policy': 'every=30d' });
    await tenant.sweepAndSettle();
    expect(await tenant.row('st-a')).toMatchObject({ step: 'wait', reason: 'not-due' });
    await tenant.advance({ minutes: 5 });
    vault.retag('st-a', wrong.id, { ...wrong.tags, 'rotator-policy': 'evry=60d' });
    await tenant.sweepAndSettle();
    expect(tenant.alerts('st-a')).toHaveLength(1);
    await tenant.sweepAndSettle();
    expect(tenant.alerts('st-a')).toHaveLength(2);
    expect(tenant.azure.writes()).toEqual([]);
  });
});
