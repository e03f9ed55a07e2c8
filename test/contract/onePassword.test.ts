/** One password over servers in memory: lost locks, time that is up, answers that say nothing of a password. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { KeyturnError, LockLostError, UnknownOutcomeError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { ACCEPTED, WRONG } from '../../src/core/serverAnswer.ts';
import type { Stay } from '../../src/ports/rotator.ts';
import { OnePassword, type PasswordPort } from '../../src/rotators/kit/onePassword.ts';
import { ROTATION, UNTIL } from './rotator.contract.ts';

const OLD = new Secret('first of all');

class Server implements PasswordPort {
  readonly name: string;
  password = OLD.reveal();
  /** In place of the next answers. */
  readonly errors: KeyturnError[] = [];
  /** Called before a password is set. */
  before: (stay: Stay) => Promise<unknown> = async () => undefined;
  writes = 0;

  constructor(name: string) {
    this.name = name;
  }

  async setPassword(password: Secret, stay: Stay): Promise<void> {
    await this.before(stay);
    this.writes += 1;
    this.password = password.reveal();
  }

  async tryPassword(password: Secret) {
    const error = this.writes > 0 && this.errors.shift();
    if (error) throw error;
    return this.password === password.reveal() ? ACCEPTED : WRONG;
  }
}

let one: Server;
let two: Server;
let now: Date;
beforeEach(() => {
  now = new Date('2026-01-01T00:00:00Z');
  [one, two] = [new Server('one'), new Server('two')];
});

const bind = () =>
  new OnePassword({
    ...{ id: '/servers/one', owners: ['/servers/one'], login: async () => 'chief' },
    inspect: async () => ({ handles: ['password'], obstacles: [], hosts: [] }),
    ports: async () => [one, two],
    checkLogin: async () => undefined,
    unasked: () => new KeyturnError('no-path'),
    clock: { now: () => now, sleep: async () => undefined },
  });
const stay: Stay = async (seconds) => {
  now = new Date(now.getTime() + seconds * 1000);
  return true;
};
const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error) => error,
  );

describe('several servers', () => {
  it('are left as they are by a pass that lost its lock half way: whoever has it now may have set another password', async () => {
    const target = bind();
    await target.adopt(OLD);
    two.before = async () => {
      throw new LockLostError();
    };
    expect(await thrown(target.issue(ROTATION, [], UNTIL, stay))).toBeInstanceOf(LockLostError);
    expect([one.writes, two.writes]).toEqual([1, 0]);
  });

  it('are not written to without the locks, which the pass renews before each', async () => {
    const target = bind();
    await target.adopt(OLD);
    let renewed = 0;
    two.before = async () => expect(renewed).toBe(1);
    await target.issue(ROTATION, [], UNTIL, async () => {
      renewed += 1;
      return true;
    });
  });

  it('a second one is not begun when the time of the pass is up, and the first gets its old password back', async () => {
    const target = bind();
    await target.adopt(OLD);
    expect(await thrown(target.issue(ROTATION, [], UNTIL, async () => false))).toBeInstanceOf(
      KeyturnError,
    );
    expect([one.password, two.password, two.writes]).toEqual([OLD.reveal(), OLD.reveal(), 0]);
  });
});

describe('a server that took the password', () => {
  it('and then answers a login with what nobody knows has taken it all the same: the value is given back', async () => {
    const strange = () => new KeyturnError('failed', { code: '40532' });
    one.errors.push(strange());
    const { value } = await bind().issue(ROTATION, [], UNTIL, stay);
    expect([one.password, two.password]).toEqual([value.reveal(), value.reveal()]);
  });

  it('with an outcome that stays unknown says so', async () => {
    one.before = async () => {
      throw new UnknownOutcomeError('target-busy');
    };
    expect(await thrown(bind().issue(ROTATION, [], UNTIL, stay))).toBeInstanceOf(
      UnknownOutcomeError,
    );
  });
});

describe('a password that did not come to all servers', () => {
  it('and that could not be set back either is looked at again, since a server has one that nobody knows', async () => {
    const target = bind();
    await target.adopt(OLD);
    const refused = async () => {
      throw new KeyturnError('failed');
    };
    two.before = refused;
    const set = one.setPassword.bind(one);
    one.setPassword = async (password, wait) => {
      await set(password, wait);
      one.setPassword = refused;
    };
    const error = await thrown(target.issue(ROTATION, [], UNTIL, stay));
    expect(error).toBeInstanceOf(UnknownOutcomeError);
    expect(error).toMatchObject({ detail: expect.stringContaining('could not be set back') });
  });

  it('and that was set back is over', async () => {
    const target = bind();
    await target.adopt(OLD);
    two.before = async () => {
      throw new KeyturnError('failed');
    };
    const error = await thrown(target.issue(ROTATION, [], UNTIL, stay));
    expect(error).not.toBeInstanceOf(UnknownOutcomeError);
    expect([one.password, two.password]).toEqual([OLD.reveal(), OLD.reveal()]);
  });

  it('and to which the server said yes, is published by nobody', async () => {
    one.setPassword = async () => {
      one.writes += 1;
    };
    const target = bind();
    await target.adopt(OLD);
    expect(await thrown(target.issue(ROTATION, [], UNTIL, stay))).toMatchObject({
      reason: 'not-accepted',
    });
  });
});
