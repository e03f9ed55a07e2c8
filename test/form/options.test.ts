/**
 * VAL-05, SEC-02: which options of connection strings are refused, and which of their values are fine. From the vendors' pages once more
 * (facts on values, V1.4, V2, V4, V5, V6), not from the table of the product: an option that is lost there goes through here.
 */
import { describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import { nameOf } from '../../src/form/part.ts';
import { type RefusedOptions, refuseOption } from '../../src/form/refused.ts';

const OWN = 'target.example.net';
function said(
  which: RefusedOptions,
  name: string,
  value: string,
  decoded?: string,
): string | undefined {
  const part = {
    ...{ name: nameOf(name), value, start: 0, end: 0, write: () => '' },
    ...(decoded === undefined ? {} : { decoded }),
  };
  try {
    refuseOption(part, which, (text) => text.toLowerCase() === OWN);
    return undefined;
  } catch (error) {
    if (error instanceof KeyturnError && error.reason === 'bad-value') return error.detail;
    throw error;
  }
}

const WHY = {
  elsewhere: 'can send the credential to another host; take it out',
  identity:
    'means a login with an identity or another credential; then no password is used that could be replaced',
  unprotected: 'does without TLS, or without a look at the certificate; let it ask for both',
  other: 'holds another credential, which this rotation would not replace; take it out',
  file: 'names a file where the client runs, which may hold a host or a credential; take it out',
  change: 'makes the client change the password when it logs in; take it out',
} as const;
type Why = keyof typeof WHY;

const OFF = 'false no 0 _';
/** Names as their vendor writes them, blanks as underscores before capitals; fine values apart by blanks, `_` for none at all. */
const table: readonly (readonly [RefusedOptions, Why, string, string?])[] = [
  ['sqlserver', 'identity', 'Integrated_Security Trusted_Connection', OFF],
  ['sqlserver', 'identity', 'Authentication', 'sqlpassword notspecified _'],
  ['sqlserver', 'identity', 'authenticationScheme', 'nativeauthentication'],
  [
    'sqlserver',
    'identity',
    'authenticator fedauth accessToken accessTokenCallback accessTokenCallbackClass',
  ],
  ['sqlserver', 'identity', 'krb5-configfile'],
  ['sqlserver', 'identity', 'krb5-realm krb5-keytabfile krb5-credcachefile krb5-dnslookupkdc', '_'],
  ['sqlserver', 'identity', 'krb5-udppreferencelimit jaasConfigurationName domain realm', '_'],
  ['sqlserver', 'unprotected', 'TrustServerCertificate', OFF],
  ['sqlserver', 'unprotected', 'Encrypt', 'true yes 1 mandatory strict'],
  [
    'sqlserver',
    'unprotected',
    'Server_Certificate certificate trustServerCertificateCA trustManagerClass trustStore',
  ],
  ['sqlserver', 'unprotected', 'trustStorePassword trustStoreType trustManagerConstructorArg'],
  ['sqlserver', 'unprotected', 'ssl', 'require authenticate true'],
  [
    'sqlserver',
    'elsewhere',
    'AttachDbFilename Extended_Properties Initial_File_Name Enclave_Attestation_Url',
  ],
  ['sqlserver', 'elsewhere', 'User_Instance Context_Connection', OFF],
  ['sqlserver', 'elsewhere', 'Network_Library Net Network protocol', 'dbmssocn tcp'],
  [
    'sqlserver',
    'elsewhere',
    'instanceName instance namedPipe pipe socketFactory socketFactoryClass bindAddress',
  ],
  ['sqlserver', 'elsewhere', 'failoverPort socketFactoryConstructorArg DSN FILEDSN odbc_connect'],
  ['sqlserver', 'file', 'SAVEFILE QueryLogFile StatsLogFile'],
  [
    'sqlserver',
    'other',
    'KeystoreSecret keyStoreSecret keyVaultProviderClientKey AADSecurePrincipalSecret',
  ],
  ['sqlserver', 'other', 'clientKeyPassword'],
  ['sqlserver', 'change', 'change_Password'],

  ['postgresql', 'unprotected', 'sslmode', 'require verify-ca verifyca verify-full verifyfull'],
  ['postgresql', 'unprotected', 'ssl', 'true 1 require'],
  ['postgresql', 'unprotected', 'requiressl', '1'],
  ['postgresql', 'unprotected', 'Trust_Server_Certificate', OFF],
  ['postgresql', 'unprotected', 'sslrootcert Root_Certificate', 'system _'],
  [
    'postgresql',
    'unprotected',
    'sslfactory',
    'org.postgresql.ssl.LibPQFactory org.postgresql.ssl.jdbc4.LibPQFactory',
  ],
  ['postgresql', 'file', 'passfile sslcert sslkey service servicefile SSL_Certificate SSL_Key'],
  ['postgresql', 'other', 'sslpassword SSL_Password'],
  [
    'postgresql',
    'identity',
    'authenticationPluginClassName kerberosServerName Kerberos_Service_Name Include_Realm',
  ],
  [
    'postgresql',
    'identity',
    'Require_Auth',
    'password md5 scram-sha-256 scramsha256 scramsha-256 md5,password',
  ],
  ['postgresql', 'identity', 'Integrated_Security', OFF],
  ['postgresql', 'elsewhere', 'PGHOST PGPORT PGDBNAME socketFactory unix_socket'],

  [
    'mysql',
    'unprotected',
    'SslMode',
    'required verify-ca verify_ca verifyfull verify-full verifyidentity verify_identity verifyca',
  ],
  [
    'mysql',
    'unprotected',
    'useSSL ssl requireSSL',
    'true yes 1 required {"rejectUnauthorized":true} {"verifyIdentity":true} {}',
  ],
  ['mysql', 'unprotected', 'ssl_disabled', OFF],
  [
    'mysql',
    'unprotected',
    'ssl_verify_cert ssl_verify_identity verifyServerCertificate',
    'true yes 1',
  ],
  ['mysql', 'unprotected', 'AllowPublicKeyRetrieval trustServerCertificate', OFF],
  ['mysql', 'unprotected', 'allowCleartextPasswords allowFallbackToPlaintext', OFF],
  [
    'mysql',
    'unprotected',
    'serverRsaPublicKeyFile serverPubKey server_public_key server_public_key_path',
  ],
  [
    'mysql',
    'unprotected',
    'trustCertificateKeyStoreUrl trustCertificateKeyStoreType trustCertificateKeyStorePassword',
  ],
  ['mysql', 'identity', 'Integrated_Security IntegratedSecurity', OFF],
  [
    'mysql',
    'identity',
    'defaultAuthenticationPlugin authenticationPlugins authPlugins auth_plugin auth_plugin_map',
  ],
  [
    'mysql',
    'identity',
    'OciConfigFile OciConfigProfile OpenIdIdentityToken Server_SPN Certificate_Thumbprint',
  ],
  ['mysql', 'elsewhere', 'Connection_Protocol Protocol', 'tcp socket sockets'],
  [
    'mysql',
    'elsewhere',
    'Pipe_Name Pipe named_pipe dns-srv socketFactory socksProxyHost socksProxyPort socketPath',
  ],
  [
    'mysql',
    'elsewhere',
    'socket unix_socket unixSocket localSocket propertiesTransform queryInterceptors flags',
  ],
  ['mysql', 'elsewhere', 'bind_address init_command'],
  ['mysql', 'elsewhere', 'defer_connect', OFF],
  ['mysql', 'elsewhere', 'Server_Redirection_Mode', 'disabled'],
  [
    'mysql',
    'file',
    'Certificate_File Certificate_Store Certificate_Store_Location CA_Certificate_File SSL_Cert',
  ],
  ['mysql', 'file', 'SSL_Key SSL_CA read_default_file read_default_group'],
  ['mysql', 'file', 'AllowAllFiles', OFF],
  [
    'mysql',
    'other',
    'Certificate_Password password2 pwd2 password3 pwd3 clientCertificateKeyStorePassword',
  ],

  ['messaging', 'elsewhere', 'StsEndpoint GatewayHostName amqp.saslMechanisms'],
  ['messaging', 'elsewhere', 'UseDevelopmentEmulator x509 X509Cert', OFF],
  ['messaging', 'other', 'SharedAccessSignature DeviceId ModuleId'],
  ['messaging', 'identity', 'Authentication'],
  ['messaging', 'unprotected', 'transport.trustAll', OFF],
  ['messaging', 'unprotected', 'transport.verifyHost', 'true'],

  ['storage', 'unprotected', 'DefaultEndpointsProtocol', 'https'],
  ['storage', 'elsewhere', 'DevelopmentStorageProxyUri'],
  ['storage', 'elsewhere', 'UseDevelopmentStorage', OFF],
  ['storage', 'other', 'SharedAccessSignature'],

  ['cosmos', 'unprotected', 'DisableServerCertificateValidation', OFF],

  [
    'mongo',
    'elsewhere',
    'proxyHost proxyPort proxyUsername proxyPassword srvServiceName srvMaxHosts',
  ],
  [
    'mongo',
    'unprotected',
    'tlsInsecure tlsAllowInvalidCertificates tlsAllowInvalidHostnames sslValidate',
    OFF,
  ],
  ['mongo', 'unprotected', 'ssl tls', 'true'],
  ['mongo', 'identity', 'authMechanism', 'SCRAM-SHA-1 SCRAM-SHA-256'],
  ['mongo', 'file', 'tlsCAFile tlsCertificateKeyFile'],
  ['mongo', 'other', 'tlsCertificateKeyFilePassword'],

  ['redis', 'unprotected', 'ssl ssl_check_hostname', 'true'],
  ['redis', 'unprotected', 'ssl_cert_reqs', 'required 2'],
  ['redis', 'elsewhere', 'tunnel serviceName sentinelUser sentinelPassword sentinels path tls'],
  ['redis', 'elsewhere', 'proxy', 'none'],
  ['redis', 'file', 'ssl_ca_certs ssl_ca_path ssl_certfile ssl_keyfile'],

  ['signalr', 'identity', 'AuthType ClientId ClientSecret TenantId ClientCert ClientCertPath'],
  ['aspire', 'elsewhere', 'IsAzure', 'true'],
];
/** What none of the options takes for fine unless its row says so. */
const VALUES = [
  ...[
    '',
    'true',
    'false',
    'yes',
    'no',
    '1',
    '0',
    '2',
    'required',
    'require',
    'disabled',
    'none',
    'tcp',
    'system',
  ],
  ...[
    'password',
    'https',
    'http',
    'preferred',
    'skip-verify',
    'mandatory',
    'optional',
    'x',
    '{}',
    '{"ca":"x"}',
  ],
  ...['verify-ca', 'md5', 'SCRAM-SHA-1', 'PLAIN', 'prefer', 'disable', '/etc/passwd', 'socket'],
];

const rows = table.flatMap(([which, why, names, fine]) =>
  names.split(' ').map((name) => ({
    ...{ which, why, name: name.replaceAll(/_(?=[A-Z])/g, ' ') },
    fine: (fine ?? '')
      .split(' ')
      .flatMap((each) => (each === '' ? [] : [each === '_' ? '' : each])),
  })),
);
/** Of one name, in one kind, all rows count: what is fine is fine to each. */
const fineOf = (which: RefusedOptions, name: string) =>
  rows
    .filter((row) => row.which === which && nameOf(row.name) === nameOf(name))
    .map(({ fine }) => fine);

describe.each(rows.map((row) => [row.which, row.name, row] as const))(
  '%s: %s',
  (which, name, { why, fine }) => {
    const isFine = (value: string) =>
      fineOf(which, name).every((each) =>
        each.some((one) => one.toLowerCase() === value.toLowerCase()),
      );

    it(`is refused with the reason "${why}", as its vendor writes it`, () => {
      const wrong = said(which, name, 'some-other-value') ?? '';
      expect(wrong).toMatch(/^The option .* of the connection string /);
      expect(
        nameOf(wrong.slice('The option '.length, wrong.indexOf(' of the connection string'))),
      ).toBe(nameOf(name));
      expect(
        wrong.slice(
          wrong.indexOf(' of the connection string') + ' of the connection string '.length,
        ),
      ).toBe(`${WHY[why]}.`);
    });

    it('takes what is fine and nothing that only looks like it, encoded or not', () => {
      for (const value of new Set([...VALUES, ...fine])) {
        expect([value, said(which, name, value) === undefined]).toEqual([value, isFine(value)]);
        if (value === '' || !isFine(value)) continue;
        for (const unlike of [`x${value}`, `${value}x`, `x ${value}`, `${value} x`])
          expect([unlike, said(which, name, unlike) === undefined]).toEqual([
            unlike,
            isFine(unlike),
          ]);
        expect(said(which, name, value, 'some-other-value')).toBeDefined();
      }
    });
  },
);

describe('options of several meanings', () => {
  it.each(['x=', 'FALSE', 'Skip-Verify', 'preferred'].slice(1))(
    'tls=%s of MySQL is none',
    (value) => {
      expect(said('mysql', 'tls', value)).toContain('does without TLS');
      expect(said('mysql', 'tls', `${value}x`)).toBeUndefined();
      expect(said('mysql', 'tls', `x${value}`)).toBeUndefined();
    },
  );
  it.each([
    ['true', true],
    ['custom-config', true],
    ['', true],
  ])('tls=%j of MySQL is one: %s', (value, fine) =>
    expect(said('mysql', 'tls', value) === undefined).toBe(fine),
  );

  it.each([
    ['admin', true],
    ['$external', false],
    ['$EXTERNAL', false],
    ['$externals', true],
    ['x$external', true],
    ['', true],
  ])('authSource=%j of MongoDB is fine: %s', (value, fine) =>
    expect(said('mongo', 'authSource', value) === undefined).toBe(fine),
  );

  it.each([
    ['{"rejectUnauthorized":true,"verifyIdentity":true}', true],
    ['{ "rejectUnauthorized" : true , "verifyIdentity" : true}', true],
    ['{"rejectUnauthorized":true,}', false],
    ['{"rejectUnauthorized":false}', false],
    ['{"rejectUnauthorized":true,"ca":"x"}', false],
    ['{"rejectUnauthorized":true', false],
    ['%7B%22rejectUnauthorized%22%3Atrue%7D', true],
  ])('ssl=%s of MySQL is fine: %s', (value, fine) =>
    expect(said('mysql', 'ssl', value) === undefined).toBe(fine),
  );

  it.each([
    ['ODBC Driver 18 for SQL Server', true],
    ['', true],
    ['/opt/evil.so', false],
    ['C:\\evil.dll', false],
    ['x/y', false],
  ])('Driver=%j is a name: %s', (value, fine) => {
    expect(said('sqlserver', 'Driver', value) === undefined).toBe(fine);
    if (!fine) expect(said('sqlserver', 'Driver', value)).toContain('names a file');
  });

  it.each([
    ['password, md5', true],
    ['md5,', true],
    ['gss', false],
    ['md5,gss', false],
    ['md5 password', false],
    ['', false],
  ])('Require Auth=%j of PostgreSQL is fine: %s', (value, fine) =>
    expect(said('postgresql', 'Require Auth', value) === undefined).toBe(fine),
  );
});

describe('an option that nobody knows', () => {
  it.each(['host', 'server', 'endpoint', 'proxy', 'address', 'addr'])(
    'and whose name ends in %s leads to the target or is refused, as text and decoded',
    (end) => {
      for (const which of ['sqlserver', 'messaging', 'redis', 'plain'] as const) {
        const words = `An option of the connection string whose name ends in \`${end}\` ${WHY.elsewhere}.`;
        expect(said(which, `future-${end}`, 'evil.example')).toBe(words);
        expect(said(which, `future ${end}`, OWN, 'evil.example')).toBe(words);
        expect(said(which, `future_${end}`, OWN)).toBeUndefined();
        expect(said(which, `future${end}`, '')).toBeUndefined();
        expect(said(which, `${end}future`, 'evil.example')).toBeUndefined();
      }
    },
  );

  it('stays as it is', () => {
    for (const which of [
      'sqlserver',
      'postgresql',
      'mysql',
      'messaging',
      'storage',
      'plain',
    ] as const)
      expect(said(which, 'futureOption', 'x')).toBeUndefined();
  });
});
