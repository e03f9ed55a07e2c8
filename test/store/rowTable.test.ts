import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addDays, addHours, addMinutes, type Clock } from '../../src/core/clock.ts';
import { BusyError } from '../../src/core/errors.ts';
import type { Operation } from '../../src/ports/operations.ts';
import type { Rows, SecretRow, SharerRow } from '../../src/ports/rows.ts';
import { tableRows } from '../../src/store/rowTable.ts';
import { type Account, hasty, startAccount } from './store.fixtures.ts';

const on = new Date('2026-11-25T10:00:00.000Z');
const version = '0123456789abcdef0123456789abcdef';
const full: SecretRow = {
  vault: 'kv1',
  name: 'st-a',
  wroteVersion: version,
  wroteState: 'v=1;tgt=01234567;cred=key2',
  seenUpdatedOn: on,
  step: 'wait',
  reason: 'grace',
  detail: 'until tomorrow',
  lookedOn: on,
  nextLookOn: addHours(on, 5),
  failures: 2,
  alert: 'grace',
  settlingUntil: addMinutes(on, 10),
  retryOn: addHours(on, 24),
  refusedPlan: 'abc',
  wrong: [
    { handle: 'a', digest: '0123abcd', on },
    { handle: 'b', digest: '89abcdef', on, changedOn: addHours(on, -5) },
  ],
};
const operation = (changes: Partial<Operation> = {}): Operation => ({
  id: randomUUID(),
  vault: 'kv1',
  name: 'st-a',
  version,
  caller: randomUUID(),
  phase: 'accepted',
  done: false,
  recorded: true,
  override: ['too-soon'],
  revoke: 'now',
  note: 'because',
  createdOn: on,
  updatedOn: on,
  steps: [{ on, step: 'rotate', reason: 'asked' }],
  ...changes,
});
const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '=HYPERLINK("https://evil.example")',
  '\u001b[2J',
  'a\r\nSet-Cookie: x',
  "' or PartitionKey ne '",
  '\u202e',
  'A'.repeat(10_000),
];

let account: Account;
let rows: Rows;
let now = on;
const clock: Clock = { ...hasty, now: () => now };

beforeAll(async () => {
  account = await startAccount();
  rows = tableRows(account.own, clock);
});
afterAll(() => account.azurite.stop());

describe('rows of secrets', () => {
  it('come back as they were saved, whatever the casing of the name', async () => {
    await rows.saveSecret({ ...full, vault: 'KV1', name: 'ST-a' });
    expect(await rows.secret({ vault: 'kv1', name: 'st-A' })).toEqual(full);
    expect(await rows.secretsOf('KV1')).toEqual([full]);
  });

  it('replace what was there, also what is left out', async () => {
    await rows.saveSecret({ ...full, name: 'st-b' });
    await rows.saveSecret({ vault: 'kv1', name: 'st-b', failures: 0 });
    expect(await rows.secret({ vault: 'kv1', name: 'st-b' })).toEqual({
      vault: 'kv1',
      name: 'st-b',
      failures: 0,
    });
  });

  it('are dropped by name, and no others with them', async () => {
    await rows.saveSecret({ ...full, name: 'st-c' });
    await rows.dropSecret({ vault: 'KV1', name: 'ST-C' });
    await rows.dropSecret({ vault: 'kv1', name: 'st-c' });
    expect(await rows.secret({ vault: 'kv1', name: 'st-c' })).toBeUndefined();
    expect(await rows.secret({ vault: 'kv1', name: 'st-b' })).toBeDefined();
  });

  it('are absent for a name that was never seen', async () => {
    expect(await rows.secret({ vault: 'kv1', name: 'never' })).toBeUndefined();
    expect(await rows.secretsOf('kv9')).toEqual([]);
  });

  it('can be read again after texts of any length', async () => {
    await rows.saveSecret({ ...full, name: 'long', detail: '\u0000"\u202e'.repeat(10_000) });
    expect((await rows.secret({ vault: 'kv1', name: 'long' }))?.failures).toBe(2);
  });

  const never = new Date('9999-12-31T00:00:00Z');

  it('SEC-07: a pause that Keyturn would not make counts for nothing', async () => {
    await rows.saveSecret({ ...full, name: 'pause', settlingUntil: never, retryOn: never });
    const row = await rows.secret({ vault: 'kv1', name: 'pause' });
    expect(row).not.toHaveProperty('settlingUntil');
    expect(row).not.toHaveProperty('retryOn');
  });

  it.each([
    ['looked at in the future', { lookedOn: never }],
    ['to be looked at in the year 9999', { nextLookOn: never }],
  ])('SEC-07: a row %s is absent', async (_, changes) => {
    await rows.saveSecret({ ...full, name: 'later', ...changes });
    expect(await rows.secret({ vault: 'kv1', name: 'later' })).toBeUndefined();
    expect((await rows.secretsOf('kv1')).map(({ name }) => name)).not.toContain('later');
  });
});

