/** docs/api.md: its table has every call that the description of the API has, with the roles by which it is heard, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import { calls } from '../../src/api/calls.ts';
import { openApi } from '../../src/api/openapiDocument.ts';
import { root } from './processes.ts';

const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
const { paths } = z
  .object({ paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))) })
  .parse(openApi(calls));
const rolesIn = (text = ''): string =>
  [...new Set(text.match(/Keyturn\.\w+/g))].sort().join(' ') || 'none';

it('docs/api.md has every call, with its roles', () => {
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} /api${path}`),
  );
  const told = [...page.matchAll(/^\| `([A-Z]+ \/api[^`]*)` +\| (.*?) +\| .* \|$/gm)].map(
    ([, call = '', roles = '']) => [call, rolesIn(roles)] as const,
  );
  expect(told.map(([call]) => call).sort()).toEqual(described.sort());
  const heard = calls.map(({ method, path, roles }) => [
    `${method} /api/${path}`,
    roles === 'anyone' ? 'none' : [...roles].sort().join(' '),
  ]);
  expect(heard.length).toBeGreaterThan(10);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(heard));
});
