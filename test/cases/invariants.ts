/** What holds at the end of every case (cases section 13), asked of the stand-in and of what the product left behind. */
import { deepStrictEqual } from 'node:assert/strict';
import type { Version } from '../../local/azure/vault.ts';
import * as clock from '../../local/clock.ts';
import {
  applicationOf,
  changedUnasked,
  orphans,
  takenFromPeople,
  textsSeen,
} from './applications.ts';
import { namesIn, type Tenant } from './harness.ts';
import { hasNoOverlap, sqlAccepted, sqlChangedUnasked, sqlPasswordsSeen } from './sqlServers.ts';

/** What is asked: the stand-in, what the product printed, and its own storage. */
export type Checked = Pick<
  Tenant,
  'azure' | 'keysSeen' | 'lines' | 'answers' | 'own' | 'rows' | 'alerts' | 'stateOf'
>;

export interface Except {
  /** Secrets whose value is broken on purpose and not healed: 1 is not asked. */
  broken?: readonly string[];
  /** Secrets whose old credential a person took away, by `revoke: now` or at the target: 2 is not asked. */
  noGrace?: readonly string[];
  /** Key ids of client secrets that a person made and lets Keyturn remove. */
  adopted?: readonly string[];
  /** Secrets whose owner took tags off a version of Keyturn's: those are not lost. */
  retagged?: readonly string[];
  /** Messages that stay in the poison queue. */
  poison?: boolean;
}

/** Fails when an invariant does not hold. Let the queues run empty before (`settle`). */
export async function checkInvariants(tenant: Checked, except: Except = {}): Promise<void> {
  // Not jest's: the harness also serves `npm run flood`, which is plain node.
  deepStrictEqual(await brokenPromises(tenant, except), {});
}

/**
 * What does not hold, by the number of the invariant. 3 is asked of applications alone, since both keys of an account are
 * always live; the count of 6 is not asked: each test knows it for itself.
 */
export async function brokenPromises(
  tenant: Checked,
  except: Except = {},
): Promise<Record<string, string[]>> {
  const secrets = optedIn(tenant);
  const found = {
    '1 values that the target refuses': secrets
      .filter(
        ({ name, versions }) =>
          !except.broken?.includes(name) && !accepted(tenant, versions.at(-1)),
      )
      .map(({ name }) => name),
    '2 values cut off in their grace': secrets
      .filter(({ name }) => !except.noGrace?.includes(name))
      .flatMap(({ name, versions }) => cutOff(tenant, name, versions)),
    '3 credentials that nobody holds': orphans(tenant.azure),
    '4 lost tags, content types and secrets': [
      ...takenFromPeople(tenant.azure, except.adopted),
      ...secrets.flatMap(({ name, versions }) =>
        except.retagged?.includes(name) ? [] : lostFromOwner(name, versions),
      ),
      ...tenant.azure
        .changes()
        .flatMap(({ route }) => (/delete|purge|recover|restore/i.test(route) ? [route] : [])),
    ],
    '5 leaks': await leaks(tenant),
    '6 two values of one rotation': secrets.flatMap(({ name, versions }) =>
      twins(tenant, name, versions),
    ),
    '7 targets without consent, strange hosts': strangers(tenant),
    '8 left over': await leftOver(tenant, except),
    'faults of the stand-in itself': tenant.azure.problems.map(String),
  };
  return Object.fromEntries(Object.entries(found).filter(([, list]) => list.length > 0));
}

interface Opted {
  readonly name: string;
  readonly versions: readonly Version[];
}

/** Secrets that Keyturn has written at least once. */
function optedIn({ azure }: Checked): Opted[] {
  return [...azure.world.vaults.values()].flatMap(({ secrets }) =>
    [...secrets.values()].filter(({ versions }) => versions.some(isKeyturns)),
  );
}

const isKeyturns = ({ tags = {} }: Version): boolean =>
  /(^|;)rot=/.test(tags['rotator-state'] ?? '');

