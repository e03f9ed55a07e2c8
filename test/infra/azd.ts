/**
 * What `azd up` does with a service on Flex Consumption, by version: what it uploads, and whether Azure builds it. Written after
 * azd's source (github.com/Azure/azure-dev at ae35809f, 1.31.2, and its tags), folder cli/azd/pkg/project:
 *
 * - the range in `requiredVersions` ends everything at once: project.go
 * - languages, and `custom` since 1.20.0 (#5771): framework_service.go; what it uploads: framework_service_custom.go,
 *   whose `dist` counts from where azd was started; of js and ts: framework_service_node.go (npm.go before 1.24)
 * - what is left out of the archive: createDeployableZip in project_utils.go
 * - a build in Azure: service_target_functionapp.go, with `remoteBuild` since 1.23.5 (#6748) and the rule on `.funcignore`
 *   since 1.23.12 (#7223)
 */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../scripts/release/zip.ts';

export interface Service {
  readonly project: string;
  readonly language: string;
  readonly host: string;
  readonly dist?: string;
  readonly remoteBuild?: boolean;
}
type Version = readonly [number, number, number];

const JS = ['js', 'ts'];
const isSince = (version: Version, first: Version): boolean => {
  const at = version.findIndex((part, place) => part !== first[place]);
  return at === -1 || (version[at] ?? 0) > (first[at] ?? 0);
};

/** Whether Azure builds what is uploaded; throws in azd's words when azd refuses, which it does after all infrastructure is made. */
export function remoteBuild(
  { language, remoteBuild: told, project }: Service,
  version: Version,
  root: string,
): boolean {
  if (language === 'custom' && !isSince(version, [1, 20, 0]))
    throw new Error("unsupported language 'custom'");
  const ofLanguage = [...JS, 'py', 'python'].includes(language);
  if (!isSince(version, [1, 23, 5])) return ofLanguage;
  if (!JS.includes(language) || !isSince(version, [1, 23, 12])) return told ?? ofLanguage;
  const file = join(root, project, '.funcignore');
  if (!existsSync(file)) return told ?? true;
  const excluded = ignores(readFileSync(file, 'utf8'))('node_modules', true);
  if (told === true && !excluded)
    throw new Error("'remoteBuild: true' requires '.funcignore' to exclude node_modules");
  if (told === false && excluded)
    throw new Error("'remoteBuild: false' cannot be used when '.funcignore' excludes node_modules");
  return told ?? excluded;
}

/** The files that azd, started in `root`, puts into the archive. */
export function uploaded(service: Service, root: string): readonly Entry[] {
  const { language, project, dist, remoteBuild: told } = service;
  if (language === 'custom' && dist === undefined)
    throw new Error("'dist' required for custom language");
  const folder = language === 'custom' ? join(root, dist ?? '') : join(root, project, dist ?? '');
  if (!existsSync(folder)) throw new Error(`package source '${folder}' is empty or does not exist`);
  const file = join(folder, '.funcignore');
  const ignored = existsSync(file)
    ? ignores(readFileSync(file, 'utf8'))
    : (path: string, isFolder: boolean) =>
        JS.includes(language) && isFolder && told !== false && /(^|\/)node_modules$/.test(path);
  const isOut = (path: string, isFolder: boolean) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (isFolder ? name === '.azure' : ['.funcignore', 'local.settings.json'].includes(name))
      return true;
    return ignored(path, isFolder);
  };
  const found: Entry[] = [];
  const add = (under: string): void => {
    for (const name of readdirSync(join(folder, under))) {
      const path = under === '' ? name : `${under}/${name}`;
      const isFolder = lstatSync(join(folder, path)).isDirectory();
      if (isOut(path, isFolder)) continue;
      if (isFolder) add(path);
      else found.push({ name: path, content: readFileSync(join(folder, path)) });
    }
  };
  add('');
  return found;
}

/** Patterns as git has them, as far as ours go: names with `*`, from the root with a `/`, taken back with `!`. */
function ignores(text: string): (path: string, isFolder: boolean) => boolean {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, not, pattern = '', folder] = /^(!?)\/?(.*?)(\/?)$/.exec(line) ?? [];
      const source = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
      const from = /\/./.test(line.replace(/^!/, '')) ? '^' : '(^|/)';
      return {
        takesOut: not === '',
        onlyFolders: folder === '/',
        matches: new RegExp(`${from}${source}$`),
      };
    });
  return (path, isFolder) =>
    rules.findLast(({ onlyFolders, matches }) => (isFolder || !onlyFolders) && matches.test(path))
      ?.takesOut ?? false;
}

/** The service `keyturn` of azure.yaml, and the least version of azd that the file asks for. */
export function azureYaml(text: string): { service: Service; hook: string; least: Version } {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  const values = new Map<string, string>();
  const at: string[] = [];
  for (const line of lines) {
    const [, blanks = '', key = '', value = ''] = /^( *)([\w]+):\s*(.*)$/.exec(line) ?? [];
    if (key === '') throw new Error(`azure.yaml: not read: ${line}`);
    at.splice(blanks.length / 2, at.length, key);
    if (value !== '') values.set(at.join('.'), value.replace(/^(['"])(.*)\1$/, '$2'));
  }
  const of = (key: string) => values.get(`services.keyturn.${key}`);
  const told = of('remoteBuild');
  const dist = of('dist');
  const [, ...least] =
    /^>= (\d+)\.(\d+)\.(\d+)$/.exec(values.get('requiredVersions.azd') ?? '') ?? [];
  return {
    service: {
      ...{ project: of('project') ?? '', language: of('language') ?? '', host: of('host') ?? '' },
      ...(dist === undefined ? {} : { dist }),
      ...(told === undefined ? {} : { remoteBuild: told === 'true' }),
    },
    hook: of('hooks.prepackage.posix.run') ?? '',
    least: least.map(Number) as unknown as Version,
  };
}
