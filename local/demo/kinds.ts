/** The four secrets whose rotations are told: what a person stored, what Keyturn does at the target, what an app then gets. */
import type { Azure } from '../azure/azure.ts';
import type { LoggedCall } from '../azure/calls.ts';
import { readBlob } from './blob.ts';
import { entraLogin, sqlLogin } from './logins.ts';

/** How the target answers an app that comes with a value. */
export interface Answer {
  readonly letIn: boolean;
  readonly words: string;
}

export interface Kind {
  readonly vault: string;
  readonly secret: string;
  readonly rotator: string;
  readonly options?: string;
  /** The target as it is told. */
  readonly place: string;
  /** Why a later pass calls the stored value proved. */
  readonly proof: string;
  /** What becomes of the old credential. */
  readonly revoked: string;
  /** What an app does there. */
  readonly use: string;
  /** The tag `rotator-target`. */
  target(azure: Azure): string;
  /** What a person stores. */
  value(azure: Azure): string;
  /** Which of the target's credentials the value holds. */
  nameOf(value: string, azure: Azure): string;
  /** What Keyturn changed at the target: first it issues, then it revokes. */
  changes(azure: Azure): readonly string[];
  /** An app comes with this value. */
  answer(value: string, azure: Azure): Promise<Answer>;
}

/** Writes by Keyturn's identity that were carried out. A SQL server knows it by name. */
export function changesBy(azure: Azure): LoggedCall[] {
  const { oid, displayName } = azure.world.identity;
  return azure
    .changes()
    .filter(({ route, principal }) => principal === (route === 'tds.batch' ? displayName : oid));
}

const actions = (azure: Azure, path: string): string[] =>
  changesBy(azure)
    .filter(({ path: called }) => called.toLowerCase().includes(path.toLowerCase()))
    .map(({ path: called, status }) => `${called.split('/').at(-1)}, ${status}`);

const answered = (error: number | undefined, wrong: string): Answer =>
  error === undefined
    ? { letIn: true, words: 'let in' }
    : { letIn: false, words: `${wrong} ${error}` };

/** A key that stands in a slot cannot be deleted. */
const replaced = 'replaced by one that nobody reads';

export const storage: Kind = {
  vault: 'kv-shop',
  secret: 'orders-storage',
  rotator: 'storage-account-key',
  place: 'storders',
  proof: 'the blob service took it',
  revoked: replaced,
  use: 'blob call',
  target: (azure) => azure.account(storage.place).id,
  value(azure) {
    const suffix = `core.keyturn.localhost:${azure.port}`;
    const key = azure.account(storage.place).key('key1');
    return `DefaultEndpointsProtocol=https;AccountName=${storage.place};AccountKey=${key};EndpointSuffix=${suffix}`;
  },
  nameOf: (value, azure) =>
    value.includes(azure.account(storage.place).key('key1')) ? 'key1' : 'key2',
  changes: (azure) => actions(azure, `/storageAccounts/${storage.place}/`),
  async answer(value, azure) {
    const [, key = ''] = /AccountKey=([^;]*)/.exec(value) ?? [];
    const status = await readBlob(azure, storage.place, key);
    return { letIn: status === 200, words: String(status) };
  },
};

export const sqlLogins = ['orders_a', 'orders_b'] as const;
export const sql: Kind = {
  vault: 'kv-shop',
  secret: 'orders-sql',
  rotator: 'sql-login',
  options: `logins=${sqlLogins.join(',')}`,
  place: 'sql-shop',
  proof: 'the SQL server let it in',
  revoked: 'given a password that nobody knows',
  use: 'login',
  target: (azure) => azure.sqlServer(sql.place).id,
  value(azure) {
    const address = `tcp:${sql.place}.database.keyturn.localhost,${azure.world.tdsPort}`;
    const password = azure.sqlServer(sql.place).login(sqlLogins[0])?.password;
    return `Server=${address};User ID=${sqlLogins[0]};Password=${password};Encrypt=True`;
  },
  nameOf: (value) => `login ${/User ID=([^;]*)/.exec(value)?.[1]}`,
  changes: (azure) =>
    azure.sqlServer(sql.place).statements.map(({ text }) => text.split(' WITH ')[0] ?? ''),
  answer: async (value) => answered(await sqlLogin(value), 'error'),
};

export const busRule = {
  type: 'Microsoft.ServiceBus/namespaces/AuthorizationRules',
  name: 'sb-shop/send',
} as const;
const rule = (azure: Azure) => azure.keyed(busRule.type, busRule.name);
export const bus: Kind = {
  vault: 'kv-shop',
  secret: 'orders-bus',
  rotator: 'service-bus-key',
  place: 'sb-shop',
  proof: 'Resource Manager lists it',
  revoked: replaced,
  use: 'key (judged by the stand-in, which has no queues)',
  target: (azure) => rule(azure).id,
  value(azure) {
    const key = rule(azure).key('Primary');
    return `Endpoint=sb://${bus.place}.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${key}`;
  },
  nameOf: (value, azure) =>
    value.includes(rule(azure).key('Primary')) ? 'PrimaryKey' : 'SecondaryKey',
  changes: (azure) => actions(azure, rule(azure).id),
  async answer(value, azure) {
    const letIn = rule(azure).isIn(value);
    return { letIn, words: letIn ? 'valid' : 'not valid' };
  },
};

const portal = ({ world }: Azure) => {
  const found = world.applications.find(({ displayName }) => displayName === application.place);
  if (!found) throw new Error(`No application ${application.place} in this tenant.`);
  return found;
};
export const application: Kind = {
  vault: 'kv-web',
  secret: 'portal-login',
  rotator: 'app-registration',
  // Without it a client secret that a person made stays until it expires.
  options: 'revoke-adopted=true',
  place: 'portal',
  proof: 'Entra ID gave a token for it',
  revoked: 'removed',
  use: 'login at Entra ID',
  target: (azure) => portal(azure).appId,
  value: (azure) => portal(azure).passwords[0]?.secretText ?? '',
  nameOf(value, azure) {
    const found = portal(azure).everAdded.find(({ secretText }) => secretText === value);
    return `${found?.displayName?.startsWith('keyturn:') ? 'Keyturn' : 'a person'}'s client secret`;
  },
  changes: (azure) => [
    ...actions(azure, `/applications(appId='${portal(azure).appId}')/`),
    ...actions(azure, `/applications/${portal(azure).objectId}/`),
  ],
  answer: async (value, azure) =>
    answered(await entraLogin(azure, portal(azure).appId, value), 'AADSTS'),
};

/** In the order in which they are told. */
export const kinds: readonly Kind[] = [storage, sql, bus, application];
