/** Where in the value the credential stands: the owner's options and the kind's forms. */
export interface FormOptions {
  readonly spec: FormSpec;
  /** Option `field`: a JSON pointer (`/a/b`) or the name of a member at the top. */
  readonly field?: string;
  /** Option `login-field`: the same for the login. */
  readonly loginField?: string;
}
export type FormSpec =
  /** Nothing but the credential. */
  | { readonly kind: 'bare' }
  /** An access key, bare or in the connection strings that clients of the service use. */
  | {
      readonly kind: 'key';
      /** In the order in which they are tried; rows of the table in `form/dialects.ts`. */
      readonly dialects: readonly KeyDialect[];
      /** The key's name changes whenever the key does (App Configuration's Id): the credential is both, as `pairOf` writes them. */
      readonly pair?: KeyPair;
    }
  /** A login with its password, in the connection strings that clients of the server use (ADO.NET, ODBC, JDBC, URI). */
  | {
      readonly kind: 'login';
      readonly server: 'sqlserver' | 'postgresql' | 'mysql';
      /** False where the tags name the one login there is: then the password may stand alone. */
      readonly required: boolean;
    };

/** Dialects of connection strings that hold a key. */
export type KeyDialect =
  | ('storage' | 'messaging' | 'amqp' | 'jaas' | 'cosmos' | 'cosmosTable' | 'cassandra' | 'mongo')
  | ('redis' | 'redisAddress' | 'appConfiguration' | 'signalr' | 'communication' | 'aspire');

/** Elements that change together, in lower case. */
export interface KeyPair {
  readonly name: string;
  readonly key: string;
}

/** A key with the name it goes by, as one credential: `Id=…;Secret=…`. */
export const pairOf = (pair: KeyPair, name: string, value: string): string =>
  `${capital(pair.name)}=${name};${capital(pair.key)}=${value}`;

/** Of such a credential the key alone; of any other text all of it. */
export function keyOfPair({ key }: KeyPair, bare: string): string {
  const mark = `;${capital(key)}=`;
  const at = bare.indexOf(mark);
  return at < 0 ? bare : bare.slice(at + mark.length);
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
