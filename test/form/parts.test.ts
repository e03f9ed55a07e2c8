/** The readers below the codec, each by itself: what they find, where it stands, how it is written again, and what they leave alone. */
import { describe, expect, it } from '@jest/globals';
import { keyDialects, loginDialects } from '../../src/form/dialects.ts';
import type { Document } from '../../src/form/document.ts';
import { goDsnParts, looksLikeGoDsn } from '../../src/form/goDsn.ts';
import { jaasParts, looksLikeJaas } from '../../src/form/jaas.ts';
import { readJson } from '../../src/form/json.ts';
import { keywordsOf } from '../../src/form/keywords.ts';
import { readLines, readNetrc } from '../../src/form/lines.ts';
import type { TextPart } from '../../src/form/part.ts';
import { isSameLogin, rolesOf } from '../../src/form/roles.ts';
import { base64Like, rewriter, seeker } from '../../src/form/spelling.ts';
import { checkStorage } from '../../src/form/storageString.ts';
import { readYaml } from '../../src/form/yaml.ts';
import { saidOf } from '../jest/refusal.ts';

const seen = (text: string, parts: readonly TextPart[]) =>
  parts.map(({ name, value, start, end }) => [name, value, text.slice(start, end)]);
const membersOf = (text: string, document: Document | undefined) =>
  document?.members.map(({ path, value, start, end, fixed }) => [
    ...[path.join('/'), value, text.slice(start, end)],
    fixed === undefined ? 'free' : 'fixed',
  ]);
const rewritten = (text: string, document: Document | undefined, at: number, next: string) => {
  const member = document?.members[at];
  return member
    ? text.slice(0, member.start) + member.write(next) + text.slice(member.end)
    : 'none';
};

describe('a data source name of Go', () => {
  it('has login, password, host and options, each at its place', () => {
    const text = 'app_a:p:w@x@tcp(h1:3306)/db?tls=true&flag&a=b=c';
    expect(seen(text, goDsnParts(text))).toEqual([
      ['user', 'app_a', 'app_a'],
      ['password', 'p:w@x', 'p:w@x'],
      ['host', 'h1', 'h1:3306'],
      ['port', '3306', 'h1:3306'],
      ['tls', 'true', 'true'],
      ['flag', '', ''],
      ['a', 'b=c', 'b=c'],
    ]);
    expect(goDsnParts('a:b@tcp(h)/').map(({ name }) => name)).toEqual(['user', 'password', 'host']);
    const odd = 'a:b@tcp(h)/d?=x';
    expect(seen(odd, goDsnParts(odd)).at(-1)).toEqual(['', 'x', 'x']);
  });

  it.each([
    ...[
      'a:b@tcp(h)',
      'a@tcp(h)/',
      '@a:b/',
      'a:b@xtcp(h)/',
      'a:b@tcp(h)x/',
      'a:b@unix(/s)/',
      'a:b@tcp(h:123456)/',
      'a:b@tcp()/',
    ],
    ...['a:b@/', 'ab'],
  ])('%s is none', (text) => {
    expect(saidOf(() => goDsnParts(text))).toMatch(/^bad-value: The data source name/);
  });

  it('is told from an address', () => {
    const own = ['a:b@tcp(h)/', 'a:b@tcp(h)/d?x=y', 'a:x://y@tcp(h)/d', '1a://b@tcp(h)/d'];
    const unlike = [
      'mysql://a:b@tcp(h)/d',
      'A+b.c-1://x@tcp(h)/',
      'a:b@h/d',
      'a:b@tcp(h)',
      'a:b@tcp(h)/d/e',
    ];
    expect([...own, ...unlike].filter(looksLikeGoDsn)).toEqual(own);
  });

  it('takes no login or password that it could not say', () => {
    const [login, password] = goDsnParts('a:b@tcp(h)/d');
    expect([login?.write('app_b'), password?.write('p:w')]).toEqual(['app_b', 'p:w']);
    for (const wrong of ['a:b', 'a/b', 'a@b', ''])
      expect(saidOf(() => login?.write(wrong))).toMatch(/cannot be written/);
    for (const wrong of ['a/b', 'a@b', ''])
      expect(saidOf(() => password?.write(wrong))).toMatch(/cannot be written/);
  });
});

