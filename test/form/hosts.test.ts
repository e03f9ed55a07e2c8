/**
 * SEC-02: by whichever name a client takes a host or a port, it is the target's, and nothing that looks like an address of the kind
 * is taken for a credential. Names and ports are those of the vendors' pages (facts on values, V1 to V6), written here once more.
 */
import { describe, expect, it } from '@jest/globals';
import type { FormSpec, KeyDialect } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { type Form, openForm } from '../../src/form/form.ts';
import { refusalOf } from '../jest/refusal.ts';

const KEY = Buffer.from([...Array(32).keys()].map((at) => (at * 89 + 250) % 256)).toString(
  'base64',
);
const K = encodeURIComponent(KEY);
const P = 'Old-pass~1';
const HOST = 'target.example.net';
const key = (...dialects: KeyDialect[]): FormSpec => ({ kind: 'key', dialects });
const login = (server: 'sqlserver' | 'postgresql' | 'mysql'): FormSpec => ({
  kind: 'login',
  server,
  required: true,
});
const open = (text: string, spec: FormSpec, hosts: readonly string[] = [HOST]): Form =>
  openForm(new Secret(text), { spec }, hosts);
const refusal = (text: string, spec: FormSpec, hosts?: readonly string[]) =>
  refusalOf(() => open(text, spec, hosts));
/** It opens with the target's host, and with another one it is refused as foreign. */
function isHost(text: (host: string) => string, spec: FormSpec): void {
  expect(open(text(HOST), spec).form).toBe('connection-string');
  expect(open(text(HOST.toUpperCase()), spec).form).toBe('connection-string');
  for (const other of ['evil.example', `${HOST}.evil.example`, `evil-${HOST}`, 'example.net'])
    expect(refusal(text(other), spec).reason).toBe('foreign-host');
}
/** It opens with these ports, and with any other it is refused as foreign. */
function arePorts(text: (port: string) => string, ports: readonly string[], spec: FormSpec): void {
  for (const port of ports) expect(open(text(port), spec).form).toBe('connection-string');
  for (const port of ['1', '8443', '10256', '65535'])
    expect([port, refusal(text(port), spec).reason]).toEqual([port, 'foreign-host']);
}

const signal = (host: string, more = '') =>
  `Endpoint=https://${host};AccessKey=${KEY};Version=1.0;${more}`;
const bus = (host: string, more = '') =>
  `Endpoint=sb://${host}/;SharedAccessKeyName=s;SharedAccessKey=${KEY}${more}`;
const ado = (host: string, name = 'Server') =>
  `${name}=${host};Database=shop;User ID=app_a;Password=${P}`;
const odbc = (host: string, name = 'Server') =>
  `Driver={x};${name}=${host};Database=shop;Uid=app_a;Pwd=${P}`;
const npgsql = (host: string, name = 'Host') =>
  `${name}=${host};Database=app;Username=app_a;Password=${P}`;
const myAdo = (host: string, name = 'Server') =>
  `${name}=${host};Uid=app_a;Pwd=${P};SslMode=Required`;