/** A value that holds a key, as such or in a connection string or document, is let in where one of the account's keys is in it. */
export function accepted({ azure }: Pick<Checked, 'azure'>, version: Version | undefined): boolean {
  if (!version?.enabled) return true; // paused by its owner: nobody reads it
  const application = applicationOf(azure, version);
  if (application) return application.accepts(version.value);
  const sql = sqlAccepted(azure, version);
  if (sql !== undefined) return sql;
  const target = version.tags?.['rotator-target'] ?? version.tags?.ProviderAddress ?? '';
  const keyed = azure.world.keyed.get(target.toLowerCase());
  if (keyed) return keyed.isIn(asRead(version.value));
  const account = azure.world.accounts.get(target.split('/').at(-1)?.toLowerCase() ?? '');
  return (
    account !== undefined &&
    (['key1', 'key2'] as const).some((slot) => version.value.includes(account.key(slot)))
  );
}

/** As clients of an address read it, percent-encoding undone. */
const asRead = (value: string): string =>
  value.replace(/(?:%[0-9a-f]{2})+/gi, (codes) =>
    Buffer.from(codes.replaceAll('%', ''), 'hex').toString(),
  );

/** Versions replaced less than their grace ago whose value is refused already. Values that never were keys don't count. */
function cutOff(tenant: Checked, name: string, versions: readonly Version[]): string[] {
  return versions.slice(0, -1).flatMap((version, at) => {
    const replacedSeconds = versions[at + 1]?.created ?? 0;
    const grace = graceSeconds(version);
    const wasKey = [
      ...tenant.keysSeen,
      ...textsSeen(tenant.azure),
      ...sqlPasswordsSeen(tenant.azure),
    ].some((key) => asRead(version.value).includes(key));
    const inGrace = clock.now() / 1000 < replacedSeconds + grace;
    return wasKey &&
      inGrace &&
      !hasNoOverlap(version) &&
      !accepted(tenant, { ...version, enabled: true })
      ? [`${name}/${version.id}`]
      : [];
  });
}

function graceSeconds({ tags = {} }: Version): number {
  const [, count = '48', unit = 'h'] = /grace=(\d+)([dh])/.exec(tags['rotator-policy'] ?? '') ?? [];
  return Number(count) * (unit === 'd' ? 86_400 : 3600);
}

/** What a version of Keyturn's lacks of the one before it. */
function lostFromOwner(name: string, versions: readonly Version[]): string[] {
  return versions.flatMap((version, at) => {
    const before = versions[at - 1];
    if (!before || !isKeyturns(version)) return [];
    const tags = Object.entries(before.tags ?? {}).filter(([tag]) => tag !== 'rotator-state');
    const lost = tags.filter(([tag, value]) => version.tags?.[tag] !== value).map(([tag]) => tag);
    const type =
      before.contentType === undefined || before.contentType === version.contentType
        ? []
        : ['contentType'];
    return [...lost, ...type].map((what) => `${name}: ${what}`);
  });
}

function twins(tenant: Checked, name: string, versions: readonly Version[]): string[] {
  const firstValues = new Map<string, string>();
  return versions.filter(isKeyturns).flatMap((version) => {
    const { rot = '' } = tenant.stateOf(version);
    const first = firstValues.get(rot) ?? version.value;
    firstValues.set(rot, first);
    // A person who copies tags to a version of their own copies the rotation, too; theirs is none of the target's new keys.
    // Judged by the target, also once it is revoked: what came late was dead when it came.
    const lives = accepted(tenant, { ...version, enabled: true });
    return first === version.value || !lives ? [] : [`${name}: ${rot}`];
  });
}

