/** How consent is read, call by call, with answers that a stranger's assignments or a page of the list may bend (design section 6). */
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ConsentOptions,
  consentFrom,
  parseConsentMap,
} from '../../src/azure/consentReader.ts';
import { addMinutes } from '../../src/core/clock.ts';
import { AbsentError, BusyError, KeyturnError } from '../../src/core/errors.ts';

const ME = 'aaaaaaaa-0000-4000-8000-00000000000a';
const APP = 'bbbbbbbb-0000-4000-8000-00000000000b';
const GROUP = '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg';
const ID = `${GROUP}/providers/Microsoft.Storage/storageAccounts/acct1`;
const id = ID.toLowerCase();
const SPACE = `${GROUP}/providers/Microsoft.ServiceBus/namespaces/ns1`;
const QUEUE = `${SPACE}/queues/q1`;
const RULE = `${QUEUE}/authorizationRules/send`;
const START = new Date('2027-01-05T10:00:00Z');

interface Asked {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly doing: string;
}

let now: Date;
let asked: Asked[];
/** What the list answers, page by page; the last one again and again. */
let pages: (object | Error)[];
/** What the directory answers about an application's tags, and about the appId of an object. */
let tags: readonly string[] | Error;
let appIdOf: ((objectId: string) => Promise<string | undefined>) | undefined;
beforeEach(() => {
  now = START;
  asked = [];
  pages = [{ value: [] }];
  tags = [];
  appIdOf = undefined;
});

function consent(over: Partial<ConsentOptions> = {}) {
  const options: ConsentOptions = {
    arm: {
      async get(path, query, doing) {
        const page = pages[Math.min(asked.length, pages.length - 1)];
        asked.push({ path, query, doing });
        if (page instanceof Error) throw page;
        return page;
      },
      ask: () => Promise.reject(new Error('nothing is asked of Resource Graph')),
    },
    graph: {
      async tags() {
        if (tags instanceof Error) throw tags;
        return tags;
      },
      ...(appIdOf ? { appIdOf } : {}),
    },
    principalId: ME,
    clock: { now: () => now, sleep: async () => undefined },
    ...over,
  };
  return consentFrom(options);
}

/** An assignment as ARM lists it. */
const assignment = (
  given: { scope?: string; description?: unknown; principalId?: unknown } = {},
) => ({
  properties: {
    principalId: ME,
    scope: ID,
    description: 'keyturn storage-account-key: kv1/st-a',
    ...given,
  },
});
const names = async (target = ID, over: Partial<ConsentOptions> = {}) =>
  (await consent(over).of(target)).map(({ name, wide }) => (wide ? `${name}, from above` : name));

