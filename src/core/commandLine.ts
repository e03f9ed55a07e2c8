/**
 * Commands that a person pastes into a shell. Names of vaults, logins and resources come from tags, so each word that could mean
 * something to the shell stands in single quotes: what is pasted does what it says, whoever wrote the tag (case SEC-06).
 */
import { consentLine, type Wanted } from './grants.ts';

const SAFE = /^[\w./:@=,+-]+$/;

/** One word of a command line, in quotes where it needs them; without what does not print. */
export const shellWord = (text: string): string => {
  const clean = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return SAFE.test(clean) ? clean : `'${clean.replaceAll("'", String.raw`'\''`)}'`;
};

/** The words as one command line. */
export const commandLine = (...words: readonly string[]): string => words.map(shellWord).join(' ');

/** A word that the shell puts together: texts of ours in quotes, and between them what a command prints. */
export const printedBetween = (
  [before, after]: readonly [string, string],
  command: string,
): string => `${shellWord(before)}"$(${command})"${shellWord(after)}`;

/** The display name of an identity, as its logins carry it. */
export const displayNameOf = (principalId: string): string =>
  commandLine(
    'az',
    'ad',
    'sp',
    'show',
    '--id',
    principalId,
    '--query',
    'displayName',
    '--output',
    'tsv',
  );

/** `kv1/db-pw(app_a,app_b)`: what stands behind the kind in a consent. */
export const consentEntry = (wanted: Wanted): string =>
  consentLine(wanted).slice(`keyturn ${wanted.kind}: `.length);

/** Makes the kind's role in the group anew, with all its actions, and gives it to Keyturn for this secret. */
export function giveTarget(id: string, wanted: Wanted, principalId: string): string {
  return `${makeRole(id, wanted.kind)} && ${consentTo(id, wanted, principalId)}`;
}

/** infra/target.bicep may be deployed again by anybody: it makes the role and nothing else. */
export function makeRole(id: string, kind: string): string {
  const [, , subscription = '', , group = ''] = id.split('/');
  const where = ['--subscription', subscription, '--resource-group', group];
  const what = ['--template-file', 'infra/target.bicep', '--parameters', `rotator=${kind}`];
  return commandLine('az', 'deployment', 'group', 'create', ...where, ...what);
}

/** Names the secret in the description of Keyturn's role assignment at the target. */
export const consentTo = (id: string, wanted: Wanted, principalId: string): string =>
  commandLine(
    ...[
      'infra/scripts/consent.sh',
      '--target',
      id,
      '--kind',
      wanted.kind,
      '--principal-id',
      principalId,
    ],
    ...['--add', consentEntry(wanted)],
  );

/** Of an app registration, whose owner consents in its tags. That az takes `--add` here is unverified. */
export const tagApplication = (appId: string, wanted: Wanted): string =>
  commandLine('az', 'ad', 'app', 'update', '--id', appId, '--add', 'tags', consentLine(wanted));

/** Gives an identity a role by its name. */
export const assignRole = (principalId: string, role: string, scope: string): string =>
  commandLine(
    ...['az', 'role', 'assignment', 'create', '--assignee-object-id', principalId],
    ...['--assignee-principal-type', 'ServicePrincipal', '--role', role, '--scope', scope],
  );
