/** Documents of lines, properties, netrc and YAML, value by value: what a reader takes and what is written there, or why nothing is. */
import { describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';

const OLD = 'Old-pass.word_1~xyz';
const open = (text: string, field: string) =>
  openForm(new Secret(text), { spec: { kind: 'bare' }, field }, []);
/** What the field holds, or why it is refused. */
function held(text: string, field = 'PW'): string {
  try {
    return open(text, field).bare.reveal();
  } catch (error) {
    if (error instanceof KeyturnError) return `${error.reason}: ${error.detail}`;
    throw error;
  }
}
/** The document with another credential, or why it is not written. */
function filled(text: string, next: string, field = 'PW'): string {
  try {
    return open(text, field).fill(new Secret(next)).reveal();
  } catch (error) {
    if (error instanceof KeyturnError) return `${error.reason}: ${error.detail}`;
    throw error;
  }
}
const UNCLEAR = 'is spelt in a way that readers take differently';
const NOT_WRITTEN = /^bad-value: The new credential(?: or login)? cannot be written into/;

describe('V7.3: a document of lines (`.env`)', () => {
  it.each([
    ['PW', `PW=${OLD}`, OLD],
    ['PW', `A=1\nPW=${OLD}\nB=2`, OLD],
    ['PW', `# c\n! c\n\n  # c\nPW=${OLD}\n`, OLD],
    ['PW', `A=1\r\nPW=${OLD}\r\n`, OLD],
    ['PW', `export PW=${OLD}`, OLD],
    ['PW', `export   PW=${OLD}`, OLD],
    ['PW', `PW = ${OLD}`, OLD],
    ['PW', `PW="${OLD}"`, OLD],
    ['PW', `PW='${OLD}'`, OLD],
    ['PW', `PW="${OLD}"  `, OLD],
    ['PW', `PW="a b#c"`, 'a b#c'],
    ['a-b', `a-b=${OLD}`, OLD],
    ['a[0]', `a[0]=${OLD}`, OLD],
  ])('%s of %j is %j', (field, text, value) => expect(held(text, field)).toBe(value));

  it.each(['#', '$', '\\', '"', "'", '`'])(
    'a value with %s in it is refused: its readers differ',
    (sign) => {
      expect(held(`A=1\nPW=x${sign}${OLD}`)).toContain(UNCLEAR);
      expect(held(`A=1\nPW=${OLD}${sign}y`)).toContain(UNCLEAR);
      // Beside the field it stays as it is.
      expect(filled(`A=x${sign}y\nPW=${OLD}`, 'nEw~1')).toBe(`A=x${sign}y\nPW=nEw~1`);
    },
  );

  it.each([
    `PW=${OLD} \nA=1`,
    `PW=${OLD}\t\nA=1`,
    `PW="${OLD}'`,
    `PW=x"${OLD}"`,
    `PW="a"b"`,
    `PW="a\\b"`,
    `PW="a$b"`,
  ])('%j is refused: quotes and blanks at an end are read in two ways', (text) =>
    expect(held(text)).toContain(UNCLEAR),
  );

  it.each([`PW: ${OLD}\nA=1`, `A=1\nPW:${OLD}`])(
    "%j is refused: Python's dotenv takes no colon",
    (text) => {
      expect(held(text)).toContain(UNCLEAR);
    },
  );

  it.each([
    ['a line that is no pair', `PW=${OLD}\nno pair\n`],
    ['a name with a blank', `PW=${OLD}\na b=1\n`],
    ['a name with a star', `PW=${OLD}\n*=1\n`],
    ['nothing but comments', '# PW=x\n'],
    ['exports of two', `PW=${OLD}\nexport export A=1\n`],
  ])('%s makes it no such document', (_, text) =>
    expect(held(text)).toContain('is not a document that Keyturn can read'),
  );

  it.each([
    [`PW=${OLD}`, 'a b', 'PW=a b'],
    [`PW=${OLD}`, 'a~B9', 'PW=a~B9'],
    [`PW=${OLD}`, 'a', 'PW=a'],
    [`PW="${OLD}"`, 'a#b c', 'PW="a#b c"'],
    [`PW='${OLD}'`, ' a ', "PW=' a '"],
    [`PW="${OLD}" `, 'a', 'PW="a" '],
    [`export PW=${OLD}\nB=1`, 'a', 'export PW=a\nB=1'],
  ])('%j takes %j', (text, next, written) => expect(filled(text, next)).toBe(written));

  it.each([
    ...['a#b', 'a$b', 'a\\b', 'a"b', "a'b", 'a`b', 'a\nb', ' a', '#a', 'a '].map((next) => [
      `PW=${OLD}`,
      next,
    ]),
    ...['a"b', "a'b", 'a$b', 'a\\b', 'a`b', 'a\nb'].map((next) => [`PW="${OLD}"`, next]),
  ] as [string, string][])('%j does not take %j', (text, next) =>
    expect(filled(text, next)).toMatch(NOT_WRITTEN),
  );
});

describe('V7.5: a document of properties', () => {
  const DOTTED = 'db.password';
  it.each([
    [`${DOTTED}=${OLD}`, OLD],
    [`${DOTTED}: ${OLD}`, OLD],
    [`${DOTTED}:${OLD}\na.b=1`, OLD],
    [`${DOTTED}=a"quoted"b`, 'a"quoted"b'],
    [`${DOTTED}=a#b$c'd\`e`, "a#b$c'd`e"],
    [`${DOTTED}=a\\:b\\=c\\#d\\!e\\ g`, 'a:b=c#d!e g'],
  ])('%j holds %j', (text, value) => expect(held(text, DOTTED)).toBe(value));

  it.each([
    `${DOTTED}=${OLD} \na.b=1`,
    `${DOTTED}=a\${b}`,
    `${DOTTED}=a\\nb`,
    `${DOTTED}=a\\u0041`,
    `${DOTTED}=a\\\nb=1`,
  ])('%j is refused: Java and Spring read it otherwise than it stands', (text) =>
    expect(held(text, DOTTED)).toMatch(/is spelt in a way|is not a document/),
  );

  it.each([
    [`${DOTTED}=${OLD}`, 'a:b=c', `${DOTTED}=a:b=c`],
    [`${DOTTED}=a\\:b`, 'c:d=e', `${DOTTED}=c\\:d\\=e`],
    [`${DOTTED}=${OLD}`, 'a b', `${DOTTED}=a b`],
    [`${DOTTED}=${OLD}`, '$a', `${DOTTED}=$a`],
    [`${DOTTED}=${OLD}`, 'x', `${DOTTED}=x`],
  ])('%j takes %j', (text, next, written) => expect(filled(text, next, DOTTED)).toBe(written));

  it.each([' a', 'a ', `a\${b}`, 'a\nb', '\t'])('does not take %j', (next) =>
    expect(filled(`${DOTTED}=${OLD}`, next, DOTTED)).toMatch(NOT_WRITTEN),
  );
});

describe('V7.5: a netrc text', () => {
  const one = `machine h1 login app_a password ${OLD}\n`;
  it.each([
    [one, '/h1/password', OLD],
    [
      `# c\n  # d\nmachine h1\n  login app_a\n  password ${OLD}\nmachine h2 login b password other\n`,
      '/h1/password',
      OLD,
    ],
    [
      `machine h2 login b password other machine h1 user app_a password ${OLD}`,
      '/h1/password',
      OLD,
    ],
    [one, '/h1/login', 'app_a'],
    [one.replace('login', 'user'), '/h1/login', 'app_a'],
    [`${one}machine h2 password x account y\n`, '/h2/account', 'y'],
  ])('%j holds at %s %j', (text, field, value) => {
    if (/#/.test(text)) expect(held(text, field)).toContain('stands in a netrc text');
    else expect(held(text, field)).toBe(value);
  });

  it.each([
    one.replace(OLD, `"${OLD}"`),
    one.replace(OLD, `a\\b`),
    one.replace(OLD, `a'b`),
    `${one}default login x password y\n`,
    `${one}macdef init\n`,
    `${one}# comment\n`,
  ])('%j is refused: clients read quotes, `default` and `macdef` differently', (text) => {
    expect(held(text, '/h1/password')).toContain('stands in a netrc text with quotes');
  });

  it('begins with a machine', () => {
    expect(held(one.replace('machine', 'machines'), '/h1/password')).toContain('bad-value');
    expect(held(`x ${one}`, '/h1/password')).toContain('bad-value');
    expect(held(`machine h1 login app_a password`, '/h1/password')).toContain('has not the field');
  });

  it('takes words alone', () => {
    expect(filled(one, 'a.~+/=-_9', '/h1/password')).toBe(one.replace(OLD, 'a.~+/=-_9'));
    for (const next of ['a b', 'a"b', 'a#b', "a'b", 'a\\b', '', 'default', 'macdef'])
      expect(filled(one, next, '/h1/password')).toContain('bad-value');
  });
});

describe('V7.1: a YAML document', () => {
  it.each([
    [`PW: ${OLD}\n`, 'PW', OLD],
    [`# c\n---\nPW: ${OLD}\nA: x\n`, 'PW', OLD],
    [`a:\n  PW: ${OLD}\n`, '/a/PW', OLD],
    [`a:\n  b:\n    PW: ${OLD}\n  c: x\nd: y\n`, '/a/b/PW', OLD],
    [`a:\n    PW: ${OLD}\nb:\n  PW: other\n`, '/b/PW', 'other'],
    [`a: x\r\nPW: ${OLD}\r\n`, 'PW', OLD],
    [`PW: "${OLD}"\n`, 'PW', OLD],
    [`PW: '${OLD}' # c\n`, 'PW', OLD],
    [`PW:   ${OLD}   \n`, 'PW', OLD],
    [`PW: "a: b #c"\n`, 'PW', 'a: b #c'],
    [`a: {PW: ${OLD}, b: x}\n`, '/a/PW', OLD],
    [`{PW: "${OLD}", b: 'x'}\n`, 'PW', OLD],
    [`a: {b: x, PW: '${OLD}'}\nc: y\n`, '/a/PW', OLD],
  ])('%j holds at %s %j', (text, field, value) => expect(held(text, field)).toBe(value));

  it.each([
    '- x',
    '?x',
    ':x',
    ',x',
    '[x',
    ']x',
    '}x',
    '&x',
    '*x',
    '!x',
    '|x',
    '>x',
    '%x',
    '@x',
    '`x',
    'a: b',
    'a #b',
    'a:',
  ])(
    'a scalar that reads %s means something else: it is refused, and kept beside the field',
    (scalar) => {
      expect(held(`PW: ${scalar}\nA: x\n`)).toMatch(
        /readers of YAML take differently|is not a document/,
      );
      if (scalar !== '- x')
        expect(filled(`A: ${scalar}\nPW: ${OLD}\n`, 'nEw')).toBe(`A: ${scalar}\nPW: nEw\n`);
    },
  );

  it.each([
    ...[
      '2027-01-05',
      '2027-1-5',
      '2027-01-05 10:00',
      '2027-01-05T10:00:00Z',
      '.inf',
      '+.inf',
      '.nan',
      '12',
      '1_000',
    ],
    ...[
      '0x1F',
      '0o17',
      '1.5e3',
      '+1',
      '12:30',
      '1,5',
      '~',
      'null',
      'True',
      'false',
      'yes',
      'No',
      'on',
      'OFF',
      'y',
      'N',
    ],
  ])('%s is not a text to YAML', (scalar) => {
    expect(held(`PW: ${scalar}\nA: x\n`)).toContain('is not a text to YAML');
    expect(filled(`PW: ${OLD}\nA: x\n`, scalar)).toBe(`PW: "${scalar}"\nA: x\n`);
  });

  it.each(['nulls', 'xnull', 'trueish', 'yess', 'a2027-01-05', 'inf', 'abc', 'x1'])(
    '%s is one',
    (scalar) => {
      expect(held(`PW: ${scalar}\nA: x\n`)).toBe(scalar);
      expect(filled(`PW: ${OLD}\nA: x\n`, scalar)).toBe(`PW: ${scalar}\nA: x\n`);
    },
  );

  it.each([
    ['a b', '"a b"'],
    ['a,b', '"a,b"'],
    ['a{b', '"a{b"'],
    ['a]b', '"a]b"'],
    ['a#b', '"a#b"'],
    ['a:', '"a:"'],
    ['a:b', 'a:b'],
    ['9a~', '"9a~"'],
    ['~a', '"~a"'],
    ['é', '"é"'],
    ['aé', '"aé"'],
    ['a', 'a'],
    ['', '""'],
  ])('a bare word takes %j as %s', (next, spelt) => {
    if (next === '') expect(filled(`PW: ${OLD}\n`, next)).toMatch(/bad-value|PW: ""/);
    else expect(filled(`PW: ${OLD}\n`, next)).toBe(`PW: ${spelt}\n`);
  });

  it.each(['a"b', "a'b", 'a\\b', 'a\nb'])('%j is not written, in quotes or without', (next) => {
    for (const text of [`PW: ${OLD}\n`, `PW: "${OLD}"\n`])
      expect(filled(text, next)).toMatch(NOT_WRITTEN);
  });

  it.each([
    ['a list', `a:\n  - x\nPW: ${OLD}\n`],
    ['an anchor on a name', `&a b: x\nPW: ${OLD}\n`],
    ['a text of several lines', `a: |\n  x y\nPW: ${OLD}\n`],
    ['a line that is no pair', `PW: ${OLD}\nx y\n`],
    ['a member further in below a value', `a: x\n  b: y\nPW: ${OLD}\n`],
    ['a member between two depths', `a:\n    b: x\n  c: y\nPW: ${OLD}\n`],
    ['braces that do not close', `a: {b: x\nPW: ${OLD}\n`],
    ['braces that go on', `{PW: ${OLD}} x\n`],
    ['a colon without a blank in braces', `{PW:${OLD}}\n`],
    ['tabs', `a:\n\tPW: ${OLD}\n`],
  ])('with %s is none that Keyturn reads', (_, text) => expect(held(text)).toMatch(/^bad-value/));

  it('with ERB says that what it says stands elsewhere', () => {
    expect(held(`PW: <%= ENV['x'] %>\n`)).toBe(
      'bad-value: The YAML holds ERB (`<%`): what it says stands elsewhere.',
    );
  });
});

describe('a JSON document', () => {
  it.each([
    ['{"a":{"b":["x",{"PW":"v"}]}}', '/a/b/1/PW', 'v'],
    ['{"a/b":{"c~d":"v"}}', '/a~1b/c~0d', 'v'],
    ['["x","v"]', '/1', 'v'],
    ['  {"PW":"v\\u00e9 \\"q\\\\"}  ', 'PW', 'vé "q\\'],
    ['{"x":[],"y":{},"z":[[1],[2,[3]]],"PW":"v"}', 'PW', 'v'],
    ['{"a":"{\\"PW\\":1}","PW":"v"}', 'PW', 'v'],
  ])('%s holds at %s %j', (text, field, value) => expect(held(text, field)).toBe(value));

  it.each([
    ['{"PW":1}', 'PW', 'is not a string'],
    ['{"PW":null}', 'PW', 'is not a string'],
    ['{"PW":true}', 'PW', 'is not a string'],
    ['{"PW":{}}', 'PW', 'is not a string'],
    ['{"PW":["v"]}', 'PW', 'is not a string'],
    ['{"PW":"v","PW":"w"}', 'PW', 'more than once'],
    ['{"pw":"v"}', 'PW', 'has not the field'],
    ['{"a":{"PW":"v"}}', 'PW', 'has not the field'],
    ['{"PW":"v"}', '/PW/0', 'has not the field'],
    ['{"PW":""}', 'PW', 'The value is empty'],
    ['{"PW":"{\\"a\\":1}"}', 'PW', 'is a JSON document in a string'],
  ])('%s at %s %s', (text, field, words) => expect(held(text, field)).toContain(words));

  it('is nested 64 deep and no deeper', () => {
    const deep = (levels: number) => `${'['.repeat(levels)}"v"${']'.repeat(levels)}`;
    const at = (levels: number) => '/0'.repeat(levels);
    expect(held(deep(64), at(64))).toBe('v');
    expect(held(deep(65), at(65))).toContain('nested too deeply');
  });

  it('is written in its place, everything else as it stands', () => {
    const text = '{ "a" : [1.50, "x", {"b":null}] ,\n\t"PW":"v", "c":"\\u0041" }\n';
    expect(filled(text, 'n"é\\\n')).toBe(text.replace('"v"', '"n\\"é\\\\\\n"'));
  });
});
