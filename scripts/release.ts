/**
 * `npm run release`: the files of a release in `.keyturn/release/`: the package to deploy and the command line, their checksums, and what the package is made of.
 * Two builds of the same sources with the same Node give the same bytes.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { build } from './build.ts';
import { buildCli, CLI_FILES } from './cli.ts';
import { sbom } from './release/sbom.ts';
import { tarball } from './release/tar.ts';
import { type Entry, zip } from './release/zip.ts';

const root = join(import.meta.dirname, '..');

/** What may be in the package, and what has to be. */
const ALLOWED =
  /^(host\.json|package\.json|LICENSE|THIRD-PARTY-NOTICES|keyturn\.cjs|app\/[\w.-]+\.mjs|(app\/)?[\w.-]+\.LEGAL\.txt)$/;
const NEEDED = [
  'host.json',
  'package.json',
  'LICENSE',
  'THIRD-PARTY-NOTICES',
  'keyturn.cjs',
  'app/handlers.mjs',
];

export interface Release {
  readonly archive: string;
  readonly checksum: string;
  readonly parts: string;
  /** The command line, as npm installs it. */
  readonly cli: string;
  readonly cliChecksum: string;
}

/** Builds anew and writes the files of the release into the folder; answers their paths. */
export async function release(folder = join(root, '.keyturn/release')): Promise<Release> {
  const built = await mkdtemp(join(tmpdir(), 'keyturn-release-'));
  const builtCli = await mkdtemp(join(tmpdir(), 'keyturn-release-cli-'));
  try {
    await build({ out: built });
    const { version } = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8')) as {
      version: string;
    };
    const bytes = zip(entriesOf(built));
    const name = `keyturn-${version}.zip`;
    const cliName = `keyturn-cli-${version}.tgz`;
    await buildCli(builtCli);
    const cli = tarball(
      CLI_FILES.map((file) => ({ name: file, content: readFileSync(join(builtCli, file)) })),
      ['keyturn'],
    );
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    const files = {
      archive: join(folder, name),
      checksum: join(folder, `${name}.sha256`),
      parts: join(folder, `keyturn-${version}.cdx.json`),
      cli: join(folder, cliName),
      cliChecksum: join(folder, `${cliName}.sha256`),
    };
    await mkdir(folder, { recursive: true });
    await writeFile(files.archive, bytes);
    await writeFile(files.checksum, `${sha256}  ${name}\n`); // as `sha256sum --check` reads it
    await writeFile(files.cli, cli);
    await writeFile(
      files.cliChecksum,
      `${createHash('sha256').update(cli).digest('hex')}  ${cliName}\n`,
    );
    await writeFile(files.parts, `${JSON.stringify(sbom(lock, { name, sha256 }), undefined, 2)}\n`);
    return files;
  } finally {
    for (const each of [built, builtCli]) rmSync(each, { recursive: true });
  }
}

/** The files of a built folder; throws when one is there that does not belong, or one is missing. */
export function entriesOf(folder: string): readonly Entry[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    );
  const strange = names.filter((name) => !ALLOWED.test(name));
  const missing = NEEDED.filter((name) => !names.includes(name));
  if (strange.length + missing.length > 0)
    throw new Error(
      `The package would hold ${strange.join(', ') || 'nothing strange'}; missing: ${missing.join(', ') || 'nothing'}.`,
    );
  return names.map((name) => ({ name, content: readFileSync(join(folder, name)) }));
}

if (process.argv[1] === import.meta.filename) {
  const { archive, checksum, parts, cli, cliChecksum } = await release();
  console.log(
    `${archive}\n${checksum}\n${parts}\n${cli}\n${cliChecksum}\nsha256 ${readFileSync(checksum, 'utf8').slice(0, 64)}`,
  );
}
