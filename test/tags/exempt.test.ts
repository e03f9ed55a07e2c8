/** The tag `rotator-exempt`: what it takes, and what it says where it takes nothing (OPS-05). */
import { describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import { readExemption } from '../../src/tags/exempt.ts';

const read = (text: string, rotator = 'none') => readExemption({ rotator, 'rotator-exempt': text });
function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof KeyturnError && error.reason === 'bad-tags') return error.detail;
    throw error;
  }
  throw new Error('It was taken.');
}

describe('an exemption', () => {
  it.each([
    [
      'a day, to its end',
      'reason=legacy;until=2027-03-31',
      { reason: 'legacy', until: new Date('2027-04-01T00:00:00Z') },
    ],
    [
      'a time',
      'reason=a%20b%3Bc;until=2027-03-31T10:00Z',
      { reason: 'a b;c', until: new Date('2027-03-31T10:00:00Z') },
    ],
    [
      'a time with seconds',
      'until=2027-03-31T10:00:00Z;reason=x',
      { reason: 'x', until: new Date('2027-03-31T10:00:00Z') },
    ],
    [
      'a ticket, blanks and an empty part',
      ' reason = x ; ; until=2027-03-31;Ticket=OPS-7#1/a:b_c.d',
      { reason: 'x', until: new Date('2027-04-01T00:00:00Z'), ticket: 'OPS-7#1/a:b_c.d' },
    ],
    [
      '200 characters',
      `reason=${'x'.repeat(200)};until=2028-02-29`,
      { reason: 'x'.repeat(200), until: new Date('2028-03-01T00:00:00Z') },
    ],
  ])('%s', (_, text, exemption) => expect(read(text)).toEqual(exemption));

  it('has a ticket where it names one, and none elsewhere', () => {
    expect(Object.keys(read('reason=x;until=2027-03-31') ?? {})).toEqual(['reason', 'until']);
    expect(read('reason=x;until=2027-03-31;ticket=CHG-1')?.ticket).toBe('CHG-1');
  });

  it('counts beside rotator=none alone, however that is spelt', () => {
    const text = 'reason=x;until=2027-03-31';
    expect(read(text, ' NONE ')).toBeDefined();
    expect(read(text, 'storage-account-key')).toBeUndefined();
    expect(readExemption({ 'rotator-exempt': text })).toBeUndefined();
    expect(readExemption({ rotator: 'none' })).toBeUndefined();
  });

  it.each([
    ['reason=x', 'lacks until=<a day'],
    ['until=2027-03-31', 'lacks reason=<1 to 200'],
    ['', 'lacks reason='],
    ['reason=x;until=2027-02-30', 'expected until=<a day'],
    ['reason=x;until=2027-03-31T25:00Z', 'expected until='],
    ['reason=x;until=31.03.2027', 'expected until='],
    ['reason=x;until=2027-03-31T10:00', 'expected until='],
    ['reason=x;until=x2027-03-31', 'expected until='],
    ['reason=;until=2027-03-31', 'expected reason='],
    [`reason=${'x'.repeat(201)};until=2027-03-31`, 'expected reason='],
    ['reason=%ud800;until=2027-03-31', 'expected reason='],
    ['reason=%E0%A4%A;until=2027-03-31', 'expected reason='],
    ['reason=x;until=2027-03-31;ticket=a b', 'expected ticket='],
    ['reason=x;until=2027-03-31;ticket=', 'expected ticket='],
    [`reason=x;until=2027-03-31;ticket=${'x'.repeat(65)}`, 'expected ticket='],
    ['reason=x;reason=y;until=2027-03-31', 'each once'],
    ['reason=x;until=2027-03-31;by=me', 'expected reason, until and ticket'],
    ['reason=x;until=2027-03-31;toString=1', 'expected reason, until and ticket'],
    ['legacy', 'has the part "legacy"'],
  ])('%j is refused, naming what it takes: %s', (text, words) => {
    expect(refusal(text)).toContain('The tag rotator-exempt');
    expect(refusal(text)).toContain(words);
  });
});
