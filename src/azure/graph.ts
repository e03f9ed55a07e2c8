/**
 * Microsoft Graph, as far as an app registration's passwords go (azure-facts 6). Addresses are made of GUIDs alone, the list of
 * credentials is never PATCHed (case GR-08), and a write goes out exactly once.
 */
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import {
  AbsentError,
  BusyError,
  ConcurrentError,
  KeyturnError,
  UnknownOutcomeError,
} from '../core/errors.ts';
import type { Handle } from '../core/ids.ts';
import type { GraphGrants } from '../core/rightChecks.ts';
import { Secret } from '../core/secret.ts';
import { facts, said, type WireFailure, wireFailure } from '../core/wire.ts';
import type { Cloud } from './cloud.ts';
import { grantsIn } from './graphGrants.ts';
import { jsonOf, thinClient } from './thinClient.ts';

/** What a list shows of a password: all but its text. */
export interface AppCredential {
  readonly keyId: Handle;
  readonly displayName: string;
  /** The first three characters of the text; old ones may have none. */
  readonly hint?: string;
  readonly startsOn: Date;
  readonly endsOn: Date;
}

export interface AppFacts {
  /** Not the appId: `removePassword` is shown by this id only. */
  readonly objectId: string;
  readonly credentials: readonly AppCredential[];
}

export interface AddedPassword {
  readonly keyId: Handle;
  readonly value: Secret;
}

export interface Standing extends GraphGrants {
  readonly owners: readonly string[];
  /** There are more owners than were read. */
  readonly more: boolean;
}

/** Reads throw `BusyError` or a refusal. Writes also throw `UnknownOutcomeError`; their `BusyError` means that nothing was changed. */
export interface GraphApi {
  application(appId: string): Promise<AppFacts>;
  /** The application's tags, in which its owner consents. */
  tags(appId: string): Promise<readonly string[]>;
  /**
   * For a word to a person, as the next one: the appId of the application, or of the service principal, that has this object id;
   * undefined where none is shown. That Application.ReadWrite.OwnedBy shows service principals is unverified.
   */
  appIdOf?(objectId: string): Promise<string | undefined>;
  /** Passwords that live at the application's service principal; none where they are not shown. */
  principalPasswords?(appId: string): Promise<readonly AppCredential[]>;
  /** What the identity's token lets it do, and the owners of the application as far as one page shows them. */
  standing(appId: string): Promise<Standing>;
  addPassword(
    appId: string,
    asked: { readonly displayName: string; readonly endsOn: Date },
  ): Promise<AddedPassword>;
  /** Done as well when the application has no such password. */
  removePassword(objectId: string, keyId: Handle): Promise<void>;
}

const guid = z.guid().toLowerCase();
const date = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const Passwords = z
  .array(
    z.object({
      keyId: guid,
      displayName: z.string().nullish(),
      hint: z.string().nullish(),
      startDateTime: date,
      endDateTime: date,
    }),
  )
  .max(1_000);
const Facts = z.object({ id: guid, appId: guid, passwordCredentials: Passwords });
const Named = z.object({ appId: guid });
const Held = z.object({ passwordCredentials: Passwords });
const Tags = z.object({ appId: guid, tags: z.array(z.string()).max(1_000) });
const Owners = z.object({
  value: z.array(z.object({ id: guid })).max(1_000),
  '@odata.nextLink': z.string().nullish(),
});
const Added = z.object({ keyId: guid, secretText: z.string().min(16).max(256) });

export function createGraph(options: {
  readonly cloud: Pick<Cloud, 'graph' | 'graphAudience'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}): GraphApi {
  const { cloud, ...rest } = options;
  const client = thinClient({ ...rest, endpoint: cloud.graph, audience: cloud.graphAudience });
  const send = async (
    path: string,
    doing: string,
    body?: object,
    at = 'applications',
  ): Promise<unknown> => {
    const url = `${cloud.graph}/v1.0/${at}${path}`;
    try {
      return bodyOf(await client(body === undefined ? 'GET' : 'POST', url, body));
    } catch (error) {
      throw fromGraph(error, doing, body !== undefined);
    }
  };
  const read = async <T extends { appId: string }>(
    appId: string,
    select: string,
    schema: z.ZodType<T>,
  ): Promise<T> => {
    const doing = `show the application ${canonical(appId)}`;
    const found = schema.safeParse(
      await send(`(appId='${canonical(appId)}')?$select=${select}`, doing),
    );
    if (!found.success || found.data.appId !== canonical(appId)) {
      throw new KeyturnError('failed', { detail: 'The answer of Microsoft Graph does not parse.' });
    }
    return found.data;
  };
  return {
    async application(appId) {
      const select = 'id,appId,displayName,passwordCredentials,tags,signInAudience';
      const { id, passwordCredentials } = await read(appId, select, Facts);
      return { objectId: id, credentials: passwordCredentials.map(credentialOf) };
    },
    async appIdOf(objectId) {
      for (const at of ['applications', 'servicePrincipals']) {
        const doing = `show what has the object id ${canonical(objectId)}`;
        const found = await shownIn(
          Named,
          send(`/${canonical(objectId)}?$select=appId`, doing, undefined, at),
        );
        if (found) return found.appId;
      }
      return undefined;
    },
    async principalPasswords(appId) {
      const doing = `show the service principal of ${canonical(appId)}`;
      const path = `(appId='${canonical(appId)}')?$select=passwordCredentials`;
      const found = await shownIn(Held, send(path, doing, undefined, 'servicePrincipals'));
      return found?.passwordCredentials.map(credentialOf) ?? [];
    },
    async standing(appId) {
      const { graphAudience } = cloud;
      const token = await rest.credential.getToken(`${graphAudience}/.default`).catch(() => null);
      if (token === null)
        throw new BusyError('target-busy', {
          detail: 'No token for Microsoft Graph could be had.',
        });
      const doing = `show the owners of the application ${canonical(appId)}`;
      const found = Owners.safeParse(
        await send(`(appId='${canonical(appId)}')/owners?$select=id`, doing),
      );
      if (!found.success)
        throw new KeyturnError('failed', {
          detail: 'The answer of Microsoft Graph does not parse.',
        });
      const { value, '@odata.nextLink': next } = found.data;
      return { ...grantsIn(token), owners: value.map(({ id }) => id), more: !!next };
    },
    tags: async (appId) => (await read(appId, 'appId,tags', Tags)).tags,
    async addPassword(appId, { displayName, endsOn }) {
      const passwordCredential = { displayName, endDateTime: endsOn.toISOString() };
      const doing = `add a password to the application ${canonical(appId)}`;
      const added = Added.safeParse(
        await send(`(appId='${canonical(appId)}')/addPassword`, doing, { passwordCredential }),
      );
      // There is one now, and nobody knows its text.
      if (!added.success)
        throw new UnknownOutcomeError('target-busy', {
          detail: `Azure's answer does not parse (${doing}).`,
        });
      return { keyId: added.data.keyId, value: new Secret(added.data.secretText) };
    },
    async removePassword(objectId, keyId) {
      const doing = `remove the password ${canonical(keyId)}`;
      await send(`/${canonical(objectId)}/removePassword`, doing, {
        keyId: canonical(keyId),
      }).catch((error: unknown) => {
        if (!(error instanceof AbsentCredential)) throw error;
      });
    },
  };
}

