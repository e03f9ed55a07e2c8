/** What is looked at before a request is accepted, and by the doctor; and which of it each reason is the failure of. */
import type { Reason } from '../core/reasons.ts';

/** In the order in which they are shown. */
export const CHECKS = [
  ...([
    'secret',
    'tags',
    'kind',
    'consent',
    'target',
    'value',
    'mode',
    'paused',
    'hold',
    'window',
    'index',
  ] as const),
  ...([
    'settling',
    'slot',
    'versions',
    'rotations',
    'age',
    'size',
    'policy',
    'proof',
    'owed',
    'rights',
  ] as const),
  ...(['logins', 'locks', 'network', 'expiry', 'events'] as const),
] as const;
export type CheckName = (typeof CHECKS)[number];

/** Of those that are not here, `target`. */
const CHECK_OF: { readonly [reason in Reason]?: CheckName } = {
  ...{
    gone: 'secret',
    disabled: 'secret',
    'not-opted-in': 'tags',
    'opted-out': 'tags',
    'bad-tags': 'tags',
  },
  ...{
    'unknown-rotator': 'kind',
    'kind-off': 'kind',
    'no-consent': 'consent',
    'target-changed': 'tags',
  },
  ...{
    'short-grace': 'tags',
    'bad-value': 'value',
    'foreign-host': 'value',
    'unknown-value': 'value',
  },
  ...{
    'mode-observe': 'mode',
    'mode-drain': 'mode',
    paused: 'paused',
    hold: 'hold',
    window: 'window',
    index: 'index',
  },
  ...{
    settling: 'settling',
    'slot-held': 'slot',
    'slots-held': 'slot',
    grace: 'slot',
    'too-soon': 'age',
  },
  ...{
    'too-many-versions': 'versions',
    'too-many': 'rotations',
    'too-large': 'size',
    'vault-policy': 'policy',
  },
  ...{
    'target-policy': 'policy',
    unproved: 'proof',
    'value-refused': 'proof',
    drift: 'owed',
    'owed-first': 'owed',
  },
  ...{
    'nothing-owed': 'owed',
    'undo-revoked': 'owed',
    'undo-overwritten': 'owed',
    'undo-not-ours': 'owed',
    'undo-refused': 'proof',
    'not-ours': 'owed',
    'still-owed': 'owed',
    'state-newer': 'tags',
    'exempt-ended': 'tags',
  },
  // what the doctor alone asks about
  ...{
    'versions-near': 'versions',
    'expires-first': 'expiry',
    'short-validity': 'expiry',
    'no-events': 'events',
  },
  ...{ 'login-missing': 'logins', brake: 'rotations' },
};
export const checkOf = (reason: Reason): CheckName => CHECK_OF[reason] ?? 'target';

/** The same, as the doctor tells things apart: whatever a dry run calls `target` has a name of its own where it has one. */
const DOCTORS: { readonly [reason in Reason]?: CheckName } = {
  ...{
    'scope-locked': 'locks',
    'target-forbidden': 'rights',
    'vault-forbidden': 'rights',
    'short-grace': 'policy',
  },
  ...{
    'graph-permission': 'rights',
    'login-off': 'logins',
    'login-blocked': 'logins',
    'no-path': 'network',
  },
  ...{ 'untrusted-server': 'network', 'vault-firewall': 'network' },
};
export const doctorsCheckOf = (reason: Reason): CheckName => DOCTORS[reason] ?? checkOf(reason);
