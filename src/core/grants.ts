/**
 * Consent: a target is touched only for the secrets that its owner named, each for one kind and one part (design section 6).
 * `keyturn sql-login: kv1/db-pw(app_a,app_b), kv2/*` stands in the description of Keyturn's own role assignment, among the
 * tags of an application, or in the settings. Several kinds are separated by semicolons:
 * `keyturn sql-login: kv1/db-pw(app_a,app_b); keyturn sql-single-login: kv1/job(job)`.
 */
import type { SecretRef } from './ids.ts';
import { quote } from './quote.ts';

export interface Grant {
  /** The rotator's type, in lower case. Absent in a text of the old form, which names none and gives nothing. */
  readonly kind?: string;
  readonly vault: string;
  /** `*` gives the target to everyone who may write any secret in the vault. */
  readonly name: string;
  /** What stands in parentheses: logins (`shop/app_a` for a contained user), `readonly`, a rule below its namespace. */
  readonly parts: readonly string[];
  /** From above the target: its resource group, or a resource that it stands below. */
  readonly wide?: true;
}

/** What of its owner's resource a target takes, as a consent has to name it. A target without one is a whole resource. */
export interface Part {
  /** All of them and no others. None: what is taken opens a resource of which smaller parts can be given. */
  readonly names: readonly string[];
  /** No scope is the part itself, as with logins: it is named wherever the consent stands. Otherwise only above the target. */
  readonly always?: true;
  /** What is taken opens the whole resource: given at the target itself and to a secret by name, never from above or by `*`. */
  readonly whole?: true;
  /** Kinds whose consents may give the same logins, this one included; this one alone where absent: two secrets on one login would lock each other out. */
  readonly kin?: readonly string[];
}

/** What a secret's tags ask for. */
export interface Wanted {
  readonly secret: SecretRef;
  /** The rotator's type. */
  readonly kind: string;
  readonly part?: Part | undefined;
}

/** Longer texts give nothing (how long a description may be is unverified): one that is cut could name another secret than the one that was meant. */
const TEXT_MAX = 16_384;
const ENTRY = /^([0-9a-z-]{1,24})\/(\*|[0-9a-z-]{1,127})(?:\(([^()]{0,600})\))?$/i;
/**
 * Grants in a description. A text that does not begin with the word `keyturn` grants nothing, nor does an entry or clause
 * that does not parse: consent fails closed, entry by entry. Linear in the length of the text.
 *
 * @param bare the setting's form, in which the word may be left out
 */
export function parseGrants(
  text: string,
  { bare = false }: { readonly bare?: boolean } = {},
): readonly Grant[] {
  if (text.length > TEXT_MAX || (!bare && !WORD.test(text.trimStart()))) return [];
  return split(text, ';').flatMap((clause) => {
    const { kind, list } = headOf(clause.trim().replace(WORD, ''));
    return split(list, ',').flatMap((entry) => {
      const grant = entryOf(entry.trim());
      return grant ? [kind ? { kind, ...grant } : grant] : [];
    });
  });
}
const WORD = /^keyturn(?=[\s:])/i;

/** The kind before the colon; a colon inside of an entry comes after its slash. */
function headOf(clause: string): { readonly kind?: string; readonly list: string } {
  const colon = clause.indexOf(':');
  if (colon < 0 || /[/()]/.test(clause.slice(0, colon))) return { list: clause };
  return { kind: clause.slice(0, colon).trim().toLowerCase(), list: clause.slice(colon + 1) };
}

function entryOf(text: string): Pick<Grant, 'vault' | 'name' | 'parts'> | undefined {
  const [, vault, name, inside] = ENTRY.exec(text) ?? [];
  if (vault === undefined || name === undefined) return undefined;
  const parts = (inside ?? '').split(',').flatMap((part) => part.trim() || []);
  if (inside !== undefined && parts.length === 0) return undefined; // parentheses with nobody in them
  return { vault: vault.toLowerCase(), name: name.toLowerCase(), parts };
}

/**
 * Splits outside of parentheses. One without its other half stays in its entry, which then does not parse: cut off, it would
 * leave a consent to more than what it names.
 */
function split(text: string, separator: ',' | ';'): readonly string[] {
  const found: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') at = closing(text, at);
    else if (text[at] === separator) {
      found.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...found, text.slice(from)];
}

/** Where the parenthesis that opens here is closed, before another one opens; else here. */
function closing(text: string, open: number): number {
  for (let at = open + 1; at < text.length && text[at] !== '('; at += 1)
    if (text[at] === ')') return at;
  return open;
}

/** Whether a grant is about a secret, whatever it gives. */
export const namesSecret = (grant: Grant, { vault, name }: SecretRef): boolean =>
  grant.vault === vault.toLowerCase() && (grant.name === '*' || grant.name === name.toLowerCase());

