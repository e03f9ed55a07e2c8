import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Caller } from '../../src/api/auth.ts';
import { parseBody } from '../../src/api/body.ts';
import { admit } from '../../src/api/byVault.ts';
import type { ApiDeps } from '../../src/api/call.ts';
import { HoldRequest, hold, holdSecret } from '../../src/api/calls/holdSecret.ts';
import { RevokeRequest, revoke, revokeOwed } from '../../src/api/calls/revokeOwed.ts';
import { RotateRequest, rotate } from '../../src/api/calls/rotateSecret.ts';
import { operation } from '../../src/api/calls/showOperation.ts';
import { giveUp } from '../../src/app/poison.ts';
import { addDays } from '../../src/core/clock.ts';
import { BusyError } from '../../src/core/errors.ts';
import { targetHash } from '../../src/core/ids.ts';
import type { Look } from '../../src/core/look.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Deps } from '../../src/ports/deps.ts';
import type { Operation } from '../../src/ports/operations.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import type { Rows, SecretRow } from '../../src/ports/rows.ts';
import type { Vault, Version } from '../../src/ports/vault.ts';
import { refusalIn } from '../jest/refusal.ts';

const now = new Date('2027-01-01T00:00:00Z');
const caller = (...roles: string[]): Caller => ({
  oid: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  roles,
  kind: 'app',
});
const version = (last: string, tags: Record<string, string>): Version => ({
  id: last.repeat(32),
  enabled: true,
  createdOn: addDays(now, -3),
  updatedOn: now,
  tags,
  managed: false,
  value: new Secret(`value-of-version-${last}`),
});
const optedIn = { rotator: 'fake', 'rotator-target': 'here' };
const tgt = targetHash('fake', 'here');

/** A world of one vault with one secret; `writes` are the calls that change vault or target. */
function setUp(
  versions: readonly Version[] = [version('a', optedIn)],
  others: readonly Operation[] = [],
) {
  const saved = new Map<string, Operation>();
  const rowsOf = new Map<string, SecretRow>();
  const looks: Look[] = [];
  const writes: string[] = [];
  const records: object[] = [];
  const never = () => Promise.reject(new Error('not asked for here'));
  const vault: Vault = {
    name: 'kv1',
    current: async (name) => (name === 'db' ? (versions[0] ?? 'gone') : 'gone'),
    version: async (_name, id) => versions.find((each) => each.id === id),
    versions: async () => versions,
    list: never as never,
    retag: async () => void writes.push('retag'),
    store: never,
  };
  const target = {
    id: 'here',
    owners: ['here'],
    inspect: async () => ({ handles: ['key1', 'key2'], obstacles: [], hosts: [] }),
    adopt: async () => 'key1',
    issue: never,
    check: async () => 'accepted' as const,
    revoke: never,
  };
  const rotator: Rotator = {
    ...{
      type: 'fake',
      overlap: 'many',
      title: 'a kind of tests',
      rights: { actions: [] },
      options: z.object({}),
      form: { kind: 'bare' },
    },
    bind: () => target,
  };
  const rows: Partial<Rows> = {
    secret: async ({ name }) => rowsOf.get(name),
    saveSecret: async (row) => void rowsOf.set(row.name, row),
    operation: async (id) => saved.get(id),
    saveOperation: async (row) => void saved.set(row.id, row),
    createOperation: async (row) => {
      if (saved.has(row.id)) return false;
      saved.set(row.id, row);
      return true;
    },
    dropOperation: async (id) => void saved.delete(id),
    openOperations: async () => [...others, ...saved.values()].filter(({ done }) => !done),
    failedRotations: async () => [],
    rotationsSince: async () => [],
    sweptOn: async () => new Map([['kv1', now]]),
    sharers: async () => [],
  };
  const deps: Deps = {
    vaults: { names: ['kv1'], open: (name) => (name === 'kv1' ? vault : undefined) },
    vaultTags: async () => ({}),
    rotators: { types: ['fake'], get: (type) => (type === 'fake' ? rotator : undefined) },
    consent: { of: async () => [{ kind: 'fake', vault: 'kv1', name: '*', parts: [] }] },
    rows: rows as Rows,
    locks: { take: never },
    queue: { put: async (look) => void looks.push(look), offer: never },
    audit: { append: async () => {}, history: async () => ({ records: [], truncated: false }) },
    alerts: { isFirst: async () => true, count: never, counted: never as never, told: never },
    clock: { now: () => now, sleep: async () => {} },
    log: (level, message, fields) => void records.push({ level, message, ...fields }),
    config: {
      instance: 'keyturn',
      mode: 'run',
      rate: { perVault: 5, overall: 50 },
      enabled: ['fake'],
      policy: 'every=60d;grace=48h',
      ownStorage: [],
      ownApplications: [],
      ownerTag: 'owner',
    },
  };
  const ask = (
    body: object,
    by = caller('Keyturn.Rotate'),
    more: { name?: string; key?: string } = {},
  ) =>
    rotate(
      {
        caller: by,
        ref: { vault: 'kv1', name: more.name ?? 'db' },
        asked: parseBody(JSON.stringify(body), RotateRequest),
        ...(more.key === undefined ? {} : { idempotencyKey: more.key }),
      },
      deps,
    );
  return { deps, ask, saved, looks, writes, records, rowsOf };
}

