/** Snapshots are written the same by every run, so that a difference is one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { inOrder } from '../../scripts/infra/snapshotOrder.ts';
import { infra } from './snapshots.ts';

const folder = join(infra, 'snapshots');

it('outputs stand by their names, in whatever order the compiler wrote them', () => {
  const made = (outputs: object) =>
    JSON.stringify({ predictedResources: [], diagnostics: [], outputs }, undefined, 2);
  expect(inOrder(made({ b: 1, a: { d: 1, c: 2 } }))).toBe(made({ a: { d: 1, c: 2 }, b: 1 }));
  expect(inOrder('{}')).toBe('{}');
});

it.each(readdirSync(folder).filter((file) => file.endsWith('.snapshot.json')))(
  '%s is in order',
  (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    expect(inOrder(text)).toBe(text);
  },
);
