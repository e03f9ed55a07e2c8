/** The command line against the tenant of the cases: run in this process as the binary runs it, and told as a transcript. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { run } from '../../cli/run.ts';
import { secretActions } from '../../local/azure/grants.ts';
import { audiences } from '../../local/azure/world.ts';
import { putUp } from '../../local/demo/signpost.ts';
import type { Tenant } from '../cases/harness.ts';

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface As {
  readonly roles?: readonly string[];
  readonly oid?: string;
  /** Object ids in the claim `groups`. */
  readonly groups?: readonly string[];
  /** A terminal of this width instead of a pipe. */
  readonly columns?: number;
  /** What the person answers, after whatever happens meanwhile. */
  readonly answer?: () => string | Promise<string>;
  readonly env?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
}

const PERSON = '11111111-aaaa-4bbb-8ccc-dddddddddddd';
const ALL_ROLES = ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'];

/** A folder of a person who works with this tenant, and what was typed there. */
export class Cli {
  readonly folder: string;
  readonly #tenant: Tenant;
  #told: string[] = [];
  #takeDown: (() => Promise<void>) | undefined;

  constructor(tenant: Tenant) {
    this.#tenant = tenant;
    this.folder = mkdtempSync(join(tmpdir(), 'keyturn-cli-'));
  }

  async start(): Promise<void> {
    const { azure, host } = this.#tenant;
    const files = { token: join(this.folder, 'token'), vaultToken: join(this.folder, 'vault-token') };
    this.#takeDown = await putUp({ azure, url: host.url, ...files, folder: join(this.folder, '.keyturn/local') });
  }

  /** Puts tokens of this caller where the command line looks for them, and the right to tag secrets. */
  async signIn({ roles = ALL_ROLES, oid = PERSON, groups }: As = {}): Promise<void> {
    const { azure } = this.#tenant;
    const claims = { roles, oid, ...(groups ? { groups } : {}) };
    writeFileSync(join(this.folder, 'token'), await azure.issueToken(claims));
    writeFileSync(join(this.folder, 'vault-token'), await azure.issueToken({ oid, aud: audiences.vault }));
    const dataActions = secretActions(['getSecret/action', 'update/action', 'readMetadata/action']);
    for (const { id: scope } of azure.world.vaults.values()) azure.grant({ principalId: oid, scope, dataActions });
  }

  /** `keyturn … --local`, kept for the transcript. */
  async run(line: string, as: As = {}): Promise<Ran> {
    await this.signIn(as);
    const ran = await this.runWords([...wordsOf(line), '--local'], as);
    const indent = (text: string) => text.replaceAll('\x1b', '\\e').trimEnd();
    this.#told.push(
      `$ keyturn ${line}`,
      ...[ran.out, ran.err].map(indent).filter((text) => text !== ''),
      `[exit ${ran.exit}]`,
      '',
    );
    return ran;
  }

  async runWords(words: readonly string[], { columns, answer, env = {}, fetch: send = fetch }: As = {}): Promise<Ran> {
    const [out, err]: [string[], string[]] = [[], []];
    const isTty = columns !== undefined;
    const exit = await run(
      words,
      {
        out: { write: (text) => void out.push(text), isTty, columns },
        err: { write: (text) => void err.push(text), isTty, columns },
        env,
        cwd: this.folder,
        fetch: send,
        now: () => new Date(),
        sleep: async () => void (await this.#tenant.settle()),
        stopped: new AbortController().signal,
        ask: async (question) => {
          err.push(question);
          return await answer?.();
        },
        printed: async () => undefined,
        browse: async () => false,
      },
      '0.0.0',
    );
    return { exit, out: out.join(''), err: err.join('') };
  }

  /** A remark between the commands. */
  say(text: string): void {
    this.#told.push(`# ${text}`, '');
  }

  /** Compares all that was typed and told since the last time with the file; KEYTURN_GOLDEN=write writes it anew. */
  golden(name: string): void {
    const told = stable(this.#told.join('\n'));
    this.#told = [];
    const folder = join(import.meta.dirname, 'golden');
    const file = join(folder, `${name}.txt`);
    if (process.env.KEYTURN_GOLDEN === 'write') {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, told);
    }
    expect(told).toBe(existsSync(file) ? readFileSync(file, 'utf8') : `no ${file}`);
  }

  async stop(): Promise<void> {
    await this.#takeDown?.();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The words of a line: blanks between them, double quotes around those that hold some. */
export const wordsOf = (line: string): readonly string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare);

/** The same for every run and as wide: ids numbered by first appearance, times without their digits; and without the list of kinds, which grows. */
export function stable(text: string): string {
  const seen = new Map<string, string>();
  const numbered = (id: string, form: (at: string) => string) => {
    if (!seen.has(id)) seen.set(id, form(String(seen.size + 1)));
    return seen.get(id) ?? id;
  };
  return text
    .replace(/\b\d{4}-\d\d-\d\d([ T])\d\d:\d\d(:\d\d(\.\d{3})?)?Z/g, (time) => time.replace(/\d/g, '0'))
    .replace(/\b20\d\d-\d\d(-\d\d)?\b/g, (day) => day.replace(/\d/g, '0'))
    .replace(/(?<=,)[0-9a-f]{16}(?=,)/g, 'r'.repeat(16))
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, (id) =>
      numbered(id, (at) => `00000000-0000-4000-8000-${at.padStart(12, '0')}`),
    )
    .replace(/\b[0-9a-f]{32}\b/g, (id) => numbered(id, (at) => at.padStart(32, 'v')))
    .replace(/(?<=\s)(?=[0-9a-f]*\d)[0-9a-f]{8}(?=[\s.,])/g, 'vvvvvvvv')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:7071')
    .replace(/(?<= Known: )[a-z0-9-]+(, [a-z0-9-]+)+(?=\.)/g, 'every kind');
}
