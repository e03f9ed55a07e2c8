/** Where a running tenant is, for the command line with `--local`: addresses, and files with tokens that its user alone can read. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Azure } from '../azure/azure.ts';

/** Where it is looked for: in the folder of the clone. */
const FOLDER = join(import.meta.dirname, '../../.keyturn/local');

interface Place {
  readonly azure: Azure;
  /** Of the Functions host. */
  readonly url: string;
  /** Files, as `Token` keeps them. */
  readonly token: string;
  readonly vaultToken: string;
  /** Instead of the clone's own folder. */
  readonly folder?: string;
}

/** Puts the note up, under the number of this process; answers what takes it down. It holds no token. */
export async function putUp({
  azure,
  url,
  token,
  vaultToken,
  folder = FOLDER,
}: Place): Promise<() => Promise<void>> {
  const file = join(folder, `${process.pid}-${new URL(url).port}.json`);
  const vaults = new URL(azure.url('vault')).host;
  const note = {
    url,
    pid: process.pid,
    token,
    vaultToken,
    vaults,
    principalId: azure.world.identity.oid,
  };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await clear(folder);
  await writeFile(file, JSON.stringify(note), { mode: 0o600 });
  return () => rm(file, { force: true });
}

/** Takes down what processes left that were killed: their numbers come again. */
async function clear(folder: string): Promise<void> {
  const dead = (await readdir(folder)).filter((name) => !lives(Number(name.split('-')[0])));
  await Promise.all(dead.map((name) => rm(join(folder, name), { force: true })));
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
