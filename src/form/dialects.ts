/**
 * The table of dialects: how each of them is told, read and written, where it names its host, and what it must not say. Vendors'
 * pages and measurements stand in `source` (facts on values, V1 to V6); the examples are documented and tested from here.
 */
import {
  addressParts,
  decoded,
  encoder,
  hostsOf,
  looksLikeAddress,
  pathOf,
  queryOf,
  schemeOf,
} from './address.ts';
import type { Dialect } from './dialect.ts';
import { elementsOf } from './elements.ts';
import { goDsnParts, looksLikeGoDsn } from './goDsn.ts';
import { jaasParts, looksLikeJaas } from './jaas.ts';
import { keywordsOf } from './keywords.ts';
import { bad, type TextPart } from './part.ts';
import { checkStorage } from './storageString.ts';

/** Whether an element of one of these names begins in the text. */
const hasElement = (names: string, separator = ';'): ((text: string) => boolean) => {
  const element = new RegExp(
    `(?:^|[${separator}\\n])[^\\S\\n]{0,9}(?:${names})[^\\S\\n]{0,9}=`,
    'i',
  );
  return (text) => element.test(text);
};
const scheme = (pattern: RegExp) => (text: string) => pattern.test(schemeOf(text));

const KEY = /^[^\s;,]+$/;
const BASE64 = /^[A-Za-z0-9+/]{4,}={0,2}$/;
const web = { hosts: ['endpoint'], hostIs: 'address', ports: ['443'], key: KEY } as const;

const account: Dialect = {
  title: 'Storage account',
  source: 'learn: storage-configure-connection-string',
  isMeant: hasElement(
    'Account(?:Key|Name)|DefaultEndpointsProtocol|EndpointSuffix|\\w{1,20}Endpoint|UseDevelopmentStorage',
  ),
  read: (text) => elementsOf(text, 'service'),
  credential: ['accountkey'],
  hosts: ['blob', 'queue', 'table', 'file', 'dfs', 'web'].flatMap((each) => [
    `${each}endpoint`,
    `${each}secondaryendpoint`,
  ]),
  hostIs: 'address',
  hostless: true,
  ports: ['443'],
  key: BASE64,
  refused: 'storage',
  examples: [
    'DefaultEndpointsProtocol=https;AccountName={account};AccountKey={K};EndpointSuffix=core.windows.net',
    'AccountName={account};AccountKey={K};BlobEndpoint=https://{account}.blob.core.windows.net/;',
  ],
};
const storage: Dialect = { ...account, check: checkStorage };

const messaging: Dialect = {
  ...web,
  title: 'Service Bus, Event Hubs, Relay, Notification Hubs',
  source: 'learn: service-bus-sas, event-hubs-get-connection-string; measured with the SDKs',
  isMeant: hasElement('Endpoint|SharedAccess\\w{1,20}|EntityPath'),
  read: (text) => elementsOf(text, 'service'),
  credential: ['sharedaccesskey'],
  ports: ['443', '5671'],
  refused: 'messaging',
  examples: ['Endpoint=sb://{host}/;SharedAccessKeyName=send;SharedAccessKey={K};EntityPath=q1'],
};

const amqp: Dialect = {
  title: 'AMQP address of Service Bus and Event Hubs',
  source: 'learn: service-bus JMS and Proton pages',
  isMeant: scheme(/^amqps?$/i),
  read: (text) => addressParts(text, { scheme: /^amqps$/, credentials: 'userinfo' }),
  credential: ['password'],
  hosts: ['host'],
  hostIs: 'name',
  port: ['port'],
  ports: ['5671', '443'],
  refused: 'messaging',
  examples: ['amqps://send:{K}@{host}'],
};

const jaas: Dialect = {
  title: 'Kafka JAAS configuration of Event Hubs',
  source: 'learn: event-hubs Kafka quickstarts; gh: apache/kafka JaasConfig.java',
  isMeant: looksLikeJaas,
  read: jaasParts,
  credential: ['password'],
  hosts: [],
  hostIs: 'name',
  hostless: true,
  lines: true,
  ports: [],
  refused: 'plain',
  inner: () => messaging,
  examples: [
    'org.apache.kafka.common.security.plain.PlainLoginModule required username="$ConnectionString" password="Endpoint=sb://{host}/;SharedAccessKeyName=send;SharedAccessKey={K}";',
  ],
};

