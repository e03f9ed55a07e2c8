/** A custom topic of Event Grid that takes CloudEvents, as strict as its pages: the schema of each event, sizes, the role, no key. */
import { bearer, type Call, newId, Refusal, type Reply } from './exchange.ts';
import type { Principal } from './principals.ts';
import type { Request, Route, Service } from './service.ts';
import type { Topic } from './topics.ts';
import { audiences, type World } from './world.ts';

const SEND = 'Microsoft.EventGrid/events/send/action';
const BYTES_MAX = 1_048_576; // learn: event-grid/post-to-custom-topic, 1 MB for the array and for each event
const reference = 'https://learn.microsoft.com/azure/event-grid/post-to-custom-topic';

function topicError(status: number, code?: string, message = 'Refused by the stand-in.'): Reply {
  const usual: Record<number, string> = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    413: 'TooLarge',
  };
  return {
    status,
    body: { error: { code: code ?? usual[status] ?? 'InternalServerError', message, details: [] } },
  };
}

/** What an event lacks to be one of CloudEvents 1.0 [spec: cloudevents, sections 2 and 3]; undefined where nothing does. */
export function wrongWith(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    return 'An event is an object.';
  const members: Record<string, unknown> = { ...event };
  if (members.specversion !== '1.0') return 'specversion has to be 1.0.';
  for (const name of ['id', 'source', 'type'])
    if (typeof members[name] !== 'string' || members[name] === '')
      return `${name} has to be a text that is not empty.`;
  for (const name of ['subject', 'datacontenttype', 'dataschema'])
    if (name in members && (typeof members[name] !== 'string' || members[name] === ''))
      return `${name} has to be a text.`;
  if (
    'time' in members &&
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(String(members.time))
  )
    return 'time has to be a timestamp of RFC 3339.';
  const odd = Object.keys(members).find(
    (name) => !/^[a-z0-9]{1,20}$/.test(name) && name !== 'data_base64',
  );
  return odd === undefined ? undefined : `${odd} is no name of an attribute.`;
}

function publish({ parts: [name = ''], body, headers, query }: Request, world: World): Reply {
  const topic = topicNamed(name, world);
  if (query.get('api-version') !== '2018-01-01')
    return topicError(400, 'BadRequest', 'Unsupported api-version.');
  if (Buffer.byteLength(body) > BYTES_MAX) return topicError(413);
  if (!/^application\/cloudevents-batch\+json\b/.test(headers['content-type'] ?? ''))
    return topicError(400, 'BadRequest', 'The topic takes CloudEvents in batches.');
  const events = parsed(body);
  if (!events || events.length === 0)
    return topicError(400, 'BadRequest', 'The body is no list of events.');
  const wrong = events.map(wrongWith).find((each) => each !== undefined);
  if (wrong !== undefined) return topicError(400, 'BadRequest', wrong);
  topic.events.push(...(events as Record<string, unknown>[]));
  return { status: 200 };
}

function parsed(body: string): unknown[] | undefined {
  try {
    const found: unknown = JSON.parse(body);
    return Array.isArray(found) ? found : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function topicNamed(name: string, world: World): Topic {
  const found = world.topics.find((each) => each.name === name.toLowerCase());
  if (!found) throw new Refusal(topicError(404, 'NotFound', 'There is no such topic.'));
  return found;
}

async function authenticate(call: Call, world: World): Promise<Principal> {
  const token = bearer(call);
  const claims = token === undefined ? undefined : await world.signer.read(token);
  const refused = new Refusal(topicError(401));
  if (claims === undefined || claims === 'expired' || claims === 'malformed') throw refused;
  const principal = world.principals.find(({ oid }) => oid === claims.oid);
  if (claims.aud !== audiences.eventGrid || !principal) throw refused;
  return principal;
}

export const eventGridTopic: Service = {
  name: 'topic',
  routes: [
    {
      name: 'topic.publish',
      method: 'POST',
      path: /^\/([a-z0-9-]+)\/api\/events$/i,
      write: false,
      action: SEND,
      source: 'documented',
      reference,
      handle: publish,
    } satisfies Route,
  ],
  authenticate,
  // That a missing role is 403 is unverified.
  authorize({ principal, parts: [name = ''] }, _route, world) {
    const { id } = topicNamed(name, world);
    if (!principal || !world.roles.allows(principal, 'dataActions', SEND, id))
      throw new Refusal(topicError(403));
  },
  error: topicError,
  unrouted: () => topicError(404, 'NotFound', 'There is no such path.'),
  headers: () => ({ 'x-ms-request-id': newId() }),
};
