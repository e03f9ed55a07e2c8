import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addDays, addHours } from '../../src/core/clock.ts';
import {
  dueOn,
  expiryOf,
  mergePolicy,
  type Policy,
  parsePolicy,
  soonestOn,
  termsOf,
} from '../../src/tags/policy.ts';

const T = new Date('2027-01-05T10:00:00Z');
const tag = (text: string | undefined) => ({ where: 'The tag rotator-policy', text });
const vault = (text: string | undefined) => ({
  ...{ where: 'The tag keyturn-policy of the vault', text },
  from: 'vault' as const,
});
const setting = (text: string | undefined) => ({
  ...{ where: 'The setting KEYTURN_POLICY', text },
  from: 'settings' as const,
});
const of = (text: string): Policy => mergePolicy([tag(text)]);
const WIDE = { everyMaxHours: 3650 * 24, graceMinHours: 0 };
/** Of a tenant that allows years. */
const wide = (text: string): Policy => mergePolicy([tag(text)], WIDE);
const hoursAfter = (on: Date) => (on.getTime() - T.getTime()) / 3_600_000;

describe('the policy of a secret', () => {
  it('is every 60 days with a grace of 48 hours where nobody says anything', () => {
    expect(mergePolicy([tag(undefined), vault(undefined), setting(undefined)])).toEqual({
      everyHours: 1440,
      graceHours: 48,
      paused: false,
    });
  });

  it('is merged key by key: the secret first, then the vault, then the settings', () => {
    const merged = mergePolicy([
      tag('grace=72h'),
      vault('every=30d; grace=24h'),
      setting('every=90d;grace=48h;paused=true'),
    ]);
    expect(merged).toEqual({ everyHours: 720, graceHours: 72, paused: true });
  });

  it('waits for whoever uses an old credential where it says so, for 14 days unless it says how long', () => {
    expect(of('revoke=after-grace').whenUnused).toBeUndefined();
    expect(of('revoke=when-unused').whenUnused).toEqual({ limitHours: 14 * 24, atLimit: 'revoke' });
    const said = of('revoke=when-unused;unused-limit=36h;at-limit=alert');
    expect(said.whenUnused).toEqual({ limitHours: 36, atLimit: 'alert' });
    // Alone they say nothing.
    expect(of('unused-limit=36h;at-limit=alert').whenUnused).toBeUndefined();
  });

  it('waits no longer than until its next rotation, and says so', () => {
    const policy = of('every=10d;grace=2d;revoke=when-unused;unused-limit=20d');
    expect(policy.whenUnused?.limitHours).toBe(8 * 24);
    expect(policy.notes).toEqual([
      'unused-limit=20d of the tag rotator-policy counts as 8d: the next rotation needs its slot.',
    ]);
    // Of the default nobody has to be told.
    expect(of('every=10d;grace=2d;revoke=when-unused')).not.toHaveProperty('notes');
  });

  it('waits where the vault or the settings say so, which a tag of the vault may put on, and never take off or shorten', () => {
    expect(
      mergePolicy([tag(''), vault('revoke=when-unused'), setting('')]).whenUnused,
    ).toBeDefined();
    expect(
      mergePolicy([tag(''), vault('revoke=after-grace'), setting('revoke=when-unused')]).whenUnused,
    ).toBeDefined();
    expect(
      mergePolicy([tag('revoke=after-grace'), vault('revoke=when-unused')]).whenUnused,
    ).toBeUndefined();
    const both = (own: string) =>
      mergePolicy([
        tag(own),
        vault('unused-limit=1h;at-limit=revoke'),
        setting('revoke=when-unused;unused-limit=5d;at-limit=alert'),
      ]);
    expect(both('').whenUnused).toEqual({ limitHours: 120, atLimit: 'alert' });
    expect(both('unused-limit=2h;at-limit=revoke').whenUnused).toEqual({
      limitHours: 2,
      atLimit: 'revoke',
    });
  });

  it('lets the secret say paused=false where the vault says true', () => {
    expect(mergePolicy([tag('paused=false'), vault('paused=true')]).paused).toBe(false);
  });

  it('reads a window, days and hours, blanks and capitals of keys', () => {
    expect(of(' Every = 36h ; grace=1d; window=Sat-Sun 01:00-05:00 Europe/Berlin ')).toMatchObject({
      everyHours: 36,
      graceHours: 24,
      window: { days: [6, 0], fromMinute: 60, toMinute: 300, zone: 'Europe/Berlin' },
    });
  });

  it('takes blanks between its parts, and no word twice from two tags of the owner', () => {
    expect(of(' ; every=30d; ;grace=24h ; ')).toMatchObject({ everyHours: 720, graceHours: 24 });
    const other = { where: 'The tag ValidityPeriodDays', text: 'paused=true;every=7d' };
    expect(mergePolicy([tag('every=30d'), other])).toMatchObject({ everyHours: 720, paused: true });
  });

  it.each([
    [
      tag('keep=true'),
      /expected every, grace, window, paused, approve, revoke, unused-limit, at-limit or consumers/,
    ],
    [tag('revoke=now'), /revoke=after-grace or revoke=when-unused/],
    [tag('unused-limit=0h'), /unused-limit=<n>d or <n>h/],
    [tag('at-limit=hold'), /at-limit=revoke or at-limit=alert/],
    [tag('paused=xtrue'), /paused=true or paused=false/],
    [tag('paused=truex'), /paused=true or paused=false/],
    [tag('every=30dx'), /every=<n>d or <n>h/],
    [tag('every=x30d'), /every=<n>d or <n>h/],
    [tag('evry=30d'), /^The tag rotator-policy: "evry=30d"/],
    [vault('keep=1'), /^The tag keyturn-policy of the vault: "keep=1"/],
    [setting('grace=2w'), /^The setting KEYTURN_POLICY: "grace=2w".*grace=<n>h or <n>d/],
    [tag('every=0h'), /every=<n>d or <n>h/],
    [tag('every=99999d'), /every=<n>d or <n>h/],
    [tag('every=-1d'), /every=<n>d or <n>h/],
    [tag('every'), /every/],
    [tag('window=Sat 25:00-26:00 UTC'), /window=Sat-Sun 01:00-05:00 Europe\/Berlin/],
    [tag('paused=yes'), /paused=true or paused=false/],
    [tag('every=30d;every=40d'), /every once/],
    [tag('<img src=x onerror=alert(1)>'), /"<img src=x onerror=alert\(1\)>"/],
  ])('names the source and what it takes: %j', (source, message) => {
    expect(() => mergePolicy([source])).toThrow(
      expect.objectContaining({ reason: 'bad-tags', detail: expect.stringMatching(message) }),
    );
  });

  it.each(['every=48h', 'every=2d;grace=48h', 'every=24h;grace=24h', 'every=1d;grace=3d'])(
    'refuses a grace as long as the time between rotations: %s',
    (text) => {
      expect(() => of(text)).toThrow(expect.objectContaining({ reason: 'bad-tags' }));
    },
  );

  it('refuses it also when the two come from different places', () => {
    expect(() => mergePolicy([tag('every=3d'), vault('grace=4d')])).toThrow(
      /grace \(96 h\).*every \(72 h\)/,
    );
  });

  it.each([
    [
      [vault('every=24h'), setting('grace=36h')],
      'The setting KEYTURN_POLICY',
      36,
      'the tag keyturn-policy of the vault',
      24,
    ],
    [
      [tag('every=36h'), vault(undefined), setting(undefined)],
      "Keyturn's default",
      48,
      'the tag rotator-policy',
      36,
    ],
    [
      [tag(undefined), vault('grace=70d'), setting('every=60d')],
      'The tag keyturn-policy of the vault',
      1680,
      'the setting KEYTURN_POLICY',
      1440,
    ],
    [
      [tag(undefined), vault('grace=70d'), setting(undefined)],
      'The tag keyturn-policy of the vault',
      1680,
      "Keyturn's default",
      1440,
    ],
    [
      [tag('grace=100d;every=365d'), vault(undefined)],
      'The tag rotator-policy',
      2400,
      'the setting KEYTURN_EVERY_MAX',
      2160,
    ],
    [
      [tag('every=20h'), setting('grace=1h')],
      'The setting KEYTURN_GRACE_MIN',
      24,
      'the tag rotator-policy',
      20,
    ],
    [
      [tag('grace=40h'), vault('every=30h')],
      'The tag rotator-policy',
      40,
      'the tag keyturn-policy of the vault',
      30,
    ],
    [
      [tag(undefined), { where: 'The tag ValidityPeriodDays', text: 'every=1d' }],
      "Keyturn's default",
      48,
      'the tag ValidityPeriodDays',
      24,
    ],
  ])(
    'COR-09: a grace and an every that do not fit name the two that are wrong: %#',
    (sources, one, grace, other, every) => {
      const detail = `grace (${grace} h) of ${one.replace(/^The /, 'the ')} must be shorter than every (${every} h) of ${other}.`;
      expect(() => mergePolicy(sources)).toThrow(
        expect.objectContaining({ reason: 'bad-tags', detail }),
      );
    },
  );

  it('COR-09: names the one source that says both', () => {
    expect(() => mergePolicy([tag(undefined), vault('every=2d;grace=3d')])).toThrow(
      /^The tag keyturn-policy of the vault: grace \(72 h\) must be shorter than every \(48 h\)\.$/,
    );
  });

  it.each([
    ['grace=0h', 48],
    ['every=3d;grace=0h', 48],
    ['grace=47h', 48],
    ['grace=48h', 48],
    ['grace=10d', 240],
  ])('ATK-06: the tag of a vault lengthens the grace and never shortens it: %s', (text, hours) => {
    expect(
      mergePolicy([tag(undefined), vault(text), setting('every=60d;grace=48h')]).graceHours,
    ).toBe(hours);
    expect(mergePolicy([tag(undefined), vault(text), setting(undefined)]).graceHours).toBe(hours);
  });

  it('ATK-06: says of a vault that wants a shorter grace that it does not count', () => {
    expect(mergePolicy([tag(undefined), vault('every=3d;grace=0h')]).notes).toEqual([
      'grace=0h of the tag keyturn-policy of the vault counts as 2d: it may lengthen the grace alone.',
    ]);
    expect(mergePolicy([tag('grace=1h'), vault('grace=0h')])).toEqual({
      everyHours: 1440,
      graceHours: 1,
      paused: false,
    });
  });

  it('ATK-06: the least grace of the operator bounds all but the secret itself', () => {
    const limits = { everyMaxHours: 2160, graceMinHours: 24 };
    expect(
      mergePolicy([tag(undefined), vault(undefined), setting('grace=1h')], limits),
    ).toMatchObject({
      graceHours: 24,
      notes: ['grace=1h of the setting KEYTURN_POLICY counts as 1d (KEYTURN_GRACE_MIN).'],
    });
    expect(
      mergePolicy([tag(undefined), vault('grace=12h'), setting('grace=1h')], limits).graceHours,
    ).toBe(24);
    expect(
      mergePolicy([tag('grace=1h'), vault(undefined), setting('grace=1h')], limits).graceHours,
    ).toBe(1);
    expect(mergePolicy([tag(undefined)], { ...limits, graceMinHours: 72 }).graceHours).toBe(72);
  });

  it('ATK-06: says nothing of a grace that counts as it was said', () => {
    const notes = (...sources: Parameters<typeof mergePolicy>[0]) => mergePolicy(sources).notes;
    expect(notes(tag(undefined), vault('grace=48h'), setting(undefined))).toBeUndefined();
    expect(notes(tag(undefined), vault(undefined), setting('grace=24h'))).toBeUndefined();
    // The settings' own word is as long as the operator's least: it is theirs that is named.
    expect(() => mergePolicy([tag('every=20h'), setting('grace=24h')])).toThrow(
      /the setting KEYTURN_POLICY/,
    );
  });

  it('ATK-06: the tag of a vault puts a pause on and lifts none that the operator has put on', () => {
    const paused = (...sources: Parameters<typeof mergePolicy>[0]) => mergePolicy(sources).paused;
    expect(paused(tag(undefined), vault('paused=true'), setting(undefined))).toBe(true);
    expect(paused(tag(undefined), vault('paused=false'), setting('paused=true'))).toBe(true);
    expect(paused(tag('paused=false'), vault('paused=true'), setting('paused=true'))).toBe(false);
    expect(paused(tag(undefined), vault('paused=true'), setting('paused=false'))).toBe(true);
    expect(paused(tag(undefined), vault(undefined), setting('paused=false'))).toBe(false);
    expect(paused(tag(undefined), vault('paused=false'), setting('paused=false'))).toBe(false);
  });

  it('ATK-06: says whose the pause is, and of a vault that would lift it that it does not count', () => {
    const merged = (...sources: Parameters<typeof mergePolicy>[0]) => {
      const { pausedByVault, notes } = mergePolicy(sources);
      return [pausedByVault, notes];
    };
    const notLifted =
      'paused=false of the tag keyturn-policy of the vault does not lift the pause of the settings.';
    expect(merged(tag(undefined), vault('paused=true'), setting(undefined))).toEqual([
      true,
      undefined,
    ]);
    expect(merged(tag(undefined), vault('paused=true'), setting('paused=true'))).toEqual([
      undefined,
      undefined,
    ]);
    expect(merged(tag(undefined), vault('paused=false'), setting('paused=true'))).toEqual([
      undefined,
      [notLifted],
    ]);
    expect(merged(tag(undefined), vault('paused=false'), setting(undefined))).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each([
    [
      [tag('every=3650d')],
      'every=3650d of the tag rotator-policy counts as 90d (KEYTURN_EVERY_MAX).',
    ],
    [
      [tag(undefined), vault('every=91d')],
      'every=91d of the tag keyturn-policy of the vault counts as 90d (KEYTURN_EVERY_MAX).',
    ],
    [
      [tag(undefined), setting('every=2161h')],
      'every=2161h of the setting KEYTURN_POLICY counts as 90d (KEYTURN_EVERY_MAX).',
    ],
    [
      [tag(undefined), { where: 'The tag ValidityPeriodDays', text: 'every=365d' }],
      'every=365d of the tag ValidityPeriodDays counts as 90d (KEYTURN_EVERY_MAX).',
    ],
  ])(
    'OPS-05: an every beyond the maximum counts as the maximum and says so: %#',
    (sources, note) => {
      expect(mergePolicy(sources)).toMatchObject({ everyHours: 2160, notes: [note] });
    },
  );

  it("OPS-05: the maximum is the operator's, and a shorter every is as it is", () => {
    expect(
      mergePolicy([tag('every=365d')], { everyMaxHours: 400 * 24, graceMinHours: 24 }),
    ).toEqual({
      everyHours: 8760,
      graceHours: 48,
      paused: false,
    });
    expect(mergePolicy([tag('every=90d')]).notes).toBeUndefined();
    // Nobody said anything, so nobody's word is cut.
    expect(mergePolicy([tag(undefined)], { everyMaxHours: 720, graceMinHours: 24 })).toEqual({
      ...{ everyHours: 720, graceHours: 48, paused: false },
    });
  });

  it('never breaks on what strangers write into it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          parsePolicy(tag(text));
        } catch (error) {
          expect(error).toMatchObject({ reason: 'bad-tags' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('dates', () => {
  it('EG-06: gives a version 30 days more than its turn, less an hour', () => {
    expect(expiryOf(of('every=7d'), T)).toEqual(addHours(addDays(T, 37), -1));
    expect(expiryOf(of(''), T)).toEqual(addHours(addDays(T, 90), -1));
  });

  it('EG-06: with a cap of 28 days a version lives 671 hours and is due after 503 h 15 min', () => {
    const policy = of('every=60d');
    const expiresOn = expiryOf(policy, T, 28);
    expect(hoursAfter(expiresOn)).toBe(671);
    expect(hoursAfter(dueOn({ createdOn: T, expiresOn }, true, policy))).toBe(503.25);
  });

  it('KV-06: a cap of 88 days cuts the validity of every=150d, which was 180', () => {
    expect(expiryOf(wide('every=150d'), T)).toEqual(addHours(addDays(T, 180), -1));
    expect(expiryOf(wide('every=150d'), T, 88)).toEqual(addHours(addDays(T, 88), -1));
  });

  it('sends no expiry past 2038, which the SDK would corrupt', () => {
    expect(expiryOf(wide('every=3650d'), new Date('2035-01-01T00:00:00Z'))).toEqual(
      new Date('2038-01-18T00:00:00Z'),
    );
  });

  it('a version of ours is due when its turn is over, and then its near-expiry event comes', () => {
    const policy = of('every=60d');
    const expiresOn = expiryOf(policy, T);
    expect(dueOn({ createdOn: T, expiresOn }, true, policy)).toEqual(addDays(T, 60));
    expect(expiresOn.getTime() - addDays(T, 60).getTime()).toBeLessThanOrEqual(30 * 86_400_000);
    expect(dueOn({ createdOn: T, expiresOn: addDays(T, 200) }, true, policy)).toEqual(
      addDays(T, 60),
    );
  });

  it('OPS-05: any other version is due by its expiry, but no later than a turn after it was taken over', () => {
    const policy = of('every=60d');
    const version = { createdOn: addDays(T, -300), expiresOn: addDays(T, 400) };
    const due = (lived: Parameters<typeof dueOn>[3], ours = false) =>
      dueOn(version, ours, policy, lived);
    expect(due({ takenOverOn: T })).toEqual(addDays(T, 60));
    expect(due({})).toEqual(addDays(T, -240)); // without the row, created + every
    // A person's fresh credential has its turn from then on, however long ago the secret was taken over.
    expect(due({ since: addDays(T, 10), takenOverOn: addDays(T, -90) })).toEqual(addDays(T, 70));
    expect(due({ since: addDays(T, -500), takenOverOn: T })).toEqual(addDays(T, 60));
    expect(
      dueOn({ ...version, expiresOn: addDays(T, 40) }, false, policy, { takenOverOn: T }),
    ).toEqual(addDays(T, 10));
  });

  it('OPS-05: an undo brings a credential back for a turn, but for no more than the longest one since it began', () => {
    const policy = of('every=60d');
    const undone = (daysOld: number, everyMaxHours?: number) =>
      dueOn({ createdOn: T }, false, policy, {
        since: addDays(T, -daysOld),
        currentSince: T,
        everyMaxHours,
      });
    expect(undone(10)).toEqual(addDays(T, 60));
    expect(undone(60)).toEqual(addDays(T, 30));
    expect(undone(60, 60 * 24)).toEqual(T);
    expect(undone(60, 365 * 24)).toEqual(addDays(T, 60));
  });

  it('OPS-05: a version that holds an older credential is due by the age of that one', () => {
    const policy = of('every=60d');
    const since = addDays(T, -50);
    expect(dueOn({ createdOn: T }, false, policy, { since })).toEqual(addDays(T, 10));
    expect(dueOn({ createdOn: T, expiresOn: addDays(T, 89) }, true, policy, { since })).toEqual(
      addDays(T, 10),
    );
    expect(
      dueOn({ createdOn: T, expiresOn: addDays(T, 400) }, false, policy, {
        since,
        takenOverOn: since,
      }),
    ).toEqual(addDays(T, 10));
  });

  it('VAL-12: one without an expiry that was old when it was opted in has a turn from then on', () => {
    const policy = of('every=60d');
    const due = (lived: Parameters<typeof dueOn>[3], ours = false) =>
      dueOn({ createdOn: addDays(T, -100) }, ours, policy, lived);
    expect(due({ takenOverOn: T })).toEqual(addDays(T, 60));
    expect(due({ takenOverOn: T }, true)).toEqual(addDays(T, -40));
    // Opted in with that very version: its credential has its own age.
    const held = { takenOverOn: T, currentSince: addDays(T, -10), since: addDays(T, -10) };
    expect(dueOn({ createdOn: T }, false, policy, held)).toEqual(addDays(T, 50));
  });

  it.each([
    ['of 20 days, five days before', 20, 15],
    ['of 200 days, by its turn', 200, 60],
    ['of 80 days, twenty days before', 80, 60],
    ['of 60 days, fifteen days before', 60, 45],
    ['of eight days, a grace before', 8, 6],
    ['of three days, in the middle', 3, 1.5],
    ['of one day, in the middle', 1, 0.5],
    ['that is over, at its end', 0, 0],
    ['that was over when it was stored, at its end', -1, -1],
  ])(
    'VAL-12: a credential that its target ends is due in time: after a life %s',
    (_, days, due) => {
      const ends = { on: addHours(T, days * 24), since: T };
      const expected = addHours(T, due * 24);
      for (const ours of [true, false])
        expect(dueOn({ createdOn: T }, ours, of('every=60d;grace=48h'), { ends })).toEqual(
          expected,
        );
    },
  );

  it('one that its target does not end is due as ever', () => {
    const ends = { on: undefined, since: T };
    expect(dueOn({ createdOn: T }, true, of('every=60d'), { ends })).toEqual(addDays(T, 60));
  });

  it('KV-06: what the vault refused is asked for again once turn, cap or content type are other ones', () => {
    const plan = (every: string, type: string | undefined, cap: number | undefined) =>
      termsOf(wide(every), type, cap);
    const refused = plan('every=60d', 'text/plain', 28);
    expect(plan('every=1440h;grace=24h', 'text/plain', 28)).toBe(refused);
    const others = [
      plan('every=61d', 'text/plain', 28),
      plan('every=60d', 'text/html', 28),
      plan('every=60d', undefined, 28),
      plan('every=60d', 'text/plain', 29),
      plan('every=60d', 'text/plain', undefined),
    ];
    expect(new Set([refused, ...others]).size).toBe(6);
  });

  it('any other version is due by its expiry, or after a turn where it has none or a late one', () => {
    const policy = of('every=60d');
    expect(dueOn({ createdOn: T, expiresOn: addDays(T, 200) }, false, policy)).toEqual(
      addDays(T, 60),
    );
    expect(dueOn({ createdOn: T, expiresOn: addDays(T, 20) }, false, policy)).toEqual(
      addDays(T, 15),
    );
    expect(dueOn({ createdOn: T }, false, policy)).toEqual(addDays(T, 60));
  });

  it('leaves at least the grace between the due date and the expiry', () => {
    const policy = of('every=60d;grace=10d');
    expect(dueOn({ createdOn: T, expiresOn: addDays(T, 20) }, true, policy)).toEqual(
      addDays(T, 10),
    );
  });

  it('is too soon within 24 hours or the grace of a version, whichever is longer', () => {
    expect(soonestOn(T, of('grace=1h'))).toEqual(addHours(T, 24));
    expect(soonestOn(T, of('grace=72h'))).toEqual(addHours(T, 72));
  });

  it('never makes a version of ours due after its expiry, nor one that is due before it may be replaced, from every=4d on', () => {
    const policies = fc
      .record({ every: fc.integer({ min: 96, max: 8760 }), grace: fc.integer({ min: 0, max: 48 }) })
      .map(({ every, grace }) => wide(`every=${every}h;grace=${grace}h`));
    fc.assert(
      fc.property(
        policies,
        fc.option(fc.integer({ min: 5, max: 400 }), { nil: undefined }),
        (policy, cap) => {
          const expiresOn = expiryOf(policy, T, cap);
          const due = dueOn({ createdOn: T, expiresOn }, true, policy);
          expect(due.getTime()).toBeLessThan(expiresOn.getTime());
          expect(due.getTime()).toBeGreaterThanOrEqual(soonestOn(T, policy).getTime());
        },
      ),
    );
  });
});
