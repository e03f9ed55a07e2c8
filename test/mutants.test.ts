/** The mutants apply to the source as it is today; what they are worth, `npm run mutants` says. */
import { expect, it } from '@jest/globals';
import { type Mutant, mutants } from '../scripts/mutants/list.ts';
import { placeOf, sources, testFiles, tests } from '../scripts/mutants/places.ts';
import { typeFaults } from '../scripts/mutants/types.ts';

const source = await sources();
const files = await testFiles();

it.each(mutants.map((mutant) => [mutant.id, mutant] as const))(
  '%s stands in one place',
  (_, mutant) => {
    const { text, mutated } = placeOf(mutant, source);
    expect(mutated).not.toBe(text);
    expect(tests(mutant, files).length).toBeGreaterThan(0);
  },
);

it('each compiles: who moves a feature moves its faults along (npm run mutants -- --check)', async () => {
  const placed = mutants.map((mutant) => ({ mutant, place: placeOf(mutant, source) }));
  expect(await typeFaults(placed)).toEqual([]);
});

it('no two have one name, and each says what is lost', () => {
  const ids = mutants.map(({ id }) => id);
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  for (const { id, loses } of mutants) {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
    expect(loses.length).toBeGreaterThan(12);
  }
});

it('one whose code is gone, or stands twice, says so with its name and the places', () => {
  const one = {
    id: 'a-mutant',
    loses: 'nothing',
    find: 'const a  = 1;',
    put: 'const a = 2;',
    tests: ['x'],
  };
  const place = (text: string, more: Partial<Mutant> = {}) =>
    placeOf({ ...one, ...more }, [{ file: 'src/a.ts', text }]);
  expect(() => place('let b = 2;')).toThrow(
    'The mutant a-mutant has to stand once, and stands nowhere',
  );
  const twice =
    'function f() {\n  const a =\n    1;\n}\nexport const g = () => {\n  const a = 1;\n};\n';
  expect(() => place(twice)).toThrow('src/a.ts:2, src/a.ts:6');
  expect(place(twice, { inside: 'g' })).toMatchObject({
    line: 6,
    mutated: twice.replace('const a = 1', 'const a = 2'),
  });
  expect(() => tests(one, files)).toThrow(
    'The mutant a-mutant names the tests x, which are not there.',
  );
});
