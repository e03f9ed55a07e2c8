/** `sql-login`: two logins of Azure SQL in turn, or two contained users of one database. */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import type { Part } from '../core/grants.ts';
import type { Handle, RotationId } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { RightCheck } from '../core/rightChecks.ts';
import type { Secret } from '../core/secret.ts';
import type {
  Credential,
  Manifest,
  Parameters,
  Rotator,
  Said,
  Stay,
  Target,
  TargetState,
  Verdict,
  Wrong,
} from '../ports/rotator.ts';
import { couldBe, fold } from '../targets/sqlText.ts';
import { noPath } from '../targets/tds.ts';
import { parseOptions } from './kit/options.ts';
import { PASSWORD_LENGTH } from './kit/password.ts';
import { loginPort, type SqlLogins, sqlLogins, sqlRights } from './kit/sqlLogins.ts';
import { SERVERS_OPTION, SQL_LOGIN_REMEDIES, SQL_LOGIN_RIGHTS, type SqlOptions } from './kit/sqlServerSet.ts';
import { LOGIN_HANDLES, sortedLogins, twoLogins } from './kit/twoLogins.ts';

const Options = z.strictObject({
  logins: z.string().optional().describe('The two logins of the server, separated by a comma.'),
  users: z.string().optional().describe('Instead of `logins`: the two users that live in the database alone.'),
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
      const { logins, users, database, servers } = parseOptions(Options, options);
      const names = sqlLogins({ target, logins, users, database, servers }, deps);
      const [one, two] = names.logins;
      if (one === undefined || two === undefined || names.logins.length !== 2 || couldBe(one, two)) {
        const detail = `The tag rotator-options: \`${names.option}\` is ${quote(names.logins.join(','))}; expected two different names.`;
        throw new KeyturnError('bad-tags', { detail });
      }
      return new SqlLoginPair(names, sortedLogins([one, two]), deps);
    },
  };
}

class SqlLoginPair implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly logins: readonly [string, string];
  readonly part: Part;
  readonly #pair: Target;
  readonly #rights: () => Promise<readonly RightCheck[]>;
  /** Servers that could not be asked in this pass. */
  readonly #unasked = new Set<string>();

  constructor(names: SqlLogins, logins: readonly [string, string], deps: SqlOptions) {
    this.id = names.idOf(logins);
    this.owners = names.servers.owners;
    this.logins = logins;
    this.part = names.part;
    this.#rights = async () => sqlRights(await names.servers.usable(logins), names, deps);
    this.#pair = twoLogins({
      ...{ id: this.id, owners: this.owners, logins, part: this.part, clock: deps.clock, option: names.option },
      inspect: () => names.inspect(LOGIN_HANDLES),
      moreHosts: () => names.servers.moreHosts(),
      ports: async () =>
        (await names.servers.usable(logins)).map((server) => loginPort(server, names, deps, this.#unasked)),
      same: (left, right) => fold(left) === fold(right),
      serverNames: () => names.servers.names(),
    });
  }

  get wrong(): Wrong | undefined {
    return this.#pair.wrong;
  }

  inspect(): Promise<TargetState> {
    return this.#pair.inspect();
  }

  async moreHosts(): Promise<readonly string[]> {
    return (await this.#pair.moreHosts?.()) ?? [];
  }

  said(): Said | undefined {
    return this.#pair.said?.();
  }

  async adopt(value: Secret, login?: string): Promise<Handle | undefined> {
    this.#unasked.clear();
    const handle = await this.#pair.adopt(value, login);
    // "Cannot tell" is not "does not know": a person has to open the way, not to store another value (case SQL-11).
    if (handle === undefined && this.#unasked.size > 0) throw noPath([...this.#unasked]);
    return handle;
  }

  async issue(rotation: RotationId, keep: readonly Handle[], until: Date, stay: Stay): Promise<Credential> {
    return await this.#pair.issue(rotation, keep, until, stay);
  }

  rights(): Promise<readonly RightCheck[]> {
    return this.#rights();
  }

  check(value: Secret, login?: string): Promise<Verdict> {
    return this.#pair.check(value, login);
  }

  revoke(handle: Handle, old: Secret | undefined, stay: Stay): Promise<void> {
    return this.#pair.revoke(handle, old, stay);
  }
}