describe('rows of holders', () => {
  const target =
    '/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourcegroups/rg1/providers/x/y/acct1';
  const holder: SharerRow = {
    vault: 'kv1',
    name: 'st-a',
    target,
    handle: 'key1',
    issuedOn: on,
    owes: [{ handle: 'key2', after: on }],
  };

  it('are found by target and by vault, and dropped', async () => {
    const other: SharerRow = { vault: 'kv2', name: 'st-a', target: `${target}2`, owes: [] };
    const unknown: SharerRow = { vault: 'kv2', name: 'st-b', target, owes: [] };
    for (const row of [{ ...holder, target: target.toUpperCase() }, other, unknown])
      await rows.saveSharer(row);
    expect(await rows.sharers(target)).toEqual([holder, unknown]);
    expect(await rows.sharersIn('KV2')).toEqual(expect.arrayContaining([other, unknown]));
    await rows.dropSharer({ ...unknown, name: 'ST-B' });
    await rows.dropSharer(unknown);
    expect(await rows.sharers(target)).toEqual([holder]);
  });

  it('are added by hundreds where there are none, and what a look has found stays', async () => {
    const others: SharerRow[] = Array.from({ length: 250 }, (_, at) => ({
      vault: 'kv3',
      name: `st-${at}`,
      target: `${target}3`,
      owes: [],
    }));
    const [known] = others as [SharerRow];
    const found = { ...known, handle: 'key1' };
    await rows.saveSharer(found);
    await rows.addSharers([...others, { ...known, target: `${target}4` }]);
    await rows.addSharers(others.slice(0, 1));
    expect(await rows.sharers(`${target}3`)).toHaveLength(250);
    expect(await rows.sharers(`${target}3`)).toContainEqual(found);
    expect(await rows.sharers(`${target}4`)).toHaveLength(1);
  });

  it('count as holding every slot when their content is lost', async () => {
    await rows.saveSharer(holder);
    for await (const row of account.raw.listEntities<{ json: string }>()) {
      if (!row.partitionKey?.startsWith('holders-')) continue;
      await account.raw.updateEntity(
        { partitionKey: row.partitionKey, rowKey: row.rowKey ?? '', json: '{' },
        'Merge',
      );
    }
    expect(await rows.sharers(target)).toEqual([{ vault: 'kv1', name: 'st-a', target, owes: [] }]);
  });
});

