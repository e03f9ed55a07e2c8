/**
 * One rotation from the near-expiry event to the refused old key, told as it is seen: in the tenant's call log, in the
 * vault's versions, in the product's log, and by blob calls. Nothing is said that was not seen.
 */
import type { Azure } from '../azure/azure.ts';
import type { LoggedCall } from '../azure/calls.ts';
import type { Version } from '../azure/vault.ts';
import * as clock from '../clock.ts';
import type { Host } from '../host/host.ts';
import { readBlob } from './blob.ts';
import type { Records, WebhookAnswer } from './records.ts';
import type { Teller } from './teller.ts';
import { HOURS_TO_NEAR_EXPIRY, hero, unconsented } from './tenant.ts';

export interface Stage {
  readonly azure: Azure;
  readonly host: Host;
  readonly records: Records;
  readonly webhook: readonly WebhookAnswer[];
  readonly teller: Teller;
}

const title = `${hero.vault}/${hero.secret}`;
const heroRecord = { vault: hero.vault, name: hero.secret };
const HALF_GRACE_HOURS = 24;
/** The time in the obligation is rounded up to the minute. */
const ROUNDED_UP_MINUTES = 2;

export async function tellStory(stage: Stage): Promise<void> {
  const oldKey = stage.azure.account(hero.account).key('key1');
  await subscribe(stage);
  await indexMade(stage);
  await blobAnswers(stage, { 'the key in the vault (key1)': [oldKey, 200] });
  await eventDelivered(stage);
  const stored = await rotated(stage, oldKey);
  await proved(stage, stored);
  const newKey = stage.azure.account(hero.account).key('key2');
  await blobAnswers(stage, { 'the new key (key2)': [newKey, 200], 'the old key (key1), in its grace': [oldKey, 200] });
  await revoked(stage, stored);
  await blobAnswers(stage, { 'the old key': [oldKey, 403], 'the new key': [newKey, 200] });
  nothingElse(stage);
}

async function subscribe({ azure, host, webhook, teller }: Stage): Promise<void> {
  const vaults = [...azure.world.vaults.values()];
  const subscriptions = vaults.map(({ name, id }) =>
    azure.eventGrid.subscribe({ name: `keyturn-${name}`, vaultId: id, endpoint: host.eventGridUrl('secretEvents') }),
  );
  await teller.within('the handshake of Event Grid', 10, Promise.all(subscriptions));
  const agreed = webhook.filter(({ type, status }) => type === 'SubscriptionValidation' && status === 200);
  teller.say(`Event Grid: ${agreed.length} handshakes answered 200, one subscription for each vault`);
}

/** The first sweep: who holds which slot must be known before any is touched. */
async function indexMade({ azure, host, records, teller }: Stage): Promise<void> {
  await teller.within('the end of the first sweep', 10, host.invoke('sweep'));
  const [swept] = records.matching('swept');
  teller.must('the sweep has listed every vault', swept?.unlisted === '' && swept.vaults === azure.world.vaults.size);
  await teller.within('a look at each secret that the sweep has queued', 15, host.drain());
  const waiting = records.matching('decided', { kind: 'wait', reason: 'not-due' });
  teller.say(
    `Sweep: ${swept?.vaults} vaults listed, ${swept?.secrets} secrets, ${swept?.optedIn} opted in; ${waiting.length} looked at and not due: the index is made`,
  );
  const { vault, secret: name } = unconsented;
  const alerts = records.matching('alert', { vault, name, reason: 'no-consent' });
  teller.must(`one alert for ${vault}/${name}, whose target's owner has not agreed`, alerts.length === 1);
  teller.say(`${vault}/${name}: refused, no-consent, one alert (the owner of ${unconsented.account} did not name it)`);
  teller.must('nothing was written to a vault or a target so far', changes(azure).length === 0);
}

async function eventDelivered({ webhook, records, teller }: Stage): Promise<void> {
  const { length } = webhook;
  clock.advance({ hours: HOURS_TO_NEAR_EXPIRY });
  teller.say(`... clock moved by ${HOURS_TO_NEAR_EXPIRY} h: ${title} is 30 days before its expiry`);
  const { status } = await teller.until('the delivery of the near-expiry event', 10, () =>
    webhook.slice(length).find(({ type }) => type === 'Notification'),
  );
  teller.must(`the webhook accepted the near-expiry event (it answered ${status})`, status === 202);
  teller.say(`Event Grid delivered SecretNearExpiry: accepted, ${status}`);
  const due = { ...heroRecord, kind: 'rotate', reason: 'due', cause: 'event' };
  await teller.until(`the decision to rotate ${title}`, 10, () => records.matching('decided', due)[0]);
  teller.say(`${title}: looked at because of the event, due, to be rotated`);
}

async function rotated({ azure, teller }: Stage, oldKey: string): Promise<Version> {
  const account = azure.account(hero.account);
  const call = await teller.until(`regenerateKey at ${hero.account}`, 10, () => regenerations(azure)[0]);
  teller.must(`key1, which is in use, was left alone`, account.key('key1') === oldKey);
  teller.say(
    `${hero.account}: key2 regenerated (ARM ${action(call)}, ${call.status}); key1, which is in use, is untouched`,
  );
  const stored = await teller.until(`a new version of ${title}`, 10, () => secondVersion(azure));
  teller.must('the new version holds key2', stored.value.includes(account.key('key2')));
  teller.must("the owner's tags and content type are on it", inherits(stored, azure));
  teller.say(`${title}: version ${stored.id} stored; it holds key2 and the owner's tags, expires ${day(stored.exp)}`);
  return stored;
}

