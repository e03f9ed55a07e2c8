/**
 * Finds the Bicep compiler: on the PATH, the one of the Azure CLI, or, on a bare machine with the .NET SDK, Microsoft's
 * package from NuGet, restored into `infra/.bicep` (azure-facts 11.2).
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
export const infra = join(root, 'infra');

/** The version that wrote the golden files; an older one cannot check them. */
const VERSION = '0.49.2';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

/** Runs a command to its end; a command that is not there ends with 127. */
export function run(words: readonly string[]): Promise<Ran> {
  const [command = '', ...rest] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { cwd: root });
    let [stdout, output] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT'
        ? resolve({ code: 127, stdout, output: `${command} is not there.` })
        : reject(error),
    );
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, output }));
  });
}

/** The command of a compiler that is new enough; throws saying what was looked for. */
export async function bicepCommand(folder = join(infra, '.bicep')): Promise<string> {
  const ofAzureCli = join(process.env.AZURE_CONFIG_DIR ?? join(homedir(), '.azure'), 'bin/bicep');
  for (const command of ['bicep', ofAzureCli]) {
    const { code, stdout } = await run([command, '--version']);
    if (code !== 0) continue;
    if (isNewEnough(stdout)) return command;
    console.error(
      `${command} is ${/[\d.]+/.exec(stdout)?.[0]}; ${VERSION} or newer is needed, so it is not used.`,
    );
  }
  return fromNuGet(folder);
}

function isNewEnough(text: string): boolean {
  const [found, wanted] = [/\d+(\.\d+)+/.exec(text)?.[0] ?? '0', VERSION].map((each) =>
    each.split('.').map(Number),
  );
  const at = wanted?.findIndex((part, place) => part !== found?.[place]) ?? -1;
  return at === -1 || (found?.[at] ?? 0) > (wanted?.[at] ?? 0);
}

async function fromNuGet(folder: string): Promise<string> {
  const name = `azure.bicep.commandline.${platform()}`;
  const tool = join(
    folder,
    'pkgs',
    name,
    VERSION,
    'tools',
    process.platform === 'win32' ? 'bicep.exe' : 'bicep',
  );
  if (existsSync(tool)) return tool;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bicep.csproj'), project(name));
  const restored = await run(['dotnet', 'restore', join(folder, 'bicep.csproj')]);
  if (restored.code !== 0)
    throw new Error(
      `There is no Bicep compiler: neither \`bicep\` ${VERSION} on the PATH, nor that of the Azure CLI (\`az bicep install\`), ` +
        `and restoring it from NuGet with the .NET SDK 10 did not work (exit code ${restored.code}):\n${restored.output}`,
    );
  if (process.platform !== 'win32') chmodSync(tool, 0o755);
  return tool;
}

function platform(): string {
  const system =
    { linux: 'linux', darwin: 'osx', win32: 'win' }[process.platform as string] ?? process.platform;
  return `${system}-${process.arch}`;
}

const project = (name: string) => `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <RestorePackagesPath>pkgs</RestorePackagesPath>
  </PropertyGroup>
  <ItemGroup>
    <PackageDownload Include="${name}" Version="[${VERSION}]" />
  </ItemGroup>
</Project>
`;

/** What would change in a file, as `diff` shows it. */
export function difference(path: string, wanted: string): string {
  const { stdout } = spawnSync('diff', ['-u', existsSync(path) ? path : '/dev/null', '-'], {
    input: wanted,
    encoding: 'utf8',
  });
  return stdout;
}