describe('a JAAS configuration', () => {
  const head = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const user = 'username="$ConnectionString"';

  it('is told by its module and flag', () => {
    const own = [`${head} x`, 'a.B$c REQUIRED x', 'a\toptional\nx'];
    expect(
      [...own, head, ' a required x', 'a requiredx', 'a-b required x', 'a other x'].filter(
        looksLikeJaas,
      ),
    ).toEqual(own);
  });

  it.each([
    ['"a\\"b\\\\c"', `a"b\\c`, `a\\"b\\\\c`],
    [`'a\\'b"c'`, `a'b"c`, `a\\'b"c`],
    ['a.b$c-d', 'a.b$c-d', 'a.b$c-d'],
  ])('reads a password written as %s', (spelt, value, raw) => {
    const text = `${head} ${user}\n password=${spelt} ;`;
    expect(seen(text, jaasParts(text))).toEqual([
      ['username', '$ConnectionString', '$ConnectionString'],
      ['password', value, raw],
    ]);
  });

  it('writes it again in the same quotes, or not at all', () => {
    const write = (spelt: string, next: string) => {
      const part = jaasParts(`${head} ${user} password=${spelt};`)[1];
      return saidOf(() => part?.write(next)) ?? part?.write(next);
    };
    expect(write('"x"', `a"b'c\\d`)).toBe(`a\\"b'c\\\\d`);
    expect(write(`'x'`, `a"b'c\\d`)).toBe(`a"b\\'c\\\\d`);
    expect(write('x', 'a.b$c-d_E9')).toBe('a.b$c-d_E9');
    for (const next of ['a b', 'a;b', ' ab', 'ab='])
      expect(write('x', next)).toMatch(/cannot be written/);
    for (const next of ['a\nb', '\u0001', 'a\u001f'])
      expect(write('"x"', next)).toMatch(/cannot be written/);
  });

  it.each([
    ['another module', `a.B required ${user} password="x";`, /with the module/],
    ['no end', `${head} ${user} password="x"`, /not of the form/],
    ['two modules', `${head} ${user} password="x"; ${head} ${user};`, /not of the form/],
    ['a quote that does not close', `${head} ${user} password="x;`, /not of the form/],
    ['another user', `${head} username="app" password="x";`, /is not `\$ConnectionString`/],
    ['no user', `${head} password="x";`, /is not `\$ConnectionString`/],
  ])('with %s is refused', (_, text, words) => {
    expect(saidOf(() => jaasParts(text))).toMatch(words);
  });
});

describe('keywords of libpq', () => {
  it('are pairs with and without quotes, at their places', () => {
    const text = ` host = h1 port=5432 password='a\\'b\\\\c d' user=a\\ b dbname= options=x`;
    expect(seen(text, keywordsOf(text))).toEqual([
      ['host', 'h1', 'h1'],
      ['port', '5432', '5432'],
      ['password', `a'b\\c d`, `'a\\'b\\\\c d'`],
      ['user', 'a b', 'a\\ b'],
      ['dbname', 'options=x', 'options=x'],
    ]);
  });

  it('are written in quotes where they have to be', () => {
    const [plain, quoted] = keywordsOf(`password=x user='y'`);
    expect([
      plain?.write('a-b'),
      plain?.write('a b'),
      plain?.write(`a'b`),
      plain?.write('a\\b'),
    ]).toEqual([...['a-b', `'a b'`, `'a\\'b'`, `'a\\\\b'`]]);
    expect(quoted?.write('a-b')).toBe(`'a-b'`);
  });

  it('count in small letters alone where they lead or log in', () => {
    for (const name of ['User', 'PASSWORD', 'Host', 'hostAddr', 'Port', 'dbName'])
      expect([name, saidOf(() => keywordsOf(`${name}=x`))]).toEqual([
        name,
        expect.stringMatching(/small letters/),
      ]);
    for (const name of ['Options', 'xUser', 'Userx', 'user'])
      expect([name, saidOf(() => keywordsOf(`${name}=x`))]).toEqual([name, undefined]);
    for (const text of [`host='h`, `host='h'x`, `=x`, `host h=`])
      expect([text, saidOf(() => keywordsOf(text))]).toEqual([
        text,
        expect.stringMatching(/Element \d+ /),
      ]);
  });
});