const cosmos: Dialect = {
  ...web,
  title: 'Cosmos DB for NoSQL and Gremlin',
  source: 'learn: cosmos-db connection strings; copies of listConnectionStrings answers',
  isMeant: hasElement('Account(?:Endpoint|Key)'),
  read: (text) => elementsOf(text, 'service'),
  credential: ['accountkey'],
  hosts: ['accountendpoint'],
  refused: 'cosmos',
  examples: [
    'AccountEndpoint=https://{host}:443/;AccountKey={K};',
    'AccountEndpoint=https://{host}:443/;AccountKey={K};ApiKind=Gremlin;Database=db1;',
  ],
};

const cosmosTable: Dialect = {
  ...account,
  title: 'Cosmos DB for Table',
  source: 'copies of listConnectionStrings answers',
  isMeant: hasElement('TableEndpoint'),
  hosts: ['tableendpoint'],
  examples: [
    'DefaultEndpointsProtocol=https;AccountName={account};AccountKey={K};TableEndpoint=https://{host}:443/;',
  ],
};

const cassandra: Dialect = {
  ...cosmos,
  title: 'Cosmos DB for Apache Cassandra',
  source: 'copies of listConnectionStrings answers',
  isMeant: hasElement('HostName|Username|Password'),
  credential: ['password'],
  hosts: ['hostname'],
  hostIs: 'name',
  port: ['port'],
  ports: ['10350', '443'],
  refused: 'plain',
  examples: ['HostName={host};Username={account};Password={K};Port=10350'],
};

const mongo: Dialect = {
  title: 'Cosmos DB for MongoDB',
  source: 'spec: MongoDB connection string; measured with mongodb and MongoDB.Driver',
  isMeant: scheme(/^mongodb(\+srv)?$/i),
  read: (text) => addressParts(text, { scheme: /^mongodb$/, credentials: 'userinfo' }),
  credential: ['password'],
  hosts: ['host'],
  hostIs: 'name',
  port: ['port'],
  ports: ['10255', '443'],
  refused: 'mongo',
  examples: [
    'mongodb://{account}:{K}@{host}:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@{account}@',
  ],
};

const redis: Dialect = {
  title: 'StackExchange.Redis',
  source: 'gh: StackExchange/StackExchange.Redis docs/Configuration.md',
  isMeant: (text) =>
    /(?:^|,)\s{0,9}password\s{0,9}=/i.test(text) || /^[\w.-]+(?::\d+)?\s{0,9},/.test(text),
  read: (text) => elementsOf(text, 'redis'),
  credential: ['password'],
  hosts: ['', 'sslhost'],
  hostIs: 'name',
  ports: ['6380'],
  required: ['ssl'],
  key: KEY,
  refused: 'redis',
  examples: ['{host},password={K},ssl=True,abortConnect=False'],
};

const redisAddress: Dialect = {
  title: 'Redis address',
  source: 'measured with ioredis, node-redis and redis-py',
  isMeant: scheme(/^rediss?$/i),
  read: (text) =>
    addressParts(text, { scheme: /^rediss$/, credentials: 'userinfo', noLogin: true }),
  credential: ['password'],
  hosts: ['host'],
  hostIs: 'name',
  port: ['port'],
  ports: ['6379', '6380'],
  refused: 'redis',
  examples: ['rediss://:{K}@{host}/0', 'rediss://default:{K}@{host}'],
};

const appConfiguration: Dialect = {
  ...web,
  title: 'App Configuration',
  source: 'measured with @azure/app-configuration',
  isMeant: hasElement('Endpoint|Id|Secret'),
  read: (text) => elementsOf(text, 'service'),
  credential: ['secret'],
  refused: 'plain',
  examples: ['Endpoint=https://{host};Id={ID};Secret={K}'],
};

