import { describe, expect, it } from '@jest/globals';
import { parseGrants } from '../../src/core/consent.ts';

const GOOD = { vault: 'kv2', name: 'st-b', logins: [] };

describe('a list of consents', () => {
  it('names secrets, with their logins in parentheses', () => {
    expect(parseGrants('keyturn: kv1/db-pw(app_a, app_b), kv2/st-b,kv3/*')).toEqual([
      { vault: 'kv1', name: 'db-pw', logins: ['app_a', 'app_b'] },
      GOOD,
      { vault: 'kv3', name: '*', logins: [] },
    ]);
  });

  it.each([
    'kv1/db(app_a,app_b',
    'kv1/db(app_a,app_b, kv1/x(y)',
    'kv1/db(',
    'kv1/db()',
    'kv1/db( , )',
    'kv1/db((app_a,app_b))',
    'kv1/db(app_a)(app_b)',
    'kv1/db(app_a),app_b)',
    'kv1/db (app_a,app_b',
  ])('SEC-03: an entry that is written wrong gives nothing, not more than was meant: %j', (entry) => {
    const grants = parseGrants(`keyturn: kv2/st-b, ${entry}`);
    expect(grants).toContainEqual(GOOD);
    expect(grants.filter(({ name, logins }) => name === 'db' && logins.length === 0)).toEqual([]);
  });

  it('SEC-06: is read in no time, whatever it holds', () => {
    const before = performance.now();
    for (const text of ['(', '()', '(a', ',(', 'a(b)(']) parseGrants(`keyturn: ${text.repeat(2_000)}`);
    expect(performance.now() - before).toBeLessThan(500);
  });
});