/** Whether a grant is for this kind and this part, whoever it names. */
export function gives(grant: Grant, { kind, part }: Omit<Wanted, 'secret'>): boolean {
  if (grant.kind !== kind) return false;
  const names = part?.names ?? [];
  if (part?.whole && (grant.wide || grant.name === '*')) return false;
  if (grant.parts.length > 0) return setOf(grant.parts) === setOf(names);
  return names.length === 0 || (!part?.always && !grant.wide);
}

/** The grant that gives a secret what its tags ask for. Where entries of the kind name the secret, `*` does not count for it. */
export function grantFor(grants: readonly Grant[], wanted: Wanted): Grant | undefined {
  const { secret, kind } = wanted;
  const ours = grants.filter((grant) => grant.kind === kind && namesSecret(grant, secret));
  const byName = ours.filter(({ name }) => name !== '*');
  return (byName.length > 0 ? byName : ours).find((grant) => gives(grant, wanted));
}

/**
 * Whether the owner's text stands for another secret at this target, given by `grants` that `sharedBy` chose.
 *
 * @param known the secret kept a credential there when it was last looked at
 */
export const isSharer = (grants: readonly Grant[], secret: SecretRef, known: boolean): boolean =>
  grants.some((grant) => namesSecret(grant, secret) && (grant.kind !== undefined || known));

/**
 * The grants by which other secrets share a target. A text of the old form gives nothing, but whoever got a credential
 * under it has it still, and readers with it.
 */
export const sharedBy = (grants: readonly Grant[], wanted: Wanted): readonly Grant[] =>
  grants.filter((grant) => grant.kind === undefined || gives(grant, wanted));

const setOf = (names: readonly string[]): string =>
  [...new Set(names.map((name) => name.toLowerCase()))].sort().join(',');

/**
 * A grant that names a login of this target beside any other set of logins: two secrets that share one login of two would
 * replace each other's password, so both are refused (case SEC-03).
 */
export function tornBy(grants: readonly Grant[], { kind, part }: Wanted): Grant | undefined {
  const { kin = [kind], names = [] } = part ?? {};
  const ours = new Set(names.map((name) => name.toLowerCase()));
  return grants
    .filter((grant) => kin.includes(grant.kind ?? ''))
    .find(
      ({ parts }) =>
        parts.some((name) => ours.has(name.toLowerCase())) && setOf(parts) !== setOf(names),
    );
}

/** The line that gives a secret what its tags ask for: `keyturn sql-login: kv1/db-pw(app_a,app_b)`. */
export function consentLine({ secret: { vault, name }, kind, part }: Wanted): string {
  const names = (part?.names ?? []).map(shown);
  return `keyturn ${kind}: ${vault}/${name}${names.length > 0 ? `(${names.join(',')})` : ''}`;
}

/** As it is written, where it can be shown as it is. */
const shown = (name: string): string => (quote(name) === `"${name}"` ? name : quote(name));

/**
 * What is wrong with a consent that names the secret and does not give what its tags ask for, and the line to write instead.
 * Undefined where nothing names it: a stranger reads the words of a target that does not exist (case SEC-09).
 */
export function missOf(grants: readonly Grant[], wanted: Wanted): string | undefined {
  const named = grants.filter((grant) => namesSecret(grant, wanted.secret));
  const ofKind = named.filter(({ kind }) => kind === wanted.kind);
  const [old] = named.filter(({ kind }) => kind === undefined);
  const [strange] = named.filter(({ kind }) => kind !== undefined && kind !== wanted.kind);
  const why =
    (ofKind.length > 0 && whyNot(ofKind, wanted)) ||
    (old && 'The consent is of the old form, which names no kind and gives nothing any more.') ||
    (strange?.kind &&
      `The consent is for the kind ${quote(strange.kind)} alone, and the tag rotator names ${wanted.kind}.`);
  return why
    ? `${why} Write \`${consentLine(wanted)}\`${wanted.part?.whole ? ` ${AT_ITSELF}` : ''}.`
    : undefined;
}

const AT_ITSELF = 'at the target itself, where it counts for what opens a whole resource';

function whyNot(grants: readonly Grant[], { part, secret }: Wanted): string {
  const byName = grants.filter(({ name }) => name !== '*');
  const [first] = byName.length > 0 ? byName : grants;
  const names = part?.names ?? [];
  const others =
    first !== undefined && first.parts.length > 0 && setOf(first.parts) !== setOf(names);
  if (others && names.length === 0)
    return `The consent gives ${secret.vault}/${secret.name} what it names in parentheses alone, and the tags ask for more.`;
  if (others) return 'The consent has to name in parentheses exactly what the tags ask for.';
  if (part?.whole && first?.wide)
    return 'A consent at the resource group, or above the target, does not count for it.';
  if (part?.whole)
    return `A consent to \`${secret.vault}/*\` does not count for it: the secret has to be named.`;
  return 'The consent has to name in parentheses the part that it gives.';
}
