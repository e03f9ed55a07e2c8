/**
 * What is made from the calls over HTTP, one file each under `src/api/calls`: `src/api/routes.ts`, which is all of them that a
 * cold start loads, `src/api/calls.ts`, which loads them, and the table in `docs/api.md`.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Call } from '../src/api/call.ts';

const folder = join(import.meta.dirname, '../src/api/calls');
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .sort();

/** Every declaration, by the name of its file. Throws where a file declares none of its name. */
async function declared(): Promise<readonly (readonly [file: string, call: Call])[]> {
  return await Promise.all(
    files.map(async (file) => {
      const { [file]: call } = (await import(`${folder}/${file}.ts`)) as Record<
        string,
        Call | undefined
      >;
      if (!call)
        throw new Error(`src/api/calls/${file}.ts exports no call of the name \`${file}\`.`);
      return [file, call] as const;
    }),
  );
}

const all = await declared();
const byName = [...all].sort(([, one], [, other]) => (one.name < other.name ? -1 : 1));
const made = '/** Made from `src/api/calls` by `npm run docs`.';

/** The text of `src/api/routes.ts`. */
export const routesFile = (): string => `${made} All that a cold start reads of them. */
export const routes = [
${byName.map(([, { name, method, path }]) => `  { name: '${name}', method: '${method}', path: '${path}' },\n`).join('')}] as const;
`;

/** The text of `src/api/calls.ts`. */
export const callsFile = (): string => `${made} */
import type { Call } from './call.ts';
${all.map(([file]) => `import { ${file} } from './calls/${file}.ts';\n`).join('')}
/** Every call over HTTP. */
export const calls: readonly Call[] = [
${all.map(([file]) => `  ${file},\n`).join('')}];
`;

/** The table of all calls, for `docs/api.md`. */
export function callsTable(): string {
  const rows = [...all]
    .sort(([, one], [, other]) =>
      `${one.path} ${one.method}` < `${other.path} ${other.method}` ? -1 : 1,
    )
    .map(([, call]) => {
      const { method, path, summary, roles } = call;
      const named =
        call.roles === 'anyone' || call.byVault === undefined ? [] : [`a vault's ${call.byVault}`];
      const who =
        roles === 'anyone'
          ? 'none'
          : [...roles.map((role) => `\`${role}\``), ...named].join(' or ');
      return `| \`${method} /api/${path}\` | ${who} | ${summary} |`;
    });
  return ['| Call | Role | Does |', '| --- | --- | --- |', ...rows].join('\n');
}