const signalr: Dialect = {
  ...web,
  title: 'SignalR Service and Web PubSub',
  source: 'learn: signalr concept-connection-string',
  isMeant: hasElement('Endpoint|AccessKey'),
  read: (text) => elementsOf(text, 'service'),
  credential: ['accesskey'],
  hosts: ['endpoint', 'clientendpoint', 'serverendpoint'],
  refused: 'signalr',
  examples: ['Endpoint=https://{host};AccessKey={K};Version=1.0;'],
};

const communication: Dialect = {
  ...signalr,
  title: 'Communication Services',
  source: 'measured with @azure/communication-common',
  hosts: ['endpoint'],
  refused: 'plain',
  examples: ['endpoint=https://{host}/;accesskey={K}'],
};

const aspire: Dialect = {
  ...web,
  title: 'Azure AI services, Azure OpenAI and Search as .NET Aspire writes them',
  source: 'gh: dotnet/aspire',
  isMeant: hasElement('Endpoint|Key'),
  read: (text) => elementsOf(text, 'service'),
  credential: ['key'],
  refused: 'aspire',
  examples: ['Endpoint=https://{host}/;Key={K};Deployment=chat'],
};

export const keyDialects = {
  storage,
  messaging,
  amqp,
  jaas,
  cosmos,
  cosmosTable,
  cassandra,
  mongo,
  redis,
  redisAddress,
  appConfiguration,
  signalr,
  communication,
  aspire,
} as const;

/** Partners, too: a client that finds the server down goes there with the same password. */
const HOSTS = [
  'server',
  'datasource',
  'address',
  'addr',
  'networkaddress',
  'host',
  'hostname',
  'hostaddr',
  'servername',
  'failoverpartner',
  'failoverserver',
  'failoverpartnername',
];
const login = {
  credential: ['password', 'pwd'],
  login: ['userid', 'uid', 'user', 'username'],
  hosts: HOSTS,
  port: ['port', 'portnumber'],
  hostIs: 'name',
} as const;
const sqlServer = { ...login, hostIs: 'sqlserver', ports: ['1433'], refused: 'sqlserver' } as const;
const postgres = { ...login, ports: ['5432'], refused: 'postgresql' } as const;
const mySql = { ...login, ports: ['3306'], refused: 'mysql' } as const;

/** Names that begin an element of the strings of database clients. */
const isElements = hasElement(
  'server|data ?source|addr(?:ess)?|network address|host(?:name|addr)?|user ?(?:id|name)?|uid|password|pwd|psw|driver|dsn|database|initial catalog|integrated[ _]security|trusted[ _]connection|metadata|provider(?: connection string)?',
);
const isKeywords = hasElement('host(?:addr)?|user|password|dbname|port|service|sslmode', ';\\s');
const isOdbc = hasElement('driver');

const ado: Dialect = {
  ...sqlServer,
  lines: true,
  login: ['userid', 'uid', 'user'],
  title: 'ADO.NET for SQL Server',
  source: 'learn: SqlConnection.ConnectionString; measured with Microsoft.Data.SqlClient',
  isMeant: isElements,
  read: (text) => elementsOf(text, 'ado'),
  examples: [
    'Server=tcp:{host},1433;Initial Catalog=shop;User ID={L};Password={PW};Encrypt=True;TrustServerCertificate=False;Connection Timeout=30;',
  ],
};

/** Another text in the place of a value, read by its own rules and written back by the outer ones. */
const ef6: Dialect = {
  ...sqlServer,
  lines: true,
  title: 'Entity Framework 6',
  source: 'gh: dotnet/ef6 EntityConnectionStringBuilder.cs',
  isMeant: hasElement('metadata|provider connection string'),
  read(text) {
    if (/&quot;/i.test(text))
      throw bad('The connection string is copied out of XML: write `"` for `&quot;`.');
    const parts = elementsOf(text, 'ado');
    const strange = parts.some(
      ({ name }) => !['metadata', 'provider', 'providerconnectionstring'].includes(name),
    );
    if (strange)
      throw bad(
        'A metadata connection string has `metadata`, `provider` and `provider connection string` alone.',
      );
    return parts;
  },
  credential: ['providerconnectionstring'],
  hosts: [],
  hostless: true,
  refused: 'plain',
  inner: () => ado,
  examples: [
    'metadata=res://*/M.csdl|res://*/M.ssdl|res://*/M.msl;provider=System.Data.SqlClient;provider connection string="data source={host};initial catalog=shop;user id={L};password={PW}"',
  ],
};

