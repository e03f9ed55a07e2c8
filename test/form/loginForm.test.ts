import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pgConnectionString from 'pg-connection-string';
import type { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import type { OpenText } from '../../src/form/part.ts';
import { openText } from '../../src/form/text.ts';
import { newPassword } from '../../src/rotators/kit/password.ts';
import { walk } from '../jest/form.ts';
import { refusalOf } from '../jest/refusal.ts';
import {
  readAdo,
  readBraces,
  readJdbcSqlServer,
  readLibpq,
  type Settings,
} from './clientParsers.ts';

const HOSTS = {
  sqlserver: 'sql1.database.windows.net',
  postgresql: 'pg1.postgres.database.azure.com',
  mysql: 'my1.mysql.database.azure.com',
} as const;
const { sqlserver: SQL, postgresql: PG, mysql: MY } = HOSTS;

type LoginServer = keyof typeof HOSTS;
const loginString = (text: string, server: LoginServer, hosts: readonly string[]) =>
  asString(openText(text, { kind: 'login', server, required: true }, hosts));
const asString = (opened: OpenText) => (opened.form === 'bare' ? undefined : opened);

const open = (
  server: LoginServer,
  text: string,
  hosts: readonly string[] = [HOSTS[server]],
): OpenText => {
  const opened = loginString(text, server, hosts);
  if (!opened) throw new Error('Taken for a bare password.');
  return opened;
};
const refusal = (server: LoginServer, text: string) => refusalOf(() => open(server, text));

interface Dialect {
  readonly server: LoginServer;
  readonly text: string;
  /** Login and password as a client takes them out. */
  read(text: string): { login: string | undefined; password: string | undefined };
}

const from = (settings: Settings, login: string, password: string) => ({
  login: settings.get(login),
  password: settings.get(password),
});
const query = (text: string) => new URL(text.slice('jdbc:'.length)).searchParams;
const params = (text: string) => ({
  login: query(text).get('user') ?? undefined,
  password: query(text).get('password') ?? undefined,
});
const dialects: Readonly<Record<string, Dialect>> = {
  'ADO.NET': {
    server: 'sqlserver',
    text: `Server=tcp:${SQL},1433;Initial Catalog=app;User ID=app_a;Password=old;Encrypt=True;TrustServerCertificate=False;Connection Timeout=30;`,
    read: (text) => from(readAdo(text), 'user id', 'password'),
  },
  'ADO.NET, quoted': {
    server: 'sqlserver',
    text: `data source = ${SQL} ; user id = "app_a" ; pwd = 'o;l''d' ; Persist Security Info=False`,
    read: (text) => from(readAdo(text), 'user id', 'pwd'),
  },
  ODBC: {
    server: 'sqlserver',
    text: `Driver={ODBC Driver 18 for SQL Server};Server=tcp:${SQL},1433;Database=app;Uid=app_a;Pwd={o}}l;d};Encrypt=yes;TrustServerCertificate=no;`,
    read: (text) => from(readBraces(text), 'uid', 'pwd'),
  },
  'ODBC, plain': {
    server: 'mysql',
    text: `Driver={MySQL ODBC 8.0 Unicode Driver};Server=${MY};Port=3306;Database=app;User=app_a;Password=old;`,
    read: (text) => from(readBraces(text), 'user', 'password'),
  },
  'JDBC of SQL Server': {
    server: 'sqlserver',
    text: `jdbc:sqlserver://${SQL}:1433;database=app;user=app_a;password={old};encrypt=true;hostNameInCertificate=*.database.windows.net;loginTimeout=30;`,
    read: (text) => from(readJdbcSqlServer(text), 'user', 'password'),
  },
  'JDBC of PostgreSQL': {
    server: 'postgresql',
    text: `jdbc:postgresql://${PG}:5432/app?user=app_a&password=old&sslmode=require`,
    read: params,
  },
  'JDBC of MySQL': {
    server: 'mysql',
    text: `jdbc:mysql://${MY}:3306/app?useSSL=true&user=app_a&password=old`,
    read: params,
  },
  'URI of PostgreSQL': {
    server: 'postgresql',
    text: `postgresql://app_a:o%3Bld@${PG}:5432/app?sslmode=verify-full`,
    read(text) {
      const { user, password } = pgConnectionString.parse(text);
      return { login: user, password };
    },
  },
  'URI of PostgreSQL, its login behind the host': {
    server: 'postgresql',
    text: `postgres://${PG}/app?user=app_a&password=old`,
    read(text) {
      const { user, password } = pgConnectionString.parse(text);
      return { login: user, password };
    },
  },
  'URI of MySQL': {
    server: 'mysql',
    text: `mysql://app_a:old@${MY}:3306/app`,
    // As mysql2 does it (connection_config.js, which it does not export).
    read(text) {
      const { username, password } = new URL(text);
      return { login: decodeURIComponent(username), password: decodeURIComponent(password) };
    },
  },
  libpq: {
    server: 'postgresql',
    text: `host=${PG} port=5432 dbname=app user=app_a password='o\\'l d' sslmode=require`,
    read: (text) => from(readLibpq(text), 'user', 'password'),
  },
  Npgsql: {
    server: 'postgresql',
    text: `Host=${PG};Port=5432;Database=app;Username=app_a;Password=old;SSL Mode=VerifyFull`,
    read: (text) => from(readAdo(text), 'username', 'password'),
  },
  MySqlConnector: {
    server: 'mysql',
    text: `Server=${MY};Port=3306;Database=app;Uid=app_a;Pwd=old;SslMode=Required;`,
    read: (text) => from(readAdo(text), 'uid', 'pwd'),
  },
};

/** Keyturn's passwords. */
const password = fc.string({
  unit: fc.constantFrom(...'ABCXYZabcxyz0189-_.~'),
  minLength: 40,
  maxLength: 40,
});
/** Whatever servers take as a login, and more; blanks at its ends are no login's. */
const login = fc
  .oneof(
    fc.string({
      unit: fc.constantFrom(...`ab]['"\\;={}()@%+&?#:/,! $\`é漢🔑`),
      minLength: 1,
      maxLength: 128,
    }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    fc.constantFrom(
      'app_b',
      "o'neil",
      'DOM\\svc',
      'a'.repeat(128),
      'x;Server=evil',
      "';--",
      '}}',
      '""',
      "''",
      '{x}',
    ),
  )
  .filter((name) => name.trim() === name && !/\p{C}/u.test(name));

describe.each(Object.entries(dialects))('%s', (_, { server, text, read }) => {
  it('gives login and password as clients take them', () => {
    const { login: name, bare } = open(server, text);
    expect({ login: name, password: bare }).toEqual(read(text));
  });

  it('takes every password of Keyturn and every login, or refuses clearly, and keeps all the rest', () => {
    const around = (so: string) => open(server, so).fill('P', 'L');
    const before = around(text);
    fc.assert(
      fc.property(password, login, (bare, name) => {
        let filled: string;
        try {
          filled = open(server, text).fill(bare, name);
        } catch (error) {
          expect((error as KeyturnError).reason).toBe('bad-value');
          expect((error as KeyturnError).detail).not.toContain(bare);
          return;
        }
        expect(read(filled)).toEqual({ login: name, password: bare });
        expect(around(filled).replaceAll(/["'{}]/g, '')).toBe(before.replaceAll(/["'{}]/g, ''));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses hardly any login', () => {
    const names = [
      'app_b',
      "o'neil",
      'a b',
      'größe',
      'a;b',
      'a"b',
      'a]b',
      'a\\b',
      'a}b',
      'a=b',
      'a&b',
      'a%b',
      'a+b',
      'a/b',
    ];
    for (const name of names) expect(read(open(server, text).fill('new', name)).login).toBe(name);
  });

  it('changes nothing but the password when the login stays', () => {
    const filled = open(server, text).fill('Ne-w.1~_');
    expect(open(server, filled).fill(open(server, text).bare)).toBe(
      open(server, text).fill(open(server, text).bare),
    );
    expect(read(filled)).toEqual({ login: read(text).login, password: 'Ne-w.1~_' });
  });
});

it('passwords as Keyturn makes them, 100,000 of them in the whole form, stand in ADO.NET, ODBC, JDBC and URI strings as they are', () => {
  const main = [
    'ADO.NET',
    'ODBC',
    'JDBC of SQL Server',
    'JDBC of PostgreSQL',
    'URI of PostgreSQL',
    'URI of MySQL',
  ];
  const opened = main.flatMap((name) => {
    const dialect = dialects[name];
    return dialect ? [{ ...dialect, opened: open(dialect.server, dialect.text) }] : [];
  });
  expect(opened).toHaveLength(main.length);
  for (let turn = 0; turn < walk({ whole: 100_000, short: 3_000 }); turn += 1) {
    const made = newPassword(['app_a', 'app_b']).reveal();
    for (const [at, { opened: form, read }] of opened.entries()) {
      const filled = form.fill(made, 'app_b');
      // The client's reading of each in turn; that of the product has been asked by `fill` itself, which refuses otherwise.
      if (turn % opened.length === at && read(filled).password !== made)
        throw new Error(`Another password in ${main[at]}.`);
      if (!filled.includes(made)) throw new Error(`Written otherwise in ${main[at]}.`);
    }
  }
});

describe('hosts', () => {
  const fair = [HOSTS.postgresql, 'pg2.postgres.database.azure.com'];

  it.each([
    ['sqlserver', `Server=sql1.evil.example;User ID=a;Password=b`],
    ['sqlserver', `Server=${SQL}.evil.example;User ID=a;Password=b`],
    ['sqlserver', `Server=tcp:${SQL},14330;User ID=a;Password=b`],
    ['sqlserver', `Server=${SQL};Data Source=evil.example;User ID=a;Password=b`],
    ['sqlserver', `Server=${SQL};Failover Partner=evil.example;User ID=a;Password=b`],
    ['sqlserver', `jdbc:sqlserver://${SQL}:1433;failoverPartner=evil.example;user=a;password=b`],
    ['sqlserver', `jdbc:sqlserver://${SQL};serverName=evil.example;user=a;password=b`],
    ['postgresql', `postgresql://a:b@${PG},evil.example/db`],
    ['postgresql', `postgresql://a:b@${PG}:6543/db`],
    ['postgresql', `host=${PG} hostaddr=203.0.113.7 user=a password=b`],
    ['postgresql', `host=${PG},evil.example user=a password=b`],
    ['postgresql', `Host=${PG},evil.example;Username=a;Password=b`],
    ['postgresql', `jdbc:postgresql://${PG},evil.example:5432/db?user=a&password=b`],
    ['mysql', `jdbc:mysql://${MY},evil.example/db?user=a&password=b`],
    ['mysql', `mysql://a:b@evil.example/db`],
    ['mysql', `Server=${MY},evil.example;Uid=a;Pwd=b`],
  ] as const)('SEC-02: %s: %s is refused as foreign', (server, text) => {
    const { reason, detail } = refusal(server, text);
    expect(reason).toBe('foreign-host');
    expect(detail).toContain(HOSTS[server]);
    expect(detail).not.toContain('evil');
  });

  it('are all taken when all are of the target', () => {
    const text = `postgresql://a:b@${fair.join(',')}/db`;
    expect(open('postgresql', text, fair)).toMatchObject({ login: 'a', bare: 'b' });
    expect(
      open('postgresql', `host=${fair.join(',')} port=5432 user=a password=b`, fair).login,
    ).toBe('a');
  });

  it('count with the port where the target has another', () => {
    const text = 'postgresql://a:b@localhost:25432/db';
    expect(open('postgresql', text, ['localhost:25432']).login).toBe('a');
    expect(() => open('postgresql', text, ['localhost'])).toThrow(/leads to a host/);
    expect(() => open('postgresql', text.replace(':25432', ''), ['localhost:25432'])).toThrow(
      /leads to a host/,
    );
  });
});

describe('what is refused, with a remedy and without a value', () => {
  it.each([
    ['sqlserver', `Server=${SQL};User ID=a;Password=h1dden;Password=h1dden`, 'twice'],
    ['sqlserver', `Server=${SQL};User ID=a;Uid=b;Password=h1dden`, 'twice'],
    ['sqlserver', `Server=${SQL};User ID=a;Pwd=h1dden;Password=h1dden`, 'twice'],
    ['sqlserver', `Server=${SQL};Database=x;User ID=a`, 'no password'],
    ['sqlserver', `Server=${SQL};Password=h1dden`, 'no login'],
    ['sqlserver', 'User ID=a;Password=h1dden', 'no host'],
    ['sqlserver', `Server=${SQL};Integrated Security=true;User ID=a;Password=h1dden`, 'identity'],
    ['sqlserver', `Server=${SQL};Trusted_Connection=yes;Uid=a;Pwd=h1dden`, 'identity'],
    [
      'sqlserver',
      `Server=${SQL};Authentication=Active Directory Default;Database=h1dden`,
      'identity',
    ],
    [
      'sqlserver',
      `jdbc:sqlserver://${SQL};authentication=ActiveDirectoryMSI;user=a;password=h1dden`,
      'identity',
    ],
    ['sqlserver', `Server=${SQL};User ID=a;Password=h1dden;TrustServerCertificate=True`, 'TLS'],
    ['sqlserver', `Server=${SQL};User ID=a;Password=h1dden;Encrypt=False`, 'TLS'],
    ['postgresql', `postgresql://a:h1dden@${PG}/db?sslmode=disable`, 'TLS'],
    ['mysql', `jdbc:mysql://${MY}/db?user=a&password=h1dden&useSSL=false`, 'TLS'],
    ['sqlserver', `Server=${SQL}\\h1dden;User ID=a;Password=h1dden`, 'host'],
    ['sqlserver', `Server=${SQL};User ID=a;Password="h1dden`, 'quote'],
    ['sqlserver', `Server=${SQL};User ID=a;Password="h1dden"x`, 'quote'],
    ['sqlserver', `Server=${SQL};User ID=a;Password=h1dden;nonsense`, 'name=value'],
    ['sqlserver', `Server=${SQL};User ID=a;Password=h1dden;Proxy Server=h1dden`, 'take it out'],
    ['sqlserver', `Server=${SQL};User ID=a;Password=h1dden\nx`, 'line breaks'],
    ['sqlserver', `Driver={x};DSN=h1dden;Server=${SQL};Uid=a;Pwd=h1dden`, 'take it out'],
    ['sqlserver', `jdbc:oracle:thin:h1dden@//${SQL}`, 'none of those'],
    ['sqlserver', `postgresql://a:h1dden@${SQL}/db`, 'none of those'],
    ['postgresql', `host=${PG} user=a password=h1dden service=h1dden`, 'take it out'],
    ['postgresql', `host=${PG} user=a password=h1dden dbname='host=h1dden'`, 'database'],
    ['postgresql', `host=${PG} user=a password='h1dden`, 'name=value'],
    ['postgresql', `host=${PG} port=1,2 user=a password=h1dden`, 'ports'],
    ['postgresql', `postgresql://${PG}/db?user=a&password=h1d+den`, '%2B'],
    ['postgresql', `postgresql://a:h1d%zzden@${PG}/db`, 'percent-encode'],
    ['postgresql', `postgresql://a:h1d%ffden@${PG}/db`, 'percent-encoded as UTF-8'],
    ['postgresql', `postgresql://a:h1d@den@${PG}/db`, 'percent-encode'],
    ['postgresql', `postgresql://a:h1dden@${PG}/db#h1dden`, 'not of the form'],
    ['postgresql', `postgresql://a:h1dden@${PG}/db?user=a`, 'twice'],
    ['mysql', `mysql://a:h1dden@${MY}/db?host=${MY}`, 'in front of the'],
    ['mysql', `jdbc:mysql://a:h1dden@${MY}/db?user=a&password=h1dden`, 'behind the'],
  ] as const)('%s: %j', (server, text, words) => {
    const { reason, detail } = refusal(server, text);
    expect(reason).toBe('bad-value');
    expect(detail).toMatch(new RegExp(words));
    expect(detail).not.toContain('h1d');
  });

  it('holds for whatever is written: opened and read as clients do, or refused, never anything else', () => {
    const piece = fc.constantFrom(
      ...[
        'Server=',
        SQL,
        ';',
        'User ID=',
        'Password=',
        '"',
        "'",
        '{',
        '}',
        '=',
        ' ',
        'a',
        'x y',
        ',1433',
        'tcp:',
        '==',
        'Encrypt=True',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const text = pieces.join('');
        let opened: OpenText | undefined;
        try {
          opened = loginString(text, 'sqlserver', [SQL]);
        } catch (error) {
          expect(['bad-value', 'foreign-host']).toContain((error as KeyturnError).reason);
          return;
        }
        if (opened)
          expect(from(readAdo(text), 'user id', 'password')).toEqual({
            login: opened.login,
            password: opened.bare,
          });
      }),
      { numRuns: walk({ whole: 5_000, short: 1_000 }) },
    );
  });
});

describe('logins as Azure once wanted them', () => {
  it.each([
    ['mysql', `mysql://app_a%40my1:old@${MY}/db`, `mysql://app_b%40my1:new@${MY}/db`],
    [
      'mysql',
      `jdbc:mysql://${MY}/db?user=app_a@my1&password=old`,
      `jdbc:mysql://${MY}/db?user=app_b%40my1&password=new`,
    ],
    [
      'sqlserver',
      `Driver={x};Server=${SQL};Uid=app_a@SQL1;Pwd=old`,
      `Driver={x};Server=${SQL};Uid=app_b@SQL1;Pwd=new`,
    ],
    [
      'sqlserver',
      `Server=${SQL};User ID=app_a@${SQL};Password=old`,
      `Server=${SQL};User ID=app_b@${SQL};Password=new`,
    ],
  ] as const)('%s: %s keeps the server behind the login', (server, text, filled) => {
    expect(open(server, text).login).toBe('app_a');
    expect(open(server, text).fill('new', 'app_b')).toBe(filled);
  });

  it('keep what is no server', () => {
    expect(open('sqlserver', `Server=${SQL};User ID=a@example.com;Password=b`).login).toBe(
      'a@example.com',
    );
  });
});

describe('in a secret', () => {
  const spec = { kind: 'login', server: 'postgresql', required: true } as const;
  const value = new Secret(JSON.stringify({ url: `postgresql://app_a:old@${PG}/db`, more: 1 }));

  it('stand in a member of a document, too', () => {
    const form = openForm(value, { spec, field: 'url' }, [PG]);
    expect(form.login).toBe('app_a');
    const filled = JSON.parse(form.fill(new Secret('new'), 'app_b').reveal());
    expect(filled).toEqual({ url: `postgresql://app_b:new@${PG}/db`, more: 1 });
  });

  it('SQL-01: have to name the login: a bare password is refused with the forms that do', () => {
    expect(() => openForm(new Secret('just a password'), { spec }, [PG])).toThrow(
      /connection string or JSON/,
    );
  });

  it.each(['p4ss', 'a;b', 'x=y', 'a b c', 'key1=value;key2', 'p@ss:word/'])(
    '%j is a bare password',
    (text) => {
      for (const server of ['sqlserver', 'postgresql', 'mysql'] as const)
        expect(loginString(text, server, [])).toBeUndefined();
    },
  );
});
