/** What stands beside the credential in a document: where it would lead elsewhere, or keep another credential, the document is refused by pointer. */
import { describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import type { FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import { saidOf } from '../jest/refusal.ts';

const PW = 'Old-pass~1.of-the-app';
const OTHER = 'Another~2.of-somebody';
const MY = 'my1.mysql.database.azure.com';
const PG = 'pg1.postgres.database.azure.com';
const BUS = 'ns1.servicebus.windows.net';
const logins = (server: 'mysql' | 'postgresql' | 'sqlserver'): FormSpec => ({
  kind: 'login',
  server,
  required: false,
});
const MYSQL = logins('mysql');
const PGSQL = logins('postgresql');

/** Undefined where it opens and takes another credential; else why not. */
const refusal = (
  text: string,
  field: string,
  spec: FormSpec,
  hosts: readonly string[] = [MY, PG],
) =>
  saidOf(() => {
    const filled = openForm(new Secret(text), { spec, field }, hosts).fill(
      new Secret('nEw-pass~3'),
    );
    expect(filled.reveal()).not.toBe(text);
  });
const ELSEWHERE = 'can send the credential to another host';
const IDENTITY = 'means a login with an identity';
const UNPROTECTED = 'does without TLS';
const FILE = 'names a file where the client runs';

describe('V6: a keyword of MySQL beside its password', () => {
  const of = (name: string, value: string) =>
    refusal(JSON.stringify({ user: 'app_a', password: PW, [name]: value }), 'password', MYSQL);

  it.each([
    ...['unix_socket', 'socket', 'named_pipe', 'bind_address', 'init_command', 'defer_connect'].map(
      (name) => [name, ELSEWHERE] as const,
    ),
    ...['read_default_file', 'read_default_group', 'server_public_key_path'].map(
      (name) => [name, FILE] as const,
    ),
    ...['auth_plugin', 'auth_plugin_map'].map((name) => [name, IDENTITY] as const),
    ...['server_public_key', 'ssl_disabled', 'ssl_verify_cert'].map(
      (name) => [name, UNPROTECTED] as const,
    ),
  ])('%s is refused, as it %s; where it says nothing, it stays', (name, why) => {
    expect(of(name, 'x')).toBe(`bad-value: "/${name}" ${why}${of(name, 'x')?.split(why)[1] ?? ''}`);
    expect(of(name, '')).toBeUndefined();
    expect(of(name, 'null')).toBeUndefined();
    for (const unlike of ['xnull', 'nullx', 'xfalse', 'falsex', '00', 'x1'])
      expect([unlike, of(name, unlike)]).toEqual([unlike, expect.stringContaining(why)]);
    expect(of(`${name}s`, 'x')).toBeUndefined();
    expect(of(`x${name}`, 'x')).toBeUndefined();
  });

  it.each([
    ['unix_socket', 'false', true],
    ['defer_connect', 'False', true],
    ['defer_connect', '0', true],
    ['auth_plugin', 'false', false],
    ['ssl_disabled', 'FALSE', true],
    ['ssl_disabled', '0', true],
    ['ssl_disabled', 'true', false],
    ['ssl_verify_cert', 'true', true],
    ['ssl_verify_cert', '1', true],
    ['ssl_verify_cert', 'false', false],
  ])('%s: %s is fine: %s', (name, value, fine) => {
    if (fine) expect(of(name, value)).toBeUndefined();
    else expect(of(name, value)).toContain(`/${name}`);
  });

  it('is no keyword to PostgreSQL, nor further down', () => {
    const text = JSON.stringify({
      user: 'app_a',
      password: PW,
      unix_socket: 'x',
      defer_connect: 'x',
    });
    expect(refusal(text, 'password', PGSQL)).toBeUndefined();
    const below = JSON.stringify({ password: PW, other: { unix_socket: 'x' } });
    expect(refusal(below, 'password', MYSQL)).toBeUndefined();
    const elsewhere = JSON.stringify({ a: { password: PW }, b: { unix_socket: 'x' } });
    expect(refusal(elsewhere, '/a/password', MYSQL)).toBeUndefined();
  });
});

describe("V7.1: a keyword of Rails' beside PostgreSQL's password", () => {
  const of = (line: string) =>
    refusal(`adapter: postgresql\npassword: ${PW}\n${line}\n`, 'password', PGSQL);

  it.each([
    ['socket: /tmp/x', ELSEWHERE],
    ['sslmode: disable', UNPROTECTED],
    ['sslmode: prefer', UNPROTECTED],
    ['sslmode: xrequire', UNPROTECTED],
    ['sslmode: requirex', UNPROTECTED],
  ])('%s', (line, why) => expect(of(line)).toContain(why));

  it.each([
    'sslmode: require',
    'sslmode: verify-ca',
    'sslmode: VERIFY-FULL',
    'sslmodes: disable',
    'pool: 5',
  ])('%s stays', (line) => expect(of(line)).toBeUndefined());

  it('is none in JSON, whose readers know nothing of Rails', () => {
    expect(
      refusal(
        JSON.stringify({ password: PW, sslmode: 'disable', socket: '/x' }),
        'password',
        PGSQL,
      ),
    ).toBeUndefined();
  });
});

describe("V7.1: Rails' environments", () => {
  const text = (one: string, other: string, value = OTHER, spec = 'password') =>
    `${one}:\n  username: app_a\n  ${spec}: ${PW}\n${other}:\n  username: app_b\n  ${spec}: ${value}\n`;
  const all = [
    'production',
    'staging',
    'development',
    'test',
    'default',
    'preview',
    'review',
    'qa',
    'uat',
  ];

  it.each(
    all
      .flatMap((one) => [[one, 'production'] as const, ['production', one] as const])
      .filter(([a, b]) => a !== b),
  )('with different passwords in %s and %s are refused, naming the other', (one, other) => {
    expect(refusal(text(one, other), `/${one}/password`, PGSQL)).toBe(
      `bad-value: "/${other}/password" holds another credential; keep one environment in a secret.`,
    );
  });

  it.each([
    ['one that begins alike', text('production', 'productions'), '/production/password'],
    ['one that ends alike', text('production', 'preproduction'), '/production/password'],
    ['the field in what is none', text('primary', 'staging'), '/primary/password'],
    ['the same password', text('production', 'staging', PW), '/production/password'],
    [
      'another member of the same environment',
      `production:\n  a:\n    password: ${PW}\n  b:\n    password: ${OTHER}\n`,
      '/production/a/password',
    ],
    [
      'another database of another environment',
      `production:\n  a:\n    password: ${PW}\nstaging:\n  b:\n    password: ${OTHER}\n`,
      '/production/a/password',
    ],
    [
      'another depth',
      `production:\n  password: ${PW}\nstaging:\n  a:\n    password: ${OTHER}\n`,
      '/production/password',
    ],
    [
      'environments that are passwords themselves',
      `production: ${PW}\nstaging: ${OTHER}\n`,
      'production',
    ],
    [
      'JSON, which is nobody’s `database.yml`',
      JSON.stringify({ production: { password: PW }, staging: { password: OTHER } }),
      '/production/password',
    ],
  ])('%s: the document is taken', (_, document, field) => {
    expect(refusal(document, field, PGSQL)).toBeUndefined();
  });
});

describe('V6: of `password` and `passwd`, clients of MySQL take different ones first', () => {
  const of = (document: object, field = 'password', spec = MYSQL) =>
    refusal(JSON.stringify(document), field, spec);
  const another = (name: string) =>
    `bad-value: "/${name}" holds another credential than the field, and clients differ in which they take.`;

  it('another password in the other one is refused', () => {
    expect(of({ password: PW, passwd: OTHER })).toBe(another('passwd'));
    expect(of({ password: OTHER, passwd: PW }, 'passwd')).toBe(another('password'));
  });

  it.each([
    [{ password: PW, passwd: PW }, 'password'],
    [{ password: PW, passwd: '' }, 'password'],
    [{ password: PW, passwords: OTHER }, 'password'],
    [{ password: PW, xpassword: OTHER }, 'password'],
    [{ pw: PW, password: OTHER }, 'pw'],
    [{ password: PW, other: { passwd: OTHER } }, 'password'],
  ])('%j is taken', (document, field) => expect(of(document, field)).toBeUndefined());

  it('PostgreSQL knows one of them alone', () => {
    expect(of({ password: PW, passwd: OTHER }, 'password', PGSQL)).toBeUndefined();
  });
});

describe('V7.5: an address beside the password, which Spring and Rails take first', () => {
  const url = (password: string, login = 'app_a') => `postgresql://${login}:${password}@${PG}/app`;
  const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('');
  const PWD = `spring.datasource.password=${PW}`;

  it.each([
    ['spring.datasource.url', PWD],
    ['spring.datasource.uri', PWD],
    ['spring.datasource.jdbcUrl', PWD],
    ['spring.datasource.jdbc-url', PWD],
  ])('%s with another credential is refused, naming it', (name, password) => {
    const text = lines(password, `${name}=${url(OTHER)}`);
    expect(refusal(text, 'spring.datasource.password', PGSQL)).toBe(
      `bad-value: "/${name}" holds another credential than the field, and clients differ in which they take.`,
    );
  });

  it.each([
    ['of another data source', `other.datasource.url=${url(OTHER)}`],
    ['that is no address', 'spring.datasource.url=in memory'],
    ['without a credential', `spring.datasource.url=jdbc:postgresql://${PG}/app`],
    ['of another name', `spring.datasource.urls=${url(OTHER)}`],
    ['with the same credential', `spring.datasource.url=${url(PW)}`],
    ['of another database', `spring.datasource.url=mysql://a:${OTHER}@${MY}/app`],
  ])('one %s is taken', (_, line) => {
    expect(refusal(lines(PWD, line), 'spring.datasource.password', PGSQL)).toBeUndefined();
  });

  it('one with the same password and another login is refused, where the document names the login', () => {
    const text = lines(
      PWD,
      'spring.datasource.username=app_a',
      `spring.datasource.url=${url(PW, 'app_b')}`,
    );
    const open = (loginField?: string) =>
      openForm(
        new Secret(text),
        { spec: PGSQL, field: 'spring.datasource.password', ...(loginField ? { loginField } : {}) },
        [PG],
      );
    expect(() => open('spring.datasource.username')).toThrow(/another credential than the field/);
    expect(open().bare.reveal()).toBe(PW);
    const same = text.replace('app_b', 'app_a');
    expect(
      openForm(
        new Secret(same),
        {
          spec: PGSQL,
          field: 'spring.datasource.password',
          loginField: 'spring.datasource.username',
        },
        [PG],
      ).login,
    ).toBe('app_a');
  });
});

describe('V3: what Kafka’s clients read beside the JAAS configuration', () => {
  const KEY = Buffer.from([...Array(32).keys()].map((at) => (at * 89 + 250) % 256)).toString(
    'base64',
  );
  const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="$ConnectionString" password="Endpoint=sb://${BUS}/;SharedAccessKeyName=send;SharedAccessKey=${KEY}";`;
  const spec: FormSpec = { kind: 'key', dialects: ['jaas', 'messaging'] };
  const of = (name: string, value: string, hosts: readonly string[] = [BUS]) => {
    try {
      openForm(
        new Secret(JSON.stringify({ 'sasl.jaas.config': jaas, [name]: value })),
        { spec, field: 'sasl.jaas.config' },
        hosts,
      );
      return undefined;
    } catch (error) {
      if (error instanceof KeyturnError) return `${error.reason}: ${error.detail}`;
      throw error;
    }
  };

  it.each([
    ['bootstrap.servers', `${BUS}:9093`],
    ['bootstrap.servers', ` ${BUS.toUpperCase()}:9093 , ${BUS}:9093`],
    ['spring.kafka.bootstrap-servers', BUS],
    ['security.protocol', 'SASL_SSL'],
    ['spring.kafka.security.protocol', 'sasl_ssl'],
    ['sasl.mechanism', 'PLAIN'],
    ['handler.class', 'com.example.Handler'],
    ['security.protocols', 'x'],
    ['sasl.callback.handler.classes', 'x'],
    ['bootstrap.servers.comment', 'evil.example'],
  ])('%s = %s is taken', (name, value) => expect(of(name, value)).toBeUndefined());

  it.each([
    [
      'bootstrap.servers',
      'evil.example:9093',
      'foreign-host: "/bootstrap.servers" leads to a host',
    ],
    ['bootstrap.servers', `${BUS}:9093,evil.example:9093`, 'foreign-host'],
    ['bootstrap.servers', `evil.example:9093,${BUS}:9093`, 'foreign-host'],
    ['bootstrap.servers', `x://${BUS}:9093`, 'foreign-host'],
    ['bootstrap.servers', `${BUS}:9093/x`, 'foreign-host'],
    ['bootstrap.servers', `${BUS}:x`, 'foreign-host'],
    ['bootstrap.servers', '', 'foreign-host'],
    ['bootstrap.servers', `${BUS}:9093:9093`, 'foreign-host'],
    ['security.protocol', 'SASL_PLAINTEXT', UNPROTECTED],
    ['security.protocol', 'xSASL_SSL', UNPROTECTED],
    ['security.protocol', 'SASL_SSLx', UNPROTECTED],
    ['sasl.login.callback.handler.class', 'com.example.Handler', IDENTITY],
    ['sasl.client.callback.handler.class', 'x', IDENTITY],
  ])('%s = %s is refused', (name, value, why) => expect(of(name, value)).toContain(why));

  it('the host of the target may have its port', () => {
    expect(of('bootstrap.servers', `${BUS}:9093`, [BUS, `${BUS}:5671`])).toBeUndefined();
  });
});
