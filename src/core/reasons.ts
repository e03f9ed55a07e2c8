/**
 * One row per reason: why a step is what it is, what would help, and who acts. Errors, alerts, problem details and
 * `docs/reasons.md` are made from it. It lives in `core` because `vault`, `azure` and `rotators` name reasons, too
 * (design section 3).
 */
export interface ReasonRow extends Remedy {
  readonly cause: string;
  /** Whether a person with `Keyturn.Revoke` may set it aside for one rotation. */
  readonly overridable?: true;
  /** What an alert says instead: by then somebody has to act, or more is known. */
  readonly alert?: Partial<Remedy>;
  /** Never alerted by itself: the answer to a request, or what a person chose. */
  readonly quiet?: true;
}

/** Who can act. */
export const ACTORS = ['nobody', 'secret owner', 'target owner', 'operator', 'network'] as const;

/** Who must act, and what helps. `<vault>`, `<secret>`, `<kind>`, `<consent>` and `<actions>` are filled where they are known. */
export interface Remedy {
  /** `nobody` when Keyturn goes on by itself. */
  readonly by: (typeof ACTORS)[number];
  readonly remedy: string;
}

const nobody = (cause: string, remedy = 'Nothing to do.'): ReasonRow => ({
  by: 'nobody',
  cause,
  remedy,
});

const STILL_BUSY = 'It has been so for an hour; Keyturn goes on asking. Look at the health';

