/** `sql-single-login`: one login of Azure SQL. From the change until its readers take the new value nobody can log in. */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import type { Manifest, Parameters, Rotator } from '../ports/rotator.ts';
import { fold } from '../targets/sqlText.ts';
import { noPath } from '../targets/tds.ts';
import { OnePassword } from './kit/onePassword.ts';
import { parseOptions } from './kit/options.ts';
import { PASSWORD_LENGTH } from './kit/password.ts';
import { loginPort, sqlLogins, sqlRights } from './kit/sqlLogins.ts';
import {
  SERVERS_OPTION,
  SQL_LOGIN_REMEDIES,
  SQL_LOGIN_RIGHTS,
  type SqlOptions,
} from './kit/sqlServerSet.ts';
import { foreignLogin } from './kit/storedLogin.ts';

const Options = z.strictObject({
  login: z.string().optional().describe('The login of the server.'),
  user: z
    .string()
    .optional()
    .describe('Instead of `login`: a user that lives in the database alone.'),
  database: z.string().optional().describe('The database of `user`.'),
  servers: z.string().optional().describe(SERVERS_OPTION),
});

export const sqlSingleLoginManifest: Manifest = {
  type: 'sql-single-login',
  title: 'Azure SQL, one login or user',
  overlap: 'none',
  longest: PASSWORD_LENGTH,
  rights: SQL_LOGIN_RIGHTS,
  remedies: SQL_LOGIN_REMEDIES,
  options: Options,
  form: { kind: 'login', server: 'sqlserver', required: false },
};

export function sqlSingleLogin(deps: SqlOptions): Rotator {
  return {
    ...sqlSingleLoginManifest,
    bind({ target, options }: Parameters) {
      const { login, user, database, servers } = parseOptions(Options, options);
      const names = sqlLogins({ target, logins: login, users: user, database, servers }, deps, [
        'login',
        'user',
      ]);
      const [name] = names.logins;
      if (name === undefined || names.logins.length !== 1) {
        throw new KeyturnError('bad-tags', {
          detail: `The tag rotator-options: \`${names.option}\` is one name.`,
        });
      }
      const { owners } = names.servers;
      const unasked = new Set<string>();
      return new OnePassword({
        id: names.idOf([name]),
        owners,
        logins: [name],
        part: names.part,
        clock: deps.clock,
        inspect: () => names.inspect(['password']),
        moreHosts: () => names.servers.moreHosts(),
        rights: async () => sqlRights(await names.servers.usable([name]), names, deps),
        async ports() {
          const found = await names.servers.usable([name]);
          return found.map((server) => {
            const port = loginPort(server, names, deps, unasked);
            return {
              name: port.name,
              // There is no other: one that is off is off by a person's will.
              setPassword: (password) => port.setPassword(name, password, true),
              tryPassword: (password) => port.tryLogin(name, password),
            };
          });
        },
        login: async () => name,
        async checkLogin(other) {
          if (fold(other) !== fold(name) && fold(await names.servers.bare(other)) !== fold(name))
            throw foreignLogin(other, `the option \`${names.option}\` names (${quote(name)})`);
        },
        unasked: () => noPath([...unasked]),
      });
    },
  };
}
