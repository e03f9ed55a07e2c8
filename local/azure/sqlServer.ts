/** One logical SQL server: its administrator, logins, databases with their users, and what has been done to it. */
import { randomBytes } from 'node:crypto';
import { now } from '../clock.ts';

export interface SqlServerOptions {
  name: string;
  resourceGroup?: string;
  /** Default `padm`. It cannot change. */
  administratorLogin?: string;
  administratorPassword?: string;
  /** Name of the Entra administrator. */
  entraAdministrator?: string;
  /** Its object id; without it that of a group of no one here. */
  entraAdministratorId?: string;
  /** `azureADOnlyAuthentication`: no password opens it, none can be set. */
  entraOnly?: boolean;
  /** Logins with their passwords. */
  logins?: Record<string, string>;
  /** Databases with their contained users and passwords. */
  databases?: Record<string, Record<string, string>>;
}

export interface Login {
  name: string;
  password: string;
  enabled: boolean;
}

/** One statement as it arrived: whatever is not a plain batch stands here as well. */
export interface Statement {
  kind: 'batch' | 'rpc';
  by: string;
  database: string;
  text: string;
}

/** A running or finished change of the server. */
export interface Operation {
  startTime: string;
  polls: number;
  error?: { code: string; message: string };
}

export interface FailoverGroup {
  name: string;
  partner: SqlServer;
}

export type Permission = 'ALTER ANY LOGIN' | 'ALTER ANY USER';

/** The server's own collation ignores case (learn: relational-databases/collations). */
export const key = (name: string): string => name.toLowerCase();

export class SqlServer {
  readonly name: string;
  readonly id: string;
  readonly administrator: Login;
  entraAdministrator: string | undefined;
  entraAdministratorId: string | undefined;
  entraOnly = false;
  /** `HAS_PERMS_BY_NAME` gives NULL for rights of the server. */
  permissionsUnknown = false;
  readonly logins = new Map<string, Login>();
  readonly databases = new Map<string, Map<string, Login>>();
  /** Entra principals with a login here, by object id. */
  readonly entraLogins = new Map<string, Set<Permission>>();
  readonly failoverGroups: FailoverGroup[] = [];
  tags: Record<string, string> = {};
  /** What keeps callers away: the socket is closed, or the login answered with this number (40615, 47073, …). */
  closed: 'socket' | number | undefined;
  readonly operations = new Map<string, Operation>();
  /** The members of each PATCH's `properties`, never their values. */
  readonly patches: string[][] = [];
  readonly statements: Statement[] = [];
  /** Connections that logged in, and how many of them are open. */
  opened = 0;
  open = 0;
  /** Every password that was ever set here. */
  readonly passwordsSeen = new Set<string>();
  readonly #options: SqlServerOptions;

  constructor(options: SqlServerOptions, groupId: string) {
    this.name = options.name;
    this.id = `${groupId}/providers/Microsoft.Sql/servers/${options.name}`;
    this.administrator = login(options.administratorLogin ?? 'padm', options.administratorPassword);
    this.#options = { ...options, administratorPassword: this.administrator.password };
    this.reset();
  }

  /** As it was made: passwords, flags, and nothing done to it. What is open stays open. */
  reset(): void {
    const {
      logins,
      databases,
      entraOnly = false,
      administratorPassword = '',
      ...entra
    } = this.#options;
    const { entraAdministrator, entraAdministratorId } = entra;
    Object.assign(this, {
      entraAdministrator,
      entraAdministratorId,
      entraOnly,
      closed: undefined,
      tags: {},
      opened: 0,
    });
    this.administrator.password = administratorPassword;
    for (const list of [this.logins, this.databases, this.operations, this.passwordsSeen])
      list.clear();
    for (const list of [this.failoverGroups, this.patches, this.statements]) list.length = 0;
    this.passwordsSeen.add(administratorPassword);
    for (const [name, password] of Object.entries(logins ?? {})) this.createLogin(name, password);
    for (const [name, users] of Object.entries(databases ?? {})) {
      const entries = Object.entries(users).map(
        ([user, password]) => [key(user), login(user, password)] as const,
      );
      this.databases.set(key(name), new Map(entries));
    }
  }

  /** A login, the administrator's too. */
  login(name: string): Login | undefined {
    return key(name) === key(this.administrator.name)
      ? this.administrator
      : this.logins.get(key(name));
  }

  user(database: string, name: string): Login | undefined {
    return this.databases.get(key(database))?.get(key(name));
  }

  createLogin(name: string, password: string): void {
    this.passwordsSeen.add(password);
    this.logins.set(key(name), login(name, password));
  }

  setPassword(login: Login, password: string): void {
    this.passwordsSeen.add(login.password);
    this.passwordsSeen.add(password);
    login.password = password;
  }

  /** Whether this login is let in with this password now, path and firewall aside. */
  accepts(name: string, password: string, database = 'master'): boolean {
    const found = database === 'master' ? this.login(name) : this.user(database, name);
    return !this.entraOnly && found?.enabled === true && found.password === password;
  }

  /** `now` as ARM writes it in operations. */
  static time(): string {
    return new Date(now()).toISOString();
  }
}

const login = (name: string, password = newPassword()): Login => ({
  name,
  password,
  enabled: true,
});

const newPassword = (): string => `Aa0-${randomBytes(16).toString('hex')}`;

/**
 * What Azure says against a password, as words for 15116 and 15118 and for `PasswordNotComplex`; undefined where it takes
 * it: 8 to 128 characters, three of four kinds, no part of the login of three or more [learn: password-policy;
 * Azure/reliable-web-app-pattern-java#98].
 */
export function weakness(
  password: string,
  login: string,
): 'too short' | 'too long' | 'not complex' | undefined {
  if (password.length < 8) return 'too short';
  if (password.length > 128) return 'too long';
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) =>
    kind.test(password),
  ).length;
  const lower = password.toLowerCase();
  const name = login.toLowerCase();
  const pieces = Array.from({ length: Math.max(0, name.length - 2) }, (_, at) =>
    name.slice(at, at + 3),
  );
  return kinds < 3 || pieces.some((piece) => lower.includes(piece)) ? 'not complex' : undefined;
}
