/**
 * `npm run new-rotator -- <kind>`: writes the files of a new kind and its lines in those that list kinds. What it writes passes lint
 * and fails its contract test, which says what to write next (docs/developing.md, "A new rotator").
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  contractText,
  fakeText,
  type Names,
  namesOf,
  newFiles,
  rotatorText,
  sectionText,
  targetText,
} from './newRotator/templates.ts';

/** Lines in files that are there. Throws where the place for one is gone. */
function lines({ camel }: Names): Readonly<Record<string, (text: string) => string>> {
  const after = (mark: RegExp, line: string) => (text: string) => {
    if (!mark.test(text))
      throw new Error(`No line is like ${mark}: scripts/newRotator.ts has to follow.`);
    return text.replace(mark, (found) => `${found}${line}`);
  };
  const both =
    (...changes: ((text: string) => string)[]) =>
    (text: string) =>
      changes.reduce((all, change) => change(all), text);
  return {
    'src/rotators/kinds.ts': both(
      after(
        /^import \{ appRegistration, .*\n/m,
        `import { ${camel}Api } from '../targets/${camel}Api.ts';\nimport { ${camel}, ${camel}Manifest } from './${camel}.ts';\n`,
      ),
      after(
        /^export const kinds: .*\n/m,
        `  [${camel}Manifest, (on) => ${camel}({ api: ${camel}Api(on), clock: on.clock })],\n`,
      ),
    ),
    'local/azure/arm.ts': both(
      after(
        /^import \{ databaseRoutes \} .*\n/m,
        `import { ${camel}Routes } from './${camel}Fake.ts';\n`,
      ),
      after(/^ {2}\.\.\.databaseRoutes,\n/m, `  ...${camel}Routes,\n`),
    ),
  };
}

/**
 * Writes it all below `root`, or nothing.
 *
 * @returns the paths that were written, in the order in which they are worked on
 */
export function newRotator(kind: string, root: string): readonly string[] {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)+$/.test(kind))
    throw new Error('A kind is written in lower case with hyphens, as `iot-device-key`.');
  const names = namesOf(kind);
  const files = newFiles(names);
  const taken = Object.values(files).filter((file) => existsSync(join(root, file)));
  const kinds = ['src/rotators/twoKeyTable.ts', 'docs/rotators.md'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  if (
    taken.length > 0 ||
    kinds.some((text) => text.includes(`'${kind}'`) || text.includes(`\n## ${kind}\n`))
  )
    throw new Error(`${kind} is there already${taken.length > 0 ? `: ${taken.join(', ')}` : ''}.`);
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const written: readonly (readonly [string, string])[] = [
    [files.target, targetText(names)],
    [files.fake, fakeText(names)],
    [files.rotator, rotatorText(names)],
    [files.contract, contractText(names)],
    ...Object.entries(lines(names)).map(([file, change]) => [file, change(read(file))] as const),
    ['docs/rotators.md', `${read('docs/rotators.md').trimEnd()}\n${sectionText(names)}`],
  ];
  for (const [file, text] of written) writeFileSync(join(root, file), text);
  const paths = written.map(([file]) => file);
  const { status, stderr } = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['check', '--write', ...paths],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`Biome does not like what was written: ${stderr}`);
  return paths;
}

if (process.argv[1] === import.meta.filename) {
  const [kind = ''] = process.argv.slice(2);
  try {
    const paths = newRotator(kind, join(import.meta.dirname, '..'));
    console.log(
      `Written, to be worked on in this order:\n${paths.map((path) => `  ${path}`).join('\n')}`,
    );
    console.log(
      `Then: npm test -- test/contract/${namesOf(kind).camel}.test.ts, and docs/developing.md, "A new rotator".`,
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
