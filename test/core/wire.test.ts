import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/core/secret.ts';
import { facts, said, wireFailure } from '../../src/core/wire.ts';

const answer = (code: string, requestId: string = crypto.randomUUID()) =>
  wireFailure({
    statusCode: 400,
    details: { error: { code, message: `no: ${code}` } },
    response: {
      headers: { get: (name: string) => (name === 'x-ms-request-id' ? requestId : undefined) },
    },
  });

describe('what a service says', () => {
  it('FN-05: a code or an id that holds a value which this process opened is not shown', () => {
    new Secret('of-the-owner-4711');
    for (const text of ['of-the-owner-4711', 'x.of-the-owner-4711', 'b2YtdGhlLW93bmVyLTQ3MTE'])
      expect([facts(answer(text, text)), said(answer(text))]).toEqual([{ status: 400 }, '400']);
  });

  it('FN-05: nor one that looks like a credential', () => {
    for (const text of [
      'kEy0'.repeat(10),
      'abc8Q~vFx01_kEy0-9Xa7B',
      'eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIxIn0.c2ln',
    ])
      expect([facts(answer(text, text)), said(answer(text))]).toEqual([{ status: 400 }, '400']);
  });

  it('codes and ids of Azure are, also where somebody stores such a word as a value: nobody blinds an alert', () => {
    const id = crypto.randomUUID();
    for (const code of [
      'ForbiddenByRbac',
      'SecretDisabled',
      'AuthorizationFailed',
      '18456',
      'ECONNRESET',
      'AADSTS7000215',
    ]) {
      if (/^([A-Z][a-z]+)+$|^\d+$/.test(code)) new Secret(code);
      expect([facts(answer(code, id)), said(answer(code))]).toEqual([
        { status: 400, code, requestId: id },
        `400 ${code}`,
      ]);
    }
  });

  it('what is decided by a code does not depend on what is remembered', () => {
    new Secret('Scope-Locked-1');
    expect(answer('Scope-Locked-1').code).toBe('Scope-Locked-1');
  });
});
