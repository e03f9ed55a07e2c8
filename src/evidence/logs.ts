/** What the logs of a workspace say of a credential, kind by kind. Every column with its source; what no log tells is told as that. */

import type { Clock } from '../core/clock.ts';
import { addHours, addMinutes, latest } from '../core/clock.ts';
import { STRAGGLERS_MAX, type Straggler, straggler, type UseVerdict } from '../core/uses.ts';
import type { UseQuestion } from '../ports/evidence.ts';
import type { LogReader, Readers } from './evidenceOf.ts';
import { kql, type LogRow, type Workspaces } from './workspaces.ts';

/** A use is a straggler's for so long: whoever reads the secret again within a day leaves no newer trace. */
const LOOK_BACK_HOURS = 24;
/** Logs arrive late: what the last minutes brought is not known yet (facts F6.5; a judgement). */
const LATE_MINUTES = 30;
/** Who read the secret within so long before the rotation is expected to read it again. */
const READERS_DAYS = 7;
const NAMES_MAX = STRAGGLERS_MAX;

export interface LogsOptions {
  readonly workspaces: Workspaces;
  readonly clock: Clock;
  /** Object id of Keyturn's own identity, whose reads count for nobody's. */
  readonly identity: string;
}

export function logsOf(options: LogsOptions): LogReader {
  return {
    ofCredential: (question) => ofCredential(question, options),
    ofVersion: (question) => ofVersion(question, options),
  };
}

/** One log: the rows of one credential, and whether anything of the same resource flows. */
interface Source {
  readonly table: string;
  /** Rows with `uses`, `last`, `who`, `program` of the credential, and one with `flows` of the whole resource. */
  readonly query: (since: Date) => string;
}

async function ofCredential(
  question: UseQuestion,
  options: LogsOptions,
): Promise<UseVerdict | undefined> {
  const sources = sourcesOf(question);
  if (sources === undefined) return undefined;
  if ('untold' in sources) return { use: 'cannot tell', reason: sources.untold };
  const { workspaces, clock } = options;
  const now = clock.now();
  const since = latest(question.publishedOn, addHours(now, -LOOK_BACK_HOURS)) as Date;
  const found = await Promise.all(sources.map((source) => oneLog(source, since, workspaces)));
  const used = found.flatMap((each) => (each.use === 'used' ? [each] : []));
  if (used.length > 0)
    return {
      use: 'used',
      on: latest(...used.map(({ on }) => on)) as Date,
      by: used.flatMap(({ by }) => by),
    };
  const untold = found.find(({ use }) => use === 'cannot tell');
  if (untold) return untold;
  if (addMinutes(now, -LATE_MINUTES) <= since)
    return { use: 'cannot tell', reason: 'The log of the last minutes is not there yet.' };
  return { use: 'unused', since };
}

/** Over all workspaces: a use in one is a use; unused where one has the log, and shows that it flows. */
async function oneLog(
  { table, query }: Source,
  since: Date,
  workspaces: Workspaces,
): Promise<UseVerdict> {
  const answers = await workspaces.ask(query(since), since);
  const rows = answers.flatMap((each) => ('rows' in each ? each.rows : []));
  const by = rows.flatMap((row) => (Number(row.uses) > 0 ? [stragglerOf(row)] : []));
  if (by.length > 0) {
    const on = latest(...by.flatMap(({ last }) => last ?? [])) ?? since;
    return { use: 'used', on, by: by.slice(0, NAMES_MAX) };
  }
  if (rows.some((row) => Number(row.unclear) > 0))
    return { use: 'cannot tell', reason: `${table} does not name the key of every request.` };
  const flows = rows.some((row) => Number(row.reads) > 0 && Number(row.others) > 0);
  if (flows) return { use: 'unused', since };
  const [untold] = answers.flatMap((each) => ('untold' in each ? [each.untold] : []));
  return {
    use: 'cannot tell',
    reason: `${table}: ${untold ?? 'no log of the resource flows, reads and changes both.'}`,
  };
}

const stragglerOf = (row: LogRow): Straggler => {
  const last = dateIn(row.last);
  return straggler(row.who, { program: row.program, ...(last ? { last } : {}) });
};

function dateIn(value: unknown): Date | undefined {
  const on = typeof value === 'string' ? new Date(value) : undefined;
  return on && !Number.isNaN(on.getTime()) ? on : undefined;
}

const time = (on: Date): string => `datetime(${on.toISOString()})`;

