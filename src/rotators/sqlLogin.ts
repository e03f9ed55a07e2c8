/** `sql-login`: two logins of Azure SQL in turn, or two contained users of one database. */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import type { Manifest, Parameters, Rotator } from '../ports/rotator.ts';
import { couldBe, fold } from '../targets/sqlText.ts';
import { noPath } from '../targets/tds.ts';
import { parseOptions } from './kit/options.ts';
import { PASSWORD_LENGTH } from './kit/password.ts';
import { loginPort, sqlLogins, sqlRights } from './kit/sqlLogins.ts';
import {
  SERVERS_OPTION,
  SQL_LOGIN_REMEDIES,
  SQL_LOGIN_RIGHTS,
  type SqlOptions,
} from './kit/sqlServerSet.ts';
import { LOGIN_HANDLES, sortedLogins, twoLogins } from './kit/twoLogins.ts';

const Options = z.strictObject({
  logins: z.string().optional().describe('The two logins of the server, separated by a comma.'),
  users: z
    .string()
    .optional()
    .describe('Instead of `logins`: the two users that live in the database alone.'),
  database: z.string().optional().describe('The database of `users`.'),
  servers: z.string().optional().describe(SERVERS_OPTION),
});

export const sqlLoginManifest: Manifest = {
  type: 'sql-login',
  title: 'Azure SQL, two logins or users in turn',
  overlap: 'two-slots',
  longest: PASSWORD_LENGTH,
  rights: SQL_LOGIN_RIGHTS,
  remedies: SQL_LOGIN_REMEDIES,
  options: Options,
  form: { kind: 'login', server: 'sqlserver', required: true },
};

/** The rotator over the two ports. `ALTER ANY LOGIN` or, for users, `ALTER ANY USER` is granted in the server itself. */
export function sqlLogin(deps: SqlOptions): Rotator {
  return {
    ...sqlLoginManifest,
    bind({ target, options }: Parameters) {
      const { users, database, servers, ...given } = parseOptions(Options, options);
      const names = sqlLogins({ target, logins: given.logins, users, database, servers }, deps);
      const [one, two] = names.logins;
      if (
        one === undefined ||
        two === undefined ||
        names.logins.length !== 2 ||
        couldBe(one, two)
      ) {
        const detail = `The tag rotator-options: \`${names.option}\` is ${quote(names.logins.join(','))}; expected two different names.`;
        throw new KeyturnError('bad-tags', { detail });
      }
      const logins = sortedLogins([one, two]);
      const { owners } = names.servers;
      /** Servers that could not be asked in this pass. */
      const unasked = new Set<string>();
      return twoLogins({
        id: names.idOf(logins),
        owners,
        logins,
        part: names.part,
        clock: deps.clock,
        option: names.option,
        inspect: () => names.inspect(LOGIN_HANDLES),
        moreHosts: () => names.servers.moreHosts(),
        rights: async () => sqlRights(await names.servers.usable(logins), names, deps),
        ports: async () =>
          (await names.servers.usable(logins)).map((server) =>
            loginPort(server, names, deps, unasked),
          ),
        same: (left, right) => fold(left) === fold(right),
        serverNames: () => names.servers.names(),
        asking() {
          unasked.clear();
          return () => (unasked.size > 0 ? noPath([...unasked]) : undefined);
        },
      });
    },
  };
}
