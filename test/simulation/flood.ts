/** A mass of opted-in secrets that nobody consented to, beside good ones: what they cost, in memory, at any size. */
import { z } from 'zod';
import { consentFrom } from '../../src/azure/consentReader.ts';
import { nothingWrong } from './director.ts';
import { storage } from './kinds.ts';
import { Sim } from './sim.ts';
import { HOUR, MINUTE, START } from './world.ts';

const principalId = '00000000-0000-4000-8000-000000000009';
const Alert = z.object({
  message: z.literal('alert'),
  reason: z.string(),
  count: z.number().optional(),
});

export interface MemoryFlood {
  readonly refused: number;
  readonly rotated: number;
  /** Reads of ARM about the target that never consented. */
  readonly reads: number;
  /** About how many secrets each alert is. */
  readonly alerts: readonly number[];
}

/** An hour of looks with the real sweep, rules and reader of consent, then the next sweep, which tells what was counted. */
export async function memoryFlood(flood: number, good: number): Promise<MemoryFlood> {
  let reads = 0;
  const sim: Sim = new Sim(storage, nothingWrong, { wrap: (deps) => ({ ...deps, consent }) });
  const refuses = storage.owner('acctflood');
  // The real reader of consent, over assignments of the world.
  const consent = consentFrom({
    arm: {
      async get(path) {
        const scope = path.replace(/\/providers\/Microsoft\.Authorization\/.*$/, '');
        if (scope === refuses) reads += 1;
        const description = sim.consents.get(scope) ?? '';
        return { value: [{ properties: { principalId, scope, description } }] };
      },
      ask: () => Promise.reject(new Error('not asked')),
    },
    graph: { tags: async () => [] },
    principalId,
    clock: { now: () => new Date(sim.world.now), sleep: async () => {} },
  });
  for (let at = 0; at < good; at += 1)
    sim.secret(at % 2 === 0 ? 'kv1' : 'kv2', `good-${at}`, `acct${at}`, 'key1');
  sim.world.accounts.set('acctflood', { key1: 'refuses-key1', key2: 'refuses-key2' });
  const old = START - 61 * 24 * HOUR;
  for (let at = 0; at < flood; at += 1) {
    sim.world.versions('kv1', `flood-${at}`).push({
      ...{
        id: sim.world.versionId(),
        value: 'refuses-key1',
        contentType: undefined,
        enabled: true,
        by: 'person',
      },
      tags: { rotator: storage.type, ...storage.tags('acctflood') },
      ...{ expiresOn: undefined, createdOn: old, updatedOn: old },
    });
  }
  await sim.settle(START + 60 * MINUTE - 1, { turns: 50_000 });
  const refused = [...sim.own.secrets.values()].filter(({ reason }) => reason === 'no-consent');
  const rotated = [...sim.world.vaults.values()]
    .flatMap((secrets) => [...secrets.values()])
    .filter(({ length }) => length === 2);
  await sim.settle(START + 70 * MINUTE, { turns: 50_000 });
  const alerts = sim.invariants.texts.flatMap((text) => {
    const alert = Alert.safeParse(JSON.parse(text));
    return alert.success && alert.data.reason === 'no-consent' ? [alert.data.count ?? 1] : [];
  });
  return { refused: refused.length, rotated: rotated.length, reads, alerts };
}
