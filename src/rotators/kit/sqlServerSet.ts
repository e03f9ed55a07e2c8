/** The servers that one SQL secret is about: the target and its failover partners, as the owner's tags name them. */

import type { Remedies } from '../../core/alertWords.ts';
import type { Clock } from '../../core/clock.ts';
import { KeyturnError } from '../../core/errors.ts';
import { type Handle, parseResourceId, type ResourceId } from '../../core/ids.ts';
import type { NeededRights } from '../../core/neededRights.ts';
import { quote } from '../../core/quote.ts';
import type { Obstacle, TargetFacts } from '../../ports/rotator.ts';
import { linkedName } from '../../targets/hosts.ts';
import type { SqlServerFacts, SqlServersApi } from '../../targets/sqlServers.ts';
import { couldBe } from '../../targets/sqlText.ts';
import type { SqlPlace, TdsApi } from '../../targets/tds.ts';

export interface SqlOptions {
  readonly servers: SqlServersApi;
  readonly tds: TdsApi;
  readonly clock: Clock;
  /** Object id and client id of Keyturn's identity. */
  readonly identity?: readonly string[];
}

/** Reading facts and failover groups: what every SQL kind needs of Azure. */
export const SQL_READS = [
  'Microsoft.Sql/servers/read',
  'Microsoft.Sql/servers/failoverGroups/read',
] as const;

/** Of kinds that change logins of the server, or users of one database. */
export const SQL_LOGIN_RIGHTS: NeededRights = {
  actions: SQL_READS,
  database: [
    '`ALTER ANY LOGIN` (the role `##MS_LoginManager##`), or for users of one database `ALTER ANY USER` in it',
  ],
};

/** What lets Keyturn change a login stands in the server, where no role of Azure reaches (docs/rotators.md). */
export const SQL_LOGIN_REMEDIES: Remedies = {
  'target-forbidden': {
    remedy:
      "Where the detail names the server: as its Entra administrator, in `master`, run `CREATE LOGIN [name of Keyturn's identity] FROM EXTERNAL PROVIDER` and `ALTER SERVER ROLE [##MS_LoginManager##] ADD MEMBER [name of Keyturn's identity]` (for users of one database, there: `CREATE USER … FROM EXTERNAL PROVIDER` and `GRANT ALTER ANY USER TO …`), and see that the logins of the tags exist. Where it names Azure: give the identity the role `Keyturn <kind>` at the server, with all its actions: <actions>.",
  },
};

const SERVER_TYPE = 'Microsoft.Sql/servers';
const SERVER_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
/** A primary has four secondaries at most [learn: azure-sql/database/active-geo-replication-overview]. */
const PARTNERS_MAX = 4;

/** The server of the tag `rotator-target`, then those of the option `servers`. Throws `bad-tags`. */
export function parseServers(
  target: string,
  partners: string | undefined,
): readonly [ResourceId, ...ResourceId[]] {
  const first = parseResourceId(target, SERVER_TYPE, 'The tag rotator-target', SERVER_NAME);
  const others = (partners === undefined ? [] : partners.split(',')).map((text) =>
    parseResourceId(
      text.trim(),
      SERVER_TYPE,
      'The option servers of the tag rotator-options',
      SERVER_NAME,
    ),
  );
  const all = new Set([first, ...others].map(({ text }) => text));
  if (all.size !== others.length + 1 || others.length > PARTNERS_MAX) {
    const detail = `The tag rotator-options: \`servers\` names up to ${PARTNERS_MAX} servers beside the target, each once.`;
    throw new KeyturnError('bad-tags', { detail });
  }
  return [first, ...others];
}

/** A server with its facts. */
export interface FoundServer extends SqlServerFacts {
  readonly id: ResourceId;
}

/** Facts are read once: a target is bound anew for every pass. */
export class SqlServerSet {
  readonly ids: readonly [ResourceId, ...ResourceId[]];
  readonly #servers: SqlServersApi;
  readonly #identity: readonly string[];
  #found: readonly FoundServer[] | undefined;
  /** Names of failover partners that hold a copy of the database, its users with it. */
  #copies: readonly string[] = [];

  constructor(ids: readonly [ResourceId, ...ResourceId[]], { servers, identity = [] }: SqlOptions) {
    this.ids = ids;
    this.#servers = servers;
    this.#identity = identity.map((id) => id.toLowerCase());
  }

  get owners(): readonly string[] {
    return this.ids.map(({ text }) => text);
  }

