/** What holds at SQL servers at the end of every case (cases section 13), asked of the stand-in. */
import type { Azure } from '../../local/azure/azure.ts';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import type { Version } from '../../local/azure/vault.ts';

const optionsOf = ({ tags = {} }: Version): Map<string, string> => {
  const parts = (tags['rotator-options'] ?? '').split(';').map((part) => part.split('='));
  return new Map(parts.map(([name = '', value = '']) => [name, decodeURIComponent(value)]));
};

const isSql = ({ tags = {} }: Version): boolean =>
  /^sql-(login|single|admin)/.test(tags.rotator ?? '');
export const hasNoOverlap = ({ tags = {} }: Version): boolean =>
  /^sql-(single|admin)/.test(tags.rotator ?? '');

/** The servers that a version's tags name: the target, then its partners. */
function serversOf({ world }: Azure, version: Version): SqlServer[] {
  const ids = [
    version.tags?.['rotator-target'] ?? '',
    ...(optionsOf(version).get('servers')?.split(',') ?? []),
  ];
  return ids.flatMap((id) => world.sqlServers.get(id.split('/').at(-1)?.toLowerCase() ?? '') ?? []);
}

/** The login and password in a value, in the forms that these cases use; bare ones belong to the one login there is. */
function loginIn(version: Version, administrator: string): { login: string; password: string } {
  const { value } = version;
  const options = optionsOf(version);
  const only = options.get('login') ?? options.get('user') ?? administrator;
  if (value.startsWith('{')) {
    const { username = only, password = '' } = JSON.parse(value) as {
      username?: string;
      password?: string;
    };
    return { login: username, password };
  }
  const [, login = only] = /User ID=([^;]*)/i.exec(value) ?? [];
  return { login, password: /Password=([^;]*)/i.exec(value)?.[1] ?? value };
}

/** Whether every server lets the value in; undefined for a version of another kind. */
export function sqlAccepted(azure: Azure, version: Version): boolean | undefined {
  if (!isSql(version)) return undefined;
  const servers = serversOf(azure, version);
  const database = optionsOf(version).get('database');
  return (
    servers.length > 0 &&
    servers.every((server) => {
      const { login, password } = loginIn(version, server.administrator.name);
      return server.accepts(login, password, database);
    })
  );
}

/** Every password that a server ever had. */
export const sqlPasswordsSeen = ({ world }: Azure): string[] =>
  [...world.sqlServers.values()].flatMap(({ passwordsSeen }) => [...passwordsSeen]);

/** Invariant 7: servers that were changed though nothing at them consents; and statements that were not plain batches. */
export function sqlChangedUnasked(azure: Azure): string[] {
  const { world } = azure;
  return [...world.sqlServers.values()].flatMap(({ id, name, statements, patches }) => {
    const consents = world.roles.all.some(
      ({ principalId, scope, description }) =>
        principalId === world.identity.oid &&
        scope.toLowerCase() === id.toLowerCase() &&
        /^\s*keyturn\s+[a-z-]+\s*:/i.test(description ?? ''),
    );
    return [
      ...(consents || statements.length + patches.length === 0 ? [] : [name]),
      ...statements.filter(({ kind }) => kind !== 'batch').map(({ kind }) => `${name}: ${kind}`),
      ...patches
        .filter((members) => members.join() !== 'properties.administratorLoginPassword')
        .map(String),
    ];
  });
}
