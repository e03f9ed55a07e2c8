/** How secrets of a kind may hold their credential (design section 2: form); every kind may also be a member of a JSON document. */
export type FormSpec =
  /** Nothing but the credential. */
  | { readonly kind: 'bare' }
  /** An account key, bare or in a storage connection string. */
  | { readonly kind: 'storage' }
  /** An access key, bare or in the connection string that the service itself hands out. */
  | { readonly kind: 'key'; readonly string: KeyString }
  /** A login with its password, in the connection strings that clients of the server use (ADO.NET, ODBC, JDBC, URI). */
  | {
      readonly kind: 'login';
      readonly server: 'sqlserver' | 'postgresql' | 'mysql';
      /** False where the tags name the one login there is: then the password may stand alone. */
      readonly required: boolean;
    };

/** `name=value` pairs of a service's own connection string, names in lower case. */
export interface KeyString {
  /** What parts the pairs. */
  readonly separator: ';' | ',';
  /** The element that holds the key: `sharedaccesskey`. */
  readonly key: string;
  /** Elements that name a host, each of which must be one of the target's. Redis has its host in front, without a name. */
  readonly hosts: readonly string[];
  /** Further elements that may stand there. */
  readonly others: readonly string[];
  /** An element that changes whenever the key does (App Configuration's Id): the credential is both, as `pairOf` writes them. */
  readonly pair?: string;
}

/** A key with the name it goes by, as one credential: `Id=…;Secret=…`. */
export const pairOf = ({ pair = '', key }: KeyString, name: string, value: string): string =>
  `${capital(pair)}=${name};${capital(key)}=${value}`;

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
