/** The tables of docs/permissions.md: every action of every kind, from the registry, with the call, the source and the risk. */
import { clouds } from '../src/azure/cloud.ts';
import { systemClock } from '../src/core/clock.ts';
import { allRotators } from '../src/rotators/registry.ts';

interface Note {
  readonly actions: RegExp;
  readonly call: string;
  /** What whoever has this right could do with it. */
  readonly misuse: string;
  /** Where the spelling of the action is from; undefined: unverified. */
  readonly source?: string;
}

/** The first that fits. Sources are sections of the project's collection of facts, which names Microsoft's pages. */
const notes: readonly Note[] = [
  {
    actions: /^Application\.ReadWrite\.OwnedBy$/,
    call: 'Graph `addPassword`, `removePassword`, GET of the application',
    misuse: 'log in as every application that Keyturn owns',
    source: 'azure-facts 6',
  },
  {
    actions: /^Microsoft\.Storage\/storageAccounts\/read$/,
    call: 'GET of the account: flags, key times, endpoints',
    misuse: 'see configuration',
    source: 'azure-facts 4.1',
  },
  {
    actions: /^Microsoft\.Storage\/storageAccounts\/listKeys\//,
    call: 'POST `listKeys`: which slot a value is, join, confirmation',
    misuse: 'read and write all data of the account',
    source: 'azure-facts 4.1',
  },
  {
    actions: /^Microsoft\.Storage\/storageAccounts\/regenerateKey\//,
    call: 'POST `regenerateKey`: issue and revoke',
    misuse: 'lock out every user of the key',
    source: 'azure-facts 4.1',
  },
  {
    actions: /^Microsoft\.Sql\/servers\/write$/,
    call: 'PATCH of the server with the password alone',
    misuse: 'change administrators, firewall and more: by far the widest right of all',
    source: 'azure-facts 5.1',
  },
  {
    actions: /^Microsoft\.Sql\/servers\/read$/,
    call: 'GET of the server: Entra-only, host',
    misuse: 'see configuration',
    source: 'azure-facts 5.1',
  },
  {
    actions: /^Microsoft\.Sql\/servers\/failoverGroups\/read$/,
    call: 'GET of failover groups: partners hold copies of a password',
    misuse: 'see configuration',
  },
  { actions: /\/locations\//, call: 'GET of the operation that the PATCH began', misuse: 'see states of operations' },
  { actions: /\/read$/, call: 'GET of the resource: host, and whether keys are on', misuse: 'see configuration' },
  {
    actions: /\/list\w+\/action$/,
    call: 'POST: which slot a value is, join, confirmation',
    misuse: 'use the resource with its keys',
  },
  {
    actions: /\/regenerate\w+\/action$/,
    call: 'POST: issue and revoke',
    misuse: 'lock out every user of the key',
  },
];

const nobody = { getToken: () => Promise.reject(new Error('Documentation asks for no token.')) };
const rotators = [
  ...allRotators({ cloud: clouds.AzureCloud, credential: nobody, clock: systemClock, tenantId: '' }),
].sort((one, other) => one.type.localeCompare(other.type));

/** Throws for an action that nobody has described. */
function noteOf(action: string): Note {
  const found = notes.find(({ actions }) => actions.test(action));
  if (!found) throw new Error(`scripts/permissions.ts says nothing of ${action}.`);
  return found;
}

function targetsTable(): string {
  const rows = rotators.flatMap(({ type, actions }) =>
    actions.map((action) => {
      const { call, misuse, source } = noteOf(action);
      return `| \`${type}\` | \`${action}\` | ${call} | ${misuse} | ${source ?? 'unverified'} |`;
    }),
  );
  return ['| Kind | Right | Call | A misuse could | Spelling |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

/** Actions whose spelling no source confirms. */
export function unverified(): readonly string[] {
  const all = new Set(rotators.flatMap(({ actions }) => actions));
  return [...all].filter((action) => noteOf(action).source === undefined).sort();
}

/** The page with its table put between the markers. */
export const permissionsWith = (page: string): string =>
  page.replace(
    /(<!-- rights:[^>]*-->\n).*?(\n<!-- \/rights -->)/s,
    (_, open: string, close: string) => `${open}${targetsTable()}${close}`,
  );