describe('a document of lines', () => {
  it('has a member for each, with what is behind it left alone', () => {
    const text = `# a=b\r\nA=x\r\nexport B = "y z" \r\n! c\n\nC='q'\nD=e#f\nE=g \nF: h\n`;
    expect(membersOf(text, readLines(text))).toEqual([
      ['A', 'x', 'x', 'free'],
      ['B', 'y z', '"y z"'.slice(1, -1), 'free'],
      ['C', 'q', 'q', 'free'],
      ['D', 'e#f', 'e#f', 'fixed'],
      ['E', 'g ', 'g ', 'fixed'],
      ['F', 'h', 'h', 'fixed'],
    ]);
    expect(readLines('A=x\nno line\n')).toBeUndefined();
    expect(readLines('# nothing\n')).toBeUndefined();
  });

  it.each([
    ['A=x', 'ab"c'],
    ['A=x', ' ab'],
    ['A=x', 'a#b'],
    ['A=x', 'a$b'],
    ['A=x', 'a\nb'],
    ['A=x', ''],
    ['A="x"', 'a"b'],
    ['A="x"', 'a$b'],
    ["A='x'", 'a`b'],
    ["A='x'", 'a\nb'],
    ['a.b=x', ' ab'],
    ['a.b=x', 'ab '],
    ['a.b=x', 'a\nb'],
    ['a.b=x', 'a\u0024{b}'],
    ['a.b=x', ''],
  ])('%s takes no %j', (text, next) => {
    const document = readLines(text);
    expect(saidOf(() => document?.members[0]?.write(next))).toMatch(
      /cannot be written into the line/,
    );
  });

  it.each([
    ['A=x', 'a=b:c d', 'A=a=b:c d'],
    ['A="x"', 'a b#c', 'A="a b#c"'],
    ['a.b=x', 'a=b:c"d', 'a.b=a=b:c"d'],
    ['a.b=x\\:y', 'a=b:c\\d', 'a.b=a\\=b\\:c\\\\d'],
    ['a.b=x', 'c', 'a.b=c'],
  ])('%s takes %j', (text, next, as) => {
    expect(rewritten(text, readLines(text), 0, next)).toBe(as);
  });

  it('of properties reads escapes, and leaves placeholders and blanks at the end alone', () => {
    const text = 'a.b=x\\=y\nc=\u0024{d}\ne=f \ng=h\\u0041\ni: j#k\n';
    expect(membersOf(text, readLines(text))).toEqual([
      ['a.b', 'x=y', 'x\\=y', 'free'],
      ['c', '\u0024{d}', '\u0024{d}', 'fixed'],
      ['e', 'f ', 'f ', 'fixed'],
      ['g', 'h\\u0041', 'h\\u0041', 'fixed'],
      ['i', 'j#k', 'j#k', 'free'],
    ]);
  });
});

describe('a netrc text', () => {
  it('names its machine in front of each member; `user` is the login', () => {
    const text = '# mine\nmachine h1 user a password p\nmachine h2 login b password q extra';
    expect(
      membersOf(text.replace('# mine\n', ''), readNetrc(text.replace('# mine\n', ''))),
    ).toEqual([
      ['h1/machine', 'h1', 'h1', 'free'],
      ['h1/login', 'a', 'a', 'free'],
      ['h1/password', 'p', 'p', 'free'],
      ['h2/machine', 'h2', 'h2', 'free'],
      ['h2/login', 'b', 'b', 'free'],
      ['h2/password', 'q', 'q', 'free'],
    ]);
    expect(readNetrc(text)?.members.every(({ fixed }) => fixed !== undefined)).toBe(true);
    for (const word of ['default', 'macdef', '"x"', "'x'", 'a\\b', '#x'])
      expect(
        readNetrc(`machine h login a password p ${word} x`)?.members.every(({ fixed }) => fixed),
      ).toBe(true);
    for (const none of [
      'machine',
      'xmachine h login a',
      'login a machine h',
      'x\nmachine h login a',
    ])
      expect([none, readNetrc(none)]).toEqual([none, undefined]);
    expect(
      rewritten('machine h password p', readNetrc('machine h password p'), 1, 'a.b~c+d/e=f-1'),
    ).toBe('machine h password a.b~c+d/e=f-1');
    for (const next of ['a b', '', 'a"b', ' a'])
      expect(saidOf(() => readNetrc('machine h password p')?.members[1]?.write(next))).toMatch(
        /cannot be written/,
      );
  });
});

