/** What a row of the table of dialects says. */
import type { TextPart } from './part.ts';
import type { RefusedOptions } from './refused.ts';

/** One way in which people write a credential into text. */
export interface Dialect {
  /** What the documentation calls it. */
  readonly title: string;
  /** Where its rules stand. */
  readonly source: string;
  /** Whether a text is meant in this way, so that no other reading is tried. */
  isMeant(text: string): boolean;
  /** The parts of the text. @throws `bad-value` for what clients read in several ways */
  read(text: string): readonly TextPart[];
  /** Names of the part that is the credential, in `nameOf`'s spelling; one of them stands there, once. */
  readonly credential: readonly string[];
  /** Names of the part that is the login, where there is one that changes with the credential. */
  readonly login?: readonly string[];
  /** Names of parts that name a host, as an address (`https://h:p/`), a host with or without its port, or SQL Server's `tcp:h,p`. */
  readonly hosts: readonly string[];
  readonly hostIs: 'address' | 'name' | 'sqlserver';
  /** The text may stand without a host. */
  readonly hostless?: true;
  /** Names of the part that is the port of hosts which name none. */
  readonly port?: readonly string[];
  /** Ports that mean the target where its facts name none; the first is that of a text without a port. */
  readonly ports: readonly string[];
  /** Options that have to stand there, for the client would do without TLS otherwise. */
  readonly required?: readonly string[];
  /** Line feeds and tabs may stand between the elements. */
  readonly lines?: true;
  readonly refused: RefusedOptions;
  /** What a key looks like here, where the credential is one. */
  readonly key?: RegExp;
  /** What else must hold. @throws `bad-value` or `foreign-host` */
  check?(parts: ReadonlyMap<string, string>, hosts: readonly string[]): void;
  /** A text of another dialect in the place of the credential: a connection string inside JAAS, EF6 or SQLAlchemy's `odbc_connect`. */
  readonly inner?: () => Dialect;
  /** The vendor's documented spelling, with `{K}` or `{PW}` for the credential and `{L}` for the login. */
  readonly examples: readonly string[];
}
