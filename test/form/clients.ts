/** The credential as the clients themselves read it out of their strings: their own parsers where npm has them, plain readers elsewhere. */
import { createRequire } from 'node:module';
import { ConnectionConfig } from '@azure/core-amqp';
import { BlobServiceClient } from '@azure/storage-blob';
import { parse as parseAdo } from '@tediousjs/connection-string';
import { ConnectionString } from 'mongodb-connection-string-url';
import { parse as parsePg } from 'pg-connection-string';
import { z } from 'zod';
import { readAdo, readBraces, readJdbcSqlServer, readLibpq } from './clientParsers.ts';

export interface Read {
  readonly credential: string | undefined;
  readonly login?: string | undefined;
}
type Reader = (text: string) => Read;

const require = createRequire(import.meta.url);
const ioredis: {
  parseURL(text: string): { password?: string };
} = require('ioredis/built/utils/index.js');
/** `exports` of the package hides it; it is what createConnection reads a string with. */
const mysql2: { parseUrl(text: string): { user?: string; password?: string } } = require(
  require.resolve('mysql2').replace(/[^/]+$/, 'lib/connection_config.js'),
);
const Shared = z.object({ accountKey: z.instanceof(Buffer) });

/** `name=value;` as services read it: cut at the first `=`, blanks at the ends apart. */
const element =
  (name: string, separator = ';'): Reader =>
  (text) => {
    const found = text.split(separator).map((part) => part.trim());
    const own = found.find(
      (part) =>
        part.toLowerCase().startsWith(`${name}=`) || new RegExp(`^${name}\\s*=`, 'i').test(part),
    );
    return { credential: own?.slice(own.indexOf('=') + 1).trim() };
  };
const ofMap = (settings: ReadonlyMap<string, unknown>, logins: string, passwords: string): Read => {
  const first = (names: string) => {
    const found = names
      .split(',')
      .map((name) => settings.get(name))
      .find((value) => value !== undefined);
    return found === undefined ? undefined : String(found);
  };
  return { login: first(logins), credential: first(passwords) };
};
const ado: Reader = (text) => ofMap(parseAdo(text), 'user id,uid,user,username', 'password,pwd');
const odbc: Reader = (text) => ofMap(readBraces(text), 'uid,user id,user', 'pwd,password');
const userinfo: Reader = (text) => {
  const { username, password } = new URL(text);
  return { login: decodeURIComponent(username), credential: decodeURIComponent(password) };
};
const query: Reader = (text) => {
  const { searchParams } = new URL(text.slice('jdbc:'.length));
  return {
    login: searchParams.get('user') ?? undefined,
    credential: searchParams.get('password') ?? undefined,
  };
};
const messaging: Reader = (text) => ({
  credential: ConnectionConfig.create(text, 'q1').sharedAccessKey,
});

/** By the title of the dialect. */
export const clients: Readonly<Record<string, Reader>> = {
  // The SDK keeps the key as bytes, and refuses texts without a protocol.
  'Storage account'(text) {
    const whole = /DefaultEndpointsProtocol/i.test(text)
      ? text
      : `DefaultEndpointsProtocol=https;${text}`;
    const named = whole.replace(
      /(^|;)\s*(\w+)\s*=/g,
      (_, before, name) => `${before}${exactly[name.toLowerCase()] ?? name}=`,
    );
    const { credential } = BlobServiceClient.fromConnectionString(
      named.replace(/\s*;\s*/g, ';').trim(),
    );
    return { credential: Shared.parse(credential).accountKey.toString('base64') };
  },
  'Service Bus, Event Hubs, Relay, Notification Hubs': messaging,
  'AMQP address of Service Bus and Event Hubs': (text) => ({
    credential: userinfo(text).credential,
  }),
  'Kafka JAAS configuration of Event Hubs'(text) {
    const inner = /password="((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? '';
    return messaging(inner.replace(/\\(.)/g, '$1'));
  },
  'Cosmos DB for NoSQL and Gremlin': element('accountkey'),
  'Cosmos DB for Table': element('accountkey'),
  'Cosmos DB for Apache Cassandra': element('password'),
  'Cosmos DB for MongoDB': (text) => ({
    credential: decodeURIComponent(new ConnectionString(text).password),
  }),
  'StackExchange.Redis': element('password', ','),
  'Redis address': (text) => ({ credential: ioredis.parseURL(text).password }),
  'App Configuration': element('secret'),
  'SignalR Service and Web PubSub': element('accesskey'),
  'Communication Services': element('accesskey'),
  'Azure AI services, Azure OpenAI and Search as .NET Aspire writes them': element('key'),
  'ADO.NET for SQL Server': ado,
  'Entity Framework 6': (text) => ado(readAdo(text).get('provider connection string') ?? ''),
  'ODBC for SQL Server': odbc,
  'Go `odbc:` for SQL Server': (text) => odbc(text.slice('odbc:'.length)),
  'JDBC for SQL Server': (text) => ofMap(readJdbcSqlServer(text), 'user', 'password'),
  jTDS: (text) =>
    ofMap(
      new Map(
        text
          .split(';')
          .slice(1)
          .map((part) => [
            part.slice(0, part.indexOf('=')).toLowerCase(),
            part.slice(part.indexOf('=') + 1),
          ]),
      ),
      'user',
      'password',
    ),
  'Prisma for SQL Server': (text) =>
    ofMap(readBraces(text.slice(text.indexOf(';') + 1)), 'user', 'password'),
  'SQLAlchemy with `odbc_connect`': (text) =>
    odbc(new URL(text).searchParams.get('odbc_connect') ?? ''),
  'SQLAlchemy and Go for SQL Server': userinfo,
  'Address of PostgreSQL'(text) {
    const { user, password } = parsePg(text);
    return { login: user, credential: password };
  },
  'JDBC for PostgreSQL': query,
  Npgsql: (text) =>
    ofMap(readAdoPlain(text), 'user id,username,user name,userid,uid', 'password,pwd,psw'),
  'libpq keywords': (text) => ofMap(readLibpq(text), 'user', 'password'),
  'ODBC for PostgreSQL': odbc,
  'Address of MySQL'(text) {
    const { user, password } = mysql2.parseUrl(text);
    return { login: user, credential: password };
  },
  'JDBC for MySQL and MariaDB': query,
  'MySqlConnector and Connector/NET': (text) =>
    ofMap(readAdoPlain(text), 'uid,user id,username,user', 'pwd,password'),
  'ODBC for MySQL': odbc,
  'Go for MySQL'(text) {
    const [, login, credential] = /^([^:]*):(.*)@tcp\(/s.exec(text) ?? [];
    return { login, credential };
  },
};

const exactly: Readonly<Record<string, string>> = {
  ...{ accountname: 'AccountName', accountkey: 'AccountKey', endpointsuffix: 'EndpointSuffix' },
  ...{ defaultendpointsprotocol: 'DefaultEndpointsProtocol', blobendpoint: 'BlobEndpoint' },
};

/** ADO.NET's quoting with names that tedious does not know. */
function readAdoPlain(text: string): Map<string, string> {
  const found = [
    ...text.matchAll(/\s*([\w ]+?)\s*=\s*(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)'|([^;]*))\s*(?:;|$)/g),
  ];
  return new Map(
    found.map(([, name = '', double, single, bare = '']) => [
      name.toLowerCase(),
      double?.replaceAll('""', '"') ?? single?.replaceAll("''", "'") ?? bare.trim(),
    ]),
  );
}
