/** What the identity's own token for Microsoft Graph says that it may do. */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import type { GraphGrants } from '../core/rightChecks.ts';

const Claims = z.object({
  roles: z.array(z.string()).default([]),
  iat: z.number(),
  oid: z.guid().toLowerCase().optional(),
});

/** The token is the identity's own and goes nowhere from here, so nobody has to verify it. */
export function grantsIn({ token }: { readonly token: string }): GraphGrants {
  const [, claims = ''] = token.split('.');
  const { roles, iat, oid } = Claims.parse(
    JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')),
  );
  return compact({ permissions: roles, issuedOn: new Date(iat * 1000), oid });
}
