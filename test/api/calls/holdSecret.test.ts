import { describe, expect, it } from '@jest/globals';
import { parseBody } from '../../../src/api/body.ts';
import { checkUntil, HoldRequest } from '../../../src/api/calls/holdSecret.ts';
import { refusalOf } from '../../jest/refusal.ts';

const now = new Date('2027-01-01T00:00:00Z');

describe('the request for a hold', () => {
  it('HST-01: lifts the hold by an explicit null alone, never because a body got lost', () => {
    expect(parseBody('{"until":null}', HoldRequest)).toEqual({ until: null, dryRun: false });
    for (const body of ['', '  ', '{}', '{"ticket":"CHG-1"}', '{"note":"freeze is over"}'])
      expect(refusalOf(() => parseBody(body, HoldRequest)).detail).toContain(
        'or null to lift the hold',
      );
  });

  it('takes a time of any zone, note and ticket', () => {
    const asked = {
      until: '2027-02-01T10:00:00+02:00',
      note: 'freeze',
      dryRun: false,
      ticket: 'CHG-1',
    };
    expect(parseBody(JSON.stringify(asked), HoldRequest)).toEqual({
      ...asked,
      until: new Date('2027-02-01T08:00:00Z'),
    });
  });

  it.each([
    ['{"untill":"2027-02-01T10:00:00Z"}', 'there is no field "untill"'],
    ['{"until":"tomorrow"}', 'until must be a time'],
    ['{"until":"2027-02-01"}', 'until must be a time'],
    ['{"until":"2027-02-01T10:00:00"}', 'until must be a time'],
    ['{"until":"2027-02-30T10:00:00Z"}', 'until must be a time'],
    ['{"until":1801000000}', 'until must be a time'],
    ['{"until":"2027-02-01T10:00:00Z","override":["hold"]}', 'there is no field "override"'],
    [JSON.stringify({ ticket: 'A'.repeat(65) }), 'ticket has at most 64'],
    [JSON.stringify({ note: 'A'.repeat(9_000) }), 'more than 8192 bytes'],
    ['[]', 'JSON object'],
  ])('refuses %.60s, saying what is wrong', (body, said) => {
    const error = refusalOf(() => parseBody(body, HoldRequest));
    expect(error.reason).toBe('bad-request');
    expect(error.detail).toContain(said);
  });

  it.each([
    ['2027-01-01T00:00:00Z', 'is over'],
    ['2026-12-31T23:59:59Z', 'is over'],
    ['2027-04-01T00:00:01Z', '90 days'],
  ])('does not hold until %s', (until, said) => {
    expect(
      refusalOf(() => checkUntil({ until: new Date(until), dryRun: false }, now)).detail,
    ).toContain(said);
  });

  it('holds from a moment to 90 days', () => {
    for (const until of ['2027-01-01T00:00:01Z', '2027-04-01T00:00:00Z'])
      expect(() => checkUntil({ until: new Date(until), dryRun: false }, now)).not.toThrow();
    expect(() => checkUntil({ until: null, dryRun: false }, now)).not.toThrow();
  });
});
