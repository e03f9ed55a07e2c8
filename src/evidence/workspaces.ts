/**
 * Queries to Log Analytics workspaces. A client of our own over the thin one: `@azure/monitor-query-logs` ignores `abortSignal` and its
 * `audience`, throws a TypeError without a status on an error body that it does not know, and drops the reason of a partial answer
 * (facts F7, measured). The engine bounds the time.
 */
import type { TokenCredential } from '@azure/identity';
import type { Cloud } from '../azure/cloud.ts';
import { jsonOf, thinClient } from '../azure/thinClient.ts';
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';

/** A row by the names of its columns. */
export type LogRow = Readonly<Record<string, unknown>>;

/** What a workspace said: its rows, or why nothing follows from its answer. */
export type LogAnswer = { readonly rows: readonly LogRow[] } | { readonly untold: string };

export interface Workspaces {
  /** Of each workspace one answer; the query runs over what was taken in since then. Never throws. */
  ask(query: string, since: Date): Promise<readonly LogAnswer[]>;
}

export interface WorkspacesOptions {
  /** Workspace ids, GUIDs of the settings. */
  readonly ids: readonly string[];
  readonly cloud: Pick<Cloud, 'logs'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}

/** Undefined where none is named, or the cloud has no such service. */
export function workspacesOf({
  ids,
  cloud: { logs },
  credential,
  clock,
}: WorkspacesOptions): Workspaces | undefined {
  if (ids.length === 0 || logs === undefined) return undefined;
  // The scope is the address itself (facts F7).
  const client = thinClient({
    endpoint: logs,
    audience: logs,
    credential,
    clock,
    isRead: () => true,
  });
  return {
    ask: (query, since) =>
      Promise.all(
        ids.map(async (id): Promise<LogAnswer> => {
          try {
            const timespan = `${since.toISOString()}/${clock.now().toISOString()}`;
            const answer = await client('POST', `${logs}/v1/workspaces/${id}/query`, {
              query,
              timespan,
            });
            return answerOf(answer.status, jsonOf(answer));
          } catch (error) {
            const why = error instanceof KeyturnError ? error.reason : 'no answer';
            return { untold: `The workspace could not be asked (${why}).` };
          }
        }),
      ),
  };
}

/** Rows of a whole answer alone. A partial one comes with 200 and `error`; a table that never got a row is a 400 (facts F7). */
export function answerOf(status: number, body: unknown): LogAnswer {
  const { error, tables } = (typeof body === 'object' && body !== null ? body : {}) as Body;
  if (status === 400)
    return {
      untold: 'The workspace has no such table, or one of the Basic plan: no log of it flows.',
    };
  if (status === 401 || status === 403)
    return {
      untold: 'Keyturn may not read the workspace: give it Log Analytics Data Reader there.',
    };
  if (status === 404) return { untold: 'There is no workspace of an id in KEYTURN_WORKSPACES.' };
  if (status !== 200) return { untold: `The workspace answered ${status}.` };
  if (error !== undefined) return { untold: 'The workspace gave a part of the answer alone.' };
  const [table] = Array.isArray(tables) ? tables : [];
  if (!Array.isArray(table?.columns) || !Array.isArray(table.rows))
    return { untold: 'The workspace gave an answer without a table.' };
  const names = table.columns.map(({ name }) => String(name));
  return {
    rows: table.rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]]))),
  };
}

interface Body {
  readonly error?: unknown;
  readonly tables?: {
    readonly columns?: { readonly name?: unknown }[];
    readonly rows?: unknown[][];
  }[];
}

/** A text as a literal of KQL: there is no binding of values in this call (facts F7). Only ids that we have parsed ourselves get here. */
export function kql(text: string): string {
  if (!/^[\x20-\x7e]{1,300}$/.test(text))
    throw new KeyturnError('failed', { detail: 'Not a text for a query.' });
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
