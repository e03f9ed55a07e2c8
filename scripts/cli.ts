/** The command line: its bundle, one file that needs Node alone, and its page in the documentation, both from its declarations. */
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { commands } from '../cli/commands.ts';
import { EXITS } from '../cli/failure.ts';
import { type OptionSpec, OUTPUT_OPTIONS, WHERE_OPTIONS } from '../cli/spec.ts';
import { notices } from './release/notices.ts';

const root = join(import.meta.dirname, '..');

/** The package of the command line. */
export const CLI_FILES = ['LICENSE', 'THIRD-PARTY-NOTICES', 'keyturn', 'package.json'];

/** Builds the folder anew: `keyturn`, which a shell runs as it is, and what its parts are; npm installs the folder, too. */
export async function buildCli(out = join(root, '.keyturn/cli')): Promise<void> {
  const { version, license, engines } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as {
    [name: string]: unknown;
  };
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const file = join(out, 'keyturn');
  const { metafile } = await bundle({
    ...{
      absWorkingDir: root,
      entryPoints: ['cli/keyturn.ts'],
      outfile: file,
      bundle: true,
      metafile: true,
    },
    ...{
      platform: 'node',
      target: 'node22',
      format: 'esm',
      legalComments: 'none',
      logLevel: 'warning',
    },
    define: { keyturnVersion: JSON.stringify(version) },
    // Packages that are CommonJS ask for Node's own modules in their way.
    banner: {
      js: "import { createRequire as keyturnRequire } from 'node:module'; const require = keyturnRequire(import.meta.url);",
    },
  });
  await chmod(file, 0o755);
  await writeFile(join(out, 'THIRD-PARTY-NOTICES'), await notices([metafile]));
  await copyFile(join(root, 'LICENSE'), join(out, 'LICENSE'));
  const own = {
    name: 'keyturn-cli',
    version,
    license,
    type: 'module',
    bin: { keyturn: 'keyturn' },
    engines,
  };
  await writeFile(join(out, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`);
}

const optionsTable = (options: readonly OptionSpec[]): string =>
  [
    '| Option | Says |',
    '| --- | --- |',
    ...options.map(({ flags, says }) => `| \`${flags}\` | ${says.replaceAll('|', '\\|')} |`),
  ].join('\n');

/** The part of `docs/cli.md` that is made: every command with its arguments, options and examples. */
export function commandsPart(): string {
  const sections = commands.map(({ name, summary, more, args = [], options = [], examples = [] }) =>
    [
      `### keyturn ${name}`,
      `${summary[0]?.toUpperCase()}${summary.slice(1)}.${more === undefined ? '' : ` ${more}`}`,
      ...(args.length === 0 ? [] : [args.map(([arg, says]) => `\`${arg}\`: ${says}.`).join(' ')]),
      ...(options.length === 0 ? [] : [optionsTable(options)]),
      ...(examples.length === 0 ? [] : [['```sh', ...examples, '```'].join('\n')]),
    ].join('\n\n'),
  );
  return sections.join('\n\n');
}

/** The options that every command takes. */
export const commonPart = (): string => optionsTable([...OUTPUT_OPTIONS, ...WHERE_OPTIONS]);

export const exitsPart = (): string =>
  [
    '| Code | Means |',
    '| --- | --- |',
    ...Object.values(EXITS).map(({ code, says }) => `| ${code} | ${says} |`),
  ].join('\n');

if (process.argv[1] === import.meta.filename) await buildCli();
