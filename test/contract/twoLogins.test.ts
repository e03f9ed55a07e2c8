/** Two logins in turn over servers in memory: what answers that get lost and servers that disagree do to it. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  BusyError,
  KeyturnError,
  LockLostError,
  UnknownOutcomeError,
} from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { ACCEPTED, type ServerAnswer, SILENCE } from '../../src/core/serverAnswer.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import type { LoginAnswer } from '../../src/rotators/kit/storedLogin.ts';
import { LOGIN_HANDLES, type LoginPort, twoLogins } from '../../src/rotators/kit/twoLogins.ts';
import { ROTATION, rotatorContract, UNTIL } from './rotator.contract.ts';

const ID =
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/rg/providers/microsoft.x/servers/s1';

/** What becomes of the next write: applied or not, answered or not. */
type Fate = 'applied, lost' | 'lost' | 'busy';

/** As SQL Server says it: a wrong password may be one that is not effective yet. */
const SAID: Readonly<Record<LoginAnswer, ServerAnswer>> = {
  accepted: ACCEPTED,
  refused: { reached: true, tls: true, password: 'wrong', mayPass: true, code: '18456' },
  disabled: { reached: true, tls: true, password: 'right', refusedFor: 'off', code: '18470' },
  expired: { reached: true, tls: true, password: 'right', refusedFor: 'expired', code: '18487' },
  busy: { reached: true, tls: true, password: 'not asked', refusedFor: 'busy', code: '40613' },
  unknown: { ...SILENCE, refusedFor: 'address' },
};

class Server implements LoginPort {
  readonly name: string;
  readonly passwords = new Map<string, string>();
  readonly fates: Fate[] = [];
  /** Instead of the truth, one after another. */
  readonly answers: (LoginAnswer | KeyturnError)[] = [];
  readonly off = new Set<string>();
  /** Logins that were to stay off where they are. */
  readonly leftOff: string[] = [];
  writes = 0;

  constructor(name: string) {
    this.name = name;
    for (const login of ['app_a', 'app_b']) this.passwords.set(login, `first of ${login}`);
  }

  async setPassword(login: string, password: Secret, leaveOff = false): Promise<void> {
    if (leaveOff) this.leftOff.push(login);
    else this.off.delete(login);
    const fate = this.fates.shift();
    if (fate === 'busy') throw new BusyError('target-busy');
    if (fate !== 'lost') {
      this.writes += 1;
      this.passwords.set(login, password.reveal());
    }
    if (fate !== undefined) throw new UnknownOutcomeError('target-busy');
  }

  async tryLogin(login: string, password: Secret): Promise<ServerAnswer> {
    const scripted = this.answers.shift();
    if (scripted instanceof Error) throw scripted;
    if (scripted !== undefined) return SAID[scripted];
    if (this.passwords.get(login) !== password.reveal()) return SAID.refused;
    return this.off.has(login) ? SAID.disabled : ACCEPTED;
  }
}

let servers: Server[];
let now: Date;
let slept: number;
const clock = {
  now: () => now,
  async sleep(milliseconds: number) {
    slept += milliseconds / 1000;
  },
};
const bind = () =>
  twoLogins({
    id: `${ID}/logins/app_a,app_b`,
    owners: [ID],
    logins: ['app_a', 'app_b'],
    clock,
    ports: async () => servers,
    inspect: async () => ({ handles: LOGIN_HANDLES, obstacles: [], hosts: ['s1.example.net'] }),
  });
const stay = async (seconds: number): Promise<boolean> => {
  now = new Date(now.getTime() + seconds * 1000);
  return true;
};
const issue = (target = bind()) => target.issue(ROTATION, ['a'], UNTIL, stay);
const thrown = (promise: Promise<unknown>): Promise<KeyturnError> =>
  promise.then(
    () => {
      throw new Error('It went well.');
    },
    (error: KeyturnError) => error,
  );
const server = (at = 0): Server => servers[at] as Server;

beforeEach(() => {
  now = new Date('2026-01-01T00:00:00Z');
  slept = 0;
  servers = [new Server('s1')];
});

