/**
 * Who calls. The rules are those of design section 6, each checked by itself: `jwtVerify` with issuer and audience alone
 * also takes ID tokens, tokens without `exp` or `kid`, PS256, a list as `aud` and another tenant's (measured; case SEC-08).
 */
import type { JWTVerifyGetKey, ProtectedHeaderParameters } from 'jose';
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';

export type Role = 'Keyturn.Read' | 'Keyturn.Rotate' | 'Keyturn.Revoke';

/** The scope that an application needs to call for a person. */
export const SCOPE = 'Keyturn.Access';

export interface Caller {
  /** Object id in the tenant: who it was, in operations and audit. */
  readonly oid: string;
  readonly roles: readonly string[];
  readonly kind: 'user' | 'app';
  /** Object ids of groups, in lower case: of people alone, and as old as the token (facts D10: applications carry none). */
  readonly groups?: readonly string[];
  /** The token leaves its groups out, since they are too many. */
  readonly groupsLeftOut?: true;
  /** Named by the tags of these vaults: its roles count there and nowhere else. */
  readonly only?: readonly string[];
}

export interface Auth {
  /** The caller behind an `Authorization` header. Throws `no-token` (401), or `no-keys` (503) without signing keys. */
  authenticate(authorization: string | null): Promise<Caller>;
}

export interface AuthOptions {
  readonly tenant: string;
  /** `https://login.microsoftonline.com` or the cloud's own, without a slash at the end. */
  readonly authority: string;
  /** Who issues tokens of version 1; `https://sts.windows.net` where absent. */
  readonly sts?: string | undefined;
  readonly audience: string;
  readonly clock: Clock;
  readonly fetch?: typeof fetch;
}

const SKEW_SECONDS = 60;
/** Entra leaves out more than 200 (facts D10). */
const GROUPS_MAX = 200;
const GROUP = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TOKEN_CHARACTERS_MAX = 16_384;

/** Only these say who and what; everything else in a token is left unread. */
const Claims = z.object({
  aud: z.string(),
  tid: z.string(),
  exp: z.number(),
  nbf: z.number(),
  sub: z.string().min(1),
  oid: z.guid(),
  roles: z.array(z.string()).default([]),
  scp: z.string().optional(),
  idtyp: z.string().optional(),
  // Whatever else stands in these names no group: a name would be whoever calls a group so.
  groups: z.array(z.string()).max(GROUPS_MAX).catch([]).default([]),
  _claim_names: z.looseObject({}).optional().catch(undefined),
  hasgroups: z.boolean().optional().catch(undefined),
});
type Claims = z.infer<typeof Claims>;

/** Checks tokens against the keys of one tenant. Sends nothing before the first token comes. */
export function createAuth({
  tenant,
  authority,
  sts,
  audience,
  clock,
  fetch: send,
}: AuthOptions): Auth {
  const jwks = createRemoteJWKSet(
    new URL(`${authority}/${tenant}/discovery/v2.0/keys`),
    send ? { [customFetch]: (url, init) => send(url, init) } : {},
  );
  const keys = reachable(jwks);
  const issuer = issuers(authority, tenant, sts);

  const verify = async (token: string): Promise<Claims> => {
    const options = {
      algorithms: ['RS256'],
      issuer,
      audience,
      clockTolerance: SKEW_SECONDS,
      currentDate: clock.now(),
    };
    const { payload, protectedHeader } = await jwtVerify(token, keys, options);
    if (!headerFits(protectedHeader)) throw refused('its header');
    const claims = Claims.safeParse(payload);
    if (!claims.success) throw refused(`the claim ${String(claims.error.issues[0]?.path[0])}`);
    if (claims.data.aud !== audience) throw refused('the claim aud');
    if (claims.data.tid.toLowerCase() !== tenant.toLowerCase()) throw refused('the claim tid');
    return claims.data;
  };

  return {
    async authenticate(authorization) {
      const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
      if (!token || token.length > TOKEN_CHARACTERS_MAX) throw refused('its shape');
      try {
        // Asked before any key is: a token that can't be ours must not make us ask Entra.
        if (!headerFits(headerOf(token))) throw refused('its header');
        const claims = await verify(token);
        return {
          oid: claims.oid.toLowerCase(),
          roles: claims.roles,
          kind: kindOf(claims),
          ...groupsOf(claims),
        };
      } catch (error) {
        if (error instanceof errors.JOSEError) throw refused(faultOf(error));
        throw error;
      }
    },
  };
}

/** Throws `no-role` unless the caller has one of the roles, word for word. */
export function requireRole(caller: Caller, ...anyOf: readonly Role[]): void {
  if (anyOf.some((role) => caller.roles.includes(role))) return;
  throw new KeyturnError('no-role', {
    detail: `The token carries none of the roles ${anyOf.join(', ')}.`,
  });
}

/** The link that stands in the place of too many groups is never followed: it may lead to an old service (facts D10). */
function groupsOf({
  groups,
  _claim_names: names,
  hasgroups,
}: Claims): Pick<Caller, 'groups' | 'groupsLeftOut'> {
  const ids = groups.filter((group) => GROUP.test(group)).map((group) => group.toLowerCase());
  const isLeftOut = hasgroups === true || (names !== undefined && 'groups' in names);
  return compact({
    groups: ids.length > 0 ? ids : undefined,
    groupsLeftOut: isLeftOut ? true : undefined,
  });
}

/** The tenant's two issuers: of version 2 tokens, and of version 1. */
const issuers = (authority: string, tenant: string, sts = 'https://sts.windows.net'): string[] => [
  `${authority}/${tenant}/v2.0`,
  `${sts}/${tenant}/`,
];

/** jose throws a plain TypeError for a header that is no JSON. */
function headerOf(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    if (error instanceof TypeError) throw refused('its header');
    throw error;
  }
}

/** Entra marks no header as critical, so a token that does is none of Entra's. */
function headerFits({ alg, kid, typ, crit }: ProtectedHeaderParameters): boolean {
  const typed = typ === undefined || /^(application\/)?(jwt|at\+jwt)$/i.test(String(typ));
  return crit === undefined && alg === 'RS256' && typeof kid === 'string' && kid !== '' && typed;
}

/**
 * A person through an application that was given our scope, or an application by itself. An ID token is neither: it has
 * no scope, and its `sub` is not the `oid`.
 */
function kindOf({ scp, idtyp, oid, sub }: Claims): Caller['kind'] {
  if (scp === undefined && (idtyp === 'app' || (idtyp === undefined && oid === sub))) return 'app';
  if (scp?.split(' ').includes(SCOPE) && idtyp !== 'app') return 'user';
  throw refused('the claim scp');
}

/** The keys, with "there are none to be had" told apart from "none of them is this token's". */
function reachable(jwks: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await jwks(header, token);
    } catch (error) {
      if (
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys
      )
        throw error;
      throw new KeyturnError('no-keys');
    }
  };
}

function faultOf(error: Error): string {
  return error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired
    ? `the claim ${error.claim}`
    : 'its signature or shape';
}

const refused = (what: string): KeyturnError =>
  new KeyturnError('no-token', { detail: `The token is not acceptable because of ${what}.` });
