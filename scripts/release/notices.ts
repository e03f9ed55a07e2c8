/**
 * Whose work is in the bundle, and under which terms: the text of `THIRD-PARTY-NOTICES`, made of what the bundler took in, so
 * that it names no package too many and none too few (case ATK-14).
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
/** Texts for packages that bring none; its README says when. */
const KEPT = join(import.meta.dirname, 'licences');

/** Files that hold terms; a NOTICE has to be passed on beside the Apache licence (its section 4d). */
const TERMS = /^(licen[cs]e|copying|notice|third[-_ ]?party[-_ ]?notices?)([-._].*)?$/i;
/** Words of a grant; a file that lacks them all is a pointer to terms, or a bare copyright. */
const GRANTS =
  /permission is hereby granted|permission to use, copy|redistribution and use|apache license|blue oak|public domain/i;
/** The section of a README that holds the terms. */
const SECTION = /^#+\s*licen[cs]e\s*$\n([\s\S]*?)(?=^#|$(?![\s\S]))/im;
const RULE = '='.repeat(80);

const Package = z.object({
  name: z.string(),
  version: z.string(),
  license: z.union([z.string(), z.object({ type: z.string() })]).optional(),
});

/**
 * The text: every package whose files are in one of the bundles, by name, with its licence and the texts that it comes with;
 * the same for the same packages.
 * @throws Error that names each package without a licence text.
 */
export async function notices(
  bundles: readonly Metafile[],
  base = root,
  kept = KEPT,
): Promise<string> {
  const folders = [...new Set(bundles.flatMap(foldersIn))].sort();
  const parts = await Promise.all(folders.map((folder) => partOf(join(base, folder), kept)));
  const bare = parts.filter(({ texts }) => !texts.some((text) => GRANTS.test(text)));
  if (bare.length > 0)
    throw new Error(
      `No licence text is in ${bare.map(({ title }) => title).join(', ')}: what is bundled has to bring it.`,
    );
  parts.sort((one, other) => (one.title < other.title ? -1 : one.title > other.title ? 1 : 0));
  const shown = parts.map(({ title, license, texts }) =>
    [RULE, `${title} (${license})`, RULE, ...texts.map((text) => `\n${text}\n`)].join('\n'),
  );
  return `${['Keyturn contains parts of the packages below, each under the terms that follow its name.', ...new Set(shown)].join('\n\n')}\n`;
}

/** Folders of packages, of which something came into an output. A package inside another one is its own. */
function foldersIn({ outputs }: Metafile): readonly string[] {
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  return files.flatMap(
    (file) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? [],
  );
}

async function partOf(folder: string, kept: string) {
  const { name, version, license } = Package.parse(
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
  );
  const all = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
  const texts = await Promise.all(
    all
      .filter((file) => TERMS.test(file))
      .sort()
      .map((file) => textOf(join(folder, file))),
  );
  if (!texts.some((text) => GRANTS.test(text)))
    texts.push(...(await elsewhere(folder, all, join(kept, `${fileName(name)}@${version}.txt`))));
  const named = typeof license === 'string' ? license : license?.type;
  return { title: `${name} ${version}`, license: named ?? 'terms below', texts };
}

const fileName = (name: string) => name.replace('/', '+');

/** The terms of a package without a file of them: in its README, or kept here. */
async function elsewhere(
  folder: string,
  files: readonly string[],
  kept: string,
): Promise<readonly string[]> {
  const readme = files.find((file) => /^readme(\.\w+)?$/i.test(file));
  const [, section = ''] =
    SECTION.exec(readme === undefined ? '' : await textOf(join(folder, readme))) ?? [];
  if (GRANTS.test(section)) return [section.trim()];
  return existsSync(kept) ? [await textOf(kept)] : [];
}

const textOf = async (file: string): Promise<string> =>
  (await readFile(file, 'utf8')).replaceAll('\r\n', '\n').trim();