const rotator: Rotator = {
  type: 'two-logins',
  overlap: 'two-slots',
  title: 'a kind of tests',
  rights: { actions: ['Microsoft.X/servers/read'] },
  options: z.strictObject({}),
  form: { kind: 'login', server: 'sqlserver', required: true },
  bind,
};

rotatorContract('two-logins', async () => ({
  rotator,
  bind,
  first: { value: new Secret('first of app_a'), login: 'app_a' },
  accepts: async ({ value, login = '' }) =>
    servers.every((each) => each.passwords.get(login) === value.reveal()),
  changes: () => server().writes,
  stay,
  stranger: { value: new Secret('of nobody'), login: 'app_a' },
}));

describe('answers that get lost', () => {
  it('SDK-01: a password that was set without an answer is found by logging in, and sent once', async () => {
    server().fates.push('applied, lost');
    const { value, login } = await issue();
    expect([login, server().passwords.get('app_b')]).toEqual(['app_b', value.reveal()]);
    expect(server().writes).toBe(1);
  });

  it('SDK-01: one that the server does not know leaves the outcome unknown', async () => {
    server().fates.push('lost');
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
    expect(server().passwords.get('app_a')).toBe('first of app_a');
  });

  it('a revocation without an answer is done when the old password is refused, and otherwise unknown', async () => {
    const old = new Secret('first of app_a');
    server().fates.push('lost');
    expect(await thrown(bind().revoke('a', old, stay))).toBeInstanceOf(UnknownOutcomeError);
    server().fates.push('applied, lost');
    await bind().revoke('a', old, stay);
    expect(server().writes).toBe(1);
  });

  it('SDK-01: an answer that nobody knows, after a write that may have come, leaves the outcome unknown', async () => {
    const strange = () => new KeyturnError('failed', { code: '40532' });
    server().fates.push('lost', 'lost');
    server().answers.push(...Array.from({ length: 5 }, strange));
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
    server().answers.push('accepted', ...Array.from({ length: 5 }, strange));
    expect(await thrown(bind().revoke('a', new Secret('first of app_a'), stay))).toBeInstanceOf(
      UnknownOutcomeError,
    );
    expect(server().writes).toBe(0);
  });

  it('SDK-01: and is asked for again: the next answer may tell', async () => {
    server().fates.push('applied, lost');
    server().answers.push(new KeyturnError('failed', { code: '40532' }));
    expect((await issue()).value.reveal()).toBe(server().passwords.get('app_b'));
  });

  it('a lock that is lost meanwhile is said, and nothing else', async () => {
    server().fates.push('lost');
    const lost = async (): Promise<boolean> => {
      throw new LockLostError();
    };
    expect(await thrown(bind().issue(ROTATION, ['a'], UNTIL, lost))).toBeInstanceOf(LockLostError);
  });

  it('a login that cannot be asked about is not revoked', async () => {
    for (const answer of ['busy', 'unknown'] as const) {
      server().answers.push(answer);
      expect(await thrown(bind().revoke('a', new Secret('first of app_a'), stay))).toBeInstanceOf(
        BusyError,
      );
    }
    expect(server().writes).toBe(0);
  });

  it('an old password that is refused for a moment is revoked all the same: it would live on for good', async () => {
    server().answers.push('refused', 'refused');
    await bind().revoke('a', new Secret('first of app_a'), stay);
    expect(server().passwords.get('app_a')).not.toBe('first of app_a');
  });

  it('a server that still takes the old password after a revocation is not called done', async () => {
    server().answers.push(...Array<LoginAnswer>(10).fill('accepted'));
    expect((await thrown(bind().revoke('a', new Secret('first of app_a'), stay))).detail).toContain(
      's1',
    );
  });
});

describe('locks', () => {
  it('are renewed before the password of each server is changed, and nothing is when the time is up', async () => {
    const told: string[] = [];
    servers.push(new Server('s2'));
    for (const each of servers) {
      const { setPassword } = each;
      each.setPassword = async (...given) => {
        told.push(each.name);
        return setPassword.call(each, ...given);
      };
    }
    const renewed = async () => told.push('renewed') > 0;
    await bind().revoke('a', new Secret('first of app_a'), renewed);
    expect(told).toEqual(['renewed', 's1', 'renewed', 's2']);
    const late = await thrown(bind().issue(ROTATION, ['a'], UNTIL, async () => false));
    expect(late).toBeInstanceOf(UnknownOutcomeError);
    expect(told.slice(4)).toEqual(['s1']);
  });
});

