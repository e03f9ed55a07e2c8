/** The custom topic, driven by the publisher client of the SDK, as strict as its pages. */
import { EventGridPublisherClient } from '@azure/eventgrid';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Azure } from '../../local/azure/azure.ts';
import { wrongWith } from '../../local/azure/eventGridTopic.ts';
import { startAzure } from '../../local/azure/tenant.ts';

let azure: Azure;
beforeAll(async () => {
  azure = await startAzure({ azurite: false });
});
afterAll(() => azure.stop());

const event = {
  id: 'a',
  source: '/keyturn/x',
  type: 'keyturn.secret.rotated.v1',
  data: { vault: 'kv1' },
};
/** As the identity of Keyturn, with a token for this audience. */
function clientFor(
  name: string,
  aud = 'https://eventgrid.azure.net',
): EventGridPublisherClient<'CloudEvent'> {
  const { identity } = azure.world;
  const credential = {
    getToken: async () => ({
      token: await azure.issueToken({ oid: identity.oid, aud }),
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  };
  const options = { retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } };
  const endpoint = `${azure.url(`${name}.local-1.eventgrid`)}/api/events`;
  return new EventGridPublisherClient(endpoint, 'CloudEvent', credential, options);
}

it('takes events of the publisher client, under their own ids', async () => {
  const topic = azure.topic('taken');
  await clientFor('taken').send([
    { ...event, subject: 'kv1/a', time: new Date('2027-01-01T00:00:00Z') },
  ]);
  expect(topic.events).toMatchObject([{ ...event, specversion: '1.0', subject: 'kv1/a' }]);
  expect(azure.routesUnused('topic')).toEqual([]);
});

it('refuses a wrong audience, a missing role, and a topic that there is not', async () => {
  azure.topic('closed', { granted: false });
  await expect(clientFor('closed').send([event])).rejects.toMatchObject({ statusCode: 403 });
  await expect(
    clientFor('taken', 'https://management.azure.com').send([event]),
  ).rejects.toMatchObject({
    statusCode: 401,
  });
  await expect(clientFor('gone').send([event])).rejects.toMatchObject({ statusCode: 404 });
});

it.each([
  [{ ...event, specversion: '0.3' }, 'specversion'],
  [{ ...event, specversion: '1.0', id: '' }, 'id'],
  [{ ...event, specversion: '1.0', time: '5 o’clock' }, 'time'],
  [{ ...event, specversion: '1.0', Vault: 'kv1' }, 'Vault'],
  ['text', 'object'],
])('refuses what is no event of CloudEvents 1.0: %j', (given, said) => {
  expect(wrongWith(given)).toContain(said);
});
