/** Every walk in its short form; `npm run simulate -- --walk`, a stage of `.ci/run`, walks them whole. */
import { describe, expect, it } from '@jest/globals';
import { kindNames } from './everyKind.ts';
import { runWalk } from './walker.ts';
import { walks } from './walks/all.ts';
import { rowText } from './whole.ts';

describe.each(kindNames)('%s', (kind) => {
  it.each(walks.filter((walk) => walk.kind === kind).map((walk) => [walk.title, walk] as const))(
    '%s',
    async (_, walk) => {
      const row = await runWalk(walk, 'short');
      process.stdout.write(`simulation: ${rowText(row)}\n`);
      expect(row.failures.slice(0, 5)).toEqual([]);
      expect(row.paths).toBeGreaterThan(0);
    },
  );
});
