import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyturnError } from '../../src/core/errors.ts';
import {
  change,
  formatState,
  parseState,
  type RotatorState,
  readState,
  withState,
} from '../../src/tags/state.ts';

const full: RotatorState = {
  tgt: '0a1b2c3d',
  cred: 'key2',
  rot: '0123456789abcdef',
  after: new Date('2027-01-05T10:00:00Z'),
  proved: 'deadbeef',
  started: 'fedcba9876543210',
  revoked: true,
  hold: new Date('2027-02-01T00:00:00Z'),
};
const text =
  'v=1;tgt=0a1b2c3d;cred=key2;rot=0123456789abcdef;after=2027-01-05T10:00Z;proved=deadbeef;started=fedcba9876543210;revoked=1;hold=2027-02-01T00:00Z';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((all) => all.join(''));
const minutes = fc
  .integer({ min: Date.UTC(2020, 0) / 60_000, max: Date.UTC(2037, 11) / 60_000 })
  .map((minute) => new Date(minute * 60_000));
const known = ['v', 'tgt', 'cred', 'rot', 'after', 'proved', 'started', 'revoked', 'hold'];
const rest = fc.uniqueArray(
  fc.tuple(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).filter((key) => !known.includes(key)),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  ),
  { selector: ([key]) => key, minLength: 1, maxLength: 2 },
);
const states: fc.Arbitrary<RotatorState> = fc.record(
  {
    tgt: hex(8),
    cred: fc.stringMatching(/^[\w.:-]{1,36}$/),
    rot: hex(16),
    after: minutes,
    proved: hex(8),
    started: hex(16),
    revoked: fc.constant(true as const),
    hold: minutes,
    rest,
  },
  { requiredKeys: [] },
);

