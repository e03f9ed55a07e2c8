import { describe, expect, it } from '@jest/globals';
import { fromQueue } from '../../src/api/inbox/queueMessage.ts';

const look = { vault: 'kv1', name: 'st-a', cause: 'http' };

describe('fromQueue', () => {
  it('takes a look, as object or as text', () => {
    expect(fromQueue(look)).toEqual(look);
    expect(fromQueue(JSON.stringify(look))).toEqual(look);
    expect(
      fromQueue({ ...look, vault: 'KV1', operation: '7f0b8a9e-30d3-4b6c-9a3e-3a6f2f0f9c11' }),
    ).toMatchObject({
      vault: 'kv1',
    });
  });

  it.each([
    [
      'orders beside the look',
      JSON.stringify({ ...look, override: ['too-soon'], revoke: 'now' }),
      '"override", "revoke"',
    ],
    ['a value', JSON.stringify({ ...look, value: 'hunter2-hunter2' }), '"value"'],
    [
      'a prototype',
      `{"vault":"kv1","name":"st-a","cause":"http","__proto__":{"revoke":"now"}}`,
      '"__proto__"',
    ],
    ['an invented cause', JSON.stringify({ ...look, cause: 'order' }), '"cause"'],
    ['a path as name', JSON.stringify({ ...look, name: '../st-b' }), '"name"'],
    ['text', 'st-a', 'no object'],
    ['a list', '[]', 'no object'],
    ['nothing', 'null', 'no object'],
  ])('refuses %s, naming fields and no content (SEC-05)', (_title, text, fields) => {
    const expected = { skip: 'bad-request', detail: `message is not a look: ${fields}` };
    expect(fromQueue(text)).toEqual(expected);
    if (text.startsWith('{')) expect(fromQueue(JSON.parse(text))).toEqual(expected);
  });
});