/** No address is made of anything else (case SEC-01). */
function canonical(id: string): string {
  const parsed = guid.safeParse(id);
  if (!parsed.success) throw new KeyturnError('failed', { detail: 'Not a GUID.' });
  return parsed.data;
}

/** Undefined for whatever keeps it from being shown: nothing is decided by it. */
async function shownIn<T>(schema: z.ZodType<T>, asked: Promise<unknown>): Promise<T | undefined> {
  try {
    return schema.safeParse(await asked).data;
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

const credentialOf = (found: z.infer<typeof Passwords>[number]): AppCredential =>
  compact({
    keyId: found.keyId,
    displayName: found.displayName ?? '',
    hint: found.hint || undefined,
    startsOn: found.startDateTime,
    endsOn: found.endDateTime,
  });

/** The JSON of a 200, nothing of a 204; anything else in the shape in which SDKs throw it, for `fromGraph` to judge. */
function bodyOf(answer: PipelineResponse): unknown {
  const { status, headers } = answer;
  if (status === 204) return undefined;
  const body = jsonOf(answer);
  if (status === 200) return body;
  // Graph calls its id `request-id`.
  const get = (name: string) => headers.get(name === 'x-ms-request-id' ? 'request-id' : name);
  throw { statusCode: status, details: body, response: { headers: { get } } };
}

/** The application has no password with this keyId. */
class AbsentCredential extends KeyturnError {}

/** One refusal in two forms, told by code or by message (azure-facts 6). */
const CONCURRENT = /concurrent requests being made/i;
const POLICY = /^Credential(InvalidLifetime|TypeNotAllowed)AsPerAppPolicy$/;

function fromGraph(error: unknown, doing: string, write: boolean): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const failure = wireFailure(error);
  const { status = 0, code = '', text } = failure;
  const options = { ...facts(failure), detail: `Azure refused to ${doing} (${said(failure)}).` };
  const concurrent =
    status === 409 ||
    (status === 400 && (code === 'Directory_ConcurrencyViolation' || CONCURRENT.test(text)));
  if (failure.unsent || status === 429) return new BusyError('target-busy', options);
  if (concurrent) return new (write ? ConcurrentError : BusyError)('target-busy', options);
  if (failure.unanswered || status === 408 || status >= 500) {
    const detail = `Azure gave no clear answer when asked to ${doing} (${said(failure)}).`;
    return new (write ? UnknownOutcomeError : BusyError)('target-busy', { ...options, detail });
  }
  if (status === 404) return new AbsentError(facts(failure));
  return refusal(failure, options, write);
}

function refusal(
  { status, code = '', text }: WireFailure,
  options: { readonly detail: string },
  write: boolean,
): KeyturnError {
  if (status === 400 && /No password credential found/i.test(text))
    return new AbsentCredential('failed', options);
  if (POLICY.test(code))
    return new KeyturnError('target-policy', {
      ...options,
      detail: `${options.detail} ${remedyOf(code)}`,
    });
  if (code === 'Directory_ResourceSizeExceeded') return new KeyturnError('target-full', options);
  if (status === 401 || status === 403) {
    const right = write
      ? "Make Keyturn's identity an owner of the application, beside the permission Application.ReadWrite.OwnedBy."
      : 'Give Keyturn the permission Application.ReadWrite.OwnedBy of Microsoft Graph.';
    return new KeyturnError('target-forbidden', {
      ...options,
      detail: `${options.detail} ${right}`,
    });
  }
  return new KeyturnError('failed', options);
}

const remedyOf = (code: string): string =>
  code.startsWith('CredentialInvalidLifetime')
    ? "The tenant's app management policy allows shorter lives only: a credential lives for `every`, 30 days and the grace."
    : "The tenant's app management policy allows no client secrets here.";