function sourcesOf({
  kind,
  target,
  handle,
}: UseQuestion): readonly Source[] | { readonly untold: string } | undefined {
  if (kind === 'storage-account-key') {
    const name = /\/storageaccounts\/([a-z0-9]{3,24})$/i.exec(target)?.[1];
    return name !== undefined && /^key[12]$/.test(handle)
      ? STORAGE.map((table) => storage(table, name, handle))
      : undefined;
  }
  if (kind === 'app-registration')
    return GUID.test(handle) && GUID.test(target) ? [signIns(target, handle)] : undefined;
  if (kind === 'cosmos-db-key') {
    const name = /\/databaseaccounts\/([a-z0-9-]{3,50})(?:\/keys\/readonly)?$/i.exec(target)?.[1];
    const slot = /^(primary|secondary)(readonly)?$/i.exec(handle)?.[1];
    return name !== undefined && slot !== undefined ? [cosmos(name, slot)] : undefined;
  }
  // AZMSRunTimeAuditLogs.AuthKey is the name of the policy: two keys of one rule look the same (facts F6.3).
  if (/^(service-bus|event-hubs?|relay)/.test(kind))
    return { untold: 'No log of a namespace tells the two keys of a rule from each other.' };
  return undefined;
}
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One diagnostic setting for each of four services: all of them have to flow, or a use may be in the one that does not (F6.2). */
const STORAGE = [
  'StorageBlobLogs',
  'StorageQueueLogs',
  'StorageTableLogs',
  'StorageFileLogs',
] as const;

/**
 * AuthenticationHash is `key1(<hash>)`, and of a SAS that the key signed `key1(<hash>),SasSignature(<hash>)`: one prefix finds both, and
 * after the publication any row of the old slot is a straggler's. AccountName, CallerIpAddress (with port), UserAgentHeader,
 * OperationName, TimeGenerated [learn: azure-monitor/reference/tables/storagebloblogs; facts F6.2].
 */