describe('YAML', () => {
  it('has a member for each scalar, in blocks and in one line', () => {
    const text = `---\n# a: b\nx:\n  y: "q r" # why\n  z: w\nf: {a: b, "c: d}\n`.replace(
      ', "c: d}',
      ', c: "d e"}',
    );
    expect(membersOf(text, readYaml(text))).toEqual([
      ['x/y', 'q r', 'q r', 'free'],
      ['x/z', 'w', 'w', 'free'],
      ['f/a', 'b', 'b', 'free'],
      ['f/c', 'd e', 'd e', 'free'],
    ]);
    const flow = `  \n{a:   b, c: 'd' }`.replace('  \n', '# x\n');
    expect(membersOf(flow, readYaml(flow))).toEqual([
      ['a', 'b', 'b', 'free'],
      ['c', 'd', 'd', 'free'],
    ]);
    for (const none of [
      'a:\n',
      '',
      '# x\n',
      '- a\n',
      'a: b\nc\n',
      'a: b\n   c: d\n',
      '{a: b',
      '{a}',
      'a: {b: c\n',
      'a:b\n',
      'x: y\n{a: b}\n',
    ])
      expect([none, readYaml(none)]).toEqual([none, undefined]);
    expect(saidOf(() => readYaml('a: <%= b %>\n'))).toMatch(/ERB/);
  });

  it.each([
    '1',
    '1.5',
    '-1',
    '1_000',
    '0x1f',
    '1e5',
    '.inf',
    '-.nan',
    '2026-11-30',
    '~',
    'null',
    'true',
    'No',
    'ON',
    'y',
    '1:30',
  ])('%s is no text', (raw) => {
    expect(readYaml(`a: ${raw}\n`)?.members[0]?.fixed).toMatch(/no|not a text|differently/);
    expect(rewritten('a: x\n', readYaml('a: x\n'), 0, raw)).toBe(`a: "${raw}"\n`);
  });

  it.each(['a b', 'a,b', 'a#b', 'a{b', 'aé', '9a', '-a', 'a:', ''])(
    '%j is written in quotes',
    (next) => {
      expect(rewritten('a: x\n', readYaml('a: x\n'), 0, next)).toBe(`a: "${next}"\n`);
    },
  );

  it('takes no quote, backslash or line break', () => {
    for (const text of ['a: x\n', 'a: "x"\n', "a: 'x'\n"])
      for (const next of ['a"b', "a'b", 'a\\b', 'a\nb', '"', 'ab"', '\\a'])
        expect([text, next, saidOf(() => readYaml(text)?.members[0]?.write(next))]).toEqual([
          ...[text, next],
          expect.stringMatching(/cannot be written into the YAML/),
        ]);
    for (const next of ['Abc-1.2~3', 'a:b', 'A'])
      expect(rewritten('a: x\n', readYaml('a: x\n'), 0, next)).toBe(`a: ${next}\n`);
  });

  it.each([
    '*a',
    '&a',
    '|',
    '>',
    '!x',
    '%x',
    '@x',
    '`x`',
    '- x',
    'a: b',
    'a #b',
    'a:',
    '"x',
    `'x`,
    '[a]',
    '?x',
    ',x',
  ])('%s stands as it is', (raw) => {
    expect(readYaml(`a: ${raw}\n`)?.members[0]?.fixed ?? 'none').toMatch(/none|differently/);
    expect(readYaml(`a: ${raw}\n`)?.members[0]?.fixed).toBeDefined();
  });

  it('leaves blanks at the end of a line out', () => {
    expect(membersOf('a: x  \nb:   w\n', readYaml('a: x  \nb:   w\n'))).toEqual([
      ['a', 'x', 'x', 'free'],
      ['b', 'w', 'w', 'free'],
    ]);
  });
});

describe('JSON', () => {
  it('is what begins as an object or a list, and is one', () => {
    for (const is of ['{"a":1}', ' \n[1]', '[]'])
      expect([is, readJson(is)?.what]).toEqual([is, 'a JSON document']);
    for (const none of ['"a"', '1', 'x{}', '{', '{"a":}', ''])
      expect([none, readJson(none)]).toEqual([none, undefined]);
    const text = '{"a":["x",{"b":"y"}],"c":1}';
    expect(
      membersOf(text, readJson(text))
        ?.filter(([, , , how]) => how === 'free')
        .map(([path, value]) => [path, value]),
    ).toEqual([
      ['a/0', 'x'],
      ['a/1/b', 'y'],
    ]);
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(saidOf(() => readJson(nested(64)))).toBeUndefined();
    expect(saidOf(() => readJson(nested(66)))).toMatch(/^bad-value: .* too deeply/);
  });
});

