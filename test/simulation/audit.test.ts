/** Whatever worker dies when: what was stored and what was revoked stands in the audit, once (design section 5). */
import { expect, it } from '@jest/globals';
import { readState } from '../../src/tags/state.ts';
import { at, type Fate, nothingWrong } from './director.ts';
import { replay, report, tally, walk } from './report.ts';
import { rotated } from './scenarios.ts';
import type { Sim } from './sim.ts';

const told = (sim: Sim, kind: string) =>
  sim.own.audit.filter(
    (record) => record.step === kind && ['done', 'recovered'].includes(record.outcome),
  );

/** What a reader of the audit would miss, or be told twice. */
function gaps(sim: Sim): string[] {
  const versions = sim.world.versions('kv1', 'st-a');
  const stored = versions
    .filter(({ by }) => by === 'keyturn')
    .map(({ tags }) => readState(tags)?.rot);
  const revoked = versions.filter(({ tags }) => readState(tags)?.revoked).map(({ id }) => id);
  expect([stored.length, revoked.length]).toEqual([1, 1]);
  const count = (what: string, records: readonly unknown[]) =>
    records.length === 1 ? [] : [`${what}: ${records.length} records`];
  return [
    ...stored.flatMap((rot) =>
      count(
        `rotation ${rot}`,
        told(sim, 'rotate').filter(({ rotation }) => rotation === rot),
      ),
    ),
    ...revoked.flatMap((id) =>
      count(
        `revocation of ${id}`,
        told(sim, 'revoke').filter((each) => each.revokedVersions?.includes(id)),
      ),
    ),
  ];
}

it('has no record of a recovery where nothing went wrong', async () => {
  const sim = await rotated(nothingWrong);
  expect(gaps(sim)).toEqual([]);
  expect(sim.own.audit.filter(({ outcome }) => outcome === 'recovered')).toEqual([]);
});

it.each(['crash-before', 'crash-after'] as const satisfies Fate[])(
  'misses nothing after a %s at any write',
  async (fate) => {
    const { writes } = (await rotated(nothingWrong)).world;
    const all = tally();
    let recovered = 0;
    for (let write = 1; write <= writes; write++) {
      await walk(all, replay([[write, fate]]), async () => {
        const sim = await rotated(at(new Map([[write, fate]])), { extraDays: 2 });
        recovered += sim.own.audit.filter(({ outcome }) => outcome === 'recovered').length;
        const missing = gaps(sim);
        if (missing.length > 0) throw new Error(missing.join('; '));
        return sim;
      });
    }
    report(`audit, ${fate}`, all);
    expect(all.failures).toEqual([]);
    expect(recovered).toBeGreaterThan(1); // of a rotation and of a revocation
  },
);
