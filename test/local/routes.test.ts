/** The stand-in's routes as a whole: a plane that no file asks about could grow routes that nothing has ever used. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { routes } from '../../local/azure/server.ts';

it('every plane has a file here that fails when one of its routes was not used', () => {
  const texts = readdirSync(import.meta.dirname).map((file) =>
    readFileSync(join(import.meta.dirname, file), 'utf8'),
  );
  const asked = texts.flatMap((text) => [
    ...text.matchAll(/routesUnused\((['a-zA-Z, ]+)\)\)\.toEqual\(\[\]\)/g),
  ]);
  const planes = asked.flatMap(([, names = '']) => names.replaceAll("'", '').split(', '));
  expect([...new Set(routes.map(({ name }) => name.split('.')[0]))].sort()).toEqual(planes.sort());
});

it('every route has a name of its own and says where its answers come from', () => {
  expect(new Set(routes.map(({ name }) => name)).size).toBe(routes.length);
  expect(routes.filter(({ reference }) => !/\w/.test(reference)).map(({ name }) => name)).toEqual(
    [],
  );
});
