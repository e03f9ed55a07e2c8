/** SRV-02: how many wrong passwords Keyturn may try before the server would lock the application out. */
import { describe, expect, it } from '@jest/globals';
import { addHours } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { WrongTries } from '../../src/rotators/kit/wrongTries.ts';

const now = new Date('2027-01-05T10:00:00Z');
/** After so many different wrong passwords for the login. */
function after(count: number, handle = 'app_a'): WrongTries {
  const tries = new WrongTries('sql1');
  for (let nth = 0; nth < count; nth += 1)
    tries.add('sql1', handle, new Secret(`wrong password ${nth}`), now, undefined);
  return tries;
}

describe('SRV-02: of the tries after which a server locks a login', () => {
  it.each([2, 3, 5, 10])('of %i, one is left to the application', (max) => {
    expect(after(max - 2).spares('app_a', max, now)).toBe(true);
    expect(after(max - 1).spares('app_a', max, now)).toBe(false);
    expect(after(max).spares('app_a', max, now)).toBe(false);
  });

  it('those of another login do not count, nor those of yesterday', () => {
    expect(after(4, 'app_b').spares('app_a', 3, now)).toBe(true);
    expect(after(4).spares('app_a', 3, addHours(now, 23))).toBe(false);
    expect(after(4).spares('app_a', 3, addHours(now, 25))).toBe(true);
  });

  it('a server that locks nobody has as many as it takes', () => {
    expect(after(40).spares('app_a', undefined, now)).toBe(true);
  });

  it('one password counts once, however often it was tried, and none once the login was let in', () => {
    const tries = after(1);
    tries.add('sql1', 'app_a', new Secret('wrong password 0'), now, undefined);
    expect(tries.spares('app_a', 3, now)).toBe(true);
    tries.add('sql1', 'app_a', new Secret('another'), now, undefined);
    expect(tries.spares('app_a', 3, now)).toBe(false);
    tries.forget('app_a');
    expect(tries.spares('app_a', 3, now)).toBe(true);
  });
});

describe('SRV-02: what was tried', () => {
  const value = new Secret('wrong password 0');

  it('is not tried again, at the same place and while the login has the same password', () => {
    const tries = after(1);
    expect(tries.has('sql1', 'app_a', value, undefined)).toBe(true);
    expect(tries.has('sql1', 'app_a', new Secret('another'), undefined)).toBe(false);
    expect(tries.has('sql1', 'app_b', value, undefined)).toBe(false);
    expect(tries.has('sql2', 'app_a', value, undefined)).toBe(false);
    expect(tries.has('sql1', 'app_a', value, now)).toBe(false);
  });
});