describe('verdicts', () => {
  it('a new password may take two minutes to be accepted, to the pass that issued it and to no other', async () => {
    const target = bind();
    const { value, login } = await issue(target);
    server().answers.push(...Array<LoginAnswer>(5).fill('refused'));
    expect(await target.check(value, login)).toBe('not-yet');
    expect(await bind().check(value, login)).toBe('refused');
    server().answers.push('refused');
    await stay(121);
    expect(await target.check(value, login)).toBe('refused');
    expect(await target.check(value, login)).toBe('accepted');
  });

  it('no answer is no verdict, and a firewall is none of the password', async () => {
    const value = new Secret('first of app_a');
    server().answers.push('busy', 'unknown', 'busy', 'unknown');
    expect(await bind().check(value, 'app_a')).toBe('unknown');
    expect(await bind().check(value, 'app_a')).toBe('unknown');
    expect(await thrown(bind().adopt(value, 'app_a'))).toBeInstanceOf(BusyError);
    expect(await bind().adopt(value, 'app_a')).toBeUndefined();
  });

  it('a password is refused that is refused for seconds, once in a pass; one that was for a moment is right', async () => {
    const value = new Secret('first of app_a');
    server().answers.push('refused', 'refused');
    expect(await bind().adopt(value, 'app_a')).toBe('a');
    server().answers.push('refused', 'refused', 'refused');
    expect(await bind().check(value, 'app_a')).toBe('accepted');
    slept = 0;
    const target = bind();
    expect(await target.adopt(new Secret('wrong'), 'app_a')).toBeUndefined();
    expect(await target.check(new Secret('wrong'), 'app_a')).toBe('refused');
    expect(slept).toBeLessThanOrEqual(10); // the locks of a pass last 90 s, and are not renewed meanwhile
  });

  it('the value of an older version is no reason to wait', async () => {
    const target = bind();
    await target.adopt(new Secret('first of app_a'), 'app_a');
    expect(await target.adopt(new Secret('of last year'), 'app_b')).toBeUndefined();
    expect(slept).toBe(0);
  });

  it('SEC-03: a login that the tags do not name is refused without its name, whatever its password opens', async () => {
    server().passwords.set('padm', 'right');
    for (const ask of ['adopt', 'check'] as const) {
      const error = await thrown(bind()[ask](new Secret('right'), 'padm'));
      expect([error.reason, error.detail]).toEqual([
        'bad-value',
        expect.stringContaining('"app_a", "app_b"'),
      ]);
      expect(`${error.detail} ${error.message}`).not.toContain('padm');
    }
    // Of an older version, or a neighbour's: the tags may have named others then.
    const target = bind();
    expect(await target.adopt(new Secret('first of app_a'), 'app_a')).toBe('a');
    expect(await target.adopt(new Secret('right'), 'padm')).toBeUndefined();
    expect(await bind().adopt(new Secret('first of app_a'))).toBeUndefined();
    expect((await thrown(bind().revoke('padm', undefined, stay))).reason).toBe('failed');
  });

  it('nothing is issued when both logins are kept', async () => {
    expect((await thrown(bind().issue(ROTATION, ['a', 'b'], UNTIL, stay))).reason).toBe(
      'slots-held',
    );
    expect(server().writes).toBe(0);
  });
});

