/** What stands beside the credential in a document and decides where it goes, or whether it is used (facts on values, V3, V6, V7.1, V7.5). */
import { KeyturnError } from '../core/errors.ts';
import type { FormSpec } from '../core/formSpec.ts';
import { quote } from '../core/quote.ts';
import { type Document, type Member, pointerOf, siblingsOf } from './document.ts';
import { bad, nameOf } from './part.ts';
import { refusalWords } from './refused.ts';
import { isSameLogin } from './roles.ts';
import { openString } from './text.ts';

interface Opened {
  readonly spec: FormSpec;
  readonly hosts: readonly string[];
  readonly bare: string;
  readonly login: string | undefined;
}

type Why = keyof typeof refusalWords;
/** Members of keyword documents (PyMySQL, mysqlclient, Rails), refused unless their value is one of the fine ones. */
const KEYWORDS: readonly (readonly [names: string, why: Why, fine?: RegExp])[] = [
  ['unix_socket socket named_pipe bind_address init_command', 'elsewhere', /^(false|null|)$/i],
  ['defer_connect', 'elsewhere', /^(false|null|0|)$/i],
  ['read_default_file read_default_group server_public_key_path', 'file', /^(null|)$/i],
  ['auth_plugin auth_plugin_map', 'identity', /^(null|)$/i],
  ['server_public_key', 'unprotected', /^(null|)$/i],
  ['ssl_disabled', 'unprotected', /^(false|null|0|)$/i],
  ['ssl_verify_cert', 'unprotected', /^(true|null|1|)$/i],
];
/** Of PostgreSQL's in Rails. */
const RAILS: typeof KEYWORDS = [
  ['socket', 'elsewhere', /^$/],
  ['sslmode', 'unprotected', /^(require|verify-ca|verify-full|)$/i],
];
const ENVIRONMENT = /^(?:production|staging|development|test|default|preview|review|qa|uat)$/i;

/** @throws `bad-value` or `foreign-host` naming the member */
export function checkBeside(document: Document, member: Member, opened: Opened): void {
  const siblings = siblingsOf(document, member).filter((each) => each !== member);
  const { spec } = opened;
  if (spec.kind === 'login') {
    refuseKeywords(
      siblings,
      spec.server === 'mysql' ? KEYWORDS : document.what.includes('YAML') ? RAILS : [],
    );
    if (spec.server === 'mysql') refuseOtherPassword(siblings, member, opened.bare);
    if (!document.what.includes('JSON')) refuseOtherUrl(siblings, member, opened);
    refuseEnvironments(document, member);
  }
  if (spec.kind === 'key' && spec.dialects.includes('jaas')) checkKafka(siblings, opened.hosts);
}

function refuseKeywords(siblings: readonly Member[], rows: typeof KEYWORDS): void {
  for (const { path, value } of siblings) {
    const row = rows.find(([names]) => names.split(' ').includes(path.at(-1) ?? ''));
    if (row && !row[2]?.test(value))
      throw bad(`${quote(pointerOf(path))} ${refusalWords[row[1]]}.`);
  }
}

/** What is left of a name without `url` or `password`: `springdatasource.` of both. */
const stemOf = (path: readonly string[]): string =>
  nameOf(path.at(-1) ?? '').replace(/(?:jdbc)?ur[li]$|(?:password|passwd)$/, '');

/** A string of Rails or Spring that clients take first, and that holds another credential. */
function refuseOtherUrl(siblings: readonly Member[], { path: own }: Member, opened: Opened): void {
  const other = siblings.find(
    ({ path, value }) =>
      /ur[li]$/i.test(path.at(-1) ?? '') && stemOf(path) === stemOf(own) && isOther(value, opened),
  );
  if (other) throw another(other);
}

/** Of `password` and `passwd`, mysqlclient and PyMySQL take different ones first. */
function refuseOtherPassword(
  siblings: readonly Member[],
  { path: own }: Member,
  bare: string,
): void {
  const isPassword = ({ path }: Pick<Member, 'path'>) =>
    /^pass(?:word|wd)$/.test(path.at(-1) ?? '');
  const other = siblings.find(
    (each) => isPassword(each) && each.value !== '' && each.value !== bare,
  );
  if (other && isPassword({ path: own })) throw another(other);
}

const another = ({ path }: Member): KeyturnError =>
  bad(
    `${quote(pointerOf(path))} holds another credential than the field, and clients differ in which they take.`,
  );

function isOther(text: string, { spec, hosts, bare, login }: Opened): boolean {
  try {
    const opened = openString(text.trim(), spec, hosts);
    return (
      opened !== undefined &&
      (opened.bare !== bare || (login !== undefined && !isSameLogin(opened.login, login)))
    );
  } catch (error) {
    if (error instanceof KeyturnError) return false; // without a credential, or refused where it holds ours
    throw error;
  }
}

/** Rails' environments: one of them would go on with what the others no longer have. */
function refuseEnvironments({ what, members }: Document, { path, value }: Member): void {
  const [first = '', ...rest] = path;
  if (!what.includes('YAML') || rest.length === 0 || !ENVIRONMENT.test(first)) return;
  const other = members.find(
    (each) =>
      each.path.length === path.length &&
      each.path[0] !== first &&
      ENVIRONMENT.test(each.path[0] ?? '') &&
      rest.every((step, at) => step === each.path[at + 1]) &&
      each.value !== value,
  );
  if (other)
    throw bad(
      `${quote(pointerOf(other.path))} holds another credential; keep one environment in a secret.`,
    );
}

/** Where Kafka's clients take the connection string to (V3). */
function checkKafka(siblings: readonly Member[], hosts: readonly string[]): void {
  const names = new Set(hosts.map((host) => host.replace(/:\d+$/, '')));
  for (const { path, value } of siblings) {
    const name = nameOf(path.at(-1) ?? '').replaceAll('.', '');
    const where = quote(pointerOf(path));
    if (/callbackhandlerclass$/.test(name) && /sasl/.test(name))
      throw bad(`${where} ${refusalWords.identity}.`);
    if (name.endsWith('securityprotocol') && !/^SASL_SSL$/i.test(value))
      throw bad(`${where} ${refusalWords.unprotected}.`);
    if (!name.endsWith('bootstrapservers')) continue;
    const servers = value.split(',').map((each) => each.trim().toLowerCase());
    if (
      servers.every(
        (each) => /^[\w.-]+(?::\d{1,5})?$/.test(each) && names.has(each.replace(/:\d+$/, '')),
      )
    )
      continue;
    const detail = `${where} leads to a host that is not the target's (${hosts.map(quote).join(', ') || 'none known'}).`;
    throw new KeyturnError('foreign-host', { detail });
  }
}