describe('the list of assignments', () => {
  it("is that of the target's scope, for Keyturn's own identity", async () => {
    await consent({ principalId: ME.toUpperCase() }).of(ID);
    expect(asked).toEqual([
      {
        path: `${id}/providers/Microsoft.Authorization/roleAssignments`,
        query: { 'api-version': '2022-04-01', $filter: `principalId eq '${ME}'` },
        doing: expect.stringContaining('list role assignments at'),
      },
    ]);
  });

  it('counts in any casing of scope and identity, with a slash at the end', async () => {
    const scopes = [ID.toUpperCase(), `${ID}/`];
    pages = [
      { value: scopes.map((scope) => assignment({ scope, principalId: ME.toUpperCase() })) },
    ];
    expect(await names()).toEqual(['st-a', 'st-a']);
  });

  it.each([
    ['of another identity', { principalId: APP }],
    ['at another target', { scope: `${ID}2` }],
    ['at the subscription', { scope: GROUP.split('/').slice(0, 3).join('/') }],
    ['below the target', { scope: `${ID}/blobServices/default` }],
    ['at the root', { scope: '/' }],
    ['without a description', { description: undefined }],
    ['with none', { description: null }],
    ['with an empty one', { description: '' }],
    ['in words of somebody else', { description: 'for kv1/st-a' }],
  ])('one %s gives nothing', async (_, given) => {
    pages = [{ value: [assignment(given)] }];
    expect(await names()).toEqual([]);
  });

  it.each([
    ['that is no object', 7],
    ['without properties', {}],
    ['with a number for an identity', assignment({ principalId: 7 })],
    ['with a number for a description', assignment({ description: 7 })],
  ])("SEC-09: somebody's entry %s spoils none of the others", async (_, strange) => {
    pages = [{ value: [strange, assignment()] }];
    expect(await names()).toEqual(['st-a']);
  });

  it.each([{}, { value: 'x' }, { value: null }, [], { value: [], nextLink: 7 }])(
    'that reads %j is no list, and no consent either',
    async (page) => {
      pages = [page];
      await expect(consent().of(ID)).rejects.toMatchObject({ reason: 'failed' });
    },
  );

  it('at the group counts as from above', async () => {
    pages = [
      {
        value: [
          assignment({ scope: GROUP }),
          assignment({ description: 'keyturn storage-account-key: kv1/b' }),
        ],
      },
    ];
    expect(await names()).toEqual(['st-a, from above', 'b']);
  });

  it('of a rule counts at its queue, its namespace and its group, as from above, and nowhere between', async () => {
    const at = (scope: string, name: string) =>
      assignment({ scope, description: `keyturn service-bus-key: kv1/${name}` });
    pages = [
      {
        value: [
          ...[at(RULE, 'rule'), at(QUEUE, 'queue'), at(SPACE, 'space'), at(GROUP, 'group')],
          ...[
            at(`${SPACE}/queues`, 'no'),
            at(`${QUEUE}/authorizationRules`, 'no'),
            at(`${SPACE}/queues/q2`, 'no'),
          ],
          at(`${GROUP}/providers/Microsoft.ServiceBus`, 'no'),
        ],
      },
    ];
    const above = ['queue', 'space', 'group'].map((name) => `${name}, from above`);
    expect(await names(RULE)).toEqual(['rule', ...above]);
  });

  it.each(['/subscriptions/x', `${GROUP}/providers/`, GROUP, 'acct1', `x${ID}`])(
    '%s is no resource: nothing is asked about it, and nothing given',
    async (target) => {
      pages = [{ value: [assignment({ scope: target })] }];
      expect(await consent().of(target)).toEqual([]);
      expect(asked).toEqual([]);
    },
  );
});

describe('the pages of the list', () => {
  const page = (name: string, nextLink: string | null | undefined) => ({
    ...{
      value: [assignment({ description: `keyturn storage-account-key: kv1/${name}` })],
      nextLink,
    },
  });
  const link = (token: string) => `https://evil.example/?$skipToken=${token}&$filter=other`;

  it('are all read, by the token of the link alone: its address and filter are not followed', async () => {
    pages = [page('a', link('t1')), page('b', link('t2')), page('c', null)];
    expect(await names()).toEqual(['a', 'b', 'c']);
    expect(asked.map(({ path, query }) => [path, query.$skipToken])).toEqual(
      [undefined, 't1', 't2'].map((token) => [
        `${id}/providers/Microsoft.Authorization/roleAssignments`,
        token,
      ]),
    );
    for (const { query } of asked)
      expect(query).toMatchObject({ $filter: `principalId eq '${ME}'` });
  });

  it.each([
    undefined,
    null,
    '',
    'no address',
    'https://management.azure.com/',
    'https://x.example/?$skipToken=',
  ])('end with the link %j', async (nextLink) => {
    pages = [page('a', nextLink), page('b', null)];
    expect(await names()).toEqual(['a']);
  });

  it('that never end are read twenty times', async () => {
    pages = [page('a', link('again'))];
    expect(await names()).toHaveLength(20);
    expect(asked).toHaveLength(20);
  });
});

describe('what Keyturn may not see', () => {
  it.each([
    ['is absent', new AbsentError(), false],
    ['is forbidden', new KeyturnError('target-forbidden'), true],
  ])(
    '%s: nothing is given; whether a role may be on its way is remembered',
    async (_, error, hides) => {
      const read = consent();
      expect(read.hides?.(ID)).toBe(false);
      pages = [error];
      expect(await read.of(ID)).toEqual([]);
      expect(read.hides?.(ID.toUpperCase())).toBe(hides);
      pages = [{ value: [assignment()] }];
      expect(await read.of(ID)).toHaveLength(1);
      expect(read.hides?.(ID)).toBe(false);
    },
  );

  it.each([
    ['busy', new BusyError('target-busy')],
    ['an answer that nobody knows', new KeyturnError('failed')],
    ['a mistake of ours', new TypeError('ours')],
  ])('is not what could not be asked: %s', async (_, error) => {
    pages = [error];
    await expect(consent().of(ID)).rejects.toBe(error);
  });
});

