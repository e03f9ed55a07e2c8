/**
 * Options of connection strings that a rotation refuses by name, before anything is issued: they send the credential elsewhere, log in
 * with something else, or drop what protects it. Every other option is kept byte for byte, known or not (case VAL-05). Names are
 * those of the vendors' pages (facts on values, V1.4, V2, V4, V5, V6); what they are compared with is `nameOf` them.
 */
import { compact } from '../core/compact.ts';
import { bad, nameOf, type TextPart } from './part.ts';

type Why = 'elsewhere' | 'identity' | 'unprotected' | 'other' | 'file' | 'change';
export const refusalWords: Readonly<Record<Why, string>> = {
  elsewhere: 'can send the credential to another host; take it out',
  identity:
    'means a login with an identity or another credential; then no password is used that could be replaced',
  unprotected: 'does without TLS, or without a look at the certificate; let it ask for both',
  other: 'holds another credential, which this rotation would not replace; take it out',
  file: 'names a file where the client runs, which may hold a host or a credential; take it out',
  change: 'makes the client change the password when it logs in; take it out',
};

/** An option that is refused unless its value is one of the `fine` ones. */
export interface Refused {
  /** As the vendor's page writes it. */
  readonly name: string;
  readonly why: Why;
  readonly fine?: RegExp;
}

/** Rows of one kind; an underscore in front of a capital stands for a blank. */
const all = (why: Why, names: string, fine?: RegExp): readonly Refused[] =>
  names.split(' ').map((name) => compact({ name: name.replaceAll(/_(?=[A-Z])/g, ' '), why, fine }));
const OFF = /^(false|no|0|)$/i;

/** ADO.NET, ODBC, JDBC, jTDS, Prisma, SQLAlchemy and Go for SQL Server (V4). */
const sqlserver: readonly Refused[] = [
  ...all('identity', 'Integrated_Security Trusted_Connection', OFF),
  ...all('identity', 'Authentication', /^(sql ?password|notspecified|)$/i),
  ...all('identity', 'authenticationScheme', /^nativeauthentication$/i),
  ...all(
    'identity',
    'authenticator fedauth accessToken accessTokenCallback accessTokenCallbackClass krb5-configfile',
  ),
  ...all(
    'identity',
    'krb5-realm krb5-keytabfile krb5-credcachefile krb5-dnslookupkdc krb5-udppreferencelimit',
    /^$/,
  ),
  ...all('identity', 'jaasConfigurationName domain realm', /^$/),
  ...all('unprotected', 'TrustServerCertificate', OFF),
  ...all('unprotected', 'Encrypt', /^(true|yes|1|mandatory|strict)$/i),
  ...all(
    'unprotected',
    'Server_Certificate certificate trustServerCertificateCA trustManagerClass trustStore',
  ),
  ...all('unprotected', 'trustStorePassword trustStoreType trustManagerConstructorArg'),
  ...all('unprotected', 'ssl', /^(require|authenticate|true)$/i),
  ...all(
    'elsewhere',
    'AttachDbFilename Extended_Properties Initial_File_Name Enclave_Attestation_Url',
  ),
  ...all('elsewhere', 'User_Instance Context_Connection', OFF),
  ...all('elsewhere', 'Network_Library Net Network protocol', /^(dbmssocn|tcp)$/i),
  ...all(
    'elsewhere',
    'instanceName instance namedPipe pipe socketFactory socketFactoryClass bindAddress failoverPort',
  ),
  ...all('elsewhere', 'socketFactoryConstructorArg'),
  ...all('elsewhere', 'DSN FILEDSN odbc_connect'),
  ...all('file', 'SAVEFILE QueryLogFile StatsLogFile'),
  // By its name it is looked up where the administrator put it; as a path it is any library.
  ...all('file', 'Driver', /^[^\\/]*$/),
  ...all(
    'other',
    'KeystoreSecret keyStoreSecret keyVaultProviderClientKey AADSecurePrincipalSecret clientKeyPassword',
  ),
  { name: 'change password', why: 'change' },
];

