/** A running `npm start`: it leaves a note of where it is, which names files that its user alone can read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../failure.ts';

/** What `local/demo/signpost.ts` writes. */
const LocalTenant = z.strictObject({
  url: z.string(),
  pid: z.int(),
  /** Files with a token: for the API, and for Key Vault. */
  token: z.string(),
  vaultToken: z.string(),
  /** Behind the name of a vault, with the port. */
  vaults: z.string(),
  principalId: z.string(),
});
export type LocalTenant = z.infer<typeof LocalTenant>;

/** The one at this address, or the only one. Throws `unreachable` where none runs, and `usage` where several do. */
export function localTenant(url: string | undefined, cwd: string): LocalTenant {
  const running = upwards(cwd)
    .map((folder) => join(folder, '.keyturn/local'))
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.json'))
    .flatMap(read)
    .filter(({ pid }) => lives(pid));
  const fits =
    url === undefined ? running : running.filter((each) => each.url === url.replace(/\/+$/, ''));
  const [only, ...more] = fits;
  if (!only)
    throw new Failure(
      'unreachable',
      `No local tenant runs${url === undefined ? '' : ` at ${url}`}.`,
      {
        remedy: 'Run `npm start` in another terminal, and wait until it says that it serves.',
      },
    );
  if (more.length > 0)
    throw new Failure(
      'usage',
      `Several local tenants run: ${fits.map((each) => each.url).join(', ')}.`,
      {
        remedy: 'Name one with KEYTURN_URL or --url.',
      },
    );
  return only;
}

function read(file: string): readonly LocalTenant[] {
  try {
    return [LocalTenant.parse(JSON.parse(readFileSync(file, 'utf8')))];
  } catch {
    return []; // half written, or of another release
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The folder and all above it. */
export const upwards = (folder: string): readonly string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...upwards(dirname(folder))];