const storage = (table: string, account: string, slot: string): Source => ({
  table,
  query: (since) =>
    flowing(
      `${table} | where TimeGenerated >= ${time(since)} and AccountName =~ ${kql(account)}`,
      `AuthenticationHash startswith ${kql(`${slot}(`)}`,
      'who = tostring(split(CallerIpAddress, ":")[0]), program = UserAgentHeader',
      'OperationName startswith "Get" or OperationName startswith "List" or OperationName startswith "Query" or OperationName startswith "Peek"',
    ),
});

/**
 * ServicePrincipalCredentialKeyId is the `keyId` of the credential, AppId the application, IPAddress, UserAgent, TimeGenerated
 * [learn: azure-monitor/reference/tables/aadserviceprincipalsigninlogs; facts F6.3]. That it flows is seen by the application's own
 * sign-ins, Keyturn's with the new secret among them. A sign-in that was refused shows a straggler as well.
 */
const signIns = (target: string, keyId: string): Source => ({
  table: 'AADServicePrincipalSignInLogs',
  query: (since) =>
    flowing(
      `AADServicePrincipalSignInLogs | where TimeGenerated >= ${time(since)} and AppId =~ ${kql(target)}`,
      `ServicePrincipalCredentialKeyId =~ ${kql(keyId)}`,
      'who = IPAddress, program = UserAgent',
      undefined,
    ),
});

/**
 * KeyType (Direct mode) and AuthTokenType (Gateway, REST) name the slot; AccountName, ClientIpAddress, UserAgent, TimeGenerated
 * [learn: azure-monitor/reference/tables/cdbdataplanerequests; facts F6.3]. How they spell it is unverified: a request that names
 * neither slot, and is no request of Entra (AadPrincipalId), is not clear.
 */
const cosmos = (account: string, slot: string): Source => ({
  table: 'CDBDataPlaneRequests',
  query: (since) => {
    const key = 'strcat(KeyType, " ", AuthTokenType)';
    return flowing(
      `CDBDataPlaneRequests | where TimeGenerated >= ${time(since)} and AccountName =~ ${kql(account)}`,
      `${key} contains ${kql(slot)}`,
      'who = ClientIpAddress, program = UserAgent',
      undefined,
      `isempty(AadPrincipalId) and not(${key} contains "Primary") and not(${key} contains "Secondary")`,
    );
  },
});

/** Who used it, and one row that says whether the log flows: rows of reads and of others, and of what cannot be told. */
function flowing(
  rows: string,
  isUse: string,
  who: string,
  isRead: string | undefined,
  isUnclear = 'false',
): string {
  const counts =
    isRead === undefined
      ? 'reads = count(), others = count()'
      : `reads = countif(${isRead}), others = countif(not(${isRead}))`;
  return [
    `let rows = ${rows};`,
    `union (rows | where ${isUse} | summarize uses = count(), last = max(TimeGenerated) by ${who} | top ${NAMES_MAX} by last),`,
    `(rows | summarize ${counts}, unclear = countif(${isUnclear}))`,
  ].join('\n');
}

/**
 * Reads of the vault, in both shapes of its audit log (facts F6.1). `AZKVAuditLogs`: OperationName, Id, RequestUri, Identity (dynamic:
 * `claim.oid`, `.upn`, `.xms_mirid`, `.appid`), CallerIpAddress, HttpStatusCode (int), _ResourceId, TimeGenerated [learn:
 * azure-monitor/reference/tables/azkvauditlogs]. `AzureDiagnostics`: OperationName, id_s, requestUri_s, identity_claim_…, CallerIPAddress,
 * httpStatusCode_d, _ResourceId [kv: general/monitor-key-vault-reference], whose columns are there only once one had a value. ResultType is
 * `Success` for a 403 as well: the status counts.
 */
async function ofVersion(
  question: UseQuestion,
  { workspaces, clock, identity }: LogsOptions,
): Promise<Readers> {
  const { publishedOn } = question;
  const now = clock.now();
  const from = addHours(publishedOn, -24 * READERS_DAYS);
  const since = latest(publishedOn, addHours(now, -LOOK_BACK_HOURS)) as Date;
  const answers = (
    await Promise.all(
      AUDITS.map((audit) =>
        workspaces.ask(readersIn(audit, question, { from, since, identity }), from),
      ),
    )
  ).flat();
  const rows = answers.flatMap((each) => ('rows' in each ? each.rows : []));
  const read = rows.filter((row) => Number(row.oldSince) > 0).map(stragglerOf);
  // A reader that caches reads once a day: before that is over it means nothing that it has not come (facts F6.1).
  const isEarly = now < addHours(publishedOn, LOOK_BACK_HOURS);
  const behind = isEarly
    ? []
    : rows
        .filter(
          (row) => Number(row.before) > 1 && Number(row.newer) === 0 && Number(row.oldSince) === 0,
        )
        .map(stragglerOf);
  return { read: read.slice(0, NAMES_MAX), behind: behind.slice(0, NAMES_MAX) };
}

const CLAIM = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn';
const AUDITS = [
  {
    rows: 'AZKVAuditLogs',
    uri: 'tolower(coalesce(Id, RequestUri))',
    status: 'HttpStatusCode == 200',
    oid: 'tostring(Identity.claim.oid)',
    who: `coalesce(tostring(Identity.claim.upn), tostring(Identity.claim[${kql(CLAIM)}]), tostring(Identity.claim.xms_mirid), tostring(Identity.claim.appid))`,
  },
  {
    rows: 'AzureDiagnostics | where ResourceProvider == "MICROSOFT.KEYVAULT" and Category == "AuditEvent"',
    uri: 'tolower(coalesce(column_ifexists("id_s", ""), column_ifexists("requestUri_s", "")))',
    status: 'column_ifexists("httpStatusCode_d", real(null)) == 200',
    oid: 'tostring(column_ifexists("identity_claim_oid_g", ""))',
    who: 'coalesce(column_ifexists("identity_claim_upn_s", ""), column_ifexists("identity_claim_xms_mirid_s", ""), tostring(column_ifexists("identity_claim_appid_g", "")))',
  },
] as const;

function readersIn(
  { rows, uri, status, oid, who }: (typeof AUDITS)[number],
  { vault, name, version, current }: UseQuestion,
  {
    from,
    since,
    identity,
  }: { readonly from: Date; readonly since: Date; readonly identity: string },
): string {
  const path = (id: string) => kql(`/secrets/${name}/${id}`.toLowerCase());
  return [
    rows,
    `| where TimeGenerated >= ${time(from)} and OperationName == "SecretGet" and ${status}`,
    `| where _ResourceId endswith ${kql(`/vaults/${vault}`.toLowerCase())}`,
    `| extend uri = ${uri}, oid = ${oid}, who = ${who}`,
    `| where oid != ${kql(identity.toLowerCase())} and uri contains ${kql(`/secrets/${name}/`.toLowerCase())}`,
    `| extend isOld = uri contains ${path(version)}, isNew = uri contains ${path(current)}`,
    `| summarize oldSince = countif(isOld and TimeGenerated >= ${time(since)}), before = dcountif(bin(TimeGenerated, 1d), isOld), newer = countif(isNew), last = maxif(TimeGenerated, isOld) by who`,
    `| where oldSince > 0 or before > 0`,
    `| top 100 by last`,
  ].join('\n');
}
