/** The product's ports over a `World`, for one worker: as strict as the services they stand for. */
import { KeyturnError, LockLostError } from '../../src/core/errors.ts';
import type { Tags } from '../../src/core/ids.ts';
import { Look } from '../../src/core/look.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Alerts, CountedAlert } from '../../src/ports/alerts.ts';
import type { Audit, AuditRecord } from '../../src/ports/audit.ts';
import type { HoldList, Holds } from '../../src/ports/holds.ts';
import type { Lock, Locks } from '../../src/ports/locks.ts';
import type { Notice, Notices } from '../../src/ports/notices.ts';
import type { Operation } from '../../src/ports/operations.ts';
import type { LookQueue } from '../../src/ports/queue.ts';
import type { FailedRotation, Rows, SecretRow, SharerRow, Unlisted } from '../../src/ports/rows.ts';
import type {
  Current,
  NewVersion,
  SecretItem,
  Vault,
  Vaults,
  Version,
  VersionInfo,
} from '../../src/ports/vault.ts';
import { HOUR, MINUTE, type Process, type StoredVersion, type World } from './world.ts';

export interface OwnStorage {
  readonly secrets: Map<string, SecretRow>;
  readonly holders: Map<string, SharerRow>;
  readonly swept: Map<string, Date>;
  readonly failures: Map<string, number>;
  readonly failed: Map<string, FailedRotation>;
  readonly probes: Map<string, Date>;
  readonly unlisted: Map<string, Unlisted>;
  readonly operations: Map<string, Operation>;
  /** Holds by scope, and when they were changed. */
  holds: HoldList;
  rotations: { vault: string; name: string; on: Date }[];
  readonly locks: Map<string, { holder: string; until: number; etag: number }>;
  readonly audit: AuditRecord[];
  /** What went to the queue of notices. */
  readonly notices: Notice[];
  readonly alertHours: Map<string, Date>;
  readonly counted: Map<string, CountedAlert>;
  /** `hurt`: deliveries in which something went wrong from outside. */
  readonly messages: { look: string; visibleOn: number; tries: number; hurt?: number }[];
}

export const emptyStorage = (): OwnStorage => ({
  secrets: new Map(),
  holders: new Map(),
  swept: new Map(),
  failures: new Map(),
  failed: new Map(),
  probes: new Map(),
  unlisted: new Map(),
  operations: new Map(),
  holds: { holds: [] },
  rotations: [],
  locks: new Map(),
  audit: [],
  notices: [],
  alertHours: new Map(),
  counted: new Map(),
  messages: [],
});

const seconds = (milliseconds: number): Date => new Date(Math.floor(milliseconds / 1000) * 1000);

function info(version: StoredVersion): VersionInfo {
  const { id, enabled, createdOn, updatedOn, expiresOn, tags, contentType } = version;
  return {
    id,
    enabled,
    createdOn: seconds(createdOn),
    updatedOn: seconds(updatedOn),
    tags: { ...tags },
    managed: false,
    ...(expiresOn === undefined ? {} : { expiresOn: seconds(expiresOn) }),
    ...(contentType === undefined ? {} : { contentType }),
  };
}

const whole = (version: StoredVersion): Version => ({
  ...info(version),
  value: new Secret(version.value),
});

/** The limits of Key Vault (azure-facts 2.3). */
function checkTags(tags: Tags, reason: 'failed' | 'store-refused'): void {
  const tooMany = Object.keys(tags).length > 15;
  const tooLong = Object.entries(tags)
    .flat()
    .some((text) => text.length > 256);
  if (tooMany || tooLong) throw new KeyturnError(reason, { status: 400 });
}

export function simVaults(world: World, process: Process, names: readonly string[]): Vaults {
  return {
    names,
    open: (name) => (names.includes(name) ? simVault(world, process, name) : undefined),
  };
}

