import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { KeyturnError } from '../../src/core/errors.ts';
import { tagOf } from '../../src/core/ids.ts';
import type { Parameters, Rotator, Target } from '../../src/ports/rotator.ts';
import {
  isOptedIn,
  leavingBy,
  optInTags,
  readOptIn,
  readOptions,
  samplePolicy,
  slotTargetOf,
  wantedOf,
} from '../../src/tags/optIn.ts';
import { mergePolicy } from '../../src/tags/policy.ts';

/** A rotator that keeps what it was bound with and does nothing else. */
function recorder(): { rotator: Rotator; bound: Parameters[] } {
  const bound: Parameters[] = [];
  const never = () => Promise.reject(new Error('not asked'));
  const target: Target = {
    id: 'target',
    owners: ['target'],
    inspect: never,
    adopt: never,
    issue: never,
    check: never,
    revoke: never,
  };
  const rotator: Rotator = {
    type: 'storage-account-key',
    overlap: 'two-slots',
    title: 'a kind of tests',
    rights: { actions: [] },
    options: z.object({}),
    form: { kind: 'key', dialects: ['storage'] },
    bind: (parameters) => {
      bound.push(parameters);
      return target;
    },
  };
  return { rotator, bound };
}

const { rotator, bound } = recorder();
const registry = {
  types: ['sql-login', 'storage-account-key'],
  get: (type: string) => (type === rotator.type ? rotator : undefined),
};
const secret = { vault: 'kv1', name: 'st-a' };
const read = (tags: Record<string, string>, enabled = ['storage-account-key']) =>
  readOptIn(tags, secret, registry, enabled);

describe('opting in', () => {
  it('is the tag rotator, in any casing', () => {
    expect(isOptedIn({ Rotator: 'x' })).toBe(true);
    expect(isOptedIn({ 'rotator-target': 'x', rotators: 'y' })).toBe(false);
  });

  it('ends with the word none, however it is spelt', () => {
    for (const rotator of ['none', ' None ', 'NONE']) expect(isOptedIn({ rotator })).toBe(false);
    expect(isOptedIn({ rotator: 'nonesuch' })).toBe(true);
  });

  it('is told apart from a tag that is lost: none was said on purpose', () => {
    expect(leavingBy({ Rotator: 'none' })).toBe('out');
    expect(leavingBy({ 'rotator-target': 'here' })).toBe('lost');
  });

  it('binds target and options, without the blanks and capitals that people write', () => {
    read({
      Rotator: ' Storage-Account-Key ',
      'rotator-target': ' s/g/acct1 ',
      'Rotator-Options': 'Longest-Sas = 45d ; field=%2Fkeys%2Fprimary;',
    });
    expect(bound.at(-1)).toEqual({
      target: 's/g/acct1',
      options: { 'longest-sas': '45d' },
      secret,
    });
  });

  it('keeps the option field for the form, and off the rotator', () => {
    const tags = {
      rotator: 'storage-account-key',
      'rotator-target': 't',
      'rotator-options': 'field=a%3Bb',
    };
    expect(read(tags).wanted.field).toBe('a;b');
    expect(bound.at(-1)?.options).toEqual({});
    expect(wantedOf(tags, rotator)).toEqual({
      spec: { kind: 'key', dialects: ['storage'] },
      field: 'a;b',
    });
    expect(wantedOf({ rotator: 'nosuch' }, rotator).field).toBeUndefined();
  });

  it('names the login beside the credential, where the kind has logins and the value is a document', () => {
    const logins: Rotator = {
      ...rotator,
      form: { kind: 'login', server: 'postgresql', required: false },
    };
    const of = (options: string, each = logins) => wantedOf({ 'rotator-options': options }, each);
    expect(of('field=pw;login-field=user')).toEqual({
      spec: logins.form,
      field: 'pw',
      loginField: 'user',
    });
    expect(Object.keys(of('field=pw'))).toEqual(['spec', 'field']);
    expect(Object.keys(of(''))).toEqual(['spec']);
    expect(thrown(() => of('login-field=user'))).toMatchObject({
      reason: 'bad-tags',
      detail: 'The tag rotator-options has `login-field`, but it needs the option `field`, too.',
    });
    expect(thrown(() => of('field=pw;login-field=user', rotator))).toMatchObject({
      reason: 'bad-tags',
      detail: 'The tag rotator-options has `login-field`, but this kind has no login.',
    });
  });

  it('says of a secret without the tag that it says nothing', () => {
    expect(thrown(() => read({ 'rotator-target': 't' }))).toMatchObject({
      reason: 'unknown-rotator',
      detail: 'The tag rotator is "". Known: sql-login, storage-account-key.',
    });
  });

  it('EG-08: names the rotators there are for one that nobody knows', () => {
    expect(thrown(() => read({ rotator: 'nosuch' }))).toMatchObject({
      reason: 'unknown-rotator',
      detail: 'The tag rotator is "nosuch". Known: sql-login, storage-account-key.',
    });
  });

  it('refuses a kind that the operator has not switched on, naming the setting', () => {
    const error = thrown(() => read({ rotator: 'storage-account-key', 'rotator-target': 't' }, []));
    expect(error).toMatchObject({
      reason: 'kind-off',
      detail: expect.stringContaining('KEYTURN_ROTATORS'),
    });
  });

  it.each([undefined, '', '   '])('refuses the target %j, naming the tag', (target) => {
    const tags = {
      rotator: 'storage-account-key',
      ...(target === undefined ? {} : { 'rotator-target': target }),
    };
    expect(thrown(() => read(tags))).toMatchObject({
      reason: 'bad-tags',
      detail: expect.stringContaining('rotator-target'),
    });
  });
});