function strangers({ azure }: Checked): string[] {
  const changed = azure
    .changes()
    .filter(({ route }) => /^arm\.regenerate(Resource)?Key$/.test(route));
  const without = changed.filter(({ path }) => {
    const scope = decodeURIComponent(path.replace(/\/regenerate\w*(\/\w+)?$/i, '')).toLowerCase();
    const grants = azure.world.roles.all.filter(
      (grant) => grant.principalId === azure.world.identity.oid,
    );
    return !grants.some(
      (grant) =>
        within(scope, grant.scope) && /^\s*keyturn\s+[a-z-]+\s*:/i.test(grant.description ?? ''),
    );
  });
  const ports = [azure.port, azure.world.tdsPort];
  const cloud = (host: string) => ports.some((port) => host.endsWith(`.keyturn.localhost:${port}`));
  const identity = `127.0.0.1:${azure.identityPort}`;
  const hosts = azure.calls.filter(({ host }) => !cloud(host) && host !== identity);
  return [
    ...changedUnasked(azure),
    ...sqlChangedUnasked(azure),
    ...without.map(({ path }) => path),
    ...hosts.map(({ host }) => host),
  ];
}

/** At the resource, at one that it stands below, or at its group. */
const within = (scope: string, granted: string): boolean =>
  granted.split('/').length >= 5 && `${scope}/`.startsWith(`${granted.toLowerCase()}/`);

async function leftOver(tenant: Checked, except: Except): Promise<string[]> {
  const rows = await tenant.rows();
  const alerts = tenant
    .alerts()
    .flatMap((alert) => namesIn(alert).map((name) => `${alert.vault}/${name}: ${alert.reason}`));
  const poison = except.poison ? 0 : await tenant.own.waiting('keyturn-work-poison');
  return [
    ...(await tenant.own.messages()).map((text) => `message ${text}`),
    ...(poison > 0 ? [`${poison} poison messages`] : []),
    ...rows.filter(({ partition }) => partition === 'locks').map(({ key }) => `lock ${key}`),
    ...Object.entries(tenant.azure.unusedFaults()).map(
      ([route, count]) => `${count} steps of ${route}`,
    ),
    ...alerts
      .filter((alert, at) => alerts.indexOf(alert) !== at)
      .map((alert) => `a second alert ${alert}`),
  ];
}

/** Places that hold a value, in any of four spellings (case FN-05). `texts`: more places to look at. */
export async function leaks(
  tenant: Checked,
  texts: Record<string, readonly string[]> = {},
): Promise<string[]> {
  const { azure, keysSeen } = tenant;
  const accounts = [...azure.world.accounts.values()].flatMap((account) => [
    account.key('key1'),
    account.key('key2'),
  ]);
  const stored = [...azure.world.vaults.values()].flatMap(({ secrets }) =>
    [...secrets.values()].flatMap(({ versions }) => versions.map(({ value }) => value)),
  );
  const values = [
    ...new Set([
      ...accounts,
      ...keysSeen,
      ...textsSeen(azure),
      ...sqlPasswordsSeen(azure),
      ...stored,
    ]),
  ].filter((value) => value.length >= 8);
  const spellings = values.flatMap((value) => [
    value,
    Buffer.from(value).toString('base64').replace(/=+$/, ''),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ]);
  const places: Record<string, readonly string[]> = {
    logs: tenant.lines.map((line) => JSON.stringify(line)),
    rows: (await tenant.rows()).map(({ text }) => text),
    messages: [
      ...(await tenant.own.messages()),
      ...(await tenant.own.messages('keyturn-work-poison')),
    ],
    answers: tenant.answers,
    ...texts,
  };
  return Object.entries(places).flatMap(([place, found]) =>
    found
      .filter((text) => spellings.some((spelling) => text.includes(spelling)))
      .map((text) => `${place}: ${masked(text, spellings)}`),
  );
}

/** A failing test must not print the value either. */
const masked = (text: string, spellings: readonly string[]): string =>
  spellings.reduce((left, spelling) => left.replaceAll(spelling, '[value]'), text).slice(0, 400);
