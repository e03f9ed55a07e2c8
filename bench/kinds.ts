/**
 * The kinds of targets whose calls are counted, one entry each. `first` and `second` are two secrets with a target each:
 * the first is measured, the second keeps tokens and vault tags warm.
 */
import type { Azure } from '../local/azure/azure.ts';
import type { TenantOptions } from '../local/azure/tenant.ts';

export interface Kind {
  /** The value of the tag `rotator`. */
  readonly type: string;
  /** What the tenant holds beside the vault. */
  readonly tenant: TenantOptions;
  /** The target of this secret, made if need be, and a value that it accepts. */
  given(azure: Azure, secret: 'first' | 'second'): { target: string; value: string; options?: string };
}

const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const cosmos = (name: string) => ({
  ...{ type: COSMOS, name },
  properties: { documentEndpoint: `https://${name}.documents.azure.com:443/` },
});

/** The first kind is shown call by call, the others as totals. */
export const kinds: readonly Kind[] = [
  {
    type: 'storage-account-key',
    tenant: { accounts: [{ name: 'first' }, { name: 'second' }] },
    given(azure, secret) {
      const account = azure.account(secret);
      return { target: account.id, value: account.key('key1') };
    },
  },
  {
    type: 'cosmos-db-key',
    tenant: { keyed: [cosmos('first'), cosmos('second')] },
    given(azure, secret) {
      const account = azure.keyed(COSMOS, secret);
      return { target: account.id, value: account.key('primary') };
    },
  },
  {
    type: 'app-registration',
    tenant: {},
    given(azure, secret) {
      const application = azure.ownedApplication(secret, 'kv1/*');
      const { secretText } = application.addPassword({
        displayName: 'by a person',
        endDateTime: '2038-01-01T00:00:00Z',
      });
      return { target: application.appId, value: secretText, options: 'revoke-adopted=true' };
    },
  },
];
