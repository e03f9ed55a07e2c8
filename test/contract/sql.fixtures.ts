/** What the contract tests of the three SQL kinds share: two servers, the rotator, a clock that moves with each wait. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import type { KeyturnError } from '../../src/core/errors.ts';
import type { Rotator, Stay } from '../../src/ports/rotator.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';
import { startTenant, type Tenant } from '../azure/tenant.fixtures.ts';

export const PASSWORDS = {
  app_a: 'Aa0-first-of-a-4711',
  app_b: 'Bb0-first-of-b-4712',
  svc: 'Cc0-first-of-c-4713',
};
export const USERS = { user_a: 'Dd0-first-of-d-4714', user_b: 'Ee0-first-of-e-4715' };

export interface SqlTenant extends Tenant {
  readonly server: SqlServer;
  readonly partner: SqlServer;
  rotator(type: string): Rotator;
  readonly stay: Stay;
  /** Whether the server comes to so many open connections; it hears of a closed one a moment later. */
  openIs(count: number): Promise<boolean>;
  /** Every server as it was made, no fault, no call, no lock left. */
  clear(): void;
}

export async function startSqlTenant(): Promise<SqlTenant> {
  const options = (name: string) => ({
    ...{ name, logins: PASSWORDS, databases: { shop: USERS } },
    ...{ administratorPassword: 'Zz0-first-of-chief-1', entraAdministrator: 'dba-group' },
  });
  const tenant = await startTenant({
    vaults: [],
    accounts: [],
    sqlServers: [options('sql1'), options('sql2')],
  });
  const rotators = registry(allRotators(tenant));
  const [server, partner] = [tenant.azure.sqlServer('sql1'), tenant.azure.sqlServer('sql2')];
  return {
    ...tenant,
    server,
    partner,
    rotator(type) {
      const found = rotators.get(type);
      if (!found) throw new Error(`${type} is not registered`);
      return found;
    },
    async stay(seconds) {
      tenant.clock.offsetMinutes += seconds / 60;
      return true;
    },
    async openIs(count) {
      for (let tries = 0; tries < 100 && server.open !== count; tries += 1) await pause(10);
      return server.open === count;
    },
    clear() {
      tenant.azure.heal();
      tenant.azure.calls.length = 0;
      tenant.clock.slept.length = 0;
      for (const each of [server, partner]) each.reset();
    },
  };
}

export const thrown = (promise: Promise<unknown>): Promise<KeyturnError> =>
  promise.then(
    () => {
      throw new Error('It went well.');
    },
    (error: KeyturnError) => error,
  );