describe('the slot that a secret holds, whatever else of its tags is broken', () => {
  /** Binds what looks like an id and takes the option `ok` alone. */
  const strict: Rotator = {
    ...rotator,
    bind: ({ target, options }) => {
      if (!/^[a-z]+$/.test(target) || Object.keys(options).some((key) => key !== 'ok'))
        throw new KeyturnError('bad-tags');
      return {
        ...rotator.bind({ target, options, secret }),
        id: `${target} ${Object.keys(options).join()}`.trim(),
      };
    },
  };
  const slotOf = (tags: Record<string, string>, each = strict) =>
    slotTargetOf(tags, secret, {
      types: [each.type],
      get: (type) => (type === each.type ? each : undefined),
    });
  const tags = { Rotator: ' Storage-Account-Key ', 'Rotator-Target': ' here ' };

  it('is at the target that the tags name, by its options', () => {
    expect(slotOf(tags)).toBe('here');
    expect(slotOf({ ...tags, 'rotator-options': 'ok=1;field=a' })).toBe('here ok');
  });

  it.each(['strange=1', 'ok=%zz', 'ok'])(
    'is there also with the options %j, which the look will refuse',
    (options) => {
      expect(slotOf({ ...tags, 'rotator-options': options })).toBe('here');
    },
  );

  it.each([
    { Rotator: 'nosuch', 'rotator-target': 'here' },
    { 'rotator-target': 'here' },
    { rotator: 'storage-account-key' },
    { rotator: 'storage-account-key', 'rotator-target': 'no id' },
  ])('is nowhere by the tags %j', (without) => {
    expect(slotOf(without)).toBeUndefined();
  });

  it('a mistake of ours is no word of its owner', () => {
    const broken: Rotator = {
      ...rotator,
      bind: () => {
        throw new TypeError('ours');
      },
    };
    expect(() => slotOf(tags, broken)).toThrow(TypeError);
  });
});

