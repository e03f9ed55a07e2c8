import { describe, expect, it } from '@jest/globals';
import { fromInventoryQuery } from '../../../src/api/calls/listSecrets.ts';
import { toContinuation } from '../../../src/api/continuation.ts';
import { KeyturnError } from '../../../src/core/errors.ts';

const parse = (query: string) => fromInventoryQuery(new URLSearchParams(query));
const base64url = (text: string) => Buffer.from(text).toString('base64url');

describe('the query of the inventory', () => {
  it('filters by nothing that is absent or empty', () => {
    expect(parse('')).toEqual({});
    expect(parse('vault=&state=&due=&owner=&continuation=')).toEqual({});
  });

  it('takes each filter in its one form', () => {
    expect(parse('vault=KV-Shop&state=due,opt-in-lost&due=7d&owner=team%20a')).toEqual({
      vault: 'kv-shop',
      states: ['due', 'opt-in-lost'],
      dueWithinHours: 168,
      owner: 'team a',
    });
    expect(parse('due=36h').dueWithinHours).toBe(36);
    expect(parse(`continuation=${toContinuation({ vault: 'kv1', name: 'db' })}`).after).toEqual({
      vault: 'kv1',
      name: 'db',
    });
  });

  it.each([
    'vault=kv1/..',
    "vault=' or 1 eq 1",
    'state=late',
    'state=ok,',
    'state=ok&state=due',
    'due=7',
    'due=-1d',
    'due=99999d',
    `owner=${'A'.repeat(10_240)}`,
    'states=ok',
    '<img src=x>=1',
    'continuation=kv1/db',
    `continuation=${'A'.repeat(10_240)}`,
    `continuation=${base64url('kv1')}`,
    `continuation=${base64url('kv1/db/x')}`,
    `continuation=${base64url('KV1/db')}`,
    `continuation=${base64url("kv1/db' or RowKey ne '")}`,
    `continuation=${base64url('kv1/\u0000')}`,
    `continuation=${base64url('kv1/db')}A`,
    '__proto__=1',
  ])('refuses %.60j and shows at most 64 characters of it (SEC-06)', (query) => {
    let thrown: unknown;
    try {
      parse(query);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(KeyturnError);
    expect(thrown).toMatchObject({ reason: 'bad-request' });
    expect(String(thrown)).toMatch(/^[\x20-\x7e]{1,300}$/);
  });
});