describe('logins that a person switched off', () => {
  const first = new Secret('first of app_a');
  beforeEach(() => {
    server().off.add('app_a');
  });

  it('of the vault are refused, whatever is asked of them, with the server and what to do', async () => {
    for (const ask of ['adopt', 'check'] as const) {
      const { reason, detail } = await thrown(bind()[ask](first, 'app_a'));
      expect([reason, detail]).toEqual(['login-off', expect.stringMatching(/"app_a".*s1.*ENABLE/)]);
    }
  });

  it('are refused on any of several servers, also where another one refuses the password', async () => {
    servers.push(new Server('s2'));
    server(1).passwords.set('app_a', 'another');
    expect((await thrown(bind().adopt(first, 'app_a'))).detail).toMatch(/off at s1:/);
  });

  it('beside the one of the vault are named: only what is named is ever revoked', async () => {
    const target = bind();
    await target.adopt(new Secret('first of app_b'), 'app_b');
    expect(await target.adopt(first, 'app_a')).toBe('a');
  });

  it('of the vault stay off when they are healed, and the value is kept; the other one is switched on', async () => {
    const target = bind();
    await target.adopt(new Secret('wrong'), 'app_a');
    const healed = await target.issue(ROTATION, ['b'], UNTIL, stay);
    expect(await target.check(healed.value, 'app_a')).toBe('unknown');
    expect([server().leftOff, server().off.has('app_a')]).toEqual([['app_a'], true]);
    server().off.add('app_b');
    const { value, login } = await issue(target);
    expect([await target.check(value, login), server().off.has('app_b')]).toEqual([
      'accepted',
      false,
    ]);
  });
});

describe('SQL-09: several servers', () => {
  beforeEach(() => {
    servers = [new Server('s1'), new Server('s2')];
  });

  it('all get the same password, and all have to take it', async () => {
    const { value, login } = await issue();
    expect(servers.map(({ passwords }) => passwords.get('app_b'))).toEqual([
      value.reveal(),
      value.reveal(),
    ]);
    server(1).passwords.set('app_b', 'another');
    expect(await bind().check(value, login)).toBe('refused');
    expect(await bind().adopt(value, login)).toBeUndefined();
  });

  it('one that is busy after another took the password: unknown, both named, and the live login untouched', async () => {
    server(1).fates.push('busy');
    const error = await thrown(issue());
    expect(error).toBeInstanceOf(UnknownOutcomeError);
    expect(error.detail).toMatch(/s2.*s1/);
    expect(servers.every(({ passwords }) => passwords.get('app_a') === 'first of app_a')).toBe(
      true,
    );
    const { value } = await issue();
    expect(servers.map(({ passwords }) => passwords.get('app_b'))).toEqual([
      value.reveal(),
      value.reveal(),
    ]);
  });

  it('the first that is busy: nothing was changed', async () => {
    server().fates.push('busy');
    expect(await thrown(issue())).toBeInstanceOf(BusyError);
    expect(server(1).writes).toBe(0);
  });

  it('revoke where the old password still is, and nowhere else', async () => {
    server().passwords.set('app_a', 'another by now');
    await bind().revoke('a', new Secret('first of app_a'), stay);
    expect(servers.map(({ writes }) => writes)).toEqual([0, 1]);
  });
});

describe('what a server makes of a login', () => {
  const OLD_A = new Secret('first of app_a');
  const [server] = [() => servers[0] as Server];
  const patient = async () => true;

  it('SRV-06: one that a person switched off stays off when its old password is revoked', async () => {
    const target = bind();
    await target.inspect();
    server().off.add('app_a');
    await target.revoke('a', OLD_A, patient);
    expect(server().off.has('app_a')).toBe(true);
    expect(server().passwords.get('app_a')).not.toBe(OLD_A.reveal());
  });

  it.each([
    [
      'its address',
      { reached: true, tls: true, password: 'not asked', refusedFor: 'address', code: '28000' },
    ],
    [
      'something else',
      { reached: true, tls: true, password: 'not asked', refusedFor: 'other', code: '3D000' },
    ],
  ] as const)(
    'SRV-01: a new one that the server itself lets nobody use, for %s, is refused and not published',
    async (_, answer) => {
      const target = bind();
      await target.adopt(OLD_A, 'app_a');
      const { value, login } = await target.issue(ROTATION, ['a'], UNTIL, patient);
      server().tryLogin = async () => answer;
      expect(await target.check(value, login)).toBe('refused');
    },
  );

  it('one that differs in capitals is another one, where the kind does not say otherwise', async () => {
    await expect(bind().adopt(OLD_A, 'APP_A')).rejects.toBeInstanceOf(KeyturnError);
    expect(await bind().adopt(OLD_A, 'app_a')).toBe('a');
  });
});
