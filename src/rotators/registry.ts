/** Every rotator there is, one line each. */
import type { Rotator } from '../ports/rotator.ts';
import { type WireOptions, wires } from '../targets/wires.ts';
import { appRegistration } from './appRegistration.ts';
import { mysqlLogin } from './mysqlLogin.ts';
import { postgresqlLogin } from './postgresqlLogin.ts';
import { sqlAdminPassword } from './sqlAdminPassword.ts';
import { sqlLogin } from './sqlLogin.ts';
import { sqlSingleLogin } from './sqlSingleLogin.ts';
import { storageAccountKey } from './storageAccountKey.ts';
import { twoKey } from './twoKey.ts';
import { twoKeyTable } from './twoKeyTable.ts';

export interface RotatorsOptions extends WireOptions {
  /** Object id and client id of Keyturn's identity: as an administrator of a server it sends no statement there. */
  readonly identityIds?: readonly string[];
}

/** All rotators over Azure. Nothing is loaded or dialled before one is used. */
export function allRotators({ identityIds: identity = [], ...options }: RotatorsOptions): readonly Rotator[] {
  const { clock } = options;
  const { armKeys: keys, databases: servers, ...on } = wires(options);
  const sql = { ...on.sql, clock, identity };
  return [
    sqlAdminPassword(sql),
    sqlLogin(sql),
    sqlSingleLogin(sql),
    postgresqlLogin({ servers, postgres: on.postgres, clock }),
    mysqlLogin({ servers, mysql: on.mysql, clock }),
    ...twoKeyTable.map((row) => twoKey(row, { keys, clock })),
    appRegistration({ ...on.application, clock }),
    storageAccountKey({ ...on.storage, clock }),
  ];
}

/** Rotators by the tag value that names them. */
export function registry(rotators: readonly Rotator[]) {
  const byType = new Map(rotators.map((rotator) => [rotator.type, rotator]));
  return {
    types: [...byType.keys()].sort(),
    get: (type: string): Rotator | undefined => byType.get(type),
  };
}
