/** `sql-admin-password`: the password of a SQL server's administrator, set through Azure Resource Manager. */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { ServerAnswer } from '../core/serverAnswer.ts';
import type { Manifest, Parameters, Rotator } from '../ports/rotator.ts';
import { fold } from '../targets/sqlText.ts';
import { noPath } from '../targets/tds.ts';
import { OnePassword, type PasswordPort } from './kit/onePassword.ts';
import { parseOptions } from './kit/options.ts';
import { PASSWORD_LENGTH } from './kit/password.ts';
import {
  type FoundServer,
  parseServers,
  placeOf,
  SERVERS_OPTION,
  SQL_READS,
  type SqlOptions,
  SqlServerSet,
} from './kit/sqlServerSet.ts';
import { foreignLogin } from './kit/storedLogin.ts';

const Options = z.strictObject({
  servers: z.string().optional().describe(SERVERS_OPTION),
  'arm-only': z
    .literal('true', { error: 'expected `true`' })
    .optional()
    .describe('Trust the answer of Azure alone where no network path leads to the server.'),
});

export const sqlAdminPasswordManifest: Manifest = {
  type: 'sql-admin-password',
  title: 'Azure SQL server, administrator',
  overlap: 'none',
  longest: PASSWORD_LENGTH,
  rights: {
    actions: [
      ...SQL_READS,
      'Microsoft.Sql/servers/write',
      'Microsoft.Sql/locations/serverAzureAsyncOperation/read',
      'Microsoft.Sql/locations/serverOperationResults/read',
    ],
  },
  options: Options,
  form: { kind: 'login', server: 'sqlserver', required: false },
};

export function sqlAdminPassword(deps: SqlOptions): Rotator {
  return {
    ...sqlAdminPasswordManifest,
    bind({ target, options }: Parameters) {
      const { servers: partners, 'arm-only': armOnly } = parseOptions(Options, options);
      const ids = parseServers(target, partners);
      const servers = new SqlServerSet(ids, deps);
      const unasked = new Set<string>();
      return new OnePassword({
        id: ids[0].text,
        owners: servers.owners,
        clock: deps.clock,
        inspect: () => servers.inspect(['password'], []),
        moreHosts: () => servers.moreHosts(),
        ports: async () =>
          (await servers.usable([])).map((server) => portOf(server, deps, unasked)),
        login: async () => (await servers.usable([])).map(administratorOf).join(' '),
        async checkLogin(login) {
          const spelt = [fold(login), fold(await servers.bare(login))];
          const other = (await servers.usable([])).find(
            (server) => !spelt.includes(fold(administratorOf(server))),
          );
          if (other !== undefined)
            throw foreignLogin(login, `the administrator of ${other.id.name}`);
        },
        unasked: () => (armOnly ? 'trusted' : noPath([...unasked])),
      });
    },
  };
}

function administratorOf({ id, administratorLogin }: FoundServer): string {
  if (administratorLogin !== undefined) return administratorLogin;
  throw new KeyturnError('entra-only', {
    detail: `Azure names no administrator with a password at ${id.name}.`,
  });
}

function portOf(
  server: FoundServer,
  { servers, tds }: SqlOptions,
  unasked: Set<string>,
): PasswordPort {
  return {
    name: server.id.name,
    setPassword: (password, stay) => servers.setAdminPassword(server.id, password, stay),
    async tryPassword(password: Secret): Promise<ServerAnswer> {
      const answer = await tds.login(placeOf(server), administratorOf(server), password);
      if (answer.refusedFor === 'address') unasked.add(server.host);
      return answer;
    },
  };
}
