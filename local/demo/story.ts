/**
 * Four rotations side by side, from the near-expiry events to the refused old credentials, told as they are seen: in the
 * tenant's call log, in the vaults' versions, in the product's log, and by what apps do. Nothing is said that was not seen.
 */
import type { Azure } from '../azure/azure.ts';
import type { Version } from '../azure/vault.ts';
import * as clock from '../clock.ts';
import type { Host } from '../host/host.ts';
import { type Answer, changesBy, type Kind, kinds } from './kinds.ts';
import type { Records, WebhookAnswer } from './records.ts';
import type { Teller } from './teller.ts';
import { HOURS_TO_NEAR_EXPIRY, unconsented } from './tenant.ts';

export interface Stage {
  readonly azure: Azure;
  readonly host: Host;
  readonly records: Records;
  readonly webhook: readonly WebhookAnswer[];
  readonly teller: Teller;
}

/** A rotation as far as it has come: the value that a person stored, and what it was called while it was in force. */
interface Told {
  readonly kind: Kind;
  readonly title: string;
  readonly old: string;
  readonly oldName: string;
}

/** For a step that must come. It ends what hangs; a busy machine may take its time (case COR-11). */
const PATIENCE_S = 300;
const HALF_GRACE_HOURS = 24;
/** The time in the obligation is rounded up to the minute. */
const ROUNDED_UP_MINUTES = 2;
const TITLE_WIDTH = Math.max(...kinds.map(({ vault, secret }) => `${vault}/${secret}`.length));
const STEP_WIDTH = 'revoked'.length;

export async function tellStory(stage: Stage): Promise<void> {
  const { azure } = stage;
  const all = kinds.map((kind): Told => {
    const old = kind.value(azure);
    return { kind, title: `${kind.vault}/${kind.secret}`, old, oldName: kind.nameOf(old, azure) };
  });
  await subscribe(stage);
  await indexMade(stage);
  await eventsDelivered(stage);
  // The four go on by themselves, side by side; each step is told of all of them, always in the same order.
  for (const step of [due, issued, proved]) for (const told of all) await step(told, stage);
  await bothWork(all, stage);
  await graceOver(stage);
  for (const told of all) await revoked(told, stage);
  for (const told of all) await onlyNewWorks(told, stage);
  nothingElse(stage);
}

async function subscribe({ azure, host, webhook, teller }: Stage): Promise<void> {
  const vaults = [...azure.world.vaults.values()];
  const subscriptions = vaults.map(({ name, id }) =>
    azure.eventGrid.subscribe({
      name: `keyturn-${name}`,
      vaultId: id,
      endpoint: host.eventGridUrl('secretEvents'),
    }),
  );
  await teller.within('the handshake of Event Grid', PATIENCE_S, Promise.all(subscriptions));
  const agreed = webhook.filter(
    ({ type, status }) => type === 'SubscriptionValidation' && status === 200,
  );
  teller.say(
    `Event Grid: ${agreed.length} handshakes answered 200, one subscription for each vault`,
  );
}

/** The first sweep: who holds which credential must be known before any is touched. */
async function indexMade({ azure, host, records, teller }: Stage): Promise<void> {
  await teller.within('the end of the first sweep', PATIENCE_S, host.invoke('sweep'));
  const [swept] = records.matching('swept');
  teller.must(
    'the sweep has listed every vault',
    swept?.unlisted === '' && swept.vaults === azure.world.vaults.size,
  );
  await teller.within('a look at each secret that the sweep has queued', PATIENCE_S, host.drain());
  const waiting = records.matching('decided', { step: 'wait', reason: 'not-due' });
  teller.say(
    `Sweep: ${swept?.vaults} vaults listed, ${swept?.secrets} secrets, ${swept?.optedIn} opted in; ${waiting.length} looked at and not due: the index is made`,
  );
  const { vault, secret: name } = unconsented;
  const alerts = records.matching('alert', { vault, name, reason: 'no-consent' });
  teller.must(
    `one alert for ${vault}/${name}, whose target's owner has not agreed`,
    alerts.length === 1,
  );
  teller.say(
    `${vault}/${name}: refused, no-consent, one alert (the owner of ${unconsented.account} did not name it)`,
  );
  teller.must('nothing was written to a vault or a target so far', changesBy(azure).length === 0);
}