const odbcParts = (text: string): readonly TextPart[] => {
  const parts = elementsOf(text, 'odbc');
  const driver = parts.find(({ name }) => name === 'driver');
  if (driver && /[\\/]/.test(driver.value))
    throw bad('The driver of the connection string is a file; name it instead.');
  return parts;
};
const odbcExample = (driver: string) =>
  `Driver={${driver}};Server={host};Database=shop;Uid={L};Pwd={PW};`;

const odbc: Dialect = {
  ...sqlServer,
  credential: ['pwd'],
  login: ['uid'],
  title: 'ODBC for SQL Server',
  source: 'spec: SQLDriverConnect; learn: dsn-connection-string-attribute',
  isMeant: isOdbc,
  read: odbcParts,
  examples: [
    'Driver={ODBC Driver 18 for SQL Server};Server=tcp:{host},1433;Database=shop;Uid={L};Pwd={PW};Encrypt=yes;TrustServerCertificate=no;',
  ],
};

const goOdbc: Dialect = {
  ...sqlServer,
  title: 'Go `odbc:` for SQL Server',
  source: 'gh: microsoft/go-mssqldb',
  isMeant: (text) => /^odbc:/i.test(text),
  read: (text) => elementsOf(text, 'odbc', 'odbc:'.length),
  examples: ['odbc:server={host};user id={L};password={PW};database=shop'],
};

/** `scheme://host:port` with elements behind it. */
const behindHost = (text: string, dialect: 'jdbc' | 'jtds' | 'prisma'): readonly TextPart[] => {
  const from = text.indexOf('://') + 3;
  const end = text.indexOf(';', from);
  if (end < 0)
    throw bad(
      'The address has no `;` behind its host; write login and password as elements there.',
    );
  if (/[A-Z]/.test(text.slice(0, from)))
    throw bad('Write the scheme of the address in small letters.');
  const slash = text.indexOf('/', from);
  const authority = text.slice(from, slash < 0 || slash > end ? end : slash);
  return [...hostsOf(authority, from), ...elementsOf(text, dialect, end)];
};

const jdbcSqlServer: Dialect = {
  ...sqlServer,
  credential: ['password'],
  login: ['user', 'username', 'uid'],
  title: 'JDBC for SQL Server',
  source: 'gh: microsoft/mssql-jdbc',
  isMeant: (text) => /^jdbc:sqlserver:/i.test(text),
  read: (text) => behindHost(text, 'jdbc'),
  examples: [
    'jdbc:sqlserver://{host}:1433;database=shop;user={L};password={PW};encrypt=true;hostNameInCertificate=*.database.windows.net;loginTimeout=30;',
  ],
};

const jtds: Dialect = {
  ...sqlServer,
  credential: ['password'],
  login: ['user'],
  title: 'jTDS',
  source: 'measured with jTDS 1.3.1',
  isMeant: (text) => /^jdbc:jtds:/i.test(text),
  read: (text) => behindHost(text, 'jtds'),
  required: ['ssl'],
  examples: ['jdbc:jtds:sqlserver://{host}:1433/shop;user={L};password={PW};ssl=require'],
};

const prisma: Dialect = {
  ...sqlServer,
  title: 'Prisma for SQL Server',
  source: 'gh: prisma/connection-string',
  isMeant: (text) => /^sqlserver:\/\/[^;?@]*;/i.test(text),
  read: (text) => behindHost(text, 'prisma'),
  examples: ['sqlserver://{host}:1433;database=shop;user={L};password={PW};encrypt=true'],
};

/** SQLAlchemy decodes once or twice, by its version: what reads alike in both is written (V4.4). */
function inOdbcConnect(part: TextPart): TextPart {
  const value = decoded(part.value.replaceAll('+', ' '));
  const unlike = (text: string) => text.match(/[+%]/g)?.length ?? 0;
  return {
    ...part,
    value,
    write(next) {
      if (unlike(next) <= unlike(value)) return encoder(part.value)(next);
      throw bad(
        'With `odbc_connect`, versions of SQLAlchemy disagree about `+` and `%` in login and password.',
      );
    },
  };
}