describe('a credential is found in a text', () => {
  const LONG = 'q9/Zr+3kT1mW8xY2vB5n';

  it.each([
    ['as it is', `x ${LONG} y`],
    ['percent-encoded', `x=${encodeURIComponent(LONG)}&y`],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(LONG))],
    ['escaped', `"${LONG.replaceAll('/', '\\/')}"`],
    [
      'escaped by codes',
      [...LONG].map((each) => `\\u00${each.charCodeAt(0).toString(16)}`).join(''),
    ],
    [
      'escaped by short codes',
      [...LONG].map((each) => `\\x${each.charCodeAt(0).toString(16)}`).join(''),
    ],
    ['escaped twice', LONG.replaceAll('/', '\\\\u002f')],
    ['with entities', LONG.replaceAll('/', '&#x2f;').replaceAll('+', '&#43;')],
    ['in hex', `0x${Buffer.from(LONG).toString('hex').toUpperCase()}`],
    ...[0, 1, 2, 3].map(
      (by) =>
        [
          `in base64, ${by} further on`,
          Buffer.from('abc'.slice(0, by) + LONG).toString('base64'),
        ] as const,
    ),
    ['in base64 of a URL', Buffer.from(`?${LONG}`).toString('base64url')],
    ['in base64 in base64', Buffer.from(Buffer.from(LONG).toString('base64')).toString('base64')],
    ['in base64 of UTF-16', Buffer.from(LONG, 'utf16le').toString('base64')],
    [
      'in base64 on lines',
      `${Buffer.from(`xyzxyzxyzxyzxyz ${LONG}`)
        .toString('base64')
        .replace(/(.{30})/g, '$1\n')}`,
    ],
  ] as const)('%s', (_, text) => {
    expect(seeker(LONG).holds(text)).toBe(true);
    expect(seeker(LONG).mayHold(text)).toBe(true);
    expect(seeker('q9/Zr+3kT2mW8xY2vB5n').holds(text)).toBe(false);
  });

  it('and nowhere else, whatever else is written there', () => {
    for (const text of [
      '',
      'x',
      LONG.slice(1),
      LONG.toLowerCase(),
      '&#x110000;',
      '&#1114112;',
      '%zz',
      '\\',
      Buffer.from('other').toString('base64'),
    ])
      expect([text, seeker(LONG).holds(text)]).toEqual([text, false]);
  });

  it.each([
    ['1234567', true],
    ['a-b_c/d', true],
    ['a-b_c/d9', false],
    ['secret-word 2026', true],
    ['password', true],
    ['passwordpasswordpassword', true],
    ['passwordpasswordpasswordx', false],
    ['12345678901234567890', true],
    ['a-b-c-d-e', false],
    ['pass9word', false],
  ])('%s counts by chance: %j', (bare, byChance) => {
    expect(seeker(bare).byChance).toBe(byChance);
  });

  it('by chance only where it stands alone, or is all of the text', () => {
    const { holds, mayHold, isPasswordIn } = seeker('password');
    for (const text of [
      'password',
      'a password.',
      'x="password"',
      'a:password@h',
      '(password)',
      `'password',`,
      Buffer.from('x password y').toString('base64'),
    ])
      expect([text, holds(text)]).toEqual([text, true]);
    for (const text of ['passwords', 'xpassword', 'password-x', 'my_password', 'a.password.b'])
      expect([text, holds(text)]).toEqual([text, false]);
    expect(
      ['my_passwords', Buffer.from('xpasswordx').toString('base64'), 'other'].map(mayHold),
    ).toEqual([true, true, false]);
    const { holds: short } = seeker('abc-1');
    expect([short('abc-1'), short('x abc-1 y')]).toEqual([true, false]);
    for (const text of [
      'a:password@h',
      'Pwd=password;',
      'PASSWORD = "password"',
      `passwd={password}`,
      'psw=password',
      'pwd=password&x',
    ])
      expect([text, isPasswordIn(text)]).toEqual([text, true]);
    for (const text of ['user=password', 'a password', 'pwd=passwords', 'pwd=xpassword'])
      expect([text, isPasswordIn(text)]).toEqual([text, false]);
  });

  it('and written again as it stood', () => {
    expect(rewriter(' a+b \n', 'a+b')?.('c')).toBe(' c \n');
    expect(rewriter('a%2Bb', 'a+b')?.("c'd")).toBe('c%27d');
    expect(rewriter('a%2Bb ', 'a+b')).toBeUndefined();
    expect(rewriter('x', 'a+b')).toBeUndefined();
    expect(base64Like('QUI=', 'abcd')).toBe('YWJjZA==');
    expect(base64Like('QUI', 'abcd')).toBe('YWJjZA');
    expect(base64Like('a-_b', '~~~?')).toBe('fn5-Pw==');
    expect(base64Like('a+_b', '~~~?')).toBe('fn5+Pw==');
    expect(base64Like('abcd', '~~~?')).toBe('fn5+Pw==');
  });
});

