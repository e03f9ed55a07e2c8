/**
 * Consumers by their tags, from Azure Resource Graph (facts-after F3): what Keyturn's identity may not read is silently missing there, and
 * how fresh it is has no figure. So one list of all subscriptions is kept for minutes, and before anything is done to a resource it is read
 * itself, with its tag. Of an answer only ids count, parsed and rebuilt.
 */
import { z } from 'zod';
import type { BriefArm } from '../azure/briefArm.ts';
import { addMinutes, type Clock } from '../core/clock.ts';
import { AbsentError, KeyturnError } from '../core/errors.ts';
import { parseResourceId, type ResourceId, type Tags } from '../core/ids.ts';
import type { Consumer, ConsumerLook, Consumers } from '../ports/consumers.ts';
import { isOpen, nextOpen } from '../tags/window.ts';
import { consumerKinds } from './consumerKinds.ts';
import { type Declaration, declarationIn, declares, hasWindow } from './declared.ts';
import type { ConsumerKind } from './kind.ts';
import { pacedArm } from './pacedArm.ts';

const API_VERSION = '2022-10-01';
/** The same text for everyone: nothing is joined into it. Whether `tags['…']` is case-sensitive is unverified, so that tags are read here. */
const QUERY = [
  'resources',
  "where tostring(tags) contains 'keyturn-consumes'",
  'project id, type, tags',
  'order by id asc',
].join(' | ');
const PAGE = 500;
const PAGES_MAX = 20;
const MINUTES_CACHED = 5;
const LOOKS_MAX = 500;

const Answer = z.object({
  data: z.array(z.unknown()).max(PAGE),
  resultTruncated: z.union([z.string(), z.boolean()]).nullish(),
  $skipToken: z.string().max(10_000).nullish(),
});
const tags = z.record(z.string(), z.string()).nullish();
const Row = z.object({ id: z.string().max(1_000), type: z.string().max(200), tags });
const Resource = z.object({ tags });

interface Found {
  readonly consumer: Consumer;
  readonly declaration: Declaration;
}

export interface ConsumersOptions {
  readonly arm: BriefArm;
  /** KEYTURN_CONSUMERS, in lower case. */
  readonly subscriptions: readonly string[];
  readonly clock: Clock;
}

export function declaredConsumers({
  arm: given,
  subscriptions,
  clock,
}: ConsumersOptions): Consumers {
  const arm = pacedArm(given, clock);
  let kept: { readonly found: readonly Found[]; readonly until: Date } | undefined;
  const listed = async (): Promise<readonly Found[]> => {
    if (kept && clock.now() < kept.until) return kept.found;
    const found: Found[] = [];
    for await (const row of rows(arm, subscriptions)) found.push(...foundIn(row, subscriptions));
    kept = { found, until: addMinutes(clock.now(), MINUTES_CACHED) };
    return found;
  };
  const looks = new Map<string, { readonly look: ConsumerLook; readonly until: Date }>();
  const consumers: Consumers = {
    async of(secret) {
      const found = await listed();
      return found
        .filter(({ declaration }) => declares(declaration, secret))
        .map(({ consumer }) => consumer);
    },
    async look(consumer, secret) {
      const kind = kindOf(consumer);
      const id = parsed(consumer.id, kind);
      const none = { declared: false, references: [], open: false };
      const body = await arm
        .get(id.text, { 'api-version': kind.version }, `read a ${kind.name} that is tagged ${TAG}`)
        .catch(goneWhere);
      if (body === undefined) return none;
      const resource = Resource.safeParse(body);
      if (!resource.success)
        throw new KeyturnError('failed', { detail: 'The tagged resource does not parse.' });
      const found = resource.data.tags ?? {};
      const declaration = declarationIn(found);
      if (!declares(declaration, secret)) return none;
      const references = await kind.references(id, secret, body, { arm });
      return { declared: true, references, ...openNow(declaration, found, clock.now()) };
    },
    async lately(consumer, secret) {
      const key = `${consumer.id} ${secret.vault}/${secret.name}`;
      const known = looks.get(key);
      if (known && clock.now() < known.until) return known.look;
      const look = await consumers.look(consumer, secret);
      looks.delete(key); // so that the oldest stands first
      looks.set(key, { look, until: addMinutes(clock.now(), MINUTES_CACHED) });
      for (const oldest of looks.keys()) if (looks.size > LOOKS_MAX) looks.delete(oldest);
      return look;
    },
    async refresh(consumer, references) {
      const kind = kindOf(consumer);
      if (!kind.refresh)
        throw new KeyturnError('failed', { detail: `Nothing is called at a ${kind.name}.` });
      await kind.refresh(parsed(consumer.id, kind), references, { arm });
    },
  };
  return consumers;
}

