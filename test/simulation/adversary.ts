/**
 * A hostile team: it may write its own secrets, own its own accounts, tag its own vault, send events and requests. What it does
 * must change nothing for others, but for slots that they share, and then its name is told (invariants 9 and 10).
 */
import { BusyError, KeyturnError, UnknownOutcomeError } from '../../src/core/errors.ts';
import type { Operation } from '../../src/ports/operations.ts';
import type { Sim } from './sim.ts';
import { HOUR, MINUTE, type StoredVersion } from './world.ts';

export interface HostileSecret {
  readonly vault: string;
  readonly name: string;
  readonly account: string;
}

export interface Hostile {
  readonly secrets: readonly HostileSecret[];
  /** Vaults of its own. */
  readonly vaults: readonly string[];
  /** Accounts of its own, and those of the others. */
  readonly accounts: readonly string[];
  readonly strangers: readonly string[];
}

/** What an act needs beside the world: the team, and the dice of its seed. */
export interface Hand {
  readonly sim: Sim;
  readonly team: Hostile;
  readonly secret: HostileSecret;
  pick<T>(from: readonly T[]): T;
}

const LONE = '\ud800';
/** Values of every form, none of which opens anything. */
export const junkValues: readonly string[] = [
  ...[
    '',
    ' ',
    '\ufeff',
    '0',
    'null',
    '{}',
    '[]',
    '""',
    '{"password":',
    '\u0000\u0001',
    'keyturn',
    'keyturn:new ',
  ],
  ...[
    LONE,
    `${LONE}abcdefgh`,
    `{"password":"\\ud800abcdefgh"}`,
    `{"key":"\\udc00","password":"\\ud800abc12345"}`,
  ],
  ...[
    '{"password":{"password":{}}}',
    '{"username":"app_a","password":1}',
    '{"username":"","password":""}',
  ],
  ...[
    'Server=tcp:evil.example;Password=x;User ID=sa',
    'postgres://a:b@evil.example/x',
    'AccountKey=;AccountName=',
  ],
  ...[
    'DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=abcdefgh12345678;EndpointSuffix=evil.example',
  ],
  ...[
    ' '.repeat(25_000),
    'x'.repeat(25_600),
    `{"password":"${'\\u0000'.repeat(4_000)}"}`,
    '{'.repeat(12_000),
  ],
];

/** What stands in tags, also where it is no tag of Keyturn's. */
const junkTexts: readonly string[] = [
  ...[
    '',
    ' ',
    '%',
    '%zz',
    '%ff=%ff',
    ';;;=',
    '=',
    'a=b=c',
    'x'.repeat(256),
    LONE,
    '\u0000',
    '__proto__',
    'constructor',
  ],
  ...[
    'field=/a/b/../c',
    'field=;field=',
    'login-field=x',
    'field=password;login-field=username',
    'keys=readonly',
  ],
  ...[
    'every=1h;grace=0h',
    'every=3650d',
    'grace=90d;every=1d',
    'paused=true',
    'window=Sat-Sun 25:00-99:00 Mars/Olympus',
  ],
  ...[
    'v=1',
    'v=9;tgt=0',
    'v=1;tgt=00000000;cred=key1;rot=0123456789abcdef;after=1970-01-01T00:00Z;proved=00000000',
  ],
  ...[
    'v=1;hold=2037-01-01T00:00Z',
    'none',
    'storage-account-key',
    '../../../',
    '/subscriptions/x',
    'toString',
  ],
];
const tagNames = [
  'rotator',
  'rotator-target',
  'rotator-options',
  'rotator-policy',
  'rotator-state',
  'rotator-exempt',
  'owner',
];

const versionsOf = ({ sim, secret }: Hand): StoredVersion[] =>
  sim.world.versions(secret.vault, secret.name);

/** A new version by the hostile team, with the tags of the current one. */
function write(hand: Hand, value: string, tags: Record<string, string> = {}): void {
  const { sim } = hand;
  const { now } = sim.world;
  const current = versionsOf(hand).at(-1);
  versionsOf(hand).push({
    ...{
      id: sim.world.versionId(),
      value,
      contentType: undefined,
      enabled: true,
      expiresOn: undefined,
      by: 'person',
    },
    tags: { ...current?.tags, ...tags },
    ...{ createdOn: now, updatedOn: now },
  });
}

function retag(hand: Hand, tags: Record<string, string>): void {
  const current = versionsOf(hand).at(-1);
  if (!current) return;
  current.tags = { ...current.tags, ...tags };
  current.updatedOn = hand.sim.world.now;
}

const later = ({ sim }: Hand, minutes: number, apply: () => void): void =>
  void sim.world.late.push({ on: sim.world.now + minutes * MINUTE, apply });

function look({ sim, secret }: Hand, count = 1): void {
  for (let at = 0; at < count; at += 1)
    sim.send({ vault: secret.vault, name: secret.name, cause: 'event' }, at * 1000);
}

/** Its own target answers like this for a while. */
function trouble(hand: Hand, verbs: readonly string[], error: () => Error): void {
  const { sim, secret, pick } = hand;
  const { account } = secret;
  if (!hand.team.accounts.includes(account)) return; // a target that is shared is not its own to break
  sim.world.troubles.set(account, (verb) => (verbs.includes(verb) ? error() : undefined));
  if (pick([true, false]))
    later(hand, pick([30, 300, 2_000]), () => void sim.world.troubles.delete(account));
}