describe('hosts and logins', () => {
  const part = (name: string, value: string): TextPart => ({
    name,
    value,
    start: 0,
    end: 0,
    write: (next) => next,
  });
  const [messaging, sql, npgsql, mysql] = [
    keyDialects.messaging,
    ...[loginDialects.sqlserver, loginDialects.postgresql, loginDialects.mysql].map(
      (all) =>
        all.find(({ title }) =>
          ['ADO.NET for SQL Server', 'Npgsql', 'MySqlConnector and Connector/NET'].includes(title),
        ) ?? all[0],
    ),
  ];

  it.each([
    ['sb://ns1.example/', undefined],
    ['sb://NS1.example:5671', undefined],
    ['https://ns1.example:443/', undefined],
    ['amqps://ns1.example', undefined],
    ['xsb://ns1.example/', /not of the form/],
    ['sb://ns1.example//', /not of the form/],
    ['sb://ns1.example/x', /not of the form/],
    ['sb://a@ns1.example/', /not of the form/],
    ['sb://ns1.example:123456/', /not of the form/],
    ['http://ns1.example/', /not of the form/],
    ['sb://ns1.example:444/', /foreign-host: .*"ns1.example", "ns2.example"/],
    ['sb://ns3.example/', /foreign-host/],
  ])('an endpoint %s', (endpoint, words) => {
    const said = saidOf(() =>
      rolesOf(
        messaging,
        [
          part('endpoint', endpoint),
          part('sharedaccesskeyname', 'x'),
          part('sharedaccesskey', 'K'),
        ],
        [...['ns1.example', 'ns2.example']],
      ),
    );
    if (words) expect(said).toMatch(words);
    else expect(said).toBeUndefined();
  });

  it('hosts of a list have one port for all, or one for each', () => {
    const said = (host: string, port: string | undefined, hosts: readonly string[]) =>
      saidOf(() =>
        rolesOf(
          npgsql as never,
          [
            part('host', host),
            ...(port === undefined ? [] : [part('port', port)]),
            part('password', 'p'),
          ],
          hosts,
        ),
      );
    expect(said('h1,h2', '5432', ['h1', 'h2'])).toBeUndefined();
    expect(said('h1, h2', '5432 , 5432', ['h1', 'h2'])).toBeUndefined();
    expect(said('h1,h2,h3', '5432,6432', ['h1', 'h2', 'h3'])).toMatch(/as many ports/);
    expect(said('h1:5432', '5432', ['h1'])).toBeUndefined();
    expect(said('h1:5432', '6432', ['h1'])).toMatch(/port twice/);
    expect(said('h1', '1', ['h1'])).toMatch(/^foreign-host/);
    expect(said('h1', undefined, [])).toMatch(/\(none known\)/);
    expect(saidOf(() => rolesOf(npgsql as never, [part('password', 'p')], ['h1']))).toMatch(
      /names no host/,
    );
  });

  it('a login may have the server behind it, which stays there', () => {
    const rolesIn = (login: string) =>
      rolesOf(
        sql as never,
        [
          part('server', 'tcp:sql1.database.example,1433'),
          part('userid', login),
          part('password', 'p'),
        ],
        ['sql1.database.example:1433'],
      );
    const named = (login: string) => ({ name: rolesIn(login).name, suffix: rolesIn(login).suffix });
    expect(named('app_a@sql1')).toEqual({ name: 'app_a', suffix: '@sql1' });
    expect(named('app_a@SQL1.database.example')).toEqual({
      name: 'app_a',
      suffix: '@SQL1.database.example',
    });
    expect(named('app_a@other')).toEqual({ name: 'app_a@other', suffix: '' });
    expect(named('@sql1')).toEqual({ name: '@sql1', suffix: '' });
    expect(named('app_a')).toEqual({ name: 'app_a', suffix: '' });
    expect(rolesIn('').login).toBeUndefined();
    expect(isSameLogin('app_a', 'app_a')).toBe(true);
    expect(isSameLogin('app_a', 'app_a@sql1')).toBe(true);
    expect(isSameLogin('app_a', 'app_ab')).toBe(false);
    expect(isSameLogin(undefined, 'app_a')).toBe(false);
  });

  it.each([
    ['a second password', [part('password', 'a'), part('pwd', 'b')], /password twice/],
    [
      'the same element twice',
      [part('password', 'a'), part('password', 'a')],
      /Element 4 .* twice/,
    ],
    [
      'a second login',
      [part('password', 'a'), part('uid', 'b'), part('userid', 'c')],
      /login twice/,
    ],
    ['no password', [], /has no password/],
    [
      'a database that is a string',
      [part('password', 'a'), part('database', 'host=evil')],
      /itself a connection string/,
    ],
    [
      'a database that is an address',
      [part('password', 'a'), part('database', 'x://y')],
      /itself a connection string/,
    ],
  ] as const)('%s is refused', (_, parts, words) => {
    expect(
      saidOf(() =>
        rolesOf(
          mysql as never,
          [part('server', 'my1'), part('sslmode', 'Required'), ...parts],
          ['my1:3306'],
        ),
      ),
    ).toMatch(words);
  });

  it.each([
    ['sql1.example', undefined],
    ['*.example', undefined],
    ['SQL1.example', undefined],
    ['*.evil.example', /hostNameInCertificate/],
    ['sql2.example', /hostNameInCertificate/],
    ['*', /hostNameInCertificate/],
  ])('a certificate for %s', (name, words) => {
    const said = saidOf(() =>
      rolesOf(
        sql as never,
        [
          part('server', 'sql1.example'),
          part('userid', 'a'),
          part('password', 'p'),
          part('hostnameincertificate', name),
        ],
        ['sql1.example:1433'],
      ),
    );
    if (words) expect(said).toMatch(words);
    else expect(said ?? '').not.toMatch(/hostNameInCertificate/);
  });
});