const odbcConnect: Dialect = {
  ...sqlServer,
  title: 'SQLAlchemy with `odbc_connect`',
  source: 'measured with SQLAlchemy 1.4; gh: sqlalchemy changelog 2.1',
  isMeant: (text) => /^mssql(\+\w+)?:\/\/[^?]*\?(.*&)?odbc_connect=/i.test(text),
  read(text) {
    const head = /^[a-z+]+:\/\/([^/?]*)/i.exec(text)?.[1] ?? '';
    if (head !== '')
      throw bad('With `odbc_connect` no host, login or password stands in front of the `/`.');
    return queryOf(text).map((part) => (part.name === 'odbcconnect' ? inOdbcConnect(part) : part));
  },
  credential: ['odbcconnect'],
  hosts: [],
  hostless: true,
  refused: 'plain',
  inner: () => odbc,
  examples: [
    'mssql+pyodbc:///?odbc_connect=Driver%3D%7BODBC%20Driver%2018%20for%20SQL%20Server%7D%3BServer%3D{host}%3BDatabase%3Dshop%3BUid%3D{L}%3BPwd%3D{PW}%3BEncrypt%3Dyes',
  ],
};

const sqlServerAddress: Dialect = {
  ...sqlServer,
  title: 'SQLAlchemy and Go for SQL Server',
  source: 'measured with SQLAlchemy 1.4; gh: microsoft/go-mssqldb',
  isMeant: scheme(/^(mssql|sqlserver)(\+\w+)?$/i),
  read(text) {
    // SQLAlchemy takes a host without a database for the name of a DSN; to Go a path is an instance (V4.4, V4.6).
    const hasPath = pathOf(text).length > 1;
    if (/^mssql/i.test(text) && !hasPath)
      throw bad('Without a database behind it, the host is the name of a DSN.');
    if (/^sqlserver:/i.test(text) && hasPath)
      throw bad(
        'What stands behind the host is an instance; name the database with the option `database`.',
      );
    return addressParts(text, { scheme: /^(mssql|sqlserver)(\+\w+)?$/i, credentials: 'userinfo' });
  },
  hostIs: 'name',
  examples: [
    'mssql+pyodbc://{L}:{PW}@{host}:1433/shop?driver=ODBC+Driver+18+for+SQL+Server',
    'sqlserver://{L}:{PW}@{host}:1433?database=shop',
  ],
};

const pgAddress: Dialect = {
  ...postgres,
  title: 'Address of PostgreSQL',
  source: 'PostgreSQL manual 34.1.1.2; measured with libpq, pg, SQLAlchemy',
  isMeant: scheme(/^postgres(ql)?(\+\w+)?$/i),
  read: (text) =>
    addressParts(text, {
      scheme: /^postgres(ql)?(\+\w+)?$/,
      credentials: 'either',
      exactNames: true,
    }),
  examples: [
    'postgresql://{L}:{PW}@{host}:5432/app?sslmode=require',
    'postgres://{L}:{PW}@{host}/app',
  ],
};

const pgJdbc: Dialect = {
  ...pgAddress,
  title: 'JDBC for PostgreSQL',
  source: 'measured with pgjdbc 42.5',
  isMeant: (text) => /^jdbc:postgresql:/i.test(text),
  read: (text) =>
    addressParts(text, { scheme: /^jdbc:postgresql$/, credentials: 'query', exactNames: true }),
  examples: ['jdbc:postgresql://{host}:5432/app?user={L}&password={PW}&sslmode=require'],
};

const npgsql: Dialect = {
  ...postgres,
  lines: true,
  credential: ['password', 'psw', 'pwd'],
  login: ['username', 'userid', 'uid'],
  title: 'Npgsql',
  source: 'measured with Npgsql 10',
  isMeant: (text) => isElements(text) && !isLibpq(text),
  read: (text) => elementsOf(text, 'ado'),
  examples: ['Server={host};Database=app;Port=5432;User Id={L};Password={PW};Ssl Mode=Require;'],
};