async function eventsDelivered({ webhook, teller }: Stage): Promise<void> {
  const { length } = webhook;
  clock.advance({ hours: HOURS_TO_NEAR_EXPIRY });
  teller.say(
    `... clock moved by ${HOURS_TO_NEAR_EXPIRY} h: ${kinds.length} secrets are 30 days before their expiry`,
  );
  const answers = await teller.until('the delivery of the near-expiry events', PATIENCE_S, () => {
    const delivered = webhook.slice(length).filter(({ type }) => type === 'Notification');
    return delivered.length >= kinds.length && delivered;
  });
  const accepted = answers.filter(({ status }) => status === 202).length;
  teller.must('the webhook accepted every near-expiry event with 202', accepted === kinds.length);
  teller.say(`Event Grid delivered SecretNearExpiry ${accepted} times: accepted, 202`);
}

async function due({ kind, title, oldName }: Told, { records, teller }: Stage): Promise<void> {
  const decision = {
    vault: kind.vault,
    name: kind.secret,
    step: 'rotate',
    reason: 'due',
    cause: 'event',
  };
  await teller.until(
    `the decision to rotate ${title}`,
    PATIENCE_S,
    () => records.matching('decided', decision)[0],
  );
  tell(
    teller,
    title,
    'due',
    `${kind.rotator} at ${kind.place}, looked at because of the event; in use: ${oldName}`,
  );
}

async function issued(
  { kind, title, old, oldName }: Told,
  { azure, teller }: Stage,
): Promise<void> {
  const change = await teller.until(
    `a new credential at ${kind.place}`,
    PATIENCE_S,
    () => kind.changes(azure)[0],
  );
  const version = await teller.until(
    `a new version of ${title}`,
    PATIENCE_S,
    () => versionsOf(kind, azure)[1],
  );
  teller.must(`the new version of ${title} holds a new value`, version.value !== old);
  teller.must(
    "the owner's tags and content type are on it",
    inherits(version, versionsOf(kind, azure)[0]),
  );
  await takes(old, `${oldName} works on`, kind, { azure, teller });
  const name = kind.nameOf(version.value, azure);
  tell(
    teller,
    title,
    'issued',
    `${name} (${change}), stored as version ${short(version)}; ${oldName} works on`,
  );
}

async function proved({ kind, title, oldName }: Told, { azure, teller }: Stage): Promise<void> {
  const version = versionsOf(kind, azure)[1];
  const state = await teller.until(`the proof of the new version of ${title}`, PATIENCE_S, () => {
    const found = stateOf(versionsOf(kind, azure)[1]);
    return found.get('proved') === short(version) && found;
  });
  const after = state.get('after');
  teller.must(`${oldName} is owed by ${title}`, after !== undefined);
  tell(
    teller,
    title,
    'proved',
    `read back from the vault, ${kind.proof}; ${oldName} is to be revoked after ${after}`,
  );
}

async function bothWork(all: readonly Told[], { azure, teller }: Stage): Promise<void> {
  for (const { kind, old } of all)
    for (const value of [old, versionsOf(kind, azure)[1]?.value ?? ''])
      await takes(value, 'the old and the new value work in the grace', kind, { azure, teller });
  teller.say(
    `In the grace both work: all ${all.length} targets take the old value and the new one`,
  );
}

/** In two steps, as real time would: without a sweep for more than 26 h nothing is revoked. */
async function graceOver({ azure, host, records, teller }: Stage): Promise<void> {
  const swept = async (time: Parameters<typeof clock.advance>[0]) => {
    const { length } = records.all;
    clock.advance(time);
    await teller.until(
      'the sweep that the timer starts',
      PATIENCE_S,
      () => records.matching('swept', {}, length)[0],
    );
  };
  await swept({ hours: HALF_GRACE_HOURS });
  await teller.within('the looks that the sweep has queued', PATIENCE_S, host.drain());
  const once = kinds.every((kind) => kind.changes(azure).length === 1);
  teller.must('nothing is revoked in the grace', once);
  teller.say(
    `... clock moved by ${HALF_GRACE_HOURS} h: the timer has swept; all is in its grace, nothing revoked`,
  );
  await swept({ hours: HALF_GRACE_HOURS, minutes: ROUNDED_UP_MINUTES });
  teller.say(
    `... clock moved by ${HALF_GRACE_HOURS} h more and ${ROUNDED_UP_MINUTES} minutes: 48 h of grace are over`,
  );
}