describe('SEC-02: a host by any name that clients know', () => {
  it.each(
    ['Blob', 'Queue', 'Table', 'File', 'Dfs', 'Web'].flatMap((each) => [
      `${each}Endpoint`,
      `${each}SecondaryEndpoint`,
    ]),
  )('of a storage account: %s', (name) => {
    isHost(
      (host) => `AccountName=target;AccountKey=${KEY};${name}=https://${host}/`,
      key('storage'),
    );
  });

  it.each<[string, (host: string) => string, FormSpec]>([
    ['Endpoint of SignalR', signal, key('signalr')],
    ['ClientEndpoint', (host) => signal(HOST, `ClientEndpoint=https://${host}`), key('signalr')],
    ['ServerEndpoint', (host) => signal(HOST, `ServerEndpoint=https://${host}`), key('signalr')],
    ['Endpoint of Service Bus', bus, key('messaging')],
    [
      'AccountEndpoint',
      (host) => `AccountEndpoint=https://${host}:443/;AccountKey=${KEY}`,
      key('cosmos'),
    ],
    [
      'TableEndpoint',
      (host) => `AccountName=a;AccountKey=${KEY};TableEndpoint=https://${host}`,
      key('cosmosTable'),
    ],
    [
      'HostName',
      (host) => `HostName=${host};Username=a;Password=${KEY};Port=10350`,
      key('cassandra'),
    ],
    [
      'Endpoint of Communication Services',
      (host) => `endpoint=https://${host}/;accesskey=${KEY}`,
      key('communication'),
    ],
    ['Endpoint of AI services', (host) => `Endpoint=https://${host}/;Key=${KEY}`, key('aspire')],
    ['the host of an AMQP address', (host) => `amqps://send:${K}@${host}`, key('amqp')],
    [
      'the host of a MongoDB address',
      (host) => `mongodb://a:${K}@${host}:10255/?ssl=true`,
      key('mongo'),
    ],
    ['the first element of Redis', (host) => `${host},password=${KEY},ssl=True`, key('redis')],
    ['sslHost', (host) => `${HOST},password=${KEY},ssl=True,sslHost=${host}`, key('redis')],
    ['the host of a Redis address', (host) => `rediss://:${K}@${host}:6380/0`, key('redisAddress')],
  ])('%s', (_, text, spec) => isHost(text, spec));

  const names = [
    'Server',
    'Data Source',
    'Address',
    'Addr',
    'Network Address',
    'Host',
    'HostName',
    'HostAddr',
  ];
  const partners = ['Failover Partner', 'FailoverServer', 'Failover_Partner_Name'];
  it.each([...names, 'ServerName'])('of a database: %s', (name) => {
    for (const [text, spec] of [
      [ado, login('sqlserver')],
      [odbc, login('sqlserver')],
      [npgsql, login('postgresql')],
      [odbc, login('postgresql')],
      [myAdo, login('mysql')],
      [odbc, login('mysql')],
    ] as const)
      isHost((host) => text(host, name), spec);
  });
  it.each(partners)('of a partner, to which clients go with the same password: %s', (name) => {
    isHost((host) => `${ado(HOST)};${name}=${host}`, login('sqlserver'));
    isHost((host) => `${odbc(HOST)};${name}=${host}`, login('sqlserver'));
    isHost(
      (host) =>
        `jdbc:sqlserver://${HOST}:1433;database=shop;user=a;password=${P};${name.replaceAll(' ', '')}=${host}`,
      login('sqlserver'),
    );
  });

  it.each<[string, (host: string) => string, FormSpec]>([
    [
      'JDBC for SQL Server',
      (host) => `jdbc:sqlserver://${host}:1433;user=a;password=${P}`,
      login('sqlserver'),
    ],
    [
      'jTDS',
      (host) => `jdbc:jtds:sqlserver://${host}:1433/x;user=a;password=${P};ssl=require`,
      login('sqlserver'),
    ],
    ['Prisma', (host) => `sqlserver://${host}:1433;user=a;password=${P}`, login('sqlserver')],
    ['SQLAlchemy', (host) => `mssql+pyodbc://a:${P}@${host}:1433/shop`, login('sqlserver')],
    ['Go', (host) => `sqlserver://a:${P}@${host}:1433`, login('sqlserver')],
    ['`odbc:` of Go', (host) => `odbc:server=${host};user id=a;password=${P}`, login('sqlserver')],
    ['ADO.NET with a protocol', (host) => ado(`tcp:${host},1433`), login('sqlserver')],
    ['libpq', (host) => `host=${host} user=a password=${P}`, login('postgresql')],
    [
      'its hostaddr',
      (host) => `host=${HOST} hostaddr=${host} user=a password=${P}`,
      login('postgresql'),
    ],
    ['an address of PostgreSQL', (host) => `postgresql://a:${P}@${host}/app`, login('postgresql')],
    [
      '… with a second host',
      (host) => `postgresql://a:${P}@${HOST},${host}/app`,
      login('postgresql'),
    ],
    [
      '… with the host behind it',
      (host) => `postgresql:///app?user=a&password=${P}&host=${host}`,
      login('postgresql'),
    ],
    [
      'JDBC for PostgreSQL',
      (host) => `jdbc:postgresql://${host}/app?user=a&password=${P}`,
      login('postgresql'),
    ],
    ['an address of MySQL', (host) => `mysql://a:${P}@${host}/app`, login('mysql')],
    ['JDBC for MySQL', (host) => `jdbc:mysql://${host}/app?user=a&password=${P}`, login('mysql')],
    [
      'JDBC for MySQL, its second host',
      (host) => `jdbc:mysql://${HOST},${host}/app?user=a&password=${P}`,
      login('mysql'),
    ],
    ['Go for MySQL', (host) => `a:${P}@tcp(${host}:3306)/app?tls=true`, login('mysql')],
  ])('%s', (_, text, spec) => isHost(text, spec));
});