function simVault(world: World, process: Process, vault: string): Vault {
  const op = <T>(name: string, kind: 'read' | 'write', apply: () => T) =>
    world.op(process, `vault.${name}`, kind, 'azure', () => {
      world.meet(vault, name);
      return apply();
    });
  return {
    name: vault,
    current: (secret) =>
      op('current', 'read', (): Current => {
        const current = world.current(vault, secret);
        if (!current) return 'gone';
        return current.enabled ? whole(current) : 'disabled';
      }),
    version: (secret, id) =>
      op('version', 'read', () => {
        const found = world.versions(vault, secret).find((each) => each.id === id);
        return found?.enabled ? whole(found) : undefined;
      }),
    versions: (secret) =>
      op('versions', 'read', () =>
        [...world.versions(vault, secret)].sort((a, b) => (a.id < b.id ? -1 : 1)).map(info),
      ),
    async *list() {
      yield await op('list', 'read', () =>
        [...(world.vaults.get(vault) ?? [])].flatMap(([name, versions]): SecretItem[] => {
          const current = versions.at(-1);
          if (!current) return [];
          const { id: _, ...item } = info(current);
          return [{ ...item, name }];
        }),
      );
    },
    retag: (secret, id, tags, enabled) =>
      op('retag', 'write', () => {
        const found = world.versions(vault, secret).find((each) => each.id === id);
        if (!found) throw new KeyturnError('gone', { status: 404 });
        checkTags(tags, 'failed');
        found.tags = { ...tags };
        found.updatedOn = world.now;
        if (enabled !== undefined) found.enabled = enabled;
      }),
    store: (secret, { value, tags, contentType, expiresOn }: NewVersion) =>
      op('store', 'write', () => {
        checkTags(tags, 'store-refused');
        const id = world.versionId();
        world.versions(vault, secret).push({
          id,
          value: value.reveal(),
          tags: { ...tags },
          contentType,
          enabled: true,
          expiresOn: expiresOn.getTime(),
          createdOn: world.now,
          updatedOn: world.now,
          by: 'keyturn',
        });
        return id;
      }),
  };
}

const key = ({ vault, name }: { vault: string; name: string }): string => `${vault}/${name}`;

export function simRows(world: World, process: Process, own: OwnStorage): Rows {
  const read = <T>(name: string, apply: () => T) =>
    world.op(process, `rows.${name}`, 'read', 'own', apply);
  const write = (name: string, apply: () => void) =>
    world.op(process, `rows.${name}`, 'write', 'own', apply);
  return {
    secret: (ref) => read('secret', () => own.secrets.get(key(ref))),
    saveSecret: (row) => write('saveSecret', () => void own.secrets.set(key(row), row)),
    secretsOf: (vault) =>
      read('secretsOf', () => [...own.secrets.values()].filter((row) => row.vault === vault)),
    sharers: (target) =>
      read('sharers', () => [...own.holders.values()].filter((row) => row.target === target)),
    saveSharer: (row) =>
      write('saveSharer', () => void own.holders.set(`${row.target} ${key(row)}`, row)),
    addSharers: (rows) =>
      write('addSharers', () => {
        for (const row of rows) {
          const id = `${row.target} ${key(row)}`;
          if (!own.holders.has(id)) own.holders.set(id, row);
        }
      }),
    dropSecret: (ref) => write('dropSecret', () => void own.secrets.delete(key(ref))),
    dropSharer: (row) =>
      write('dropSharer', () => void own.holders.delete(`${row.target} ${key(row)}`)),
    sharersIn: (vault) =>
      read('sharersIn', () => [...own.holders.values()].filter((row) => row.vault === vault)),
    sweptOn: () => read('sweptOn', () => new Map(own.swept)),
    markSwept: (vault, on) => write('markSwept', () => void own.swept.set(vault, on)),
    rotationsSince: (on) =>
      read('rotationsSince', () => own.rotations.filter((each) => each.on >= on)),
    recordRotation: ({ vault, name }, on) =>
      write('recordRotation', () => void own.rotations.push({ vault, name, on })),
    failuresOf: (name) => read('failuresOf', () => own.failures.get(name) ?? 0),
    setFailures: (name, failures) =>
      write('setFailures', () => void own.failures.set(name, failures)),
    failedRotations: (type) =>
      read('failedRotations', () => [...own.failed.values()].filter((row) => row.type === type)),
    saveFailed: (row) =>
      write('saveFailed', () => void own.failed.set(`${row.type} ${key(row)}`, row)),
    forgetFailed: (type) =>
      write('forgetFailed', () => {
        for (const [id, row] of own.failed) if (row.type === type) own.failed.delete(id);
      }),
    probedOn: (type, vault) => read('probedOn', () => own.probes.get(`${type} ${vault}`)),
    takeProbe: (type, vault, on, spacingMinutes) =>
      world.op(process, 'rows.takeProbe', 'write', 'own', () => {
        const last = own.probes.get(`${type} ${vault}`);
        if (last && last.getTime() > on.getTime() - spacingMinutes * MINUTE) return false;
        own.probes.set(`${type} ${vault}`, on);
        return true;
      }),
    unlisted: (vault) => read('unlisted', () => own.unlisted.get(vault)),
    saveUnlisted: (row) => write('saveUnlisted', () => void own.unlisted.set(row.vault, row)),
    dropUnlisted: (vault) => write('dropUnlisted', () => void own.unlisted.delete(vault)),
    operation: (id) => read('operation', () => own.operations.get(id)),
    saveOperation: (operation) =>
      write('saveOperation', () => void own.operations.set(operation.id, operation)),
    createOperation: async (operation) => {
      const isNew = await read('operation', () => !own.operations.has(operation.id));
      if (isNew)
        await write('createOperation', () => void own.operations.set(operation.id, operation));
      return isNew;
    },
    dropOperation: (id) => write('dropOperation', () => void own.operations.delete(id)),
    openOperations: (caller) =>
      read('openOperations', () =>
        [...own.operations.values()].filter((each) => each.caller === caller && !each.done),
      ),
    operations: () => read('operations', () => [...own.operations.values()]),
  };
}