const operationOf = (done: Awaited<ReturnType<typeof rotate>>): Operation => {
  if ('operation' in done) return done.operation;
  throw new Error('no operation');
};

describe('a request for a rotation', () => {
  it('becomes a row with the current version and one look that holds nothing but names (UA-8, SEC-05)', async () => {
    const { ask, saved, looks, records } = setUp();
    const made = operationOf(await ask({ ticket: 'a\r\nb' }));
    expect(saved.get(made.id)).toMatchObject({
      phase: 'accepted',
      recorded: true,
      version: 'a'.repeat(32),
      caller: caller().oid,
    });
    const names = { vault: 'kv1', name: 'db', version: 'a'.repeat(32) };
    expect(looks).toEqual([{ ...names, cause: 'http', operation: made.id }]);
    expect(records).toContainEqual(
      expect.objectContaining({ message: 'audit', operation: made.id, ticket: 'a b' }),
    );
  });

  it.each<[string, object, string[]]>([
    ['Keyturn.Read alone', {}, ['Keyturn.Read']],
    ['no role', {}, []],
    ['an override without Keyturn.Revoke', { override: ['too-soon'] }, ['Keyturn.Rotate']],
    ['revoke: now without Keyturn.Revoke', { revoke: 'now' }, ['Keyturn.Rotate']],
  ])('with %s ends in no-role and writes nothing (UA-8)', async (_title, body, roles) => {
    const { ask, saved, looks } = setUp();
    expect((await refusalIn(ask(body, caller(...roles)))).reason).toBe('no-role');
    expect([saved.size, looks.length]).toEqual([0, 0]);
  });

  it('may override and revoke with Keyturn.Revoke (UA-8)', async () => {
    const { ask } = setUp();
    const body = { override: ['too-soon'], revoke: 'now' };
    expect(operationOf(await ask(body, caller('Keyturn.Rotate', 'Keyturn.Revoke')))).toMatchObject(
      body,
    );
  });

  it('ATK-13: an equal one is answered with the operation once that has its record, and with nothing before', async () => {
    const { ask, deps, saved, looks } = setUp();
    const [silent, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const append = async () => {
      begun.resolve();
      await silent.promise;
      throw new BusyError('storage-busy');
    };
    Object.assign(deps.audit, { append });
    const first = refusalIn(ask({}, undefined, { key: 'once' }));
    await begun.promise;
    expect((await refusalIn(ask({}, undefined, { key: 'once' }))).reason).toBe('storage-busy');
    silent.resolve();
    // What has no record is not accepted: whoever had been told of it would follow nothing.
    expect([(await first).reason, saved.size, looks]).toEqual(['storage-busy', 0, []]);
  });

  it('OPS-02: while something is owed is a conflict that names it, unless it says to rotate again (UA-8)', async () => {
    const state = (cred: string) =>
      `v=1;tgt=${tgt};cred=${cred};rot=0123456789abcdef;after=2027-01-02T00:00Z`;
    const [current, older] = ['key1', 'key2'].map((cred) => ({
      ...optedIn,
      'rotator-state': state(cred),
    }));
    const { ask, looks } = setUp([version('b', current ?? {}), version('a', older ?? {})]);
    const { reason, detail } = await refusalIn(ask({}));
    expect(reason).toBe('owed-first');
    expect(detail).toContain(`key2 of version ${'a'.repeat(32)}`);
    expect(looks).toEqual([]);
    expect((await refusalIn(ask({ revoke: 'now' }, caller('Keyturn.Revoke')))).reason).toBe(
      'owed-first',
    );
    expect((await refusalIn(ask({ rotateAgain: true }))).reason).toBe('no-role');
    const again = { revoke: 'now', rotateAgain: true };
    expect(operationOf(await ask(again, caller('Keyturn.Revoke')))).toMatchObject(again);
  });

  it('gets one and the same answer for a secret that is absent, not opted in or in a foreign vault', async () => {
    const errors = await Promise.all([
      refusalIn(setUp().ask({}, undefined, { name: 'other' })),
      refusalIn(setUp([version('a', {})]).ask({})),
      refusalIn(setUp([]).ask({})),
    ]);
    expect(new Set(errors.map(({ reason, detail }) => `${reason} ${detail}`)).size).toBe(1);
    expect(errors[0]?.reason).toBe('not-found');
  });

  it('with the Idempotency-Key of somebody else is one of its own: nobody is given the operation of another', async () => {
    const { ask, looks } = setUp();
    const theirs = operationOf(await ask({}, undefined, { key: 'k1' }));
    const other = { ...caller('Keyturn.Rotate'), oid: 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee' };
    const mine = operationOf(await ask({}, other, { key: 'k1' }));
    expect(mine.id).not.toBe(theirs.id);
    expect([theirs.caller, mine.caller, looks.length]).toEqual([caller().oid, other.oid, 2]);
  });

  it('ATK-07: a value pasted as note or ticket is in no row, record or log', async () => {
    const { ask, saved, records, deps } = setUp();
    const audited: object[] = [];
    Object.assign(deps.audit, { append: async (record: object) => void audited.push(record) });
    const pasted = 'kJ8vQ2xZr7LmN4pT9wYc3HfB6sDg1Va5';
    await ask({ note: `it was ${pasted}`, ticket: pasted });
    const told = JSON.stringify([[...saved.values()], records, audited]);
    expect(audited).toHaveLength(1);
    expect([told.includes(pasted), told.includes('it was')]).toEqual([false, true]);
  });

  it('OPS-07: a note is one line of what prints in its record, and means nothing to a terminal', async () => {
    const { ask, deps } = setUp();
    const audited: object[] = [];
    Object.assign(deps.audit, { append: async (record: object) => void audited.push(record) });
    await ask({ note: 'leaked\u001b[2J\r\nin chat', ticket: 'INC\u202e7' });
    expect(audited).toMatchObject([{ note: 'leaked [2J in chat', ticket: 'INC 7' }]);
  });

  it('made twice with one Idempotency-Key is one operation', async () => {
    const { ask, saved } = setUp();
    const first = operationOf(await ask({}, undefined, { key: 'k1' }));
    expect(operationOf(await ask({}, undefined, { key: 'k1' })).id).toBe(first.id);
    expect(operationOf(await ask({}, undefined, { key: 'k2' })).id).not.toBe(first.id);
    expect(saved.size).toBe(2);
    expect((await refusalIn(ask({ ticket: 'x' }, undefined, { key: 'k1' }))).reason).toBe(
      'bad-request',
    );
  });

  it('is refused when the caller has 50 open ones', async () => {
    const one = operationOf(await setUp().ask({}));
    const earlier = Array.from({ length: 50 }, (_, at) => ({ ...one, id: `earlier ${at}` }));
    const { ask, saved } = setUp(undefined, earlier);
    expect((await refusalIn(ask({}))).reason).toBe('too-many-operations');
    expect(saved.size).toBe(0);
  });

  it('as a dry run says what would happen and leaves no trace', async () => {
    const { ask, saved, looks, writes } = setUp([{ ...version('a', optedIn), createdOn: now }]);
    const refused = { reason: 'too-soon', overridable: ['too-soon'] };
    expect(await ask({ dryRun: true })).toMatchObject({ preview: { steps: [], refusal: refused } });
    const forced = await ask({ dryRun: true, override: ['too-soon'] }, caller('Keyturn.Revoke'), {
      key: 'k1',
    });
    expect(forced).toMatchObject({
      preview: { steps: [{ kind: 'rotate' }, { kind: 'prove' }, { kind: 'revoke' }] },
    });
    expect([saved.size, looks.length, writes.length]).toEqual([0, 0, 0]);
  });
});

describe('a request to revoke, or to hold', () => {
  const ref = { vault: 'kv1', name: 'db' };
  // Roles are judged at the door, by what the call declares.
  const revokes = async (deps: Deps, roles: string[], body: object) => {
    await admit(revokeOwed, caller(...roles), ref, () => Promise.reject(new Error('a role tells')));
    const asked = parseBody(JSON.stringify(body), RevokeRequest);
    return await revoke({ caller: caller(...roles), ref, asked }, deps);
  };
  const holds = async (deps: Deps, roles: string[]) => {
    await admit(holdSecret, caller(...roles), ref, async () => deps as ApiDeps);
    const asked = parseBody(JSON.stringify({ until: addDays(now, 2) }), HoldRequest);
    return await hold({ caller: caller(...roles), ref, asked }, deps);
  };

  it.each([[[]], [['Keyturn.Read']], [['Keyturn.Rotate']], [['Keyturn.Read', 'Keyturn.Rotate']]])(
    'UA-8: with %j nobody ends a grace, sets a reason aside or moves it: no-role, and nothing is written',
    async (roles) => {
      const { deps, saved, looks } = setUp();
      for (const body of [
        {},
        { at: 'now' },
        { at: addDays(now, 3) },
        { override: ['slot-held'] },
        { dryRun: true },
      ])
        expect((await refusalIn(revokes(deps, roles, body))).reason).toBe('no-role');
      expect([saved.size, looks.length]).toEqual([0, 0]);
    },
  );

  it.each([[[]], [['Keyturn.Read']], [['Keyturn.Revoke']]])(
    'UA-8: with %j nobody holds',
    async (roles) => {
      const { deps, saved, looks } = setUp();
      expect((await refusalIn(holds(deps, roles))).reason).toBe('no-role');
      expect([saved.size, looks.length]).toEqual([0, 0]);
    },
  );

  it('UA-8: with its own role each is judged by what there is', async () => {
    const { deps } = setUp();
    expect((await refusalIn(revokes(deps, ['Keyturn.Revoke'], {}))).reason).toBe('nothing-owed');
    expect(operationOf(await holds(deps, ['Keyturn.Rotate'])).hold).toEqual(addDays(now, 2));
  });
});

describe('an operation', () => {
  it('is shown to whoever made it and to readers, and is not there for others', async () => {
    const { ask, deps } = setUp();
    const { id } = operationOf(await ask({}));
    const other = { ...caller('Keyturn.Rotate'), oid: 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee' };
    expect((await operation(id, caller('Keyturn.Rotate'), deps)).id).toBe(id);
    expect((await operation(id, { ...other, roles: ['Keyturn.Read'] }, deps)).id).toBe(id);
    expect((await refusalIn(operation(id, other, deps))).reason).toBe('not-found');
    expect((await refusalIn(operation(id, caller(), deps))).reason).toBe('no-role');
    expect(
      (await refusalIn(operation("' or PartitionKey ne '", caller('Keyturn.Read'), deps))).reason,
    ).toBe('not-found');
  });
});

describe('a message that the host gave up on', () => {
  it('marks secret and operation as failed and alerts once (FN-09)', async () => {
    const { ask, deps, looks, rowsOf, saved, records } = setUp();
    const { id } = operationOf(await ask({}));
    const [look] = looks as [Look];
    await giveUp(look, deps);
    await giveUp(look, deps);
    expect(rowsOf.get('db')).toMatchObject({ step: 'failed', reason: 'failed', alert: 'failed' });
    expect(rowsOf.get('db')?.nextLookOn?.getTime()).toBeGreaterThan(now.getTime());
    expect(saved.get(id)?.phase).toBe('failed');
    expect(
      records.filter((record) => 'message' in record && record.message === 'alert'),
    ).toHaveLength(1);
  });

  it('of a vault that is not on the list leaves no row', async () => {
    const { deps, rowsOf } = setUp();
    await giveUp({ vault: 'kv9', name: 'db', cause: 'event' }, deps);
    expect(rowsOf.size).toBe(0);
  });
});