describe('SEC-02: a port', () => {
  it.each<[string, (port: string) => string, string[], FormSpec]>([
    [
      'of storage',
      (port) => `AccountName=target;AccountKey=${KEY};BlobEndpoint=https://${HOST}:${port}`,
      ['443'],
      key('storage'),
    ],
    ['of Service Bus', (port) => bus(`${HOST}:${port}`), ['443', '5671'], key('messaging')],
    ['of AMQP', (port) => `amqps://send:${K}@${HOST}:${port}`, ['5671', '443'], key('amqp')],
    [
      'of Cosmos DB',
      (port) => `AccountEndpoint=https://${HOST}:${port}/;AccountKey=${KEY}`,
      ['443'],
      key('cosmos'),
    ],
    [
      'of its tables',
      (port) => `AccountName=a;AccountKey=${KEY};TableEndpoint=https://${HOST}:${port}`,
      ['443'],
      key('cosmosTable'),
    ],
    [
      'of Cassandra',
      (port) => `HostName=${HOST};Username=a;Password=${KEY};Port=${port}`,
      ['10350', '443'],
      key('cassandra'),
    ],
    [
      'of MongoDB',
      (port) => `mongodb://a:${K}@${HOST}:${port}/?ssl=true`,
      ['10255', '443'],
      key('mongo'),
    ],
    ['of Redis', (port) => `${HOST}:${port},password=${KEY},ssl=True`, ['6380'], key('redis')],
    [
      'of a Redis address',
      (port) => `rediss://:${K}@${HOST}:${port}`,
      ['6379', '6380'],
      key('redisAddress'),
    ],
    ['of SignalR', (port) => signal(`${HOST}:${port}`), ['443'], key('signalr')],
    ['of ADO.NET', (port) => ado(`${HOST},${port}`), ['1433'], login('sqlserver')],
    ['of ODBC, apart', (port) => `${odbc(HOST)};Port=${port}`, ['1433'], login('sqlserver')],
    [
      'of JDBC, by its other name',
      (port) => `jdbc:sqlserver://${HOST};portNumber=${port};user=a;password=${P}`,
      ['1433'],
      login('sqlserver'),
    ],
    ['of Npgsql', (port) => `${npgsql(HOST)};Port=${port}`, ['5432'], login('postgresql')],
    [
      'of libpq',
      (port) => `host=${HOST} port=${port} user=a password=${P}`,
      ['5432'],
      login('postgresql'),
    ],
    [
      'of an address of PostgreSQL',
      (port) => `postgresql://a:${P}@${HOST}:${port}/app`,
      ['5432'],
      login('postgresql'),
    ],
    ['of MySqlConnector', (port) => `${myAdo(HOST)};Port=${port}`, ['3306'], login('mysql')],
    [
      'of an address of MySQL',
      (port) => `mysql://a:${P}@${HOST}:${port}/app`,
      ['3306'],
      login('mysql'),
    ],
  ])("%s is one of the kind's", (_, text, ports, spec) => arePorts(text, ports, spec));

  it('that the target names counts alone, and one that is missing is the first', () => {
    const own = [`${HOST}:8443`];
    expect(open(bus(`${HOST}:8443`), key('messaging'), own).form).toBe('connection-string');
    for (const host of [HOST, `${HOST}:443`, `${HOST}:5671`])
      expect(refusal(bus(host), key('messaging'), own).reason).toBe('foreign-host');
    for (const [text, spec, port] of [
      [`amqps://send:${K}@${HOST}`, key('amqp'), 5671],
      [`mongodb://a:${K}@${HOST}/?ssl=true`, key('mongo'), 10255],
      [`rediss://:${K}@${HOST}`, key('redisAddress'), 6379],
      [ado(HOST), login('sqlserver'), 1433],
      [npgsql(HOST), login('postgresql'), 5432],
      [myAdo(HOST), login('mysql'), 3306],
    ] as const) {
      expect(open(text, spec, [`${HOST}:${port}`]).form).toBe('connection-string');
      expect(refusal(text, spec, [`${HOST}:443`]).reason).toBe('foreign-host');
    }
  });

  it.each([
    [`${npgsql(`${HOST},${HOST}`)};Port=5432,5432`, true],
    [`${npgsql(`${HOST},${HOST}`)};Port=5432`, true],
    [`${npgsql(`${HOST},${HOST}`)};Port=5432,1`, false],
    [`${npgsql(`${HOST},${HOST}`)};Port=5432,5432,5432`, false],
    [`${npgsql(HOST)};Port=5432,5432`, false],
    [`${npgsql(`${HOST}:5432`)};Port=5432`, true],
    [`${npgsql(`${HOST}:5432`)};Port=5433`, false],
    [`${npgsql(`${HOST}:1`)};Port=1`, false],
  ])('%s: each host has its own', (text, fine) => {
    if (fine) expect(open(text, login('postgresql')).form).toBe('connection-string');
    else expect(['bad-value', 'foreign-host']).toContain(refusal(text, login('postgresql')).reason);
  });
});

