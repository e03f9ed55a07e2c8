/** OPS-04: what an alert says beside its reason, on the running product: of a secret, a vault, several secrets, a given-up message. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProductRecord } from './harness.ts';
import { startTenant, type Tenant } from './harness.ts';
import { eventAbout } from './person.ts';
import { rotated } from './stories.ts';

const PUBLIC = 'https://keyturn.example.com';
let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [
      { name: 'acct1' },
      { name: 'silent', consent: 'somebody else' },
      { name: 'mute', consent: 'nobody' },
    ],
    env: { KEYTURN_PUBLIC_URL: `${PUBLIC}/` },
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const inDays = (days: number) => new Date(Math.ceil(Date.now() / 1000 + days * 86_400) * 1000);
const linkTo = (reason: string) => `${PUBLIC}/api/reasons/${reason}`;
const NO_CONSENT = {
  ...{ message: 'alert', reason: 'no-consent', by: 'target owner', link: linkTo('no-consent') },
  cause: 'There is no such target, or it does not name this secret for this kind.',
};
const only = (records: readonly ProductRecord[]): ProductRecord => {
  expect(records).toHaveLength(1);
  return records[0] as ProductRecord;
};

describe('OPS-04: an alert about a secret', () => {
  it('names owner, kind, target and expiry, and its remedy can be pasted', async () => {
    const expiresOn = inDays(40);
    tenant.seed('st-a', { account: 'silent', tags: { owner: 'team-orders' }, expiresOn });
    await tenant.sweepAndSettle();
    expect(only(tenant.alerts())).toEqual({
      ...{ ...NO_CONSENT, vault: 'kv1', name: 'st-a' },
      ...{ owner: 'team-orders', kind: 'storage-account-key', expiresOn: expiresOn.toISOString() },
      target: tenant.azure.account('silent').id.toLowerCase(),
      remedy: expect.stringContaining('`keyturn storage-account-key: kv1/st-a`'),
      detail: NO_CONSENT.cause,
    });
  });

  it.each<[string, Record<string, string>, string, string | undefined, boolean]>([
    [
      'a policy that does not parse',
      { 'rotator-policy': 'evry=60d' },
      'bad-tags',
      'storage-account-key',
      true,
    ],
    [
      'a rotator that there is not',
      { rotator: 'storage-key' },
      'unknown-rotator',
      undefined,
      false,
    ],
    [
      'a target that is none',
      { 'rotator-target': 'nowhere' },
      'bad-tags',
      'storage-account-key',
      false,
    ],
    [
      'a kind that is off',
      { rotator: 'sql-login', 'rotator-options': 'logins=a,b' },
      'kind-off',
      'sql-login',
      false,
    ],
  ])(
    'knows its owner, and what it can, also with %s',
    async (_title, tags, reason, kind, hasTarget) => {
      tenant.seed('st-a', {
        account: 'acct1',
        tags: { owner: 'team-orders', ...tags },
        expiresOn: inDays(50),
      });
      await tenant.sweepAndSettle();
      const { owner, expiresOn, ...alert } = only(tenant.alerts('st-a'));
      expect([
        owner,
        typeof expiresOn,
        alert.reason,
        alert.kind,
        alert.target !== undefined,
      ]).toEqual([...['team-orders', 'string', reason, kind, hasTarget]]);
    },
  );

  it('shows an owner as plain text, whatever stands in the tag', async () => {
    tenant.seed('st-a', {
      account: 'silent',
      tags: { owner: 'team\u0000 "or\u202eders"\u2028\ud800' },
    });
    await tenant.sweepAndSettle();
    expect(only(tenant.alerts()).owner).toBe('team "or ders" \ufffd');
  });

  it('says of what is late who keeps it from coming, and what helps there', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1', tags: { owner: 'team-orders' } });
    tenant.azure.setDescription({ scope: tenant.azure.account('acct1').id }, 'nobody');
    await tenant.advance({ days: 5 }, { sweepEvery: 12 });
    await tenant.goTo(tenant.dueOn('st-a', { days: 64 }));
    await tenant.advance({ days: 1 }, { sweepEvery: 12 });
    const [first] = tenant.alerts('st-a');
    expect(first).toMatchObject({
      reason: 'no-consent',
      by: 'target owner',
      owed: 'key1',
      owedSince: expect.any(String),
    });
  });
});

describe('OPS-04: one alert for several secrets', () => {
  it('keeps what each would have said: owner, target, expiry, detail and its own remedy', async () => {
    const expiresOn = inDays(33);
    tenant.seed('st-0', { account: 'silent' });
    await tenant.sweepAndSettle();
    tenant.seed('st-a', { account: 'silent', tags: { owner: 'team-a' }, expiresOn });
    tenant.seed('st-b', { account: 'mute', tags: { owner: 'team-b' } });
    await tenant.sweepAndSettle();
    tenant.lines.length = 0;
    await tenant.sweepAndSettle();
    const { details, ...alert } = only(tenant.alerts());
    const [silent, mute] = ['silent', 'mute'].map((name) =>
      tenant.azure.account(name).id.toLowerCase(),
    );
    expect(alert).toEqual({
      ...{ ...NO_CONSENT, vault: 'kv1', count: 2, names: '"st-a", "st-b"' },
      ...{ owner: 'team-a, team-b', kind: 'storage-account-key', target: `${silent}, ${mute}` },
      expiresOn: expiresOn.toISOString(),
      remedy: expect.stringContaining('What helps each of them stands in `details`.'),
    });
    const day = expiresOn.toISOString().slice(0, 10);
    const lines = String(details).split('\n');
    expect(lines).toEqual([
      expect.stringMatching(
        `^"st-a" of team-a, storage-account-key at ${silent}, expires ${day}: ${NO_CONSENT.cause} .*kv1/st-a`,
      ),
      expect.stringMatching(
        `^"st-b" of team-b, storage-account-key at ${mute}: ${NO_CONSENT.cause} .*kv1/st-b`,
      ),
    ]);
  });

  it('is one of each kind, since each has a remedy of its own', async () => {
    tenant.configure({ KEYTURN_ROTATORS: 'storage-account-key,app-registration' });
    const app = tenant.azure.application('portal');
    for (const name of ['st-0', 'st-a']) tenant.seed(name, { account: 'silent' });
    for (const name of ['gr-0', 'gr-a'])
      tenant.seed(name, { tags: { rotator: 'app-registration', 'rotator-target': app.appId } });
    tenant.azure.world.identity.graphRoles = ['Application.ReadWrite.OwnedBy'];
    await tenant.sweepAndSettle();
    await tenant.sweepAndSettle();
    const counted = tenant.alerts().filter(({ count }) => count !== undefined);
    expect(counted.map(({ reason, kind }) => `${reason} ${kind}`).sort()).toEqual([
      'no-consent app-registration',
      'no-consent storage-account-key',
    ]);
    expect(counted.find(({ kind }) => kind === 'app-registration')?.remedy).toMatch(
      /tags of the application/,
    );
  });
});

describe('OPS-04: an alert about a vault', () => {
  it('says who acts, what helps, whose vault it is, and what waits there until when', async () => {
    const expiresOn = inDays(60);
    tenant.seed('st-a', { account: 'acct1', expiresOn });
    await tenant.sweepAndSettle();
    tenant.azure.vault('kv1').tags = { owner: 'team-vaults' };
    tenant.configure(); // tags of vaults are kept for minutes
    tenant.azure.outage('keyvault.list', { status: 403, host: 'kv1.vault' });
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 }); // a role may be spreading for less
    const { detail, status, code, ...alert } = only(tenant.alerts());
    expect(alert).toEqual({
      ...{
        message: 'alert',
        vault: 'kv1',
        reason: 'vault-forbidden',
        by: 'operator',
        owner: 'team-vaults',
        count: 1,
      },
      cause: 'The vault does not let Keyturn in.',
      identity: tenant.azure.world.identity.oid,
      remedy:
        "Give Keyturn's identity the role Key Vault Secrets Officer or the custom role of docs/permissions.md at the vault kv1; roles take up to 30 minutes to spread.",
      ...{ expiresOn: expiresOn.toISOString(), link: linkTo('vault-forbidden') },
    });
    expect([typeof detail, status, typeof code]).toEqual(['string', 403, 'string']);
  });
});

describe('OPS-04: an alert about a given-up message', () => {
  const FAILED = {
    ...{ message: 'alert', reason: 'failed', by: 'operator', link: linkTo('failed') },
    cause: 'The pass failed for a reason that Keyturn does not know.',
    remedy: 'Look at the log record with this operation and request id.',
  };

  it('names the secret with its owner and target, where it is about one', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1', tags: { owner: 'team-orders' } });
    const operation = crypto.randomUUID();
    const look = { vault: 'kv1', name: 'st-a', cause: 'http', operation };
    await tenant.own.put(JSON.stringify(look), 'keyturn-work-poison');
    await tenant.settle();
    expect(only(tenant.alerts())).toEqual({
      ...{
        ...FAILED,
        vault: 'kv1',
        name: 'st-a',
        operation,
        owner: 'team-orders',
        kind: 'storage-account-key',
      },
      target: tenant.azure.account('acct1').id.toLowerCase(),
      expiresOn: new Date((tenant.current('st-a').exp ?? 0) * 1000).toISOString(),
    });
  });

  it('names the queue, where it is about events', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.own.put(
      JSON.stringify([eventAbout(tenant.azure, 'st-a', {})]),
      'keyturn-events-poison',
    );
    await tenant.settle();
    expect(only(tenant.alerts())).toEqual({
      ...{ ...FAILED, queue: 'keyturn-events' },
      detail:
        'A message of the queue of events failed five times; what it held is recorded beside this, and its looks are queued.',
    });
  });
});

describe('OPS-04: links', () => {
  const linkOf = async (env: Record<string, string>) => {
    tenant.configure({ KEYTURN_PUBLIC_URL: '', ...env });
    tenant.seed('st-a', { account: 'silent' });
    await tenant.sweepAndSettle();
    return only(tenant.alerts()).link;
  };

  it('begin with the host name that the platform gives the app, where no setting says otherwise', async () => {
    expect(await linkOf({ WEBSITE_HOSTNAME: 'func-Keyturn-1.azurewebsites.net' })).toBe(
      'https://func-keyturn-1.azurewebsites.net/api/reasons/no-consent',
    );
  });

  it('are relative where neither is known, and where what is given is no name of a host', async () => {
    expect(await linkOf({ WEBSITE_HOSTNAME: 'evil.example/path?x=' })).toBe(
      '/api/reasons/no-consent',
    );
  });
});
