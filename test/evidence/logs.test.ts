/** What follows from the answers of workspaces; bodies as facts F7 has them measured, columns as the tables' references name them. */
import { describe, expect, it } from '@jest/globals';
import { evidenceOf } from '../../src/evidence/evidenceOf.ts';
import { logsOf } from '../../src/evidence/logs.ts';
import { answerOf, kql, type LogAnswer } from '../../src/evidence/workspaces.ts';
import type { UseQuestion } from '../../src/ports/evidence.ts';

const NOW = new Date('2027-01-10T10:00:00Z');
const OID = '00000000-0000-0000-0000-00000000000a';
const QUESTION: UseQuestion = {
  vault: 'kv1',
  name: 'st-a',
  kind: 'storage-account-key',
  target: '/subscriptions/s/resourcegroups/rg/providers/microsoft.storage/storageaccounts/stshop',
  handle: 'key1',
  version: 'a'.repeat(32),
  current: 'c'.repeat(32),
  publishedOn: new Date('2027-01-08T10:00:00Z'),
};

/** One workspace that answers each table as it is told; what it is not told of has never had a row. */
function workspace(tables: Record<string, object[] | LogAnswer>) {
  const asked: string[] = [];
  const workspaces = {
    ask: async (query: string): Promise<LogAnswer[]> => {
      asked.push(query);
      const table =
        /\b(Storage\w+Logs|AADServicePrincipalSignInLogs|CDBDataPlaneRequests|AZKVAuditLogs|AzureDiagnostics)\b/.exec(
          query,
        )?.[1] ?? '';
      const told = tables[table];
      if (told === undefined) return [answerOf(400, { error: { code: 'BadArgumentError' } })];
      return [Array.isArray(told) ? { rows: told as Record<string, unknown>[] } : told];
    },
  };
  const clock = { now: () => NOW, sleep: async () => {} };
  const evidence = evidenceOf({ logs: logsOf({ workspaces, clock, identity: OID }) });
  return {
    asked,
    ask: (more: Partial<UseQuestion> = {}) => evidence.lastUse({ ...QUESTION, ...more }),
  };
}
const FLOWS = [{ reads: 4, others: 2, unclear: 0 }];
const USE = { uses: 3, last: '2027-01-10T08:00:00Z', who: '10.1.2.3', program: 'azsdk-net' };
const ALL = {
  StorageBlobLogs: FLOWS,
  StorageQueueLogs: FLOWS,
  StorageTableLogs: FLOWS,
  StorageFileLogs: FLOWS,
};

describe('the logs of a storage account', () => {
  it('show who uses the old slot, with the key or a SAS that it signed', async () => {
    const { ask, asked } = workspace({ ...ALL, StorageQueueLogs: [USE, ...FLOWS] });
    expect(await ask()).toEqual({
      use: 'used',
      on: new Date(USE.last),
      by: [{ who: '10.1.2.3', program: 'azsdk-net', last: new Date(USE.last) }],
    });
    const blob = asked.find((query) => query.includes('StorageBlobLogs')) ?? '';
    // The prefix of `key1(<hash>)` and of `key1(<hash>),SasSignature(<hash>)`, within the look-back of a day.
    expect(blob).toContain('AuthenticationHash startswith "key1("');
    expect(blob).toContain(
      'TimeGenerated >= datetime(2027-01-09T10:00:00.000Z) and AccountName =~ "stshop"',
    );
  });

  it('show that nobody does where all four flow, reads and changes both', async () => {
    expect(await workspace(ALL).ask()).toEqual({
      use: 'unused',
      since: new Date('2027-01-09T10:00:00Z'),
    });
  });

  it.each<[string, Record<string, object[] | LogAnswer>, RegExp]>([
    ['no log at all', {}, /no such table/],
    [
      'one service without a log',
      { ...ALL, StorageFileLogs: answerOf(400, {}) },
      /^StorageFileLogs: /,
    ],
    [
      'a table without a row of the account',
      { ...ALL, StorageBlobLogs: [{ reads: 0, others: 0 }] },
      /no log of the resource flows/,
    ],
    [
      'a log of changes alone',
      { ...ALL, StorageBlobLogs: [{ reads: 0, others: 9 }] },
      /reads and changes both/,
    ],
    [
      'a part of an answer',
      { ...ALL, StorageBlobLogs: answerOf(200, { tables: [], error: { code: 'PartialError' } }) },
      /part/,
    ],
    [
      'no right',
      { ...ALL, StorageBlobLogs: answerOf(403, { error: { code: 'InsufficientAccessError' } }) },
      /Data Reader/,
    ],
    ['an empty answer', { ...ALL, StorageBlobLogs: [] }, /no log of the resource flows/],
  ])('cannot tell by %s', async (_, tables, reason) => {
    expect(await workspace(tables).ask()).toEqual({
      use: 'cannot tell',
      reason: expect.stringMatching(reason),
    });
  });

  it('say nothing within half an hour of the publication', async () => {
    const said = await workspace(ALL).ask({ publishedOn: new Date('2027-01-10T09:45:00Z') });
    expect(said).toMatchObject({
      use: 'cannot tell',
      reason: expect.stringMatching(/last minutes/),
    });
  });
});