describe('a login, or a password, by any name that its client knows', () => {
  const both = (text: string, spec: FormSpec) => {
    const form = open(text, spec);
    return [form.login, form.bare.reveal()];
  };
  it.each([
    ...['User ID', 'UID', 'User', 'user_id'].flatMap((user) =>
      ['Password', 'PWD'].map((pw) => [ado(HOST), user, pw, login('sqlserver')] as const),
    ),
    ...['Username', 'User Id', 'UserId', 'Uid'].flatMap((user) =>
      ['Password', 'Pwd', 'psw'].map(
        (pw) => [npgsql(HOST), user, pw, login('postgresql')] as const,
      ),
    ),
    ...['Uid', 'User', 'Username', 'User Id'].flatMap((user) =>
      ['Pwd', 'Password', 'password1', 'pwd1'].map(
        (pw) => [myAdo(HOST), user, pw, login('mysql')] as const,
      ),
    ),
  ])('%s with %s and %s', (text, user, pw, spec) => {
    const named = text
      .replace(/(?:User ID|Username|Uid)=/, `${user}=`)
      .replace(/(?:Password|Pwd)=/, `${pw}=`);
    expect(both(named, spec)).toEqual(['app_a', P]);
    expect(open(named, spec).fill(new Secret('new'), 'app_b').reveal()).toBe(
      named.replace('app_a', 'app_b').replace(P, 'new'),
    );
  });

  it.each(['user', 'username', 'uid'])('JDBC for SQL Server with %s', (user) => {
    expect(
      both(`jdbc:sqlserver://${HOST};${user}=app_a;password=${P}`, login('sqlserver')),
    ).toEqual(['app_a', P]);
  });
  it.each([
    ['ODBC', odbc(HOST).replace('Uid', 'User')],
    ['ODBC', odbc(HOST).replace('Pwd', 'Password')],
    ['ADO.NET', ado(HOST).replace('User ID', 'Username')],
    ['jTDS', `jdbc:jtds:sqlserver://${HOST}/x;username=a;password=${P};ssl=require`],
    ['JDBC', `jdbc:sqlserver://${HOST};user=a;pwd=${P}`],
    ...['userid', 'uid', 'user', 'username', 'passwd', 'psw', 'password1', 'pwd1'].map(
      (name) => ['ODBC', `${odbc(HOST)};${name === 'uid' ? 'user' : name}=x`] as const,
    ),
  ])('%s does not know that of %s, and drops it without a word: it is refused', (_, text) => {
    expect(refusal(text, login('sqlserver')).detail).toContain('Clients of this form do not know');
  });
});