describe('options', () => {
  it('decodes values and leaves a second sign in them', () => {
    expect(readOptions('a=1;b=x%3Dy%3Bz;c=p=q;d=')).toEqual({
      a: '1',
      b: 'x=y;z',
      c: 'p=q',
      d: '',
    });
    expect(readOptions(undefined)).toEqual({});
    expect(readOptions(' ; ; ')).toEqual({});
  });

  it.each([
    'longest-sas',
    '=x',
    'a=1;a=2',
    'A=1;a=2',
    'a b=1',
    '__proto__=x',
    'a=%zz',
    'a=%ff',
    `${'k'.repeat(33)}=1`,
    Array.from({ length: 21 }, (_, at) => `k${at}=1`).join(';'),
  ])('refuses %j, naming the tag', (text) => {
    expect(thrown(() => readOptions(text))).toMatchObject({
      reason: 'bad-tags',
      detail: expect.stringContaining('rotator-options'),
    });
  });

  it('SEC-06: shows strange parts quoted and cut', () => {
    const { detail } = thrown(() =>
      readOptions(`\u001b[2J\u202e${'A'.repeat(10_000)}`),
    ) as KeyturnError;
    expect(detail).toMatch(/^[\x20-\x7e]+$/);
    expect(detail.length).toBeLessThan(250);
  });

  it('gives back what was encoded, and never breaks on what strangers write', () => {
    const options = fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
      fc.string({ unit: 'grapheme' }),
      {
        maxKeys: 8,
      },
    );
    fc.assert(
      fc.property(options, (each) => {
        const text = Object.entries(each).map(
          ([key, value]) => `${key}=${encodeURIComponent(value)}`,
        );
        expect(readOptions(text.join(';'))).toEqual({ ...each });
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const error = thrown(() => readOptions(text));
        if (error) expect(error).toMatchObject({ reason: 'bad-tags' });
      }),
      { numRuns: 2000 },
    );
  });
});

function thrown(call: () => unknown): KeyturnError | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof KeyturnError) return error;
    throw error;
  }
}

describe("the tags of Microsoft's samples", () => {
  const config = { sampleVaults: ['kv1'] };
  const address =
    '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct1';
  const sample = { CredentialId: 'key2', ProviderAddress: address, ValidityPeriodDays: '60' };

  it('opt in where the settings name the vault, and nowhere else', () => {
    expect(optInTags(sample, secret, config)).toMatchObject({
      rotator: 'storage-account-key',
      'rotator-target': address,
    });
    for (const vaults of [{}, { sampleVaults: [] }, { sampleVaults: ['kv2'] }]) {
      expect(optInTags(sample, secret, vaults)).toBe(sample);
      expect(samplePolicy(sample, secret, vaults)).toEqual([]);
    }
  });

  it('count in any casing, and what others have is not taken for a storage account', () => {
    expect(isOptedIn(optInTags({ provideraddress: address.toLowerCase() }, secret, config))).toBe(
      true,
    );
    for (const ProviderAddress of [
      '',
      'acct1',
      address.replace('Microsoft.Storage/storageAccounts', 'Microsoft.Sql/servers'),
    ])
      expect(isOptedIn(optInTags({ ...sample, ProviderAddress }, secret, config))).toBe(false);
  });

  it('say how often', () => {
    expect(samplePolicy(sample, secret, config)).toEqual([
      { where: 'The tag ValidityPeriodDays', text: 'every=60d' },
    ]);
    expect(
      mergePolicy(samplePolicy({ ...sample, ValidityPeriodDays: ' 30 ' }, secret, config))
        .everyHours,
    ).toBe(720);
    const { ValidityPeriodDays: _, ...without } = sample;
    expect(samplePolicy(without, secret, config)).toEqual([]);
  });

  it.each([
    '',
    '0',
    '60.5',
    'sixty',
    '1d;paused=true;grace=1',
    '6;0',
    '6=0',
    '-1',
    '\u202e',
    '\ud800',
  ])('are refused with the tag named where the period is %j', (ValidityPeriodDays) => {
    const sources = samplePolicy({ ...sample, ValidityPeriodDays }, secret, config);
    expect(() => mergePolicy(sources)).toThrow(
      expect.objectContaining({
        reason: 'bad-tags',
        detail: expect.stringContaining('ValidityPeriodDays'),
      }),
    );
  });

  it("give way to Keyturn's own", () => {
    const own = { ...sample, rotator: 'sql-login', 'rotator-target': 'elsewhere' };
    expect(optInTags(own, secret, config)).toBe(own);
    expect(samplePolicy(own, secret, config)).toEqual([]);
    const target = { ...sample, 'Rotator-Target': 'elsewhere' };
    expect(tagOf(optInTags(target, secret, config), 'rotator-target')).toBe('elsewhere');
  });
});
