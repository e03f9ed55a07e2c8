/**
 * Alert rules and workbook name records and fields that the app really writes: a query over a field that nobody writes is an
 * alert that never comes. The records are those of a run that meets what the rules are about.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { isReason } from '../../src/core/reasons.ts';
import { type ProductRecord, startTenant } from '../cases/harness.ts';
import { eventAbout } from '../cases/person.ts';

const infra = join(import.meta.dirname, '../../infra');
const read = (file: string): string => readFileSync(join(infra, file), 'utf8');

const rules = readdirSync(join(infra, 'queries')).map((file) => ({
  name: file,
  text: read(`queries/${file}`),
}));
const Item = z.looseObject({
  name: z.string(),
  content: z.looseObject({ query: z.string().optional() }),
});
const panels = z
  .object({ items: z.array(Item) })
  .parse(JSON.parse(read('workbook.json')))
  .items.flatMap(({ name, content }) =>
    content.query === undefined ? [] : { name: `workbook ${name}`, text: content.query },
  );

const withoutComments = (text: string): string => text.replaceAll(/^\/\/.*$/gm, '');
/** Literals that a field of a record is compared with: `tostring(r.x) == 'a'`, `in ('a', 'b')`, `!in (…)`. */
function comparedWith(field: string, text: string): string[] {
  const wanted = new RegExp(`r\\.${field}\\)?\\s*(?:==|!=|!?in)\\s*(\\([^)]*\\)|'[^']*')`, 'g');
  return [...text.matchAll(wanted)].flatMap(([, list = '']) =>
    [...list.matchAll(/'([^']*)'/g)].map(([, word = '']) => word),
  );
}
const fieldsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/\br\.(\w+)/g)].map(([, name = '']) => name)),
];

/** What a query asks for that is in none of the records: messages first, then fields of the messages that it is about. */
function strangeTo(records: readonly ProductRecord[], text: string): string[] {
  const messages = comparedWith('message', text);
  const about = records.filter(({ message }) => messages.includes(message));
  const known = new Set(about.flatMap((record) => Object.keys(record)));
  return [
    ...messages.filter((message) => !records.some((record) => record.message === message)),
    ...fieldsIn(text).filter((field) => !known.has(field)),
  ];
}

let records: readonly ProductRecord[] = [];
beforeAll(async () => {
  const tenant = await startTenant({
    vaults: ['kv1'],
    accounts: [{ name: 'acct1' }, { name: 'acct2', consent: '' }],
  });
  try {
    // Rotated, proved, and revoked early at a person's request; then an old value is written back.
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    await tenant.revoke('st-a', { ticket: 'CHG-1', note: 'leaked' });
    await tenant.settle(600);
    await tenant.advance({ hours: 49 });
    await tenant.sweepAndSettle();
    await tenant.rotate('st-a', { override: ['too-soon'] });
    await tenant.settle();
    tenant.seed('st-a', { account: 'acct1', value: tenant.azure.account('acct1').key('key1') });
    // Refused: the owner of acct2 has named nobody; three of them make one more alert at the next sweep.
    for (const name of ['no-a', 'no-b', 'no-c'])
      tenant.seed(name, {
        ...{ account: 'acct2', tags: { owner: 'team-orders' } },
        expiresOn: new Date(Date.now() + 5 * 86_400_000),
      });
    await tenant.advance({ days: 2 }, { sweepEvery: 12 });
    // Given up by the host.
    await tenant.own.put(
      JSON.stringify([eventAbout(tenant.azure, 'st-a', {}), null]),
      'keyturn-events-poison',
    );
    const look = { vault: 'kv1', name: 'st-a', cause: 'http', operation: crypto.randomUUID() };
    await tenant.own.put(JSON.stringify(look), 'keyturn-work-poison');
    await tenant.settle();
    // Held by the settings: not overdue before a day after its end.
    const day = (days: number) =>
      new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    tenant.configure({ KEYTURN_MODE: 'drain', KEYTURN_FREEZE: `${day(-1)}/${day(1)} UTC` });
    await tenant.event('st-a');
    await tenant.sweepAndSettle();
    // What an instance that only observes says carries its mode, by which rules leave it out.
    tenant.configure({ KEYTURN_MODE: 'observe' });
    await tenant.sweepAndSettle();
    await tenant.event('st-a');
    await tenant.settle();
    tenant.configure();
    await tenant.sweep();
    records = tenant.logs();
  } finally {
    await tenant.stop();
  }
});

describe('queries', () => {
  it.each([...rules, ...panels])('$name names what the app writes', ({ text }) => {
    const query = withoutComments(text);
    if (query.includes('AppTraces')) expect(comparedWith('message', query)).not.toEqual([]);
    expect(strangeTo(records, query)).toEqual([]);
    expect(comparedWith('reason', query).filter((reason) => !isReason(reason))).toEqual([]);
    for (const field of ['kind', 'outcome']) {
      const written = records.map((record) => record[field]);
      expect(comparedWith(field, query).filter((word) => !written.includes(word))).toEqual([]);
    }
  });

  it('would be found out if they named what it does not write', () => {
    const about = `AppTraces | extend r = parse_json(Message) | where tostring(r.message) == 'swept'`;
    expect(strangeTo(records, `${about} | project r.vaults`)).toEqual([]);
    expect(strangeTo(records, `${about} | project r.vaultCount`)).toEqual(['vaultCount']);
    expect(strangeTo(records, `${about} | project r.ticket`)).toEqual(['ticket']); // another record's
    expect(strangeTo(records, "where tostring(r.message) in ('sweeped')")).toEqual([
      'sweeped',
      'message',
    ]);
  });

  it('rely on `message` standing first in a record, by which they are found fast', () => {
    const lines = records.map((record) => JSON.stringify(record));
    expect(lines.filter((line) => !line.startsWith('{"message":"'))).toEqual([]);
    for (const { text } of [...rules, ...panels])
      for (const [, start = ''] of text.matchAll(/startswith '(\{[^']*)'/g))
        expect(lines.some((line) => line.startsWith(start))).toBe(true);
  });

  it('are each in a rule, whose text says where to read on', () => {
    const bicep = read('modules/alerts.bicep');
    const used = [...bicep.matchAll(/queries\/([\w-]+\.kql)'/g)].map(([, file]) => file);
    expect(used.sort()).toEqual(rules.map(({ name }) => name).sort());
    const operate = readFileSync(join(infra, '../docs/operate.md'), 'utf8');
    for (const { name } of rules) expect(operate).toContain(`### ${name.replace('.kql', '')}`);
  });
});

describe('the settings fingerprint', () => {
  it('is told once at the start, changes with the settings, and shows none of them', () => {
    const starts = records.filter(({ message }) => message === 'started');
    expect(starts.map(({ mode }) => mode)).toEqual(['run', 'drain', 'observe', 'run']);
    const [first, changed, , back] = starts.map(({ settings }) => settings);
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(back).toBe(first);
    expect(changed).not.toBe(first);
    expect(starts.map((record) => Object.keys(record).join())).toEqual(
      Array(4).fill('message,instance,mode,settings'),
    );
  });
});