async function revoked({ kind, title, oldName }: Told, { azure, teller }: Stage): Promise<void> {
  const change = await teller.until(
    `the revocation at ${kind.place}`,
    PATIENCE_S,
    () => kind.changes(azure)[1],
  );
  const [first] = versionsOf(kind, azure);
  const closed = () => first?.enabled === false && stateOf(first).get('revoked') === '1';
  await teller.until(`the mark on the old version of ${title}`, PATIENCE_S, closed);
  const open = () => stateOf(versionsOf(kind, azure)[1]).has('after');
  await teller.until(`the end of the obligation of ${title}`, PATIENCE_S, () => !open());
  tell(
    teller,
    title,
    'revoked',
    `${oldName}: ${kind.revoked} (${change}); version ${short(first)} disabled`,
  );
}

async function onlyNewWorks({ kind, old }: Told, { azure, teller }: Stage): Promise<void> {
  const now = await takes(versionsOf(kind, azure)[1]?.value ?? '', 'the new value works', kind, {
    azure,
    teller,
  });
  const before = await answerOf(old, kind, { azure, teller });
  teller.must(
    `${kind.place} no longer takes the old value (it answered ${before.words})`,
    !before.letIn,
  );
  teller.say(
    `${kind.place}, ${kind.use}: with the new value ${now.words}, with the old one ${before.words}`,
  );
}

type Asking = Pick<Stage, 'azure' | 'teller'>;
const answerOf = (value: string, kind: Kind, { azure, teller }: Asking): Promise<Answer> =>
  teller.within(`an answer of ${kind.place}`, PATIENCE_S, kind.answer(value, azure));

/** An app comes with the value and is let in. */
async function takes(value: string, what: string, kind: Kind, asking: Asking): Promise<Answer> {
  const answer = await answerOf(value, kind, asking);
  asking.teller.must(`${what} (${kind.place} answered ${answer.words})`, answer.letIn);
  return answer;
}

/** What was promised about all others: four targets changed twice, four secrets with two versions. */
function nothingElse({ azure, records, teller }: Stage): void {
  const atTargets = kinds.flatMap((kind) => kind.changes(azure)).length;
  const atSecrets = changesBy(azure).filter(({ host, path }) =>
    kinds.some(
      ({ vault, secret }) => host.startsWith(`${vault}.`) && path.startsWith(`/secrets/${secret}`),
    ),
  ).length;
  teller.must(
    'no other vault or target was changed',
    changesBy(azure).length === atTargets + atSecrets,
  );
  teller.must('each target was changed twice, not more', atTargets === 2 * kinds.length);
  const twice = kinds.every((kind) => versionsOf(kind, azure).length === 2);
  teller.must('there is one new version of each secret, not more', twice);
  teller.must('there was one alert, not more', records.matching('alert').length === 1);
  const faults = azure.problems.map(String).join(', ');
  teller.must(`the stand-in had no fault of its own (${faults})`, azure.problems.length === 0);
  teller.say(
    `Call log: ${atTargets} changes by Keyturn at ${kinds.length} targets, none at any other; 1 alert`,
  );
}

/** One step of one secret, in columns. */
const tell = (teller: Teller, title: string, step: string, words: string): void =>
  teller.say(`${title.padEnd(TITLE_WIDTH)}  ${step.padEnd(STEP_WIDTH)}  ${words}`);

const versionsOf = ({ vault, secret }: Kind, azure: Azure): Version[] =>
  azure.vault(vault).versions(secret);
const short = (version: Version | undefined): string => version?.id.slice(0, 8) ?? '';

function inherits(stored: Version, first: Version | undefined): boolean {
  const own = Object.entries(first?.tags ?? {}).filter(([name]) => name !== 'rotator-state');
  return (
    stored.contentType === first?.contentType &&
    own.every(([name, value]) => stored.tags?.[name] === value)
  );
}

/** The tag `rotator-state`, `key=value;…`. */
const stateOf = (version: Version | undefined): Map<string, string> =>
  new Map(
    (version?.tags?.['rotator-state'] ?? '').split(';').map((part) => {
      const [key = '', value = ''] = part.split('=');
      return [key, decodeURIComponent(value)];
    }),
  );
