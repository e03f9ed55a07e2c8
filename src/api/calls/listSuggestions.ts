/** `GET /api/suggestions`: how secrets that have not opted in could, by what their values seem to be. Never a value or a part of one. */
import { z } from 'zod';
import { compact } from '../../core/compact.ts';
import { type SecretRef, VAULT_NAME } from '../../core/ids.ts';
import { plain } from '../../core/plain.ts';
import type { Deps } from '../../ports/deps.ts';
import type { SuggestionRow } from '../../ports/suggestions.ts';
import { type Caller, requireRole } from '../auth.ts';
import { guarded } from '../call.ts';
import { CONTINUATION, fromContinuation, toContinuation } from '../continuation.ts';
import { itemsOf } from '../inventory.ts';
import { answer } from '../problem.ts';
import { parseQuery } from '../query.ts';

const PAGE_MAX = 100;

export const SuggestionsQuery = z.strictObject({
  vault: z
    .string()
    .regex(VAULT_NAME, 'vault must be the name of a vault')
    .optional()
    .describe('Of this vault only.'),
  continuation: CONTINUATION,
});

export const SuggestionsBody = z.strictObject({
  suggest: z
    .enum(['off', 'values'])
    .describe('What may be looked at: with `off` no value is read, and nothing is suggested.'),
  suggestions: z.array(
    z.strictObject({
      vault: z.string(),
      secret: z.string(),
      kind: z.string(),
      target: z.string().optional(),
      form: z.enum(['bare', 'connection-string', 'json']),
      by: z
        .enum(['host', 'key', 'shape'])
        .describe(
          '`host`: by the host that it names. `key`: the target holds the same key. `shape`: by its looks alone.',
        ),
      tags: z
        .record(z.string(), z.string())
        .describe('To be set on the secret, beside those that it has.'),
      consent: z
        .string()
        .optional()
        .describe('For the owner of the target, where all of it is known.'),
      missing: z
        .array(z.string())
        .describe('What a person has to add or mend first. Empty: nothing that is known.'),
      on: z.iso.datetime().describe('When the value was looked at.'),
    }),
  ),
  continuation: z.string().optional().describe('There where more follow.'),
});

interface Asked {
  readonly vault?: string;
  readonly after?: SecretRef;
}

/** Parses a query; an empty parameter is an absent one. Throws `bad-request` naming what is wrong. */
export function fromSuggestionsQuery(query: URLSearchParams): Asked {
  const { vault, continuation } = parseQuery(SuggestionsQuery, query);
  return compact({ vault: vault?.toLowerCase(), after: fromContinuation(continuation) });
}

/** Of secrets that have still not opted in, at most 100, by vault and name. */
async function suggestions(
  { vault: only, after }: Asked,
  caller: Caller,
  deps: Pick<Deps, 'rows' | 'unmanaged' | 'suggestions' | 'vaults' | 'config'>,
): Promise<readonly SuggestionRow[]> {
  requireRole(caller, 'Keyturn.Read');
  if (deps.config.suggest !== 'values') return [];
  const found: SuggestionRow[] = [];
  for (const vault of [...deps.vaults.names].sort()) {
    if ((only !== undefined && vault !== only) || (after && vault < after.vault)) continue;
    const there = (await deps.suggestions?.of(vault)) ?? [];
    if (there.length === 0) continue;
    const names = new Set((await itemsOf(vault, { managed: false }, deps)).map(({ name }) => name));
    const fresh = there.filter(({ name, proposal }) => proposal !== undefined && names.has(name));
    const more = fresh.filter(({ name }) => after?.vault !== vault || name > after.name);
    found.push(...more.sort((one, other) => (one.name < other.name ? -1 : 1)));
    if (found.length > PAGE_MAX) break;
  }
  return found;
}

const bodyOf = ({ vault, name, on, proposal }: SuggestionRow) => {
  if (!proposal) return [];
  const { kind, target, form, field, by, consent, missing } = proposal;
  const tags = compact({
    rotator: plain(kind),
    'rotator-target': target && plain(target, 512),
    'rotator-options':
      field === undefined ? undefined : `field=${encodeURIComponent(plain(field))}`,
  });
  return [
    compact({
      ...{ vault, secret: name, kind: plain(kind) },
      target: target && plain(target, 512),
      ...{ form, by, tags },
      consent: consent && plain(consent, 512),
      ...{ missing: missing.map((each) => plain(each, 1_000)), on },
    }),
  ];
};

export const listSuggestions = guarded({
  name: 'suggestions',
  method: 'GET',
  path: 'suggestions',
  summary: 'How secrets that have not opted in could, where values may be looked at',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  query: { schema: SuggestionsQuery, parse: fromSuggestionsQuery },
  answers: {
    200: { description: 'Found.', body: { name: 'SuggestionsBody', schema: SuggestionsBody } },
  },
  async run(deps, caller, { query }) {
    const found = await suggestions(query, caller, deps);
    const page = found.slice(0, PAGE_MAX);
    const last = page.at(-1);
    return answer(200, {
      suggest: deps.config.suggest ?? 'off',
      suggestions: page.flatMap(bodyOf),
      ...(last && found.length > PAGE_MAX ? { continuation: toContinuation(last) } : {}),
    });
  },
});
