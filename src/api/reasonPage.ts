/**
 * The page of a reason: where problem details and alerts lead (RFC 9457: `type` is an address that explains). It is made from
 * the table of reasons alone, names nothing of this installation, and so needs no token.
 */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { isReason, reasonRow, reasons } from '../core/reasons.ts';
import { By, OVERRIDES, ReasonCode } from './problem.ts';

/** What a reason means. */
export const ReasonBody = z.strictObject({
  reason: ReasonCode,
  cause: z.string(),
  remedy: z.string(),
  by: By,
  overridableBy: z.string().optional().describe('The role that may set it aside for one request.'),
});
export const ReasonsBody = z.strictObject({ reasons: z.array(ReasonBody) });

/** What a reason means, as JSON. Throws `not-found` for what is no reason. */
export function reasonBody(code: string) {
  if (!isReason(code)) throw new KeyturnError('not-found');
  const { cause, remedy, by, overridable } = reasonRow(code);
  return compact({
    reason: code,
    cause,
    remedy,
    by,
    overridableBy: overridable ? OVERRIDES : undefined,
  });
}

/** Every reason, by its code. */
export const reasonsBody = () => ({
  reasons: Object.keys(reasons).filter(isReason).map(reasonBody),
});

/** The same for a person who follows a link out of an alert. No script, no style, no picture, nothing of the request. */
export function reasonHtml(code: string): string {
  const { reason, cause, remedy, by, overridableBy } = reasonBody(code);
  const acts =
    by === 'nobody'
      ? 'Nobody has to act.'
      : `Who acts: ${by === 'network' ? 'the owner of the network' : `the ${by}`}.`;
  const aside =
    overridableBy === undefined
      ? ''
      : `<p>For one request, <code>"override": ["${reason}"]</code> sets it aside; that needs the role <code>${overridableBy}</code>.</p>`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${reason}: Keyturn</title>
<body><h1>${reason}</h1><p>${escaped(cause)}</p><p>${acts}</p><p>${escaped(remedy)}</p>${aside}</body></html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
    .replace(/`([^`]*)`/g, '<code>$1</code>');