describe("an application's consent", () => {
  it('stands among its tags, and nothing is asked of ARM', async () => {
    tags = ['HideApp', 'keyturn app-registration: kv1/gr-a', 'kv1/no'];
    expect(await names(APP.toUpperCase())).toEqual(['gr-a']);
    expect(asked).toEqual([]);
  });

  it('is none where the directory shows none, and unknown where it does not answer', async () => {
    tags = new AbsentError();
    expect(await names(APP)).toEqual([]);
    tags = new BusyError('target-busy');
    await expect(names(APP)).rejects.toBe(tags);
  });

  it('is found by the id of the object that somebody wrote instead, under its own', async () => {
    tags = ['keyturn app-registration: kv1/gr-a'];
    appIdOf = async (objectId) => (objectId === ME ? APP : undefined);
    expect(await consent().misnamed?.(ME)).toMatchObject({ id: APP, grants: [{ name: 'gr-a' }] });
    expect(await consent().misnamed?.(APP)).toBeUndefined();
    appIdOf = async () => APP;
    expect(await consent().misnamed?.(APP.toUpperCase())).toBeUndefined();
    expect(await consent().misnamed?.(ID)).toBeUndefined();
    appIdOf = undefined;
    expect(await consent().misnamed?.(ME)).toBeUndefined();
  });
});

describe('a list that was read', () => {
  const stranger = { vault: 'kv1', name: 'st-x' };

  it('is a no for a secret that it does not name, for three minutes, and for nobody who asks without one', async () => {
    const read = consent();
    await read.of(ID, stranger);
    now = addMinutes(START, 2.9);
    await read.of(ID.toUpperCase(), { ...stranger, name: 'st-y' });
    expect(asked).toHaveLength(1);
    await read.of(ID);
    expect(asked).toHaveLength(2);
    await read.of(`${ID}2`, stranger);
    expect(asked).toHaveLength(3);
    now = addMinutes(START, 2.9 + 3);
    await read.of(ID, stranger);
    expect(asked).toHaveLength(4);
  });

  it('gives back what it knew of others, and is read anew for a secret that it names', async () => {
    pages = [{ value: [assignment()] }];
    const read = consent();
    expect(await read.of(ID, stranger)).toHaveLength(1);
    expect(await read.of(ID, stranger)).toHaveLength(1);
    expect(asked).toHaveLength(1);
    pages = [{ value: [] }];
    expect(await read.of(ID, { vault: 'kv1', name: 'st-a' })).toEqual([]);
  });

  it('of the target asked about longest ago is let go where there are more than a thousand', async () => {
    const read = consent();
    const of = (at: number) => read.of(`${ID}x${at}`, stranger);
    for (let at = 0; at < 1_000; at += 1) await of(at);
    now = addMinutes(START, 1);
    await read.of(`${ID}x0`); // asked anew, so that another one is the oldest
    expect(asked).toHaveLength(1_001);
    await of(1_000);
    for (const at of [0, 2, 1_000]) await of(at);
    expect(asked).toHaveLength(1_002);
    await of(1);
    expect(asked).toHaveLength(1_003);
  });
});

describe("the operator's map", () => {
  it('counts beside what the owner wrote, at the target and above it', async () => {
    pages = [
      { value: [assignment({ scope: RULE, description: 'keyturn service-bus-key: kv1/own' })] },
    ];
    const map = {
      [RULE]: 'service-bus-key: kv1/here',
      [SPACE]: 'service-bus-key: kv1/above',
      [ID]: 'x: kv1/other',
    };
    expect(await names(RULE, { map })).toEqual(['here', 'above, from above', 'own']);
  });

  it('takes full ids alone, and says which key is none', () => {
    expect([...parseConsentMap({ [RULE]: 'kv1/a', [APP.toUpperCase()]: 'kv1/b' }).keys()]).toEqual([
      RULE.toLowerCase(),
      APP,
    ]);
    for (const wrong of [
      `x${ID}`,
      `${ID}/`,
      GROUP,
      `${APP}0`,
      `0${APP}`,
      `${ID}/x`,
      ID.replace('Microsoft.', ''),
    ])
      expect(() => parseConsentMap({ [wrong]: 'kv1/a' })).toThrow(
        expect.objectContaining({
          reason: 'bad-tags',
          detail: expect.stringContaining('KEYTURN_CONSENT'),
        }),
      );
  });

  it('needs an identity that is an object id, so that nobody’s description is taken for its own', () => {
    for (const principalId of ['', 'me', `${ME}0`, `0${ME}`])
      expect(() => consent({ principalId })).toThrow(
        'KEYTURN_IDENTITY_PRINCIPAL_ID is not an object id.',
      );
  });
});
