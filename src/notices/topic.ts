/** Event Grid: a custom topic for CloudEvents, with the identity of the app and the publisher client of the SDK. */
import type { TokenCredential } from '@azure/identity';
import { SINGLE_SEND } from '../core/pipeline.ts';
import { wireFailure } from '../core/wire.ts';
import { eventOf } from './cloudEvent.ts';
import { NotTaken } from './notTaken.ts';
import { refused } from './post.ts';
import type { SendNotice } from './sinks.ts';

const ANSWER_MILLISECONDS = 10_000;

/** @param endpoint that of the topic, `/api/events` included */
export function topicSender(
  endpoint: string,
  {
    credential,
    publicUrl,
  }: { readonly credential: TokenCredential; readonly publicUrl: string | undefined },
): SendNotice {
  const made = async () => {
    const { EventGridPublisherClient } = await import('@azure/eventgrid'); // an app without a topic reads none of it
    return new EventGridPublisherClient(endpoint, 'CloudEvent', credential, SINGLE_SEND);
  };
  let client: ReturnType<typeof made> | undefined;
  return async (notice) => {
    client ??= made();
    const { specversion: _, time, ...event } = eventOf(notice, publicUrl);
    try {
      // Without an id the client would make one for each try (facts F4).
      const events = [{ ...event, time: new Date(time) }];
      await (await client).send(events, { abortSignal: AbortSignal.timeout(ANSWER_MILLISECONDS) });
    } catch (error) {
      const { status, unsent, code, retryAfterSeconds } = wireFailure(error);
      if (status !== undefined) throw refused(status, String(retryAfterSeconds ?? ''));
      throw new NotTaken(
        unsent && code === 'no-token' ? 'the identity gave no token' : 'no answer',
      );
    }
  };
}
