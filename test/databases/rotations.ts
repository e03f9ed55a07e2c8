/**
 * Twenty rotations of each kind on a real server, through the whole product: vault, locks, table and queue as in the cases,
 * while an application logs in all the time. And the same with one login, to show what that costs.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApp, provideApp } from '../../src/app/app.ts';
import { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { openString } from '../../src/form/text.ts';
import { movingClock } from '../cases/clock.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { SECRET } from '../contract/rotator.contract.ts';
import { Client, type Login } from './client.ts';
import type { Peer } from './subjects.ts';

const ROTATIONS = 20;
const EVERY_DAYS = 10;

/** About what a check and a `setSecret` take. */
const STORE_MILLISECONDS = 150;

/** One tenant and one clock serve a file, so each kind has its own. */
export function twentyRotations(kind: 'postgresql' | 'mysql', start: () => Promise<Peer>): void {
  describe(kind, () => {
    let peer: Peer;
    let tenant: Tenant;
    const name = 'db-pw';
    const read = (text: string): Login => {
      const opened = openString(text, { kind: 'login', server: kind, required: true }, [
        `localhost:${peer.server.port}`,
      ]);
      return { login: opened?.login ?? '', password: opened?.bare ?? '' };
    };
    const stored = () => read(tenant.current(name).value);
    const say = (words: string) => process.stdout.write(`${kind}: ${words}\n`);

    beforeAll(async () => {
      peer = await start();
      const env = {
        KEYTURN_ROTATORS: peer.type,
        KEYTURN_CONSENT: JSON.stringify({ [peer.target]: `${peer.type}: kv1/db-pw(app_a,app_b)` }),
        KEYTURN_POLICY: `every=${EVERY_DAYS}d;grace=2h`,
        KEYTURN_GRACE_MIN: '2h',
      };
      tenant = await startTenant({ vaults: ['kv1'], accounts: [], env: { KEYTURN_ROTATORS: '' } });
      const clock = movingClock();
      provideApp(
        createApp({ ...tenant.azure.env(), ...env }, { clock, rotators: [peer.rotator(clock)] }),
      );
      for (const login of ['app_a', 'app_b']) await peer.createLogin(login, `First-of-${login}`);
    });
    afterAll(async () => {
      await tenant.stop();
      await peer.stop();
    });

    it('fails no login in twenty rotations with two logins, and logs no password', async () => {
      const tags = {
        rotator: peer.type,
        'rotator-target': peer.target,
        'rotator-options': 'logins=app_a,app_b',
      };
      tenant.azure
        .vault('kv1')
        .set(name, peer.connectionString('app_a', 'First-of-app_a'), { tags });
      const client = new Client(stored, peer.query);
      await client.during(async () => {
        for (let turn = 1; turn <= ROTATIONS; turn += 1) {
          const before = stored();
          await tenant.goTo(tenant.dueOn(name, { days: EVERY_DAYS }));
          await tenant.sweepAndSettle();
          const after = stored();
          expect([turn, after.login]).toEqual([turn, before.login === 'app_a' ? 'app_b' : 'app_a']);
          expect(await peer.query(before.login, before.password)).toBe('ok');
          await tenant.advance({ hours: 4 }, { sweepEvery: 1 });
          expect(await peer.query(before.login, before.password)).not.toBe('ok');
          expect(await peer.query(after.login, after.password)).toBe('ok');
        }
      });
      const { ok, reread, failed } = client;
      say(
        `two logins, ${ROTATIONS} rotations: ${ok} logins went well, ${reread} after a look at the vault, ${failed} failed`,
      );
      expect(failed).toBe(0);
      expect(ok).toBeGreaterThan(ROTATIONS);
      expect(reread).toBeLessThanOrEqual(ROTATIONS);
      expect(tenant.versions(name)).toHaveLength(ROTATIONS + 1);
      expect(tenant.alerts()).toEqual([]);
      // One statement for each new password, one for each revocation, and none besides.
      expect(peer.changes()).toBe(2 * ROTATIONS);
      const passwords = tenant
        .versions(name)
        .slice(1)
        .map(({ value }) => read(value).password);
      expect(new Set(passwords).size).toBe(ROTATIONS);
      for (const password of passwords) expect(peer.server.logs()).not.toContain(password);
      for (const password of passwords)
        expect(JSON.stringify(tenant.lines)).not.toContain(password);
    });

    it('logs no password of a statement that fails', async () => {
      const target = peer.rotator(movingClock()).bind({
        ...{ target: peer.target, options: { logins: 'app_a,app_b' }, secret: SECRET },
      });
      const secrets: Secret[] = [];
      const before = peer.changes();
      const revoke = async () => {
        const old = new Secret(stored().password);
        secrets.push(old);
        await target.revoke(stored().login === 'app_a' ? 'a' : 'b', old, async () => true);
      };
      await peer.run(
        ...(kind === 'postgresql'
          ? ['ALTER ROLE keyturn NOCREATEROLE']
          : [
              "REVOKE CREATE USER ON *.* FROM keyturn@'%'",
              "GRANT SELECT ON mysql.* TO keyturn@'%'",
            ]),
      );
      const error = await revoke().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(KeyturnError);
      expect((error as KeyturnError).reason).toBe('target-forbidden');
      expect(peer.changes()).toBeGreaterThan(before);
      for (const secret of secrets) expect(peer.server.logs()).not.toContain(secret.reveal());
      await peer.run(
        ...(kind === 'postgresql'
          ? ['ALTER ROLE keyturn CREATEROLE']
          : ["GRANT CREATE USER ON *.* TO keyturn@'%'"]),
      );
    });

    it('fails logins with a single one: what it costs to have no second login', async () => {
      await peer.createLogin('app_single', 'First-of-app_single');
      let held: Login = { login: 'app_single', password: 'First-of-app_single' };
      const client = new Client(() => held, peer.query);
      const target = peer.rotator(movingClock()).bind({
        ...{ target: peer.target, options: { logins: 'app_b,app_single' }, secret: SECRET },
      });
      await client.during(async () => {
        for (let turn = 1; turn <= ROTATIONS; turn += 1) {
          // The login in use gets the new password, and the vault has it a little later; the other order is no better.
          const { value } = await target.issue(
            '0123456789abcdef',
            ['a'],
            new Date(),
            async () => true,
          );
          await pause(STORE_MILLISECONDS);
          held = { login: 'app_single', password: value.reveal() };
          await pause(STORE_MILLISECONDS);
        }
      });
      const { ok, reread, failed } = client;
      say(
        `one login, ${ROTATIONS} rotations: ${ok} logins went well, ${reread} after a look at the vault, ${failed} failed`,
      );
      expect(failed).toBeGreaterThan(0);
    });
  });
}