  async found(): Promise<readonly FoundServer[]> {
    this.#found ??= await Promise.all(
      this.ids.map(async (id) => ({ ...(await this.#servers.server(id)), id })),
    );
    return this.#found;
  }

  /**
   * All servers, or what a person must clear away: one that takes Entra alone, or logins that are an administrator's (case
   * SEC-03). Asked again before every write, so that no caller can forget it.
   */
  async usable(logins: readonly string[]): Promise<readonly FoundServer[]> {
    const found = await this.found();
    const [obstacle] = obstaclesOf(found, logins, this.#identity);
    if (obstacle) throw new KeyturnError(obstacle.reason, { detail: obstacle.detail });
    return found;
  }

  /** By which a client may name a server behind its login, lower case: `sql1`, and its host (case VAL-07). */
  async names(): Promise<readonly string[]> {
    return (await this.found()).flatMap(({ host }) => [host, host.split('.')[0] ?? host]);
  }

  /** The login as the secret spells it, without the name of one of its own servers behind it. */
  async bare(login: string): Promise<string> {
    const at = login.lastIndexOf('@');
    const isOwn = at > 0 && (await this.names()).includes(login.slice(at + 1).toLowerCase());
    return isOwn ? login.slice(0, at) : login;
  }

  /**
   * @param logins to be rotated; none where it is the administrator's own password
   * @param copies whether each partner keeps a password of its own; a contained user goes to the secondary with its database
   */
  async inspect(
    handles: readonly Handle[],
    logins: readonly string[],
    copies = true,
  ): Promise<TargetFacts> {
    const found = await this.found();
    const groups = (
      await Promise.all(this.ids.map((id) => this.#servers.failoverGroups(id)))
    ).flat();
    const missing = groups
      .flatMap(({ partners }) => partners)
      .find((partner) => !this.owners.includes(partner));
    if (!copies)
      this.#copies = groups.flatMap(({ partners }) =>
        partners.map((id) => id.slice(id.lastIndexOf('/') + 1)),
      );
    const named = groups
      .flatMap(({ hosts }) => hosts)
      .map((host) => ({ host, port: found[0]?.port ?? PORT }));
    return {
      handles,
      obstacles: [
        ...obstaclesOf(found, logins, this.#identity),
        ...(copies && missing !== undefined ? [unlisted(missing)] : []),
      ],
      hosts: [...new Set([...found, ...named].map(withPort))],
    };
  }

  /** Partners to which a contained user goes with its database, and the names of all private endpoints [learn: private-link/private-endpoint-dns]. */
  async moreHosts(): Promise<readonly string[]> {
    const found = await this.found();
    const [{ host, port } = { host: '', port: PORT }] = found;
    const label = /^[a-z0-9-]{1,63}$/;
    const partners = this.#copies
      .filter((name) => label.test(name))
      .map((name) => name + host.slice(host.indexOf('.')));
    const all = [...found, ...partners.map((name) => ({ host: name, port }))];
    return all.flatMap((each) => [each, { ...each, host: linkedName(each.host) }]).map(withPort);
  }
}

const PORT = 1433;
const withPort = ({ host, port }: { host: string; port: number }): string =>
  port === PORT ? host : `${host}:${port}`;

function obstaclesOf(
  found: readonly FoundServer[],
  logins: readonly string[],
  identity: readonly string[],
): readonly Obstacle[] {
  return found.flatMap((server): readonly Obstacle[] => {
    const { id, entraOnly, administratorLogin, entraAdministrator, entraAdministratorId } = server;
    if (entraOnly) {
      const detail = `${id.name} takes identities of Entra alone: use them and drop the secret.`;
      return [{ reason: 'entra-only', detail }];
    }
    // A trigger that somebody defined there would run as whoever sends a statement (finding ATK-01).
    if (
      logins.length > 0 &&
      entraAdministratorId !== undefined &&
      identity.includes(entraAdministratorId)
    ) {
      const detail = `Keyturn's identity is the Entra administrator of ${id.name}.`;
      return [{ reason: 'own-administrator', detail }];
    }
    const administrators = [administratorLogin, entraAdministrator].filter(
      (name) => name !== undefined,
    );
    const login = logins.find((name) =>
      administrators.some((administrator) => couldBe(name, administrator)),
    );
    if (login === undefined) return [];
    const detail = `The tag rotator-options names ${quote(login)}, an administrator of ${id.name}, which is never rotated as a login.`;
    return [{ reason: 'bad-tags', detail }];
  });
}

/** Both halves of a failover group have to take the same password (case SQL-09). */
function unlisted(partner: string): Obstacle {
  const detail = `The failover partner ${partner} keeps a copy of its own; name it in the option \`servers\`.`;
  return { reason: 'bad-tags', detail };
}

/** What the option `servers` is documented as. */
export const SERVERS_OPTION =
  'Resource ids (or `subscription-guid/group/name`) of failover partners, separated by commas: all get the password before it is stored.';

/** Where a server's logins are tried and changed. */
export const placeOf = ({ host, port }: FoundServer, database = 'master'): SqlPlace => ({
  host,
  port,
  database,
});
