/** Makes docs/values.md from the table of dialects: every text in it has gone through the codec when the page was made. */
import type { FormOptions, FormSpec, KeyDialect } from '../src/core/formSpec.ts';
import { Secret } from '../src/core/secret.ts';
import type { Dialect } from '../src/form/dialect.ts';
import { keyDialects, loginDialects } from '../src/form/dialects.ts';
import { openForm } from '../src/form/form.ts';
import { type Refused, refusalWords, refusedOptions } from '../src/form/refused.ts';

const OLD_KEY = Buffer.from('the key of slot 1').toString('base64');
const NEW_KEY = Buffer.from('the key of slot 2').toString('base64');
const OLD = 'old-password';
const NEW = 'new-password';

interface Example {
  readonly spec: FormSpec;
  readonly host: string;
  readonly next: string;
  readonly login?: string;
}

/** A text before and after a rotation. */
function shown(
  text: string,
  { spec, host, next, login }: Example,
  options: Partial<FormOptions> = {},
): string {
  const form = openForm(new Secret(text), { spec, ...options }, [
    host,
    'contoso.blob.core.windows.net',
  ]);
  return `\`\`\`text\n${text}\n${form.fill(new Secret(next), login).reveal()}\n\`\`\``;
}

function section(dialect: Dialect, example: Example): string {
  const isEncoded = /^[a-z+]+:\/\/[^;]*$/.test(dialect.examples[0] ?? '');
  const key = isEncoded ? encodeURIComponent(OLD_KEY) : OLD_KEY;
  const texts = {
    host: example.host,
    account: 'contoso',
    ID: 'y8-l0-s0:5Ytw9v',
    L: 'app_a',
    K: key,
    PW: OLD,
  };
  const texted = dialect.examples.map((text) =>
    Object.entries(texts).reduce((so, [name, put]) => so.replaceAll(`{${name}}`, () => put), text),
  );
  const blocks = texted.map((text) => shown(text.replace(/(:\d+):\d+/, '$1'), example));
  return `### ${dialect.title}\n\nSource: ${dialect.source}.\n\n${blocks.join('\n\n')}\n`;
}

const keyHosts: Readonly<Partial<Record<KeyDialect, string>>> = {
  storage: 'contoso.blob.core.windows.net',
  redis: 'contoso.redis.cache.windows.net:6380',
  redisAddress: 'contoso.redis.cache.windows.net:6380',
  cosmos: 'contoso.documents.azure.com',
  cosmosTable: 'contoso.table.cosmos.azure.com',
  cassandra: 'contoso.cassandra.cosmos.azure.com',
  mongo: 'contoso.mongo.cosmos.azure.com',
  appConfiguration: 'contoso.azconfig.io',
  signalr: 'contoso.service.signalr.net',
  communication: 'contoso.communication.azure.com',
  aspire: 'contoso.openai.azure.com',
};
const loginHosts = {
  sqlserver: 'contoso.database.windows.net',
  postgresql: 'contoso.postgres.database.azure.com',
  mysql: 'contoso.mysql.database.azure.com',
} as const;

function keySections(): string[] {
  return Object.entries(keyDialects).map(([name, dialect]) => {
    const id = name as KeyDialect;
    const pair = id === 'appConfiguration' ? { pair: { name: 'id', key: 'secret' } } : {};
    const next = id === 'appConfiguration' ? `Id=jKMW-l0-s0:Nz6JZX;Secret=${NEW_KEY}` : NEW_KEY;
    const host = keyHosts[id] ?? 'contoso.servicebus.windows.net';
    return section(dialect, { spec: { kind: 'key', dialects: [id], ...pair }, host, next });
  });
}

function loginSections(): string[] {
  return Object.entries(loginDialects).flatMap(([name, dialects]) => {
    const server = name as keyof typeof loginDialects;
    const example = {
      spec: { kind: 'login', server, required: true },
      host: loginHosts[server],
      next: NEW,
      login: 'app_b',
    } as const;
    return dialects.map((dialect) => section(dialect, example));
  });
}