const TAG = 'keyturn-consumes';

/** A window that cannot be read never opens. */
function openNow(
  { window }: Declaration,
  found: Tags,
  now: Date,
): { readonly open: boolean; readonly opensOn?: Date } {
  if (!window) return { open: !hasWindow(found) };
  return isOpen(window, now) ? { open: true } : { open: false, opensOn: nextOpen(window, now) };
}

function goneWhere(error: unknown): undefined {
  if (error instanceof AbsentError) return undefined;
  throw error;
}

function kindOf({ kind }: Consumer): ConsumerKind {
  const found = consumerKinds.find(({ name }) => name === kind);
  if (!found)
    throw new KeyturnError('failed', { detail: 'No kind of consumer that can be looked at.' });
  return found;
}

const parsed = (id: string, { type, names }: ConsumerKind): ResourceId =>
  parseResourceId(id, type, 'A consumer', names);

/** Any resource: a type below another has a name after each of its parts. */
const ANY =
  /^\/subscriptions\/([0-9a-f-]{36})\/resourcegroups\/[^/]{1,90}\/providers\/([\w.]{1,64})((?:\/[\w.-]{1,128}\/[\w.-]{1,260}){1,5})$/;

/** An answer names nothing that nobody asked for. */
function foundIn(row: unknown, subscriptions: readonly string[]): readonly Found[] {
  const { data } = Row.safeParse(row);
  if (!data) return [];
  const declaration = declarationIn(data.tags ?? {});
  const type = data.type.toLowerCase();
  const kind = consumerKinds.find((each) => each.type.toLowerCase() === type);
  if (declaration.entries.length === 0) return [];
  if (kind) {
    const id = idIn(data.id, kind);
    if (!id || !subscriptions.includes(id.subscription)) return [];
    const { name, follows, cycleMinutes, restarts } = kind;
    const about = {
      ...(cycleMinutes === undefined ? {} : { cycleMinutes }),
      ...(restarts ? { restarts } : {}),
    };
    return [{ consumer: { id: id.text, kind: name, follows, ...about }, declaration }];
  }
  const text = data.id.toLowerCase();
  const [, subscription = ''] = ANY.exec(text) ?? [];
  if (!subscriptions.includes(subscription) || !/^[\w./-]{1,128}$/.test(type)) return [];
  return [{ consumer: { id: text, kind: type, follows: 'unknown' }, declaration }];
}

function idIn(id: string, { type, names }: ConsumerKind): ResourceId | undefined {
  try {
    return parseResourceId(id, type, 'An id', names);
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

async function* rows(arm: BriefArm, subscriptions: readonly string[]): AsyncIterable<unknown> {
  let $skipToken: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const options = {
      resultFormat: 'objectArray',
      $top: PAGE,
      ...($skipToken === undefined ? {} : { $skipToken }),
    };
    const body = { subscriptions, query: QUERY, options };
    const answer = Answer.safeParse(
      await arm.ask({ 'api-version': API_VERSION }, body, 'list consumers with Resource Graph'),
    ).data;
    if (!answer)
      throw new KeyturnError('failed', { detail: 'The list of consumers does not parse.' });
    yield* answer.data;
    $skipToken = answer.$skipToken ?? undefined;
    if ($skipToken === undefined && String(answer.resultTruncated).toLowerCase() !== 'true') return;
    if ($skipToken === undefined) break;
  }
  // Cut short: a consumer that is there would be taken for none.
  throw new KeyturnError('failed', { detail: 'The list of consumers did not come to its end.' });
}