describe('marks', () => {
  it('remember when each vault was swept, and not what lies ahead', async () => {
    await rows.markSwept('KV1', addHours(on, -1));
    await rows.markSwept('kv2', addHours(on, 1));
    expect([...(await rows.sweptOn())]).toEqual([['kv1', addHours(on, -1)]]);
  });

  it('count the rotations since a time, and forget them after a week', async () => {
    const ref = { vault: 'kv1', name: 'st-a' };
    for (const hours of [0, 0, -2, -30])
      await rows.recordRotation({ ...ref, name: 'ST-A' }, addHours(on, hours));
    expect(await rows.rotationsSince(addHours(on, -1))).toEqual([ref, ref]);
    expect(await rows.rotationsSince(addHours(on, -24))).toHaveLength(3);
    now = addDays(on, 9);
    await rows.recordRotation(ref, now);
    now = on;
    expect(await rows.rotationsSince(new Date(0))).toEqual([]);
  });

  const failed = (name: string, target = name) => ({
    ...{ vault: 'kv1', name, type: 'storage-account-key', target, since: addHours(on, -1), on },
  });

  it('keep the failed rotations of a kind, of each secret the latest, until one goes well', async () => {
    // At the same time, as workers do: none is lost (finding ATK-04).
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => rows.saveFailed(failed(name))));
    await rows.saveFailed({ ...failed('A', 'other'), vault: 'KV1' });
    await rows.saveFailed({ ...failed('z'), type: 'sql-login' });
    const found = await rows.failedRotations('storage-account-key');
    expect(found.map(({ name, target }) => `${name} ${target}`).sort()).toEqual([
      'a other',
      'b b',
      'c c',
      'd d',
      'e e',
    ]);
    await rows.forgetFailed('storage-account-key');
    expect(await rows.failedRotations('storage-account-key')).toEqual([]);
    expect(await rows.failedRotations('sql-login')).toHaveLength(1);
  });

  it('give one probe of a kind to whoever is first, and the next when its time has come', async () => {
    const take = (vault: string, minutes: number) =>
      rows.takeProbe('sql-login', vault, addMinutes(on, minutes), 15);
    expect(await rows.probedOn('sql-login', 'kv1')).toBeUndefined();
    expect(
      (await Promise.all([1, 1, 1, 1].map((minutes) => take('kv1', minutes)))).filter(Boolean),
    ).toHaveLength(1);
    expect(await rows.probedOn('sql-login', 'KV1')).toEqual(addMinutes(on, 1));
    expect([await take('kv1', 14), await take('kv2', 14), await take('kv1', 16.1)]).toEqual([
      false,
      true,
      true,
    ]);
    // Whoever wrote a time ahead, it keeps nobody from trying (case SEC-07).
    expect(await rows.takeProbe('mysql-login', 'kv1', addDays(on, 9), 15)).toBe(true);
    expect(await rows.takeProbe('mysql-login', 'kv1', on, 15)).toBe(true);
  });

  it('remember since when a vault could not be listed', async () => {
    await rows.saveUnlisted({ vault: 'KV1', since: on, told: false });
    expect(await rows.unlisted('kv1')).toEqual({ vault: 'kv1', since: on, told: false });
    await rows.saveUnlisted({ vault: 'kv2', since: addHours(on, 1), told: true });
    expect(await rows.unlisted('kv2')).toBeUndefined(); // ahead of time
    await rows.dropUnlisted('kv1');
    expect(await rows.unlisted('kv1')).toBeUndefined();
  });
});

describe('rows of operations', () => {
  it('come back as they were saved', async () => {
    const saved = operation({ ticket: 'T-1', reason: 'asked', detail: 'x' });
    await rows.saveOperation(saved);
    expect(await rows.operation(saved.id.toUpperCase())).toEqual(saved);
    expect(await rows.operation(randomUUID())).toBeUndefined();
  });

  it('are counted by caller while they are open', async () => {
    const caller = randomUUID();
    const [first, second] = [operation({ caller }), operation({ caller, phase: 'stored' })];
    for (const one of [first, second, operation()]) await rows.saveOperation(one);
    expect(await rows.openOperations(caller)).toHaveLength(2);
    await rows.saveOperation({ ...second, phase: 'failed', done: true });
    expect(await rows.openOperations(caller)).toEqual([first]);
  });

  it('ATK-13: are made once, and without a record count for a minute', async () => {
    const { recorded: _, ...bare } = operation({ caller: randomUUID() });
    expect(await Promise.all([1, 2, 3, 4].map(() => rows.createOperation(bare)))).toContain(true);
    expect(await rows.createOperation(bare)).toBe(false);
    expect(await rows.openOperations(bare.caller)).toEqual([bare]);
    now = addMinutes(on, 2);
    expect(await rows.openOperations(bare.caller)).toEqual([]);
    now = on;
    await rows.dropOperation(bare.id);
    expect(await rows.createOperation(bare)).toBe(true);
  });

  it('are forgotten after 30 days', async () => {
    const old = operation();
    await rows.saveOperation(old);
    now = addDays(on, 31);
    await rows.saveOperation(operation({ createdOn: now, updatedOn: now }));
    now = on;
    expect(await rows.operation(old.id)).toBeUndefined();
  });
});

