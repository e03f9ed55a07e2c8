/**
 * A deployment that is run again, by another shell: it replaces every app setting and sets the network mode. That the
 * compiler refuses what is missing or misspelt is tried by `npm run infra`; here stands what it refuses it for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { infra } from './snapshots.ts';

const source = readFileSync(join(infra, 'main.bicepparam'), 'utf8');

describe('infra/main.bicepparam', () => {
  it('has no default for what would make a private deployment public, or a running one observe', () => {
    const withoutDefault = [...source.matchAll(/readEnvironmentVariable\('(\w+)'\)/g)].map(
      ([, name]) => name,
    );
    expect(withoutDefault).toEqual(['AZURE_NETWORK_MODE', 'KEYTURN_AUDIENCE', 'KEYTURN_MODE']);
  });

  it('hands words on as they are, so that a misspelt one is refused and not taken for the default', () => {
    for (const name of ['AZURE_NETWORK_MODE', 'AZURE_NODE_VERSION', 'KEYTURN_MODE']) {
      const lines = source.split('\n').filter((line) => line.includes(`'${name}'`));
      expect(lines).toEqual([
        expect.stringMatching(/^\s*(param )?\w+( =|:) readEnvironmentVariable\([^)]*\)$/),
      ]);
    }
    expect(source).not.toContain('==');
  });

  it('reads the schedule of the sweep, and asks for the window of its alert along with it', () => {
    expect(source).toMatch(/^ {2}KEYTURN_SWEEP_SCHEDULE: schedule$/m);
    expect(source).toMatch(/: empty\(schedule\)\s+\? 'PT2H'\s+: fail\('.*AZURE_SWEEP_WINDOW/);
    expect(source).toContain(
      "param auditLocked = bool(readEnvironmentVariable('AZURE_AUDIT_LOCKED', 'false'))",
    );
  });
});