describe('SEC-02: the scheme of an address', () => {
  const of: readonly (readonly [string, FormSpec, (scheme: string) => string])[] = [
    ['amqps', key('amqp'), (scheme) => `${scheme}://send:${K}@${HOST}`],
    ['mongodb', key('mongo'), (scheme) => `${scheme}://a:${K}@${HOST}:10255/?ssl=true`],
    ['rediss', key('redisAddress'), (scheme) => `${scheme}://:${K}@${HOST}`],
    ['postgresql', login('postgresql'), (scheme) => `${scheme}://a:${P}@${HOST}/app`],
    ['mysql', login('mysql'), (scheme) => `${scheme}://a:${P}@${HOST}/app`],
    ['mssql', login('sqlserver'), (scheme) => `${scheme}://a:${P}@${HOST}:1433/app`],
  ];
  it.each(of)('%s, and no other that looks like it', (scheme, spec, text) => {
    expect(open(text(scheme), spec).form).toBe('connection-string');
    for (const other of [`x${scheme}`, `${scheme}s2`, 'http', 'x'])
      expect(refusal(text(other), spec)).toMatchObject({
        reason: 'bad-value',
        detail: expect.stringContaining('none of those which this kind can read'),
      });
  });

  it.each([
    ['amqp', of[0]],
    ['AMQPS', of[0]],
    ['mongodb+srv', of[1]],
    ['MongoDB', of[1]],
    ['redis', of[2]],
    ['REDISS', of[2]],
    ['Postgres', of[3]],
  ] as const)(
    '%s does without TLS, or is read otherwise by some: it is refused with what to write',
    (scheme, row) => {
      if (!row) throw new Error('no row');
      const [, spec, text] = row;
      expect(refusal(text(scheme), spec)).toMatchObject({
        reason: 'bad-value',
        detail: expect.stringContaining('The scheme of the address'),
      });
    },
  );

  it.each([
    ['postgres', of[3]],
    ['postgresql+psycopg2', of[3]],
    ['mysql2', of[4]],
    ['mysqlx', of[4]],
    ['mariadb', of[4]],
    ['mysql+pymysql', of[4]],
    ['MySQL', of[4]],
    ['mssql+pyodbc', of[5]],
    ['MSSQL', of[5]],
  ] as const)('%s is another word for it', (scheme, row) => {
    if (!row) throw new Error('no row');
    expect(open(row[2](scheme), row[1]).form).toBe('connection-string');
  });
});

