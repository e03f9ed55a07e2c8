import { describe, expect, it } from '@jest/globals';
import { parseBody } from '../../../src/api/body.ts';
import { RotateRequest } from '../../../src/api/calls/rotateSecret.ts';
import { fromIdempotencyKey, fromPath } from '../../../src/api/receive.ts';
import { refusalOf } from '../../jest/refusal.ts';

describe('the request for a rotation', () => {
  it('asks for nothing special when the body is empty', () => {
    const nothing = { override: [], revoke: 'after-grace', dryRun: false };
    expect(parseBody('', RotateRequest)).toEqual(nothing);
    expect(parseBody('{}', RotateRequest)).toEqual(nothing);
  });

  it('takes every documented field', () => {
    const asked = {
      override: ['too-soon'],
      revoke: '12h',
      rotateAgain: true,
      note: 'leaked',
      ticket: 'INC-1',
      dryRun: true,
    };
    expect(parseBody(JSON.stringify(asked), RotateRequest)).toEqual(asked);
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'JSON object'],
    ['"now"', 'JSON object'],
    ['{"revok":"now"}', 'there is no field "revok"'],
    ['{"__proto__":{"revoke":"now"}}', '__proto__'],
    ['{"revoke":"at once"}', 'revoke must be'],
    ['{"override":"too-soon"}', 'override must be a list'],
    ['{"override":["no-consent"]}', 'override may name'],
    ['{"revoke":"0h"}', 'revoke must be'],
    ['{"revoke":"12 h"}', 'revoke must be'],
    ['{"revoke":12}', 'revoke must be'],
    ['{"revoke":"91d"}', 'revoke is at most 90d'],
    ['{"rotateAgain":false}', 'rotateAgain must be true'],
    ['{"reason":"leaked"}', 'is said in "note"'],
    ['{"dryRun":"yes"}', 'dryRun must be'],
    [JSON.stringify({ ticket: 'A'.repeat(65) }), 'ticket has at most 64'],
    [JSON.stringify({ note: 'A'.repeat(257) }), 'note has at most 256'],
    [JSON.stringify({ note: 'A'.repeat(9_000) }), 'more than 8192 bytes'],
    ['{"<img src=x onerror=alert(1)>":1}', '"<img src=x onerror=alert(1)>"'],
  ])('says what is wrong with %.40s', (body, words) => {
    const { reason, detail } = refusalOf(() => parseBody(body, RotateRequest));
    expect(reason).toBe('bad-request');
    expect(detail).toContain(words);
  });

  it('answers names that no vault or secret can have as those that are not there', () => {
    for (const [vault, name] of [
      ['kv1', '../x'],
      ["' or PartitionKey ne '", 'x'],
      ['', ''],
      ['kv1', 'ä'],
    ] as const) {
      expect(refusalOf(() => fromPath({ vault, name })).reason).toBe('not-found');
    }
    expect(fromPath({ vault: 'KV1', name: 'Db' })).toEqual({ vault: 'kv1', name: 'db' });
  });

  it('takes an Idempotency-Key of word characters', () => {
    expect(fromIdempotencyKey(null)).toBeUndefined();
    expect(fromIdempotencyKey('a-b_1')).toBe('a-b_1');
    for (const key of ['', 'a b', 'a'.repeat(65), "'"])
      expect(refusalOf(() => fromIdempotencyKey(key)).reason).toBe('bad-request');
  });
});
