/**
 * ATK-01: on a server where every login may create in `public` (all up to PostgreSQL 14, and those upgraded since), a stranger
 * makes a trojan for each function, operator, type and cast that Keyturn's statements use, in front of the server's own.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Secret } from '../../src/core/secret.ts';
import { OUT_OF_REACH, ROLES } from '../../src/targets/postgres.ts';
import { SECRET } from '../contract/rotator.contract.ts';
import { KEYTURN_PASSWORD, type Peer, postgresPeer } from './subjects.ts';

const clock = { now: () => new Date(), sleep: async () => undefined };
const stay = async () => true;
const rotation = '0123456789abcdef';

/** What each trojan does with the rights of whoever calls it. */
const BODY = `BEGIN
  INSERT INTO public.loot VALUES (TG);
  ALTER ROLE payroll PASSWORD 'known to mallory';
  ALTER ROLE mallory CREATEROLE;
EXCEPTION WHEN insufficient_privilege THEN NULL; END`;

/** Parameters, result and what is given back, so that the statement goes on as if nothing was. */
const FUNCTIONS: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
  lower: [
    ['pg_catalog.name', 'pg_catalog.text', 'pg_catalog.lower($1::pg_catalog.text)'],
    ['pg_catalog.text', 'pg_catalog.text', 'pg_catalog.lower($1)'],
    ['pg_catalog.anyelement', 'pg_catalog.text', "''"],
  ],
  date_part: [
    [
      'pg_catalog.text, pg_catalog.timestamptz',
      'pg_catalog.float8',
      'pg_catalog.date_part($1, $2)',
    ],
    ['pg_catalog.anyelement, pg_catalog.timestamptz', 'pg_catalog.float8', '0::pg_catalog.float8'],
  ],
  now: [['', 'pg_catalog.timestamptz', 'pg_catalog.now()']],
  current_setting: [
    ['pg_catalog.text', 'pg_catalog.text', 'pg_catalog.current_setting($1)'],
    ['pg_catalog.name', 'pg_catalog.text', 'pg_catalog.current_setting($1::pg_catalog.text)'],
  ],
  pg_has_role: [
    ['pg_catalog.oid, pg_catalog.oid, pg_catalog.text', 'pg_catalog.bool', 'false'],
    ['pg_catalog.oid, pg_catalog.oid, pg_catalog.name', 'pg_catalog.bool', 'false'],
    ['pg_catalog.oid, pg_catalog.text', 'pg_catalog.bool', 'false'],
  ],
};
/** Of each operator the operands: its own, and those that would be a better match without the casts. */
const OPERATORS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  '=': [
    ['name', 'name'],
    ['name', 'text'],
    ['text', 'text'],
    ['text', 'name'],
  ],
  '<': [
    ['timestamptz', 'timestamptz'],
    ['int4', 'int4'],
  ],
};
const TYPES = ['text', 'name', 'bool', 'oid', 'int4'] as const;
/** The questions that Keyturn asks of the catalogue; beside them it sends ALTER ROLE alone. */
const QUESTIONS = [ROLES, OUT_OF_REACH];
/** Operators of these are not asked by their text. */
const BY_VALUE = ['timestamptz', 'int4'];

let made = 0;
const trojan = (
  parameters: string,
  result: string,
  value: string,
  name = `trojan_${++made}`,
): string =>
  `CREATE FUNCTION public.${name}(${parameters}) RETURNS ${result} LANGUAGE plpgsql VOLATILE AS $trojan$
   BEGIN ${BODY.replace('TG', `'${name}(${parameters})'`)}; RETURN ${value}; END $trojan$`;

const operators = Object.entries(OPERATORS).flatMap(([name, pairs]) =>
  pairs.map(([left, right]) => {
    const [l, r] = [`pg_catalog.${left}`, `pg_catalog.${right}`];
    const plain = BY_VALUE.includes(left) ? '$1' : '$1::pg_catalog.text';
    const other = BY_VALUE.includes(right) ? '$2' : '$2::pg_catalog.text';
    const body = trojan(
      `${l}, ${r}`,
      'pg_catalog.bool',
      `${plain} OPERATOR(pg_catalog.${name}) ${other}`,
    );
    return [
      body,
      `CREATE OPERATOR public.${name} (FUNCTION = public.trojan_${made}, LEFTARG = ${l}, RIGHTARG = ${r})`,
    ];
  }),
);
/** A type is its maker's, and so are casts to it: a cast runs a function, too. */
const types = TYPES.map((type) => [
  `CREATE TYPE public.${type} AS (it pg_catalog.text)`,
  trojan('pg_catalog.name', `public.${type}`, `ROW($1)::public.${type}`),
  `CREATE CAST (pg_catalog.name AS public.${type}) WITH FUNCTION public.trojan_${made}(pg_catalog.name) AS IMPLICIT`,
]);
const functions = Object.entries(FUNCTIONS).flatMap(([name, forms]) =>
  forms.map(([parameters, result, value]) => trojan(parameters, result, value, name)),
);