describe('strangers in the table', () => {
  it.each(HOSTILE)('SEC-06: the name %j finds nothing and no more than itself', async (text) => {
    await rows.saveSecret(full);
    await rows.saveOperation(operation());
    expect(await rows.secret({ vault: text, name: text })).toBeUndefined();
    expect(await rows.secretsOf(text)).toEqual([]);
    expect(await rows.sharers(text)).toEqual([]);
    expect(await rows.sharersIn(text)).toEqual([]);
    expect(await rows.openOperations(text)).toEqual([]);
    expect(await rows.operation(text)).toBeUndefined();
    expect(await rows.failedRotations(text)).toEqual([]);
  });

  it.each(HOSTILE)(
    'SEC-06: the text %j as note, ticket and detail comes back as text',
    async (text) => {
      const saved = operation({ note: text, ticket: text });
      await rows.saveOperation(saved);
      expect((await rows.operation(saved.id))?.note).toBe(text.slice(0, 2_000));
    },
  );

  const good = JSON.stringify(full);
  const json = (changes: object): string => JSON.stringify({ ...full, ...changes });
  it.each([
    ['no content', undefined],
    ['a number', 7],
    ['a truth', true],
    ['a date', new Date()],
    ['bytes', new Uint8Array([1, 2, 3])],
    ['empty text', ''],
    ['half a document', good.slice(0, 40)],
    ['null', 'null'],
    ['a list', '[]'],
    ['a word', '"x"'],
    ['nothing in it', '{}'],
    ['another secret', json({ name: 'other' })],
    ['another vault', json({ vault: 'kv2' })],
    ['a member too many', json({ override: ['too-soon'] })],
    ['a prototype', '{"__proto__":{"failures":0},"vault":"kv1","name":"hostile"}'],
    ['a text for a count', json({ failures: '0' })],
    ['a negative count', json({ failures: -1 })],
    ['a date that is none', json({ nextLookOn: 'tomorrow' })],
    ['markup for a version', json({ wroteVersion: '<img src=x>' })],
    ['60 KB of text', json({ detail: 'A'.repeat(30_000) })],
  ])('SEC-07: a row with %s is absent', async (_, content) => {
    await rows.saveSecret({ ...full, name: 'hostile' });
    for await (const { partitionKey = '', rowKey = '' } of account.raw.listEntities()) {
      if (rowKey !== 'hostile') continue;
      await account.raw.upsertEntity(
        { partitionKey, rowKey, ...(content === undefined ? {} : { json: content }) },
        'Replace',
      );
    }
    expect(await rows.secret({ vault: 'kv1', name: 'hostile' })).toBeUndefined();
    expect((await rows.secretsOf('kv1')).map(({ name }) => name)).not.toContain('hostile');
  });
});

describe('a table that does not answer', () => {
  it('is busy, for every method', async () => {
    const connectionString = account.own.connectionString.replace(
      /TableEndpoint=[^;]+/,
      'TableEndpoint=http://127.0.0.1:9/acct1',
    );
    const silent = tableRows({ connectionString }, clock);
    await expect(silent.secret(full)).rejects.toBeInstanceOf(BusyError);
    await expect(silent.saveSecret(full)).rejects.toBeInstanceOf(BusyError);
    await expect(silent.rotationsSince(on)).rejects.toBeInstanceOf(BusyError);
  });
});
