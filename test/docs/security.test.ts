/** What docs/security.md says is closed has a test by that number, where the page says it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './processes.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const page = read('docs/security.md');

describe('docs/security.md', () => {
  const rows = [...page.matchAll(/^\| (ATK-\d\d) .*\| `(test\/[\w/.]+)` +\|$/gm)];
  it.each(rows.map(([, id = '', file = '']) => [id, file]))('%s is held by %s', (id, file) => {
    expect(read(file)).toContain(id);
  });

  it('names what is closed, and what is not', () => {
    expect(rows.length).toBeGreaterThan(10);
    expect(new Set(rows.map(([, id]) => id)).size).toBe(rows.length);
    for (const open of [
      "identity is within reach of the app's code",
      'KEYTURN_CUSTOM_CLOUD=accepted',
      'real Azure subscription',
    ])
      expect(page).toContain(open);
  });
});
