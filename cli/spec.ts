/** What a command is: the parser, the pages of help and shell completion are made from it. */
import type { Exit } from './failure.ts';
import type { Io } from './io.ts';
import type { Session } from './session/session.ts';
import type { Format, Found } from './show/print.ts';

export interface OptionSpec {
  /** As the parser takes it: `--vault <name>`, `--wait`. */
  readonly flags: string;
  readonly says: string;
  readonly choices?: readonly string[];
  /** It may be given several times, or hold several separated by commas. */
  readonly isList?: true;
}

/** What was asked for, by the names of the options without their dashes. */
export interface Asked {
  readonly args: readonly string[];
  text(option: string): string | undefined;
  is(option: string): boolean;
  list(option: string): readonly string[];
}

/** What a command has. */
export interface Run {
  readonly io: Io;
  readonly asked: Asked;
  readonly format: Format;
  readonly session: Session;
  print(found: Found): void;
}

interface Spec {
  readonly name: string;
  readonly summary: string;
  /** More than the summary, for its page of help. */
  readonly more?: string;
  /** As the parser takes them: `<secret>`, `[secret]`. */
  readonly args?: readonly (readonly [name: string, says: string])[];
  readonly options?: readonly OptionSpec[];
  /** Lines that can be pasted; a test runs them. */
  readonly examples?: readonly string[];
}

export interface CommandSpec extends Spec {
  /** Answers how it ended, or throws a `Failure`. */
  run(run: Run): Promise<Exit>;
}

/** It asks nobody anything: there also where nothing is configured. */
export interface OfflineSpec extends Spec {
  readonly isOffline: true;
  run(run: Omit<Run, 'session'>): Promise<Exit>;
}

export const SECRET_ARG = ['<secret>', '<vault>/<secret>, or its address in Key Vault'] as const;

/** Options of everything that talks to Keyturn. */
export const WHERE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--url <address>', says: 'where Keyturn is (KEYTURN_URL)' },
  { flags: '--audience <id>', says: 'client id of its API (KEYTURN_AUDIENCE)' },
  {
    flags: '--auth <way>',
    says: 'how to sign in (KEYTURN_AUTH): auto, cli, environment, managed, device',
  },
  { flags: '--config <file>', says: 'instead of ~/.config/keyturn/config.json (KEYTURN_CONFIG)' },
  { flags: '--local', says: 'a running `npm start` of this clone' },
];
/** Of every command. */
export const OUTPUT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-o, --output <format>',
    says: 'table for people; json, jsonl, csv or markdown',
    choices: ['table', 'json', 'jsonl', 'csv', 'markdown'],
  },
];
/** Of every request for a change. */
export const REQUEST_OPTIONS: readonly OptionSpec[] = [
  { flags: '--note <text>', says: 'why: for the operation and the audit' },
  { flags: '--ticket <id>', says: 'the ticket that it belongs to' },
  { flags: '--dry-run', says: 'show what would happen, and change nothing' },
];
export const FOLLOW_OPTIONS: readonly OptionSpec[] = [
  { flags: '--wait', says: 'follow it until nothing is waited for any more' },
  { flags: '--timeout <time>', says: 'how long --wait waits at most, as 10m (default 30m)' },
  {
    flags: '--key <text>',
    says: 'a repeat with the same key is the same request (Idempotency-Key)',
  },
];