describe('an address', () => {
  const pg = login('postgresql');
  const told = (text: string, spec: FormSpec = pg) => refusal(text, spec).detail;

  it.each([
    ['a fragment', `postgresql://a:${P}@${HOST}/app#x`],
    ['a blank', `postgresql://a:${P}@${HOST}/a pp`],
    ['a blank in its query', `postgresql://a:${P}@${HOST}/app?x=a b`],
    ['a second question mark before the path', `postgresql://a:${P}@?${HOST}/app`],
  ])('with %s is refused: clients disagree', (_, text) =>
    expect(told(text)).not.toContain('opened'),
  );

  it.each([
    ['no colon', `postgresql://a${P}@${HOST}/app`],
    ['no login', `postgresql://:${P}@${HOST}/app`],
    ['a bare `%`', `postgresql://a:${P}%@${HOST}/app`],
    ['half a code', `postgresql://a:${P}%4@${HOST}/app`],
    ['half a code in the login', `postgresql://a%4:${P}@${HOST}/app`],
    ['a bracket', `postgresql://a:${P}[@${HOST}/app`],
    ['a quote in the login', `postgresql://a":${P}@${HOST}/app`],
    ['a second `@`', `postgresql://a:${P}@x@${HOST}/app`],
  ])('whose login and password cannot be told apart is refused: %s', (_, text) => {
    expect(told(text)).toMatch(/cannot be told apart|not of the form|percent-encoded/);
  });

  it('reads codes of either case, and a login and password in full', () => {
    const form = open(`postgresql://app%5Fa:p%7ew%3A.~!$&'()*+,;=:-@${HOST}/app`, pg);
    expect([form.login, form.bare.reveal()]).toEqual(['app_a', "p~w:.~!$&'()*+,;=:-"]);
  });

  it.each(['%ff', '%c3', '%e0%a4'])('with a password that is no UTF-8 is refused: %s', (code) => {
    expect(told(`postgresql://a:${P}${code}@${HOST}/app`)).toContain(
      'not percent-encoded as UTF-8',
    );
  });

  it.each([
    [`${HOST}:`, false],
    [`${HOST}:x`, false],
    [`${HOST}:5432:5432`, false],
    [`${HOST}:543201`, false],
    [`${HOST},`, false],
    [`,${HOST}`, false],
    [`${HOST}!`, false],
    [`!${HOST}`, false],
    [`${HOST},!`, false],
    [`[::1]`, false],
    [`${HOST}:5432,${HOST}:5432`, true],
    [`${HOST},${HOST}:5432`, true],
  ])('of %s names hosts that can be read: %s', (hosts, fine) => {
    const text = `postgresql://a:${P}@${hosts}/app`;
    if (fine) expect(open(text, pg).form).toBe('connection-string');
    else expect(told(text)).toContain('The host of the address is not of the form');
  });

  it.each(['a', '=b', 'a&b=1', 'x=1&', '&x=1', 'a b=1', 'ä=1', '%41=1'])(
    'with %j behind its `?` is refused',
    (query) => {
      expect(told(`postgresql://a:${P}@${HOST}/app?${query}`)).toMatch(
        /behind the `\?` is not of the form|not of the form/,
      );
    },
  );

  it('tells by its number which element behind the `?` cannot be read', () => {
    expect(told(`postgresql://a:${P}@${HOST}/app?x=1&y=2&z`)).toContain('Element 3 behind');
  });

  it.each([
    'user',
    'password',
    'host',
    'port',
    'uid',
    'username',
    'pwd',
    'hostaddr',
    'passwd',
    'psw',
    'userid',
  ])(
    'of MySQL with `%s` behind its `?` is refused: clients read it in front of the `/` alone',
    (name) => {
      expect(told(`mysql://a:${P}@${HOST}/app?${name}=x`, login('mysql'))).toContain(
        'in front of the `/` alone',
      );
      expect(open(`mysql://a:${P}@${HOST}/app?x${name}x=x`, login('mysql')).form).toBe(
        'connection-string',
      );
    },
  );

  it.each([
    [`amqps://send:${K}@${HOST}`, key('amqp')],
    [`mongodb://a:${K}@${HOST}:10255/`, key('mongo')],
    [`rediss://:${K}@${HOST}/0`, key('redisAddress')],
    [`mssql://a:${P}@${HOST}:1433/shop`, login('sqlserver')],
  ] as const)('%s takes no login, password or host behind its `?`', (text, spec) => {
    expect(open(`${text}?x=y`, spec).form).toBe('connection-string');
    for (const name of ['user', 'password', 'host', 'port', 'uid', 'pwd'])
      expect([name, told(`${text}?${name}=x`, spec)]).toEqual([
        name,
        expect.stringContaining('in front of the `/` alone'),
      ]);
  });

  it('of JDBC has login and password behind its `?` alone', () => {
    expect(told(`jdbc:postgresql://a:${P}@${HOST}/app?user=a&password=${P}`)).toContain(
      'behind the `?` alone',
    );
    const form = open(`jdbc:postgresql://${HOST}/app?a=1&user=app_a&password=${P}&b=2`, pg);
    expect(form.fill(new Secret('new-1'), 'app_b').reveal()).toBe(
      `jdbc:postgresql://${HOST}/app?a=1&user=app_b&password=new-1&b=2`,
    );
  });

  it.each([
    ['+', 'Write `%2B` for a plus'],
    ['=', 'Write `%3D` for an equals sign'],
  ])('says how `%s` in a password behind the `?` is written', (sign, words) => {
    expect(told(`jdbc:postgresql://${HOST}/app?user=a&password=x${sign}y`)).toContain(words);
    expect(
      open(`jdbc:postgresql://${HOST}/app?user=a&password=xy&application_name=a${sign}b`, pg).form,
    ).toBe('connection-string');
  });

  it('keeps the case of its codes', () => {
    const fill = (text: string) => open(text, pg).fill(new Secret('a/b')).reveal();
    expect(fill(`postgresql://a:x%2fy@${HOST}/app`)).toBe(`postgresql://a:a%2fb@${HOST}/app`);
    expect(fill(`postgresql://a:x%2Fy@${HOST}/app`)).toBe(`postgresql://a:a%2Fb@${HOST}/app`);
    expect(open(`postgresql://a:${P}@${HOST}/app`, pg).fill(new Secret("a!'()*")).reveal()).toBe(
      `postgresql://a:a%21%27%28%29%2A@${HOST}/app`,
    );
    expect(() => open(`postgresql://a:${P}@${HOST}/app`, pg).fill(new Secret('\ud800'))).toThrow(
      /well-formed/,
    );
  });
});

