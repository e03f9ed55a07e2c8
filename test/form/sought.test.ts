/** How a credential is found again however it is spelt, what shape a bare one never has, and documents that tools read by rules of their own. */
import { describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import type { FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import { looksLikeDocument, refuseShape, unwrapped } from '../../src/form/shape.ts';
import { base64Like, rewriter, seeker } from '../../src/form/spelling.ts';

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const LONG = '0ld+Pass/word"1~é';

describe('VAL-01: a credential that nobody could hit by chance', () => {
  const { byChance, holds, mayHold } = seeker(LONG);
  const json = JSON.stringify(LONG).slice(1, -1);

  it.each([
    ['as it is', LONG],
    ['within a text', `x${LONG}y`],
    ['percent-encoded', `a=${encodeURIComponent(LONG)}`],
    ['… in small letters', encodeURIComponent(LONG).replace(/%../g, (code) => code.toLowerCase())],
    ['… twice', encodeURIComponent(encodeURIComponent(LONG))],
    ['escaped as in JSON', `"${json}"`],
    ['… twice', JSON.stringify(JSON.stringify(LONG))],
    ['… with a code of four digits', LONG.replace('0', '\\u0030')],
    ['… with a code of two', LONG.replace('0', '\\x30')],
    ['with entities', LONG.replace('"', '&quot;').replace('+', '&#43;').replace('/', '&#x2f;')],
    ['with entities in capitals', LONG.replace('"', '&QUOT;')],
    ['in hex', Buffer.from(LONG).toString('hex')],
    ['in capitals of hex', `x${Buffer.from(LONG).toString('hex').toUpperCase()}`],
    ['in base64', base64(LONG)],
    ['in base64 of URLs', Buffer.from(`??${LONG}>>`).toString('base64url')],
    ['in base64 one further', base64(`x${LONG}yz`)],
    ['in base64 two further', base64(`xx${LONG}yz`)],
    ['in base64, percent-encoded', base64(`p=${encodeURIComponent(LONG)}`)],
    ['in base64, escaped', base64(`"${json}"`)],
    ['in base64 of UTF-16', base64(Buffer.from(LONG, 'utf16le'))],
    ['in base64 of base64', base64(`x ${base64(LONG)}`)],
    ['in base64 three times', base64(`y ${base64(`x ${base64(LONG)}`)}`)],
    ['in base64 over lines', base64(`${'z'.repeat(80)}${LONG}`).replace(/(.{64})/g, '$1\n')],
  ])('is found %s', (_, text) => {
    expect(byChance).toBe(false);
    expect(holds(text)).toBe(true);
    expect(mayHold(text)).toBe(true);
  });

  it.each([
    ['', 'nothing'],
    [LONG.slice(1), 'a part'],
    [LONG.toUpperCase(), 'other letters'],
    [base64('another text that is as long as this'), 'base64 of another'],
    [Buffer.from('another text').toString('hex'), 'hex of another'],
    [`x ${base64(LONG).slice(0, 12)} y`, 'a part of its base64'],
    ['a b c d e f g h i j k l m n o p', 'blanks between'],
    ['%zz \\u00 &unknown; &#x110000;', 'what only looks like codes'],
  ])('is not in %j: %s', (text) => expect(holds(text)).toBe(false));
});

describe('VAL-01: a short credential, or a word, counts where it stands alone', () => {
  it.each([
    'abc',
    '1234567',
    'shop',
    'postgres',
    'my-app',
    'my_app.db',
    'changeme2024',
    '12345678901',
    'my app',
    'db1',
  ])('%s is one that occurs by chance', (bare) => expect(seeker(bare).byChance).toBe(true));
  it.each([
    'a1b2c3d4',
    'Old-pass~1',
    'abcdefghijklmnopqrstuvwxy',
    'one-two-three-four',
    'abc12345x',
    '-abcdefg',
    'changeme20245',
  ])('%s is none', (bare) => expect(seeker(bare).byChance).toBe(false));

  it('of seven letters is found as the whole text alone', () => {
    const { holds, mayHold } = seeker('abcdefg');
    expect([holds('abcdefg'), holds('x abcdefg y'), holds('abcdefgh'), holds(' abcdefg')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect([mayHold('x abcdefg y'), mayHold('xabcdefgy'), mayHold('abcdef')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it.each([
    ['changeme', true],
    ['is changeme now', true],
    ['pw=changeme;', true],
    ['"changeme"', true],
    ["'changeme'", true],
    ['user:changeme@host', true],
    ['(changeme)', true],
    ['a,changeme,b', true],
    ['changeme.', true],
    ['changeme. Then', true],
    ['changeme!', true],
    ['changeme?', true],
    ['a=changeme&b', true],
    ['x%20changeme', true],
    ['changeme.example.net', false],
    ['changemenot', false],
    ['dontchangeme', false],
    ['change-me', false],
    ['/changeme/', false],
    ['changeme-1', false],
    ['-changeme', false],
  ])('a word of eight is spoken of in %j: %s', (text, found) =>
    expect(seeker('changeme').holds(text)).toBe(found),
  );

  it('is found within base64 where it stands alone there', () => {
    const { holds, mayHold } = seeker('changeme');
    expect(holds(base64('login changeme now'))).toBe(true);
    expect(holds(base64('dontchangemenow'))).toBe(false);
    expect(mayHold(base64('dontchangemenow'))).toBe(true);
    expect(mayHold(base64('some other text'))).toBe(false);
  });

  it.each([
    ['Password=changeme;', true],
    ['pwd = changeme', true],
    ['PSW="changeme"', true],
    ["passwd='changeme'", true],
    ['password={changeme};x', true],
    ['a:changeme@host', true],
    ['password=changeme&x', true],
    ['password=changeme,x', true],
    ['user=changeme', false],
    ['password=changeme1', false],
    ['password=xchangeme', false],
  ])('stands as a password in %s: %s', (text, is) =>
    expect(seeker('changeme').isPasswordIn(text)).toBe(is),
  );

  it('of signs is no pattern', () => {
    const { isPasswordIn, holds } = seeker('a.*b');
    expect([
      isPasswordIn('password=a.*b'),
      isPasswordIn('password=axxb'),
      holds('axxb'),
      holds('a.*b'),
    ]).toEqual([...[true, false, false, true]]);
    for (const bare of ['a+b', '(a)', '[a]', 'a{1}', '^a$', 'a|b', 'a\\b', 'a/b', 'a-b', 'a?'])
      expect([bare, seeker(bare).isPasswordIn(`password=${bare}`)]).toEqual([bare, true]);
  });
});

describe('another credential in the spelling of the old one', () => {
  const written = (text: string, bare: string, next: string) => rewriter(text, bare)?.(next);
  it.each([
    ['old', 'old', 'a b', 'a b'],
    ['  old\n', 'old', 'new', '  new\n'],
    ['p%2Fq', 'p/q', 'a b/c', 'a%20b%2Fc'],
    ["p%2Fq'", "p/q'", "a'b", 'a%27b'],
    ['old!', 'old', 'x', undefined],
    ['p%2fq', 'p/q', 'x', undefined],
    ['', 'old', 'x', undefined],
  ])('%j of %j becomes, for %j, %j', (text, bare, next, expected) =>
    expect(written(text, bare, next)).toBe(expected),
  );

  it.each([
    ['YWI=', 'abcd', 'YWJjZA=='],
    ['YWJj', 'a', 'YQ=='],
    ['YWI', 'abcd', 'YWJjZA'],
    ['-_ab', '??>', 'Pz8-'],
    ['+/ab', '??>', 'Pz8+'],
    ['abcd', '??>', 'Pz8+'],
    ['-/ab', '??>', 'Pz8+'],
    ['_abcd', '??>>', 'Pz8-Pg'],
  ])('base64 like %s of %j is %s', (like, text, expected) =>
    expect(base64Like(like, text)).toBe(expected),
  );
});

describe('VAL-03: a bare credential', () => {
  const key = (...dialects: ('storage' | 'signalr' | 'appConfiguration')[]): FormSpec => ({
    kind: 'key',
    dialects,
  });
  const pair: FormSpec = {
    kind: 'key',
    dialects: ['appConfiguration'],
    pair: { name: 'id', key: 'secret' },
  };
  const LOGIN: FormSpec = { kind: 'login', server: 'postgresql', required: false };
  const BARE: FormSpec = { kind: 'bare' };
  function why(text: string, spec: FormSpec): string | undefined {
    try {
      refuseShape(text, spec);
      return undefined;
    } catch (error) {
      if (error instanceof KeyturnError && error.reason === 'bad-value') return error.detail;
      throw error;
    }
  }

  it.each([
    ['sig=x', 'shared access signature'],
    ['sv=1&sig=x', 'shared access signature'],
    ['?SIG=x', 'shared access signature'],
    ['a;sig=x', 'shared access signature'],
    ['a\nb', 'several lines'],
    ['a\rb', 'several lines'],
    ['jdbc:x', 'is an address'],
    ['x://y', 'is an address'],
    ['X9+.-://y', 'is an address'],
    ['failover:(x)', 'is an address'],
    ['//a:b@c', 'is an address'],
    [base64('Server=x;Password=y'), 'is base64 of a connection string or document'],
    [base64('postgresql://a:b@c/d'), 'is base64 of a connection string or document'],
    [base64('{"password":"abc"}'), 'is base64 of a connection string or document'],
  ])('of no kind is %j: %s', (text, words) => {
    for (const spec of [LOGIN, BARE, key('signalr'), key('storage')])
      expect(why(text, spec)).toContain(words);
  });

  it.each([
    'xsig=y',
    'a sig=y',
    'signature',
    'x:/y',
    '/a@b',
    '//ab',
    'xjdbc:y',
    '9x://y'.slice(1, 2),
    base64('some other text here'),
  ])('%j may be one', (text) => expect(why(text, LOGIN)).toBeUndefined());

  it.each(['"abc"', "'abc'"])(
    '%s stands in quotes, which clients take for a part of it',
    (text) => {
      expect(why(text, BARE)).toContain('stands in quotes');
      expect(why(text, LOGIN)).toBeUndefined();
      expect(why(text.slice(1), BARE)).toBeUndefined();
      expect(why(`x${text}`, BARE)).toBeUndefined();
    },
  );

  it.each([
    ...[
      'AccountKey=x',
      'AccountName=x',
      'AccountEndpoint=x',
      'DefaultEndpointsProtocol=x',
      'EndpointSuffix=x',
      'Endpoint=x',
    ],
    ...[
      'BlobEndpoint=x',
      'SharedAccessKey=x',
      'UseDevelopmentStorage=x',
      'Server=x',
      'Data Source=x',
      'Host=x',
      'HostName=x',
    ],
    ...[
      'Password=x',
      'Pwd=x',
      'User Id=x',
      'UserId=x',
      'Uid=x',
      'Secret=x',
      'AccessKey=x',
      'a;Password=x',
      'a; PWD =x',
    ],
  ])('%j is a connection string', (text) => {
    expect(why(text, BARE)).toBe(
      'The value is a connection string, and this kind has none; store the bare value.',
    );
    expect(why(text, key('signalr'))).toContain('none that this kind can read');
    expect(why(text, LOGIN)).toBeUndefined();
  });

  it.each(['a;b', 'a,b', 'a b', 'a://b', 'a=b', 'a==b'])('%j is no key', (text) => {
    expect(why(text, key('signalr'))).toMatch(/is no key|is an address/);
    if (text !== 'a://b') expect(why(text, key('storage'))).toBeUndefined();
  });
  it.each(['abc=', 'abc==', 'a+/b'])('%j may be a key', (text) =>
    expect(why(text, key('signalr'))).toBeUndefined(),
  );

  it('of App Configuration is never the key alone, but for the placeholder', () => {
    expect(why('abc', pair)).toContain('its id changes with it');
    expect(why('keyturn:new', pair)).toBeUndefined();
    expect(why('xkeyturn:new', pair)).toContain('its id changes with it');
  });

  it('what base64 holds counts where it is text', () => {
    expect(unwrapped(base64('some text\n'))).toBe('some text\n');
    expect(unwrapped(Buffer.from('some text?>').toString('base64url'))).toBe('some text?>');
    for (const none of [
      '',
      'short',
      base64('ab'),
      base64('some\u0000text'),
      base64(Buffer.from([255, 254, 250, 1, 2, 3, 4, 5, 6])),
      'a b c d e f g h i',
      `${base64('some text here')}===`,
    ])
      expect([none, unwrapped(none)]).toEqual([none, undefined]);
  });

  it.each([
    ['{}', true],
    [' [1]', true],
    ['{"a":1}', true],
    ['{a}', false],
    ['[x', false],
    ['1', false],
    ['"x"', false],
    ['x{}', false],
  ])('%j is a document: %s', (text, is) => expect(looksLikeDocument(text)).toBe(is));
});

describe("V7.6: docker's configuration", () => {
  const PW = '0ld.Pass-word~1';
  const open = (document: object, field = '/auths/r/password') =>
    openForm(new Secret(JSON.stringify(document)), { spec: { kind: 'bare' }, field }, []);
  const why = (document: object, field?: string): string => {
    try {
      return `opened ${open(document, field).bare.reveal()}`;
    } catch (error) {
      if (error instanceof KeyturnError) return error.detail;
      throw error;
    }
  };
  const auths = (r: object, more: object = {}) => ({ auths: { r }, ...more });
  const auth = base64(`reg1:${PW}`);

  it('password and `auth` change together', () => {
    const text = JSON.stringify(auths({ username: 'reg1', password: PW, auth }));
    const filled = openForm(
      new Secret(text),
      { spec: { kind: 'bare' }, field: '/auths/r/password' },
      [],
    ).fill(new Secret('nEw-1'));
    expect(JSON.parse(filled.reveal())).toEqual(
      auths({ username: 'reg1', password: 'nEw-1', auth: base64('reg1:nEw-1') }),
    );
  });

  it.each([
    [auths({ auth }), '/auths/r/auth', `opened ${PW}`],
    [auths({ auth: base64(`reg1:${PW}\0\0`) }), '/auths/r/auth', `opened ${PW}`],
    [auths({ auth: base64('reg1:a:b:c-d') }), '/auths/r/auth', 'opened a:b:c-d'],
    [{ auth }, 'auth', `opened ${PW}`],
    [{ auth: 'plain-text-1' }, 'auth', 'opened plain-text-1'],
    [auths({ auth: base64('no colon here') }), '/auths/r/auth', 'is not base64 of login:password'],
    [auths({ auth: base64(':no login here') }), '/auths/r/auth', 'is not base64 of login:password'],
    [auths({ auth: 'plain-text-1' }), '/auths/r/auth', 'is not base64 of login:password'],
    [
      auths({ password: PW, auth: 'plain-text-1' }),
      undefined,
      '"/auths/r/auth" is not base64 of login:password',
    ],
    [
      auths({ password: PW, auth: base64('nocolonatall1') }),
      undefined,
      '"/auths/r/auth" is not base64 of login:password',
    ],
    [
      auths({ password: PW, auth: base64(`:${PW}`) }),
      undefined,
      '"/auths/r/auth" is not base64 of login:password',
    ],
    [auths({ password: PW, auth: base64('reg1:another') }), undefined, 'hold different passwords'],
    [auths({ username: 'reg2', password: PW, auth }), undefined, 'name different logins'],
    [auths({ username: '', password: PW, auth }), undefined, `opened ${PW}`],
    [auths({ password: PW }), undefined, `opened ${PW}`],
    [
      auths({ password: PW, identitytoken: 'x' }),
      undefined,
      '"/auths/r/identitytoken" is another credential',
    ],
    [
      auths({ password: PW, registrytoken: 'x' }),
      undefined,
      '"/auths/r/registrytoken" is another credential',
    ],
    [auths({ password: PW, IdentityToken: 'x' }), undefined, 'is another credential'],
    [
      auths({ password: PW }, { credsStore: 'desktop' }),
      undefined,
      '"/credsStore" makes clients ask elsewhere',
    ],
    [
      auths({ password: PW }, { credHelpers: { r: 'x' } }),
      undefined,
      '"/credHelpers" makes clients ask elsewhere',
    ],
    [{ password: PW, credsStore: 'x', identitytoken: 'y' }, 'password', `opened ${PW}`],
    [
      { password: PW, auth, identitytoken: 'y' },
      'password',
      '"/identitytoken" is another credential',
    ],
  ])('%j: %#', (document, field, words) => expect(why(document, field)).toContain(words));
});

describe("V7.2: Azure's auth file", () => {
  const why = (name: string, value: string | null, hosts: readonly string[] = []) => {
    try {
      openForm(
        new Secret(JSON.stringify({ clientSecret: '0ld.Pass-word~1', [name]: value })),
        { spec: { kind: 'bare' }, field: 'clientSecret' },
        hosts,
      );
      return undefined;
    } catch (error) {
      if (error instanceof KeyturnError) return `${error.reason}: ${error.detail}`;
      throw error;
    }
  };
  const LOGINS = [
    'login.microsoftonline.com',
    'login.microsoftonline.us',
    'login.partner.microsoftonline.cn',
    'login.chinacloudapi.cn',
    'login.windows.net',
  ];
  const ARMS = [
    'management.azure.com',
    'management.usgovcloudapi.net',
    'management.chinacloudapi.cn',
  ];

  it.each([
    ...LOGINS.flatMap((host) => [
      ['activeDirectoryEndpointUrl', host] as const,
      ['AZURE_AUTHORITY_HOST', host] as const,
    ]),
    ...ARMS.map((host) => ['resourceManagerEndpointUrl', host] as const),
  ])('%s: %s is Azure’s', (name, host) => {
    for (const value of [`https://${host}`, `https://${host}/`, `HTTPS://${host.toUpperCase()}/`])
      expect([value, why(name, value)]).toEqual([value, undefined]);
    for (const value of [
      `http://${host}`,
      `https://${host}.evil.example`,
      `https://evil-${host}`,
      `https://${host}/x`,
      `https://a@${host}`,
      host,
      '',
      `https://${host}:444`,
      ` https://${host}`,
    ])
      expect([value, why(name, value)]).toEqual([
        value,
        expect.stringContaining(`foreign-host: "/${name}" leads to a host that is none of Azure's`),
      ]);
    expect(why(name, null)).toBeUndefined();
    expect(why(name.toUpperCase(), 'https://evil.example')).toContain('foreign-host');
    expect(why(`${name}s`, 'https://evil.example')).toBeUndefined();
  });

  it('a host of the target counts, too, and each name has its own', () => {
    expect(
      why('activeDirectoryEndpointUrl', 'https://own.example:8443/', ['own.example:8443']),
    ).toBeUndefined();
    expect(why('activeDirectoryEndpointUrl', 'https://management.azure.com')).toContain(
      'foreign-host',
    );
    expect(why('resourceManagerEndpointUrl', 'https://login.microsoftonline.com')).toContain(
      'foreign-host',
    );
    expect(why('activeDirectoryEndpointUrl', 'null')).toContain('foreign-host');
  });
});

describe('white space and marks at the ends of a value', () => {
  const open = (text: string, field?: string) =>
    openForm(
      new Secret(text),
      { spec: { kind: 'bare' }, ...(field === undefined ? {} : { field }) },
      [],
    );
  it.each([' x\n', '\ufeffx', '\t\ufeff x \r\n', 'x'])('%j is kept around', (text) => {
    expect(open(text).bare.reveal()).toBe('x');
    expect(open(text).fill(new Secret('y')).reveal()).toBe(text.replace('x', 'y'));
    const document = text.replace('x', '{"a":"x"}');
    expect(open(document, 'a').fill(new Secret('y')).reveal()).toBe(document.replace('"x"', '"y"'));
  });
  it.each(['', ' ', '\n', '\ufeff'])('%j alone is empty', (text) =>
    expect(() => open(text)).toThrow('The value is empty.'),
  );
  it('a placeholder is one exactly as it is written', () => {
    expect(open('keyturn:new').bare.reveal()).toBe('keyturn:new');
    expect(() => open('keyturn:new\n')).toThrow('several lines');
    expect(open(' keyturn:new').bare.reveal()).toBe(' keyturn:new');
  });
  it('of a password both readings are there, where both can be meant', () => {
    const spec: FormSpec = { kind: 'login', server: 'postgresql', required: false };
    const form = openForm(new Secret('x\n'), { spec }, []);
    expect([form.bare.reveal(), form.exact?.bare.reveal()]).toEqual(['x', 'x\n']);
    expect(form.exact?.fill(new Secret('y')).reveal()).toBe('y');
    expect(openForm(new Secret('x'), { spec }, []).exact).toBeUndefined();
    expect(openForm(new Secret('{"a":"x\\n"}'), { spec, field: 'a' }, []).exact).toBeUndefined();
    expect(open('x\n').exact).toBeUndefined();
  });
});

describe('VAL-02: another credential in the value', () => {
  const spec: FormSpec = { kind: 'key', dialects: ['signalr'] };
  const [ONE, TWO] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));
  it('is told by its place, and not found where it is not', () => {
    const text = JSON.stringify({ a: ONE, b: { c: [`x ${TWO}`] } });
    const form = openForm(new Secret(text), { spec, field: 'a' }, []);
    expect(form.elsewhere(new Secret(TWO ?? ''))).toBe('/b/c/0');
    expect(form.elsewhere(new Secret(Buffer.alloc(32, 3).toString('base64')))).toBeUndefined();
    expect(form.elsewhere(new Secret(ONE ?? ''))).toBeUndefined();
    const string = `Endpoint=https://h.example;AccessKey=${ONE};Note=${TWO}`;
    expect(
      openForm(new Secret(string), { spec }, ['h.example']).elsewhere(new Secret(TWO ?? '')),
    ).toBe('the connection string');
    expect(
      openForm(new Secret(ONE ?? ''), { spec }, []).elsewhere(new Secret(ONE ?? '')),
    ).toBeUndefined();
  });
  it('the same one and login give the value back as it was', () => {
    const secret = new Secret(' {"a":"\\u0078"} ');
    const form = openForm(secret, { spec: { kind: 'bare' }, field: 'a' }, []);
    expect(form.fill(new Secret('x'))).toBe(secret);
  });
});

describe('VAL-01: a second pair of login and password', () => {
  const PW = '0ld.Pass-word~1';
  const spec: FormSpec = { kind: 'login', server: 'postgresql', required: true };
  const fill = (document: object) => {
    try {
      const form = openForm(
        new Secret(JSON.stringify(document)),
        { spec, field: 'password', loginField: 'username' },
        [],
      );
      return JSON.parse(form.fill(new Secret('nEw-1'), 'app_b').reveal());
    } catch (error) {
      if (error instanceof KeyturnError) return error.detail;
      throw error;
    }
  };
  const of = (beside: (login: string, password: string) => object) => {
    const text = (login: string, password: string) => ({
      username: login,
      password,
      ...beside(login, password),
    });
    return [fill(text('app_a', PW)), text('app_b', 'nEw-1')];
  };

  it.each(['user', 'username', 'user_name', 'userid', 'user_id', 'uid', 'login', 'USER'])(
    'whose password has a name of its own changes with its login, in %s',
    (name) => {
      const [filled, expected] = of((login, password) => ({
        reader: { [name]: login, key: password },
      }));
      expect(filled).toEqual(expected);
    },
  );

  it.each(['users', 'xuser', 'logins', 'owner', 'uids'])(
    'a member %s of the same text is no login of it',
    (name) => {
      const [filled, expected] = of((_, password) => ({
        reader: { [name]: 'app_a', key: password },
      }));
      expect(filled).toEqual(expected);
    },
  );

  it('further in, or of another login, is none', () => {
    const [filled, expected] = of((_, password) => ({
      ...{
        reader: { key: password, more: { user: 'app_a' } },
        other: { user: 'app_a' },
        another: { user: 'app_c' },
      },
    }));
    expect(filled).toEqual(expected);
  });

  it.each([
    [{ PGUSER: 'app_c', PGPASSWORD: PW }, '/PGPASSWORD'],
    [{ db_user: 'app_c', db_pwd: PW }, '/db_pwd'],
    [{ a: { 'x-login': 'app_c', 'x-pass': PW } }, '/a/x-pass'],
  ])('%j names another login beside it: refused by pointer', (beside, pointer) => {
    expect(fill({ username: 'app_a', password: PW, ...beside })).toBe(
      `The credential stands at "${pointer}", too, which is beside another login.`,
    );
  });

  it.each([
    [(u: string, p: string) => ({ PGUSER: u, PGPASSWORD: p })],
    [(u: string, p: string) => ({ PGUSER: `${u}@pg1`, PGPASSWORD: p })],
    [(u: string, p: string) => ({ 'db.user-name': u, 'db.passphrase': p })],
    [(_: string, p: string) => ({ PGUSER: '', PGPASSWORD: p })],
    [(_: string, p: string) => ({ REDISUSER: 'other', PGPASSWORD: p })],
    [(_: string, p: string) => ({ PGUSER: 'app_c', note: p })],
  ])('%# changes as a pair, or stays as none', (beside) => {
    const [filled, expected] = of(beside);
    expect(filled).toEqual(expected);
  });

  it('a place is told by its pointer, with what is special in it escaped', () => {
    const within = `say ${PW} twice`;
    expect(fill({ username: 'app_a', password: PW, 'a/b': [within] })).toContain('"/a~1b/0", too');
    expect(fill({ username: 'app_a', password: PW, [within]: 'x' })).toContain(
      'The credential stands at "/", too, which is a name',
    );
    expect(fill({ username: 'app_a', password: PW, a: JSON.stringify({ b: within }) })).toContain(
      '"/a/b", too',
    );
  });

  it('field and login-field name two members', () => {
    const open = (loginField: string) =>
      openForm(
        new Secret(JSON.stringify({ username: 'app_a', password: PW })),
        { spec, field: 'password', loginField },
        [],
      );
    expect(() => open('password')).toThrow('name the same member');
    expect(() => open('/password')).toThrow('name the same member');
    expect(open('username').login).toBe('app_a');
  });
});