describe('a storage string is of its account', () => {
  const of = (
    values: Readonly<Record<string, string>>,
    hosts = ['acct1.queue.core.windows.net', 'acct1.z9.web.core.windows.net'],
  ) => saidOf(() => checkStorage(new Map(Object.entries(values)), hosts));

  it('by name, zone and suffix', () => {
    for (const fine of [
      { accountname: 'acct1' },
      { accountname: 'ACCT1', endpointsuffix: 'CORE.windows.net:443' },
      { accountname: 'acct1.z9' },
      { accountname: 'acct1', blobendpoint: 'x' },
    ])
      expect([fine, of(fine)]).toEqual([fine, undefined]);
    for (const service of ['blob', 'queue', 'table', 'file', 'dfs', 'web'])
      expect([
        service,
        of({ accountname: 'acct1' }, [`acct1.${service}.core.windows.net`]),
      ]).toEqual([service, undefined]);
    for (const none of [
      {},
      { accountname: 'ac' },
      { accountname: 'acct-1' },
      { accountname: 'acct1.x9' },
      { accountname: 'acct1.z9999' },
    ])
      expect([none, of(none)]).toEqual([none, expect.stringMatching(/no AccountName/)]);
    expect(of({ accountname: 'acct2' })).toMatch(
      /^foreign-host: AccountName .*"acct1.queue.core.windows.net", "acct1/,
    );
    expect(of({ accountname: 'acct1' }, [])).toMatch(/AccountName .*none known/);
    expect(of({ accountname: 'acct1', endpointsuffix: 'evil.example' })).toMatch(
      /^foreign-host: EndpointSuffix/,
    );
    expect(of({ accountname: 'acct1', blobendpoint: 'x', endpointsuffix: 'evil.example' })).toMatch(
      /EndpointSuffix/,
    );
    expect(of({ accountname: 'acct1' }, ['acct1.queue.evil.example'])).toMatch(/EndpointSuffix/);
    expect(of({ accountname: 'acct1.z8' })).toMatch(/EndpointSuffix/);
  });
});