describe('what is no connection string of the kind is no credential either', () => {
  it.each<[KeyDialect, string[]]>([
    [
      'storage',
      [
        'AccountKey=x',
        'AccountName=x',
        'DefaultEndpointsProtocol=https',
        'EndpointSuffix=x',
        'BlobEndpoint=x',
      ],
    ],
    [
      'storage',
      ['UseDevelopmentStorage=true', 'x=1;AccountKey=x', 'x=1; AccountKey =x', 'x\nAccountKey=x'],
    ],
    ['messaging', ['Endpoint=x', 'SharedAccessKey=x', 'SharedAccessSignature=x', 'EntityPath=x']],
    ['cosmos', ['AccountEndpoint=x', 'AccountKey=x']],
    ['cassandra', ['HostName=x', 'Username=x', 'Password=x']],
    [
      'redis',
      ['password=x', 'x,password=x', `${HOST},x`, `${HOST}:6380,x`, `${HOST} ,x`, `h ,ssl=true`],
    ],
    ['signalr', ['Endpoint=x', 'AccessKey=x']],
    ['communication', ['endpoint=x', 'accesskey=x']],
    ['aspire', ['Endpoint=x', 'Key=x']],
    ['jaas', ['org.apache.kafka.common.security.plain.PlainLoginModule required']],
    ['amqp', ['amqps://x', 'amqp://x', 'AMQP://x']],
    ['mongo', ['mongodb://x', 'mongodb+srv://x', 'MongoDB://x']],
    ['redisAddress', ['redis://x', 'rediss://x', 'Redis://x']],
  ])('%s: %j', (dialect, texts) => {
    for (const text of texts)
      expect(['bad-value', 'foreign-host']).toContain(refusal(text, key(dialect)).reason);
  });
});