function documentSections(): string {
  const login = {
    spec: { kind: 'login', server: 'postgresql', required: true },
    host: loginHosts.postgresql,
    next: NEW,
    login: 'app_b',
  } as const;
  const bare = { spec: { kind: 'bare' }, host: '', next: NEW } as const;
  const storage = {
    spec: { kind: 'key', dialects: ['storage'] },
    host: 'contoso.blob.core.windows.net',
    next: NEW_KEY,
  } as const;
  const string = `AccountName=contoso;AccountKey=${OLD_KEY};EndpointSuffix=core.windows.net`;
  const docker = {
    auths: {
      'contoso.azurecr.io': {
        username: 'contoso',
        password: OLD,
        auth: Buffer.from(`contoso:${OLD}`).toString('base64'),
      },
    },
  };
  const uri = `postgresql://app_a:${OLD}@${loginHosts.postgresql}:5432/app`;
  const blocks: readonly (readonly [string, string])[] = [
    [
      'JSON with a key and a string: `field=key`',
      shown(JSON.stringify({ key: OLD_KEY, connectionString: string }), storage, { field: 'key' }),
    ],
    [
      'JSON with a login: `field=password;login-field=username`',
      shown(JSON.stringify({ username: 'app_a', password: OLD, url: uri }), login, {
        field: 'password',
        loginField: 'username',
      }),
    ],
    [
      'docker configuration: `field=/auths/contoso.azurecr.io/password`',
      shown(JSON.stringify(docker), bare, { field: '/auths/contoso.azurecr.io/password' }),
    ],
    [
      'Azure auth JSON: `field=clientSecret`',
      shown(JSON.stringify({ clientId: '…', clientSecret: OLD, tenantId: '…' }), bare, {
        field: 'clientSecret',
      }),
    ],
    [
      '`.env`: `field=DB_PASSWORD;login-field=DB_USER`',
      shown(`DB_USER=app_a\nDB_PASSWORD="${OLD}"`, login, {
        field: 'DB_PASSWORD',
        loginField: 'DB_USER',
      }),
    ],
    [
      'Properties: `field=spring.datasource.password;login-field=spring.datasource.username`',
      shown(`spring.datasource.username=app_a\nspring.datasource.password=${OLD}`, login, {
        field: 'spring.datasource.password',
        loginField: 'spring.datasource.username',
      }),
    ],
    [
      'YAML: `field=/production/password;login-field=/production/username`',
      shown(`production:\n  username: app_a\n  password: "${OLD}"`, login, {
        field: '/production/password',
        loginField: '/production/username',
      }),
    ],
    [
      'netrc: `field=/contoso/password;login-field=/contoso/login`',
      shown(`machine contoso login app_a password ${OLD}`, login, {
        field: '/contoso/password',
        loginField: '/contoso/login',
      }),
    ],
  ];
  return blocks.map(([title, block]) => `### ${title}\n\n${block}\n`).join('\n');
}

function refusedSections(): string {
  const titles = {
    ...{
      sqlserver: 'SQL Server',
      postgresql: 'PostgreSQL',
      mysql: 'MySQL and MariaDB',
      messaging: 'Service Bus and its family',
    },
    ...{
      storage: 'Storage',
      cosmos: 'Cosmos DB',
      mongo: 'MongoDB',
      redis: 'Redis',
      signalr: 'SignalR and Web PubSub',
      aspire: 'Azure AI and Search',
    },
  } as const;
  return Object.entries(titles)
    .map(([id, title]) => `### ${title}\n\n${linesOf(refusedOptions[id as keyof typeof titles])}\n`)
    .join('\n');
}

function linesOf(rows: readonly Refused[]): string {
  const words = [...new Set(rows.map(({ why }) => why))];
  return words
    .map((why) => {
      const names = rows
        .filter((row) => row.why === why)
        .map(({ name, fine }) => `\`${name}\`${fine ? ' (some values)' : ''}`);
      return `- ${names.join(', ')}: ${refusalWords[why]}.`;
    })
    .join('\n');
}

export const valuesPage = (): string => `# Values that Keyturn reads and writes

<!-- Made by \`npm run docs\` from src/form; every pair of lines is what the codec answered when this page was made. -->

A secret holds the credential alone, or a text around it. Everything around it stays byte for byte: order, casing, quotes, blanks, options,
white space and a byte order mark at the ends. Each block shows a value before a rotation and after it.

## Strings with a key

${keySections().join('\n')}
## Strings with a login

Two logins take turns, so that both change. Where one login is all there is, the string may leave it out.

${loginSections().join('\n')}
## Documents

The option \`field\` names the member that holds the credential, by its name at the top or by a JSON pointer; \`login-field\` names that of
the login. Every further place of the same credential in the document is replaced with it: as it is, percent-encoded, in base64, in a
string that can be read, in a document inside a string. A place that can't be written is refused by its pointer before anything is issued. A
login that merely occurs elsewhere (\`owner\`, \`schema\`) stays as it is; one that is named as a pair with a second password (\`PGUSER\` and
\`PGPASSWORD\`) changes with it. A document that holds the key of another slot is refused.

The credential is also looked for in hex, and behind escapes of JSON, XML and URLs; there it is refused by its pointer. A password that is
short or a word counts where a password can stand: a database, an engine or a port of the same name stays.

${documentSections()}
## What is refused

\`bad-value\`, before anything is issued, with what is wrong and nothing of the value:

- several lines without \`field\`, an address of an unknown scheme, base64 of a string or document, a key in quotes, a shared access
  signature: no override puts a bare credential in the place of such a shape;
- a name that stands there twice, a quote that does not close, a raw reserved character in an address: clients read them differently;
- lines and YAML whose readers disagree: \`#\`, \`$\`, a backslash, a quote inside, a blank at the end, ERB, anchors, tags;
- docker configuration with an identity token, a credential store, or an \`auth\` that differs from \`username\` and \`password\`;
- the password of another login that is the same as this one;
- beside the credential: Kafka's \`bootstrap.servers\` of another host, its callback handlers and a protocol without TLS; \`unix_socket\`,
  \`read_default_file\` and their like for MySQL; in YAML \`socket\`, a weak \`sslmode\`, ERB, and environments with different passwords; in YAML
  and properties a \`url\` with another credential; \`activeDirectoryEndpointUrl\` and \`AZURE_AUTHORITY_HOST\` off Azure's login hosts.

\`foreign-host\`: a host that Azure does not name for the target. Options are kept, known or not, unless they are one of these, or end in
\`host\`, \`server\`, \`endpoint\`, \`proxy\` or \`addr\` with a host that is not the target's:

${refusedSections()}`;
