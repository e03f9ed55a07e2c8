/** docs/api.md: its table has every call that the description of the API has, with the roles that this names, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import { openApi } from '../../src/api/openapiDocument.ts';
import { root } from './processes.ts';

const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
const none = z.object({});
const described = z
  .object({
    paths: z.record(
      z.string(),
      z.record(z.string(), z.object({ description: z.string().optional(), security: z.array(z.unknown()).optional() })),
    ),
  })
  .parse(
    openApi({
      RotateRequest: none,
      RevokeRequest: none,
      HoldRequest: none,
      InventoryQuery: none,
      OperationsQuery: none,
    }),
  );
const rolesIn = (text = ''): string => [...new Set(text.match(/Keyturn\.\w+/g))].sort().join(' ') || 'none';

it('docs/api.md has every call, with its roles', () => {
  const calls = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { description, security }]) => [
      `${method.toUpperCase()} /api${path}`,
      security === undefined ? rolesIn(description) : 'none',
    ]),
  );
  const told = [...page.matchAll(/^\| (`[A-Z]+ \/api.*?) +\| (.*?) +\| .* \|$/gm)].flatMap(
    ([, names = '', roles = '']) =>
      [...names.matchAll(/`([A-Z]+ \/api[^`]*)`/g)].map(([, call = '']) => [call, rolesIn(roles)]),
  );
  expect(calls.length).toBeGreaterThan(10);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(calls));
});
