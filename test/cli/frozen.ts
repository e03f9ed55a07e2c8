/** A freeze as the person on call sees it: one line holds everything, tells what comes due and what expires, and one lets it go. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { Cli } from './cli.ts';

const EXPIRING = 3;
/** `host.json` works so many messages at a time: passes that run beside each other see the same count of rotations. */
const AT_ONCE = 12;
const HOUR_SECONDS = 3_600;

/** The story of issue 14, "secrets held by one call and released at the rate", at this size; an hour releases a quarter of them. */
export function frozenAndReleased({
  many,
  vaults,
}: {
  readonly many: number;
  readonly vaults: number;
}): void {
  const rate = many / 4;
  let tenant: Tenant;
  let cli: Cli;
  beforeAll(async () => {
    tenant = await startTenant({
      vaults: Array.from({ length: vaults }, (_, at) => `kv${at}`),
      accounts: Array.from({ length: many }, (_, at) => ({ name: `acct${at}` })),
      env: { KEYTURN_RATE: `${rate}/${rate}` },
    });
    cli = new Cli(tenant);
    await cli.start();
  });
  afterAll(async () => {
    await cli.stop();
    await tenant.stop();
  });

  const vaultOf = (at: number): string => `kv${at % vaults}`;
  const rotated = (): number =>
    Array.from({ length: many }, (_, at) => tenant.versions(`s-${at}`, vaultOf(at)).length).filter(
      (n) => n === 2,
    ).length;

  it(`a freeze over a due date: ${many} secrets are held by one line, and released at the rate by another`, async () => {
    const expiresOn = new Date(Date.now() + 64 * 86_400_000);
    const created = Math.floor(Date.now() / 1000);
    for (let at = 0; at < many; at++) {
      const given = { vault: vaultOf(at), account: `acct${at}`, tags: { owner: 'team-orders' } };
      tenant.seed(`s-${at}`, at < EXPIRING ? { ...given, expiresOn } : given).created = created;
    }
    await tenant.sweepAndSettle(HOUR_SECONDS);
    await tenant.advance({ days: 47 });
    const { out } = await cli.run('hold --all --until 30d --note "year end" --ticket CHG-4711');
    const id = /^id +(\S+)/m.exec(out)?.[1];
    cli.say('they are due, and three expire within a day');
    await tenant.advance({ days: 16, hours: 12 });
    await tenant.sweepAndSettle(HOUR_SECONDS);
    await cli.run('list --summary');
    expect([rotated(), tenant.targetWrites()]).toEqual([0, 0]);
    const refused = await cli.run(`rotate ${vaultOf(many - 1)}/s-${many - 1}`);
    const resumed = await cli.run(`resume ${id}`);
    expect([refused.exit, resumed.exit]).toEqual([3, 0]);
    await cli.run('freeze');
    await cli.golden(`frozen-${many}`);
    for (const hours of [1, 2]) {
      await tenant.sweepAndSettle(HOUR_SECONDS / 2);
      expect(rotated()).toBeGreaterThanOrEqual(hours * rate);
      expect(rotated()).toBeLessThanOrEqual(hours * (rate + AT_ONCE));
      await tenant.advance({ hours: 1 });
    }
    const { out: left } = await cli.run('list --state due -o jsonl');
    expect(left.trim().split('\n')).toHaveLength(many - rotated());
  });
}
