/** Who is told of what, and what the setting may say. */
import { describe, expect, it } from '@jest/globals';
import { Notify, type NotifySink, sinkProblems } from '../../src/core/notify.ts';
import { Secret } from '../../src/core/secret.ts';
import { sinksFor } from '../../src/notices/routing.ts';
import type { Notice } from '../../src/ports/notices.ts';

const chat = (name: string, more: object = {}): NotifySink => ({
  ...{ name, kind: 'teams', url: new Secret('https://example.com'), allow: [], ...more },
});
const bus: NotifySink = {
  name: 'bus',
  kind: 'eventgrid',
  endpoint: 'https://t.r.eventgrid.azure.net/api/events',
};
const given = (more: Partial<Notice> = {}) =>
  ({
    type: 'failed',
    severity: 'critical',
    vault: 'kv-shop',
    name: 'a',
    owner: 'Team-Shop',
    ...more,
  }) as Notice;

describe('a notice goes', () => {
  const settings = {
    sinks: [chat('shop'), chat('ops'), chat('all', { severity: 'info' }), bus],
    routes: [
      { to: ['shop'], owner: ['team-shop'] },
      { to: ['ops'], vault: ['kv-bank*'] },
      { to: ['ops'], type: ['revoked' as const] },
      { to: [], owner: ['quiet'] },
    ],
    default: ['all', 'bus'],
  };
  it.each([
    ['to the owner that it is of, in any case', given(), ['shop']],
    [
      'by the vault, with the rest of its name open',
      given({ owner: 'x', vault: 'kv-bank-1' }),
      ['ops'],
    ],
    ['by both routes that fit', given({ vault: 'kv-bank-1' }), ['shop', 'ops']],
    ['to the default where none fits', given({ owner: 'x' }), ['all', 'bus']],
    ['to the default where it has no owner', given({ owner: undefined }), ['all', 'bus']],
    ['to nobody where a route says so', given({ owner: 'quiet' }), []],
    ['not to people where it is only news', given({ type: 'rotated', severity: 'info' }), []],
    [
      'to people where their sink says so',
      given({ owner: 'x', type: 'rotated', severity: 'info' }),
      ['all', 'bus'],
    ],
    [
      'to people where the route says so',
      given({ owner: 'x', type: 'revoked', severity: 'info' }),
      ['ops'],
    ],
  ])('%s', (_, notice, names) => {
    expect(sinksFor(notice, settings)).toEqual(names);
  });
});

describe('KEYTURN_NOTIFY', () => {
  const sinks = { ops: { kind: 'teams', url: '$KEYTURN_NOTIFY_OPS' } };
  const wrong = (setting: unknown) =>
    Notify.safeParse(setting)
      .error?.issues.map(({ message }) => message)
      .join('; ');

  it.each([
    [
      'an address in the JSON itself',
      { sinks: { ops: { kind: 'teams', url: 'https://example.com/hook' } }, default: ['ops'] },
      'named as `$KEYTURN_NOTIFY_…`',
    ],
    [
      'an app setting of another name',
      { sinks: { ops: { kind: 'slack', url: '$AzureWebJobsStorage' } }, default: ['ops'] },
      'named as `$KEYTURN_NOTIFY_…`',
    ],
    [
      'a route to nowhere',
      { sinks, default: ['ops', 'gone'] },
      'leads to "gone", which is no sink',
    ],
    ['a sink that nothing leads to', { sinks, default: [] }, 'no route leads to the sink "ops"'],
    [
      'a type that there is not',
      { sinks, routes: [{ to: ['ops'], type: ['rotaded'] }] },
      'Invalid option',
    ],
    [
      'a range that is none',
      { sinks: { ops: { ...sinks.ops, allow: ['10.0.0.0/99'] } }, default: ['ops'] },
      'expected addresses or ranges',
    ],
    [
      'a topic over http',
      {
        sinks: { b: { kind: 'eventgrid', endpoint: 'http://t.r.eventgrid.azure.net/api/events' } },
        default: ['b'],
      },
      'Invalid URL',
    ],
    ['a member that there is not', { sinks, default: ['ops'], sink: {} }, 'Unrecognized key'],
  ])('with %s is refused', (_, setting, said) => {
    expect(wrong(setting)).toContain(said);
  });

  const notify = Notify.parse({
    sinks: {
      ...sinks,
      hook: { kind: 'webhook', url: '$KEYTURN_NOTIFY_HOOK', keys: ['$KEYTURN_NOTIFY_KEY'] },
    },
    default: ['ops', 'hook'],
  });
  const right = {
    KEYTURN_NOTIFY_OPS: 'https://a.environment.api.powerplatform.com:443/powerautomate/x?sig=abc',
    KEYTURN_NOTIFY_HOOK: 'https://hooks.example.com/',
    KEYTURN_NOTIFY_KEY: `whsec_${Buffer.alloc(24, 1).toString('base64')}`,
  };
  const problems = (more: Record<string, string>) =>
    sinkProblems(notify, { ...right, ...more }).join('\n');

  it('is right with what it names, and with a reference that is not resolved yet', () => {
    expect(problems({})).toBe('');
    expect(
      problems({
        KEYTURN_NOTIFY_OPS: '@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/ops)',
      }),
    ).toBe('');
  });

  it.each([
    ['a setting that is not there', { KEYTURN_NOTIFY_OPS: '' }, 'KEYTURN_NOTIFY_OPS is not set'],
    [
      'a setting that no sink names',
      { KEYTURN_NOTIFY_OLD: 'https://example.com' },
      'KEYTURN_NOTIFY_OLD is set, but no sink',
    ],
    [
      'an address over http',
      { KEYTURN_NOTIFY_HOOK: 'http://hooks.example.com/?sig=s3cret' },
      'holds no address',
    ],
    [
      'an address with a user',
      { KEYTURN_NOTIFY_HOOK: 'https://me:s3cret@hooks.example.com/' },
      'holds no address',
    ],
    [
      'a connector of Office 365',
      { KEYTURN_NOTIFY_OPS: 'https://x.webhook.office.com/s3cret' },
      'has ended; make a Workflows webhook',
    ],
    [
      'a flow at the old address',
      { KEYTURN_NOTIFY_OPS: 'https://prod-1.westeurope.logic.azure.com/s3cret' },
      'has ended for Workflows',
    ],
    ['a key of one byte', { KEYTURN_NOTIFY_KEY: 'whsec_cw==' }, '24 to 64 bytes'],
    [
      'a key without its prefix',
      { KEYTURN_NOTIFY_KEY: Buffer.alloc(32, 1).toString('base64') },
      '24 to 64 bytes',
    ],
  ])('with %s says so, and no value', (_, more, said) => {
    expect(problems(more)).toContain(said);
    expect(problems(more)).not.toMatch(/s3cret|cw==|AQEB/);
  });
});
