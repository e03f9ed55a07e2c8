/** What kinds are is known without a client, a credential or an SDK; and the options of every kind are parsed in one place. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { clouds } from '../../src/azure/cloud.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { KeyturnError } from '../../src/core/errors.ts';
import { manifests } from '../../src/rotators/kinds.ts';
import { parseOptions } from '../../src/rotators/kit/options.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';

const credential = { getToken: () => Promise.reject(new Error('A list asks for no token.')) };
const rotators = allRotators({
  cloud: clouds.AzureCloud,
  credential,
  clock: systemClock,
  tenantId: '',
});

describe('manifests', () => {
  it('are those of the rotators, member by member, each type once and in order', () => {
    const types = manifests.map(({ type }) => type);
    expect(types).toEqual([...new Set(types)].sort());
    expect(registry(rotators).types).toEqual(types);
    for (const { bind, ...rest } of rotators) {
      expect(bind).toBeInstanceOf(Function);
      expect(rest).toMatchObject({ title: expect.stringMatching(/^[A-Z].*[^.]$/) });
      expect(Object.keys(rest)).toEqual(Object.keys(registry(manifests).get(rest.type) ?? {}));
    }
  });

  it('are listed without a package but zod', () => {
    const code = `
      import { registerHooks } from 'node:module';
      const seen = new Set();
      registerHooks({ resolve: (name, context, next) => (/^[@a-z]/.test(name) && !context.parentURL?.includes('node_modules') && seen.add(name), next(name, context)) });
      const { manifests } = await import('./src/rotators/kinds.ts');
      console.log(JSON.stringify({ kinds: manifests.length, packages: [...seen].filter((name) => !name.startsWith('node:')) }));`;
    const root = join(import.meta.dirname, '../..');
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(JSON.parse(out)).toEqual({ kinds: manifests.length, packages: ['zod'] });
  });
});

describe('an option that a kind does not have', () => {
  it.each(manifests.map((each) => [each.type, each] as const))(
    'of %s is named beside those that it has',
    (_, kind) => {
      const thrown = (() => {
        try {
          parseOptions(kind.options, { 'sl\not': 'a value that is not shown' });
        } catch (error) {
          return error as KeyturnError;
        }
        return undefined;
      })();
      const known = Object.keys(kind.options.shape);
      // What has to be there is told first where it is missing.
      const required = known.find((key) => !kind.options.shape[key]?.safeParse(undefined).success);
      expect(thrown?.reason).toBe('bad-tags');
      expect(thrown?.detail).toMatch(/^The tag rotator-options: "/);
      expect(thrown?.detail).not.toContain('not shown');
      if (required !== undefined) return expect(thrown?.detail).toContain(`"${required}" is wrong`);
      const words =
        known.length === 0 ? 'takes none' : `knows ${known.map((key) => `\`${key}\``).join(', ')}`;
      return expect(thrown?.detail).toContain(`this kind has no such option; it ${words}.`);
    },
  );
});