export const simHolds = (world: World, process: Process, own: OwnStorage): Holds => ({
  read: () => world.op(process, 'holds.read', 'read', 'own', () => own.holds),
  change: (change) =>
    world.op(process, 'holds.change', 'write', 'own', () => {
      own.holds = change(own.holds);
    }),
});

const LOCK_LIFE = 90_000;
const VOID_AHEAD = 2 * MINUTE;

/** As the table does it: by ETag, and by the service's own time. */
export function simLocks(world: World, process: Process, own: OwnStorage): Locks {
  const op = <T>(name: string, apply: () => T) =>
    world.op(process, `locks.${name}`, 'write', 'own', apply);
  return {
    async take(name) {
      const holder = `${process.id}-${world.calls}`;
      const mine = await op('take', () => {
        const found = own.locks.get(name);
        if (found && found.until > world.now && found.until < world.now + VOID_AHEAD)
          return undefined;
        const lock = { holder, until: world.now + LOCK_LIFE, etag: (found?.etag ?? 0) + 1 };
        own.locks.set(name, lock);
        return { etag: lock.etag };
      });
      if (!mine) return undefined;
      const lock: Lock = {
        renew: () =>
          op('renew', () => {
            const found = own.locks.get(name);
            if (!found || found.etag !== mine.etag) throw new LockLostError();
            own.locks.set(name, { holder, until: world.now + LOCK_LIFE, etag: ++mine.etag });
          }),
        release: () =>
          op('release', () => {
            if (own.locks.get(name)?.etag === mine.etag) own.locks.delete(name);
          }),
      };
      return lock;
    },
  };
}

export function simQueue(world: World, process: Process, own: OwnStorage): LookQueue {
  const put: LookQueue['put'] = (look, delaySeconds = 0) =>
    world.op(process, 'queue.put', 'write', 'own', () => {
      own.messages.push({
        look: JSON.stringify(Look.parse(look)),
        visibleOn: world.now + delaySeconds * 1000,
        tries: 0,
      });
    });
  return {
    put,
    // Events of the simulation are messages already: what is coalesced before the queue is tried in test/cases/doors.test.ts.
    offer: async (look) => {
      await put(look);
      return true;
    },
  };
}

export function simAlerts(world: World, process: Process, own: OwnStorage): Alerts {
  const id = (alert: CountedAlert) => `${key(alert)} ${alert.reason}`;
  return {
    isFirst: (vault, reason) =>
      world.op(process, 'alerts.isFirst', 'write', 'own', () => {
        const group = `${vault} ${reason}`;
        const on = own.alertHours.get(group);
        if (on !== undefined && on.getTime() > world.now - HOUR) return false;
        own.alertHours.set(group, new Date(world.now));
        return true;
      }),
    count: (alert) =>
      world.op(
        process,
        'alerts.count',
        'write',
        'own',
        () => void own.counted.set(id(alert), alert),
      ),
    async *counted() {
      yield await world.op(process, 'alerts.counted', 'read', 'own', () => [
        ...own.counted.values(),
      ]);
    },
    told: (alerts) =>
      world.op(process, 'alerts.told', 'write', 'own', () => {
        for (const alert of alerts) own.counted.delete(id(alert));
      }),
  };
}

export function simNotices(world: World, process: Process, own: OwnStorage): Notices {
  return {
    send: (notice) =>
      world.op(process, 'notices.send', 'write', 'own', () => void own.notices.push(notice)),
  };
}

export function simAudit(world: World, process: Process, own: OwnStorage): Audit {
  return {
    append: (record) =>
      world.op(process, 'audit.append', 'write', 'own', () => void own.audit.push(record)),
    history: ({ vault, name }, since) =>
      world.op(process, 'audit.history', 'read', 'own', () => ({
        records: own.audit
          .filter((each) => each.vault === vault && each.name === name && each.on >= since)
          .reverse(),
        truncated: false,
      })),
  };
}