/** A question with functions and operators looked up by the path, as it was asked before. */
const naive = (sql: string): string =>
  sql.replaceAll(/OPERATOR\(pg_catalog\.(.)\)/g, '$1').replaceAll(/pg_catalog\.(\w+\()/g, '$1');

describe('ATK-01: postgresql-login on a server where anyone may create in public', () => {
  let peer: Peer;
  const as = async <T>(
    user: string,
    password: string,
    work: (client: pg.Client) => Promise<T>,
    options = '',
  ) => {
    const { host, port, ca } = peer.server;
    const client = new pg.Client({
      host,
      port,
      user,
      password,
      database: 'postgres',
      ssl: { ca },
      options,
    });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const rows = (sql: string) =>
    as(
      peer.server.user,
      peer.server.password,
      async (client) => (await client.query(sql)).rows,
      OWN,
    );
  const OWN = '-c search_path=pg_catalog';
  const loot = async () =>
    (await rows('SELECT DISTINCT what FROM public.loot ORDER BY 1')).map(({ what }) => what);
  const mallory = async () =>
    (await rows("SELECT rolcreaterole AS may FROM pg_roles WHERE rolname = 'mallory'"))[0];

  beforeAll(async () => {
    peer = await postgresPeer();
    await peer.run('GRANT CREATE ON SCHEMA public TO PUBLIC'); // as up to PostgreSQL 14, and after an upgrade
    for (const login of ['app_a', 'app_b', 'mallory', 'payroll'])
      await peer.createLogin(login, `First-of-${login}`);
    await peer.run(
      'CREATE TABLE public.loot (what pg_catalog.text)',
      'GRANT INSERT ON public.loot TO PUBLIC',
      // Whoever owns the database may set this for everyone in it.
      'ALTER DATABASE postgres SET search_path = public, pg_catalog',
      'ALTER ROLE keyturn SET search_path = public, pg_catalog',
    );
    await as(
      'mallory',
      'First-of-mallory',
      async (client) => {
        for (const statement of [...functions, ...operators.flat(), ...types.flat()])
          await client.query(statement);
        await client.query('CREATE VIEW public.pg_roles AS SELECT * FROM pg_catalog.pg_roles');
        await client.query('GRANT SELECT ON public.pg_roles TO PUBLIC');
      },
      OWN,
    );
  });
  afterAll(() => peer.stop());

  it('has a trojan for every name in the statements', () => {
    const named = (pattern: RegExp) =>
      [
        ...new Set(
          QUESTIONS.flatMap((sql) => [...sql.matchAll(pattern)].map(([, name = '']) => name)),
        ),
      ].sort();
    expect(named(/pg_catalog\.(\w+)\(/g)).toEqual(Object.keys(FUNCTIONS).sort());
    expect(named(/OPERATOR\(pg_catalog\.(.+?)\)/g)).toEqual(Object.keys(OPERATORS).sort());
    for (const type of named(/::pg_catalog\.(\w+)/g)) expect(TYPES).toContain(type);
  });

  it.each(QUESTIONS)(
    'looks nothing up by the path: no name before a parenthesis, no operator, no cast without its schema (%#)',
    (sql) => {
      const rest = sql
        .replaceAll(/OPERATOR\(pg_catalog\.[^)]+\)/g, ' ')
        .replaceAll(/(::)?pg_catalog\.\w+\(?/g, ' ')
        .replaceAll(/'[^']*'/g, ' ')
        // `CASE WHEN` asks for a condition; `CASE x WHEN y` would look for an operator.
        .replaceAll(/\b(coalesce|EXISTS|ANY|OR|AND|NOT|WHERE|ARRAY|CASE\s+WHEN)\b/g, ' ');
      expect(
        rest.match(/\w\(|[=<>~!@#%^&|+/?-]|::\s*\w|\b(IN|LIKE|BETWEEN|CASE|SIMILAR|IS)\b/g),
      ).toBeNull();
    },
  );

  it('lets a stranger in where the names are not fixed: the traps are real', async () => {
    await as('keyturn', KEYTURN_PASSWORD, async (client) => {
      for (const sql of QUESTIONS) await client.query(naive(sql), [['app_a']]);
      await client.query("SELECT 'x'::pg_catalog.name::text");
    });
    const names = (await loot()).join(' ');
    for (const name of Object.keys(FUNCTIONS)) expect(names).toContain(`${name}(`);
    for (const operands of ['name, pg_catalog.name', 'timestamptz, pg_catalog.timestamptz'])
      expect(names).toContain(operands);
    expect(names).toMatch(/trojan_\d+\(pg_catalog\.name\)/);
    expect(await mallory()).toEqual({ may: true });
    expect(await peer.query('payroll', 'known to mallory')).toBe('ok');
    await peer.run(
      'ALTER ROLE mallory NOCREATEROLE',
      "ALTER ROLE payroll PASSWORD 'First-of-payroll'",
      'TRUNCATE public.loot',
    );
  });

  it('runs none of them: looks, rotates, revokes, and nobody has become anything', async () => {
    const target = peer
      .rotator(clock)
      .bind({ target: peer.target, options: { logins: 'app_a,app_b' }, secret: SECRET });
    expect((await target.inspect()).obstacles).toEqual([]);
    expect(await target.rights?.()).toMatchObject([{ state: 'ok' }]);
    expect(await target.adopt(new Secret('First-of-app_a'), 'app_a')).toBe('a');
    const issued = await target.issue(rotation, ['a'], new Date(), stay);
    expect(await target.check(issued.value, issued.login)).toBe('accepted');
    await target.revoke('a', new Secret('First-of-app_a'), stay);
    expect(await peer.query('app_b', issued.value.reveal())).toBe('ok');
    expect(await peer.query('app_a', 'First-of-app_a')).not.toBe('ok');
    expect(await loot()).toEqual([]);
    expect(await mallory()).toEqual({ may: false });
    expect(await peer.query('payroll', 'First-of-payroll')).toBe('ok');
  });

  it('sends no statement but these two', () => {
    const sent = peer.server
      .logs()
      .split('\n')
      .flatMap((line) => /(?:statement|execute [^:]*): (\w+ \w+)/.exec(line)?.[1] ?? []);
    expect(sent).toContain('ALTER ROLE');
    const other = peer.server
      .logs()
      .match(/statement: (?!SELECT|ALTER ROLE|CREATE|GRANT|ALTER DATABASE|TRUNCATE).*/g);
    expect(other).toBeNull();
  });
});
