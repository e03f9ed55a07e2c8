/** What an alert rule may keep quiet about: one that has fired tells nobody of its next row, unless that row has an alert of its own. */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { deployments, ofType, snapshot } from './snapshots.ts';

const Rule = z.looseObject({
  autoMitigate: z.boolean(),
  evaluationFrequency: z.string(),
  windowSize: z.string(),
  criteria: z.object({
    allOf: z.tuple([
      z.looseObject({
        query: z.string(),
        dimensions: z.array(
          z.object({
            name: z.string(),
            operator: z.literal('Include'),
            values: z.array(z.string()),
          }),
        ),
      }),
    ]),
  }),
});
const rulesOf = (name: string) =>
  new Map(
    ofType(snapshot(name), 'Microsoft.Insights/scheduledQueryRules').map((rule) => {
      const { criteria, ...properties } = Rule.parse(rule.properties);
      return [rule.name.replace(/^(keyturn|zone-b)-/, ''), { ...properties, ...criteria.allOf[0] }];
    }),
  );

/** Columns that every branch of a query gives: the names of its last `project`, or of its only `summarize`. */
function columnsOf(query: string): string[] {
  const text = query.replaceAll(/^\/\/.*$/gm, '');
  const branches = text.includes('union')
    ? text.split(/\n\),?\n/).filter((branch) => branch.trim() !== '')
    : [text];
  const columns = branches.map((branch) => {
    const list = branch.slice(branch.lastIndexOf('| project') + '| project'.length);
    return [
      ...list
        .replaceAll(/\([^()]*(\([^()]*(\([^()]*\)[^()]*)*\)[^()]*)*\)/g, '')
        .matchAll(/(?:^|,)\s*(\w+)/g),
    ].map(([, name = '']) => name);
  });
  return (columns[0] ?? []).filter((name) => columns.every((each) => each.includes(name)));
}

describe('alert rules', () => {
  it('tell of each secret, each writer and each change by itself, however long another has been known', () => {
    const by = [...rulesOf('public')].map(([name, { dimensions }]) => [
      name,
      dimensions.map((each) => each.name).join(),
    ]);
    expect(Object.fromEntries(by)).toEqual({
      ...{
        expiring: 'vault,secret',
        overdue: 'vault,secret',
        'failed-or-refused': 'vault,secret,reason',
      },
      ...{
        poison: 'vault,secret,what',
        'access-denied': 'place,who',
        'package-written': 'who,Uri',
      },
      ...{ 'settings-changed': 'instance,settings', 'became-keyturn': 'Caller,OperationNameValue' },
      // At most one row, and rows that all say the same.
      ...{ 'no-sweep': '', 'dead-letters': '' },
    });
  });

  it('are divided by columns that their queries give, of any value', () => {
    for (const name of deployments)
      for (const [rule, { query, dimensions, autoMitigate }] of rulesOf(name)) {
        const columns = columnsOf(query);
        expect([rule, dimensions.filter((each) => !columns.includes(each.name))]).toEqual([
          rule,
          [],
        ]);
        expect(dimensions.filter(({ values }) => values.join() !== '*')).toEqual([]);
        expect(autoMitigate).toBe(true);
      }
  });

  it('wait for a sweep as long as its schedule takes, and never look back less far than they sleep', () => {
    const windows = deployments.map((name) => [name, rulesOf(name).get('no-sweep')?.windowSize]);
    expect(Object.fromEntries(windows)).toEqual({
      public: 'PT2H',
      private: 'PT2H',
      usgov: 'PT2H',
      'landing-zone': 'P1D',
    });
    const settings = ofType(snapshot('landing-zone'), 'Microsoft.Web/sites/config')[0]?.properties;
    expect(settings?.KEYTURN_SWEEP_SCHEDULE).toBe('0 7 */12 * * *');
    expect(rulesOf('landing-zone').get('expiring')?.windowSize).toBe('P1D');
    const minutes = (span: string) =>
      Number(/\d+/.exec(span)?.[0]) * (span.endsWith('D') ? 1440 : span.endsWith('H') ? 60 : 1);
    for (const name of deployments)
      for (const [rule, { evaluationFrequency, windowSize }] of rulesOf(name))
        expect([rule, minutes(evaluationFrequency) <= minutes(windowSize)]).toEqual([rule, true]);
  });
});