describe('the tag rotator-state', () => {
  it('writes its keys in the order of the design, times in UTC to the minute', () => {
    expect(formatState(full)).toBe(text);
    expect(parseState(text)).toEqual(full);
  });

  it('gives back what was written, whatever it holds', () => {
    fc.assert(
      fc.property(states, (state) => {
        const written = attempt(() => formatState(state));
        if (written instanceof KeyturnError) return expect(written.reason).toBe('too-large');
        expect(parseState(written)).toEqual(state);
        expect(written.length).toBeLessThanOrEqual(256);
        expect(written).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });

  it('percent-encodes what would break its grammar', () => {
    const state: RotatorState = { rest: [['note', 'a;b=c %ü\n']] };
    expect(formatState(state)).toBe('v=1;note=a%3Bb%3Dc%20%25%C3%BC%0A');
    expect(parseState(formatState(state))).toEqual(state);
  });

  it('keeps keys of v=1 that it does not know, as they came, behind its own', () => {
    const read = parseState('v=1;zone=eu%2Fwest;tgt=0a1b2c3d;batch=7') as RotatorState;
    expect(read).toEqual({
      tgt: '0a1b2c3d',
      rest: [
        ['zone', 'eu/west'],
        ['batch', '7'],
      ],
    });
    expect(formatState(change(read, { cred: 'key1' }))).toBe(
      'v=1;tgt=0a1b2c3d;cred=key1;zone=eu%2Fwest;batch=7',
    );
  });

  it.each(['v=2', 'v=2;tgt=0a1b2c3d', 'tgt=0a1b2c3d;v=17', 'v=2;unheard-of=x'])(
    'SEC-04: refuses %s as the state of a newer release',
    (newer) => {
      expect(attempt(() => parseState(newer))).toMatchObject({ reason: 'state-newer' });
      expect(attempt(() => parseState(newer))).toHaveProperty(
        'detail',
        expect.stringContaining('rotator-state'),
      );
    },
  );

  it.each([
    ['nothing', ''],
    ['no version', 'tgt=0a1b2c3d'],
    ['a version that is no number', 'v=one'],
    ['v=0', 'v=0'],
    ['a key twice', 'v=1;cred=key1;cred=key2'],
    ['a part without a key', 'v=1;=x'],
    ['a part without a sign', 'v=1;cred'],
    ['a key in capitals', 'v=1;Cred=key1'],
    ['an inherited name', 'v=1;__proto__=x'],
    ['a broken escape', 'v=1;cred=%zz'],
    ['a target hash of nine digits', 'v=1;tgt=0a1b2c3d4'],
    ['a handle with a slash', 'v=1;cred=a%2Fb'],
    ['a time without a zone', 'v=1;after=2027-01-05T10:00'],
    ['a time that does not exist', 'v=1;after=2027-13-45T10:00Z'],
    ['a mark that is not 1', 'v=1;revoked=true'],
    ['a mark that begins like one', 'v=1;revoked=11'],
    ['a mark that ends like one', 'v=1;revoked=01'],
    ['a version that begins like a number', 'v=2x'],
    ['a version that ends like a number', 'v=x2'],
    ['a version of seven digits', 'v=1000000'],
    ['a rotation of seventeen digits', 'v=1;rot=0123456789abcdef0'],
    ['a rotation with a letter before it', 'v=1;rot=x0123456789abcdef'],
    ['a time of a year with more digits', 'v=1;after=%2B002027-01-05T10:00Z'],
    ['a time with a remark behind it', 'v=1;after=2027-01-05T10:00Z%20(x)'],
    ['a key that ends in capitals', 'v=1;zoneB=x'],
    ['a key of seventeen characters', 'v=1;abcdefghijklmnopq=x'],
    ['one bad key among good ones', 'v=1;tgt=0a1b2c3d;cred=key2;proved=x'],
  ])('counts %s as no state at all', (_, broken) => {
    expect(parseState(broken)).toBeUndefined();
  });

  it('rounds a time up to the minute: a grace may be a minute long, never short', () => {
    const at = (iso: string) => formatState({ after: new Date(iso) });
    expect(at('2027-01-05T10:00:00.000Z')).toBe('v=1;after=2027-01-05T10:00Z');
    expect(at('2027-01-05T10:00:00.001Z')).toBe('v=1;after=2027-01-05T10:01Z');
    expect(at('2027-12-31T23:59:59.999Z')).toBe('v=1;after=2028-01-01T00:00Z');
  });

  it('writes 256 characters and refuses 257, before anything is sent', () => {
    const long = (length: number): RotatorState => ({
      rest: [['note', 'x'.repeat(length - 'v=1;note='.length)]],
    });
    expect(formatState(long(256))).toHaveLength(256);
    expect(attempt(() => formatState(long(257)))).toMatchObject({
      reason: 'too-large',
      detail: 'The tag rotator-state would have 257 characters of 256.',
    });
  });

  it('SEC-04: reads 5,000 mutations of a valid state as a state, as none, or as a newer one, and never breaks on one', () => {
    fc.assert(
      fc.property(mutations(text), (mutated) => {
        const read = attempt(() => parseState(mutated));
        if (read === undefined) return;
        if (read instanceof KeyturnError) return expect(read.reason).toBe('state-newer');
        const written = attempt(() => formatState(read));
        if (written instanceof KeyturnError) return expect(written.reason).toBe('too-large');
        expect(parseState(written)).toEqual(read);
      }),
      { numRuns: 5000 },
    );
  });

  it('SEC-04: counts a state with half a character in it as none, since it could not be written again', () => {
    expect(parseState('v=1;note=\ud800')).toBeUndefined();
  });
});

describe('the state among the tags', () => {
  it('finds its tag in any casing and replaces it, leaving the others alone', () => {
    const tags = { rotator: 'storage-account-key', 'Rotator-State': text, Owner: 'x' };
    expect(readState(tags)).toEqual(full);
    expect(withState(tags, { cred: 'key1' })).toEqual({
      rotator: 'storage-account-key',
      Owner: 'x',
      'rotator-state': 'v=1;cred=key1',
    });
  });

  it('has no tag where the state says nothing', () => {
    expect(withState({ Owner: 'x', 'Rotator-State': text }, {})).toEqual({ Owner: 'x' });
  });

  it('has none where the tag is missing', () => {
    expect(readState({ rotator: 'storage-account-key' })).toBeUndefined();
  });

  it('strikes off what is set to undefined and keeps the rest', () => {
    expect(change(full, { after: undefined, hold: undefined })).not.toHaveProperty('after');
    expect(change(full, { proved: '00000000' })).toEqual({ ...full, proved: '00000000' });
  });
});

/** One to four edits of a text: a character changed, put in, taken out, or two parts swapped. */
function mutations(of: string): fc.Arbitrary<string> {
  const character = fc.oneof(
    fc.constantFrom(...';=%:-Zv012ag\u0000\n\u202e'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  const edit = fc.record({ kind: fc.nat(3), at: fc.nat(of.length), with: character });
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) =>
    edits.reduce((current, { kind, at, with: put }) => {
      const [before, after] = [current.slice(0, at), current.slice(at)];
      if (kind === 0) return before + put + after.slice(1);
      if (kind === 1) return before + put + after;
      if (kind === 2) return before + after.slice(1);
      return current.split(';').reverse().join(';');
    }, of),
  );
}

/** What the call answers, or the error of ours that it throws; any other error is the test's failure. */
function attempt<T>(call: () => T): T | KeyturnError {
  try {
    return call();
  } catch (error) {
    if (error instanceof KeyturnError) return error;
    throw error;
  }
}