async function proved({ azure, teller }: Stage, stored: Version): Promise<void> {
  const state = await teller.until(`the proof of version ${stored.id}`, 10, () => {
    const found = stateOf(azure.vault(hero.vault).version(hero.secret, stored.id));
    return found.get('proved') === stored.id.slice(0, 8) ? found : undefined;
  });
  teller.must('key1 is owed', state.get('after') !== undefined);
  teller.say(`${title}: proved, a later pass read version ${stored.id.slice(0, 8)} and ${hero.account} accepted it`);
  teller.say(`${title}: key1 is owed, to be revoked after ${state.get('after')}`);
}

/** In two steps, as real time would: without a sweep for more than 26 h nothing is revoked. */
async function revoked({ azure, host, records, teller }: Stage, stored: Version): Promise<void> {
  const swept = async (time: Parameters<typeof clock.advance>[0]) => {
    const { length } = records.all;
    clock.advance(time);
    await teller.until('the sweep that the timer starts', 10, () => records.matching('swept', {}, length)[0]);
  };
  await swept({ hours: HALF_GRACE_HOURS });
  await teller.within('the looks that the sweep has queued', 10, host.drain());
  teller.must('nothing is revoked in the grace', regenerations(azure).length === 1);
  teller.say(`... clock moved by ${HALF_GRACE_HOURS} h: the timer has swept; key1 is in its grace, nothing revoked`);
  await swept({ hours: HALF_GRACE_HOURS, minutes: ROUNDED_UP_MINUTES });
  teller.say(`... clock moved by ${HALF_GRACE_HOURS} h more and ${ROUNDED_UP_MINUTES} minutes: 48 h of grace are over`);
  const call = await teller.until(`the second regenerateKey at ${hero.account}`, 10, () => regenerations(azure)[1]);
  teller.say(`${hero.account}: key1 revoked (ARM ${action(call)}, ${call.status}: a new value that nobody reads)`);
  const first = () => azure.vault(hero.vault).versions(hero.secret)[0];
  const closed = () => first()?.enabled === false && stateOf(first()).get('revoked') === '1';
  await teller.until(`the mark on the old version of ${title}`, 10, closed);
  const open = () => stateOf(azure.vault(hero.vault).version(hero.secret, stored.id)).has('after');
  await teller.until('the end of the obligation', 10, () => !open());
  teller.say(`${title}: version ${first()?.id.slice(0, 8)} marked revoked and disabled; nothing is owed any more`);
}

async function blobAnswers({ azure, teller }: Stage, calls: Record<string, [string, number]>): Promise<void> {
  for (const [name, [key, expected]] of Object.entries(calls)) {
    const status = await teller.within('the answer to a blob call', 5, readBlob(azure, hero.account, key));
    teller.must(`a blob call with ${name} gets ${expected} (it got ${status})`, status === expected);
    teller.say(`Blob call at ${hero.account} with ${name}: ${status}`);
  }
}

/** What was promised about all others: one account, one secret, two versions. */
function nothingElse({ azure, records, teller }: Stage): void {
  const elsewhere = changes(azure).filter(
    ({ host, path }) => !host.startsWith(hero.vault) && !path.includes(hero.account),
  );
  teller.must('no other vault or target was changed', elsewhere.length === 0);
  teller.must('there is one new version, not more', azure.vault(hero.vault).versions(hero.secret).length === 2);
  teller.must('there was one alert, not more', records.matching('alert').length === 1);
  teller.must(
    `the stand-in had no fault of its own (${azure.problems.map(String).join(', ')})`,
    azure.problems.length === 0,
  );
  teller.say(`Call log: ${changes(azure).length} writes by Keyturn, all at ${hero.vault} and ${hero.account}; 1 alert`);
}

/** Writes by Keyturn's identity that were carried out. */
const changes = (azure: Azure): LoggedCall[] =>
  azure.changes().filter(({ principal }) => principal === azure.world.identity.oid);
const regenerations = (azure: Azure): LoggedCall[] =>
  changes(azure).filter(({ route, path }) => route === 'arm.regenerateKey' && path.includes(`/${hero.account}/`));
const action = ({ path }: LoggedCall): string => path.split('/').at(-1) ?? '';

const secondVersion = (azure: Azure): Version | undefined => azure.vault(hero.vault).versions(hero.secret)[1];

function inherits(stored: Version, azure: Azure): boolean {
  const [first] = azure.vault(hero.vault).versions(hero.secret);
  const own = Object.entries(first?.tags ?? {}).filter(([name]) => name !== 'rotator-state');
  return stored.contentType === first?.contentType && own.every(([name, value]) => stored.tags?.[name] === value);
}

/** The tag `rotator-state`, `key=value;…`. */
const stateOf = (version: Version | undefined): Map<string, string> =>
  new Map(
    (version?.tags?.['rotator-state'] ?? '').split(';').map((part) => {
      const [key = '', value = ''] = part.split('=');
      return [key, decodeURIComponent(value)];
    }),
  );

const day = (seconds: number | undefined): string =>
  seconds === undefined ? 'never' : new Date(seconds * 1000).toISOString().slice(0, 10);
