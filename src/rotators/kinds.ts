/** Every kind there is, one line each: what it is, and how it is made over the wires. */
import type { Manifest, Rotator } from '../ports/rotator.ts';
import type { WireOptions, wires } from '../targets/wires.ts';
import { appRegistration, appRegistrationManifest } from './appRegistration.ts';
import { mysqlLogin, mysqlLoginManifest } from './mysqlLogin.ts';
import { postgresqlLogin, postgresqlLoginManifest } from './postgresqlLogin.ts';
import { sqlAdminPassword, sqlAdminPasswordManifest } from './sqlAdminPassword.ts';
import { sqlLogin, sqlLoginManifest } from './sqlLogin.ts';
import { sqlSingleLogin, sqlSingleLoginManifest } from './sqlSingleLogin.ts';
import { storageAccountKey, storageAccountKeyManifest } from './storageAccountKey.ts';
import { twoKey, twoKeyManifest } from './twoKey.ts';
import { twoKeyTable } from './twoKeyTable.ts';

/** What kinds are made over. */
export interface KindGround
  extends ReturnType<typeof wires>,
    Pick<WireOptions, 'cloud' | 'credential' | 'clock'> {
  /** Object id and client id of Keyturn's identity. */
  readonly identity: readonly string[];
}

type Made = readonly [manifest: Manifest, over: (on: KindGround) => Rotator];
/** In the order in which an app makes them. */
export const kinds: readonly Made[] = [
  [
    sqlAdminPasswordManifest,
    ({ sql, clock, identity }) => sqlAdminPassword({ ...sql, clock, identity }),
  ],
  [sqlLoginManifest, ({ sql, clock, identity }) => sqlLogin({ ...sql, clock, identity })],
  [
    sqlSingleLoginManifest,
    ({ sql, clock, identity }) => sqlSingleLogin({ ...sql, clock, identity }),
  ],
  [
    postgresqlLoginManifest,
    ({ databases, postgres, clock }) => postgresqlLogin({ servers: databases, postgres, clock }),
  ],
  [
    mysqlLoginManifest,
    ({ databases, mysql, clock }) => mysqlLogin({ servers: databases, mysql, clock }),
  ],
  ...twoKeyTable.map(
    (row): Made => [
      twoKeyManifest(row),
      ({ armKeys, clock }) => twoKey(row, { keys: armKeys, clock }),
    ],
  ),
  [appRegistrationManifest, ({ application, clock }) => appRegistration({ ...application, clock })],
  [storageAccountKeyManifest, ({ storage, clock }) => storageAccountKey({ ...storage, clock })],
];

/** Every kind, by its tag value in order. Needs no credential and loads no SDK. */
export const manifests: readonly Manifest[] = kinds
  .map(([manifest]) => manifest)
  .sort((one, other) => one.type.localeCompare(other.type));
