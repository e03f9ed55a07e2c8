/** Consent that its owner withdraws while a key is about to be revoked, right before any call of the pass: nothing is touched without it. */
import { expect, it } from '@jest/globals';
import { pathOf } from './path.ts';
import { walkPath } from './walk.ts';

const person = 'consent is withdrawn and given back';
/** The pass that revokes ends well before this call. */
const CALLS = 24;

it.each(['storage', 'two-key', 'app'] as const)(
  '%s: no key goes at a target whose owner has withdrawn',
  async (kind) => {
    const violations: string[] = [];
    for (let call = 1; call <= CALLS; call += 1) {
      const { violation } = await walkPath(
        pathOf({ kind, scenario: 'revoke', acts: [{ person, call }] }),
      );
      if (violation !== undefined) violations.push(`before call ${call}: ${violation}`);
    }
    expect(violations).toEqual([]);
  },
);
