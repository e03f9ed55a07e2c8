import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { provideCore, registrationsOf } from '../../local/host/core.ts';
import { calls } from '../../src/api/calls.ts';

const root = join(import.meta.dirname, '../..');
const storage = { connection: 'AzureWebJobsStorage' };
/** Every call over HTTP, as its declaration has it; who may make it is judged in code. */
const overHttp = calls.map(({ name, method, path }) => [
  name,
  expect.objectContaining({
    type: 'httpTrigger',
    authLevel: 'anonymous',
    methods: [method],
    route: path,
  }),
]);

describe('the entry file', () => {
  it('registers every function with an empty environment (FN-01)', async () => {
    provideCore();
    const environment = process.env;
    process.env = {};
    try {
      const { functions } = await registrationsOf(
        () => import('../../src/functions/index.ts'),
        () => {},
      );
      const triggers = [...functions].map(([name, { metadata }]) => {
        const trigger = Object.values(metadata.bindings).find(({ type }) => /trigger$/i.test(type));
        return [name, trigger];
      });
      expect(Object.fromEntries(triggers)).toEqual({
        secretEvents: expect.objectContaining({ type: 'eventGridTrigger' }),
        secretEventsQueue: expect.objectContaining({
          type: 'queueTrigger',
          queueName: 'keyturn-events',
          ...storage,
        }),
        secretEventsPoison: expect.objectContaining({
          ...{ type: 'queueTrigger', queueName: 'keyturn-events-poison', ...storage },
        }),
        ...Object.fromEntries(overHttp),
        work: expect.objectContaining({
          type: 'queueTrigger',
          queueName: 'keyturn-work',
          ...storage,
        }),
        workPoison: expect.objectContaining({
          type: 'queueTrigger',
          queueName: 'keyturn-work-poison',
          ...storage,
        }),
        notices: expect.objectContaining({
          type: 'queueTrigger',
          queueName: 'keyturn-notices',
          ...storage,
        }),
        noticesPoison: expect.objectContaining({
          ...{ type: 'queueTrigger', queueName: 'keyturn-notices-poison', ...storage },
        }),
        sweep: expect.objectContaining({
          type: 'timerTrigger',
          schedule: '%KEYTURN_SWEEP_SCHEDULE%',
          runOnStartup: false,
        }),
      });
    } finally {
      process.env = environment;
    }
  });

  it('is imported by plain node without throwing, and clears debug logging before an SDK sees it (FN-01)', async () => {
    const script = `await import('./src/functions/index.ts');
      await import('./src/functions/handlers.ts');
      console.log(String(process.env.DEBUG), typeof process.env.KEYTURN_MODE)`;
    const env = { DEBUG: '*', NODE_DEBUG: 'net' };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', script],
      {
        cwd: root,
        env,
      },
    );
    expect(stdout.trim()).toBe('undefined undefined');
  });
});

describe('host.json', () => {
  const host = JSON.parse(readFileSync(join(root, 'host.json'), 'utf8'));

  it('pins the bundle, gives a pass its time and keeps poison tries few (FN-07)', () => {
    expect(host.extensionBundle).toEqual({
      id: 'Microsoft.Azure.Functions.ExtensionBundle',
      version: '[4.*, 5.0.0)',
    });
    expect(host.functionTimeout).toBe('00:30:00');
    expect(host.extensions.queues).toMatchObject({
      batchSize: 8,
      newBatchThreshold: 4,
      maxDequeueCount: 5,
      visibilityTimeout: '00:00:30',
      messageEncoding: 'none', // what the host can't decode would reach nobody (HST-02)
    });
    expect(host.extensions.http.routePrefix).toBe('api');
  });

  it('leaves traces unsampled, since audit records are traces', () => {
    expect(host.logging.applicationInsights.samplingSettings.excludedTypes.split(';')).toContain(
      'Trace',
    );
  });
});
