/** Client secrets at the place where they are used: the token endpoint of Entra (azure-facts 6 and 8.3). */

import type { Cloud } from '../azure/cloud.ts';
import { onlyTo, SINGLE_SEND } from '../core/pipeline.ts';
import type { Secret } from '../core/secret.ts';

/** `busy` for no answer, 429 and 5xx; otherwise the number behind `AADSTS`, 0 where there was none. */
export type TokenAnswer = 'accepted' | 'busy' | { readonly refused: number };

export interface ClientSecretProbe {
  /** One request for a token, with a client of its own, since they keep tokens. */
  tryLogin(appId: string, secret: Secret): Promise<TokenAnswer>;
}

const SECONDS = 20;

/** Asks for a token of Microsoft Graph, which every application gets, with or without rights; `@azure/identity` is loaded on first use. */
export function clientSecretProbe(options: {
  readonly cloud: Pick<Cloud, 'authority' | 'graphAudience'>;
  readonly tenantId: string;
}): ClientSecretProbe {
  const { cloud, tenantId } = options;
  return {
    async tryLogin(appId, secret) {
      const { ClientSecretCredential } = await import('@azure/identity');
      const credential = new ClientSecretCredential(tenantId, appId, secret.reveal(), {
        ...SINGLE_SEND,
        authorityHost: cloud.authority,
        // The cloud's own authority is the only host there is, whatever its metadata name (design section 6).
        disableInstanceDiscovery: true,
        additionalPolicies: [{ policy: onlyTo(cloud.authority), position: 'perCall' }],
      });
      try {
        await credential.getToken(`${cloud.graphAudience}/.default`, {
          abortSignal: AbortSignal.timeout(SECONDS * 1000),
        });
        return 'accepted';
      } catch (error) {
        return answerIn(error);
      }
    },
  };
}

/** MSAL's error stands behind the library's own: `cause.errorNo` and `cause.status` (measured, azure-facts 8.3). */
function answerIn(error: unknown): TokenAnswer {
  const { cause = {} } = Object(error) as { cause?: { errorNo?: unknown; status?: unknown } };
  const { errorNo, status } = Object(cause) as { errorNo?: unknown; status?: unknown };
  if (typeof status !== 'number' || status === 429 || status >= 500) return 'busy';
  return { refused: Number(errorNo) || 0 };
}

const HINT_LENGTH = 3;

/** What Graph shows of a password's text: its first three characters. */
export const hintOf = (value: Secret): string => value.reveal().slice(0, HINT_LENGTH);
