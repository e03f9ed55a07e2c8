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
import { Kept, type Outside } from './replay.ts';

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
  /** It ends otherwise in a pipe, where nobody is asked: not told again. */
  readonly isPipe?: true;
  /** What the person answers, after whatever happens meanwhile. */
  readonly answer?: () => string | Promise<string>;
  readonly env?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
}

/** Of the terminal at which what ran in a pipe is told again. */
const COLUMNS = 90;
const PERSON = '11111111-aaaa-4bbb-8ccc-dddddddddddd';
const ALL_ROLES = ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'];

/** A folder of a person who works with this tenant, and what was typed there. */
export class Cli {
  readonly folder: string;
  readonly #tenant: Tenant;
  /** What was told since the last transcript, and what would have been at a terminal. */
  #told: Told[] = [];
  #takeDown: (() => Promise<void>) | undefined;

  constructor(tenant: Tenant) {
    this.#tenant = tenant;
    this.folder = mkdtempSync(join(tmpdir(), 'keyturn-cli-'));
  }

  async start(): Promise<void> {
    const { azure, host } = this.#tenant;
    const files = {
      token: join(this.folder, 'token'),
      vaultToken: join(this.folder, 'vault-token'),
    };
    this.#takeDown = await putUp({
      azure,
      url: host.url,
      ...files,
      folder: join(this.folder, '.keyturn/local'),
    });
  }

  /** Puts tokens of this caller where the command line looks for them, and the right to tag secrets. */
  async signIn({ roles = ALL_ROLES, oid = PERSON, groups }: As = {}): Promise<void> {
    const { azure } = this.#tenant;
    const claims = { roles, oid, ...(groups ? { groups } : {}) };
    writeFileSync(join(this.folder, 'token'), await azure.issueToken(claims));
    writeFileSync(
      join(this.folder, 'vault-token'),
      await azure.issueToken({ oid, aud: audiences.vault }),
    );
    const dataActions = secretActions(['getSecret/action', 'update/action', 'readMetadata/action']);
    for (const { id: scope } of azure.world.vaults.values())
      azure.grant({ principalId: oid, scope, dataActions });
  }

  /** `keyturn … --local`, kept for the transcript. */
  async run(line: string, as: As = {}): Promise<Ran> {
    await this.signIn(as);
    const kept = new Kept();
    const words = [...wordsOf(line), '--local'];
    const ran = await this.#runWith(words, as, kept.keeping(this.#outside(as)));
    const isTold = as.columns !== undefined || as.isPipe;
    const again = async () => {
      const shown = await this.#runWith(words, { ...as, columns: COLUMNS }, kept.again());
      expect([line, shown.exit]).toEqual([line, ran.exit]);
      return shown;
    };
    this.#told.push({ text: typed(line, ran), ...(isTold ? {} : { atTerminal: again }), line });
    return ran;
  }

  runWords(words: readonly string[], as: As = {}): Promise<Ran> {
    return this.#runWith(words, as, this.#outside(as));
  }

  #outside({ answer, fetch: send = fetch }: As): Outside {
    return {
      fetch: send,
      now: () => new Date(),
      sleep: async () => void (await this.#tenant.settle()),
      ask: async () => await answer?.(),
      printed: async () => undefined,
      browse: async () => false,
    };
  }

  async #runWith(
    words: readonly string[],
    { columns, env = {} }: As,
    outside: Outside,
  ): Promise<Ran> {
    const [out, err]: [string[], string[]] = [[], []];
    const isTty = columns !== undefined;
    const exit = await run(
      words,
      {
        ...outside,
        out: { write: (text) => void out.push(text), isTty, columns },
        err: { write: (text) => void err.push(text), isTty, columns },
        env,
        cwd: this.folder,
        stopped: new AbortController().signal,
        ask: async (question) => {
          err.push(question);
          return await outside.ask(question);
        },
      },
      '0.0.0',
    );
    return { exit, out: out.join(''), err: err.join('') };
  }

  /** A remark between the commands. */
  say(text: string): void {
    this.#told.push({ text: `# ${text}\n\n` });
  }

  /**
   * Compares all that was typed and told since the last time with the file; KEYTURN_GOLDEN=write writes it anew. What ran in a pipe is
   * told once more in `<name>-terminal.txt`, as it looks at a terminal: with the same end.
   */
  async golden(name: string): Promise<void> {
    const told = this.#told;
    this.#told = [];
    compared(name, told.map(({ text }) => text).join(''));
    if (!told.some(({ atTerminal }) => atTerminal)) return;
    const texts: string[] = [];
    for (const { text, line = '', atTerminal } of told)
      texts.push(atTerminal ? typed(line, await atTerminal()) : text);
    compared(`${name}-terminal`, texts.join(''));
  }

  async stop(): Promise<void> {
    await this.#takeDown?.();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Told {
  readonly text: string;
  readonly line?: string;
  /** The same command again, by what it was answered. */
  readonly atTerminal?: () => Promise<Ran>;
}

/** A command and what it told, with an empty line after it. */
function typed(line: string, { out, err, exit }: Ran): string {
  const texts = [out, err]
    .map((text) => text.replaceAll('\x1b', '\\e').trimEnd())
    .filter((text) => text !== '');
  return `${[`$ keyturn ${line}`, ...texts, `[exit ${exit}]`].join('\n')}\n\n`;
}

function compared(name: string, text: string): void {
  const told = stable(text).slice(0, -1);
  const folder = join(import.meta.dirname, 'golden');
  const file = join(folder, `${name}.txt`);
  if (process.env.KEYTURN_GOLDEN === 'write') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, told);
  }
  expect(told).toBe(existsSync(file) ? readFileSync(file, 'utf8') : `no ${file}`);
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
    .replace(/\b\d{4}-\d\d-\d\d([ T])\d\d:\d\d(:\d\d(\.\d{3})?)?Z/g, (time) =>
      time.replace(/\d/g, '0'),
    )
    .replace(/\b20\d\d-\d\d(-\d\d)?\b/g, (day) => day.replace(/\d/g, '0'))
    .replace(/(?<=,)[0-9a-f]{16}(?=,)/g, 'r'.repeat(16))
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, (id) =>
      numbered(id, (at) => `00000000-0000-4000-8000-${at.padStart(12, '0')}`),
    )
    .replace(/\b[0-9a-f]{32}\b/g, (id) => numbered(id, (at) => at.padStart(32, 'v')))
    .replace(/(?<=\s)(?=[0-9a-f]*\d)[0-9a-f]{8}(?=[\s.,])/g, 'vvvvvvvv')
    .replace(/(?<=\s)[0-9a-f]{5,}(?=…)/g, (cut) => 'v'.repeat(cut.length))
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:7071')
    .replace(/(?<= Known: )[a-z0-9-]+(, [a-z0-9-]+)+(?=\.)/g, 'every kind');
}
