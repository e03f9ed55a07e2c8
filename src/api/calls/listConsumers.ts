/** `GET /api/vaults/{vault}/secrets/{name}/consumers`: who reads a secret, as far as their owners declare it and Azure shows it. */
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { SecretRef } from '../../core/ids.ts';
import type { ConsumerResult, Consumers } from '../../ports/consumers.ts';
import type { Deps } from '../../ports/deps.ts';
import { type Caller, requireRole } from '../auth.ts';
import { guarded, SECRET } from '../call.ts';
import { ConsumersBody, type SeenConsumer, seenConsumerBody } from '../consumersBody.ts';
import { answer } from '../problem.ts';
import { fromPath } from '../receive.ts';
import { seen } from '../requests.ts';

/** A caller waits for them, a second for each call: of more than these only what is known already is told. */
const LOOKED_MAX = 10;
const SHOWN_MAX = 200;

async function consumersOf(ref: SecretRef, caller: Caller, deps: Deps) {
  requireRole(caller, 'Keyturn.Read');
  await seen(ref, deps);
  const { consumers } = deps;
  const { vault, name: secret } = ref;
  if (!consumers) {
    const detail = 'Nobody is looked for: the setting KEYTURN_CONSUMERS names no subscription.';
    return { vault, secret, asked: false, detail, consumers: [] };
  }
  const row = await deps.rows.secret(ref);
  try {
    const found = await consumers.of(ref);
    const shown: SeenConsumer[] = [];
    for (const [at, consumer] of found.slice(0, SHOWN_MAX).entries()) {
      const last = row?.consumers?.consumers.find(({ id }) => id === consumer.id);
      const looked = at < LOOKED_MAX && consumer.follows !== 'unknown';
      shown.push(
        compact({ consumer, last, ...(looked ? await lookedAt(consumer, ref, consumers) : {}) }),
      );
    }
    return { vault, secret, asked: true, consumers: shown.map(seenConsumerBody) };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return {
      vault,
      secret,
      asked: false,
      detail: error.detail,
      consumers: lastOf(row?.consumers?.consumers ?? []),
    };
  }
}

async function lookedAt(
  consumer: SeenConsumer['consumer'],
  ref: SecretRef,
  consumers: Consumers,
): Promise<Pick<SeenConsumer, 'look' | 'detail'>> {
  try {
    return { look: await consumers.lately(consumer, ref) };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return { detail: error.detail };
  }
}

/** Where the list cannot be had now, those that the last one named. */
const lastOf = (results: readonly ConsumerResult[]) =>
  results.map((last) => {
    const { id, kind } = last;
    return seenConsumerBody({ consumer: { id, kind, follows: 'unknown' }, last });
  });

export const listConsumers = guarded({
  name: 'consumers',
  method: 'GET',
  path: `${SECRET}/consumers`,
  summary: 'Who reads a secret, and whether they have followed',
  description:
    'Resources whose owners declare it by the tag `keyturn-consumes`, where each names the secret, and what came of it for the current version. Minutes old at most.',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  answers: {
    200: { description: 'Found.', body: { name: 'ConsumersBody', schema: ConsumersBody } },
  },
  run: async (deps, caller, { path }) =>
    answer(200, await consumersOf(fromPath(path), caller, deps)),
});