describe('the logs of other targets', () => {
  const keyId = '11111111-2222-4333-8444-555555555555';
  const app = {
    kind: 'app-registration',
    target: '99999999-2222-4333-8444-555555555555',
    handle: keyId,
  };

  it('of Entra name the client secret exactly', async () => {
    const { ask, asked } = workspace({ AADServicePrincipalSignInLogs: [USE, ...FLOWS] });
    expect(await ask(app)).toMatchObject({ use: 'used', by: [{ who: '10.1.2.3' }] });
    expect(asked.join('\n')).toContain(`ServicePrincipalCredentialKeyId =~ "${keyId}"`);
    expect(await workspace({ AADServicePrincipalSignInLogs: FLOWS }).ask(app)).toMatchObject({
      use: 'unused',
    });
    expect(
      await workspace({ AADServicePrincipalSignInLogs: [{ reads: 0, others: 0 }] }).ask(app),
    ).toMatchObject({
      use: 'cannot tell',
    });
  });

  it('of Cosmos name the slot, and where a request names none nothing follows', async () => {
    const cosmos = {
      kind: 'cosmos-db-key',
      target: '/x/databaseaccounts/cosmos1',
      handle: 'primary',
    };
    expect(await workspace({ CDBDataPlaneRequests: [USE, ...FLOWS] }).ask(cosmos)).toMatchObject({
      use: 'used',
    });
    expect(await workspace({ CDBDataPlaneRequests: FLOWS }).ask(cosmos)).toMatchObject({
      use: 'unused',
    });
    const readonly = {
      ...cosmos,
      target: `${cosmos.target}/keys/readonly`,
      handle: 'primaryReadonly',
    };
    const { ask, asked } = workspace({ CDBDataPlaneRequests: FLOWS });
    expect(await ask(readonly)).toMatchObject({ use: 'unused' });
    expect(asked.join('\n')).toContain('AccountName =~ "cosmos1"');
    const unclear = [{ reads: 4, others: 4, unclear: 1 }];
    expect(await workspace({ CDBDataPlaneRequests: unclear }).ask(cosmos)).toMatchObject({
      use: 'cannot tell',
    });
  });

  it.each(['service-bus-key', 'event-hubs-key'])(
    'of %s never tell two keys of a rule apart',
    async (kind) => {
      expect(await workspace({}).ask({ kind, handle: 'primaryKey' })).toMatchObject({
        use: 'cannot tell',
        reason: expect.stringMatching(/two keys of a rule/),
      });
    },
  );
});

describe('the audit of the vault', () => {
  const reader = { who: '/subscriptions/s/sites/shop', last: '2027-01-10T07:00:00Z' };

  it('shows who read the old version by its id, though the target has seen no use', async () => {
    const said = await workspace({
      ...ALL,
      AZKVAuditLogs: [{ ...reader, oldSince: 2, before: 3, newer: 0 }],
    }).ask();
    expect(said).toMatchObject({ use: 'used', by: [{ who: reader.who }] });
  });

  it('shows who has not come for the new one where the target cannot tell, and holds nobody for it where it can', async () => {
    const behind = { AzureDiagnostics: [{ ...reader, oldSince: 0, before: 5, newer: 0 }] };
    expect(await workspace(behind).ask()).toMatchObject({
      use: 'used',
      by: [{ who: reader.who, program: 'has not read the new version' }],
    });
    expect(await workspace({ ...ALL, ...behind }).ask()).toMatchObject({ use: 'unused' });
    // Once in a week is no habit, and before a day is over nobody is late.
    expect(
      await workspace({
        AzureDiagnostics: [{ ...reader, oldSince: 0, before: 1, newer: 0 }],
      }).ask(),
    ).toMatchObject({ use: 'cannot tell' });
    expect(
      await workspace(behind).ask({ publishedOn: new Date('2027-01-10T00:00:00Z') }),
    ).toMatchObject({
      use: 'cannot tell',
    });
    expect(
      await workspace({
        AzureDiagnostics: [{ ...reader, oldSince: 0, before: 5, newer: 2 }],
      }).ask(),
    ).toMatchObject({ use: 'cannot tell' });
  });

  it('leaves out what Keyturn itself read, and what was refused', async () => {
    const { ask, asked } = workspace({});
    await ask();
    const audits = asked.filter((query) => /AZKVAuditLogs|AzureDiagnostics/.test(query));
    expect(audits).toHaveLength(2);
    for (const query of audits) expect(query).toContain(`oid != "${OID}"`);
    expect(audits[0]).toContain('HttpStatusCode == 200');
    expect(audits[1]).toContain('column_ifexists("httpStatusCode_d", real(null)) == 200');
    for (const query of asked) expect(query).not.toContain('ResultType');
    // A secret whose name begins like this one is another's, and the read of the new version is no use of the old one.
    for (const query of audits) {
      expect(query).toMatch(/uri contains "\/secrets\/[a-z0-9-]+\/"/);
      expect(query).toContain('last = maxif(TimeGenerated, isOld)');
    }
  });
});

describe('a query', () => {
  it('holds texts as literals alone', () => {
    expect(kql('a"b\\c')).toBe('"a\\"b\\\\c"');
    for (const bad of ['', 'a\nb', 'ü', 'x'.repeat(301)]) expect(() => kql(bad)).toThrow();
  });

  it('is answered by rows under the names of their columns, and by nothing else', () => {
    const table = {
      name: 'PrimaryResult',
      columns: [
        { name: 'who', type: 'string' },
        { name: 'uses', type: 'long' },
      ],
      rows: [['x', 2]],
    };
    expect(answerOf(200, { tables: [table] })).toEqual({ rows: [{ who: 'x', uses: 2 }] });
    for (const body of [
      undefined,
      'text',
      {},
      { tables: {} },
      { tables: [{}] },
      { tables: [{ columns: [] }] },
    ])
      expect(answerOf(200, body)).toHaveProperty('untold');
    for (const status of [204, 400, 401, 403, 404, 429, 503])
      expect(answerOf(status, {})).toHaveProperty('untold');
  });
});