function ask(hand: Hand, changes: Partial<Operation>): void {
  const { sim, secret } = hand;
  const current = versionsOf(hand).at(-1);
  if (!current) return;
  const id = sim.world.uuid();
  const on = new Date(sim.world.now);
  sim.own.operations.set(id, {
    ...{
      id,
      vault: secret.vault,
      name: secret.name,
      version: current.id,
      caller: 'hostile',
      phase: 'accepted',
    },
    ...{
      done: false,
      override: [],
      revoke: 'after-grace',
      createdOn: on,
      updatedOn: on,
      steps: [],
    },
    ...changes,
  });
  sim.send({ vault: secret.vault, name: secret.name, cause: 'http', operation: id });
}

const forbidden = () => new KeyturnError('target-forbidden', { status: 403 });
const busy = () => new BusyError('target-busy', { status: 429, retryAfterSeconds: 86_400 });

export const hostileActs: Record<string, (hand: Hand) => void> = {
  'junk as value': (hand) => write(hand, hand.pick(junkValues)),
  'junk as value of a document': (hand) =>
    write(hand, hand.pick(junkValues), {
      'rotator-options': hand.pick(['field=password', 'field=/password', 'field=key']),
    }),
  'junk in a tag': (hand) => retag(hand, { [hand.pick(tagNames)]: hand.pick(junkTexts) }),
  'junk in all tags': (hand) =>
    retag(hand, Object.fromEntries(tagNames.map((name) => [name, hand.pick(junkTexts)]))),
  'the placeholder again and again': (hand) => {
    for (let at = 0; at < 12; at += 1) {
      later(hand, at * 7, () => {
        write(hand, 'keyturn:new', tagsOf(hand));
        look(hand);
      });
    }
  },
  'the target of others': (hand) =>
    write(hand, 'keyturn:new', {
      ...tagsOf(hand),
      ...hand.sim.kind.tags(hand.pick(hand.team.strangers)),
    }),
  'one target after the other': (hand) =>
    hand.team.accounts.forEach((account, at) => {
      later(hand, at * 20, () => {
        write(hand, 'keyturn:new', { ...tagsOf(hand), ...hand.sim.kind.tags(account) });
        look(hand);
      });
    }),
  'its targets make no new credential': (hand) => trouble(hand, ['write'], forbidden),
  'its targets show nothing': (hand) => trouble(hand, ['read', 'write'], forbidden),
  'its targets are busy': (hand) => trouble(hand, hand.pick([['write'], ['read']]), busy),
  'its targets give no clear answer': (hand) =>
    trouble(hand, ['write'], () => new UnknownOutcomeError('target-busy')),
  'its targets answer nonsense': (hand) =>
    trouble(hand, ['write'], () => new KeyturnError('failed')),
  'all of its targets fail at once': (hand) => {
    for (const account of hand.team.accounts)
      hand.sim.world.troubles.set(account, (verb) => (verb === 'write' ? forbidden() : undefined));
    for (const secret of hand.team.secrets.filter(({ account }) =>
      hand.team.accounts.includes(account),
    )) {
      const mine = { ...hand, secret };
      write(mine, 'keyturn:new', tagsOf(mine));
      look(mine);
    }
  },
  'its vault answers nobody': (hand) => {
    const { sim, pick } = hand;
    const vault = pick(hand.team.vaults);
    const error = pick([
      () => new BusyError('vault-busy'),
      () => new KeyturnError('vault-forbidden', { status: 403 }),
      () => new KeyturnError('vault-firewall', { status: 403 }),
    ]);
    sim.world.troubles.set(vault, () => error());
    later(hand, pick([60, 600, 3_000]), () => void sim.world.troubles.delete(vault));
  },
  'its vault is not listed': (hand) => {
    const vault = hand.pick(hand.team.vaults);
    hand.sim.world.troubles.set(vault, (verb) =>
      verb === 'list' ? new BusyError('vault-busy') : undefined,
    );
  },
  'junk in the tags of its vault': (hand) =>
    void hand.sim.vaultTags.set(hand.pick(hand.team.vaults), {
      [hand.pick(['keyturn', 'keyturn-policy', 'KEYTURN'])]: hand.pick(junkTexts),
    }),
  'the tags of its vault are taken back': (hand) =>
    void hand.sim.vaultTags.delete(hand.pick(hand.team.vaults)),
  'a flood of events': (hand) => look(hand, 40),
  'requests at the limit': (hand) => {
    for (let at = 0; at < 25; at += 1)
      ask(
        hand,
        hand.pick([
          { revoke: 'now' },
          { rotateAgain: true, revoke: 'now' },
          { override: ['too-soon'] },
          { at: 'now' },
        ]),
      );
  },
  'a hold for good': (hand) => ask(hand, { hold: new Date(hand.sim.world.now + 89 * 24 * HOUR) }),
  'its secret is disabled': (hand) => {
    const current = versionsOf(hand).at(-1);
    if (current) Object.assign(current, { enabled: false, updatedOn: hand.sim.world.now });
  },
  'its secret is deleted': (hand) => void versionsOf(hand).splice(0),
  'it opts out': (hand) => {
    const current = versionsOf(hand).at(-1);
    if (!current) return;
    const { rotator: _, ...rest } = current.tags;
    current.tags = rest;
    current.updatedOn = hand.sim.world.now;
  },
  'everything is as it was': (hand) => {
    const { account } = hand.secret;
    hand.sim.world.troubles.delete(account);
    const [slot, key] = Object.entries(hand.sim.world.accounts.get(account) ?? {})[0] ?? [];
    if (slot !== undefined && key !== undefined)
      write(hand, hand.sim.kind.stored(slot, key), tagsOf(hand));
  },
};

/** The tags with which it opted in. */
const tagsOf = ({ sim, secret }: Hand): Record<string, string> => ({
  rotator: sim.kind.type,
  'rotator-policy': '',
  ...sim.kind.tags(secret.account),
});
