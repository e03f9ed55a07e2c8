/**
 * What alerts say, word for word: every reason that can be alerted has its text here, and every kind that knows better what
 * helps. A reason without a text fails, and so does a text that changed by accident.
 */
import { describe, expect, it } from '@jest/globals';
import { clouds } from '../../src/azure/cloud.ts';
import { withAlertWords } from '../../src/core/alertWords.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { LogFields } from '../../src/core/log.ts';
import { canAlert, isReason, type Reason, reasons } from '../../src/core/reasons.ts';
import type { Config, Mode } from '../../src/ports/deps.ts';
import { alertOrCount } from '../../src/reconcile/record/alertOrCount.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';

const credential = { getToken: () => Promise.reject(new Error('An alert asks for no token.')) };
const rotators = registry(
  allRotators({ cloud: clouds.AzureCloud, credential, clock: systemClock, tenantId: '' }),
);
const PUBLIC = 'https://keyturn.example.com';
const TARGET =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourcegroups/rg1/providers/…/orders';
const ABOUT = { owner: 'team-orders', target: TARGET, expiresOn: new Date('2027-01-05T10:00:00Z') };

interface Told {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** The one record of an alert about `kv1/orders`, as the log of the app gets it. */
async function told(reason: Reason, kind: string, mode: Mode = 'run'): Promise<Told> {
  const records: Told[] = [];
  const log = withAlertWords(
    (level, message, fields = {}) => records.push({ level, message, fields }),
    {
      publicUrl: PUBLIC,
      observes: mode === 'observe',
    },
  );
  const alerts = {
    isFirst: () => Promise.resolve(true),
    count: () => Promise.reject(new Error('It is the first.')),
    counted: async function* () {},
    told: () => Promise.resolve(),
  };
  const config = { mode } as Config;
  const facts = {
    ...ABOUT,
    kind,
    part: { names: ['app_a', 'app_b'], always: true } as const,
    detail: 'Why, in words.',
    incident: 'first',
  };
  const deps = { alerts, log, rotators, config, clock: systemClock };
  await alertOrCount({ vault: 'kv1', name: 'orders' }, reason, facts, deps);
  const [record, ...more] = records;
  if (!record || more.length > 0) throw new Error(`${records.length} records`);
  return record;
}

/** What every alert about a secret has beside the words of its reason. */
const common = (reason: Reason, kind: string) => ({
  ...{ vault: 'kv1', name: 'orders', reason, ...ABOUT, kind, detail: 'Why, in words.' },
  link: `${PUBLIC}/api/reasons/${reason}`,
});

interface Words {
  readonly cause: string;
  readonly by: string;
  readonly remedy: string;
}

const GOLDEN: Readonly<Record<string, Words>> = {
  managed: {
    cause: 'The secret is managed by a certificate.',
    by: 'secret owner',
    remedy: 'Rotate the certificate, and remove the tag `rotator` from the secret.',
  },
  'other-instance': {
    cause: 'The tag `keyturn` of the vault names another instance.',
    by: 'operator',
    remedy:
      'Set the tag back if that is a mistake: until then nothing is rotated or revoked there. If it is not, the other instance works off what is owed.',
  },
  'not-allowed': {
    cause: 'The vault is not on the list of this instance.',
    by: 'operator',
    remedy:
      'Add its resource id to KEYTURN_VAULTS, or tag it `keyturn` in a subscription of KEYTURN_SUBSCRIPTIONS.',
  },
  undiscovered: {
    cause: 'Azure Resource Graph gave no usable list of the vaults; the last one serves.',
    by: 'operator',
    remedy:
      'Give Keyturn Microsoft.ResourceGraph/resources/read and Microsoft.KeyVault/vaults/read in every subscription of KEYTURN_SUBSCRIPTIONS; look at the detail.',
  },
  'no-rbac': {
    cause:
      'The tag `keyturn` of the vault names this instance, but the vault works with access policies.',
    by: 'operator',
    remedy: 'Switch the vault to Azure RBAC, or name it in KEYTURN_VAULTS, or remove the tag.',
  },
  'vault-replaced': {
    cause:
      'Discovery found a vault whose name was served before by another resource id. Consents go by names, so the vault is left alone.',
    by: 'operator',
    remedy:
      'If it may have what owners gave to that name, name its resource id in KEYTURN_VAULTS; if not, remove its tag `keyturn`, and the name from the consents.',
  },
  'vault-vanished': {
    cause:
      'Discovery no longer finds a vault that it had found; its rows are kept, its secrets are left alone.',
    by: 'operator',
    remedy:
      'Restore its tag `keyturn` or the right to read it; if it is gone for good, nothing: it is shown for 30 days.',
  },
  'bad-tags': {
    cause: 'A tag of the secret does not parse.',
    by: 'secret owner',
    remedy: 'Correct the tag that the detail names.',
  },
  'exempt-ended': {
    cause: 'The exemption of the secret has ended, and it is still opted out.',
    by: 'secret owner',
    remedy:
      'Opt it in, or say in `rotator-exempt` until when it is exempt now; remove that tag where nobody has to answer for it.',
  },
  'unknown-rotator': {
    cause: 'No rotator has that name.',
    by: 'secret owner',
    remedy: 'Use one of the names that the detail lists.',
  },
  'kind-off': {
    cause: 'This kind of rotator is not switched on.',
    by: 'operator',
    remedy: 'Add it to KEYTURN_ROTATORS.',
  },
  'no-consent': {
    cause: 'There is no such target, or it does not name this secret for this kind.',
    by: 'target owner',
    remedy:
      'Name the secret in the description of the role that Keyturn is assigned at the target: `keyturn storage-account-key: kv1/orders(app_a,app_b)` (infra/scripts/consent.sh adds it).',
  },
  'own-application': {
    cause:
      'The target is the app registration that Keyturn itself runs as, or that guards its API.',
    by: 'secret owner',
    remedy: 'It needs no secret: Keyturn has an identity, and callers have their own.',
  },
  'own-storage': {
    cause: 'The target is the storage account that Keyturn itself runs on.',
    by: 'secret owner',
    remedy: 'Let Keyturn use that account by identity; do not rotate its keys.',
  },
  'scope-locked': {
    cause: 'A resource lock forbids the change.',
    by: 'target owner',
    remedy: 'Remove the lock, or opt the secret out.',
  },
  'keys-off': {
    cause: 'Shared keys are switched off at the account, so no key opens it.',
    by: 'secret owner',
    remedy: 'Use identities and drop the secret.',
  },
  'entra-only': {
    cause:
      'The server takes identities of Entra alone, so no password opens it and none can be set.',
    by: 'secret owner',
    remedy: 'Use identities and drop the secret, or switch Entra-only authentication off.',
  },
  'own-administrator': {
    cause:
      "Keyturn's identity is an administrator of the server: whoever may define a trigger there would act as one through its statements.",
    by: 'target owner',
    remedy:
      'Make somebody else the Entra administrator, and give Keyturn the grants that docs/rotators.md names, and no more.',
  },
  'login-off': {
    cause:
      'A person switched off the login of the secret. Its password is right, and Keyturn switches no such login on.',
    by: 'target owner',
    remedy:
      'Switch it on (`ALTER LOGIN … ENABLE`), and Keyturn goes on by itself at the next look; or opt the secret out.',
  },
  'no-path': {
    cause: 'No network path leads from Keyturn to the target, so no password can be tried.',
    by: 'network',
    remedy:
      'Let the subnet of Keyturn through the firewall of the target, or give it a private endpoint.',
  },
  'cannot-tell': {
    cause:
      'The target answered, and what it answered says nothing of the stored value: it may be the right one.',
    by: 'target owner',
    remedy:
      'Clear away what the detail names, so that Keyturn can try the login from where it runs; the value stays as it is.',
  },
  'untrusted-server': {
    cause:
      'The server shows a certificate that Keyturn does not trust, or one of another host, or takes no TLS; nothing was sent to it.',
    by: 'target owner',
    remedy:
      'Let the server show a certificate for its name of an authority that Node trusts (NODE_EXTRA_CA_CERTS adds one), over TLS 1.2 or later.',
  },
  'login-blocked': {
    cause:
      'Nobody could use the login that the next rotation takes, whatever its password; nothing was changed.',
    by: 'target owner',
    remedy: 'Do what the detail names; Keyturn goes on by itself at the next look.',
  },
  'short-grace': {
    cause: 'The grace is shorter than what was signed with the key may live.',
    by: 'secret owner',
    remedy:
      'Lengthen `grace` in `rotator-policy`, or shorten `longest-sas` or the SAS policy of the account.',
  },
  'name-deleted': {
    cause: 'The name of the secret lies in soft delete.',
    by: 'operator',
    remedy: 'Recover the deleted secret, or purge it. Keyturn does neither.',
  },
  'too-large': {
    cause: 'Tags, content type or value would not fit into a version.',
    by: 'secret owner',
    remedy: 'Shorten or remove what the detail names.',
  },
  'unknown-value': {
    cause: 'The target does not know the current value.',
    by: 'secret owner',
    remedy: 'Store a value that it knows, or the word `keyturn:new`, or override.',
  },
  'bad-value': {
    cause: 'The current value does not have the form that the tags describe.',
    by: 'secret owner',
    remedy: 'Correct the value or the option `field`.',
  },
  'foreign-host': {
    cause: 'The connection string names a host that is not the target.',
    by: 'secret owner',
    remedy: 'Correct the connection string; Keyturn never dials it.',
  },
  'target-changed': {
    cause: 'The tags name another target than the one that still has credentials of this secret.',
    by: 'secret owner',
    remedy:
      'Set the tags back; or revoke at the former target and remove `rotator-state` from the versions that the detail names.',
  },
  'state-newer': {
    cause: 'A newer release of Keyturn wrote the state.',
    by: 'operator',
    remedy: 'Deploy that release again.',
  },
  'opt-in-lost': {
    cause:
      'A new version of the secret came without the tag `rotator` that the former one carried.',
    by: 'secret owner',
    remedy: 'Set the tags again, or ignore this if the secret was opted out.',
  },
  'locked-out': {
    cause: 'The target refuses the stored value, and something keeps Keyturn from healing it.',
    by: 'operator',
    remedy: 'Clear away what the detail names.',
  },
  overdue: {
    cause: 'A rotation or a revocation has been due for days and does not come about.',
    by: 'operator',
    remedy: 'Clear away what the detail names, before the version expires.',
  },
  'still-owed': {
    cause:
      'The secret is disabled, deleted, or opted out with a value that its target does not accept, so that Keyturn cannot revoke the old credential that it still owes.',
    by: 'secret owner',
    remedy:
      'Enable or recover the secret, or store a value that works, and it is revoked in time; or take away at the target what `owed` names.',
  },
  approval: {
    cause:
      'It is due, and its policy says `approve=yes`: nothing is rotated before somebody has asked for it.',
    by: 'secret owner',
    remedy:
      'It expires within a week: ask for the rotation with `POST …/rotate`, which is the approval; or strike `approve=yes`.',
  },
  'slots-held': {
    cause: 'Different secrets keep both slots of the target.',
    by: 'secret owner',
    remedy: 'Store one value in all of them, so that one slot is free.',
  },
  'vault-policy': {
    cause: 'The vault refuses the version: validity too long or missing, or content type missing.',
    by: 'operator',
    remedy:
      'Set KEYTURN_VALIDITY_CAP to what the policy allows; where the vault takes it now, as after an exemption, request one rotation.',
  },
  'vault-forbidden': {
    cause: 'The vault does not let Keyturn in.',
    by: 'operator',
    remedy:
      "Give Keyturn's identity the role Key Vault Secrets Officer or the custom role of docs/permissions.md at the vault kv1; roles take up to 30 minutes to spread.",
  },
  'vault-firewall': {
    cause: 'The firewall of the vault refuses Keyturn.',
    by: 'network',
    remedy: 'Let the subnet of Keyturn in.',
  },
  'target-forbidden': {
    cause: 'The target does not let Keyturn do this.',
    by: 'target owner',
    remedy:
      "Give Keyturn's identity the role `Keyturn storage-account-key` at the target, with all its actions: Microsoft.Storage/storageAccounts/read, Microsoft.Storage/storageAccounts/listKeys/action, Microsoft.Storage/storageAccounts/regenerateKey/action. Roles take minutes to spread.",
  },
  'target-policy': {
    cause:
      'A policy of the tenant refuses the credential: it would live too long, or none of its kind may be made.',
    by: 'secret owner',
    remedy:
      'Shorten `every` or `grace` in `rotator-policy`, or have the policy changed; the old credential is untouched.',
  },
  'target-full': {
    cause: 'The target has as many credentials as it may.',
    by: 'target owner',
    remedy: 'Remove one that nobody uses; Keyturn removes none that it did not make.',
  },
  unproved: {
    cause: 'The target has not yet accepted the stored value in a pass after the store.',
    by: 'operator',
    remedy: 'Look at the network path and the roles between Keyturn and the target.',
  },
  drift: {
    cause:
      'The current version was not written by Keyturn while an older credential is still owed.',
    by: 'secret owner',
    remedy:
      'Keep infrastructure code from writing the secret; the next rotation settles what is owed.',
  },
  'too-many': {
    cause: 'Three rotations in 24 hours did not bring the secret to rest.',
    by: 'operator',
    remedy: 'Find out who changes the value or the target.',
  },
  'too-many-versions': {
    cause: 'The secret has 480 versions; backup ends at 500.',
    by: 'secret owner',
    remedy: 'Move it to a new name.',
  },
  'in-use': {
    cause: 'Somebody still uses the old credential, and the policy says `revoke=when-unused`.',
    by: 'secret owner',
    remedy:
      'Have whoever the detail names read the secret again; or end the grace with `POST …/revoke`, which asks for no evidence.',
  },
  'use-unknown': {
    cause:
      'The policy says `revoke=when-unused`, and it cannot be told whether anybody still uses the old credential.',
    by: 'operator',
    remedy:
      'Give Keyturn the right or the log that the detail names (docs/evidence.md), or strike `revoke=when-unused`. It is revoked at the limit.',
  },
  'holder-unknown': {
    cause:
      'What this secret keeps at a target that it shares cannot be told, so its neighbours wait for it.',
    by: 'secret owner',
    remedy:
      'Store a value that its tags describe, correct the tags, or enable it; or have the owner of the target take it out of the consent. A neighbour that cannot wait sets `slot-held` aside.',
  },
  brake: {
    cause: 'Rotations of this kind failed at five different targets, with no success in between.',
    by: 'operator',
    remedy:
      'Mend the cause. One rotation tries every 15 minutes, and the first success lifts the brake, also of one that is requested by hand.',
  },
  'vault-busy': {
    cause: 'The vault answered 429, 409 or 5xx.',
    by: 'operator',
    remedy:
      'It has been so for an hour; Keyturn goes on asking. Look at the health of the vault, at its firewall and at the network path to it.',
  },
  'target-busy': {
    cause: 'The target answered 429, 409 or 5xx.',
    by: 'target owner',
    remedy:
      'It has been so for an hour; Keyturn goes on asking. Look at the health of the target, at its firewall and at the network path to it.',
  },
  'storage-busy': {
    cause: "Keyturn's own storage did not answer.",
    by: 'operator',
    remedy:
      'It has been so for an hour; Keyturn goes on asking. Look at the health of the storage account that the app runs on.',
  },
  'not-accepted': {
    cause: 'The target did not accept the credential it had just issued.',
    by: 'operator',
    remedy: 'Look at the target; the old credential is untouched.',
  },
  'store-refused': {
    cause: 'The vault refused the new version; the new credential was disposed of.',
    by: 'operator',
    remedy: 'Look at the vault; the old credential is untouched.',
  },
  'consumer-failed': {
    cause:
      'Somebody who reads the secret has not followed to its new version: what they use is revoked all the same.',
    by: 'target owner',
    remedy:
      "Have the consumer that the detail names read the secret again: give Keyturn's consumer role there, take a version out of the reference, or refresh it by hand. Take the tag `keyturn-consumes` off what no longer reads it.",
  },
  conflict: {
    cause: 'Somebody else stored a version during the rotation.',
    by: 'secret owner',
    remedy: 'Find out who; the next look starts from what is current now.',
  },
  failed: {
    cause: 'The pass failed for a reason that Keyturn does not know.',
    by: 'operator',
    remedy: 'Look at the log record with this operation and request id.',
  },
  'audit-unwritten': {
    cause:
      'A step was taken, and its audit record could not be written: it stands in the log alone.',
    by: 'operator',
    remedy:
      "Let Keyturn's identity write blobs in its own storage account; keep the log records with the message `audit`.",
  },
  unreadable: {
    cause:
      'A message on a queue of Keyturn is neither JSON nor base64 of UTF-8; it was taken away unread.',
    by: 'operator',
    remedy:
      'Find out who writes to the queue that the alert names: only Keyturn, and Event Grid on `keyturn-events`, should. No look is lost for it: the sweep finds what is due.',
  },
  'poison-left': {
    cause: 'Messages lie in a poison queue, and nobody works them off.',
    by: 'operator',
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
    cause:
      'The worker is set to show what it handles, or to trust any server, so that it does nothing.',
    by: 'operator',
    remedy:
      'Remove the settings that are named: they make Node print, write to disk or give away values, and Keyturn cannot switch them off itself. Take tokens and values of the meantime for leaked.',
  },
  settings: {
    cause: 'The settings of the app do not fit, so that it does nothing.',
    by: 'operator',
    remedy:
      'Correct the settings that are named (docs/settings.md says what each expects); the app starts anew by itself.',
  },
  'no-identity': {
    cause: 'The managed identity gave no token.',
    by: 'operator',
    remedy: 'Assign the identity of KEYTURN_IDENTITY_CLIENT_ID to the app.',
  },
};

/** Remedies of kinds that know better, by kind and reason. */
const OWN: Readonly<Record<string, string>> = {
  'app-registration target-forbidden':
    "Make Keyturn's identity an owner of the application, and give it the application permission Application.ReadWrite.OwnedBy of Microsoft Graph: infra/scripts/graph.sh does both. A token keeps for up to a day what it was issued with.",
  'app-registration unproved':
    'Mend what keeps the application from getting a token; its client secrets go on rotating meanwhile.',
  'app-registration no-consent':
    'Add `keyturn app-registration: kv1/orders(app_a,app_b)` to the tags of the application.',
  'mysql-login target-forbidden':
    "Where the detail names the server: as its Entra administrator, make Keyturn's identity the user that KEYTURN_DATABASE_USER names, and `GRANT CREATE USER ON *.*` and `GRANT SELECT ON mysql.*` to it. Where it names Azure: give the identity the role `Keyturn mysql-login` at the server, with all its actions: Microsoft.DBforMySQL/flexibleServers/read.",
  'postgresql-login target-forbidden':
    "Where the detail names the server: as its Entra administrator, in the database `postgres`, make Keyturn's identity the role that KEYTURN_DATABASE_USER names, with CREATEROLE, and from PostgreSQL 16 on also `GRANT <login> TO <that role> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE` for each login of the tags. Where it names Azure: give the identity the role `Keyturn postgresql-login` at the server, with all its actions: Microsoft.DBforPostgreSQL/flexibleServers/read.",
  'postgresql-login keys-off':
    'Use identities and drop the secret, or let the server take passwords beside them.',
  'sql-login target-forbidden':
    "Where the detail names the server: as its Entra administrator, in `master`, run `CREATE LOGIN [name of Keyturn's identity] FROM EXTERNAL PROVIDER` and `ALTER SERVER ROLE [##MS_LoginManager##] ADD MEMBER [name of Keyturn's identity]` (for users of one database, there: `CREATE USER … FROM EXTERNAL PROVIDER` and `GRANT ALTER ANY USER TO …`), and see that the logins of the tags exist. Where it names Azure: give the identity the role `Keyturn sql-login` at the server, with all its actions: Microsoft.Sql/servers/read, Microsoft.Sql/servers/failoverGroups/read.",
  'sql-single-login target-forbidden':
    "Where the detail names the server: as its Entra administrator, in `master`, run `CREATE LOGIN [name of Keyturn's identity] FROM EXTERNAL PROVIDER` and `ALTER SERVER ROLE [##MS_LoginManager##] ADD MEMBER [name of Keyturn's identity]` (for users of one database, there: `CREATE USER … FROM EXTERNAL PROVIDER` and `GRANT ALTER ANY USER TO …`), and see that the logins of the tags exist. Where it names Azure: give the identity the role `Keyturn sql-single-login` at the server, with all its actions: Microsoft.Sql/servers/read, Microsoft.Sql/servers/failoverGroups/read.",
};

describe('OPS-04: what an alert says', () => {
  it.each(Object.keys(reasons).filter(isReason).filter(canAlert))(
    'of %s, word for word',
    async (reason) => {
      const kind = 'storage-account-key';
      expect(await told(reason, kind)).toEqual({
        ...{ level: 'error', message: 'alert' },
        fields: { ...common(reason, kind), ...GOLDEN[reason] },
      });
    },
  );

  it('has a text for what can be alerted and for nothing else', () => {
    expect(Object.keys(GOLDEN).sort()).toEqual(
      Object.keys(reasons).filter(isReason).filter(canAlert).sort(),
    );
  });

  const own = rotators.types.flatMap((kind) =>
    Object.keys(rotators.get(kind)?.remedies ?? {})
      .filter(isReason)
      .map((reason): [string, Reason] => [kind, reason]),
  );
  it.each(own)('for %s, which knows better what helps with %s', async (kind, reason) => {
    const { fields } = await told(reason, kind);
    expect(fields).toEqual({
      ...{ ...common(reason, kind), cause: GOLDEN[reason]?.cause, by: GOLDEN[reason]?.by },
      remedy: OWN[`${kind} ${reason}`],
    });
  });

  it('leaves no placeholder, of whatever kind', async () => {
    for (const kind of rotators.types)
      for (const reason of Object.keys(reasons).filter(isReason).filter(canAlert)) {
        const { fields } = await told(reason, kind);
        expect([
          kind,
          reason,
          JSON.stringify(fields).match(/<(vault|secret|kind|consent|actions)>/g),
        ]).toEqual([kind, reason, null]);
      }
  });

  it('tells where somebody acts who can: nobody is called for what ends by itself', () => {
    const idle = Object.entries(GOLDEN).filter(
      ([, { by, remedy }]) => by === 'nobody' || /nothing to do/i.test(remedy),
    );
    expect(idle).toEqual([]);
  });
});

describe('OPS-06: an instance that only observes', () => {
  it.each(Object.keys(reasons).filter(isReason).filter(canAlert))(
    'lists %s and calls nobody',
    async (reason) => {
      const kind = 'storage-account-key';
      expect(await told(reason, kind, 'observe')).toEqual({
        ...{ level: 'info', message: 'would alert' },
        fields: { ...common(reason, kind), ...GOLDEN[reason] },
      });
    },
  );
});
