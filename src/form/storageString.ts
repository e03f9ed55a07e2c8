/** What the connection string of a storage account must say beside its key: whose it is, and that all of it leads there (SEC-02). */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { bad } from './part.ts';

/** Microsoft's default where a connection string names no suffix. */
const SUFFIX_DEFAULT = 'core.windows.net';
const SERVICES = ['blob', 'queue', 'table', 'file', 'dfs', 'web'];

/** @param parts values by name; @param hosts hosts of the account, lower case, with port where it is not 443 */
export function checkStorage(parts: ReadonlyMap<string, string>, hosts: readonly string[]): void {
  const foreign = (name: string) => {
    const detail = `${name} of the connection string leads to a host that is not the target's (${hosts.map(quote).join(', ') || 'none known'}).`;
    return new KeyturnError('foreign-host', { detail });
  };
  const [account = '', zone] = (parts.get('accountname') ?? '').toLowerCase().split('.');
  if (!/^[a-z0-9]{3,24}$/.test(account) || (zone !== undefined && !/^z\d{1,3}$/.test(zone)))
    throw bad('The connection string has no AccountName.');
  if (!hosts.some((host) => host.startsWith(`${account}.`))) throw foreign('AccountName');
  const hasEndpoint = [...parts.keys()].some((name) => name.endsWith('endpoint'));
  if (hasEndpoint && !parts.has('endpointsuffix')) return;
  const suffix = (parts.get('endpointsuffix') ?? SUFFIX_DEFAULT).toLowerCase().replace(/:443$/, '');
  const inZone = zone === undefined ? '' : `.${zone}`;
  if (SERVICES.some((service) => hosts.includes(`${account}${inZone}.${service}.${suffix}`)))
    return;
  throw foreign('EndpointSuffix');
}
