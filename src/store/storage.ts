/** Clients for the app's own storage account, and what its refusals mean. */
import { createHash } from 'node:crypto';
import { TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import type { ContainerClient } from '@azure/storage-blob';
import { QueueClient } from '@azure/storage-queue';
import type { Clock } from '../core/clock.ts';
import { BusyError, KeyturnError } from '../core/errors.ts';
import { type PipelinePolicy, patience, SINGLE_SEND } from '../core/pipeline.ts';
import { facts, said, wireFailure } from '../core/wire.ts';

/** How the account is reached: by identity in Azure, by a connection string locally. */
export type OwnStorage =
  | { readonly connectionString: string }
  | {
      readonly accountName: string;
      readonly storageSuffix: string;
      readonly credential: TokenCredential;
    };

export const TABLE = 'keyturn';
export const WORK_QUEUE = 'keyturn-work';
export const EVENTS_QUEUE = 'keyturn-events';
export const NOTICES_QUEUE = 'keyturn-notices';
/** Where the host puts a message that failed five times: its rule, not ours. */
export const poisonOf = (queue: string): string => `${queue}-poison`;

/** How a client of the table waits. `repeat`: every request may be sent again, which holds for all but a compare-and-set. */
export type Waiting = { readonly repeat: boolean } | { readonly policy: PipelinePolicy };

/** A client of the table. */
export function tableClient(own: OwnStorage, clock: Clock, waiting: Waiting): TableClient {
  const policy =
    'policy' in waiting ? waiting.policy : patience(clock, waiting.repeat ? () => true : undefined);
  const again = remade(() => bareClient(own, clock).createTable());
  const policies = [again, policy].map((each) => ({ policy: each, position: 'perCall' as const }));
  return clientOf(own, { ...SINGLE_SEND, additionalPolicies: policies });
}

/** Makes the table and nothing else. */
const bareClient = (own: OwnStorage, clock: Clock): TableClient =>
  clientOf(own, {
    ...SINGLE_SEND,
    additionalPolicies: [{ policy: patience(clock), position: 'perCall' }],
  });

function clientOf(own: OwnStorage, options: TableServiceClientOptions): TableClient {
  if ('connectionString' in own) {
    const allowInsecureConnection = isLocal(own.connectionString);
    return TableClient.fromConnectionString(own.connectionString, TABLE, {
      ...options,
      allowInsecureConnection,
    });
  }
  const url = `https://${own.accountName}.table.${own.storageSuffix}`;
  return new TableClient(url, TABLE, own.credential, options);
}

/** The service names a table that is not there so, also within a transaction (learn: table-service-error-codes). */
const NO_TABLE = /TableNotFound/;

/**
 * A table that somebody deleted under a running app is made again, and the request sent once more: it has not been applied. What
 * the table had is lost, and losing it is harmless (design section 2, "The table"); without it nothing goes on (finding SRV-10).
 */
function remade(create: () => Promise<unknown>): PipelinePolicy {
  return {
    name: 'keyturnTable',
    async sendRequest(request, next) {
      try {
        const answer = await next(request);
        // A transaction that failed is a 202 with the failure inside.
        const { bodyAsText } = answer as typeof answer & { readonly bodyAsText?: string | null };
        if (answer.status !== 202 || !NO_TABLE.test(bodyAsText ?? '')) return answer;
      } catch (error) {
        // Its code stands in the text as long as the SDK has not read the body.
        const { status, code = '', text } = wireFailure(error);
        if (status !== 404 || !(NO_TABLE.test(code) || NO_TABLE.test(text))) throw error;
      }
      await create();
      return await next(request);
    },
  };
}

/** A client of a queue. Its own retries may put a message twice, which a look is made for. */
export function queueClient(
  own: OwnStorage,
  name: string,
  { tries = 4, seconds = 15 } = {},
): QueueClient {
  const options = {
    retryOptions: { maxTries: tries, retryDelayInMs: 500, tryTimeoutInMs: seconds * 1000 },
  };
  if ('connectionString' in own) return new QueueClient(own.connectionString, name, options);
  return new QueueClient(
    `https://${own.accountName}.queue.${own.storageSuffix}/${name}`,
    own.credential,
    options,
  );
}

/** A client of a blob container; its SDK is loaded on first use, since a start without any change needs none of it. */
export async function blobContainer(
  own: OwnStorage,
  name: string,
  { tries }: { readonly tries: number },
): Promise<ContainerClient> {
  const { ContainerClient } = await import('@azure/storage-blob');
  const options = {
    retryOptions: { maxTries: tries, retryDelayInMs: 500, tryTimeoutInMs: 15_000 },
  };
  if ('connectionString' in own) return new ContainerClient(own.connectionString, name, options);
  return new ContainerClient(
    `https://${own.accountName}.blob.${own.storageSuffix}/${name}`,
    own.credential,
    options,
  );
}

/** Plain http is for Azurite on this machine alone. */
const isLocal = (connectionString: string): boolean =>
  /Endpoint=http:\/\/127\.0\.0\.1[:/]/i.test(connectionString);

/** Runs `create` before the first use and remembers its success, not its failure. */
export function onFirstUse(create: () => Promise<unknown>): () => Promise<void> {
  let created: Promise<unknown> | undefined;
  return async () => {
    created ??= create();
    try {
      await created;
    } catch (error) {
      created = undefined;
      throw fromStorage(error);
    }
  };
}

/** The error that an answer of the app's own storage amounts to. */
export function fromStorage(error: unknown): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const failure = wireFailure(error);
  const { status = 0 } = failure;
  const options = {
    ...facts(failure),
    detail: `Keyturn's own storage did not answer (${said(failure)}).`,
  };
  if (failure.unanswered || [408, 409, 412, 429].includes(status) || status >= 500) {
    return new BusyError('storage-busy', options);
  }
  return new KeyturnError('failed', {
    ...options,
    detail: `Keyturn's own storage refused (${said(failure)}).`,
  });
}

export const statusOf = (error: unknown): number | undefined => wireFailure(error).status;

/** 64 hex digits: what stands for text in partition keys and filters (case SEC-06). */
export const hashOf = (text: string): string =>
  createHash('sha256').update(text.toLowerCase()).digest('hex');

/** A name as a row key: lower case, everything but letters, digits and `-` written as `_` and its code. */
export const keyOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, (character) => `_${character.charCodeAt(0).toString(16)}_`);
