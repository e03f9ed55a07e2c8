/** The routes of Key Vault's data plane for secrets (azure-facts 2.1 and 10). */
import { type Call, json, Refusal } from './exchange.ts';
import { Bodies, change, checkName, newVersion } from './keyVaultBodies.ts';
import { kv, kvError } from './keyVaultErrors.ts';
import type { Request, Route } from './service.ts';
import type { Vault } from './vault.ts';
import type { World } from './world.ts';

/** A vault that no one has does not resolve on Azure; here the name resolves, so the call gets a 404. */
export function vaultOf(call: Call, world: World): Vault {
  const name = call.host.split('.')[0] ?? '';
  const vault = world.vaults.get(name.toLowerCase());
  if (!vault) throw new Refusal(kv(404, 'VaultNotFound', `No vault ${name} in this tenant.`));
  return vault;
}

/** What a route does once the vault is known: returns the body. */
type Act = (vault: Vault, request: Request, bodies: Bodies) => unknown;

const nameOf = ({ parts: [name = ''] }: Request) => checkName(name);
const keyOf = ({ name }: { name: string }) => name.toLowerCase();

const list: Act = (vault, request, bodies) =>
  bodies.page(request, [...vault.secrets.values()], keyOf, (secret) => bodies.item(secret));

/** The versions of an unknown name are an empty list, no error (azure-facts 2.4). */
const versions: Act = (vault, request, bodies) => {
  const secret = vault.find(nameOf(request));
  if (!secret) return { value: [], nextLink: null };
  const idOf = ({ id }: { id: string }) => id;
  return bodies.page(request, secret.versions, idOf, (version) =>
    bodies.properties(secret, version),
  );
};

const get: Act = (vault, request, bodies) => {
  const name = nameOf(request);
  const secret = vault.find(name);
  // recorded: 404 in the second after a recovery that was answered 200
  if (!secret || vault.returning.delete(name.toLowerCase()))
    throw new Refusal(kvError.notFound(name));
  const version = vault.version(name, request.parts[1] ?? '');
  if (!version.enabled) throw new Refusal(kvError.disabled());
  return bodies.full(secret, version);
};

const set: Act = (vault, request, bodies) => {
  const name = nameOf(request);
  refuseManaged(vault, name);
  const version = vault.put(name, newVersion(request, vault));
  return bodies.full(vault.secret(name), version);
};

/** The answer has no value; an empty version means the current one (azure-facts 2.4). */
const update: Act = (vault, request, bodies) => {
  const name = nameOf(request);
  const { id } = vault.version(name, request.parts[1] ?? '');
  return bodies.properties(vault.secret(name), vault.update(name, id, change(request, vault)));
};

const remove: Act = (vault, request, bodies) => {
  refuseManaged(vault, nameOf(request));
  return bodies.deleted(vault.delete(nameOf(request)));
};

const listDeleted: Act = (vault, request, bodies) => {
  const done = [...vault.deleted.values()].filter(({ name }) => vault.findDeleted(name));
  return bodies.page(request, done, keyOf, (secret) => bodies.deletedItem(secret));
};

const getDeleted: Act = (vault, request, bodies) => {
  const found = vault.findDeleted(nameOf(request));
  if (!found) throw new Refusal(kvError.deletedNotFound(nameOf(request)));
  if (!found.versions.at(-1)?.enabled) throw new Refusal(kvError.disabledDeleted());
  return bodies.deleted(found);
};

const recover: Act = (vault, request, bodies) => {
  const secret = vault.recover(nameOf(request));
  return bodies.properties(secret, vault.version(secret.name, ''));
};

const restore: Act = (vault, request, bodies) => {
  const secret = vault.restore(String(json(request)?.value ?? ''));
  return bodies.properties(secret, vault.version(secret.name, ''));
};

function refuseManaged(vault: Vault, name: string): void {
  if (vault.current(name)?.kid !== undefined) throw new Refusal(kvError.managed());
}

const route = (
  name: string,
  on: [method: string, path: RegExp],
  action: string,
  reference: string,
  act: Act,
): Route => ({
  name: `keyvault.${name}`,
  method: on[0],
  path: on[1],
  write:
    !action.startsWith('readMetadata') &&
    !action.startsWith('getSecret') &&
    !action.startsWith('backup'),
  action: `Microsoft.KeyVault/vaults/secrets/${action}`,
  source: 'recorded',
  reference,
  handle: (request, world) => {
    const vault = vaultOf(request, world);
    const body = act(vault, request, new Bodies(vault, world));
    return body === undefined ? { status: 204 } : { status: 200, body };
  },
});

const js = 'azure-sdk-for-js keyvault-secrets recordings';
const cli = 'azure-cli recordings test_keyvault_secret*';
const secretPath = /^\/secrets\/([^/]+)\/?$/;
const versionPath = /^\/secrets\/([^/]+)(?:\/([^/]*))?$/;
const deletedPath = /^\/deletedsecrets\/([^/]+)\/?$/;

export const keyVaultRoutes: Route[] = [
  route('list', ['GET', /^\/secrets\/?$/], 'readMetadata/action', cli, list),
  route('versions', ['GET', /^\/secrets\/([^/]+)\/versions$/], 'readMetadata/action', js, versions),
  route('get', ['GET', versionPath], 'getSecret/action', js, get),
  route('set', ['PUT', secretPath], 'setSecret/action', js, set),
  route('update', ['PATCH', versionPath], 'update/action', js, update),
  route('delete', ['DELETE', secretPath], 'delete', cli, remove),
  route('listDeleted', ['GET', /^\/deletedsecrets\/?$/], 'readMetadata/action', cli, listDeleted),
  route('getDeleted', ['GET', deletedPath], 'readMetadata/action', js, getDeleted),
  route('recover', ['POST', /^\/deletedsecrets\/([^/]+)\/recover$/], 'recover/action', js, recover),
  route('purge', ['DELETE', deletedPath], 'purge/action', cli, (vault, request) =>
    vault.purge(nameOf(request)),
  ),
  route(
    'backup',
    ['POST', /^\/secrets\/([^/]+)\/backup$/],
    'backup/action',
    js,
    (vault, request) => ({
      value: vault.backup(nameOf(request)),
    }),
  ),
  route('restore', ['POST', /^\/secrets\/restore$/], 'restore/action', js, restore),
];