/** libpq, its URI, pg, pgjdbc and Npgsql (V5). */
const postgresql: readonly Refused[] = [
  ...all('unprotected', 'sslmode', /^(require|verify-?ca|verify-?full)$/i),
  ...all('unprotected', 'ssl', /^(true|1|require)$/i),
  ...all('unprotected', 'requiressl', /^1$/),
  ...all('unprotected', 'Trust_Server_Certificate', OFF),
  ...all('unprotected', 'sslrootcert Root_Certificate', /^(system)?$/i),
  ...all('unprotected', 'sslfactory', /^org\.postgresql\.ssl\.(LibPQFactory|jdbc4\.LibPQFactory)$/),
  ...all('file', 'passfile sslcert sslkey service servicefile SSL_Certificate SSL_Key'),
  ...all('other', 'sslpassword SSL_Password'),
  ...all(
    'identity',
    'authenticationPluginClassName kerberosServerName Kerberos_Service_Name Include_Realm',
  ),
  ...all('identity', 'Require_Auth', /^(\s*(password|md5|scram-?sha-?256)\s*(,|$))+$/i),
  ...all('identity', 'Integrated_Security', OFF),
  ...all('elsewhere', 'PGHOST PGPORT PGDBNAME socketFactory unix_socket'),
];

/** MySqlConnector, Connector/NET, Connector/J, MariaDB's, URIs and Go (V6). */
const mysql: readonly Refused[] = [
  ...all('unprotected', 'SslMode', /^(required|verify[-_]?(ca|full|identity))$/i),
  ...all('unprotected', 'tls', /^(?!(false|skip-verify|preferred)$)/i),
  ...all(
    'unprotected',
    'useSSL ssl requireSSL',
    // Percent-encoded, what it decodes to is judged beside it.
    /^(true|yes|1|required|%7b.*|\{\s*("(rejectUnauthorized|verifyIdentity)"\s*:\s*true\s*(,\s*(?!\})|(?=\})))*\})$/i,
  ),
  ...all('unprotected', 'ssl_disabled', OFF),
  ...all('unprotected', 'ssl_verify_cert ssl_verify_identity', /^(true|yes|1)$/i),
  ...all('unprotected', 'verifyServerCertificate', /^(true|yes|1)$/i),
  ...all('unprotected', 'AllowPublicKeyRetrieval trustServerCertificate', OFF),
  ...all('unprotected', 'allowCleartextPasswords allowFallbackToPlaintext', OFF),
  ...all(
    'unprotected',
    'serverRsaPublicKeyFile serverPubKey server_public_key server_public_key_path',
  ),
  ...all('unprotected', 'trustCertificateKeyStoreUrl'),
  ...all('unprotected', 'trustCertificateKeyStoreType trustCertificateKeyStorePassword'),
  ...all('identity', 'Integrated_Security IntegratedSecurity', OFF),
  ...all(
    'identity',
    'defaultAuthenticationPlugin authenticationPlugins authPlugins auth_plugin auth_plugin_map',
  ),
  ...all(
    'identity',
    'OciConfigFile OciConfigProfile OpenIdIdentityToken Server_SPN Certificate_Thumbprint',
  ),
  ...all('elsewhere', 'Connection_Protocol Protocol', /^(tcp|socket|sockets)$/i),
  ...all(
    'elsewhere',
    'Pipe_Name Pipe named_pipe dns-srv socketFactory socksProxyHost socksProxyPort socketPath socket',
  ),
  ...all(
    'elsewhere',
    'unix_socket unixSocket localSocket propertiesTransform queryInterceptors flags bind_address',
  ),
  ...all('elsewhere', 'init_command'),
  ...all('elsewhere', 'defer_connect', OFF),
  ...all('elsewhere', 'Server_Redirection_Mode', /^disabled$/i),
  ...all(
    'file',
    'Certificate_File Certificate_Store Certificate_Store_Location CA_Certificate_File SSL_Cert SSL_Key SSL_CA read_default_file read_default_group',
  ),
  ...all('file', 'AllowAllFiles', OFF),
  ...all(
    'other',
    'Certificate_Password password2 pwd2 password3 pwd3 clientCertificateKeyStorePassword',
  ),
];