const NAME = /^\w[\w ]*$/;
const VALUE = /^(?:"[^"]*"|'[^']*'|[^;\s'"]*)/;
/** Whether blanks part the pairs: behind the first value comes no `;` and not the end. */
function isLibpq(text: string): boolean {
  if (!isKeywords(text) || looksLikeAddress(text)) return false;
  const equals = text.indexOf('=');
  if (!NAME.test(text.slice(0, equals).trim())) return true;
  const after = text.slice(equals + 1).trimStart();
  const rest = after.slice(VALUE.exec(after)?.[0].length).trimStart();
  return rest !== '' && !rest.startsWith(';');
}

const libpq: Dialect = {
  ...postgres,
  lines: true,
  title: 'libpq keywords',
  source: 'PostgreSQL manual 34.1.1.1; measured with libpq 15',
  isMeant: isLibpq,
  read: keywordsOf,
  examples: ['host={host} port=5432 dbname=app user={L} password={PW} sslmode=require'],
};

const pgOdbc: Dialect = {
  ...postgres,
  title: 'ODBC for PostgreSQL',
  source: 'spec: SQLDriverConnect',
  isMeant: isOdbc,
  read: odbcParts,
  examples: [odbcExample('PostgreSQL Unicode')],
};

const myAddress: Dialect = {
  ...mySql,
  title: 'Address of MySQL',
  source: 'measured with mysql2, mysql, mariadb, SQLAlchemy',
  isMeant: scheme(/^(mysql2?|mysqlx|mariadb)(\+\w+)?$/i),
  read: (text) =>
    addressParts(text, { scheme: /^(mysql2?|mysqlx|mariadb)(\+\w+)?$/i, credentials: 'userinfo' }),
  examples: ['mysql://{L}:{PW}@{host}:3306/app?ssl-mode=REQUIRED'],
};

const myJdbc: Dialect = {
  ...mySql,
  title: 'JDBC for MySQL and MariaDB',
  source: 'spec: Connector/J connection URL syntax; measured with MariaDB Connector/J 2.7',
  isMeant: (text) => /^jdbc:(mysql|mariadb)[:+]/i.test(text),
  read(text) {
    const grammar = {
      scheme: /^jdbc:(mysql|mariadb)(:(replication|loadbalance|failover|sequential))?$/i,
    } as const;
    return addressParts(text, { ...grammar, credentials: 'query' });
  },
  examples: ['jdbc:mysql://{host}:3306/app?user={L}&password={PW}&sslMode=REQUIRED'],
};

const myAdo: Dialect = {
  ...mySql,
  lines: true,
  credential: ['password', 'pwd', 'password1', 'pwd1'],
  title: 'MySqlConnector and Connector/NET',
  source: 'measured with MySqlConnector 3.0 and MySql.Data 26',
  isMeant: isElements,
  read: (text) => elementsOf(text, 'ado'),
  examples: ['Server={host};Port=3306;Database=app;Uid={L};Pwd={PW};SslMode=Required;'],
};

const myOdbc: Dialect = {
  ...mySql,
  title: 'ODBC for MySQL',
  source: 'spec: SQLDriverConnect',
  isMeant: isOdbc,
  read: odbcParts,
  examples: [odbcExample('MySQL ODBC 8.0 Unicode Driver')],
};

const myGo: Dialect = {
  ...mySql,
  title: 'Go for MySQL',
  source: 'gh: go-sql-driver/mysql; measured with 1.5',
  isMeant: looksLikeGoDsn,
  read: goDsnParts,
  examples: ['{L}:{PW}@tcp({host}:3306)/app?tls=true'],
};

/** In the order in which they are tried: the first that a text is meant in decides, also that it is refused. */
export const loginDialects = {
  sqlserver: [ef6, odbcConnect, goOdbc, jdbcSqlServer, jtds, prisma, sqlServerAddress, odbc, ado],
  postgresql: [pgJdbc, pgAddress, pgOdbc, libpq, npgsql],
  mysql: [myJdbc, myAddress, myGo, myOdbc, myAdo],
} as const satisfies Readonly<Record<string, readonly Dialect[]>>;
