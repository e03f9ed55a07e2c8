/** The tables of docs/permissions.md: every right of every kind, from the registry, with the call, the source and the risk. */
import { inRole, type NeededRights, type RightNote } from '../src/core/neededRights.ts';
import type { Manifest } from '../src/ports/rotator.ts';
import { manifests } from '../src/rotators/kinds.ts';

interface Note extends RightNote {
  readonly rights: RegExp;
}

/** Of rights for which their kind has no words of its own; the first that fits. Sources are sections of the project's collection of facts, which names Microsoft's pages. */
const notes: readonly Note[] = [
  {
    rights: /^Application\.ReadWrite\.OwnedBy$/,
    call: 'Graph `addPassword`, `removePassword`, GET of the application',
    misuse: 'log in as every application that Keyturn owns',
    source: 'azure-facts 6',
  },
  {
    rights: /^Microsoft\.Storage\/storageAccounts\/read$/,
    call: 'GET of the account: flags, key times, endpoints',
    misuse: 'see configuration',
    source: 'azure-facts 4.1',
  },
  {
    rights: /^Microsoft\.Storage\/storageAccounts\/listKeys\//,
    call: 'POST `listKeys`: which slot a value is, join, confirmation',
    misuse: 'read and write all data of the account',
    source: 'azure-facts 4.1',
  },
  {
    rights: /^Microsoft\.Storage\/storageAccounts\/regenerateKey\//,
    call: 'POST `regenerateKey`: issue and revoke',
    misuse: 'lock out every user of the key',
    source: 'azure-facts 4.1',
  },
  {
    rights: /^Microsoft\.Sql\/servers\/write$/,
    call: 'PATCH of the server with the password alone',
    misuse: 'change administrators, firewall and more: by far the widest right of all',
    source: 'azure-facts 5.1',
  },
  {
    rights: /^Microsoft\.Sql\/servers\/read$/,
    call: 'GET of the server: Entra-only, host',
    misuse: 'see configuration',
    source: 'azure-facts 5.1',
  },
  {
    rights: /^Microsoft\.Sql\/servers\/failoverGroups\/read$/,
    call: 'GET of failover groups: partners hold copies of a password',
    misuse: 'see configuration',
  },
  {
    rights: /^`ALTER ANY LOGIN`/,
    call: '`ALTER LOGIN` or `ALTER USER` of the logins',
    misuse:
      'set the password of every login of the server but the administrator, or of every user of the database',
    source: 'azure-facts 5.2',
  },
  {
    rights: /^`CREATEROLE`/,
    call: '`ALTER ROLE` of the logins',
    misuse: 'up to PostgreSQL 15 set the password of every role that is no superuser',
    source: 'measured on 15',
  },
  {
    rights: /^`CREATE USER`/,
    call: '`ALTER USER` of the logins',
    misuse: 'make users and set the password of every one',
    source: 'measured on MariaDB 10.11',
  },
  {
    rights: /^`SELECT` on `mysql/,
    call: 'reading who logs in how, and whether the grant is there',
    misuse: 'read the password hashes of all users',
    source: 'measured on MariaDB 10.11',
  },
  {
    rights: /\/locations\//,
    call: 'GET of the operation that the PATCH began',
    misuse: 'see states of operations',
  },
  {
    rights: /\/read$/,
    call: 'GET of the resource: host, and whether keys are on',
    misuse: 'see configuration',
  },
  {
    rights: /\/list\w+\/action$/,
    call: 'POST: which slot a value is, join, confirmation',
    misuse: 'use the resource with its keys',
  },
  {
    rights: /\/regenerate\w+\/action$/,
    call: 'POST: issue and revoke',
    misuse: 'lock out every user of the key',
  },
];

/** Throws for a right that nobody has described. */
function noteOf(right: string, { notes: own = {} }: NeededRights): RightNote {
  const found = own[right] ?? notes.find(({ rights }) => rights.test(right));
  if (!found)
    throw new Error(
      `Nothing is said of ${right}: say in \`rights.notes\` of its kind what a misuse could.`,
    );
  return found;
}

/** Rows of one kind, in the order in which people give them. */
export function rightsRows({ type, rights }: Pick<Manifest, 'type' | 'rights'>): readonly string[] {
  const { actions, dataActions = [], graph = [], database = [] } = rights;
  const row = (right: string, words: string) => {
    const { call, misuse, source } = noteOf(right, rights);
    return `| \`${type}\` | ${words} | ${call} | ${misuse} | ${source ?? 'unverified'} |`;
  };
  return [
    ...actions.map((action) => row(action, `\`${action}\``)),
    ...dataActions.map((action) => row(action, `\`${action}\` (data action)`)),
    ...graph.map((permission) => row(permission, `\`${permission}\` of Microsoft Graph`)),
    ...database.map((grant) => row(grant, `${grant}, in the server`)),
  ];
}

function targetsTable(): string {
  const rows = manifests.flatMap(rightsRows);
  return [
    '| Kind | Right | Call | A misuse could | Spelling |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Rights whose spelling no source confirms. */
export function unverified(): readonly string[] {
  const all = manifests.flatMap(({ rights }) =>
    [...inRole(rights), ...(rights.graph ?? [])].filter(
      (right) => noteOf(right, rights).source === undefined,
    ),
  );
  return [...new Set(all)].sort();
}

/** The page with its table put between the markers. */
export const permissionsWith = (page: string): string =>
  page.replace(
    /(<!-- rights:[^>]*-->\n).*?(\n<!-- \/rights -->)/s,
    (_, open: string, close: string) => `${open}${targetsTable()}${close}`,
  );
