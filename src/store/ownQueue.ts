/** A queue of the app's own account (azure-facts 9.5): base64 JSON, as the host expects it, and messages that never expire. */
import { fromStorage, type OwnStorage, onFirstUse, queueClient, statusOf } from './storage.ts';

/** The service hides a message for at most 7 days; whoever needs it later has to queue it again. */
const SECONDS_HIDDEN_MAX = 7 * 24 * 3600;
/** With the default of 7 days, a message hidden that long would expire in the second it becomes visible. */
const NEVER_EXPIRES = -1;

/** Puts a message, hidden for so long, and answers when it can be seen, by the service's time. Throws like `Rows`. */
export type PutMessage = (message: object, delaySeconds: number) => Promise<Date>;

/** Made on first use. */
export function ownQueue(
  own: OwnStorage,
  name: string,
  bounds?: Parameters<typeof queueClient>[2],
): PutMessage {
  const client = queueClient(own, name, bounds);
  const ready = onFirstUse(() => client.createIfNotExists());
  return async (message, delaySeconds) => {
    await ready();
    const text = Buffer.from(JSON.stringify(message)).toString('base64');
    const visibilityTimeout = Math.min(Math.max(Math.ceil(delaySeconds), 0), SECONDS_HIDDEN_MAX);
    const put = () =>
      client.sendMessage(text, { messageTimeToLive: NEVER_EXPIRES, visibilityTimeout });
    try {
      const sent = await put().catch(async (error: unknown) => {
        if (statusOf(error) !== 404) throw error;
        // Somebody deleted the queue under the running app (finding SRV-10).
        await client.createIfNotExists();
        return await put();
      });
      return sent.nextVisibleOn;
    } catch (error) {
      throw fromStorage(error);
    }
  };
}
