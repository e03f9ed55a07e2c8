/** The tenant of the demonstration: who is in it, and how old everything is when the story begins. */
import { randomBytes } from 'node:crypto';
import type { Azure } from '../azure/azure.ts';
import { startAzure } from '../azure/tenant.ts';
import * as clock from '../clock.ts';
import { uploadBlob } from './blob.ts';
import { application, bus, busRule, type Kind, kinds, sql, sqlLogins, storage } from './kinds.ts';

const DAY_MS = 86_400_000;
const START_MINUTES = 9 * 60 + 15;
const OTHERS_DAYS_BEFORE = 40;

/**
 * Hours from the start of the story to 30 days before the expiry, when Key Vault raises the event (azure-facts 2.3). No run
 * of the sweep falls into them, and they are too long for a look-again message: the rotations are the event's doing.
 */
export const HOURS_TO_NEAR_EXPIRY = 2;
/**
 * A value that a person stored is due a quarter of its validity before the expiry, and at the latest a turn after it was
 * stored: both are that moment.
 */
const TURN_DAYS = 90;
const STORED_HOURS_BEFORE = TURN_DAYS * 24 - HOURS_TO_NEAR_EXPIRY;
export const sweepSchedule = '0 7 */12 * * *';

/** What the printed curl rotates. */
export const manual = { vault: 'kv-web', secret: 'reports-storage', account: 'streports' } as const;
/** Opted in by its owner, but nobody at the target agreed. */
export const unconsented = { vault: 'kv-data', secret: 'lake-key', account: 'stlake' } as const;

/** Starts a tenant whose secrets are days and months old, and moves the clock to the start of the story. */
export async function startTenant(): Promise<Azure> {
  clock.install();
  const azure = await startAzure({
    tenant: {
      vaults: [{ name: 'kv-shop' }, { name: 'kv-web' }, { name: 'kv-data' }],
      accounts: [
        { name: storage.place, resourceGroup: 'rg-shop', consent: consentFor(storage) },
        {
          name: 'stmedia',
          resourceGroup: 'rg-web',
          consent: 'keyturn storage-account-key: kv-web/*',
        },
        {
          name: manual.account,
          resourceGroup: 'rg-web',
          consent: `keyturn storage-account-key: ${manual.vault}/${manual.secret}`,
        },
        {
          name: unconsented.account,
          resourceGroup: 'rg-data',
          consent: 'keyturn storage-account-key: kv-data/another-secret',
        },
      ],
      sqlServers: [
        {
          name: sql.place,
          resourceGroup: 'rg-shop',
          // Whoever lends logins of a server says which.
          consent: `${consentFor(sql)}(${sqlLogins.join(',')})`,
          logins: Object.fromEntries(sqlLogins.map((login) => [login, somePassword()])),
        },
      ],
      keyed: [
        {
          ...busRule,
          resourceGroup: 'rg-shop',
          above: {
            serviceBusEndpoint: `https://${bus.place}.servicebus.windows.net:443/`,
            disableLocalAuth: false,
          },
          consent: consentFor(bus),
        },
      ],
    },
  });
  const startOn = firstStart(new Date());
  moveTo(new Date(startOn.getTime() - STORED_HOURS_BEFORE * 3_600_000));
  registerApplication(azure, startOn);
  seedTold(azure, new Date(startOn.getTime() + 30 * DAY_MS + HOURS_TO_NEAR_EXPIRY * 3_600_000));
  await uploadBlob(azure, storage.place, azure.account(storage.place).key('key1'));
  moveTo(new Date(startOn.getTime() - OTHERS_DAYS_BEFORE * DAY_MS));
  seedOthers(azure);
  moveTo(new Date(startOn.getTime() - DAY_MS));
  optToldIn(azure);
  moveTo(startOn);
  return azure;
}

const consentFor = ({ rotator, vault, secret }: Kind): string =>
  `keyturn ${rotator}: ${vault}/${secret}`;
const somePassword = (): string => `Aa0-${randomBytes(16).toString('hex')}`;

/** Keyturn's identity owns it. Graph and Entra agree at once here: the story does not show how Keyturn waits for them. */
function registerApplication(azure: Azure, startOn: Date): void {
  const { vault, secret, place } = application;
  const registered = azure.ownedApplication(place, `${vault}/${secret}`);
  const endDateTime = new Date(startOn.getTime() + 365 * DAY_MS).toISOString();
  registered.addPassword({ displayName: 'made by a person', endDateTime });
  registered.spreading = { addSeconds: 0, removeSeconds: 0 };
  registered.staleReads = 0;
}

/** The first day at 09:15 UTC that leaves room for the months before. */
function firstStart(now: Date): Date {
  const midnight = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  return new Date(midnight + (TURN_DAYS + 1) * DAY_MS + START_MINUTES * 60_000);
}

const moveTo = (on: Date): void => clock.advance({ seconds: (on.getTime() - Date.now()) / 1000 });

const optIn = (azure: Azure, account: string): Record<string, string> => ({
  rotator: 'storage-account-key',
  'rotator-target': azure.account(account).id,
});

function seedTold(azure: Azure, expiresOn: Date): void {
  for (const { vault, secret, value } of kinds) {
    azure.vault(vault).set(secret, value(azure), {
      tags: { owner: 'team-orders' },
      contentType: 'text/plain',
      expiresOn,
    });
  }
}

/** Months after it was made, so that only its expiry makes it due: no secret is rotated because it was just opted in. */
function optToldIn(azure: Azure): void {
  for (const { vault, secret, rotator, options, target } of kinds) {
    const tags = {
      ...{
        rotator,
        'rotator-target': target(azure),
        'rotator-policy': `every=${TURN_DAYS}d;grace=48h`,
        owner: 'team-orders',
      },
      ...(options === undefined ? {} : { 'rotator-options': options }),
    };
    azure.vault(vault).retag(secret, '', tags);
  }
}

function seedOthers(azure: Azure): void {
  const expiresOn = new Date(Date.now() + 180 * DAY_MS);
  const key = (account: string) => azure.account(account).key('key1');
  azure
    .vault('kv-web')
    .set('media-key', key('stmedia'), { tags: optIn(azure, 'stmedia'), expiresOn });
  const settings = JSON.stringify({ account: manual.account, key: key(manual.account) });
  const tags = { ...optIn(azure, manual.account), 'rotator-options': 'field=key' };
  azure
    .vault(manual.vault)
    .set(manual.secret, settings, { tags, contentType: 'application/json', expiresOn });
  const lake = { tags: optIn(azure, unconsented.account), expiresOn };
  azure.vault(unconsented.vault).set(unconsented.secret, key(unconsented.account), lake);
  azure.vault('kv-data').set('partner-token', 'made-by-a-person', { tags: { owner: 'team-data' } });
}
