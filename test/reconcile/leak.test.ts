import { describe, expect, it } from '@jest/globals';
import { addHours } from '../../src/core/clock.ts';
import type { Operation } from '../../src/ports/operations.ts';
import { OnePass } from './onePass.ts';

const ID = '0b5c5a70-6a3c-4f0e-9d7e-0c8b8f6f3c11';

/** A leak of what `st-a` holds now. */
function leak(world: OnePass, more: Partial<Operation> = {}): void {
  const on = world.now;
  world.operations.set(ID, {
    ...{
      id: ID,
      vault: 'kv1',
      name: 'st-a',
      version: world.current().id,
      caller: 'somebody',
      phase: 'accepted',
      done: false,
    },
    ...{ override: [], revoke: 'now', rotateAgain: true, leaked: 'one', note: 'n', ticket: 't' },
    ...{ createdOn: on, updatedOn: on, steps: [], ...more },
  });
}
async function looks(world: OnePass, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await world.look('st-a', { cause: 'http', operation: ID });
    world.now = addHours(world.now, 0.02);
  }
}

describe('a leak', () => {
  it('is not settled, and its version not switched off, while the target still takes the old value', async () => {
    const world = new OnePass();
    const old = world.secret();
    leak(world);
    // As where a revocation takes a while to reach every server.
    world.verdict = (slot) => (slot === '' ? 'accepted' : undefined);
    await looks(world, 4);
    expect(world.operations.get(ID)).toMatchObject({ phase: 'proved', done: false });
    expect([world.versions().length, world.versions()[0]?.enabled, world.accepts(old)]).toEqual([
      2,
      true,
      false,
    ]);
    world.verdict = undefined;
    await looks(world, 1);
    expect(world.operations.get(ID)).toMatchObject({
      phase: 'settled',
      done: true,
      result: { refusedOn: expect.any(Date) },
    });
    expect(world.versions()[0]?.enabled).toBe(false);
  });

  it('never revokes before the proof, whatever is set aside', async () => {
    const world = new OnePass();
    const old = world.secret();
    leak(world);
    await looks(world, 1);
    world.verdict = () => 'unknown';
    await looks(world, 3);
    expect([
      world.accepts(old),
      world.calls.filter((call) => call.startsWith('target.revoke')),
    ]).toEqual([true, []]);
    expect(world.operations.get(ID)?.phase).toBe('stored');
  });

  it('where nothing can be tried, says who vouches', async () => {
    const world = new OnePass();
    world.secret();
    leak(world);
    world.verdict = (slot) => (slot === '' ? undefined : 'vouched');
    await looks(world, 3);
    expect(world.operations.get(ID)).toMatchObject({
      phase: 'settled',
      result: { vouchedBy: expect.stringContaining('management plane') },
    });
    expect(world.operations.get(ID)?.result?.refusedOn).toBeUndefined();
  });

  it('what was found out is written down before the version is switched off: a pass that dies there loses nothing', async () => {
    const world = new OnePass();
    world.secret();
    leak(world);
    await looks(world, 2);
    let marks = 0;
    world.always((call) => {
      if (call !== 'vault.retag') return;
      marks += 1;
      if (marks === 2) throw new Error('killed right after the mark');
    });
    await expect(looks(world, 1)).rejects.toThrow('killed');
    world.always(() => {});
    await looks(world, 2);
    expect(world.versions()[0]?.enabled).toBe(false);
    expect(world.operations.get(ID)).toMatchObject({
      phase: 'settled',
      result: { refusedOn: expect.any(Date) },
    });
  });
});
