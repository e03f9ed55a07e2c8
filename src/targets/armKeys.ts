/** Access keys of any resource, over Azure Resource Manager: what the two-key rotator needs of Azure. */
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import { PATH } from '../azure/arm.ts';
import { fromArm, saysBusy } from '../azure/armErrors.ts';
import type { Cloud } from '../azure/cloud.ts';
import { jsonOf, thinClient } from '../azure/thinClient.ts';
import type { Clock } from '../core/clock.ts';
import { BusyError, KeyturnError } from '../core/errors.ts';
import { untilFree } from '../core/pipeline.ts';
import { wireFailure } from '../core/wire.ts';

/** Where a regeneration stands after its answer: over, or at work (202), with the link that tells its end where there is one. */
export type Regeneration =
  | { readonly over: true }
  | { readonly over: false; readonly link?: string };

/** 'unreadable': the link leads elsewhere, or may not be read; the list of keys has to tell. */
export type Progress = 'running' | 'succeeded' | 'unreadable' | { readonly failed: string };

/** Reads throw `BusyError` or a refusal, `regenerate` `UnknownOutcomeError`, too. `id` is a canonical id, `action` our own. */
export interface ArmKeysApi {
  get(id: string, version: string): Promise<unknown>;
  /** A POST that changes nothing. */
  list(id: string, action: string, version: string): Promise<unknown>;
  /** Sent once. What it answers besides is not looked at: some services answer without keys (azure-facts 7). */
  regenerate(
    id: string,
    action: string,
    version: string,
    body?: Readonly<Record<string, string>>,
  ): Promise<Regeneration>;
  /** Throws `BusyError` where the operation ended with nothing changed, since the service was at work. */
  progress(link: string): Promise<Progress>;
}

/** Lists are POSTs that only read; every other POST goes out once. */
const isRead = ({ method, url }: { method: string; url: string }): boolean =>
  method === 'GET' || /\/list\w*$/i.test(new URL(url).pathname);

export function armKeys(options: {
  readonly cloud: Pick<Cloud, 'arm' | 'armAudience'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}): ArmKeysApi {
  const { cloud, credential, clock } = options;
  const send = thinClient({
    endpoint: cloud.arm,
    audience: cloud.armAudience,
    credential,
    clock,
    isRead,
  });
  const call = (
    what: { method: 'GET' | 'POST'; path: string; version: string; body?: object },
    doing: string,
    write: boolean,
  ): Promise<PipelineResponse> => {
    if (!PATH.test(what.path))
      throw new KeyturnError('failed', { detail: 'Not a path of a resource.' });
    const url = `${cloud.arm}${what.path}?${new URLSearchParams({ 'api-version': what.version })}`;
    return untilFree(clock, write, async () => {
      try {
        const answer = await send(what.method, url, what.body);
        if (answer.status >= 200 && answer.status < 300) return answer;
        throw failureOf(answer);
      } catch (error) {
        throw fromArm(error, doing, { write });
      }
    });
  };
  const nameOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);
  return {
    async get(path, version) {
      return jsonOf(
        await call(
          { method: 'GET', path, version },
          `show the properties of ${nameOf(path)}`,
          false,
        ),
      );
    },
    async list(id, action, version) {
      const what = { method: 'POST', path: `${id}/${action}`, version } as const;
      return jsonOf(await call(what, `list the keys of ${nameOf(id)}`, false));
    },
    async regenerate(id, action, version, body) {
      const what = {
        method: 'POST',
        path: `${id}/${action}`,
        version,
        ...(body === undefined ? {} : { body }),
      } as const;
      const { status, headers } = await call(what, `regenerate a key of ${nameOf(id)}`, true);
      if (status !== 202) return { over: true };
      const link = headers.get('azure-asyncoperation') ?? headers.get('location');
      return { over: false, ...(link === undefined ? {} : { link }) };
    },
    async progress(link) {
      // A link is input: only one that stays at ARM gets a call and a token.
      if (!URL.canParse(link) || new URL(link).origin !== new URL(cloud.arm).origin)
        return 'unreadable';
      try {
        return ended(progressOf(await send('GET', link)));
      } catch (error) {
        if (error instanceof KeyturnError) throw error;
        return 'running'; // no answer says nothing of the operation
      }
    },
  };
}

/** An operation that gave up since its service was at work has changed nothing: asked for again, like any other busy answer. */
function ended(progress: Progress): Progress {
  if (typeof progress !== 'object' || !saysBusy(progress.failed)) return progress;
  const detail = `Azure began to regenerate a key and was busy (${progress.failed}).`;
  throw new BusyError('target-busy', { code: progress.failed, detail });
}

/** In the shape in which SDKs throw it, for `fromArm` to judge. */
const failureOf = (answer: PipelineResponse) => ({
  statusCode: answer.status,
  details: jsonOf(answer),
  response: { headers: answer.headers },
});

/** The two ways of ARM: a body with a status, or 202 until the result is there (learn: async-operations). */
function progressOf(answer: PipelineResponse): Progress {
  const { status } = answer;
  if (status === 401 || status === 403 || status === 404) return 'unreadable';
  if (status === 202 || status === 408 || status === 429 || status >= 500) return 'running';
  const { code = `${status}` } = wireFailure(failureOf(answer));
  if (status >= 400) return { failed: code };
  const said = Object(jsonOf(answer)).status;
  if (typeof said !== 'string' || /^Succeeded$/i.test(said)) return 'succeeded';
  return /^(Failed|Cancell?ed)$/i.test(said)
    ? { failed: wireFailure(failureOf(answer)).code ?? said }
    : 'running';
}