/** Shared access rules of Service Bus, Event Hubs, Relay and Notification Hubs, IoT Hub's, and their AMQP addresses (V2.2, V2.6). */
const messaging: readonly Refused[] = [
  ...all('elsewhere', 'StsEndpoint GatewayHostName amqp.saslMechanisms'),
  ...all('elsewhere', 'UseDevelopmentEmulator x509 X509Cert', OFF),
  ...all('other', 'SharedAccessSignature DeviceId ModuleId'),
  ...all('identity', 'Authentication'),
  // Qpid's, from its manual (unverified).
  ...all('unprotected', 'transport.trustAll', OFF),
  ...all('unprotected', 'transport.verifyHost', /^true$/i),
];

export const refusedOptions = {
  sqlserver,
  postgresql,
  mysql,
  messaging,
  /** V2.1; endpoints are hosts, which are compared. */
  storage: [
    ...all('unprotected', 'DefaultEndpointsProtocol', /^https$/i),
    ...all('elsewhere', 'DevelopmentStorageProxyUri'),
    ...all('elsewhere', 'UseDevelopmentStorage', OFF),
    ...all('other', 'SharedAccessSignature'),
  ],
  /** V2.3. */
  cosmos: [...all('unprotected', 'DisableServerCertificateValidation', OFF)],
  mongo: [
    ...all(
      'elsewhere',
      'proxyHost proxyPort proxyUsername proxyPassword srvServiceName srvMaxHosts',
    ),
    ...all(
      'unprotected',
      'tlsInsecure tlsAllowInvalidCertificates tlsAllowInvalidHostnames sslValidate',
      OFF,
    ),
    ...all('unprotected', 'ssl tls', /^true$/i),
    ...all('identity', 'authMechanism', /^SCRAM-SHA-(1|256)$/i),
    ...all('identity', 'authSource', /^(?!\$external$)/i),
    ...all('file', 'tlsCAFile tlsCertificateKeyFile'),
    ...all('other', 'tlsCertificateKeyFilePassword'),
  ],
  /** V2.4. */
  redis: [
    ...all('unprotected', 'ssl', /^true$/i),
    ...all('unprotected', 'ssl_cert_reqs', /^(required|2)$/i),
    ...all('unprotected', 'ssl_check_hostname', /^true$/i),
    ...all('elsewhere', 'tunnel serviceName sentinelUser sentinelPassword sentinels path tls'),
    ...all('elsewhere', 'proxy', /^none$/i),
    ...all('file', 'ssl_ca_certs ssl_ca_path ssl_certfile ssl_keyfile'),
  ],
  /** V2.5. */
  signalr: [
    ...all('identity', 'AuthType ClientId ClientSecret TenantId ClientCert ClientCertPath'),
  ],
  plain: [],
  /** V2.7. */
  aspire: [...all('elsewhere', 'IsAzure', /^true$/i)],
} as const satisfies Readonly<Record<string, readonly Refused[]>>;
export type RefusedOptions = keyof typeof refusedOptions;

const tables = new Map<RefusedOptions, ReadonlyMap<string, readonly Refused[]>>();
function tableOf(which: RefusedOptions): ReadonlyMap<string, readonly Refused[]> {
  const known = tables.get(which);
  if (known) return known;
  const rows: readonly Refused[] = refusedOptions[which];
  const table = new Map(
    rows.map(({ name }) => [nameOf(name), rows.filter((row) => nameOf(row.name) === nameOf(name))]),
  );
  tables.set(which, table);
  return table;
}

/** Of an option that nobody here knows, the ends of names that lead somewhere. */
const LEADS = /(host|server|endpoint|proxy|address|addr)$/;

/**
 * @param isOwn whether a text names a host of the target
 * @throws `bad-value` that names the option, as its vendor writes it, and nothing of the value
 */
export function refuseOption(
  part: TextPart,
  which: RefusedOptions,
  isOwn: (value: string) => boolean,
): void {
  const rows = tableOf(which).get(part.name);
  const meant = [part.value, ...(part.decoded === undefined ? [] : [part.decoded])];
  const wrong = rows?.find(({ fine }) => !fine || meant.some((value) => !fine.test(value)));
  if (wrong)
    throw bad(`The option ${wrong.name} of the connection string ${refusalWords[wrong.why]}.`);
  const leads = rows === undefined && LEADS.exec(part.name)?.[1];
  if (leads && part.value !== '' && !meant.every(isOwn)) {
    throw bad(
      `An option of the connection string whose name ends in \`${leads}\` ${refusalWords.elsewhere}.`,
    );
  }
}