export const reasons = {
  // skip: no write anywhere
  'not-opted-in': nobody(
    'The secret carries no tag `rotator`.',
    'To opt in, set the tags `rotator` and `rotator-target`.',
  ),
  'opted-out': nobody(
    'The tag `rotator` says `none`: its owner opted the secret out.',
    'To opt in, name a rotator; to say why not, and until when, set `rotator-exempt`.',
  ),
  exempt: nobody('The tag `rotator-exempt` exempts the secret for a while.'),
  disabled: nobody('Its owner disabled the current version.', 'Enable it to let Keyturn go on.'),
  gone: nobody('The vault knows no such secret.'),
  managed: {
    by: 'secret owner',
    cause: 'The secret is managed by a certificate.',
    remedy: 'Rotate the certificate, and remove the tag `rotator` from the secret.',
  },
  'other-instance': {
    by: 'operator',
    cause: 'The tag `keyturn` of the vault names another instance.',
    remedy:
      'Set the tag back if that is a mistake: until then nothing is rotated or revoked there. If it is not, the other instance works off what is owed.',
  },
  superseded: nobody('A newer version than the one named is current.'),
  'not-allowed': {
    by: 'operator',
    cause: 'The vault is not on the list of this instance.',
    remedy:
      'Add its resource id to KEYTURN_VAULTS, or tag it `keyturn` in a subscription of KEYTURN_SUBSCRIPTIONS.',
  },
  // vaults that discovery finds, or no longer finds
  undiscovered: {
    by: 'operator',
    cause: 'Azure Resource Graph gave no usable list of the vaults; the last one serves.',
    remedy:
      'Give Keyturn Microsoft.ResourceGraph/resources/read and Microsoft.KeyVault/vaults/read in every subscription of KEYTURN_SUBSCRIPTIONS; look at the detail.',
  },
  'no-rbac': {
    by: 'operator',
    cause:
      'The tag `keyturn` of the vault names this instance, but the vault works with access policies.',
    remedy: 'Switch the vault to Azure RBAC, or name it in KEYTURN_VAULTS, or remove the tag.',
  },
  'vault-replaced': {
    by: 'operator',
    cause:
      'Discovery found a vault whose name was served before by another resource id. Consents go by names, so the vault is left alone.',
    remedy:
      'If it may have what owners gave to that name, name its resource id in KEYTURN_VAULTS; if not, remove its tag `keyturn`, and the name from the consents.',
  },
  'vault-vanished': {
    by: 'operator',
    cause:
      'Discovery no longer finds a vault that it had found; its rows are kept, its secrets are left alone.',
    remedy:
      'Restore its tag `keyturn` or the right to read it; if it is gone for good, nothing: it is shown for 30 days.',
  },
  // refuse: a person must act
  'bad-tags': {
    by: 'secret owner',
    cause: 'A tag of the secret does not parse.',
    remedy: 'Correct the tag that the detail names.',
  },
  'exempt-ended': {
    by: 'secret owner',
    cause: 'The exemption of the secret has ended, and it is still opted out.',
    remedy:
      'Opt it in, or say in `rotator-exempt` until when it is exempt now; remove that tag where nobody has to answer for it.',
  },
  'unknown-rotator': {
    by: 'secret owner',
    cause: 'No rotator has that name.',
    remedy: 'Use one of the names that the detail lists.',
  },
  'kind-off': {
    by: 'operator',
    cause: 'This kind of rotator is not switched on.',
    remedy: 'Add it to KEYTURN_ROTATORS.',
  },
  'no-consent': {
    by: 'target owner',
    cause: 'There is no such target, or it does not name this secret for this kind.',
    remedy:
      'Name the secret in the description of the role that Keyturn is assigned at the target, for its kind and its part: `keyturn <kind>: <vault>/<secret>`, with logins, `readonly` or a rule in parentheses (infra/scripts/consent.sh). Of an app registration it is one of the tags.',
    alert: {
      remedy:
        'Name the secret in the description of the role that Keyturn is assigned at the target: `<consent>` (infra/scripts/consent.sh adds it).',
    },
  },
  'own-application': {
    by: 'secret owner',
    cause:
      'The target is the app registration that Keyturn itself runs as, or that guards its API.',
    remedy: 'It needs no secret: Keyturn has an identity, and callers have their own.',
  },
  'own-storage': {
    by: 'secret owner',
    cause: 'The target is the storage account that Keyturn itself runs on.',
    remedy: 'Let Keyturn use that account by identity; do not rotate its keys.',
  },
  'scope-locked': {
    by: 'target owner',
    cause: 'A resource lock forbids the change.',
    remedy: 'Remove the lock, or opt the secret out.',
  },
  'keys-off': {
    by: 'secret owner',
    cause: 'Shared keys are switched off at the account, so no key opens it.',
    remedy: 'Use identities and drop the secret.',
  },
  'entra-only': {
    by: 'secret owner',
    cause:
      'The server takes identities of Entra alone, so no password opens it and none can be set.',
    remedy: 'Use identities and drop the secret, or switch Entra-only authentication off.',
  },
  'own-administrator': {
    by: 'target owner',
    cause:
      "Keyturn's identity is an administrator of the server: whoever may define a trigger there would act as one through its statements.",
    remedy:
      'Make somebody else the Entra administrator, and give Keyturn the grants that docs/rotators.md names, and no more.',
  },
  'login-off': {
    by: 'target owner',
    cause:
      'A person switched off the login of the secret. Its password is right, and Keyturn switches no such login on.',
    remedy:
      'Switch it on (`ALTER LOGIN … ENABLE`), and Keyturn goes on by itself at the next look; or opt the secret out.',
  },
  'no-path': {
    by: 'network',
    cause: 'No network path leads from Keyturn to the target, so no password can be tried.',
    remedy:
      'Let the subnet of Keyturn through the firewall of the target, or give it a private endpoint.',
  },
  'cannot-tell': {
    by: 'target owner',
    cause:
      'The target answered, and what it answered says nothing of the stored value: it may be the right one.',
    remedy:
      'Clear away what the detail names, so that Keyturn can try the login from where it runs; the value stays as it is.',
  },
  'untrusted-server': {
    by: 'target owner',
    cause:
      'The server shows a certificate that Keyturn does not trust, or one of another host, or takes no TLS; nothing was sent to it.',
    remedy:
      'Let the server show a certificate for its name of an authority that Node trusts (NODE_EXTRA_CA_CERTS adds one), over TLS 1.2 or later.',
  },
  'login-blocked': {
    by: 'target owner',
    cause:
      'Nobody could use the login that the next rotation takes, whatever its password; nothing was changed.',
    remedy: 'Do what the detail names; Keyturn goes on by itself at the next look.',
  },
  'short-grace': {
    by: 'secret owner',
    cause: 'The grace is shorter than what was signed with the key may live.',
    remedy:
      'Lengthen `grace` in `rotator-policy`, or shorten `longest-sas` or the SAS policy of the account.',
  },
  'name-deleted': {
    by: 'operator',
    cause: 'The name of the secret lies in soft delete.',
    remedy: 'Recover the deleted secret, or purge it. Keyturn does neither.',
  },
  'too-large': {
    by: 'secret owner',
    cause: 'Tags, content type or value would not fit into a version.',
    remedy: 'Shorten or remove what the detail names.',
  },
  'unknown-value': {
    by: 'secret owner',
    cause: 'The target does not know the current value.',
    remedy: 'Store a value that it knows, or the word `keyturn:new`, or override.',
    overridable: true,
  },
  'bad-value': {
    by: 'secret owner',
    cause: 'The current value does not have the form that the tags describe.',
    remedy: 'Correct the value or the option `field`.',
  },
  'foreign-host': {
    by: 'secret owner',
    cause: 'The connection string names a host that is not the target.',
    remedy: 'Correct the connection string; Keyturn never dials it.',
  },
  'target-changed': {
    by: 'secret owner',
    cause: 'The tags name another target than the one that still has credentials of this secret.',
    remedy:
      'Set the tags back; or revoke at the former target and remove `rotator-state` from the versions that the detail names.',
  },
  'state-newer': {
    by: 'operator',
    cause: 'A newer release of Keyturn wrote the state.',
    remedy: 'Deploy that release again.',
  },
  'opt-in-lost': {
    by: 'secret owner',
    cause:
      'A new version of the secret came without the tag `rotator` that the former one carried.',
    remedy: 'Set the tags again, or ignore this if the secret was opted out.',
  },
  'locked-out': {
    by: 'operator',
    cause: 'The target refuses the stored value, and something keeps Keyturn from healing it.',
    remedy: 'Clear away what the detail names.',
  },
  overdue: {
    by: 'operator',
    cause: 'A rotation or a revocation has been due for days and does not come about.',
    remedy: 'Clear away what the detail names, before the version expires.',
  },
  'still-owed': {
    by: 'secret owner',
    cause:
      'The secret is disabled, deleted, or opted out with a value that its target does not accept, so that Keyturn cannot revoke the old credential that it still owes.',
    remedy:
      'Enable or recover the secret, or store a value that works, and it is revoked in time; or take away at the target what `owed` names.',
  },
  'slots-held': {
    by: 'secret owner',
    cause: 'Different secrets keep both slots of the target.',
    remedy: 'Store one value in all of them, so that one slot is free.',
  },
  'vault-policy': {
    by: 'operator',
    cause: 'The vault refuses the version: validity too long or missing, or content type missing.',
    remedy:
      'Set KEYTURN_VALIDITY_CAP to what the policy allows; where the vault takes it now, as after an exemption, request one rotation.',
  },
  'vault-forbidden': {
    by: 'operator',
    cause: 'The vault does not let Keyturn in.',
    remedy:
      'Assign the role Key Vault Secrets Officer, or the custom role of docs/permissions.md; roles take up to 30 minutes to spread.',
    alert: {
      remedy:
        "Give Keyturn's identity the role Key Vault Secrets Officer or the custom role of docs/permissions.md at the vault <vault>; roles take up to 30 minutes to spread.",
    },
  },
  'vault-firewall': {
    by: 'network',
    cause: 'The firewall of the vault refuses Keyturn.',
    remedy: 'Let the subnet of Keyturn in.',
  },
  'target-forbidden': {
    by: 'target owner',
    cause: 'The target does not let Keyturn do this.',
    remedy: 'Assign the role of this rotator with all its actions.',
    alert: {
      remedy:
        "Give Keyturn's identity the role `Keyturn <kind>` at the target, with all its actions: <actions>. Roles take minutes to spread.",
    },
  },
  'target-policy': {
    by: 'secret owner',
    cause:
      'A policy of the tenant refuses the credential: it would live too long, or none of its kind may be made.',
    remedy:
      'Shorten `every` or `grace` in `rotator-policy`, or have the policy changed; the old credential is untouched.',
  },
  'target-full': {
    by: 'target owner',
    cause: 'The target has as many credentials as it may.',
    remedy: 'Remove one that nobody uses; Keyturn removes none that it did not make.',
  },
  // what the doctor finds, beside all others
  'login-missing': {
    by: 'target owner',
    cause:
      'The other login that the tags name is not there, so the next rotation has none to take.',
    remedy: 'Make it at the server, with what the application needs of the first one.',
    quiet: true,
  },
  'no-events': {
    by: 'operator',
    cause:
      'No event subscription of the vault leads to Keyturn: what happens there is seen by the sweep alone, later.',
    remedy: 'Onboard the vault (infra/hooks/onboard.sh, or infra/vault.bicep).',
    quiet: true,
  },
  'versions-near': {
    by: 'secret owner',
    cause: 'The secret comes near to 480 versions, where no more is stored.',
    remedy: 'Move it to a new name before that.',
    quiet: true,
  },
  'expires-first': {
    by: 'secret owner',
    cause: 'The version expires before it may be replaced.',
    remedy: 'Widen the window or lift the hold, or request a rotation before the version expires.',
    quiet: true,
  },
  'short-validity': {
    by: 'operator',
    cause:
      'A new version would be valid for so short a time that it is due before it may be replaced.',
    remedy:
      'Shorten `grace` in `rotator-policy`, or raise KEYTURN_VALIDITY_CAP and the policy of the vault behind it.',
    quiet: true,
  },
  'not-told': {
    by: 'operator',
    cause:
      'It cannot be told without a change, or what would tell may not be read. Nothing is known against it.',
    remedy:
      'Where the detail names a right, give it to the identity of Keyturn; all of them only read.',
    quiet: true,
  },
  // prove, restore, revoke, rotate
  accepted: nobody('The target accepted the stored value.'),
  'state-wiped': nobody(
    'Somebody replaced the tags of a version that Keyturn wrote; the state is written back.',
    'Ignore `rotator-state` in your infrastructure code.',
  ),
  'grace-over': nobody('The grace of the previous credential is over.'),
  settled: nobody('Nothing is owed any more.'),
  asked: nobody('A person asked for it.'),
  due: nobody('The version is due.'),
  begun: nobody('An earlier pass began this rotation and did not finish.'),
  'value-refused': nobody('The target no longer accepts a value that Keyturn wrote.'),
  placeholder: nobody('The value is the placeholder `keyturn:new`.'),
  undo: nobody(
    'A person undid the last rotation: the credential that it replaced is current again.',
  ),
  // wait
  'not-due': nobody('The version is not due yet.'),
  grace: nobody('The previous credential is kept until its grace is over.'),
  unproved: {
    by: 'operator',
    cause: 'The target has not yet accepted the stored value in a pass after the store.',
    remedy: 'Look at the network path and the roles between Keyturn and the target.',
  },
  drift: {
    by: 'secret owner',
    cause:
      'The current version was not written by Keyturn while an older credential is still owed.',
    remedy:
      'Keep infrastructure code from writing the secret; the next rotation settles what is owed.',
  },
  paused: {
    by: 'secret owner',
    cause: 'The policy says `paused=true`.',
    remedy: 'Remove it to let Keyturn go on.',
    overridable: true,
    quiet: true,
  },
  stopping: nobody(
    'The worker that looked was told to stop; another one looks again within a minute.',
  ),
  window: {
    by: 'nobody',
    cause: 'Outside the window that the policy allows.',
    remedy: 'Wait for the window.',
    overridable: true,
    quiet: true,
  },
  hold: {
    by: 'secret owner',
    cause: 'A person put a hold on the secret, or on many at once; or KEYTURN_FREEZE does.',
    remedy: 'Wait, or lift the hold that the detail names.',
    overridable: true,
    quiet: true,
  },
  approval: {
    by: 'secret owner',
    cause:
      'It is due, and its policy says `approve=yes`: nothing is rotated before somebody has asked for it.',
    remedy: 'Ask for the rotation with `POST …/rotate`: that is the approval.',
    alert: {
      remedy:
        'It expires within a week: ask for the rotation with `POST …/rotate`, which is the approval; or strike `approve=yes`.',
    },
  },
  'too-soon': {
    by: 'nobody',
    cause: 'The current version is younger than 24 hours or than its grace.',
    remedy: 'Wait until it is older.',
    overridable: true,
  },
  'too-many': {
    by: 'operator',
    cause: 'Three rotations in 24 hours did not bring the secret to rest.',
    remedy: 'Find out who changes the value or the target.',
  },
  'too-many-versions': {
    by: 'secret owner',
    cause: 'The secret has 480 versions; backup ends at 500.',
    remedy: 'Move it to a new name.',
  },
  index: {
    by: 'operator',
    cause:
      'No complete sweep of all vaults in the last 26 hours, so it is not known which secrets keep which slot.',
    remedy: 'Wait for the next sweep; look at the vault that the detail names.',
    quiet: true,
  },
  'slot-held': {
    by: 'nobody',
    cause: 'Another secret still keeps or owes the slot, or may keep it.',
    remedy:
      'Let the secret that the detail names rotate, or opt it out. Where it only may keep the slot, a person may set this aside.',
    overridable: true,
  },
  'in-use': {
    by: 'secret owner',
    cause: 'Somebody still uses the old credential, and the policy says `revoke=when-unused`.',
    remedy:
      'Have whoever the detail names read the secret again; or end the grace with `POST …/revoke`, which asks for no evidence.',
  },
  'use-unknown': {
    by: 'operator',
    cause:
      'The policy says `revoke=when-unused`, and it cannot be told whether anybody still uses the old credential.',
    remedy:
      'Give Keyturn the right or the log that the detail names (docs/evidence.md), or strike `revoke=when-unused`. It is revoked at the limit.',
  },
  consumers: {
    by: 'nobody',
    cause:
      'Somebody who reads the secret has not followed to its new version yet, so what is owed is kept a while longer.',
    remedy:
      'Nothing to do: it ends when they have followed, at the latest a grace after the first. The detail names them; `revoke` ends it sooner, and the policy `consumers=tell` waits for nobody.',
    overridable: true,
  },
  'consumer-failed': {
    by: 'target owner',
    cause:
      'Somebody who reads the secret has not followed to its new version: what they use is revoked all the same.',
    remedy:
      "Have the consumer that the detail names read the secret again: give Keyturn's consumer role there, take a version out of the reference, or refresh it by hand. Take the tag `keyturn-consumes` off what no longer reads it.",
  },
  'holder-unknown': {
    by: 'secret owner',
    cause:
      'What this secret keeps at a target that it shares cannot be told, so its neighbours wait for it.',
    remedy:
      'Store a value that its tags describe, correct the tags, or enable it; or have the owner of the target take it out of the consent. A neighbour that cannot wait sets `slot-held` aside.',
  },
  settling: nobody('A write is on its way whose outcome is not known yet.'),
  'mode-observe': {
    by: 'operator',
    cause: 'This instance only observes.',
    remedy: 'Set KEYTURN_MODE to run.',
    quiet: true,
  },
  'mode-drain': {
    by: 'operator',
    cause: 'This instance only works off what is owed.',
    remedy: 'Set KEYTURN_MODE to run.',
    quiet: true,
  },
  rate: nobody('The rotations of this hour are used up.'),
  brake: {
    by: 'operator',
    cause: 'Rotations of this kind failed at five different targets, with no success in between.',
    remedy:
      'Mend the cause. One rotation tries every 15 minutes, and the first success lifts the brake, also of one that is requested by hand.',
  },
  'backing-off': nobody(
    'The last rotation failed; the next one is tried later.',
    'Look at lastFailure, which says why.',
  ),
  'lock-busy': nobody('Another pass holds the lock.'),
  'lock-lost': nobody('The lock of this pass ran out; nothing more was written.'),
  'vault-busy': {
    ...nobody('The vault answered 429, 409 or 5xx.', 'Keyturn asks again with growing pauses.'),
    alert: {
      by: 'operator',
      remedy: `${STILL_BUSY} of the vault, at its firewall and at the network path to it.`,
    },
  },
  'target-busy': {
    ...nobody('The target answered 429, 409 or 5xx.', 'Keyturn asks again with growing pauses.'),
    alert: {
      by: 'target owner',
      remedy: `${STILL_BUSY} of the target, at its firewall and at the network path to it.`,
    },
  },
  'storage-busy': {
    ...nobody("Keyturn's own storage did not answer.", 'Keyturn asks again with growing pauses.'),
    alert: { by: 'operator', remedy: `${STILL_BUSY} of the storage account that the app runs on.` },
  },
  // failures of a rotation
  'not-accepted': {
    by: 'operator',
    cause: 'The target did not accept the credential it had just issued.',
    remedy: 'Look at the target; the old credential is untouched.',
  },
  'store-refused': {
    by: 'operator',
    cause: 'The vault refused the new version; the new credential was disposed of.',
    remedy: 'Look at the vault; the old credential is untouched.',
  },
  conflict: {
    by: 'secret owner',
    cause: 'Somebody else stored a version during the rotation.',
    remedy: 'Find out who; the next look starts from what is current now.',
  },
  failed: {
    by: 'operator',
    cause: 'The pass failed for a reason that Keyturn does not know.',
    remedy: 'Look at the log record with this operation and request id.',
  },
  'audit-unwritten': {
    by: 'operator',
    cause:
      'A step was taken, and its audit record could not be written: it stands in the log alone.',
    remedy:
      "Let Keyturn's identity write blobs in its own storage account; keep the log records with the message `audit`.",
  },
  // messages of the queues
  unreadable: {
    by: 'operator',
    cause:
      'A message on a queue of Keyturn is neither JSON nor base64 of UTF-8; it was taken away unread.',
    remedy:
      'Find out who writes to the queue that the alert names: only Keyturn, and Event Grid on `keyturn-events`, should. No look is lost for it: the sweep finds what is due.',
  },
  'poison-left': {
    by: 'operator',
    cause: 'Messages lie in a poison queue, and nobody works them off.',
    remedy:
      'Look at the log of the function that reads the queue, and mend what it fails of; then delete the messages: the sweep finds what is due.',
  },
  'notice-undelivered': {
    by: 'operator',
    cause:
      'A sink of KEYTURN_NOTIFY has refused a notice, or has not taken it for three days: it was given up.',
    remedy:
      'Look at the sink that the alert names and at its address; the log has each notice that was not taken, by its id. What it was about stands in the inventory.',
  },
  exposed: {
    by: 'operator',
    cause:
      'The worker is set to show what it handles, or to trust any server, so that it does nothing.',
    remedy:
      'Remove the settings that are named: they make Node print, write to disk or give away values, and Keyturn cannot switch them off itself. Take tokens and values of the meantime for leaked.',
  },
  settings: {
    by: 'operator',
    cause: 'The settings of the app do not fit, so that it does nothing.',
    remedy:
      'Correct the settings that are named (docs/settings.md says what each expects); the app starts anew by itself.',
  },
  // requests over HTTP
  'bad-request': {
    by: 'secret owner',
    cause: 'The request does not have the documented shape.',
    remedy: 'Correct the field that the detail names.',
    quiet: true,
  },
  'length-required': {
    by: 'secret owner',
    cause:
      'The body came without a length; such a body does not reach Keyturn, so nothing was done.',
    remedy:
      'Send the body with the header `content-length` and without `transfer-encoding: chunked`.',
    quiet: true,
  },
  'no-token': {
    by: 'secret owner',
    cause: 'The bearer token is missing or not acceptable.',
    remedy: 'Get an Entra access token for the audience of this service.',
    quiet: true,
  },
  'no-role': {
    by: 'operator',
    cause: 'The token lacks the role.',
    remedy: 'Assign the app role to the caller.',
    quiet: true,
  },
  'too-many-groups': {
    by: 'operator',
    cause:
      'The caller is in too many groups: the token leaves them out, so no group can be found in the tags of a vault.',
    remedy:
      "Set `groupMembershipClaims` of the API's registration to `ApplicationGroup` and assign the group to its enterprise application, or name the caller itself in the tag.",
    quiet: true,
  },
  'not-found': {
    by: 'secret owner',
    cause: 'There is no such thing that you may see.',
    remedy: 'Check the names; the secret must be opted in.',
    quiet: true,
  },
  'owed-first': {
    by: 'secret owner',
    cause: 'An older credential is still owed.',
    remedy:
      'End its grace with `POST …/revoke`; or rotate with `rotateAgain: true`, which revokes it first; or wait for its grace.',
    quiet: true,
  },
  'nothing-owed': {
    by: 'secret owner',
    cause: 'No older credential is owed, so there is nothing to revoke.',
    remedy: 'To replace the current credential and end it at once, rotate with `revoke: now`.',
    quiet: true,
  },
  'not-ours': {
    by: 'secret owner',
    cause:
      'A person made the credential that was to be revoked, at a target that takes many: Keyturn removes none of those.',
    remedy:
      'Rotate without `revoke` and remove it at the target yourself; or let Keyturn remove what the secret kept, with the option `revoke-adopted=true`.',
    quiet: true,
  },
  'leak-untried': {
    by: 'operator',
    cause:
      'What leaked was replaced, but nobody has seen the target refuse it: its version could no longer be read.',
    remedy:
      'Try the old value yourself, if you have it; else look at the target whether the credential is gone.',
    quiet: true,
  },
  'undo-revoked': {
    by: 'secret owner',
    cause:
      'Nothing is left to go back to: the credential before the current one is revoked, or its slot was overwritten.',
    remedy: 'Rotate again, or mend what does not take the current value.',
    quiet: true,
  },
  'undo-overwritten': {
    by: 'secret owner',
    cause:
      'The target takes one credential at a time: the former one ended when the current one was set.',
    remedy: 'Rotate again, or mend what does not take the current value.',
    quiet: true,
  },
  'undo-not-ours': {
    by: 'secret owner',
    cause:
      'Keyturn did not write the current version, or does not look after the credential before it.',
    remedy:
      'Store the value that you want to go back to yourself; Keyturn looks after it from then on.',
    quiet: true,
  },
  'undo-refused': {
    by: 'secret owner',
    cause: 'The target does not take the former value, or it can not be read or tried.',
    remedy: 'Look at the detail; rotate again, or mend what does not take the current value.',
    quiet: true,
  },
  'no-identity': {
    by: 'operator',
    cause: 'The managed identity gave no token.',
    remedy: 'Assign the identity of KEYTURN_IDENTITY_CLIENT_ID to the app.',
  },
  'graph-permission': {
    by: 'operator',
    cause:
      'A permission of Microsoft Graph that an enabled rotator needs is not in the token of the identity.',
    remedy:
      'Grant it (infra/scripts/graph.sh). Where that was done after the time that the detail names, wait: a token keeps for up to a day what it was issued with.',
    quiet: true,
  },
  'no-keys': {
    by: 'network',
    cause: 'The signing keys of the tenant could not be had.',
    remedy: 'Try again.',
    quiet: true,
  },
  'too-many-operations': {
    by: 'secret owner',
    cause: 'You have 50 open operations.',
    remedy: 'Wait until some are done.',
    quiet: true,
  },
} as const satisfies Record<string, ReasonRow>;

export type Reason = keyof typeof reasons;

export const isReason = (text: string): text is Reason => Object.hasOwn(reasons, text);
export const reasonRow = (reason: Reason): ReasonRow => reasons[reason];
/** Whether it can be the reason of an alert: somebody must act, and nobody waits for the answer. */
export const canAlert = (reason: Reason): boolean => {
  const { by, alert, quiet } = reasonRow(reason);
  return !quiet && (alert !== undefined || by !== 'nobody');
};
